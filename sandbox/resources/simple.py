"""Kinds with little of their own: actions, annotations, insight variables, saved metrics, property groups,
templates.

What is peculiar stands beside each: see the traps named in the classes.
"""

import re
from typing import Any, ClassVar

from sandbox.errors import Invalid
from sandbox.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    TAGS,
    UPDATED_AT,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    mapping,
    moment,
    read_only,
    text,
)
from sandbox.listing import Condition, column, equals
from sandbox.resource import Life, Resource
from sandbox.store import Data
from sandbox.web import Context, timestamp

STEP = (
    "event",
    "properties",
    "selector",
    "selector_regex",
    "tag_name",
    "text",
    "text_matching",
    "href",
    "href_matching",
    "url",
    "url_matching",
)


def _steps(value: Any, attr: str) -> list[Data]:
    """An action's steps, read with every key: null where unset, `url_matching` "contains"."""
    steps = []
    for step in items(mapping)(value, attr):
        full = {name: step.get(name) for name in STEP}
        steps.append({**full, "url_matching": step.get("url_matching", "contains")})
    return steps


class Actions(Resource):
    """Traps: the list is `{"results": [...]}` without pages; a name is unique among the live ones; steps are
    replaced as a whole; a deleted one still answers GET.
    """

    kind, collection, scope, log_scope = "action", "actions", "action", "Action"
    life = Life.SOFT_READABLE
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True, null=True),
        Field("description", text(), default=""),
        TAGS,
        Field("post_to_slack", boolean, default=False),
        Field("slack_message_format", text(1200), default=""),
        Field("steps", _steps, default=[]),
        CREATED_AT,
        CREATED_BY,
        Field("deleted", boolean, default=False),
        read_only("is_calculating", False),
        read_only("last_calculated_at"),
        read_only("team_id"),
        read_only("is_action", True),
        read_only("bytecode_error"),
        Field("pinned_at", moment, null=True),
        read_only("creation_context"),
        FOLDER,
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        wanted = values.get("name", before["name"] if before else None)
        same = context.store.select(
            self.kind, self.parent_id(context), f"listed = 1 AND {column('name')} = ?", [wanted]
        )
        other = next((row for row in same if before is None or row["id"] != before["id"]), None)
        if other is not None and wanted:
            raise Invalid(f"This project already has an action with this name, ID {other['id']}", "name", "unique")
        if values.get("pinned_at"):
            values["pinned_at"] = timestamp()  # the server's time, whatever was sent
        row = super().prepare(context, values, before)
        return {**row, "team_id": context.project["id"], "last_calculated_at": row["last_calculated_at"] or timestamp()}

    def list(self, context: Context) -> Any:
        return {"results": [self.show(context, row) for row in self.all_listed(context)]}


class Annotations(Resource):
    """Traps: 1000 per page; an organisation's annotation shows in all its projects; a blank emoji reads
    null.
    """

    kind, collection, scope, log_scope = "annotation", "annotations", "annotation", "Annotation"
    page_size = 1000
    search = ("content",)
    order = "json_extract(data, '$.date_marker') DESC"
    fields = (
        ID,
        Field("content", text(8192), null=True),
        Field("date_marker", moment, null=True),
        Field("creation_type", choice("USR", "GIT"), default="USR"),
        Field("dashboard_item", integer(), null=True),
        Field("dashboard_id", integer(), null=True),
        read_only("dashboard_name"),
        read_only("insight_short_id"),
        read_only("insight_name"),
        read_only("insight_derived_name"),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        Field("deleted", boolean, default=False),
        Field("scope", choice("dashboard_item", "dashboard", "project", "organization"), default="dashboard_item"),
        Field("emoji", text(32), null=True),
        Field("hidden_in_user_interface", boolean, default=False),
    )
    life = Life.SOFT_GONE

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        row = super().prepare(context, values, before)
        return {**row, "emoji": row["emoji"] or None, "organization": context.organization["id"]}

    def label(self, row: Data) -> str | None:
        return None if row["content"] is None else str(row["content"])

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        insight = context.store.get("insight", row["dashboard_item"]) if row["dashboard_item"] else None
        dashboard = context.store.get("dashboard", row["dashboard_id"]) if row["dashboard_id"] else None
        if insight:
            shown.update({f"insight_{name}": insight[name] for name in ("short_id", "name", "derived_name")})
        shown["dashboard_name"] = dashboard["name"] if dashboard else None
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        found: list[Condition] = [("listed = 1", [])]
        for name in ("scope", "dashboard_item"):
            if name in context.query:
                found.append(equals(name, context.query[name]))
        return found

    def list(self, context: Context) -> Any:
        page = super().list(context)
        shared = [
            ("listed = 1", []),
            equals("scope", "organization"),
            equals("organization", context.organization["id"]),
            ("parent <> ?", [self.parent_id(context)]),
        ]
        where = " AND ".join(condition for condition, _ in shared)
        rows = context.store.select(self.kind, None, where, [value for _, values in shared for value in values])
        page["results"] += [self.show(context, row) for row in rows]
        page["count"] += len(rows)
        return page


