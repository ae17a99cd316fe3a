"""Events and properties in the text of SQL insights: of a misspelt one PostHog finds nothing, and reports no error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ai_admin.definitions.catalog import catalogue
from ai_admin.definitions.index import Index, Rule, Unit
from ai_admin.definitions.model import Finding
from ai_admin.definitions.query import query_of
from ai_admin.definitions.rules.catalogue import event_known
from ai_admin.definitions.spelling import closest
from ai_admin.definitions.sql_text import COMMENT

# None of these looks at a character more than a few times, whatever the text.
_EVENT = re.compile(r"\bevent\s*(?:=|==|!=|<>)\s*'([^'\\]+)'")
_PROPERTY = re.compile(r"(?<![\w'.])(?:\w+\.)*properties\.([A-Za-z_]\w*)")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")


def speaks_of_what_exists(unit: Unit, index: Index) -> Iterator[Finding]:
    """The events and properties that an SQL query plainly names are in the catalogue.

    Only ``event = '...'`` and ``properties.name`` are checked. The table of a property is not determined: any event, or
    the person, may have it.
    """
    query = query_of(unit.value)
    if query is None or query.kind != "HogQLQuery" or not isinstance(query.node.get("query"), str):
        return
    text = COMMENT.sub(" ", query.node["query"])
    path = (*query.path, "query")
    for name in dict.fromkeys(_EVENT.findall(text)):
        yield from event_known(path, name, index)
    known = catalogue(index)
    of_persons, of_events = known.properties("person", ()), known.properties("event", ())
    if of_persons is None or of_events is None:
        return
    names = {*of_persons, *of_events}
    for name in dict.fromkeys(_PROPERTY.findall(_TEXT.sub("''", text))):
        if name not in names and not index.may_exist("property", name):
            near = closest(name, names)
            fix = f'write "{near}"' if near else "describe it in events/"
            yield Finding(path, f'the catalogue knows no property "{name}"', fix)


RULES = (Rule("insight", speaks_of_what_exists, sees=("event",)),)
