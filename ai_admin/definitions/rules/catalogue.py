"""Insights, dashboards and cohorts speak of events and properties that the catalogue knows, and of types that
fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_admin.definitions.catalog import Catalogue, catalogue, is_person, is_posthogs_own
from ai_admin.definitions.filters import READS, filters
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.nearest import nearest
from ai_admin.definitions.query import (
    QUERY_KEYS,
    Node,
    breakdowns,
    event_names,
    named_events,
    query_of,
    series,
)
from ai_admin.definitions.rules.references import cohort_leaves
from ai_admin.definitions.world import Rule, Unit, World

_ON_NUMBERS = frozenset({"sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99"})
_NUMBERS = ("Numeric", "Duration")


def events_known(unit: Unit, world: World) -> Iterator[Finding]:
    """Every event that an insight or a cohort names is in the catalogue."""
    known = catalogue(world)
    if not known.complete:
        return
    for path, name in _event_places(unit):
        if not is_posthogs_own(name) and name not in known.events:
            near = nearest(name, known.events)
            fix = f'write "{near}"' if near else f"describe it in events/{name}.yaml"
            yield Finding(path, f'the catalogue knows no event "{name}"', fix)


def _event_places(unit: Unit) -> Iterator[tuple[Path, str]]:
    if unit.kind == "cohort":
        for path, leaf in cohort_leaves(unit):
            if leaf.get("type") == "behavioral" and leaf.get("event_type", "events") == "events":
                yield from (
                    (((*path, name), leaf[name])) for name in ("key", "seq_event") if isinstance(leaf.get(name), str)
                )
        return
    query = query_of(unit.value)
    if query is not None:
        yield from named_events(query)


def filtered_properties_known(unit: Unit, world: World) -> Iterator[Finding]:
    """Every property that a filter looks at is in the catalogue."""
    known = catalogue(world)
    for each in filters(unit):
        if each.key:
            yield from _property_known((*each.path, "key"), each.type, each.key, each.events, known)


def computed_properties_known(unit: Unit, world: World) -> Iterator[Finding]:
    """Every property that an insight computes on or breaks down by is in the catalogue; what is computed on
    is a number.
    """
    known = catalogue(world)
    query = query_of(unit.value)
    if query is None:
        return
    events = tuple(event_names(query))
    for path, kind, name in breakdowns(query):
        if kind in ("event", "person") and isinstance(name, str):
            yield from _property_known(path, kind, name, events, known)
    for path, node in series(query):
        name, math = node.get("math_property"), node.get("math")
        if isinstance(name, str) and math in _ON_NUMBERS:
            kind = {"person_properties": "person"}.get(node.get("math_property_type", "event_properties"), "event")
            if node.get("math_property_type", "event_properties") in (
                "event_properties",
                "person_properties",
            ):
                yield from _number((*path, "math_property"), kind, name, _events(node), str(math), known)
    inner = query.node.get("retentionFilter") or {}
    name, kind = inner.get("aggregationProperty"), inner.get("aggregationPropertyType", "event")
    if isinstance(name, str) and kind in ("event", "person"):
        path = (*query.path, "retentionFilter", "aggregationProperty")
        yield from _number(path, kind, name, events, str(inner.get("aggregationType")), known)


def _events(node: Node) -> tuple[str, ...]:
    event = node.get("event")
    return (event,) if isinstance(event, str) else ()


def _number(
    path: Path, kind: str, name: str, events: tuple[str, ...], math: str, known: Catalogue
) -> Iterator[Finding]:
    yield from _property_known(path, kind, name, events, known)
    found = known.person.get(name) if kind == "person" else known.event_property(name, events)
    if found is not None and found.type not in _NUMBERS:
        numbers = [each for each in _names(kind, events, known) if _type_of(kind, each, events, known) in _NUMBERS]
        fix = (
            f"write a Numeric property, such as {nearest(name, numbers) or numbers[0]}"
            if numbers
            else ("write math: total or dau, which count")
        )
        yield Finding(path, f'{math} needs numbers, and "{name}" is of type {found.type}', fix)


def _type_of(kind: str, name: str, events: tuple[str, ...], known: Catalogue) -> str:
    found = known.person.get(name) if kind == "person" else known.event_property(name, events)
    return found.type if found else ""


def _property_known(path: Path, kind: str, name: str, events: tuple[str, ...], known: Catalogue) -> Iterator[Finding]:
    if is_posthogs_own(name) or not known.complete:
        return
    if any(is_posthogs_own(event) or event not in known.events for event in events) and kind == "event":
        return  # an event that nobody describes has any property; that it is unknown is said of the event
    names = _names(kind, events, known)
    if name in names:
        return
    near = nearest(name, names)
    where = (
        f"the event {' or '.join(events)}"
        if events and kind == "event"
        else f"{'an' if kind == 'event' else 'a'} {kind}"
    )
    fix = f'write "{near}"' if near else f"describe it in events/ as a property of {where}"
    yield Finding(path, f'the catalogue knows no property "{name}" of {where}', fix)


def _names(kind: str, events: Iterable[str], known: Catalogue) -> list[str]:
    return list(known.person) if kind == "person" else known.event_property_names(events)


def described_once(unit: Unit, world: World) -> Iterator[Finding]:
    """Two files do not describe one property differently: PostHog keeps one definition per name."""
    kind = "person" if is_person(unit) else "event"
    for name, item in (unit.value.get("properties") or {}).items():
        first = _first_description(world, kind, name)
        if first is None or first is unit:
            continue
        other = first.value["properties"][name]
        for field in ("type", "description", "tags", "adopt"):
            if field in item and field in other and item[field] != other[field]:
                message = f'{first.name} describes the property "{name}" with another {field}'
                fix = "write the same in both, or leave it out here" if field != "type" else f"write {other[field]}"
                yield Finding(("properties", name, field), message, fix)


def _first_description(world: World, kind: str, name: str) -> Unit | None:
    found: dict[tuple[str, str], Unit] = world.once(_descriptions)
    return found.get((kind, name))


def _descriptions(world: World) -> dict[tuple[str, str], Unit]:
    result: dict[tuple[str, str], Unit] = {}
    for unit in world.units:
        if unit.kind == "event" and unit.readable(("type", "properties")):
            for name in unit.value.get("properties") or {}:
                result.setdefault(("person" if is_person(unit) else "event", name), unit)
    return result


RULES = (
    Rule("insight", QUERY_KEYS, events_known, sees=("event",)),
    Rule("cohort", ("properties", "filters"), events_known, sees=("event",)),
    *(
        Rule(kind, READS[kind], filtered_properties_known, sees=("event",))
        for kind in ("insight", "cohort", "dashboard")
    ),
    Rule("insight", QUERY_KEYS, computed_properties_known, sees=("event",)),
    Rule("event", ("type", "properties"), described_once, sees=("event",)),
)
