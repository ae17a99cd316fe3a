"""Events and properties that definitions name are in the catalogue, with types that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ai_admin.definitions.catalog import catalogue, is_person, is_posthogs_own
from ai_admin.definitions.filters import FILTERED, filters
from ai_admin.definitions.forms.cohort import cohort_leaves
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.query import (
    Node,
    breakdowns,
    event_names,
    named_events,
    node_events,
    query_of,
    series,
)
from ai_admin.definitions.spelling import closest
from ai_admin.definitions.trees import WITH_METRICS, WITH_NODES, nodes
from ai_admin.definitions.unreadable import at, is_readable

_ON_NUMBERS = frozenset({"sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99"})
_OWNERS = {"event_properties": "event", "person_properties": "person"}
_NUMBERS = ("Numeric", "Duration")
_FILE_NAME = re.compile(r"[\w.-]+")
"""Event names that are file names on every system."""


@rule("insight", "cohort", *WITH_NODES, sees=("event",))
def events_known(unit: Unit, index: Index) -> Iterator[Finding]:
    """Every event that a definition names is in the catalogue."""
    for path, name in _event_places(unit):
        yield from event_known(path, name, index)


def event_known(path: Path, name: str, index: Index) -> Iterator[Finding]:
    """Yield a finding for the name of an event that the catalogue does not have."""
    known = catalogue(index).events
    if not is_posthogs_own(name) and name not in known and not index.may_exist("event", name):
        near = closest(name, known)
        place = f"events/{name}.yaml" if _FILE_NAME.fullmatch(name) else "a file of events/, with this name as its key"
        fix = f'write "{near}"' if near else f"describe it in {place}"
        yield Finding(path, f'the catalogue knows no event "{name}"', fix)


def _event_places(unit: Unit) -> Iterator[tuple[Path, str]]:
    if unit.kind == "cohort":
        for path, leaf in cohort_leaves(unit):
            if leaf.get("type") == "behavioral" and leaf.get("event_type", "events") == "events":
                yield from (
                    (((*path, name), leaf[name])) for name in ("key", "seq_event") if isinstance(leaf.get(name), str)
                )
        return
    for path, node in nodes(unit):
        if isinstance(node.get("event"), str):
            yield (*path, "event"), node["event"]
    query = query_of(unit.value) if unit.kind == "insight" else None
    if query is not None:
        yield from named_events(query)


class Use(NamedTuple):
    """A property that a definition looks at."""

    path: Path
    type: str
    """``event`` or ``person``."""
    name: str
    events: tuple[str, ...] = ()
    """The events that it is about; none: any."""
    math: str = ""
    """What is computed on it, which takes numbers."""
    compared: Mapping[str, Any] = MappingProxyType({})
    """The filter that compares it."""


def property_uses(unit: Unit) -> Iterator[Use]:
    """Yield every property that a definition looks at."""
    for each in filters(unit) if unit.kind in FILTERED else ():
        if each.key:
            yield Use((*each.path, "key"), each.type, each.key, each.events, compared=each.leaf)
    yield from _of_insight(unit)
    yield from _computed(nodes(unit))


def _of_insight(unit: Unit) -> Iterator[Use]:
    """Yield the properties that an insight computes on or breaks down by."""
    query = query_of(unit.value) if unit.kind == "insight" else None
    if query is None:
        return
    events = tuple(event_names(query))
    for path, kind, name in breakdowns(query):
        if kind in ("event", "person") and isinstance(name, str):
            yield Use(path, kind, name, events)
    yield from _computed(series(query))
    inner = query.node.get("retentionFilter") or {}
    name, kind = inner.get("aggregationProperty"), inner.get("aggregationPropertyType", "event")
    math = inner.get("aggregationType")
    if isinstance(name, str) and kind in ("event", "person") and is_readable(math):
        path = (*query.path, "retentionFilter", "aggregationProperty")
        yield Use(path, kind, name, events, str(math))


def _computed(places: Iterable[tuple[Path, Node]]) -> Iterator[Use]:
    for path, node in places:
        name, math = node.get("math_property"), node.get("math")
        kind = _OWNERS.get(node.get("math_property_type", "event_properties"))
        if isinstance(name, str) and math in _ON_NUMBERS and kind is not None:
            yield Use((*path, "math_property"), kind, name, node_events(node), str(math))


@rule(*dict.fromkeys(("insight", *FILTERED, *WITH_METRICS)), sees=("event",))
def properties_known(unit: Unit, index: Index) -> Iterator[Finding]:
    """Every property is in the catalogue, and a number where something is computed on it."""
    for use in property_uses(unit):
        yield from property_known(use, index)
        if use.math:
            yield from _number(use, index)


def _number(use: Use, index: Index) -> Iterator[Finding]:
    known = catalogue(index)

    def type_of(name: str) -> str:
        found = known.find(use.type, name, use.events)
        return found.type if found else ""

    type_ = type_of(use.name)
    if type_ and type_ not in _NUMBERS:
        numbers = [each for each in known.properties(use.type, use.events) or () if type_of(each) in _NUMBERS]
        fix = (
            f"write a Numeric property, such as {closest(use.name, numbers) or numbers[0]}"
            if numbers
            else ("write math: total or dau, which count")
        )
        yield Finding(use.path, f'{use.math} needs numbers, and "{use.name}" is of type {type_}', fix)


def property_known(use: Use, index: Index) -> Iterator[Finding]:
    """Yield what is wrong with the name of a property: that the catalogue does not have it."""
    path, kind, name, events = use[:4]
    names = catalogue(index).properties(kind, events)
    if names is None or name in names or is_posthogs_own(name) or index.may_exist("property", name):
        return
    near = closest(name, names)
    where = (
        f"the event {' or '.join(dict.fromkeys(events))}"
        if events and kind == "event"
        else f"{'an' if kind == 'event' else 'a'} {kind}"
    )
    fix = f'write "{near}"' if near else f"describe it in events/ as a property of {where}"
    yield Finding(path, f'the catalogue knows no property "{name}" of {where}', fix)


@rule("event", sees=("event",))
def described_once(unit: Unit, index: Index) -> Iterator[Finding]:
    """Two files do not describe one property differently: PostHog keeps one definition per name."""
    kind = "person" if is_person(unit) else "event"
    if not is_readable(at(unit.value, "type")):
        return
    for name, item in (unit.value.get("properties") or {}).items():
        first = index.first(_described).get((kind, name))
        if first is None or first is unit:
            continue
        other = first.value["properties"][name]
        for field in ("type", "description", "tags", "adopt"):
            both = field in item and field in other and is_readable(item[field], other[field])
            if both and item[field] != other[field]:
                message = f'{first.shown} describes the property "{name}" with another {field}'
                fix = "write the same in both, or leave it out here" if field != "type" else f"write {other[field]}"
                yield Finding(("properties", name, field), message, fix)


def _described(unit: Unit) -> Iterator[tuple[str, str]]:
    """Yield the properties that a file describes."""
    if unit.kind == "event" and is_readable(at(unit.value, "type")):
        for name in unit.value.get("properties") or {}:
            yield "person" if is_person(unit) else "event", name
