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
from providers.posthog.kinds.base import Field, Kind, Properties
from providers.posthog.kinds.flag import FLAG
from providers.posthog.kinds.phrases import moment_text

ENTRIES = "20"
PAGE = "1000"
"""The most entries that PostHog gives at once."""

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
        entries = self._entries(kind, str(live["id"]))
        return ", ".join(
            f"{field.name}{step(field, before, now, LONGEST)} {_author(kind, field, entries, live)}"
            for field in fields
        )

    def others(self, kind: Kind, id_: str, user_id: Any) -> bool:
        """Return whether the log has a change of an object by anybody else than this user."""
        entries = self._entries(kind, id_)
        if any(not _is_named(kind, entry) and entry.get("client") != CLIENT for entry in entries):
            return True  # it may be anybody
        return any((entry.get("user") or {}).get("id") not in (None, user_id) for entry in entries)

    def by(self, kind: Kind, id_: str, name: str) -> str:
        """Return who changed a field of an object last, and when, in brackets; empty where the log does not say."""
        entries = self._entries(kind, id_)
        [field] = (each for each in kind.fields if each.name == name)
        return _by(kind, about[0]) if (about := _about(kind, field, entries)) else ""

    def authors(self, kind: Kind, id_: str, fields: Sequence[Field]) -> dict[str, Author]:
        """Return who changed each of these fields of an object last, by the field's name, as far as the log says.

        Only an entry that names the field says it: the newest one may be about anything. Where the log can't be read,
        each field has an author who says why.
        """
        try:
            entries = self._read(kind, id_)
        except ApiError as problem:
            return dict.fromkeys((field.name for field in fields), Author("", "", _why(problem)))
        named = {field.name: about[0] for field in fields if (about := _about(kind, field, entries))}
        return {name: Author(by_whom(kind, each), str(each.get("created_at") or "")) for name, each in named.items()}

    def deleted_by(self, kind: Kind, id_: str) -> str:
        """Return who deleted an object, and when, in brackets; empty where the log does not say.

        Where the log can't be read, that is said in the place of a name.
        """
        try:
            entries = self._read(kind, id_)
        except ApiError as problem:
            return f"(by somebody; {not_read(_why(problem))})"
        deletions = (each for each in entries if each.get("activity") == "deleted" and not part(kind, each))
        return next((_by(kind, each) for each in deletions), "")

    def author(self, kind: Kind, live: Mapping[str, Any], name: str) -> str:
        """Return who changed a field of an object last, and when, in brackets, as far as PostHog tells."""
        [field] = (each for each in kind.fields if each.name == name)
        entries = self._entries(kind, str(live["id"]))
        if entries:
            return _author(kind, field, entries, live)
        return (
            f"(last changed by {_email(live.get('last_modified_by'))}; who switched it and when is in PostHog's "
            "activity log, for which the API key lacks the scope activity_log:read)"
        )

    def on_since(self, kind: Kind, live: Mapping[str, Any], when: str) -> bool:
        """Return whether an object was switched on after a time (ISO 8601).

        Where the log can't be read, anything that was changed since may have been that.
        """
        try:
            entries = self._read(kind, str(live["id"]))
        except ApiError:
            return _later(live.get("updated_at"), when)
        switched_on = (
            entry
            for entry in entries
            if any(each.get("field") == "active" and each.get("after") is True for each in _changes(entry))
        )
        return any(_later(entry.get("created_at"), when) for entry in switched_on)

    def log(self, scopes: Iterable[str], id_: str = "", since: str = "") -> Iterator[dict[str, Any]]:
        """Yield the log's entries, the newest first. Raises ``ApiError``.

        Args:
            scopes: the log's names of the kinds.
            id_: the id of the only object that is asked for; empty for all of them.
            since: when the oldest entry is that is asked for (ISO 8601); empty for all that the log has.
        """
        asked = {"scopes": ",".join(scopes), "page_size": PAGE, **({"item_id": id_} if id_ else {})}
        for entry in self._client.pages(self._client.project_path("activity_log"), asked):
            if since and not _later(entry.get("created_at"), since):
                return
            yield entry

    def newest(self, kind: Kind, live: Mapping[str, Any], but: Collection[str] = ()) -> dict[str, Any]:
        """Return the log's last entry about an object, but those about these fields alone; empty without one.

        Raises ``ApiError``.
        """
        for entry in self._read(kind, str(live["id"])):
            fields = {change.get("field") for change in _changes(entry)}
            if not fields or not fields <= {*but}:
                return entry
        return {}

    def _entries(self, kind: Kind, id_: str) -> list[dict[str, Any]]:
        try:
            return self._read(kind, id_)
        except ApiError:
            return []

    def _read(self, kind: Kind, id_: str) -> list[dict[str, Any]]:
        scope = kind.logged_as or kind.type
        path = self._client.project_path("activity_log")
        return list(self._client.get(path, {"scope": scope, "item_id": id_, "page_size": ENTRIES})["results"])


