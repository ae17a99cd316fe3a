"""Everything of our kinds that a PostHog project holds, as definitions with references by key. Only reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from providers.posthog.approvals import Approvals
from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.history import History
from providers.posthog.inventory import Inventory, Live, PostHogDirectory
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.notification import NOTIFICATION
from providers.posthog.references import with_refs

THREADS = 8
"""Lists that are read at the same time."""

LONGEST = 60
"""Characters of a key that is made of a name."""

PAGED = tuple(kind for kind in KINDS.values() if kind.name != "tiles")
"""The kinds whose objects have a list of their own; tiles are part of their dashboard."""

BY_POSTHOG = ("event", "property")
"""The kinds that PostHog makes itself, of what it is sent."""

_WAYS = {"template-slack": "slack", "template-webhook": "webhook"}
"""The key of an alert's file under which a notification is, by its template."""


@dataclass(frozen=True)
class Object:
    """An object that a project holds."""

    ref: Ref
    """The definition that it has, or would have."""
    id: str
    live: Live
    """The object as PostHog answers it."""
    properties: Properties
    """Its canonical form, with references by key to what a definition has or would have."""

    @property
    def title(self) -> str:
        """What people call it."""
        return title(KINDS[self.ref.kind], self.live)


class Project:
    """A PostHog project, read once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.inventory = Inventory(client)
        self.directory = PostHogDirectory(client)
        self.history = History(client)
        self.approvals = Approvals(client)
        self.unread: dict[tuple[str, str], ApiError] = {}
        """Why something could not be read, by collection and id; without an id its list."""

    @cached_property
    def lives(self) -> dict[tuple[str, str], Live]:
        """The objects by kind and id, whole, in the order of the kinds and of their ids.

        Reads one list per kind, several at the same time, and single objects only where a list lacks fields. What can't
        be read is in :attr:`unread`.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            there = [each for found in list(pool.map(self._listed, PAGED)) for each in found]
            return {name: live for name, live in pool.map(self._whole, there) if live}

    def _listed(self, kind: Kind) -> list[tuple[Kind, str]]:
        try:
            listed = self.inventory.all(kind)
        except ApiError as problem:
            self.unread[kind.collection, ""] = problem
            return []
        there = {id_: live for id_, live in listed.items() if not live.get("deleted")}
        return [(kind, id_) for id_ in sorted(there, key=lambda id_: _age(id_, there[id_]))]

    def _whole(self, there: tuple[Kind, str]) -> tuple[tuple[str, str], Live | None]:
        kind, id_ = there
        try:
            return (kind.name, id_), self.inventory.get(kind, id_)
        except ApiError as problem:
            self.unread[kind.collection, id_] = problem
            return (kind.name, id_), None

    def page(self, kind: Kind, live: Live) -> str:
        """Return the address of an object's page; empty where it has none."""
        where, path = self.client.connection, kind.page_of(live)
        return f"{where.host}/project/{where.project_id}/{path}" if path else ""

    def check(self, kind: Kind, id_: str = "") -> None:
        """Raise the ``ApiError`` that kept an object, or the list of its kind, from being read."""
        for name in ("", id_):
            if problem := self.unread.get((kind.collection, name)):
                raise problem


