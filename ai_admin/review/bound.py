"""A plan as a file: it binds what the files say, and what PostHog holds of every object that the plan changes.

`ai-admin apply` compares it with a fresh plan and reports the differences; the provider then applies nothing else
(``providers.posthog.reviewed``), so changes of the last second are refused as well. A change in PostHog of an object
that the plan does not change is no reason to refuse the plan; it is not reverted, since nobody reviewed that.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from ai_admin.definitions import Definition
from ai_admin.review import reading
from ai_admin.review.changes import Action, Change
from ai_admin.review.plan import Planned
from ai_admin.review.report import Entry
from ai_admin.review.sentences import sentences
from ai_admin.safety.applied import name_of
from providers.posthog.consents import digest
from providers.posthog.errors import OutdatedPlan, UnreadablePlan
from providers.posthog.history import History
from providers.posthog.inputs import with_digests
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Properties
from providers.posthog.references import with_refs
from providers.posthog.reviewed import AGAIN, fingerprint, is_off, only_goes_off, seen
from providers.posthog.settings import Settings

VERSION = 4

_LEFT = (Action.NOTHING, Action.HOLD, Action.UNKNOWN)
"""What is not applied, and so is in no plan that may be applied."""

Bound = Mapping[str, Any]


def bound(planned: Planned) -> Bound:
    """Return a plan as JSON data, without secrets."""
    report, settings = planned.report, planned.reviewed.settings
    touched = [each for each in planned.outlook.changes if each.action not in _LEFT]
    return {
        "version": VERSION,
        "stack": report.stack,
        "host": report.host,
        "project": report.project,
        "settings": digest({name: value for name, value in settings.stack.items() if name != "api_key"}),
        "definitions": {name_of(each): _digest(each, settings) for each in planned.plan.definitions},
        "refused": list(report.refused),
        "changes": _changes(touched, planned),
        "unknown": sorted(str(each.ref) for each in planned.outlook.changes if each.action is Action.UNKNOWN),
    }


def text(planned: Planned, left: Collection[str] = ()) -> str:
    """Return the text of a plan's file; for the provider with the names of what is :func:`left` alone."""
    found = dict(bound(planned))
    if left:
        changes = {name: change for name, change in found["changes"].items() if name not in left}
        found |= {"changes": changes, "left": sorted(left)}
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def parse(content: str, path: str) -> Bound:
    """Return the plan in a file. Raises :class:`UnreadablePlan`, and :class:`OutdatedPlan`."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("version", VERSION) != VERSION:
        raise OutdatedPlan(f"{path} was written by another version of ai-admin; {AGAIN}", found)
    if not _FORM.is_valid(found):
        raise UnreadablePlan(f"{path} is no plan of `ai-admin plan --out`; {AGAIN}")
    return {name: found[name] for name in _PARTS}


_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_CHANGE = {
    "type": "object",
    "required": ["action", "live", "holds", "refused"],
    "properties": {
        "action": _TEXT,
        "refused": _TEXT,
        "live": {"type": "array", "items": _TEXT},
        "holds": {"type": ["object", "null"]},
    },
}
_PARTS = {
    "version": {"const": VERSION},
    **dict.fromkeys(("stack", "host", "project", "settings"), _TEXT),
    "definitions": _TEXTS,
    "refused": {"type": "array", "items": _TEXT},
    "changes": {"type": "object", "additionalProperties": _CHANGE},
    "unknown": {"type": "array", "items": _TEXT},
}
_FORM = Draft202012Validator({"type": "object", "required": list(_PARTS), "properties": _PARTS})


def _digest(definition: Definition, settings: Settings) -> str:
    properties = with_digests(definition.kind, definition.properties, settings.environ)
    return digest([properties, definition.adopt, definition.renamed_from])


def _changes(touched: Iterable[Change], planned: Planned) -> dict[str, dict[str, Any]]:
    """Return changes by name. What took the place of another object, that is still to be deleted, has two."""
    found: dict[str, dict[str, Any]] = {}
    for each in touched:
        change: dict[str, Any] = {
            "action": each.action.value,
            "live": [],
            "holds": _holds(each, planned),
            "refused": each.refused,
        }
        found.setdefault(str(each.ref), change)["live"].append(fingerprint(seen(each.live, each.wanted)))
    return found


def _holds(change: Change, planned: Planned) -> Properties | None:
    """Return what PostHog holds as JSON data: keys for ids, and no field that may hold a secret."""
    live = seen(change.live, change.wanted)
    if live is None:
        return None
    secret = {field.name for field in change.kind.fields if field.secret}
    shown = {name: value for name, value in live.items() if name not in secret and not name.startswith("__")}
    names = planned.outlook.names
    readable = with_refs(change.kind, shown, lambda kind, id_: names.get((kind, str(id_))))
    found: Properties = json.loads(json.dumps(readable, default=lambda value: value.key))
    return found


def moved(then: Bound, planned: Planned) -> list[str]:
    """Return what differs from when a plan was made, a line each; empty if it can be applied.

    What is already as wanted is no reason to refuse: a run that was interrupted may be started again. Nor is the switch
    of a flag that is to be off, nor what is :func:`left` alone. If nothing is to be sent at all, definitions that the
    plan does not change may differ. Asks PostHog who changed what.
    """
    now = bound(planned)
    for name in ("stack", "host", "project"):
        if then[name] != now[name]:
            return [f"the plan is for {name} {then[name]}, and this is {now[name]}"]
    lines = [f"Pulumi.{now['stack']}.yaml: the settings are not those of the plan"]
    refused = () if now["refused"] else then["refused"]
    return [
        *(lines if then["settings"] != now["settings"] else ()),
        *(f"the plan was refused, so nobody agreed to it: {line}" for line in refused),
        *_files(then["definitions"], planned, None if now["changes"] else then["changes"]),
        *_live(then, now["changes"], planned),
    ]


def left(then: Bound, planned: Planned) -> dict[str, str]:
    """Return what differs in PostHog and is left alone, each by its Pulumi name with a line about who did what.

    The plan does not change these objects, and their definitions are those of the plan (:func:`moved` reports others):
    they were as wanted then, and somebody changed them in PostHog since.
    """
    return {str(each.change.ref): _since(each) for each in planned.report.entries if _is_left(each.change, then)}


def held(then: Bound, planned: Planned) -> list[str]:
    """Return what the plan changes and the run still leaves as it is, a line each: flags that somebody switched off."""
    changes = (each.change for each in planned.report.entries if str(each.change.ref) in then["changes"])
    return [
        f"{each.ref}: the plan changes it, and it is left as it is, since it was switched off in PostHog"
        for each in changes
        if each.action is Action.HOLD
    ]


def _is_left(change: Change, then: Bound) -> bool:
    if str(change.ref) in then["changes"] or change.wanted is None or change.action in (Action.HOLD, Action.UNKNOWN):
        return False
    return not change.as_wanted and not _goes_off(change)


def _goes_off(change: Change) -> bool:
    """Return whether a flag is to be off and is on, or comes on by what waits for approval: that is never left."""
    return is_off(change.wanted) and bool((change.live or {}).get("active") or change.note)


def _since(entry: Entry) -> str:
    if entry.change.gone:
        return f"was deleted in PostHog {entry.deleted}".rstrip()
    if entry.change.action is Action.ADOPT:
        return f"is another object in PostHog now, which has the id {entry.change.id}"
    said = [*map(reading.put_back, entry.by_hand), *(each.text for each in entry.sentences)]
    return "; ".join(said[:SHOWN]) + (f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else "")


SHOWN = 3
"""Most that is said of an object that is left alone."""


def _files(then: Mapping[str, str], planned: Planned, about: Collection[str] | None) -> Iterator[str]:
    """Yield how the files differ from those of the plan; ``about`` names the objects to compare, None: all."""
    settings, found = planned.reviewed.settings, {name_of(each): each for each in planned.plan.definitions}
    looked_at = then.keys() | found.keys() if about is None else about
    for name in sorted(then.keys() - found.keys()):
        if name in looked_at:
            yield f"{name}: its definition is gone since the plan was made"
    for name, definition in found.items():
        if name not in looked_at:
            continue
        if name not in then:
            yield f"{definition.source}: {name}: its definition is new since the plan was made"
        elif then[name] != _digest(definition, settings):
            variables = [secret["env"] for secret in KINDS[definition.kind].secrets(definition.properties)]
            or_secret = f", or the value of {' or '.join(variables)}," if variables else ""
            yield f"{definition.source}: {name}: its definition{or_secret} is not the one of the plan"


def _live(plan: Bound, now: Mapping[str, Any], planned: Planned) -> Iterator[str]:
    then = plan["changes"]
    entries = {str(each.change.ref): each for each in reversed(planned.report.entries)}
    for name, change in now.items():
        entry = entries[name]
        if only_goes_off(entry.change.live, entry.change.wanted) or entry.change.as_wanted:
            continue
        if name in plan["unknown"]:
            yield f"{name}: could not be read in PostHog when the plan was made, so that does not say what changes"
        elif name not in then:
            if entry.change.wanted is None:
                yield f"{name}: would be deleted, and the plan does not say so"
        elif change["live"] != then[name]["live"]:
            said = _by_hand(entry.change, then[name]["holds"], change["holds"], planned.session.history)
            yield f"{name}: was changed in PostHog since the plan was made: {'; '.join(said)}"
        elif (then[name]["action"], change["action"]) not in _SAME and change["action"] != then[name]["action"]:
            yield f"{name}: the plan says {then[name]['action']}, and now it would be {change['action']}"
        elif then[name]["refused"] and not change["refused"]:
            yield f"{name}: the plan did not apply it, so nobody agreed to it: {then[name]['refused']}"


_SAME = {(Action.REPLACE.value, Action.DELETE.value)}
"""What was to be done, and is left to do once a run was stopped: the new one is made, and the old one still there."""


def _by_hand(change: Change, before: Properties | None, after: Properties | None, history: History) -> list[str]:
    """Return how an object changed since a plan was made, and who changed it."""
    kind = change.kind
    if after is None:
        return [f"it was deleted {history.deleted_by(kind, change.gone) or '(nobody knows who)'}"]
    if before is None:
        return [f"it was made, and has the id {change.id}"]
    fields = [each for each in kind.fields if each.secret or before.get(each.name) != after.get(each.name)]
    authors = history.authors(kind, change.id, fields)
    return [
        f"{sentence.text} {reading.written(authors.get(field.name))}"
        for field in fields
        if not field.secret
        for sentence in sentences(kind, field, before, after)
    ] or [f"last {reading.written(next(iter(authors.values()), None))}"]
