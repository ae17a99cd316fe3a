"""The author's forms of the kinds: YAML to canonical properties and back.

Most kinds are written as PostHog has them, with keys where their tables say that they refer to something (see
:mod:`ai_admin.definitions.forms.base`). What is written otherwise has a module of the kind's name here, with what is
its own of ``expand(unit, index)``, ``contract(gathered)`` and, for trees, ``references(unit)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from ai_admin.definitions.forms import base
from ai_admin.definitions.forms.base import Form, Reference
from ai_admin.definitions.index import Unit
from providers.posthog.kinds import KINDS, Kind


def _form(kind: Kind) -> Form:
    module = f"{__name__}.{kind.name}"
    own = import_module(module) if find_spec(module) else base
    trees = getattr(own, "references", None) if own is not base else None

    def references(unit: Unit) -> Iterator[Reference]:
        yield from base.references(unit)
        if trees:
            yield from trees(unit)

    contract = partial(base.contract, kind) if own is base else own.contract
    return Form(getattr(own, "expand", base.expand), contract, references)


FORMS = {kind.name: _form(kind) for kind in KINDS.values() if kind.folder}

__all__ = ["FORMS", "Form", "Reference"]
