"""References between definitions lead somewhere, in every stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.query import query_of
from ai_admin.definitions.spelling import listed, suggestion
from providers.posthog.kinds import KINDS, Kind


def sees(kind: Kind) -> tuple[str, ...]:
    """Return the kinds that files of a kind may refer to."""
    made = (each for each in KINDS.values() if kind.name in each.homes and not each.folder)
    return tuple(dict.fromkeys(name for each in (kind, *made) for name in each.refers_to))


@rule(*FORMS, sees=lambda kind: sees(KINDS[kind]))
def exist(unit: Unit, index: Index) -> Iterator[Finding]:
    """Every reference names a definition that exists in the stack."""
    for path, kind, key in FORMS[unit.kind].references(unit):
        # What is no text is UNREADABLE, or is under a misspelt name that only probably means a reference.
        if isinstance(key, str) and index.find(kind, key) is None and not index.may_exist(kind, key):
            own = unit.key if kind == unit.kind else ""
            offset = _in_sql(unit, key) if kind == "insight_variable" and path[-1] == "query" else None
            yield replace(missing(path, kind, key, index, own), offset=offset)


def _in_sql(insight: Unit, key: str) -> int:
    """Return where the SQL of an insight names a variable."""
    query = query_of(insight.value)
    return str(query.node["query"]).index(f"variables.{key}") if query else 0


def missing(path: Path, kind: str, key: Any, index: Index, own: str = "") -> Finding:
    """Return the finding for a reference that leads nowhere; ``own`` is the key of what refers, which is not meant."""
    written = index.written.find(kind, key) if index.written else None
    what = KINDS[kind].words
    if written is not None and written.view.document.only is None:
        fix = f"keep it in the patch of {written.view.document.path}, or patch this reference as well"
        return Finding(path, f'the {what} "{key}" is removed by a patch', fix)
    if written is not None:
        only = listed(written.view.document.only or (), "and")
        fix = "add the stack to its only, or restrict this definition with only as well"
        return Finding(path, f'the {what} "{key}" exists on {only} only', fix)
    known = [each for each in index.keys(kind) if each != own]
    named = [each for each in known if _name(index.find(kind, each)) == str(key).casefold()]
    define = f"define it in {KINDS[kind].folder}/" + (" or in a tile" if KINDS[kind].homes else "")
    otherwise = f"{define}, or write one of {listed(known)}" if known else define
    fix = f'write "{named[0]}"' if len(named) == 1 else suggestion(str(key), known, otherwise)
    return Finding(path, f'there is no {what} "{key}"', fix)


def _name(unit: Unit | None) -> str | None:
    """Return what people call a definition in PostHog, whatever the case."""
    name = unit.written.get("name") if unit else None
    return name.casefold() if isinstance(name, str) else None
