"""Dashboards, without their tiles: those are a kind of their own, since they name insights that name the dashboard."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import plain, tags, text
from providers.posthog.kinds.wording import Wording, switchable

_FILTERS = ("date_from", "date_to", "properties")


def plain_filters(value: Any) -> Any:
    """Return a dashboard's or a tile's filters without what filters nothing."""
    if not isinstance(value, dict):
        return value
    kept = {name: item for name, item in plain(value).items() if item not in ("", [], {})}
    if kept.get("explicitDate") is False:
        del kept["explicitDate"]
    return kept


DASHBOARD = Kind(
    name="dashboard",
    type="Dashboard",
    collection="dashboards",
    scope="dashboard",
    pages=("dashboard/{id}",),
    folder="dashboards",
    natural_key=("name",),
    # HogQL does not have all of many dashboards at once either: `system.dashboards` lacks `customization`, and
    # `system.dashboard_tiles` what texts, buttons and widgets show (posthog/hogql/database/schema/system.py, 2026-09).
    listed=False,
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        Field("tags", default=[], normalise=tags),
        Field("pinned", default=False, wording=switchable("is pinned", "is no longer pinned")),
        # `filters` reflects the request that reads it; what is stored is in `persisted_filters`. PostHog ignores
        # `filters: {}`; an object of nulls is what clears them.
        Field(
            "filters",
            tree=("cohort",),
            read_path=("persisted_filters",),
            logged="filters",
            default={},
            normalise=plain_filters,
            write=lambda value, _: {**dict.fromkeys(_FILTERS), **value},
        ),
        # 21: everybody in the project may edit; 37: only collaborators.
        Field(
            "restriction_level",
            default=21,
            wording=Wording(
                says={21: "may be edited by everybody in the project", 37: "may be edited by its collaborators only"}
            ),
        ),
        # Two fields of a request, and parts of one field of an answer.
        Field("grid_spacing", read_path=("customization", "tile_spacing"), default="standard"),
        Field("layout_compaction", read_path=("customization", "layout_compaction"), default="vertical"),
    ),
    left={
        "variables": "values for variables of SQL insights, by ids that differ per project",
        "breakdown_colors": "colours that people give to breakdown values on the page",
        "data_color_theme_id": "the id of a colour theme, which differs per project",
        "quick_filter_ids": "ids of quick filters, which differ per project",
        "use_template": "makes a dashboard from one of PostHog's templates, once",
        "use_dashboard": "makes a dashboard as a copy, once",
        "duplicate_tiles": "goes with use_dashboard",
        "delete_insights": "goes with a deletion",
    },
)
