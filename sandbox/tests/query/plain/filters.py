"""Filters on three properties of events and one of persons, and what they mean."""

import re
from random import Random
from typing import Any

from sandbox.tests.query.plain.history import MODELS, Happened

Filter = dict[str, Any]


def random_filters(draw: Random) -> list[Filter]:
    """Mostly none, else one or two."""
    return [_one(draw) for _ in range(draw.choice((0, 0, 1, 2)))]


def _one(draw: Random) -> Filter:
    kind = draw.choice(("model", "tokens", "ok", "plan"))
    operator: str
    value: Any
    if kind == "model":
        words = [each for each in MODELS if each]
        operator, value = draw.choice(
            (
                ("exact", draw.choice(words)),
                ("exact", draw.sample(words, 2)),
                ("is_not", draw.choice(words)),
                ("is_not", draw.sample(words, 2)),
                ("icontains", "b"),
                ("not_icontains", "B"),
                ("regex", "^[ab]$"),
                ("not_regex", "[+]"),
                ("is_set", None),
                ("is_not_set", None),
            )
        )
        return {"type": "event", "key": "model", "operator": operator, "value": value}
    if kind == "tokens":
        operator, value = draw.choice(
            (("gt", 20), ("lt", 50), ("gte", 25), ("lte", 25), ("between", [10, 40]), ("exact", 25), ("is_set", None))
        )
        return {"type": "event", "key": "tokens", "operator": operator, "value": value}
    if kind == "ok":
        return {"type": "event", "key": "ok", "operator": draw.choice(("exact", "is_not")),
                "value": draw.choice((True, False, "true"))}  # fmt: skip
    return {"type": "person", "key": "plan", "operator": draw.choice(("exact", "is_not")), "value": "paid"}


def matches(event: Happened, filters: list[Filter]) -> bool:
    """Whether all filters hold of an event."""
    return all(_holds(event.plan if each["key"] == "plan" else event.properties.get(each["key"]), each)
               for each in filters)  # fmt: skip


def _holds(value: Any, asked: Filter) -> bool:
    operator, wanted = asked["operator"], asked["value"]
    if asked["key"] == "ok":
        wanted = wanted in (True, "true")
    if operator == "is_set":
        return value is not None
    if operator == "is_not_set":
        return value is None
    if operator in ("is_not", "not_icontains", "not_regex"):
        positive = {"is_not": "exact", "not_icontains": "icontains", "not_regex": "regex"}[operator]
        return value is None or not _holds(value, {**asked, "operator": positive})
    if value is None:
        return False
    if operator == "exact":
        return value in wanted if isinstance(wanted, list) else bool(value == wanted)
    if operator == "icontains":
        return str(wanted).lower() in str(value).lower()
    if operator == "regex":
        return re.search(wanted, value) is not None
    if operator == "between":
        return bool(wanted[0] <= value <= wanted[1])
    return bool({"gt": value > wanted, "gte": value >= wanted, "lt": value < wanted, "lte": value <= wanted}[operator])
