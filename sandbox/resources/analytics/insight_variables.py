"""Variables of SQL insights (PostHog: posthog/api/insight_variable.py).

Traps: `code_name` is made from the name when the variable is created, and stays; `created_by` is a number; pages go by
`?page=`, 500 each; the values of a list become text, and one without any reads `[]`.
"""

import json
from typing import Any

from sandbox.rest.fields import CREATED_AT, ID, Field, anything, boolean, choice, read_only, text, uuid
from sandbox.rest.listing import next_links
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid, NotFound

PAGE = 500


class InsightVariables(Resource):
    kind, collection, scope, log_scope = "insight_variable", "insight_variables", "insight_variable", "InsightVariable"
    life, identifier, environments, key = Life.HARD, "uuid", True, "code_name"
    fields = (
        ID,
        Field("name", text(400, blank=False), required=True),
        Field("type", choice("String", "Number", "Boolean", "List", "Date"), required=True),
        Field("default_value", anything, null=True),
        read_only("created_by"),
        CREATED_AT,
        read_only("code_name"),
        Field("values", anything, null=True),
        Field("is_multi", boolean, default=False),
        Field("values_query", text(), null=True),
        Field("values_query_connection_id", uuid, null=True),
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        row = super().prepare(context, values, before)
        if before is None:
            kept = "".join(each for each in row["name"] if each.isalnum() or each in " _")
            row["code_name"] = kept.replace(" ", "_").lower()
            if context.store.find(self.kind, row["code_name"], self.parent_id(context)):
                raise Invalid("Variable with this code name already exists")
        if row["type"] != "List":
            return {**row, "is_multi": False, "values_query": None, "values_query_connection_id": None}
        if "values" in values:
            row["values"] = _texts(values["values"])
        row["values_query"] = (row["values_query"] or "").strip() or None
        if row["values_query"] is None:
            row["values_query_connection_id"] = None
        settled = row["is_multi"] if before is None else "is_multi" in values
        if "default_value" in values or settled:
            row["default_value"] = _default(row["default_value"], row["is_multi"])
        return row

    def show(self, context: Context, row: Data) -> Data:
        shown = super().show(context, row)
        if row["type"] == "List" and not isinstance(shown["values"], list):
            shown["values"] = []
        return shown

    def list(self, context: Context) -> Any:
        page = context.query.get("page", "1")
        total = context.store.count(self.kind, self.parent_id(context))
        number = int(page) if page.isdecimal() else 0
        if number < 1 or (number > 1 and (number - 1) * PAGE >= total):
            raise NotFound("Invalid page.")
        offset = (number - 1) * PAGE
        rows = context.store.select(self.kind, self.parent_id(context), limit=PAGE, offset=offset)
        links = next_links(context, total, PAGE, offset, page=True)
        return {"count": total, **links, "results": [self.show(context, row) for row in rows]}


INSIGHT_VARIABLES = InsightVariables()


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _texts(values: Any) -> list[str]:
    """A list variable's values as text; what isn't a list counts as an empty one."""
    found = []
    for index, value in enumerate(values if isinstance(values, list) else []):
        if value is None:
            continue
        scalar = _scalar(value)
        if scalar is None:
            shape = "an object" if isinstance(value, dict) else "an array"
            raise Invalid(
                f"List variable values must be strings or numbers (got {shape} at index {index}). "
                "Enter each value as plain text or a number.",
                "values",
            )
        found.append(scalar)
    return found


def _default(value: Any, many: bool) -> Any:
    def one(each: Any) -> str:
        scalar = _scalar(each)
        return json.dumps(each) if scalar is None else scalar

    if many:
        return [one(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    first = (value[0] if value else None) if isinstance(value, list) else value
    return "" if first is None else one(first)
