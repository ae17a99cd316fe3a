"""Hog functions: destinations, such as the notification of an alert (PostHog:
products/cdp/backend/api/hog_function.py).

Traps: the type can't be changed; `template_id` is written and `template` read; a template gives what is left out and
what is sent empty; inputs and filters gain keys (`hog_inputs.py`); secrets read as a marker; the list is minimal
without `?full=true`; `hog` loses surrounding space; DELETE is refused to keys; a deleted one is
gone but for the PATCH that restores it.
"""

from datetime import datetime
from typing import ClassVar

from sandbox.messages import outbox
from sandbox.resources.pipelines import hog_inputs, hog_runs
from sandbox.resources.pipelines.hog_templates import TEMPLATES
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    UPDATED_AT,
    Field,
    anything,
    boolean,
    choice,
    integer,
    items,
    mapping,
    read_only,
    text,
    uuid,
    write_only,
)
from sandbox.rest.listing import Condition, among, column, flagged, same
from sandbox.rest.resource import CRUD, Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Services
from sandbox.wire.errors import Conflict, Invalid

TYPES = tuple(
    "destination site_destination internal_destination source_webhook warehouse_source_webhook site_app transformation"
    " transformation_log".split()
)
LONGEST_HOG = 100 * 1024
MINIMAL = tuple(
    "id type name description created_at created_by updated_at enabled hog filters icon_url template status"
    " execution_order".split()
)


class HogFunctions(Resource):
    kind, collection, scope, log_scope = "hog_function", "hog_functions", "hog_function", "HogFunction"
    has_access_controls = True
    life, identifier, environments = Life.SOFT_GONE, "uuid", True
    operations = CRUD - {"destroy"}  # it is not among scope_object_write_actions (2026-09)
    log_masked = frozenset({"encrypted_inputs"})
    look_every = 0.2  # for messages to send
    search = ("name", "description")
    filters: ClassVar = {
        "enabled": flagged("enabled"),
        "id": lambda value: ("id = ?", [value]),
        "created_by": same("created_by"),
    }
    order = f"{column('execution_order')} IS NULL, {column('execution_order')}, {column('updated_at')} DESC"
    fields = (
        ID,
        Field("type", choice(*TYPES), default="destination"),
        Field("name", text(400), null=True),
        Field("description", text(), default=""),
        CREATED_AT,
        CREATED_BY,
        UPDATED_AT,
        Field("enabled", boolean, default=False),
        Field("deleted", boolean, default=False),
        Field("hog", text(), default=""),
        read_only("bytecode"),
        read_only("transpiled"),
        Field("inputs_schema", anything, default=[], null=True),
        Field("inputs", mapping, default={}, null=True),
        Field("filters", mapping, null=True),
        Field("masking", hog_inputs.masking, null=True),
        Field("mappings", items(mapping), null=True),
        Field("icon_url", text(), null=True, logged=False),
        read_only("template"),
        write_only("template_id", text(400)),
        read_only("status"),
        Field("execution_order", integer(0), null=True),
        Field("batch_export_id", uuid, null=True),
        read_only("version", 1),
        read_only("draft"),
        read_only("draft_updated_at"),
        write_only("base_updated_at", text()),
        FOLDER,
    )

    def actions(self) -> list[Action]:
        return [
            Action("invocations", hog_runs.invoke, ("POST",)),
            Action("logs", hog_runs.logs),
            Action("metrics", hog_runs.metrics),
        ]

    # Writing ------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        if before is None:
            values = self._from_template(values)
        else:
            self._check_change(values, before)
        after = {**(before or {**self.initial(context), "template_id_stored": values.get("template_id")}), **values}
        if len(after["hog"].encode()) > LONGEST_HOG:
            raise Invalid("HOG code exceeds maximum size of 100KB", "hog")
        after["bytecode"] = hog_inputs.program(after["hog"])
        after["inputs_schema"] = hog_inputs.schema(after["inputs_schema"] or [])
        self._inputs(values, before, after)
        if after["mappings"] is not None and "mappings" in values:
            self._mappings(after)
        if "filters" in values or before is None:
            after["filters"] = hog_inputs.filters(after["filters"])
        after["version"] = (before["version"] if before else 0) + 1
        return after

    def _from_template(self, values: Data) -> Data:
        """What a template gives where the request is silent or has something empty (`to_internal_value`, 2026-09)."""
        identifier = values.get("template_id")
        template = TEMPLATES.get(identifier) if identifier else None
        if identifier and template is None:
            raise Invalid(f"No template found for id '{identifier}'", "template_id")
        if template is not None:
            given = {
                "hog": template["code"],
                **{name: template[name] for name in ("inputs_schema", "icon_url", "description", "name")},
            }
            values = {**values, **{name: values.get(name) or value for name, value in given.items()}}
        if not values.get("hog"):
            raise Invalid("Required.", "hog")
        return values

    def _check_change(self, values: Data, before: Data) -> None:
        if values.get("type", before["type"]) != before["type"]:
            raise Invalid("Cannot modify the type of an existing function", "type")
        base = values.get("base_updated_at")
        if base and datetime.fromisoformat(base) < datetime.fromisoformat(before["updated_at"]):
            raise Conflict("This function was updated since you started editing it. Please refresh and try again.")

    def _inputs(self, values: Data, before: Data | None, after: Data) -> None:
        """Check the inputs when they, or their schema, were sent; secrets are kept apart."""
        if before is not None and "inputs" not in values and "inputs_schema" not in values:
            return
        stored: Data = before["encrypted_inputs"] if before else {}
        sent = after["inputs"] or {}
        if before is not None and "inputs" not in values:
            sent = {**sent, **{key: {"secret": True} for key in stored}}
        after["inputs"], after["encrypted_inputs"] = hog_inputs.inputs(sent, after["inputs_schema"], stored)

    def _mappings(self, after: Data) -> None:
        if after["type"] not in ("destination", "site_destination"):
            raise Invalid("Mappings are only allowed for destinations.", "mappings")
        after["filters"] = {
            name: value for name, value in (after["filters"] or {}).items() if name not in ("events", "actions")
        }
        after["mappings"] = [
            {
                **mapping_item,
                "filters": hog_inputs.filters(mapping_item.get("filters")),
                "inputs": hog_inputs.inputs(
                    mapping_item.get("inputs") or {}, hog_inputs.schema(mapping_item.get("inputs_schema") or []), {}
                )[0],
            }
            for mapping_item in after["mappings"]
        ]

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        """Send what waits, e-mail too; by the wall's clock, whatever `now` is."""
        outbox.send_due(services)

    # Reading ------------------------------------------------------------------------------------------------

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        del shown["deleted"]
        shown["inputs"] = {**(row["inputs"] or {}), **{key: {"secret": True} for key in row["encrypted_inputs"]}}
        shown["template"] = TEMPLATES.get(row["template_id_stored"])
        shown["status"] = {"state": 1, "tokens": 10000}
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        shown = self.show(context, row)
        return shown if context.flag("full") else {name: shown[name] for name in MINIMAL}

    def conditions(self, context: Context) -> list[Condition]:
        query, found = context.query, super().conditions(context)
        types = [each for each in query.get("types", query.get("type", "")).split(",") if each]
        if types:
            found.append(among(column("type"), types))
        else:
            found.append((f"{column('type')} <> 'warehouse_source_webhook'", []))
        return found


HOG_FUNCTIONS = HogFunctions()
