"""What uses what: the definitions that a change of another one affects, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ai_admin.definitions import Definition
from providers.posthog.kinds import Ref
from providers.posthog.kinds.base import refs
from providers.posthog.kinds.flag import condition_title
from providers.posthog.kinds.phrases import plain_text

_VERBS = {
    "flag": "serves by it",
    "cohort": "is made of it",
    "insight": "draws it",
    "alert": "watches it",
    "tiles": "shows it",
    "experiment": "measures by it",
    "saved_metric": "measures it",
    "subscription": "sends it",
    "notification": "tells of it",
    "annotation": "is on it",
    "survey": "asks by it",
    "early_access_feature": "is opted into by it",
}
"""What a definition of a kind does with what it refers to."""


class Use(NamedTuple):
    """What uses a definition."""

    text: str
    """A line about it."""
    flag: Ref | None = None
    """The flag, where it serves by the definition: it is on, and so are the flags between the two."""


def users(definitions: Iterable[Definition]) -> dict[Ref, list[Use]]:
    """Return by reference what uses a definition: also events and their properties, by their names. Flags that serve by
    it come first.
    """
    every = tuple(definitions)
    direct: dict[Ref, list[Definition]] = {}
    for each in every:
        own = Ref("dashboard", each.key) if each.kind == "tiles" else None  # nothing that uses a dashboard, but a part
        for ref in dict.fromkeys(_named(each.properties)):
            if ref != own:
                direct.setdefault(ref, []).append(each)
    return {ref: sorted(_uses(ref, direct), key=lambda use: use.flag is None) for ref in direct}


def _uses(ref: Ref, direct: Mapping[Ref, list[Definition]]) -> Iterator[Use]:
    seen = {ref, Ref("tiles", ref.key)} if ref.kind == "dashboard" else {ref}  # a dashboard does not show itself
    waiting = [(ref, "", True)]
    behind_off: list[tuple[Ref, str, bool]] = []
    while waiting or behind_off:
        current, through, decides = (waiting or behind_off).pop(0)
        for user in direct.get(current, ()):
            name = Ref(user.kind, user.key)
            if name in seen:
                continue
            seen.add(name)
            shares = _shares(user, current)
            on = decides and user.properties.get("active") is not False
            yield Use(_line(user, current, shares) + through, name if shares and on else None)
            (waiting if on else behind_off).append((name, through or f", through {_name(user)}", on))


def _name(user: Definition) -> str:
    noun = "dashboard" if user.kind == "tiles" else user.kind.replace("_", " ")  # nobody calls its tiles anything
    return f"{noun} {user.key}"


def _shares(user: Definition, ref: Ref) -> list[str]:
    """Return the conditions by which a flag serves by something, and their shares; none for other kinds."""
    conditions = (user.properties.get("release_conditions") or ()) if user.kind == "flag" else ()
    return [
        f'condition "{condition_title(each)}" at {plain_text(each.get("rollout_percentage", 100))} %'
        for each in conditions
        if ref in _named(each)
    ]


def _line(user: Definition, ref: Ref, shares: Iterable[str]) -> str:
    name = _name(user)
    if user.kind == "flag":
        serves = "is off, and would serve by it" if user.properties.get("active") is False else "serves by it"
        return f"{name} {serves}: {', '.join(shares)}" if shares else f"{name} uses it"
    verb = "is on it" if (user.kind, ref.kind) == ("insight", "dashboard") else _VERBS.get(user.kind, "uses it")
    return f"{name} {'reads it' if ref.kind == 'property' else verb}"


def _named(value: Any) -> Iterator[Ref]:
    yield from refs(value)
    yield from (Ref("event", name) for name in events(value))
    yield from (Ref("property", f"{of}.{name}") for of, name in properties(value))


def events(value: Any) -> Iterator[str]:
    """Yield the names of the events that a query, a metric or criteria look at."""
    if isinstance(value, list):
        for item in value:
            yield from events(item)
    elif isinstance(value, Mapping):
        if value.get("kind") == "EventsNode" and isinstance(value.get("event"), str):
            yield value["event"]
        if value.get("type") == "events" and isinstance(value.get("id"), str):
            yield value["id"]
        if value.get("event_type") == "events" and isinstance(value.get("key"), str):
            yield value["key"]
        for item in value.values():
            yield from events(item)


_OF = ("event", "person")
_IN_SQL = re.compile(r"\b(person\.)?properties\.(\w+)")
_PERSONS = re.compile(r"\b(from|join)\s+persons\b", re.IGNORECASE)


def properties(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the properties that filters, breakdowns, sums and SQL look at: whose each is, and its name."""
    if isinstance(value, list):
        for item in value:
            yield from properties(item)
    elif isinstance(value, Mapping):
        named = [
            (value.get("type") if {"value", "operator"} & value.keys() else None, value.get("key")),
            (value.get("type", "event"), value.get("property")),
            (value.get("breakdown_type", "event"), value.get("breakdown")),
            ("event", value.get("math_property")),
        ]
        for of, names in named:
            for name in names if isinstance(names, list) else [names]:
                if of in _OF and isinstance(name, str):
                    yield str(of), name
        if value.get("kind") == "HogQLQuery" and isinstance(value.get("query"), str):
            yield from _in_sql(value["query"])
        for item in value.values():
            yield from properties(item)


def _in_sql(text: str) -> Iterator[tuple[str, str]]:
    plain = "person" if _PERSONS.search(text) else "event"  # of the table that is read
    yield from (("person" if person else plain, name) for person, name in _IN_SQL.findall(text))
