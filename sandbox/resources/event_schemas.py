"""Which property groups an event has, `event_schemas` (PostHog: posthog/api/event_schema.py).

Keys may use them, and they can be changed, since 2026-07. Traps: there is no GET of one; the group is written as an id
and read whole.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sandbox import taxonomy
from sandbox.errors import Invalid
from sandbox.fields import CREATED_AT, ID, UPDATED_AT, Field, read_only
from sandbox.listing import Condition, equals
from sandbox.resource import CRUD, Life, Resource
from sandbox.resources.property_groups import SCHEMA, PropertyGroups
from sandbox.store import Data, Reference
from sandbox.web import Context


def _key(value: Any, attr: str) -> str:
    """The primary key of another object, in Django's words."""
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        raise Invalid(f"\N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK} is not a valid UUID.",
                      attr) from error  # fmt: skip


class EventSchemas(Resource):
    kind, collection, scope, log_scope = SCHEMA, "event_schemas", "event_definition", None
    life, identifier, operations = Life.HARD, "uuid", CRUD - {"retrieve"}
    order = "created_at DESC, seq DESC"
    search = ()
    fields = (
        ID,
        Field("event_definition", _key, required=True),
        read_only("property_group"),
        Field("property_group_id", _key, required=True, kept=False),
        CREATED_AT,
        UPDATED_AT,
    )

    def __init__(self, groups: PropertyGroups) -> None:
        super().__init__()
        self.groups = groups

    def references(self, row: Data) -> Iterable[Reference]:
        return [(self.groups.kind, row["property_group"])]

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        for attr, kind in (("event_definition", taxonomy.EVENT_DEFINITION), ("property_group_id", self.groups.kind)):
            known = attr not in values or context.store.get(kind, values[attr], self.parent_id(context))
            if not known:
                raise Invalid(f'Invalid pk "{values[attr]}" - object does not exist.', attr, "does_not_exist")
        after = super().prepare(context, values, before)
        after["property_group"] = values.get("property_group_id", after["property_group"])
        group = self.groups.fetch(context, after["property_group"])
        for other in context.store.referrers(self.groups.kind, group["id"], self.kind):
            if other["event_definition"] == after["event_definition"] and other["id"] != after["id"]:
                raise Invalid(f"Property group '{group['name']}' is already added to this event schema")
        return after

    def show(self, context: Context, row: Data) -> Data:
        group = self.groups.fetch(context, row["property_group"])
        return {**super().show(context, row), "property_group": self.groups.show(context, group)}

    def conditions(self, context: Context) -> list[Condition]:
        """One whose event is gone has gone with it."""
        mine = "json_extract(objects.data, '$.event_definition')"
        event = f"SELECT 1 FROM objects AS event WHERE event.kind = ? AND event.id = {mine}"
        found: list[Condition] = [(f"EXISTS ({event})", [taxonomy.EVENT_DEFINITION])]
        if context.query.get("event_definition"):
            found.append(equals("event_definition", context.query["event_definition"]))
        return found
