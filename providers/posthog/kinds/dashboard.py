"""Dashboards, without their tiles: those are a kind of their own, since they name insights that name the dashboard."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Directory, Field, Kind
from providers.posthog.kinds.normal import plain, tags, text

_FILTERS = ("date_from", "date_to", "properties")


def _filters(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in plain(value).items() if item not in ("", [], {})}


def _write_filters(value: dict[str, Any], _: Directory) -> Any:
    # PostHog ignores `filters: {}`; an object of nulls is what clears them.
    return {**dict.fromkeys(_FILTERS), **value}


DASHBOARD = Kind(
    name="dashboard",
    type="Dashboard",
    collection="dashboards",
    scope="dashboard",
    natural_key=("name",),
    listed=False,
    fields=(
        Field("name", normalise=text, required=True, manageable=False),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("pinned", default=False),
        # `filters` reflects the request that reads it; what is stored stands in `persisted_filters`.
        Field(
            "filters", read_path=("persisted_filters",), default={}, normalise=_filters, write=_write_filters
        ),
        # 21: everybody in the project may edit; 37: only collaborators.
        Field("restriction_level", default=21),
    ),
)
