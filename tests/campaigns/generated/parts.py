"""What random definitions are made of."""

from __future__ import annotations

import random
from typing import Any

from providers.posthog.kinds import Ref

WORDS = ("beta", "Über", "internal", "r1", "a b", "on", "1.0", "null", "#x", "2026-01-01", "yes", "é", "x: y", "ß")
NAMES = ("model", "version", "channel", "total_tokens", "7")
EVENTS = ("ai_enhancement_used", "$pageview", "ai_failed")


def text(chance: random.Random) -> str:
    """A text of a few words; never blank, and without white space at its ends, as PostHog keeps none."""
    return " ".join(chance.choices(WORDS, k=chance.randint(1, 3))).strip()


def maybe(chance: random.Random, **values: Any) -> dict[str, Any]:
    """Some of these, and the others not."""
    return {name: value for name, value in values.items() if chance.random() < 0.4}


def some(chance: random.Random, values: Any, least: int = 0) -> list[Any]:
    """Some of several, in their order."""
    return sorted(chance.sample(list(values), k=chance.randint(least, min(3, len(values)))), key=list(values).index)


def percentage(chance: random.Random) -> float:
    return chance.choice((0, 1, 5, 12.5, 33.3, 50, 99, 100))


def reference(chance: random.Random, kind: str) -> Ref:
    """A reference to one of the three definitions of a kind that are there."""
    return Ref(kind, f"{kind}-{chance.randint(1, 3)}")


def json_value(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON data but null, as a payload may be."""
    if depth < 2 and chance.random() < 0.4:
        inner = [json_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
        return inner if chance.random() < 0.5 else dict(zip(chance.sample(WORDS, len(inner)), inner, strict=True))
    return chance.choice((0, 1, 2.5, 200000, -1, True, False, "", *WORDS))


def comparison(chance: random.Random) -> dict[str, Any]:
    """The operator and the value of a property filter."""
    operator = chance.choice(
        ("exact", "is_not", "icontains", "regex", "gt", "lte", "is_set", "semver_gte", "is_date_after")
    )
    value: Any = {
        "gt": chance.choice(("1", "2.5", "1000000")),
        "lte": chance.choice(("0", "10")),
        "semver_gte": chance.choice(("2.4.0", "1.0")),
        "is_date_after": chance.choice(("-7d", "2026-01-01")),
        "regex": "^r[0-9]+$",
    }.get(operator, chance.choice(WORDS))
    if operator in ("exact", "is_not") and chance.random() < 0.4:
        value = chance.sample(WORDS, k=chance.randint(2, 3))
    return {"operator": operator} if operator == "is_set" else {"operator": operator, "value": value}


def event_filter(chance: random.Random) -> dict[str, Any]:
    """A property filter of an insight or a dashboard."""
    kind = chance.choice(("event", "person", "cohort"))
    if kind == "cohort":
        operator = chance.choice(("in", "not_in"))
        return {"type": "cohort", "key": "id", "operator": operator, "value": reference(chance, "cohort")}
    return {"type": kind, "key": chance.choice(NAMES), **comparison(chance)}


def filters(chance: random.Random) -> list[dict[str, Any]]:
    return [event_filter(chance) for _ in range(chance.randint(1, 3))]


def spelled(chance: random.Random, value: Any) -> Any:
    """The same data in another spelling: names in another order, nulls added, whole numbers with a point."""
    if isinstance(value, dict):
        items = [(name, spelled(chance, item)) for name, item in value.items()]
        chance.shuffle(items)
        extra = {"surely_unknown": None} if chance.random() < 0.1 and value else {}
        return {**dict(items), **extra}
    if isinstance(value, list):
        return [spelled(chance, item) for item in value]
    return float(value) if type(value) is int and chance.random() < 0.5 else value
