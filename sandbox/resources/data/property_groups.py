"""Typed groups of event properties, `schema_property_groups` (PostHog: posthog/api/schema_property_group.py).

Traps: a PATCH of `properties` replaces them all, under new ids: sent ones are read-only, and so never recognised; a
group takes its `event_schemas` along.
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
LOWER, UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
MOST_VALUES = 1000
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
        _check_rules(cleaned["property_type"], cleaned["validation_rules"])
        found.append(cleaned)
    names = [each["name"] for each in found]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"A property named '{name}' already exists in this group", attr)
    return found


def _check_rules(kind: str, rules: Data | None) -> None:
    """What a property's values have to be. Raises `Invalid`."""
    if not rules:
        return
    if kind == "String":
        _check_text(rules)
    elif kind == "Numeric":
        _check_numbers(rules)
    else:
        raise _refuse(f"Validation rules are not supported for {kind} properties")


def _refuse(detail: str) -> Invalid:
    return Invalid(detail, "validation_rules")


def _check_text(rules: Data) -> None:
    extra = sorted(set(rules) - {"enum", "not"})
    if extra:
        raise _refuse(f"Unrecognized keys for String validation: {', '.join(extra)}")
    if len(rules) == 2:
        raise _refuse("Cannot specify both 'enum' and 'not' — use one or the other")
    values = rules.get("enum")
    if "not" in rules:
        if not isinstance(rules["not"], dict) or set(rules["not"]) != {"enum"}:
            raise _refuse("'not' must contain exactly one key: 'enum'")
        values = rules["not"]["enum"]
    if not isinstance(values, list):
        raise _refuse("'enum' must be a list")
    if not values:
        raise _refuse("'enum' list must not be empty")
    if len(values) > MOST_VALUES:
        raise _refuse(f"'enum' list must not exceed {MOST_VALUES} items")
    if not all(isinstance(value, str) for value in values):
        raise _refuse("All 'enum' values must be strings")


def _check_numbers(rules: Data) -> None:
    extra = sorted(set(rules) - {*LOWER, *UPPER})
    if extra:
        raise _refuse(f"Unrecognized keys for Numeric validation: {', '.join(extra)}")
    bounds = []
    for names in (LOWER, UPPER):
        given = [name for name in names if name in rules]
        if len(given) > 1:
            raise _refuse(f"Cannot specify both '{names[0]}' and '{names[1]}'")
        bounds += given
    for name in bounds:
        if not isinstance(rules[name], int | float):
            raise _refuse(f"'{name}' must be a number")
    if len(bounds) == 2 and rules[bounds[0]] >= rules[bounds[1]]:
        low, high = (f"{name}={rules[name]}" for name in bounds)
        raise _refuse(f"Lower bound ({low}) must be less than upper bound ({high})")


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
