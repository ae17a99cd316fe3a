"""Insights (PostHog: products/product_analytics/backend/api/insight.py).

Traps: a query is checked (`query_schema.py`), stored verbatim, and read with `version` added; `dashboards` is the full
set of dashboards and the only way onto one, but only answered where it is asked for (`Settings.insight_dashboards`);
deleting an insight, or giving it a query that can't be alerted on, erases its alerts; `last_modified_by` tells who sent
a name or a description last, and nothing of who changed the query, the tags or the dashboards; pages of the list repeat
and skip insights, unless an order is asked for; `result` is what is kept of its last computation, unless `refresh` asks
for a new one (`answers.py`).
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.auth.users import show_user
from sandbox.resources.analytics import alert_effects, answers, queries, query_schema, tiles
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    LAST_MODIFIED_BY,
    TAGS,
    UPDATED_AT,
    Field,
    boolean,
    integer,
    items,
    mapping,
    read_only,
    short_id,
    text,
    worded,
    write_only,
)
from sandbox.rest.listing import Condition, column, equals, flagged, limit_and_offset, tagged, truth
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data, Reference
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Forbidden, Invalid, Missing, Required

MATERIAL = {"name", "description"}  # what counts as a modification (PostHog: MATERIAL_INSIGHT_FIELDS, without filters)
ALERTABLE = frozenset({"TrendsQuery", "FunnelsQuery", "HogQLQuery"})
ON_DASHBOARD = (
    "EXISTS (SELECT 1 FROM refs a JOIN refs b ON a.kind = b.kind AND a.id = b.id"
    " JOIN objects t ON t.kind = a.kind AND t.id = a.id WHERE a.kind = 'tile' AND t.listed = 1"
    " AND a.to_kind = 'insight' AND a.to_id = objects.id AND b.to_kind = 'dashboard' AND b.to_id = ?)"
)
BASIC = tuple(
    "id short_id name derived_name filters query dashboards dashboard_tiles description last_refresh refreshing saved"
    " tags updated_at created_by created_at last_modified_at favorited last_viewed_at user_access_level".split()
)


class Insights(Resource):
    kind, collection, scope, log_scope = "insight", "insights", "insight", "Insight"
    has_access_controls = True
    life, environments, key = Life.SOFT_GONE, True, "short_id"
    filters: ClassVar = {
        "short_id": lambda value: ("natural = ?", [value]),
        "saved": lambda value: flagged("saved")(value or "true"),
        "favorited": lambda value: flagged("favorited")(value or "true"),
        "created_by": lambda value: equals("created_by", value.strip("[]")),
        "tags": tagged,
    }
    search = ("name", "derived_name", "description", "tags")
    fields = (
        ID,
        read_only("short_id"),
        Field("name", text(400), null=True),
        Field("derived_name", text(400), null=True),
        Field("query", worded("Query must be a valid JSON object", mapping), null=True),
        read_only("filters", {}),
        read_only("filters_hash"),
        Field("order", integer(), null=True),
        Field("deleted", boolean, default=False),
        write_only("dashboards", items(integer())),
        read_only("last_refresh"),
        read_only("refreshing", False),
        read_only("cache_target_age"),
        read_only("next_allowed_client_refresh"),
        read_only("result"),
        read_only("hasMore"),
        read_only("columns"),
        CREATED_AT,
        CREATED_BY,
        Field("description", text(400), default="", null=True),
        UPDATED_AT,
        TAGS,
        Field("favorited", boolean, default=False),
        Field("saved", boolean, default=False),
        read_only("last_modified_at"),
        LAST_MODIFIED_BY,
        read_only("is_sample", False),
        read_only("effective_restriction_level", 21),
        read_only("effective_privilege_level", 37),
        read_only("user_access_level"),
        read_only("timezone"),
        read_only("is_cached", False),
        read_only("query_status"),
        read_only("hogql"),
        read_only("types"),
        read_only("resolved_date_range"),
        read_only("last_viewed_at"),
        FOLDER,
    )

    def references(self, row: Data) -> Iterable[Reference]:
        return {("cohort", identifier) for identifier in queries.cohorts_in(row["query"])}

    def label(self, row: Data) -> str | None:
        return super().label(row) or super().label({"name": row["derived_name"]})

    def extra(self, context: Context, row: Data) -> Data:
        return {"short_id": row["short_id"]}

    def actions(self) -> list[Action]:
        return [self.activity_action(), self.activity_action(detail=False)]

    # Writing ------------------------------------------------------------------------------------------------

    def create(self, context: Context) -> Any:
        self._parse(context)
        return super().create(context)

    def update(self, context: Context, row: Data) -> Any:
        self._parse(context)
        return super().update(context, row)

    def _parse(self, context: Context) -> None:
        """PostHog's parser of this kind's requests checks the query before anything else does (QuerySchemaParser)."""
        if context.data.get("query"):
            query_schema.parse(context.data["query"])

    def fresh(self, context: Context) -> Data:
        """A new insight with its short id."""
        return {**self.initial(context), "short_id": short_id(), "last_modified_at": timestamp()}

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if context.request.headers.get("x-posthog-client") == "mcp":
            if "query" in values:
                values["query"] = query_schema.saved(values["query"])
            elif before is None:
                raise Required("query")
        if context.data.get("filters") and not values.get("query"):
            # Refused by the newest version and by older ones where a switch of the organisation says so.
            raise Forbidden("Creating or updating insights with legacy filters is not available for this user.")
        for identifier in values.get("dashboards") or []:
            dashboard = context.store.get("dashboard", identifier, self.parent_id(context))
            if dashboard is None:
                raise Missing(identifier, "dashboards")
            if dashboard["deleted"]:
                raise Invalid("Dashboard not found")
        if before is None:
            return {**self.fresh(context), **values}
        row = {**before, **values, "is_sample": False, "saved": values.get("saved", True)}
        if MATERIAL & values.keys():
            row.update(last_modified_at=timestamp(), last_modified_by=context.user["id"])
        return row

    def touch(self, context: Context, row: Data) -> None:
        row["updated_at"] = timestamp()

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        if after["deleted"]:
            for tile in tiles.of_insight(context.store, after["id"]):
                tiles.put(context, {**tile, "deleted": True})
        elif values.get("dashboards") is not None:
            tiles.attach(context, after["id"], values["dashboards"])
        source = queries.source_of(after["query"])
        if before is not None and (after["deleted"] or source is None or source.get("kind") not in ALERTABLE):
            for alert in self._alerts(context, after):
                alert_effects.take_along(context, alert)
                context.store.remove("alert", alert["id"])

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        """By number or by `short_id`."""
        if not identifier.isdecimal():
            row = context.store.find(self.kind, identifier, self.parent_id(context))
            identifier = str(row["id"]) if row else identifier
        return super().fetch(context, identifier, deleted)

    def _alerts(self, context: Context, row: Data) -> list[Data]:
        return context.store.referrers("insight", row["id"], "alert")

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        return self._whole(context, row)

    def _whole(self, context: Context, row: Data, in_list: bool = False) -> Data:
        shown = self._stored(context, row)
        shown["alerts"] = [_show_alert(context, each) for each in self._alerts(context, row)]
        refresh = context.query.get("refresh", "").lower()
        shown.update(answers.of_insight(context, shown["query"], refresh, in_list=in_list))
        return shown

    def _stored(self, context: Context, row: Data) -> Data:
        """The insight without its alerts."""
        shown = super().show(context, row)
        shown["query"] = queries.upgrade(row["query"])
        found = tiles.of_insight(context.store, row["id"])
        if context.settings.insight_dashboards == "served" or truth(context.query.get("include_dashboards", "0")):
            shown["dashboards"] = [tile["dashboard"] for tile in found]
        shown["dashboard_tiles"] = [
            {"id": tile["id"], "dashboard_id": tile["dashboard"], "deleted": tile["deleted"]} for tile in found
        ]
        return shown

    def show_basic(self, context: Context, row: Data) -> Data:
        """PostHog's InsightBasic: in `?basic=true` lists and inside alerts."""
        shown = self._stored(context, row)
        return {name: shown[name] for name in BASIC if name in shown}

    def show_tile(self, context: Context, row: Data, filters: Data | None, variables: Data | None = None,
                  refresh: str | None = None) -> Data:  # fmt: skip
        """The insight as a tile of a dashboard with these filters and variables shows it."""
        shown = self._stored(context, row)
        query = queries.with_variables(queries.in_dashboard(shown["query"], filters), variables)
        refresh = context.query.get("refresh", "").lower() if refresh is None else refresh
        return {**shown, "query": query, "alerts": [], **answers.of_insight(context, query, refresh, in_list=True)}

    def show_in_list(self, context: Context, row: Data) -> Data:
        return self.show_basic(context, row) if context.flag("basic") else self._whole(context, row, in_list=True)

    def ordering(self, context: Context) -> str:
        """By `?order=`, else by a column that is null: a database then has each page in an order of its own."""
        asked = context.query.get("order", "")
        if asked.removeprefix("-") in self.by_name:
            return f"{column(asked.removeprefix('-'))} {'DESC' if asked.startswith('-') else 'ASC'}"
        later = limit_and_offset(context, self.page_size)[1] > 0
        return f"{column('order')}, seq {'DESC' if later else 'ASC'}"

    def conditions(self, context: Context) -> list[Condition]:
        asked = context.query.get("dashboards", "").strip("[]").split(",")
        return super().conditions(context) + [(ON_DASHBOARD, [each.strip()]) for each in asked if each.strip()]


def _show_alert(context: Context, alert: Data) -> Data:
    """An alert within its insight: people as objects, without checks."""
    users = [show_user(context, each) for each in alert["subscribed_users"]]
    return {**alert, "subscribed_users": users, "created_by": show_user(context, alert["created_by"])}


INSIGHTS = Insights()
