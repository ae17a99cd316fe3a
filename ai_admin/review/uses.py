"""What uses what: the definitions that a change of another one reaches, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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


def users(definitions: Iterable[Definition]) -> dict[Ref, list[str]]:
    """Return by reference what uses a definition, a line each: also events, by their names."""
    every = tuple(definitions)
    direct: dict[Ref, list[Definition]] = {}
    for each in every:
        own = Ref("dashboard", each.key) if each.kind == "tiles" else None  # nothing that uses a dashboard, but a part
        for ref in dict.fromkeys([*refs(each.properties), *(Ref("event", name) for name in events(each.properties))]):
            if ref != own:
                direct.setdefault(ref, []).append(each)
    return {ref: [*_lines(ref, direct)] for ref in direct}


def _lines(ref: Ref, direct: Mapping[Ref, list[Definition]]) -> Iterator[str]:
    seen = {ref}
    waiting = [(ref, "")]
    while waiting:
        current, through = waiting.pop(0)
        for user in direct.get(current, ()):
            name = Ref(user.kind, user.key)
            if name in seen:
                continue
            seen.add(name)
            yield _line(user, current) + through
            waiting.append((name, through or f", through {_name(user)}"))


def _name(user: Definition) -> str:
    noun = "dashboard" if user.kind == "tiles" else user.kind.replace("_", " ")  # nobody calls its tiles anything
    return f"{noun} {user.key}"


def _line(user: Definition, ref: Ref) -> str:
    name = _name(user)
    if user.kind == "flag":
        shares = [
            f'condition "{condition_title(each)}" at {plain_text(each.get("rollout_percentage", 100))} %'
            for each in user.properties.get("release_conditions") or ()
            if ref in refs(each)
        ]
        return f"{name} serves by it: {', '.join(shares)}" if shares else f"{name} uses it"
    return f"{name} {_VERBS.get(user.kind, 'uses it')}"


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
