"""Which property groups an event has, `event_schemas` (PostHog: posthog/api/event_schema.py).

Keys may use them, and they can be changed, since 2026-07. Traps: there is no GET of one; the group is written as an id
and read whole.
"""

from typing import ClassVar

from sandbox.events import taxonomy
from sandbox.resources.data.property_groups import PROPERTY_GROUPS, SCHEMA
from sandbox.rest.fields import CREATED_AT, ID, UPDATED_AT, Field, read_only, uuid, worded
from sandbox.rest.listing import Condition, equals
from sandbox.rest.resource import CRUD, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, Missing

# The primary key of another object, in Django's words.
KEY = worded("\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK} is not a valid UUID.", uuid)


class EventSchemas(Resource):
    kind, collection, scope, log_scope = SCHEMA, "event_schemas", "event_definition", None
    life, identifier, operations = Life.HARD, "uuid", CRUD - {"retrieve"}
    order = "created_at DESC, seq DESC"
    search = ()
    refs: ClassVar = {"property_group": PROPERTY_GROUPS.kind}
    fields = (
        ID,
        Field("event_definition", KEY, required=True),
        read_only("property_group"),
        Field("property_group_id", KEY, required=True, kept=False),
        CREATED_AT,
        UPDATED_AT,
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        referred = {"event_definition": taxonomy.EVENT_DEFINITION, "property_group_id": PROPERTY_GROUPS.kind}
        for attr, kind in referred.items():
            known = attr not in values or context.store.get(kind, values[attr], self.parent_id(context))
            if not known:
                raise Missing(values[attr], attr)
        after = super().prepare(context, values, before)
        after["property_group"] = values.get("property_group_id", after["property_group"])
        group = PROPERTY_GROUPS.fetch(context, after["property_group"])
        for other in context.store.referrers(PROPERTY_GROUPS.kind, group["id"], self.kind):
            if other["event_definition"] == after["event_definition"] and other["id"] != after["id"]:
                raise Invalid(f"Property group '{group['name']}' is already added to this event schema")
        return after

    def show(self, context: Context, row: Data) -> Data:
        group = PROPERTY_GROUPS.fetch(context, row["property_group"])
        return {**super().show(context, row), "property_group": PROPERTY_GROUPS.show(context, group)}

    def conditions(self, context: Context) -> list[Condition]:
        """One whose event is gone has gone with it."""
        mine = "json_extract(objects.data, '$.event_definition')"
        event = f"SELECT 1 FROM objects AS event WHERE event.kind = ? AND event.id = {mine}"
        found: list[Condition] = [(f"EXISTS ({event})", [taxonomy.EVENT_DEFINITION])]
        if context.query.get("event_definition"):
            found.append(equals("event_definition", context.query["event_definition"]))
        return found


EVENT_SCHEMAS = EventSchemas()