class InsightVariables(Resource):
    """Trap: `code_name` is made from the name when the variable is created, and stays."""

    kind, collection, scope, log_scope = "insight_variable", "insight_variables", "insight_variable", "InsightVariable"
    life, identifier, environments = Life.HARD, "uuid", True
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("type", choice("String", "Number", "Boolean", "List", "Date"), required=True),
        Field("default_value", anything, null=True),
        CREATED_BY,
        CREATED_AT,
        read_only("code_name"),
        Field("values", items(), null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is None:
            code = re.sub(r"[^a-z0-9_]", "", values["name"].lower().replace(" ", "_"))
            if context.store.find(self.kind, code, self.parent_id(context)):
                raise Invalid("Variable with this name already exists", "name")
            values = {**values, "code_name": code}
        return super().prepare(context, values, before)

    def natural(self, row: Data) -> str | None:
        return str(row["code_name"])


class SavedMetrics(Resource):
    """Deleted for good, unlike experiments."""

    kind, collection, scope, log_scope = (
        "experiment_saved_metric",
        "experiment_saved_metrics",
        "experiment_saved_metric",
        "ExperimentSavedMetric",
    )
    life = Life.HARD
    order = "created_at DESC"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(400), null=True),
        Field("query", mapping, required=True),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
        TAGS,
        read_only("user_access_level", "manager"),
    )

    METRICS: ClassVar[frozenset[str]] = frozenset(
        {"ExperimentMetric", "ExperimentTrendsQuery", "ExperimentFunnelsQuery"}
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if values.get("query", {}).get("kind", "ExperimentMetric") not in self.METRICS:
            raise Invalid(
                "Metric query kind must be 'ExperimentMetric', 'ExperimentTrendsQuery' or 'ExperimentFunnelsQuery'",
                "query",
            )
        return super().prepare(context, values, before)


class PropertyGroups(Resource):
    """Typed groups of event properties (`schema_property_groups`)."""

    kind, collection, scope, log_scope = (
        "schema_property_group",
        "schema_property_groups",
        "event_definition",
        "SchemaPropertyGroup",
    )
    life, identifier = Life.HARD, "uuid"
    order = column("name")
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(), default=""),
        Field("properties", items(mapping), default=[]),
        read_only("events", []),
        CREATED_AT,
        UPDATED_AT,
        CREATED_BY,
    )

    def natural(self, row: Data) -> str | None:
        return str(row["name"])

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        same = context.store.find(self.kind, values.get("name", ""), self.parent_id(context))
        if same is not None and (before is None or same["id"] != before["id"]):
            raise Invalid("A property group with this name already exists", "name")
        return super().prepare(context, values, before)


class DashboardTemplates(Resource):
    """Templates of a project; DELETE is a 405."""

    kind, collection, scope, log_scope = ("dashboard_template", "dashboard_templates", "dashboard_template", None)
    identifier = "uuid"
    search = ("template_name", "dashboard_description")
    fields = (
        ID,
        Field("template_name", text(400), required=True),
        Field("dashboard_description", text(400), default="", null=True),
        Field("dashboard_filters", mapping, null=True),
        TAGS,
        Field("tiles", items(mapping), default=[], null=True),
        Field("variables", items(mapping), null=True),
        Field("deleted", boolean, default=False),
        CREATED_AT,
        CREATED_BY,
        Field("image_url", text(8201), null=True),
        read_only("team_id"),
        Field("scope", choice("team", "global", "feature_flag"), default="team"),
        Field("availability_contexts", items(text()), null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        return {**super().prepare(context, values, before), "team_id": context.project["id"]}
