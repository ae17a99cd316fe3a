"""Rules that a schema can't express: between the parts of a definition, and between definitions.

The rules are those that the modules here register with ``index.rule``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ai_admin.definitions import index
from ai_admin.definitions.forms import FORMS

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

RULES = {kind: tuple(rule for rule in index.RULES if rule.kind == kind) for kind in FORMS}
"""The rules of each kind of unit."""
