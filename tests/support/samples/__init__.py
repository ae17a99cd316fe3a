"""A sample of every field of every kind, for the tests of the laws that hold for all of them.

A new kind is one more module here, whose ``SAMPLES`` has, by the kind's name, a
:class:`~tests.support.samples.base.Samples` with a :class:`~tests.support.samples.base.Sample` for each field of its
table. A kind or a field without one fails ``tests/unit/posthog/test_tables.py``. What samples refer to
(``Ref("insight", "trend")``) is in ``world.py``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.support.samples.base import Sample, Samples

_MODULES = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
SAMPLES: dict[str, Samples] = {
    name: samples for module in _MODULES for name, samples in getattr(module, "SAMPLES", {}).items()
}

__all__ = ["SAMPLES", "Sample", "Samples"]
