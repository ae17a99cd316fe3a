"""A plan as a file: it binds what the files say, and what PostHog holds of every touched object. Pure.

`ai-admin apply` compares it with a fresh plan and says what moved; the provider then applies nothing else
(``providers.posthog.reviewed``), so that what moves in the last second is refused as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.review import reading
from ai_admin.review.changes import Action, Change
from ai_admin.review.plan import Planned
from ai_admin.review.sentences import sentences
from ai_admin.safety import name_of
from providers.posthog.errors import UnreadablePlan
from providers.posthog.inputs import with_digests
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.references import with_refs
from providers.posthog.reviewed import AGAIN, fingerprint
from providers.posthog.safety import digest
from providers.posthog.settings import Settings

VERSION = 1

Bound = Mapping[str, Any]


def bound(planned: Planned) -> Bound:
    """Return a plan as JSON data, without secrets."""
    report, settings = planned.report, planned.reviewed.settings
    touched = [each for each in planned.outlook.changes if each.action not in (Action.NOTHING, Action.HOLD)]
    return {
        "version": VERSION,
        "stack": report.stack,
        "host": report.host,
        "project": report.project,
        "settings": digest({name: value for name, value in settings.stack.items() if name != "api_key"}),
        "definitions": {name_of(each): _digest(each, settings) for each in planned.plan.definitions},
        "refused": [*report.refused, *(each.change.refused for each in report.entries if each.change.refused)],
        "changes": {str(each.ref): _change(each, planned) for each in touched},
    }


def text(planned: Planned) -> str:
    """Return the text of a plan's file."""
    return json.dumps(bound(planned), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def parse(content: str, path: str) -> Bound:
    """Return the plan in a file. Raises :class:`UnreadablePlan`."""
    try:
        found = json.loads(content)
        if found["version"] != VERSION:
            raise UnreadablePlan(f"{path} was written by another version of ai-admin; {AGAIN}")
        return {name: found[name] for name in _KEYS}
    except (ValueError, KeyError, TypeError):
        raise UnreadablePlan(f"{path} is no plan of `ai-admin plan --out`") from None


_KEYS = ("version", "stack", "host", "project", "settings", "definitions", "refused", "changes")


def _digest(definition: Definition, settings: Settings) -> str:
    properties = with_digests(definition.kind, definition.properties, settings.environ)
    return digest([properties, definition.adopt, definition.renamed_from])


def _change(change: Change, planned: Planned) -> dict[str, Any]:
    return {"action": change.action.value, "live": fingerprint(change.live), "holds": _holds(change, planned)}


def _holds(change: Change, planned: Planned) -> Properties | None:
    """Return what PostHog holds as JSON data: keys for ids, and no field that may hold a secret."""
    if change.live is None:
        return None
    secret = {field.name for field in change.kind.fields if field.secret}
    shown = {name: value for name, value in change.live.items() if name not in secret and not name.startswith("__")}
    names = planned.outlook.names
    readable = with_refs(change.kind, shown, lambda kind, id_: names.get((kind, str(id_))))
    found: Properties = json.loads(json.dumps(readable, default=lambda value: value.key))
    return found


def moved(then: Bound, planned: Planned) -> list[str]:
    """Return what is not as it was when a plan was made, a line each; empty where it can be applied.

    What is as wanted already is no reason to refuse: a run that was stopped half-way may be started again.
    """
    now = bound(planned)
    for name in ("stack", "host", "project"):
        if then[name] != now[name]:
            return [f"the plan is for {name} {then[name]}, and this is {now[name]}"]
    lines = ["the stack's settings are not those of the plan"] if then["settings"] != now["settings"] else []
    return [*lines, *_files(then["definitions"], now["definitions"]), *_live(then["changes"], now["changes"], planned)]


def _files(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*then, *now}):
        if name not in now:
            yield f"{name}: its definition is gone since the plan was made"
        elif name not in then:
            yield f"{name}: its definition is new since the plan was made"
        elif then[name] != now[name]:
            yield f"{name}: its definition is not the one of the plan"


def _live(then: Mapping[str, Any], now: Mapping[str, Any], planned: Planned) -> Iterator[str]:
    for name, change in now.items():
        if name not in then:
            entry = next(each for each in planned.report.entries if str(each.change.ref) == name)
            said = [*map(reading.put_back, entry.by_hand), *reading.lines(entry)]
            yield f"{name}: would change, and the plan does not say so: {'; '.join(said[:3])}"
        elif change["live"] != then[name]["live"]:
            yield f"{name}: was changed in PostHog since the plan was made{_difference(name, then[name], change)}"
        elif change["action"] != then[name]["action"]:
            yield f"{name}: the plan says {then[name]['action']}, and now it would be {change['action']}"


def _difference(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    kind, before, after = KINDS[Ref.parse(name).kind], then["holds"], now["holds"]
    if before is None or after is None:
        return ": it was deleted" if after is None else ": it was made"
    said = [
        sentence.text
        for field in kind.fields
        if not field.secret and before.get(field.name) != after.get(field.name)
        for sentence in sentences(kind, field, before, after)
    ]
    return f": {'; '.join(said)}" if said else ""
