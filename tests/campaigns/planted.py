"""Good definitions of every kind, and faults to plant in them: what breaks a schema, and what breaks a rule.

``python -m tests.campaigns.check_planted`` plants many; the tests plant a share.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from random import Random
from typing import Any

import yaml

from ai_admin.definitions.files import FOLDERS
from tests.unit.schemas.reading import validator
from tests.unit.schemas.test_content import merge

Path = tuple[str | int, ...]
Files = dict[str, Any]
STACKS = ("sandbox", "staging", "production")

FILES: Files = yaml.safe_load(FilePath(__file__).with_name("planted.yaml").read_text("utf-8"))


@dataclass(frozen=True)
class Rule:
    """A way to break a rule: what ``plant`` changes in the ``file``, and how the problem then begins.

    ``reads`` are the places, besides what is planted, without which the problem can't be seen: by file, the value at a
    path, or, where the path ends with ``...``, everything below it too.
    """

    file: str
    plant: Callable[[Any], None]
    at: Path
    says: str
    reads: dict[str, list[Any]] = field(default_factory=dict)


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def plant(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return plant


def _append(*path: str | int, item: Any) -> Callable[[Any], None]:
    def plant(value: Any) -> None:
        for step in path:
            value = value[step]
        value.append(item)

    return plant


def _insight(query: dict[str, Any]) -> Callable[[Any], None]:
    return _append("tiles", item={"insight": {"key": "planted", "name": "Planted", **query}})


_USAGE, _MODEL = "dashboards/usage.yaml", "flags/model.yaml"
_LAST = ("tiles", 6, "insight")
_EVENT = {"events/ai_used.yaml": [("key",), ("type",), ("properties",)]}
_ALL_EVENTS = {**_EVENT, "events/opened.yaml": [("key",), ("type",), ("properties",)]}
_PERSON = {"events/installation.yaml": [("type",), ("properties",)]}
RULES = {
    "unknown cohort": Rule(
        _MODEL,
        _append("release_conditions", item={"cohort": "zzqx"}),
        ("release_conditions", 3, "cohort"),
        'there is no cohort "zzqx"',
    ),
    "unknown flag": Rule(
        _MODEL,
        _set("release_conditions", 2, "properties", 0, "key", to="zzqx"),
        ("release_conditions", 2, "properties", 0, "key"),
        'there is no flag "zzqx"',
        {_MODEL: [("release_conditions", 2, "properties", 0, "type")]},
    ),
    "unknown cohort in a patch": Rule(
        _MODEL,
        _set("stacks", "staging", "release_conditions", 0, "cohort", to="zzqx"),
        ("stacks", "staging", "release_conditions", 0, "cohort"),
        'there is no cohort "zzqx"',
        {_MODEL: [("only",)]},
    ),
    "sum of the shares": Rule(
        _MODEL,
        _set("variants", 0, "rollout_percentage", to=50),
        ("variants",),
        "the rollout percentages of the variants sum to 90, not 100",
        {_MODEL: [("variants", n, "rollout_percentage") for n in (0, 1)]},
    ),
    "a condition's variant": Rule(
        _MODEL,
        _set("release_conditions", 0, "variant", to="zzqx"),
        ("release_conditions", 0, "variant"),
        'the flag has no variant "zzqx"',
        {_MODEL: [("unmanaged",), ("variants", 0, "key"), ("variants", 1, "key")]},
    ),
    "operator and type": Rule(
        _MODEL,
        _set("release_conditions", 1, "properties", 0, to={"key": "usage", "operator": "icontains", "value": "a"}),
        ("release_conditions", 1, "properties", 0, "operator"),
        'the operator icontains does not fit "usage"',
        {
            _MODEL: [("release_conditions", 1, "properties", 0, ...)],
            "events/installation.yaml": [("type",), ("properties", "usage", "type")],
        },
    ),
    "value and catalogue": Rule(
        _MODEL,
        _set("release_conditions", 1, "properties", 1, "value", to=["zzqx"]),
        ("release_conditions", 1, "properties", 1, "value"),
        '"health" is never the text "zzqx"',
        {
            _MODEL: [("release_conditions", 1, "properties", 1, ...)],
            "events/installation.yaml": [("type",), ("properties", "health", ...)],
        },
    ),
    "set and unmanaged": Rule(
        "flags/enabled.yaml",
        _set("tags", to=["a"]),
        ("tags",),
        '"tags" is left to PostHog (unmanaged) and set as well',
        {"flags/enabled.yaml": [("unmanaged", 0)]},
    ),
    "event-based cohort": Rule(
        "flags/enabled.yaml",
        _append("release_conditions", item={"cohort": "active"}),
        ("release_conditions", 1, "cohort"),
        'the cohort "active" is event-based',
        {"cohorts/active.yaml": [("key",), ("is_static",), ("filters", "values", 1, "values", 0, "type")]},
    ),
    "renamed from itself": Rule(
        "flags/enabled.yaml", _set("renamed_from", to="enabled"), ("renamed_from",), "the flag is renamed from its own"
    ),
    "cohorts in a circle": Rule(
        "cohorts/internal.yaml",
        _append("properties", item={"cohort": "internal"}),
        ("properties", 2, "cohort"),
        "the cohorts refer to each other in a circle",
        {"cohorts/internal.yaml": [("key",)]},
    ),
    "unknown event of a cohort": Rule(
        "cohorts/active.yaml",
        _set("filters", "values", 1, "values", 0, "key", to="zzqx"),
        ("filters", "values", 1, "values", 0, "key"),
        'the catalogue knows no event "zzqx"',
        {"cohorts/active.yaml": [("filters", "values", 1, "values", 0, "type")]},
    ),
    "unknown property of persons": Rule(
        "cohorts/internal.yaml",
        _append("properties", item={"key": "zzqx", "value": 1}),
        ("properties", 2, "key"),
        'the catalogue knows no property "zzqx" of a person',
        _PERSON,
    ),
    "unknown event": Rule(
        _USAGE,
        _insight({"trends": {"series": [{"event": "zzqx"}]}}),
        (*_LAST, "trends", "series", 0, "event"),
        'the catalogue knows no event "zzqx"',
    ),
    "unknown event in a sound field of a query": Rule(
        _USAGE,
        _set("tiles", 2, "insight", "funnel", "series", 0, "event", to="zzqx"),
        ("tiles", 2, "insight", "funnel", "series", 0, "event"),
        'the catalogue knows no event "zzqx"',
    ),
    "SQL that is none": Rule(
        _USAGE,
        _insight({"sql": {"query": "DELETE FROM events"}}),
        (*_LAST, "sql", "query"),
        "HogQL takes only SELECT and WITH",
    ),
    "unknown property of an event": Rule(
        _USAGE,
        _insight({"trends": {"series": [{"event": "ai_used", "math": "sum", "math_property": "zzqx"}]}}),
        (*_LAST, "trends", "series", 0, "math_property"),
        'the catalogue knows no property "zzqx" of the event ai_used',
        _EVENT,
    ),
    "math and type": Rule(
        _USAGE,
        _set("tiles", 1, "insight", "trends", "series", 0, "math_property", to="model"),
        ("tiles", 1, "insight", "trends", "series", 0, "math_property"),
        'sum needs numbers, and "model" is of type String',
        {
            _USAGE: [("tiles", 1, "insight", "trends", "series", 0, name) for name in ("math", "event")],
            "events/ai_used.yaml": [("key",), ("type",), ("properties", "model", "type")],
        },
    ),
    "formula": Rule(
        _USAGE,
        _set("tiles", 1, "insight", "trends", "formula", to="A / C"),
        ("tiles", 1, "insight", "trends", "formula"),
        'the formula names "C", and the series are A and B',
        {_USAGE: [("tiles", 1, "insight", "trends", "series")]},
    ),
    "breakdown without effect": Rule(
        _USAGE,
        _insight({"trends": {"series": [{}], "display": "BoldNumber", "breakdown": {"property": "model"}}}),
        (*_LAST, "trends", "breakdown", "property"),
        "the display BoldNumber shows no breakdown",
    ),
    "SQL": Rule(
        _USAGE,
        _set("tiles", 4, "insight", "sql", "query", to="select properties.zzqx from events"),
        ("tiles", 4, "insight", "sql", "query"),
        'the catalogue knows no property "zzqx"',
        {**_ALL_EVENTS, **_PERSON},
    ),
    "an insight twice": Rule(
        "dashboards/second.yaml",
        _append("tiles", item={"insight": "runs"}),
        ("tiles", 2, "insight"),
        'the insight "runs" is on this dashboard already',
        {"dashboards/second.yaml": [("tiles", 0, "insight")]},
    ),
    "unknown insight": Rule(
        "dashboards/second.yaml",
        _append("tiles", item={"insight": "zzqx"}),
        ("tiles", 2, "insight"),
        'there is no insight "zzqx"',
    ),
    "overlap": Rule(
        _USAGE,
        _set("tiles", 0, "layout", "h", to=3),
        ("tiles", 1, "layout"),
        "the tile overlaps tile 1",
        {_USAGE: [("tiles", n, "layout", ...) for n in (0, 1)]},
    ),
    "series of an alert": Rule(
        "alerts/low.yaml",
        _set("series", to=7),
        ("series",),
        'the insight "steps" has 2 steps, so no step 7',
        {
            "alerts/low.yaml": [("insight",)],
            _USAGE: [("tiles", 2, "insight", "key"), ("tiles", 2, "insight", "funnel", "series")],
        },
    ),
    "bounds": Rule(
        "alerts/low.yaml",
        _set("threshold", "lower", to=9),
        ("threshold", "lower"),
        "the lower bound 9 is not below the upper bound 5",
        {"alerts/low.yaml": [("threshold", "upper")]},
    ),
    "condition of an alert": Rule(
        "alerts/spike.yaml",
        _set("insight", to="raw"),
        ("condition",),
        'relative_increase compares with before, and the insight "raw"',
        {
            "alerts/spike.yaml": [("condition",), ("insight",)],
            _USAGE: [
                ("tiles", 5, "insight", "key"),
                ("tiles", 5, "insight", "query", "kind"),
                ("tiles", 5, "insight", "query", "source", "kind"),
                ("tiles", 5, "insight", "query", "source", "trendsFilter", "display"),
            ],
        },
    ),
    "webhook": Rule(
        "alerts/spike.yaml",
        _set("notify", "webhook", "url", to="http://example.com/hook"),
        ("notify", "webhook", "url"),
        "http to example.com sends what it carries in the clear",
    ),
    "described twice": Rule(
        "events/opened.yaml",
        _set("properties", "model", "type", to="Numeric"),
        ("properties", "model", "type"),
        'event/ai_used describes the property "model" with another type',
        {"events/opened.yaml": [("type",)], "events/ai_used.yaml": [("type",), ("properties", "model", "type")]},
    ),
    "one key twice": Rule(
        "flags/late.yaml",
        _set("key", to="enabled"),
        ("key",),
        'the flag key "enabled" is taken',
        {"flags/enabled.yaml": [("key",)]},
    ),
    "unknown stack": Rule(
        "cohorts/partial.yaml", _append("only", item="zzqx"), ("only", 2), 'there is no stack "zzqx"'
    ),
}  # fmt: skip


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield (*path, step)
        yield from places(item, (*path, step))


def get(value: Any, path: Path) -> Any:
    """Return the value at a path."""
    for step in path:
        value = value[step]
    return value


def breaks_its_schema(file: str, value: Any) -> bool:
    """Whether a definition breaks its schema, as written or in a stack, by the word of jsonschema alone."""
    kind = FOLDERS[file.rpartition("/")[0]]
    patches = value.get("stacks") if isinstance(value.get("stacks"), dict) else {}
    forms = [value, *(merge(value, patches[stack]) for stack in STACKS if isinstance(patches.get(stack), dict))]
    return any(next(validator(kind).iter_errors(form), None) is not None for form in forms)


def _wrong(value: Any, random: Random) -> Any:
    if isinstance(value, dict | list):  # what is defined inside must still be there to be seen
        return random.choice([[value], {"zz": value}])
    return random.choice([[value], {"zz": 1}, "zz", 7.5, None, True, [], -3, "", 10**9])


def break_schema(files: Files, file: str, path: Path, random: Random) -> tuple[Files, Path] | None:
    """Break the schema of a file at a path.

    Returns the files and the place that is now broken, or None when what was tried at random is as good as before.
    """
    broken = {**files, file: copy.deepcopy(files[file])}
    container, step = get(broken[file], path[:-1]), path[-1]
    way, place = random.choice(("wrong", "remove", "misspell", "add", "spoil")), path
    if way == "wrong":
        container[step] = _wrong(container[step], random)
    elif way == "spoil" and isinstance(container[step], str):
        container[step] += "zz"
    elif way == "add" and isinstance(container[step], dict):
        container[step]["zz"] = 1
        place = (*path, "zz")
    elif way == "remove" and isinstance(container, dict) and not isinstance(container[step], dict | list):
        if step == "type":
            return None  # a filter without a type is one of persons, and something else is wrong with it
        del container[step]
    elif way == "misspell" and isinstance(container, dict):
        items = list(container.items())
        container.clear()
        container.update({name[:-1] if name == step else name: item for name, item in items})
    else:
        return None
    return (broken, place) if breaks_its_schema(file, broken[file]) else None


def independent(rule: Rule, file: str, place: Path) -> bool:
    """Whether a rule's problem can still be seen when a place can't be read."""
    if file == rule.file and place == rule.at[: len(place)]:
        return False
    for path in rule.reads.get(file, ()):
        below = path[-1] is ...
        path = path[:-1] if below else path
        if place == path[: len(place)] or (below and path == place[: len(path)]):
            return False
    return True


def written(value: Any) -> tuple[str, dict[Path, tuple[int, int]]]:
    """Return a definition as text, and the first and last line of each value in it."""
    lines: list[str] = [""]
    spans: dict[Path, tuple[int, int]] = {}

    def write(item: Any, path: Path) -> None:
        first = len(lines)
        if isinstance(item, dict | list) and item:
            steps = item.items() if isinstance(item, dict) else enumerate(item)
            lines[-1] += "{" if isinstance(item, dict) else "["
            for step, inner in steps:
                lines.append(f"{json.dumps(step)}: " if isinstance(item, dict) else "")
                write(inner, (*path, step))
                lines[-1] += ","
            lines.append("}" if isinstance(item, dict) else "]")
        else:
            lines[-1] += json.dumps(item)
        spans[path] = (first, len(lines))

    write(value, ())
    return "\n".join(lines), spans
