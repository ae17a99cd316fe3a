"""Event and property definitions: what a project's events and properties are called.

Ingestion makes the rows (`events/taxonomy.py`). Traps: `verified` and `hidden` exclude each other; a deleted definition
returns with its next event, and its id answers 500 for ever (`Settings.missing_event_definition`); the list begins with
the events that came last, so that pages repeat and skip what comes in between, unless `?ordering=name` asks for
another order; a property definition can't be created by the API, its type isn't shown, and its list is of one `?type=`
at a time.
"""

from sandbox.auth.users import show_user
from sandbox.events import taxonomy
from sandbox.rest.fields import ID, TAGS, Field, anything, boolean, choice, integer, items, read_only, text
from sandbox.rest.listing import Condition, among, column, equals
from sandbox.rest.resource import CRUD, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Failure, Invalid, NotFound

ORDERS = {
    "name": column("name"),
    "last_seen_at": column("last_seen_at"),
    "last_seen_at::date": f"substr({column('last_seen_at')}, 1, 10)",
}
UNSUPPORTED = "This field is not supported by this deployment."


def _moderate(context: Context, values: Data, before: Data, noun: str) -> Data:
    """What `verified` and `hidden` do to each other, and who did it. Raises `Invalid` when both are set."""
    if not context.settings.taxonomy:
        unsupported = next((name for name in values if name not in ("name", "property_type")), None)
        if unsupported:
            raise Invalid(UNSUPPORTED, unsupported)
    if values.get("verified") and values.get("hidden"):
        raise Invalid(f"{noun} cannot be both hidden and verified")
    if values.get("verified"):
        values["hidden"] = False
    elif values.get("hidden"):
        values["verified"] = False
    if "verified" in values and values["verified"] != before.get("verified"):
        done = values["verified"]
        values["verified_at"] = timestamp() if done else None
        values["verified_by"] = context.user["id"] if done else None
    return {
        **before,
        **values,
        "updated_by": context.user["id"],
        "last_updated_at": timestamp(),
        "updated_at": timestamp(),
    }


class EventDefinitions(Resource):
    kind, collection, scope = taxonomy.EVENT_DEFINITION, "event_definitions", "event_definition"
    log_scope = "EventDefinition"
    life, identifier, key = Life.HARD, "uuid", "name"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True, logged=False),
        Field("owner", anything, null=True),
        Field("description", text(), default="", null=True),
        read_only("created_at"),
        read_only("last_seen_at"),
        read_only("last_updated_at"),
        read_only("updated_at"),
        read_only("updated_by", render=show_user),
        TAGS,
        Field("verified", boolean, default=False),
        read_only("verified_at"),
        read_only("verified_by", render=show_user),
        Field("hidden", boolean, default=False, null=True),
        read_only("is_action", False),
        read_only("action_id"),
        read_only("is_calculating", False),
        read_only("last_calculated_at"),
        Field("default_columns", items(text()), default=[]),
        Field("enforcement_mode", choice("allow", "reject"), default="allow"),
        Field("primary_property", text(), null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is None:
            if context.store.find(self.kind, values["name"], self.parent_id(context)):
                raise Invalid(f"Event definition with name '{values['name']}' already exists", "name")
            new = {**self.initial(context), "created_at": None}
            return _moderate(context, values, new, "An event")
        values.pop("name", None)
        return _moderate(context, values, before, "An event")

    def ordering(self, context: Context) -> str:
        """PostHog: `_ordering_params_from_request`; what may not be asked for counts as not asked."""
        asked = [(each.strip("-"), each.startswith("-")) for each in context.request.query_params.getlist("ordering")]
        found = [(ORDERS[name], down) for name, down in asked if name in ORDERS]
        found = found or [(ORDERS["last_seen_at::date"], True), (ORDERS["name"], False)]
        return ", ".join(f"{by} {'DESC NULLS LAST' if down else 'ASC NULLS FIRST'}" for by, down in found)

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        """PostHog's view looks it up without expecting to find none (EventDefinitionViewSet._get_event_definition)."""
        try:
            return super().fetch(context, identifier, deleted)
        except NotFound as error:
            if context.settings.missing_event_definition == "not_found":
                raise
            raise Failure() from error


EVENT_DEFINITIONS = EventDefinitions()


class PropertyDefinitions(Resource):
    kind, collection, scope = taxonomy.PROPERTY_DEFINITION, "property_definitions", "property_definition"
    log_scope = "PropertyDefinition"
    life, identifier = Life.HARD, "uuid"
    operations = CRUD - {"create"}
    order = column("name")
    fields = (
        ID,
        read_only("name"),
        Field("description", text(), default="", null=True),
        TAGS,
        read_only("is_numerical", False),
        read_only("updated_at"),
        read_only("updated_by", render=show_user),
        read_only("is_seen_on_filtered_events"),
        Field("property_type", choice("DateTime", "String", "Numeric", "Boolean", "Duration"), null=True),
        Field("verified", boolean, default=False),
        read_only("verified_at"),
        read_only("verified_by", render=show_user),
        Field("hidden", boolean, default=False, null=True),
    )

    def natural(self, row: Data) -> str | None:
        return taxonomy.property_key(row["type"], row["group_type_index"], row["name"])

    def extra(self, context: Context, row: Data) -> Data:
        return {"type": row["type"]}

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        assert before is not None
        if "property_type" in values:
            values["is_numerical"] = values["property_type"] == "Numeric"
        return _moderate(context, values, before, "A property")

    def conditions(self, context: Context) -> list[Condition]:
        query, found = context.query, super().conditions(context)
        kind = choice("event", "person", "group", "session")(query.get("type", "event"), "type")
        found.append(equals("type", kind))
        if kind == "group":
            if "group_type_index" not in query:
                raise Invalid("`group_type_index` must be set for `group` type", "type")
            found.append(
                (f"{column('group_type_index')} = ?", [integer()(query["group_type_index"], "group_type_index")])
            )
        if query.get("properties"):
            found.append(among(column("name"), query["properties"].strip("[]").replace('"', "").split(",")))
        if context.flag("exclude_hidden"):
            found.append((f"coalesce({column('hidden')}, 0) = 0", []))
        return found


PROPERTY_DEFINITIONS = PropertyDefinitions()
