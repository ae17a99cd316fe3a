"""Actions (PostHog: products/actions/backend/api/action.py).

Traps: the list is `{"results": [...]}` without pages; a name is unique among the live ones; steps are replaced as a
whole and read with every key; a deleted one still answers GET; pinning again changes nothing, and the server says when
it was; the activity log names the action's author, whoever changed it.
"""

from dataclasses import replace
from typing import Any

from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    TAGS,
    Field,
    boolean,
    choice,
    items,
    mapping,
    moment,
    read_only,
    text,
)
from sandbox.rest.listing import column
from sandbox.rest.resource import Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Identity, timestamp
from sandbox.wire.errors import Invalid

MATCHING = choice("contains", "regex", "exact")
STEP = (
    Field("event", text(trim=False), null=True),
    Field("properties", items(mapping), null=True),
    Field("selector", text(), null=True),
    read_only("selector_regex"),
    Field("tag_name", text(trim=False), null=True),
    Field("text", text(trim=False), null=True),
    Field("text_matching", MATCHING, null=True),
    Field("href", text(trim=False), null=True),
    Field("href_matching", MATCHING, null=True),
    Field("url", text(), null=True),
    Field("url_matching", MATCHING, default="contains", null=True),
)


def _steps(value: Any, attr: str) -> list[Data]:
    """An action's steps with every key they are read with; unknown ones are dropped. An error in one has the list's
    name as its `attr`.
    """
    return [
        {
            field.name: replace(field, name=attr).clean(step[field.name])
            if field.check and field.name in step
            else field.initial()
            for field in STEP
        }
        for step in items(mapping)(value, attr)
    ]


class Actions(Resource):
    kind, collection, scope, log_scope = "action", "actions", "action", "Action"
    has_access_controls = True
    order = f"{column('last_calculated_at')} DESC, {column('name')}"
    fields = (
        ID,
        Field("name", text(400, blank=False), null=True),
        Field("description", text(), default=""),
        TAGS,
        Field("post_to_slack", boolean, default=False),
        Field("slack_message_format", text(1200), default=""),
        Field("steps", _steps, default=[]),
        CREATED_AT,
        CREATED_BY,
        Field("deleted", boolean, default=False),
        read_only("is_calculating", False),
        Field("last_calculated_at", moment, logged=False),
        read_only("team_id"),
        read_only("is_action", True),
        read_only("bytecode_error"),
        Field("pinned_at", moment, null=True),
        read_only("creation_context"),
        FOLDER,
        read_only("user_access_level"),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if values.get("name") is not None:
            self._check_name(context, values["name"], before)
        if before is not None and values.get("pinned_at"):
            values["pinned_at"] = before["pinned_at"] or timestamp()
        row = super().prepare(context, values, before)
        row["team_id"] = context.project["id"]
        row["last_calculated_at"] = row["last_calculated_at"] or timestamp()
        return row

    def _check_name(self, context: Context, name: str, before: Data | None) -> None:
        found = context.store.select(self.kind, self.parent_id(context), f"listed = 1 AND {column('name')} = ?", [name])
        other = next((row for row in found if before is None or row["id"] != before["id"]), None)
        if other is not None:
            raise Invalid(f"This project already has an action with this name, ID {other['id']}", "name", "unique")

    def log(self, context: Context, before: Data | None, after: Data) -> None:
        asking, author = context.identity, context.store.get("user", after["created_by"])
        context.identity = Identity(author, None) if author else asking
        super().log(context, before, after)
        context.identity = asking

    def list(self, context: Context) -> Any:
        rows = context.store.select(self.kind, self.parent_id(context), order=self.order)
        return {"results": [self.show(context, row) for row in rows]}


ACTIONS = Actions()
