"""Dashboards (PostHog: products/dashboards/backend/api/dashboard.py).

Traps: POST drops `tiles`; every GET moves `last_accessed_at`; `filters: {}` is ignored; a filter that PostHog doesn't
know is stored, and breaks the dashboard once it shows an insight; the list has no tiles or filters; restoring one
brings back every tile it ever had.
"""

import json
from typing import Any

from sandbox.auth.identity import ADMIN, level
from sandbox.resources.analytics import dashboard_tiles, subscription_effects, tiles
from sandbox.resources.analytics.insights import INSIGHTS
from sandbox.resources.organization.tenancy import put_project
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    TAGS,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    mapping,
    read_only,
    text,
    write_only,
)
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Forbidden, Invalid, failure

# PostHog's DashboardFilter (posthog/schema.py, 2026-09).
FILTERS = frozenset(
    {"breakdown_filter", "date_from", "date_to", "explicitDate", "filterTestAccounts", "interval", "properties"}
)
EVERYBODY, COLLABORATORS = 21, 37
# Where a dashboard's look is sent, and where it is read: in parts of `customization`.
LOOK = {"grid_spacing": "tile_spacing", "layout_compaction": "layout_compaction"}
# What is shown of a tile as it is.
TILE = tuple("id button_tile widget layouts color show_description transparent_background".split())
DETAIL_ONLY = tuple(
    "tiles filters variables persisted_filters persisted_variables breakdown_colors quick_filter_ids".split()
)


