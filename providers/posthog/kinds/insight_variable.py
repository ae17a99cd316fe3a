"""Insight variables: what people choose on a dashboard for ``{variables.code_name}`` in SQL insights.

PostHog makes the code name of the name, once, and no call changes it; so another name is another variable.
"""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import each_item, plain
from providers.posthog.kinds.wording import switchable


def _default(value: Any) -> Any:
    """Return what is chosen at first: PostHog makes a list of one value where several can be chosen, and back."""
    value = plain(value)
    if value in ("", []):
        return None
    return value[0] if isinstance(value, list) and len(value) == 1 else value


INSIGHT_VARIABLE = Kind(
    name="insight_variable",
    type="InsightVariable",
    collection="insight_variables",
    scope="insight_variable",
    pages=("data-management/variables",),
    folder="insights/variables",
    natural_key=("name",),
    numeric_id=False,
    soft_delete=False,
    fields=(
        Field("name", immutable=True, distinct=True, required=True),
        Field("type", immutable=True, required=True),
        Field("default_value", normalise=_default),
        Field("values", default=[], normalise=each_item(lambda item: str(plain(item)))),  # PostHog keeps text
        Field("is_multi", default=False, wording=switchable("takes several values", "takes one value")),
    ),
    left={
        "values_query": "a query that lists the values; people write it on PostHog's pages, which show them",
        "values_query_connection_id": "goes with values_query",
    },
)
