"""Typed groups of event properties, `schema_property_groups` (PostHog: posthog/api/schema_property_group.py).

Traps: a PATCH of `properties` replaces them all, under new ids: sent ones are read-only, and so never recognised; a
group takes its `event_schemas` along. What `validation_rules` say is stored as it is sent.
"""

import uuid
from typing import Any

from sandbox.events import taxonomy
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    boolean,
    choice,
    items,
    mapping,
    read_only,
    text,
)
from sandbox.rest.listing import column
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid, Required

SCHEMA = "event_schema"
PROPERTY = (
    Field("name", text(200, blank=False), required=True),
    Field("property_type", choice("DateTime", "String", "Numeric", "Boolean", "Object"), required=True),
    Field("is_required", boolean, default=False),
    Field("is_optional_in_types", boolean, default=False),
    Field("validation_rules", mapping, null=True),
    Field("description", text(), default=""),
)


def _properties(value: Any, attr: str) -> list[Data]:
    found = []
    for sent in items(mapping)(value, attr):
        cleaned: Data = {}
        for field in PROPERTY:
            if field.name in sent:
                cleaned[field.name] = field.clean(sent[field.name])
            elif field.required:
                raise Required(attr)
            else:
                cleaned[field.name] = field.initial()
        found.append(cleaned)
    names = [each["name"] for each in found]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"A property named '{name}' already exists in this group", attr)
    return found


class PropertyGroups(Resource):
    kind, collection, scope = "schema_property_group", "schema_property_groups", "event_definition"
    log_scope = "SchemaPropertyGroup"
    life, identifier = Life.HARD, "uuid"
    key, order = "name", column("name")
    search = ()
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("description", text(), default=""),
        Field("properties", _properties, default=[]),
        read_only("events", []),
        CREATED_AT,
        UPDATED_AT,
        CREATED_BY,
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if self.namesake(context, values.get("name", ""), before):
            more = " for this team" if before is None else ""
            raise Invalid(f"A property group with this name already exists{more}", "name")
        if "properties" in values:
            now = timestamp()
            values["properties"] = [
                {"id": str(uuid.uuid4()), **each, "created_at": now, "updated_at": now} for each in values["properties"]
            ]
        return super().prepare(context, values, before)

    def show(self, context: Context, row: Data) -> Data:
        schemas = context.store.referrers(self.kind, row["id"], SCHEMA)
        events = (context.store.get(taxonomy.EVENT_DEFINITION, schema["event_definition"]) for schema in schemas)
        shown = [{"id": event["id"], "name": event["name"]} for event in events if event is not None]
        return {**super().show(context, row), "events": shown}

    def removing(self, context: Context, row: Data) -> None:
        for schema in context.store.referrers(self.kind, row["id"], SCHEMA):
            context.store.remove(SCHEMA, schema["id"])


PROPERTY_GROUPS = PropertyGroups()