class Dashboards(Resource):
    kind, collection, scope, log_scope = "dashboard", "dashboards", "dashboard", "Dashboard"
    has_access_controls = True
    life, environments = Life.SOFT_GONE, True
    order = "json_extract(data, '$.pinned') DESC, json_extract(data, '$.name'), seq"
    fields = (
        ID,
        Field("name", text(400), null=True),
        Field("description", text(), default=""),
        Field("pinned", boolean, default=False),
        CREATED_AT,
        CREATED_BY,
        read_only("last_accessed_at"),
        read_only("last_viewed_at"),
        read_only("is_shared", False),
        Field("deleted", boolean, default=False),
        read_only("creation_mode", "default"),
        Field("filters", mapping, default={}),
        Field("variables", mapping, default={}, null=True),
        Field("breakdown_colors", anything, default=[], null=True),
        Field("data_color_theme_id", integer(), null=True),
        TAGS,
        Field("restriction_level", choice(EVERYBODY, COLLABORATORS), default=EVERYBODY),
        read_only("effective_restriction_level", EVERYBODY),
        read_only("effective_privilege_level", COLLABORATORS),
        read_only("user_access_level"),
        read_only("access_control_version", "v2"),
        read_only("last_refresh"),
        read_only("persisted_filters"),
        read_only("persisted_variables"),
        read_only("team_id"),
        Field("quick_filter_ids", items(text()), null=True),
        read_only("customization", {}),
        write_only("grid_spacing", choice("tight", "condensed", "standard", "relaxed", "wide"), null=False),
        write_only("layout_compaction", choice("vertical", "horizontal", "stable"), null=False),
        write_only("use_template", text()),
        write_only("use_dashboard", integer()),
        write_only("duplicate_tiles", boolean),
        write_only("delete_insights", boolean),
        FOLDER,
    )

    def actions(self) -> list[Action]:
        return [Action("run_insights", self._run_insights, scopes=("query:read",))]

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        for name in ("filters", "variables"):
            if name in values and not values[name]:
                del values[name]  # PostHog looks whether it is truthy: {} clears nothing
        look = {LOOK[name]: values.pop(name) for name in LOOK if name in values}
        if look:
            values["customization"] = {**(before or {}).get("customization", {}), **look}
        if before is None:
            for name in ("use_template", "use_dashboard"):
                if values.get(name):
                    raise Invalid("This server makes no dashboard from another one.", name)
            return {**self.initial(context), "team_id": context.project["id"], **values}
        restricted = before["restriction_level"] == COLLABORATORS
        own = level(context) >= ADMIN or before["created_by"] == context.user["id"]
        if restricted and not own:
            raise Forbidden("You don't have edit permissions for this dashboard.")
        if "restriction_level" in values and not own:
            raise Forbidden(
                "Only the dashboard owner and project admins have the restriction rights required to "
                "change the dashboard's restriction level."
            )
        return {**before, **values}

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if before is None:
            return
        if after["deleted"] and not before["deleted"]:
            self._deleted(context, after, bool(values.get("delete_insights")))
        elif before["deleted"] and not after["deleted"]:
            self._restored(context, after)
        sent = context.data.get("tiles") if context.method in ("PATCH", "PUT") else None
        if isinstance(sent, list):
            dashboard_tiles.write(context, after, sent)

    def _deleted(self, context: Context, row: Data, with_insights: bool) -> None:
        if context.project["primary_dashboard"] == row["id"]:
            put_project(context.store, {**context.project, "primary_dashboard": None})
        subscription_effects.left_by_all(context, row["id"])
        for tile in tiles.of_dashboard(context.store, row["id"]):
            tiles.put(context, {**tile, "deleted": True})
            if with_insights and tile["insight"] and not tiles.of_insight(context.store, tile["insight"]):
                insight = context.store.get("insight", tile["insight"])
                if insight and not insight["deleted"]:
                    INSIGHTS.amend(context, insight, {"deleted": True, "saved": insight["saved"]})

    def _restored(self, context: Context, row: Data) -> None:
        for tile in tiles.of_dashboard(context.store, row["id"], deleted=True):
            tiles.put(context, {**tile, "deleted": False})
            insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
            if insight and insight["deleted"]:
                INSIGHTS.store(context, {**insight, "deleted": False})

    # Reading ------------------------------------------------------------------------------------------------

    def retrieve(self, context: Context, row: Data) -> Any:
        row["last_accessed_at"] = timestamp()
        self.store(context, row)
        return failure() if self._breaks(context, row) else self.show(context, row)

    def update(self, context: Context, row: Data) -> Any:
        """What is written stays written, also where the answer then fails."""
        after = self.amend(context, row, self.clean(context.data, creating=context.method == "PUT"))
        return failure() if self._breaks(context, after) else self.show_written(context, after)

    def _breaks(self, context: Context, row: Data) -> bool:
        """Whether the dashboard shows an insight and has a filter that no query can be given (measured, 2026-07)."""
        unknown = set(row["filters"]) - FILTERS
        return bool(unknown) and any(tile["insight"] for tile in tiles.of_dashboard(context.store, row["id"]))

    def _run_insights(self, context: Context, row: Data) -> Any:
        """The result of every insight in its order, as the dashboard's filters and variables make it."""
        if self._breaks(context, row):
            return failure()
        found = []
        for tile in tiles.of_dashboard(context.store, row["id"]):
            insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
            if insight and insight["query"]:
                filters = {**row["filters"], **(tile["filters_overrides"] or {})}
                shown = INSIGHTS.show_tile(context, insight, filters, row["variables"], "blocking")
                named = {name: shown[name] for name in ("id", "short_id", "name", "derived_name", "result")}
                found.append({"id": tile["id"], "insight": named})
        return {"results": found}

    def show(self, context: Context, row: Data) -> Data:
        shown = self._plain(context, row)
        shown["persisted_filters"] = row["filters"] or None
        shown["persisted_variables"] = row["variables"] or None
        shown["quick_filter_ids"] = row["quick_filter_ids"] or []
        shown["filters"] = {**row["filters"], **_override(context.query.get("filters_override"))}
        shown["tiles"] = [
            show_tile(context, tile, shown["filters"], row["variables"])
            for tile in tiles.of_dashboard(context.store, row["id"])
        ]
        return shown

    def _plain(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        shown["effective_restriction_level"] = row["restriction_level"]
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        shown = self._plain(context, row)
        return {name: value for name, value in shown.items() if name not in DETAIL_ONLY}


def show_tile(context: Context, tile: Data, filters: Data, variables: Data | None = None) -> Data:
    """A tile with its whole insight, whose query the dashboard's filters and variables are merged into."""
    insight = context.store.get("insight", tile["insight"]) if tile["insight"] else None
    override = tile["filters_overrides"] or {}
    content = tile["text"]
    shown = INSIGHTS.show_tile(context, insight, {**filters, **override}, variables) if insight else None
    return {
        **{name: tile[name] for name in TILE},
        "insight": shown,
        "text": content and dashboard_tiles.show_text(context, content, tile),
        "filters_overrides": override,
        "order": None,
        "last_refresh": shown and shown["last_refresh"],
        "is_cached": bool(shown and shown["is_cached"]),
    }


def _override(text: str | None) -> Data:
    try:
        parsed = json.loads(text or "{}")
    except ValueError as error:
        raise Invalid("Invalid JSON passed in filters_override parameter") from error
    return parsed if isinstance(parsed, dict) else {}


DASHBOARDS = Dashboards()
