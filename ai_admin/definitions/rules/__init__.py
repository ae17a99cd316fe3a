"""What a schema cannot say: rules between the parts of a definition, and between definitions. One small
module each.
"""

from __future__ import annotations

from ai_admin.definitions.files import KINDS
from ai_admin.definitions.rules import (
    actions,
    alerts,
    catalogue,
    cohorts,
    conditions,
    cycles,
    dashboards,
    dates,
    dependencies,
    everybody,
    experiments,
    formulas,
    identity,
    notifications,
    payloads,
    queries,
    references,
    sizes,
    sql,
    subscriptions,
    unmanaged,
    values,
    variants,
)
from ai_admin.definitions.world import Rule

_MODULES = (
    actions,
    alerts,
    catalogue,
    cohorts,
    conditions,
    cycles,
    dashboards,
    dates,
    dependencies,
    everybody,
    experiments,
    formulas,
    identity,
    notifications,
    payloads,
    queries,
    references,
    sizes,
    sql,
    subscriptions,
    unmanaged,
    values,
    variants,
)

RULES: dict[str, tuple[Rule, ...]] = {
    kind: tuple(rule for module in _MODULES for rule in module.RULES if rule.kind == kind) for kind in KINDS
}
