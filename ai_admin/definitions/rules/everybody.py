"""Filters that match everybody: a condition for everybody has no filter."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ai_admin.definitions.filters import filters
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.unreadable import is_readable
from providers.posthog.consents import matches_every_value


@rule("flag", "cohort")
def leaves_somebody_out(unit: Unit, _: Index) -> Iterator[Finding]:
    """A filter of a flag or a cohort does not match whatever the property holds."""
    for each in filters(unit):
        value, operator = each.leaf.get("value"), each.leaf.get("operator", "exact")
        listed = value if isinstance(value, list) else [value]
        if is_readable(operator, value, *listed) and matches_every_value(each.leaf):
            shown = json.dumps(value, ensure_ascii=False)
            message = f'{operator} {shown} matches everybody who has "{each.leaf.get("key")}"'
            fix = "remove the filter to mean everybody, or write operator: is_set, without value, for those who have it"
            yield Finding((*each.path, "value"), message, fix)
