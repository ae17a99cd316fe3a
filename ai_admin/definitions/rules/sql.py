"""Events and properties that SQL insights speak of: PostHog answers a misspelt one with nothing, not with an
error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ai_admin.definitions.catalog import catalogue, is_posthogs_own
from ai_admin.definitions.model import Finding
from ai_admin.definitions.nearest import nearest
from ai_admin.definitions.query import QUERY_KEYS, query_of
from ai_admin.definitions.world import Rule, Unit, World

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_EVENT = re.compile(r"\bevent\s*(?:=|==|!=|<>)\s*'([^'\\]+)'")
_PROPERTY = re.compile(r"(?<![\w'])(?:\w+\.)*properties\.([A-Za-z_]\w*)")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")


def speaks_of_what_exists(unit: Unit, world: World) -> Iterator[Finding]:
    """The events and properties that an SQL query plainly names are in the catalogue.

    Only ``event = '...'`` and ``properties.name`` are looked at. Which table a property belongs to is not
    worked out, so one that any event or the person has will do.
    """
    query = query_of(unit.value)
    known = catalogue(world)
    if query is None or query.kind != "HogQLQuery" or not known.complete:
        return
    text = _COMMENT.sub(" ", str(query.node.get("query", "")))
    path = (*query.path, "query")
    for name in dict.fromkeys(_EVENT.findall(text)):
        if name not in known.events and not is_posthogs_own(name):
            near = nearest(name, known.events)
            fix = f'write "{near}"' if near else f"describe it in events/{name}.yaml"
            yield Finding(path, f'the catalogue knows no event "{name}"', fix)
    names = {*known.person, *known.event_property_names(())}
    for name in dict.fromkeys(_PROPERTY.findall(_TEXT.sub("''", text))):
        if name not in names:
            near = nearest(name, names)
            fix = f'write "{near}"' if near else "describe it in events/"
            yield Finding(path, f'the catalogue knows no property "{name}"', fix)


RULES = (Rule("insight", QUERY_KEYS, speaks_of_what_exists, sees=("event",)),)
