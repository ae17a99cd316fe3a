"""Who changed an object: PostHog's activity log, asked only when somebody did."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.posthog.client import Client
from providers.posthog.connection import CLIENT
from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import Field, Kind, Properties
from providers.posthog.kinds.flag import FLAG
from providers.posthog.kinds.phrases import moment_text

PAGE = "1000"
"""The most entries that PostHog gives at once."""

FIRST = "100"
"""How many entries are asked for at once where the newest ones mostly say what is asked."""

MOST = 3_000
"""How many entries are read at most to find the one in question."""

DELETED = "deleted"
"""What the log calls a deletion, and the column that says so of what is kept."""

FORBIDDEN = 403

LONGEST = 30
"""Characters of a value that are still shown."""


@dataclass(frozen=True)
class Author:
    """Who changed something, and when."""

    email: str
    at: str
    """ISO 8601."""
    unread: str = ""
    """Why PostHog's log could not be read, so that nobody is named; empty where it was."""


class History:
    """Words for what somebody changed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def changes(
        self, kind: Kind, live: Mapping[str, Any], fields: Sequence[Field], before: Properties, now: Properties
    ) -> str:
        """Return which fields of an object changed, from what to what, by whom and when, as far as PostHog tells.

        ``before`` and ``now`` are canonical. Reading the log needs the scope ``activity_log:read``; without it only
        flags name their last author.
        """
        last, unread = self._last(kind, str(live[kind.id_name]), fields)
        return ", ".join(
            f"{field.name}{step(field, before, now, LONGEST)} {_author(kind, last.get(field.name), live, unread)}"
            for field in fields
        )

    def others(self, kind: Kind, id_: str, user_id: Any) -> bool:
        """Return whether the log has a change of an object by anybody else than this user. Raises ``ApiError``."""

        def by_another(entry: Mapping[str, Any]) -> bool:
            if not is_named(kind, entry) and entry.get("client") != CLIENT:
                return True  # it may be anybody
            return (entry.get("user") or {}).get("id") not in (None, user_id)

        return any(map(by_another, self._read(kind, id_)))

    def by_another(self, kind: Kind, id_: str, field: Field, user_id: Any) -> bool:
        """Return whether another than this user may have changed a field last: the log says so, or can't be read."""
        last, unread = self._last(kind, id_, [field])
        if field.name in last:
            return (last[field.name].get("user") or {}).get("id") not in (None, user_id)
        return bool(unread)

    def by(self, kind: Kind, id_: str, name: str) -> str:
        """Return who changed a field of an object last, and when, in brackets; empty where the log does not say.

        Where the log can't be read, that is said in the place of a name.
        """
        last, unread = self._last(kind, id_, [each for each in kind.fields if each.name == name])
        return _by(kind, last[name]) if name in last else _somebody(unread)

    def authors(self, kind: Kind, id_: str, fields: Sequence[Field]) -> dict[str, Author]:
        """Return who changed each of these fields of an object last, by the field's name, as far as the log says.

        Only an entry that names the field says it: the newest one may be about anything. Where the log can't be read,
        each field has an author who says why.
        """
        last, unread = self._last(kind, id_, fields)
        nobody = dict.fromkeys((field.name for field in fields), Author("", "", unread)) if unread else {}
        named = {name: Author(by_whom(kind, each), str(each.get("created_at") or "")) for name, each in last.items()}
        return {**nobody, **named}

    def deleted_by(self, kind: Kind, id_: str) -> str:
        """Return who deleted an object, and when, in brackets; empty where the log does not say.

        Where the log can't be read, that is said in the place of a name.
        """
        try:
            entries = self._read(kind, id_)
            deletions = (each for each in entries if not part(kind, each) and done(each, _changes(each)) == DELETED)
            return next((_by(kind, each) for each in deletions), "")
        except ApiError as problem:
            return _somebody(why(problem))

    def author(self, kind: Kind, live: Mapping[str, Any], name: str) -> str:
        """Return who changed a field of an object last, and when, in brackets, as far as PostHog tells."""
        fields = [each for each in kind.fields if each.name == name]
        last, unread = self._last(kind, str(live[kind.id_name]), fields)
        return _author(kind, last.get(name), live, unread)

    def on_since(self, kind: Kind, live: Mapping[str, Any], when: str) -> bool:
        """Return whether an object was switched on after a time (ISO 8601).

        Where the log can't be read, or does not go back so far (PostHog's plans limit that), anything that was changed
        since may have been that.
        """
        try:
            for entry in self._read(kind, str(live[kind.id_name])):
                if not _later(entry.get("created_at"), when):
                    return False
                if any(each.get("field") == "active" and each.get("after") is True for each in _changes(entry)):
                    return True
                if entry.get("activity") == "created":
                    return False
        except ApiError:
            pass
        return _later(live.get("updated_at"), when)

    def log(self, scopes: Iterable[str], id_: str = "", since: str = "") -> Iterator[dict[str, Any]]:
        """Yield the log's entries, the newest first. Raises ``ApiError``.

        Args:
            scopes: the log's names of the kinds.
            id_: the id of the only object that is asked for; empty for all of them.
            since: when the oldest entry is that is asked for (ISO 8601); empty for all that the log has.
        """
        asked = {"scopes": ",".join(scopes), "page_size": PAGE, **({"item_id": id_} if id_ else {})}
        for entry in self._entries(asked):
            if since and not _later(entry.get("created_at"), since):
                return
            yield entry

    def newest(self, kind: Kind, live: Mapping[str, Any], but: Collection[str] = ()) -> dict[str, Any]:
        """Return the log's last entry about an object, but those about these fields alone; empty without one.

        Raises ``ApiError``.
        """
        for entry in self._read(kind, str(live[kind.id_name])):
            fields = {change.get("field") for change in _changes(entry)}
            if not fields or not fields <= {*but}:
                return entry
        return {}

    def _last(self, kind: Kind, id_: str, fields: Sequence[Field]) -> tuple[dict[str, dict[str, Any]], str]:
        """Return the last entry about each of these fields, by the field's name, and why the log could not be read as
        far back as they ask for; empty where it could.
        """
        last: dict[str, dict[str, Any]] = {}
        try:
            for entry in self._read(kind, id_):
                columns = {each.get("field") for each in changes(kind, entry)}
                last = {**{each.name: entry for each in fields if each.log_column in columns}, **last}
                if len(last) == len(fields):
                    break
        except ApiError as problem:
            return last, why(problem)
        return last, ""

    def _read(self, kind: Kind, id_: str) -> Iterator[dict[str, Any]]:
        """Yield what the log has about an object, the newest first, a page at a time.

        Raises ``ApiError``, also where the log goes on for too long. It files an object under its id in the database:
        those of a kind that is known by another one are looked for among all of the kind.
        """
        asked = {"scope": kind.log_scope, "page_size": FIRST, **({"item_id": id_} if kind.id_name == "id" else {})}
        for number, entry in enumerate(self._entries(asked)):
            if number == MOST:
                raise ApiError(f"only the newest {MOST:,} of its entries were looked at", hopeless=True, reading=True)
            if is_about(kind, entry) and logged_id(kind, entry) == id_:
                yield entry

    def _entries(self, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        for entry in self._client.pages(self._client.project_path("activity_log"), asked):
            if not _is_entry(entry):
                raise ApiError("it has an entry in a form that is not known", hopeless=True, reading=True)
            yield entry


class SwitchHistory:
    """When PostHog's activity log has flags switched on and off, and by whom."""

    def __init__(self, inventory: Inventory, history: History) -> None:
        self._inventory = inventory
        self._history = history
        self._on_since: dict[str, bool] = {}

    def last(self, id_: str) -> str:
        """Return who switched a flag on or off last, and when, in brackets; why that is not known, where it isn't."""
        try:
            live = self._inventory.get(FLAG, id_)
        except ApiError as problem:
            return f"(by somebody; it could not be read: {' '.join(str(problem).split())})"
        return self._history.author(FLAG, live, "active") if live else "(deleted since)"

    def is_on(self, id_: str) -> bool:
        """Return whether PostHog holds a flag that is on now. Raises ``ApiError``."""
        live = self._inventory.fetch(FLAG, id_)
        return live is not None and bool(live["active"])

    def on_since(self, key: str, when: str) -> bool:
        """Return whether somebody switched a flag on after a time (ISO 8601); asked once. Raises ``ApiError``."""
        if key not in self._on_since:
            live = next((each for each in self._inventory.all(FLAG).values() if each["key"] == key), None)
            self._on_since[key] = live is not None and self._history.on_since(FLAG, live, when)
        return self._on_since[key]


def step(field: Field, before: Properties, now: Properties, longest: int) -> str:
    """Return a change of a field as text, from what to what; nothing where that is longer, or may be a secret."""
    # In a preview an id that is not there yet is no JSON.
    values = [
        json.dumps(each.get(field.name), ensure_ascii=False, sort_keys=True, default=lambda _: "not known yet")
        for each in (before, now)
    ]
    shown = not field.secret and max(map(len, values)) <= longest
    return f" {values[0]} -> {values[1]}" if shown else ""


def _author(kind: Kind, entry: Mapping[str, Any] | None, live: Mapping[str, Any], unread: str) -> str:
    """Return who made the last change of a field; without an entry about it who changed the object last, if anybody is
    known, and why the log could not be read.
    """
    if entry:
        return _by(kind, entry)
    if not (last := live.get("last_modified_by")):
        return _somebody(unread) or "(PostHog's log does not say by whom)"
    return f"(the object was last changed by {_email(last)}{f'; {not_read(unread)}' if unread else ''})"


def _somebody(unread: str) -> str:
    """Return why there is no name, in brackets; empty if the log could be read."""
    return f"(by somebody; {not_read(unread)})" if unread else ""


def is_about(kind: Kind, entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of the log is about an object of a kind, or a part of one.

    Objects of several kinds are numbered apart and logged under one name: experiment 1 is not holdout 1, whose entries
    have a type.
    """
    if entry.get("scope", kind.log_scope) != kind.log_scope:
        return False
    types = {each.logged_type for each in KINDS.values() if each.log_scope == kind.log_scope} - {""}
    type_ = (entry.get("detail") or {}).get("type")
    return type_ == kind.logged_type if kind.logged_type else type_ not in types


def logged_id(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return the id by which an object is known that an entry of the log is about; what the entry is filed under is the
    number in the database.
    """
    other = None if kind.id_name == "id" else (entry.get("detail") or {}).get(kind.id_name)
    return str(other or entry.get("item_id"))


def _is_entry(entry: Any) -> bool:
    """Return whether an entry of the log has the form that is read here; what it lacks is not known, and no matter."""
    if not isinstance(entry, dict):
        return False
    detail, user = entry.get("detail") or {}, entry.get("user") or {}
    if not isinstance(detail, dict) or not isinstance(user, dict):
        return False
    changed, context = detail.get("changes") or [], detail.get("context") or {}
    if not isinstance(changed, list) or not isinstance(context, dict):
        return False
    return all(isinstance(each, dict) for each in changed) and _is_time(entry.get("created_at"))


def _is_time(value: Any) -> bool:
    try:
        return value is None or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def changes(kind: Kind, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an entry of the log says of an object's columns: ``field``, ``before`` and ``after``.

    What PostHog keeps in an object of its own has an entry with the columns of that (an alert's threshold), or with
    none, and then says in its context what came or went (who an alert is sent to).
    """
    told = _changes(entry)
    column = part(kind, entry)
    if not column:
        return told
    if told:
        old, new = ({each.get("field"): each.get(when) for each in told} for when in ("before", "after"))
        return [{"field": column, "before": old, "after": new}]
    detail = entry.get("detail") or {}
    email = (detail.get("context") or {}).get("subscriber_email")
    item = {"email": email} if email else {"name": detail.get("name")}
    gone = entry.get("activity") == "deleted"
    return [{"field": column, "before": [item] * gone, "after": [item] * (not gone)}]


def done(entry: Mapping[str, Any], changed: Iterable[Mapping[str, Any]]) -> str:
    """Return what was done, as an entry of the log and these changes of it say; some kinds are deleted and restored by
    a change of a column.
    """
    gone = next((each.get("after") for each in changed if each.get("field") == DELETED), None)
    if gone is not None:
        return DELETED if gone else "restored"
    return str(entry.get("activity") or "changed")


def part(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return the column that PostHog keeps in an object of its own, which an entry is about; empty where it is not."""
    return kind.logged_parts.get(str((entry.get("detail") or {}).get("type")), "")


def not_read(why: str) -> str:
    """Return that PostHog's log could not be read, and why."""
    return f"PostHog's activity log could not be read: {why}"


def why(problem: ApiError) -> str:
    """Return why PostHog's log could not be read, without what is said of any request that is refused."""
    if problem.status == FORBIDDEN:
        return "the API key lacks the scope activity_log:read"
    return " ".join(str(problem).split())


def by_whom(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return who did what an entry of the log is about, ``somebody`` where it does not say."""
    if user := through(kind, entry):
        return f"somebody, perhaps through {user}"
    return _email(entry.get("user") if is_named(kind, entry) else None)


def by_schedule(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is of a scheduled change; an experiment, too, says in the trigger what it changed."""
    trigger = (entry.get("detail") or {}).get("trigger")
    return isinstance(trigger, Mapping) and trigger.get("job_type") == "scheduled_change"


def is_named(kind: Kind, entry: Mapping[str, Any]) -> bool:
    """Return whether an entry's user is the person who did it."""
    if kind.logged_by_maker:
        return entry.get("activity") == "created"
    return not through(kind, entry)


def through(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return through what a flag was changed, such as by pausing its experiment; empty if it was changed itself.

    PostHog then saves the flag past its serializer, without a new version (``feature_flag.save()`` in PostHog's
    experiment_service.py and early_access_feature.py), and its log names the person who changed the flag last
    (``user=after_update.last_modified_by`` in ``handle_feature_flag_change``).
    """
    changed = {each.get("field"): each for each in _changes(entry) if each.get("field") != "updated_at"}
    if kind != FLAG or by_schedule(entry):
        return ""
    if changed.keys() == {"active"}:
        return "an experiment"
    if changed.keys() == {"filters"}:
        sides = [changed["filters"].get(when) for when in ("before", "after")]
        old, new = (each if isinstance(each, dict) else {} for each in sides)
        differing = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        return "an early access feature" if differing and differing <= _ENROLMENT else ""
    return ""


_ENROLMENT = {"feature_enrollment", "super_groups"}
"""What PostHog writes into a flag's filters for an early access feature; older versions write the second."""


def _by(kind: Kind, entry: Mapping[str, Any]) -> str:
    return f"(by {by_whom(kind, entry)} on {moment_text(entry.get('created_at') or 'an unknown day')})"


def _later(time: Any, when: str) -> bool:
    """Return whether PostHog's time of something is after another one; so is what PostHog doesn't say."""
    return not time or datetime.fromisoformat(str(time)) > datetime.fromisoformat(when)


def _changes(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (entry.get("detail") or {}).get("changes") or []


def _email(user: Any) -> str:
    return str((user or {}).get("email") or "somebody")
