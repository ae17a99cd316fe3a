"""PostHog's activity log as entries of a timeline, in the plan's sentences. Pure, but for the look-ups it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ai_admin.review.sentences import sentences
from ai_admin.review.timeline import Entry, How, Line
from providers.posthog.connection import CLIENT
from providers.posthog.history import (
    DELETED,
    by_schedule,
    by_whom,
    changes,
    done,
    is_about,
    is_named,
    logged_id,
    part,
    through,
)
from providers.posthog.kinds import KINDS, Field, Kind, Reading, Ref
from providers.posthog.kinds.base import Directory, Properties
from providers.posthog.kinds.flag import ENCRYPTED, FLAG
from providers.posthog.kinds.phrases import key_text
from providers.posthog.reconcile import same
from providers.posthog.references import RefOf, with_refs

Logged = Mapping[str, Any]
"""An entry as PostHog's API answers it."""

_ALONG = (DELETED, "version", "updated_at", "last_modified_at", "last_modified_by", "last_called_at", "state")
"""Columns that say what the entry says already, or that PostHog writes by itself (``state``: an alert's, after each
check)."""

AT_ONCE = timedelta(seconds=2)
"""How far apart entries of one request are at most."""

_VERBS = {"created": "is made in PostHog", DELETED: "is deleted in PostHog", "restored": "is restored in PostHog"}


@dataclass(frozen=True)
class Log:
    """Reads entries of the log of one project."""

    names: Mapping[tuple[str, str], Ref]
    """The definitions by the kinds and ids of their objects."""
    ref_of: RefOf
    """What the ids are called that values have in them."""
    directory: Directory
    user: Any
    """The id of the user whose key this program has; None where PostHog does not say."""
    sealed: Callable[[str], bool] = lambda _: False
    """Says of a flag's id whether PostHog keeps its payloads encrypted, so that none is told."""

    def entries(self, logged: Iterable[Logged]) -> list[Entry]:
        """Return what the log says of objects of our kinds, in its order."""
        ours = [(each, kind) for each in logged if (kind := _kind(each))]
        whole = [(each, kind) for each, kind in ours if not part(kind, each)]
        made = {logged_id(kind, each): each for each, kind in whole if each.get("activity") == "created"}
        found = (
            self._entry(each, kind)
            for each, kind in ours
            if not (part(kind, each) and _is_along(each, made.get(logged_id(kind, each))))
        )
        return [each for each in found if each.lines]

    def lost(
        self, logged: Sequence[Logged], named: Callable[[str, str], Ref | None], stated: Callable[[Ref, str], bool]
    ) -> Iterator[tuple[tuple[str, str], Ref]]:
        """Yield the kinds and ids of objects that definitions had before, with these definitions: what this program
        made or deleted, and what somebody deleted that was there as the definition's only one.

        Args:
            logged: entries of the log.
            named: says which definition the objects of a kind with a name are of.
            stated: says whether there was a definition at a time (ISO 8601, UTC).
        """
        ours = [(each, kind) for each in logged if (kind := _kind(each)) and not part(kind, each)]
        made = {(kind.name, logged_id(kind, each)): each for each, kind in ours if each.get("activity") == "created"}
        for each, kind in ours:
            ref = named(kind.name, str((each.get("detail") or {}).get("name") or ""))
            activity, object_ = done(each, changes(kind, each)), (kind.name, logged_id(kind, each))
            if ref is None or activity not in _VERBS:
                continue
            if _how(kind, each, self.user) is How.PROGRAM:
                yield object_, ref
            elif activity == DELETED and stated(ref, _at(each)):
                beside = object_ in made and stated(ref, _at(made[object_]))
                others = [id_ for id_, owner in self.names.items() if owner == ref]
                if not beside and all(id_ in made and _at(made[id_]) > _at(each) for id_ in others):
                    yield object_, ref

    def _entry(self, logged: Logged, kind: Kind) -> Entry:
        changed = changes(kind, logged)
        activity = "updated" if part(kind, logged) else done(logged, changed)
        before, after, told, rest, unclear = self._fields(kind, logged_id(kind, logged), changed)
        lines = [Line(_VERBS[activity])] if activity in _VERBS else []
        for field in told:
            lines += [Line(each.text, sentence=each) for each in sentences(kind, field, before, after)]
        lines += map(Line, rest)
        if not lines and not (changed and all(each.get("field") in _ALONG for each in changed)):
            lines = [Line(f"{activity} in PostHog")]
        # An entry about an alert's subscribers has one of them, and not all.
        known = told if (logged.get("detail") or {}).get("changes") or not part(kind, logged) else []
        unclear |= {each.name for each in told if each not in known}
        return Entry(
            _at(logged),
            self._ref(kind, logged),
            _how(kind, logged, self.user),
            (by_whom(kind, logged) if logged.get("user") else "PostHog",),
            tuple(lines),
            values=None if activity == DELETED else {each.name: after.get(each.name) for each in known},
            before=None if activity == "created" else {each.name: before.get(each.name) for each in known},
            unclear=frozenset(unclear),
        )

    def _ref(self, kind: Kind, logged: Logged) -> Ref:
        id_ = logged_id(kind, logged)
        name = (logged.get("detail") or {}).get("name") or ""
        if known := self.names.get((kind.name, id_)):
            return known
        return Ref(kind.name, str(name) if kind.unique and name else f"{name} ({id_})".strip())

    def _fields(
        self, kind: Kind, id_: str, changed: Iterable[Mapping[str, Any]]
    ) -> tuple[Properties, Properties, list[Field], list[str], set[str]]:
        """Return the values of fields before and after changes, the fields that differ, what is said of the columns
        that no field has or that can't be read, and the fields of the latter.
        """
        before: Properties = {}
        after: Properties = {}
        rest: list[str] = []
        unclear: set[str] = set()
        for change in changed:
            column = str(change.get("field"))
            fields = [each for each in kind.fields if each.kept and each.log_column == column]
            old, new = (self._values(kind, id_, fields, change.get(when)) for when in ("before", "after"))
            if old is None or new is None or not fields:
                unclear |= {each.name for each in fields}
                said = f"{key_text(fields[0].name if len(fields) == 1 else column)} changes"
                rest += [said if fields else f"{said}, which no definition says"] if column not in _ALONG else []
            else:
                before, after = {**before, **old}, {**after, **new}
        told = [each for each in kind.fields if not same(before.get(each.name), after.get(each.name))]
        return before, after, told, rest, unclear

    def _values(self, kind: Kind, id_: str, fields: Sequence[Field], value: Any) -> Properties | None:
        """Return what fields make of the value of their column; None of one that they can't read."""
        reading = Reading({each.column: value for each in fields}, {}, self.directory)
        try:
            held = {each.name: each.held(reading) for each in fields}
        except (AttributeError, KeyError, TypeError, ValueError):
            return None  # what an older version of PostHog logged, or a value that it masks
        if kind == FLAG and held.get("payloads") and self.sealed(id_):
            held["payloads"] = dict.fromkeys(held["payloads"], ENCRYPTED)
        found = with_refs(kind, {name: item for name, item in held.items() if item is not None}, self.ref_of)
        return {each.name: found[each.name] for each in fields if each.name in found}


