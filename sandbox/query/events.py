"""EventsQuery: a table of events, or of what is counted of them."""

from datetime import timedelta
from typing import Any

from sandbox.query import dates, functions
from sandbox.query.asked import Asked, both
from sandbox.query.hogql import Node, expression, literal, ordering, parse, shown
from sandbox.query.printer import DEFAULT_LIMIT, LARGEST_LIMIT
from sandbox.storage import jsontext
from sandbox.storage.store import Data

_WHOLE = "uuid event properties timestamp distinct_id elements_chain created_at person_mode".split()
OBJECTS = ("*", "person", "person_display_name")
_PERSON = "person_id person.created_at person.properties distinct_id".split()
_DISPLAY_NAME = "coalesce(toString(person.properties.email), toString(person.properties.name), distinct_id)"


def compute(asked: Asked) -> Data:
    """The answer: rows as arrays in the order of `select`."""
    node = asked.node
    columns = [_named(str(each)) for each in node["select"]]
    aggregated = [_aggregates(each) for each in columns]
    grouped = any(aggregated)
    limit = min(int(node.get("limit") or DEFAULT_LIMIT), LARGEST_LIMIT)
    offset = int(node.get("offset") or 0)
    texts = [_column(each) for each in columns]
    wheres = [str(each) for each in node.get("where") or []]
    having = [each for each in wheres if _aggregates(each)]
    condition = both(*_conditions(asked), *(expression(each) for each in wheres if each not in having))
    hogql = f"SELECT {', '.join(texts)} FROM events WHERE {condition}"
    if grouped:
        keys = [text for text, is_aggregate in zip(texts, aggregated, strict=True) if not is_aggregate]
        hogql += f" GROUP BY {', '.join(keys)}" if keys else ""
    if having:
        hogql += f" HAVING {both(*map(expression, having))}"
    asked_order = [str(each) for each in node.get("orderBy") or []]
    order = list(map(ordering, asked_order)) or _order(columns, aggregated)
    hogql += f" ORDER BY {', '.join(order)}" if order else ""
    printed = asked.print(hogql, limit + 1, offset)
    found = asked.run(printed)
    rows = [[_shown(columns[index], value) for index, value in enumerate(row)] for row in found.rows[:limit]]
    more = len(found.rows) > limit
    return {
        "results": rows,
        "columns": list(node["select"]),
        "types": found.types,
        "hogql": shown(hogql),
        "hasMore": more,
        "limit": limit,
        "offset": offset,
        "nextCursor": _cursor(columns, rows, asked_order or order) if more else None,
    }


def _named(text: str) -> str:
    """A column; of one that is looked for by its name only that, as a comment may follow it."""
    name = text.split("--")[0].strip()
    return name if name in (*OBJECTS, "timestamp", "count()") else text


def _column(text: str) -> str:
    if text == "*":
        return f"tuple({', '.join(_WHOLE)})"
    if text == "person":
        return f"tuple({', '.join(_PERSON)})"
    if text == "person_display_name":
        return f"tuple({_DISPLAY_NAME}, toString(person_id), distinct_id)"
    return expression(text)


def _shown(column: str, value: Any) -> Any:
    """The objects that three columns are."""
    if column == "*":
        whole = dict(zip(_WHOLE, value, strict=True))
        return {**whole, "properties": jsontext.decode(whole["properties"]), "elements": []}
    if column == "person":
        person, created_at, properties, distinct_id = value
        return {"uuid": person, "created_at": created_at, "properties": jsontext.decode(properties or "{}"),
                "distinct_id": distinct_id}  # fmt: skip
    if column == "person_display_name":
        return dict(zip(("display_name", "id", "distinct_id"), value, strict=True))
    return value


def _conditions(asked: Asked) -> list[str]:
    node = asked.node
    found = [asked.conditions(node.get("fixedProperties")), asked.filters]
    if node.get("event"):
        found.append(f"event = {literal(node['event'])}")
    if node.get("events"):
        found.append(f"event IN ({', '.join(map(literal, node['events']))},)")
    if node.get("actionId") is not None:
        found.append(asked.tables.action(node["actionId"]))
    if node.get("personId"):
        found.append(f"person_id = {literal(node['personId'])}")
    before, after = node.get("before"), node.get("after", "-24h")
    end = dates.relative(str(before), asked.now)[0] if before else asked.now + timedelta(seconds=5)
    found.append(f"timestamp < {dates.moment(end)}")
    if after not in (None, "all"):
        found.append(f"timestamp > {dates.moment(dates.relative(str(after), asked.now)[0])}")
    return found


def _order(columns: list[str], aggregated: list[bool]) -> list[str]:
    if "count()" in columns:
        return ["count() DESC"]
    if any(aggregated):
        return [f"{expression(columns[aggregated.index(True)])} DESC"]
    if "timestamp" in columns or "*" in columns:
        return ["timestamp DESC"]
    return [f"{expression(columns[0])} ASC"] if columns and columns[0] not in OBJECTS else []


def _cursor(columns: list[str], rows: list[list[Any]], order: list[str]) -> str | None:
    if not rows or not order or not order[0].startswith("timestamp"):
        return None
    if "timestamp" in columns:
        return str(rows[-1][columns.index("timestamp")])
    return str(rows[-1][columns.index("*")]["timestamp"]) if "*" in columns else None


def _aggregates(text: str) -> bool:
    return text not in OBJECTS and _has_aggregate(parse(text, "expr"))


def _has_aggregate(node: Node | list[Any] | Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_aggregate, node))
    if not isinstance(node, dict):
        return False
    if node.get("node") == "Call" and functions.is_aggregate(node["name"]):
        return True
    return node.get("node") != "SelectQuery" and any(map(_has_aggregate, node.values()))
