"""Annotations (PostHog: products/annotations/backend/api/annotation.py).

Traps: 1000 per page; an organisation's annotation shows in all its projects, and belongs to the one it was last changed
in; a blank emoji reads null; what hangs on a deleted insight or dashboard is hidden, and can't be changed.
"""

from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    boolean,
    choice,
    integer,
    moment,
    read_only,
    text,
)
from sandbox.rest.listing import Condition, column
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, Missing, NotFound

SCOPES = ("dashboard_item", "dashboard", "project", "organization", "recording")
HANGING = (("dashboard_item", "dashboard_item", "insight"), ("dashboard", "dashboard_id", "dashboard"))


class Annotations(Resource):
    kind, collection, scope, log_scope = "annotation", "annotations", "annotation", "Annotation"
    life = Life.SOFT_GONE
    page_size, named = 1000, "content"
    search = ("content",)
    order = f"{column('date_marker')} DESC NULLS FIRST, seq"
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
        Field("scope", choice(*SCOPES), default="dashboard_item"),
        Field("emoji", text(), null=True),
        Field("hidden_in_user_interface", boolean, null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        insight, dashboard = values.get("dashboard_item"), values.get("dashboard_id")
        project = self.parent_id(context)
        if insight is not None and context.store.get("insight", insight, project) is None:
            raise Missing(insight, "dashboard_item")
        if dashboard is not None and context.store.get("dashboard", dashboard, project) is None:
            raise Invalid("Dashboard not found.", "dashboard_id")
        if values.get("scope") == "recording":
            raise Invalid("Recording scope is deprecated")
        row = super().prepare(context, values, before)
        return {**row, "emoji": row["emoji"] or None, "organization": context.organization["id"]}

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        row = context.store.get(self.kind, identifier)
        own = context.store.parent_of(self.kind, identifier) == self.parent_id(context)
        if row is None or not (own or self._shared(context, row)) or self._hidden(context, row):
            raise NotFound()
        if row["deleted"] and context.method != "PATCH":
            raise NotFound()
        return row

    def _shared(self, context: Context, row: Data) -> bool:
        return bool(row["scope"] == "organization" and row["organization"] == context.organization["id"])

    def _hidden(self, context: Context, row: Data) -> bool:
        """Whether it hangs on something that is deleted."""
        for scope, name, kind in HANGING:
            target = context.store.get(kind, row[name]) if row["scope"] == scope and row[name] else None
            if target is not None and target["deleted"]:
                return True
        return False

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        insight = context.store.get("insight", row["dashboard_item"]) if row["dashboard_item"] else None
        dashboard = context.store.get("dashboard", row["dashboard_id"]) if row["dashboard_id"] else None
        if insight:
            shown.update({f"insight_{name}": insight[name] for name in ("short_id", "name", "derived_name")})
        shown["dashboard_name"] = dashboard["name"] if dashboard else None
        return shown

    def conditions(self, context: Context) -> list[Condition]:
        shared = f"({column('scope')} = 'organization' AND {column('organization')} = ?)"
        return [
            ("listed = 1", []),
            (f"(parent = ? OR {shared})", [self.parent_id(context), context.organization["id"]]),
            *((_alive(scope, name, kind), []) for scope, name, kind in HANGING),
        ]

    def list(self, context: Context) -> Data:
        return self.page(context, None)


ANNOTATIONS = Annotations()


def _alive(scope: str, name: str, kind: str) -> str:
    """What it hangs on isn't deleted, or it hangs on nothing."""
    mine = column(name).replace("data", "objects.data", 1)
    return (
        f"NOT ({column('scope')} = '{scope}' AND EXISTS (SELECT 1 FROM objects o WHERE o.kind = '{kind}'"
        f" AND o.id = CAST({mine} AS TEXT) AND json_extract(o.data, '$.deleted')))"
    )