def _kind(logged: Logged) -> Kind | None:
    """Return the kind of what an entry is about; tiles are part of their dashboard."""
    about = (kind for kind in KINDS.values() if kind.name != "tiles" and is_about(kind, logged))
    return next(about, None)


def _is_along(logged: Logged, made: Logged | None) -> bool:
    """Return whether an entry is of the request that made the object: who an alert is sent to from then on."""
    if made is None:
        return False
    at, since = (datetime.fromisoformat(str(each.get("created_at"))) for each in (logged, made))
    return abs(at - since) < AT_ONCE and logged.get("user") == made.get("user")


def _how(kind: Kind, logged: Logged, user: Any) -> How:
    """Return how something was changed: newer versions of PostHog say which program did, older ones only whose key."""
    author, client = logged.get("user") or {}, logged.get("client")
    if by_schedule(logged):
        return How.SCHEDULE
    if not author or logged.get("is_system"):
        return How.POSTHOG
    told = client or (not is_named(kind, logged) and ("client" in logged or through(kind, logged)))
    ours = client == CLIENT if told else user is not None and author.get("id") == user
    return How.PROGRAM if ours else How.HAND


def _at(logged: Logged) -> str:
    """Return when something was logged (ISO 8601, UTC)."""
    return str(logged.get("created_at") or "").replace("Z", "+00:00")


def undone(now: Properties | None, entries: Iterable[Entry]) -> Iterator[Properties | None]:
    """Yield what an object was before each of these entries of the log, the newest first; None: there was none.

    Args:
        now: what it is after the first of them; None where there is none then.
        entries: of one object, the newest first.
    """
    for entry in entries:
        if entry.before is None:
            now = None
        else:
            rest = {name: value for name, value in (now or {}).items() if name not in entry.before}
            now = {**rest, **{name: value for name, value in entry.before.items() if value is not None}}
        yield now


def not_told(entries: Iterable[Entry], unknown: Iterable[str]) -> set[str]:
    """Return the fields of which it is not known what an object had before all of these entries, the newest first;
    ``unknown`` are those of which it is not known what it had after them.
    """
    found = {*unknown}
    for each in entries:
        found = (found | each.unclear) - {*(each.before or ())}
    return found