class Objects:
    """What a project holds, with a key for each object."""

    def __init__(
        self,
        project: Project,
        lives: Mapping[tuple[str, str], Live],
        known: Mapping[tuple[str, str], Ref],
        taken: Iterable[Ref] = (),
    ) -> None:
        """Give keys to objects.

        Args:
            project: what looks up what objects name.
            lives: the objects by kind and id, as ``Project.read`` returns them.
            known: the definitions that some of them have already.
            taken: definitions that exist, so that no other object gets their keys.
        """
        self._project = project
        self._lives = lives
        self.refs: dict[tuple[str, str], Ref] = dict(known)
        self._taken = {*known.values(), *taken}
        for (kind, id_), live in lives.items():
            if (kind, id_) not in self.refs:
                self._name(KINDS[kind], id_, live)

    def all(self) -> Iterator[Object]:
        """Yield every object that has a key, and with each dashboard its tiles."""
        for (kind, id_), live in self._lives.items():
            ref = self.refs.get((kind, id_))
            if ref is not None:
                yield self._object(KINDS[kind], ref, id_, live)
            if ref is not None and kind == "dashboard":
                yield self._object(KINDS["tiles"], Ref("tiles", ref.key), id_, live)

    @cached_property
    def nameless(self) -> list[tuple[Kind, str, Live]]:
        """The objects without a key: what no file could make."""
        return [(KINDS[kind], id_, live) for (kind, id_), live in self._lives.items() if (kind, id_) not in self.refs]

    def ref_of(self, kind: str, id_: Any) -> Ref | None:
        """Return the definition that an object has or would have."""
        return self.refs.get((kind, str(id_)))

    def _object(self, kind: Kind, ref: Ref, id_: str, live: Live) -> Object:
        there = kind.project(live, _everything(kind), self._project.directory)
        there = {name: item for name, item in there.items() if name not in kind.options}
        return Object(ref, id_, live, with_refs(kind, there, self.ref_of))

    def _name(self, kind: Kind, id_: str, live: Live) -> None:
        wish = _KEYS.get(kind.name, _of_title)(self, kind, live)
        if wish:
            key, number = wish, 1
            while Ref(kind.name, key) in self._taken:
                number += 1
                key = f"{wish}-{number}"
            self.refs[kind.name, id_] = Ref(kind.name, key)
            self._taken.add(Ref(kind.name, key))

    def told_of(self, live: Live) -> Ref | None:
        """Return the alert whose firing a notification listens to; None for what else listens to something."""
        alert = NOTIFICATION.project(live, {}, self._project.directory).get("alert")
        return self.ref_of("alert", alert) if isinstance(alert, str) else None

    def _of_notification(self, live: Live) -> str:
        """Return the key of a Slack message or a webhook of an alert. A file has one of each, named after the alert."""
        alert, way = self.told_of(live), way_of(live)
        named = str(live.get("name")).lower().endswith(f" ({way})")
        key = f"{alert.key}.{way}" if alert and named else ""
        return "" if Ref("notification", key) in self._taken else key


def way_of(notification: Live) -> str | None:
    """Return the key of an alert's file under which a notification would be; None for what no file has."""
    return _WAYS.get(str((notification.get("template") or {}).get("id")))


def _everything(kind: Kind) -> Properties:
    """Return what is known of an object when all of it is the definition's: all dashboards, all tiles."""
    if kind.name == "tiles":
        return {"exclusive_tiles": True}
    return {field.name: _All() for field in kind.fields if field.shared}


class _All:
    """A container that has everything in it."""

    def __contains__(self, _: object) -> bool:
        return True


def title(kind: Kind, live: Live) -> str:
    """Return what people call an object: its name, title or text."""
    field = next(field for field in kind.fields if field.name == kind.natural_key[-1 if kind.name == "property" else 0])
    value: Any = live
    for step in field.read_path or field.api_path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return str(value or "")


def slug(text: str) -> str:
    """Return a readable key for a text: lower case, without accents, words with hyphens; empty where none is left."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
    return words if len(words) <= LONGEST else words[:LONGEST].rpartition("-")[0] or words[:LONGEST]


def _of_title(_: Objects, kind: Kind, live: Live) -> str:
    return slug(title(kind, live)) or kind.words.replace(" ", "-")


_KEYS: dict[str, Callable[[Objects, Kind, Live], str]] = {
    "flag": lambda _, kind, live: title(kind, live),
    "event": lambda _, kind, live: title(kind, live),
    "property": lambda _, __, live: f"{live.get('type')}.{live['name']}",
    # The name of the variable in SQL, which PostHog once made of its name.
    "insight_variable": lambda _, __, live: str(live.get("code_name") or ""),
    "notification": lambda objects, _, live: objects._of_notification(live),
}


def _age(id_: str, live: Live) -> tuple[int, str, str]:
    """Return what sorts objects by their age: later ones have larger numbers, and other ids say nothing of it."""
    return (len(id_), id_, "") if id_.isdigit() else (0, str(live.get("created_at")), id_)