class SwitchHistory:
    """When PostHog's activity log has flags switched on and off, and by whom."""

    def __init__(self, inventory: Inventory, history: History) -> None:
        self._inventory = inventory
        self._history = history
        self._on_since: dict[str, bool] = {}

    def last(self, id_: str) -> str:
        """Return who switched a flag on or off last, and when, in brackets. Raises ``ApiError``."""
        live = self._inventory.get(FLAG, id_)
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


def _author(kind: Kind, field: Field, entries: list[dict[str, Any]], live: Mapping[str, Any]) -> str:
    """Return who changed a field last; where no entry names it, who changed the object last, and that it is that."""
    if about := _about(kind, field, entries):
        return _by(kind, about[0])
    last = live.get("last_modified_by")
    return f"(the object was last changed by {_email(last)})" if last else "(PostHog's log does not say by whom)"


def _about(kind: Kind, field: Field, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    column = field.api_path[0]
    return [entry for entry in entries if any(each.get("field") == column for each in changes(kind, entry))]


def changes(kind: Kind, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an entry of the log says of an object's columns: ``field``, ``before`` and ``after``.

    What PostHog keeps in an object of its own has an entry with the columns of that (an alert's threshold), or with
    none, and then says in its context what came or went (who an alert is sent to).
    """
    told = [each for each in _changes(entry) if isinstance(each, dict)]
    column = part(kind, entry)
    if not column:
        return told
    if told:
        old, new = ({each.get("field"): each.get(when) for each in told} for when in ("before", "after"))
        return [{"field": column, "before": old, "after": new}]
    email = ((entry.get("detail") or {}).get("context") or {}).get("subscriber_email")
    gone = entry.get("activity") == "deleted"
    return [{"field": column, "before": [{"email": email}] * gone, "after": [{"email": email}] * (not gone)}]


def part(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return the column that PostHog keeps in an object of its own, which an entry is about; empty where it is not."""
    return kind.logged_parts.get(str((entry.get("detail") or {}).get("type")), "")


def not_read(why: str) -> str:
    """Return that PostHog's log could not be read, and why."""
    return f"PostHog's activity log could not be read: {why}"


def _why(problem: ApiError) -> str:
    if problem.status == FORBIDDEN:
        return "the API key lacks the scope activity_log:read"
    return " ".join(str(problem).split())


def by_whom(kind: Kind, entry: Mapping[str, Any]) -> str:
    """Return who did what an entry of the log is about, ``somebody`` where it does not say."""
    return _email(entry.get("user") if _is_named(kind, entry) else None)


def _is_named(kind: Kind, entry: Mapping[str, Any]) -> bool:
    """Return whether the user of an entry is who did it."""
    return not kind.logged_by_maker or entry.get("activity") == "created"


def _by(kind: Kind, entry: Mapping[str, Any]) -> str:
    return f"(by {by_whom(kind, entry)} on {moment_text(entry.get('created_at') or 'an unknown day')})"


def _later(time: Any, when: str) -> bool:
    """Return whether PostHog's time of something is after another one; so is what PostHog doesn't say."""
    return not time or datetime.fromisoformat(str(time)) > datetime.fromisoformat(when)


def _changes(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (entry.get("detail") or {}).get("changes") or []


def _email(user: Any) -> str:
    return str((user or {}).get("email") or "somebody")
