"""Rules that a schema can't express: between the parts of a definition, and between definitions.

The rules are the ``RULES`` of the modules here.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Rule

_MODULES = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]

RULES: dict[str, tuple[Rule, ...]] = {
    kind: tuple(rule for module in _MODULES for rule in getattr(module, "RULES", ()) if rule.kind == kind)
    for kind in FORMS
}
