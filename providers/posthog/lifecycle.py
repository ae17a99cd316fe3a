"""How objects of a kind come, change and go. One general way, and the two kinds that PostHog makes differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.posthog import reconcile
from providers.posthog.adoption import Adoption, Match, outlook
from providers.posthog.approvals import APART, POLICY_CONFLICT, Approvals, Gate
from providers.posthog.client import ApiError
from providers.posthog.history import History
from providers.posthog.inputs import WAITING, Note
from providers.posthog.inventory import Inventory, Live
from providers.posthog.kinds.base import OWN, UNKEPT, Directory, Field, Kind, Properties
from providers.posthog.kinds.insight import INSIGHT, shown_on
from providers.posthog.kinds.normal import json_text
from providers.posthog.kinds.tiles import described, ours, plan, shows_one_of

PENDING = "pending:"
ATTEMPTS = 5
"""How often a creation is sent when its outcome stays unknown."""


class Conflict(Exception):
    """Somebody else changed an object between our reading and writing. One line with who and what."""


@dataclass(frozen=True)
class Services:
    """What the lifecycles of all kinds share. ``tell`` shows the engine's user a message about a definition.

    ``adopted`` are the ids of what definitions that are new to the state adopt, by name.
    """

    inventory: Inventory
    directory: Directory
    approvals: Approvals
    history: History
    tell: Callable[[Note, str], None]
    adoption_allowed: bool = True
    adopted: dict[str, str] = field(default_factory=dict)


class Collection:
    """Objects that a POST creates, a PATCH changes and a DELETE (or a deletion mark) removes.

    A change that PostHog puts under approval is told and is no failure: what a method returns is then what stands in
    PostHog until somebody approves.
    """

    def __init__(self, kind: Kind, services: Services) -> None:
        self.kind = kind
        self.services = services
        self.inventory = services.inventory
        self.client = services.inventory.client
        self.directory = services.directory
        adopted = services.adopted
        self.adoption = Adoption(
            kind, services.inventory, services.directory, services.history, adopted, services.adoption_allowed
        )
        self.gate = Gate(kind, services.approvals, self.project, services.tell)
        self._open: set[str] = set()
        self._on_since: dict[str, bool] = {}

    def path(self, id_: str = "") -> str:
        """Return the path of the kind's collection, or of one object in it."""
        return self.client.project_path(f"{self.kind.collection}/{id_}")

    def project(self, live: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
        """Return a live object's canonical form, given what was applied last."""
        return self.kind.project(live, known, self.directory)

    def read(self, id_: str, known: Mapping[str, Any], note: Note) -> tuple[str, Properties] | None:
        """Return the object's id and live canonical form, or None when it is gone."""
        if id_.startswith(WAITING):
            return self._read_waiting(id_, known, note)
        self.inventory.claim(self.kind, id_)
        live = self.inventory.get(self.kind, id_)
        return None if live is None else (id_, self.project(live, known))

    def find(self, properties: Properties, note: Note) -> Match | None:
        """Return what a definition that is new to the state adopts, and what that changes; None: it has to be made.

        Raises ``NotAdopted`` and ``ApiError``.
        """
        id_ = self.adoption.find(properties, note)
        live = self.inventory.get(self.kind, id_) if id_ else None
        return outlook(self.kind, id_, self.project(live, properties), properties) if id_ and live else None

    def create(self, properties: Properties, note: Note) -> tuple[str, Properties]:
        """Create the object, or adopt the one that exists already; return its id and what stands there now.

        A creation whose answer was lost leaves an object behind that the next run must find and not make again, so the
        live objects are searched first.

        Raises ``NotAdopted``, ``ApiError``, ``LookupProblem`` and ``NotApproved``.
        """
        found = self.adoption.find(properties, note)
        if found:
            self.inventory.claim(self.kind, found)
            return self._adopt(found, properties, note)
        return self._post(properties, note)

    def _post(self, properties: Properties, note: Note) -> tuple[str, Properties]:
        """POST the object; one whose outcome is unknown is looked for before it is sent again: there might be two."""
        request = self.gate.asked(None, {}, properties)
        if request:
            return self.gate.wait(request, note), properties
        fields = reconcile.created(self.kind, properties)
        for attempt in range(ATTEMPTS):
            try:
                live, refused = self._send("POST", self.path(), fields, properties)
            except ApiError as error:
                if error.code == POLICY_CONFLICT and properties.get(APART):
                    return self._post({**properties, APART: False}, note)
                if error.status == 409:
                    return self.gate.wait(self.gate.turned_into(error, {}, properties), note), properties
                if not error.outcome_unknown or attempt == ATTEMPTS - 1:
                    raise
                self.client.settle()
                self.inventory.renew(self.kind)
                made = self.adoption.candidates(properties, note)
                if made:
                    self.inventory.claim(self.kind, made[0])
                    return self._adopt(made[0], properties, note)
            else:
                self.inventory.wrote(self.kind, live)
                id_ = str(live[self.kind.id_name])
                return id_, self._kept(id_, fields, properties, live, refused, note)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _send(
        self,
        method: str,
        path: str,
        fields: list[Field],
        properties: Properties,
        live: Live | None = None,
        before: Properties | None = None,
    ) -> tuple[Live, dict[str, str]]:
        """Write fields and return PostHog's answer; what an organisation may not have is left out where it is refused.

        The second is PostHog's reason by refused field. ``live`` is the object that is changed and ``before`` its
        canonical form, None for a new one.
        """
        try:
            body = reconcile.body(self.kind, fields, properties, self.directory, live, before)
            return self.client.request(method, path, body), {}
        except ApiError as error:
            reason = str(error)
            refused = [field for field in fields if field.gate and field.gate.refusal and field.gate.refusal in reason]
            if not refused:
                raise
        rest = [field for field in fields if field not in refused]
        answer, others = (live, {}) if live and not rest else self._send(method, path, rest, properties, live, before)
        return answer, {**others, **{field.name: reason for field in refused}}

    def _kept(
        self, id_: str, fields: list[Field], wanted: Properties, answer: Live, refused: Mapping[str, str], note: Note
    ) -> Properties:
        """Return what was written with what PostHog did not keep of it, which is said once (see ``kinds.base.UNKEPT``).

        ``wanted`` is what ``fields`` were written from, ``answer`` the object as PostHog answered it.
        """
        written = {field.name for field in fields} - set(wanted.get("unmanaged", ()))
        before = {name: held for name, held in wanted.get(UNKEPT, {}).items() if name not in written}
        plain = {name: value for name, value in wanted.items() if name != UNKEPT}
        fields = [field for field in fields if field.name in written]
        if any(self._hides(answer, field, plain) for field in fields):
            self.client.settle()
            answer = self.inventory.fetch(self.kind, id_) or answer
        stands = self.project(answer, plain)
        lost = {
            field.name: json_text(stands.get(field.name))
            for field in fields
            if not reconcile.same(stands.get(field.name), plain.get(field.name))
        }
        for each in fields:
            if each.name in lost:
                reason = f"it needs {each.gate.needs}" if each.gate else "this PostHog takes it and leaves it as it was"
                self.services.tell(note, f"{each.name} was not kept: {refused.get(each.name, reason)}")
            elif each.gate and plain.get(each.name) is not None:
                self._open.add(each.name)
        unkept = {**before, **lost}
        return {**plain, UNKEPT: unkept} if unkept else plain

    def _hides(self, answer: Live, field: Field, properties: Properties) -> bool:
        """Say whether the answer to a write does not tell if a field was kept.

        It may leave the field out, or show a value that is dropped; not any more after one was seen to stay.
        """
        if not field.served(answer):
            return self.inventory.may_serve(self.kind, field)
        dropped_unsaid = field.gate is not None and not field.gate.refusal
        return dropped_unsaid and properties.get(field.name) is not None and field.name not in self._open

    def _adopt(self, id_: str, properties: Properties, note: Note) -> tuple[str, Properties]:
        live = self.inventory.get(self.kind, id_)
        if live is None:
            raise ApiError(f"{self.kind.type} {id_} was deleted while it was being adopted; run again")
        before = self.project(live, properties)
        fields = reconcile.changed(self.kind, before, properties)
        return id_, self._patch_fields(id_, fields, properties, live, before, note) or before

    def update(self, id_: str, old: Properties, new: Properties, note: Note) -> Properties:
        """PATCH the fields in which ``new`` differs from ``old``, and return what stands there now.

        PostHog's writes know no condition, so the object is read once more right before: what somebody changed since
        the refresh is not overwritten unseen. Sends nothing when nothing differs.

        Raises :class:`Conflict`, ``NotApproved``, ``ApiError`` and ``LookupProblem``.
        """
        fields = reconcile.changed(self.kind, old, new)
        new = {**new, UNKEPT: old[UNKEPT]} if UNKEPT in old else new
        if not fields:
            return new
        if id_.startswith(WAITING):
            self.gate.wait(self.gate.creation(id_, new), note)
            return old
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            raise Conflict(f"{self.kind.type} {id_} was deleted since it was read; run again")
        self._check_unchanged(live, old)
        return self._patch_fields(id_, fields, new, live, old, note) or old

    def _check_unchanged(self, live: Live, old: Properties, deleting: bool = False) -> None:
        now = self.project(live, old)
        moved = [field for field in reconcile.changed(self.kind, now, old) if not (deleting and field.follows)]
        if moved:
            told = self.services.history.told(self.kind, live, moved, old, now)
            raise Conflict(
                f"{self.kind.type} {live['id']} was changed since it was read: {told}; it was left as it is, "
                "run again to see the change"
            )

    def _patch_fields(
        self, id_: str, fields: list[Field], new: Properties, live: Live, before: Properties, note: Note
    ) -> Properties | None:
        """PATCH these fields and return what stands now; None: the change waits for an approval."""
        if not fields:
            return new
        request = self.gate.asked(id_, live, new)
        if request is None:
            try:
                sent = reconcile.with_told(self.kind, fields)
                answer, refused = self._send("PATCH", self.path(id_), sent, new, live, before)
            except ApiError as error:
                apart = [field for field in fields if field.name == APART]
                if error.code == POLICY_CONFLICT and apart and len(fields) > 1:
                    rest = [field for field in fields if field.name != APART]
                    stands = self._patch_fields(id_, rest, new, live, before, note)
                    return stands and self._patch_fields(id_, apart, stands, live, before, note)
                request = self.gate.turned_into(error, live, new)
            else:
                self.inventory.wrote(self.kind, answer)
                return self._kept(id_, fields, new, answer, refused, note)
        self.gate.wait(request, note)
        return None

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the object, unless somebody changed it since it was read; one that is gone already is no error.

        Raises :class:`Conflict` and ``ApiError``.
        """
        if id_.startswith(WAITING):
            self.services.approvals.cancel(id_.removeprefix(WAITING))
            return
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            return
        self._check_unchanged(live, old, deleting=True)
        method, body = ("PATCH", {"deleted": True}) if self.kind.soft_delete else ("DELETE", None)
        for attempt in range(ATTEMPTS):
            try:
                self.client.request(method, self.path(id_), body, repeatable=not self.kind.unlisted_fails)
            except ApiError as error:
                if error.status == 404:
                    return
                if not (self.kind.unlisted_fails and error.outcome_unknown) or attempt == ATTEMPTS - 1:
                    raise
                if self.inventory.fetch(self.kind, id_) is None:  # what failed was done, or a second try of it
                    return
            else:
                return

    def last_switch(self, id_: str) -> str:
        """Return who switched an object on or off last, and when, in brackets."""
        live = self.inventory.get(self.kind, id_)
        return self.services.history.author(self.kind, live, "active") if live else "(deleted since)"

    def on_since(self, key: str, when: str) -> bool:
        """Say whether somebody switched a flag on after a time (ISO 8601); asked once. Raises ``ApiError``."""
        if key not in self._on_since:
            live = next((each for each in self.inventory.all(self.kind).values() if each["key"] == key), None)
            self._on_since[key] = live is not None and self.services.history.on_since(self.kind, live, when)
        return self._on_since[key]

    def remind(self, id_: str, new: Properties, note: Note) -> None:
        """Tell about a change that is shown and was asked for in an earlier run."""
        if self.services.approvals.covers(self.kind) and not id_.startswith(WAITING):
            live = self.inventory.get(self.kind, id_)
            request = self.gate.asked(id_, live, new) if live else None
            if request:
                self.services.tell(note, str(request))

    def _read_waiting(self, id_: str, known: Mapping[str, Any], note: Note) -> tuple[str, Properties] | None:
        """Return the object whose creation was approved; while it waits what was asked for; else None."""
        properties = self.kind.canonical(known)
        made = self.adoption.candidates(properties, note)
        if made:
            return self.read(made[0], known, note)
        request = self.gate.open_creation(id_)
        if request is None:
            return None
        self.gate.wait(request, note)
        return id_, properties


class Discovered(Collection):
    """Objects that PostHog makes itself when it first meets them in an event; before that there is nothing to write to.

    Such a resource has a provisional id. The refresh after PostHog has met it gives it the real one, and what PostHog
    guessed shows as a difference.
    """

    def __init__(self, kind: Kind, services: Services) -> None:
        # Nobody else than PostHog can make them: with adoption forbidden there would be none.
        super().__init__(kind, replace(services, adoption_allowed=True))

    def read(self, id_: str, known: Mapping[str, Any], note: Note) -> tuple[str, Properties] | None:
        """Return the id and live form; a provisional id becomes the real one as soon as there is one."""
        if not id_.startswith(PENDING):
            return super().read(id_, known, note)
        properties = self.kind.canonical(known)
        found = self.adoption.candidates(properties, note)
        return super().read(found[0], known, note) if found else (id_, properties)

    def _post(self, properties: Properties, note: Note) -> tuple[str, Properties]:
        return f"{PENDING}{properties['type']}.{properties['name']}", properties

    def update(self, id_: str, old: Properties, new: Properties, note: Note) -> Properties:
        """PATCH what differs; there is nothing to write to while the id is provisional."""
        return new if id_.startswith(PENDING) else super().update(id_, old, new, note)

    def delete(self, id_: str, old: Properties) -> None:
        """Remove the definition; PostHog makes it anew with the next event that has the property."""
        if not id_.startswith(PENDING):
            super().delete(id_, old)


class Tiles(Collection):
    """The tiles of one dashboard: read with the dashboard, written as one upsert planned from the live tiles."""

    def find(self, properties: Properties, note: Note) -> Match | None:
        """Return what adopting the dashboard means for the tiles that stand on it: those of the definition stay."""
        id_ = self.services.adopted.get(note.name.replace("tiles/", "dashboard/", 1))
        live = self.inventory.get(self.kind, id_) if id_ else None
        if id_ is None or live is None or not live.get("tiles"):
            return None
        others = self._others(id_, live["tiles"], properties.get("tiles", []), {**properties, "tiles": []})
        there = self.project({**live, "tiles": _without(others, live["tiles"])}, properties)
        return outlook(self.kind, id_, {**there, "dashboard": properties["dashboard"]}, properties)

    def project(self, live: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
        """Return the canonical form of the tiles that are the definition's; an equal one of somebody else's is not."""
        tiles = live.get("tiles") or []
        others = self._others(str(live["id"]), tiles, known.get("tiles", []), known)
        return super().project({**live, "tiles": _without(others, tiles)}, known)

    def create(self, properties: Properties, note: Note) -> tuple[str, Properties]:
        """Arrange the dashboard's tiles; the id is the dashboard's."""
        id_ = str(properties["dashboard"])
        return id_, self._arranged(id_, {}, properties, note)

    def update(self, id_: str, old: Properties, new: Properties, note: Note) -> Properties:
        """Arrange the dashboard's tiles anew, whatever stands there: tiles have no state to lose but their place."""
        return self._arranged(id_, old, new, note)

    def remind(self, id_: str, new: Properties, note: Note) -> None:
        """Name the tiles of other people that a definition which wants no others takes away."""
        if new.get("exclusive_tiles"):
            live = (self.inventory.get(self.kind, id_) or {}).get("tiles") or []
            mine = ours(live, {**new, "exclusive_tiles": False})
            for tile in (tile for tile in live if tile not in mine and not tile.get("deleted")):
                self.services.tell(note, f"takes {described(tile)} off the dashboard")

    def _arranged(self, id_: str, old: Properties, new: Properties, note: Note) -> Properties:
        """Arrange the tiles, and return them as they stand: a server may not keep all of a tile's look."""
        known = {**old, "exclusive_tiles": new.get("exclusive_tiles")}
        live = self._arrange(id_, new.get("tiles", []), known)
        mine = ours(live, {**new, OWN: old.get(OWN, [])})
        answer, wanted = {"id": id_, "tiles": mine}, {**new, OWN: [tile["id"] for tile in mine]}
        stands = [_content(tile) for tile in self.project(answer, wanted).get("tiles", [])]
        if stands != [_content(tile) for tile in new.get("tiles", [])]:
            return wanted  # somebody else's hand: the next refresh shows it
        fields = [field for field in self.kind.fields if field.name == "tiles"]
        return self._kept(id_, fields, wanted, answer, {}, note)

    def delete(self, id_: str, old: Properties) -> None:
        """Take texts and buttons away; tiles of insights go with their insights, and all of them with the dashboard."""
        tiles = (self.inventory.fetch(self.kind, id_) or {}).get("tiles") or []
        others = self._others(id_, tiles, old.get("tiles", []), old)
        mine = [tile["id"] for tile in ours(_without(others, tiles), old) if not tile.get("insight")]
        if mine:
            self._patch(id_, [{"id": tile, "deleted": True} for tile in mine])

    def _arrange(self, id_: str, tiles: list[dict[str, Any]], known: Properties) -> list[dict[str, Any]]:
        """Send what is missing and return the live tiles but those that somebody else made and that show the same.

        Always from a fresh answer: insights that were just created have put tiles on the dashboard. Where the outcome
        is unknown, looks before it sends again: what has come since the first look is the definition's.
        """
        others: set[Any] | None = None
        for attempt in range(ATTEMPTS):
            standing = self._standing(id_, tiles)
            others = self._others(id_, standing, [*tiles, *known.get("tiles", [])], known) if others is None else others
            items = plan(_without(others, standing), tiles, known)
            try:
                live = (self._patch(id_, items).get("tiles") or self._live_tiles(id_)) if items else standing
                return _without(others, live)
            except ApiError as error:
                if not error.outcome_unknown or attempt == ATTEMPTS - 1:
                    raise
                self.client.settle()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _others(
        self, id_: str, live: list[dict[str, Any]], wanted: list[dict[str, Any]], known: Mapping[str, Any]
    ) -> set[Any]:
        """Return the ids of the texts and buttons that show what is wanted and that somebody else made.

        ``known`` is what was applied last. A state of before the definition's tiles had ids in it tells by what they
        show alone.
        """
        if known.get("exclusive_tiles") or (known.get("tiles") and OWN not in known):
            return set()
        alike = [tile for tile in live if tile["id"] not in known.get(OWN, ()) and shows_one_of(tile, wanted)]
        return {tile["id"] for tile in alike if not self._is_made_here(id_, tile)}

    def _is_made_here(self, id_: str, tile: Mapping[str, Any]) -> bool:
        """Return whether this key's user made a text or button, which a run that was killed has left.

        PostHog keeps no author of a button: it is as the dashboard is.
        """
        me, made = self.inventory.user_id(), tile.get("text") or {}
        if made.get("created_by"):
            return made["created_by"].get("id") == me and (made.get("last_modified_by") or {}).get("id") in (None, me)
        board = self.inventory.get(self.kind, id_) or {}
        mine = (board.get("created_by") or {}).get("id") == me is not None
        return mine and not self.services.history.others(self.kind, id_, me)

    def _standing(self, id_: str, tiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the live tiles; looks twice when one is missing, as the first answer may be older than an insight.

        An insight whose dashboards are left to PostHog's pages did not name this one, and gets its tile here.
        """
        insights = [tile["insight"] for tile in tiles if "insight" in tile]
        standing = self._live_tiles(id_)
        if _absent(insights, standing):
            self.client.settle()
            standing = self._live_tiles(id_)
        absent = _absent(insights, standing)
        for insight in absent:
            path = self.client.project_path(f"{INSIGHT.collection}/{insight}")
            dashboards = [*shown_on(self.client.get(path)), int(id_)]
            self.inventory.wrote(INSIGHT, self.client.request("PATCH", path, {"dashboards": dashboards}))
        return self._live_tiles(id_) if absent else standing

    def _live_tiles(self, id_: str) -> list[dict[str, Any]]:
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            raise ApiError(f"dashboard {id_} is gone; run again")
        return live.get("tiles") or []

    def _patch(self, id_: str, items: list[dict[str, Any]]) -> Live:
        # PostHog adds a text without the id of its tile each time that it comes.
        repeatable = all("id" in item for item in items)
        answer: Live = self.client.request("PATCH", self.path(id_), {"tiles": items}, repeatable=repeatable)
        self.inventory.forget(self.kind, id_)
        return answer


def _without(ids: set[Any], tiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [tile for tile in tiles if tile["id"] not in ids]


def _content(tile: Mapping[str, Any]) -> Any:
    return tile.get("insight") or tile.get("text") or tile.get("button")


def _absent(insights: list[Any], tiles: list[dict[str, Any]]) -> list[Any]:
    """Return the insights that have no tile."""
    there = {(tile.get("insight") or {}).get("id") for tile in tiles}
    return [insight for insight in insights if insight not in there]


LIFECYCLES: dict[str, type[Collection]] = {"collection": Collection, "discovered": Discovered, "tiles": Tiles}

__all__ = ["LIFECYCLES", "PENDING", "Collection", "Conflict", "Discovered", "Services", "Tiles"]
