"""The tiles of one dashboard: read with the dashboard, written as one upsert planned from the live tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.adoption import Match, adopts, outlook
from providers.posthog.errors import ApiError
from providers.posthog.inputs import Metadata
from providers.posthog.inventory import Live
from providers.posthog.kinds.base import OWN, Kind, Properties, Ref
from providers.posthog.kinds.insight import INSIGHT, shown_on
from providers.posthog.kinds.tiles import described, from_live, ours, plan, shows_one_of
from providers.posthog.lifecycle.writing import Writer
from providers.posthog.reconcile import agrees
from providers.posthog.reconcile import known as is_known
from providers.posthog.services import ATTEMPTS, Services


class Tiles:
    """The tiles of one dashboard: read with the dashboard, written as one upsert planned from the live tiles."""

    def __init__(self, kind: Kind, services: Services) -> None:
        self._kind = kind
        self._services = services
        self._inventory = services.inventory
        self._client = services.inventory.client
        self._writer = Writer(kind, services, self._project)

    def read(self, id_: str, known: Mapping[str, Any], meta: Metadata) -> tuple[str, Properties] | None:
        """Return the dashboard's id and the tiles on it that are the definition's, or None when it is gone."""
        self._inventory.claim(self._kind, id_, meta.name)
        live = self._inventory.get(self._kind, id_)
        return None if live is None else (id_, self._project(live, known))

    def find(self, properties: Properties, meta: Metadata) -> Match | None:
        """Return what adopting the dashboard means for the tiles that are on it: those of the definition stay."""
        id_ = self._adopted(meta)
        live = self._inventory.get(self._kind, id_) if id_ else None
        if id_ is None or live is None or (properties.get("tiles") and not live.get("tiles")):
            return None
        tiles = live.get("tiles") or []
        others = self._others(id_, tiles, properties.get("tiles", []), {**properties, "tiles": []}, True)
        wanted = {**properties, "tiles": self._met(tiles, properties.get("tiles", []))}
        there = self._project({**live, "tiles": _without(others, tiles)}, wanted)
        return outlook(self._kind, id_, {**there, "dashboard": properties["dashboard"]}, properties)

    def _met(self, live: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the wanted tiles with the insights of live ones that are the same, as far as is known.

        In a preview the id of an insight that this run adopts is not known.
        """
        adopted = self._services.adopted
        there = [from_live(tile) for tile in live if not tile.get("deleted")]
        free = [tile for tile in there if adopts(adopted, "insight", tile.get("insight"))]
        result = []
        for tile in wanted:
            unknown = "insight" in tile and not is_known(tile["insight"])
            found = next((each for each in free if unknown and agrees(each, tile)), tile)
            result.append(found)
            free = [each for each in free if each is not found]
        return result

    def _adopted(self, meta: Metadata) -> str | None:
        """Return the id of the tiles' dashboard if this run adopts that."""
        return self._services.adopted.get(str(Ref("dashboard", Ref.parse(meta.name).key)))

    def _project(self, live: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
        """Return the canonical form of the tiles that are the definition's; an equal one of somebody else's is not."""
        tiles = live.get("tiles") or []
        others = self._others(str(live["id"]), tiles, known.get("tiles", []), known)
        return self._kind.project({**live, "tiles": _without(others, tiles)}, known, self._services.directory)

    def create(self, properties: Properties, meta: Metadata) -> tuple[str, Properties]:
        """Arrange the dashboard's tiles; the id is the dashboard's."""
        id_ = str(properties["dashboard"])
        return id_, self._arranged(id_, {}, properties, meta)

    def update(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """Arrange the dashboard's tiles anew, whatever is there: tiles have no state to lose but their place."""
        return self._arranged(id_, old, new, meta)

    def remind(self, id_: str, new: Properties, meta: Metadata) -> None:
        """Name the tiles of other people that a definition with ``exclusive_tiles`` removes."""
        if new.get("exclusive_tiles"):
            live = (self._inventory.get(self._kind, id_) or {}).get("tiles") or []
            mine = ours(live, {**new, "exclusive_tiles": False})
            for tile in (tile for tile in live if tile not in mine and not tile.get("deleted")):
                self._services.warn(meta, f"takes {described(tile)} off the dashboard")

    def _arranged(self, id_: str, old: Properties, new: Properties, meta: Metadata) -> Properties:
        """Arrange the tiles, and return them as they are: a server may not keep all of a tile's look."""
        known = {**old, "exclusive_tiles": new.get("exclusive_tiles")}
        live = self._arrange(id_, new.get("tiles", []), known, not old and self._adopted(meta) == id_)
        mine = ours(live, {**new, OWN: old.get(OWN, [])})
        answer, wanted = {"id": id_, "tiles": mine}, {**new, OWN: [tile["id"] for tile in mine]}
        kept = [_content(tile) for tile in self._project(answer, wanted).get("tiles", [])]
        if kept != [_content(tile) for tile in new.get("tiles", [])]:
            return wanted  # somebody else's hand: the next refresh shows it
        fields = [field for field in self._kind.fields if field.name == "tiles"]
        return self._writer.kept(id_, fields, wanted, answer, {}, meta)

    def delete(self, id_: str, old: Properties) -> None:
        """Take texts and buttons away; tiles of insights go with their insights, and all of them with the dashboard."""
        tiles = (self._inventory.fetch(self._kind, id_) or {}).get("tiles") or []
        others = self._others(id_, tiles, old.get("tiles", []), old)
        mine = [tile["id"] for tile in ours(_without(others, tiles), old) if not tile.get("insight")]
        if mine:
            self._patch(id_, [{"id": tile, "deleted": True} for tile in mine])

    def _arrange(
        self, id_: str, tiles: list[dict[str, Any]], known: Properties, adopting: bool
    ) -> list[dict[str, Any]]:
        """Send what is missing and return the live tiles but those that somebody else made and that show the same.

        Always from a fresh answer: insights that were just created have put tiles on the dashboard. Where the outcome
        is unknown, looks before it sends again: what has come since the first look is the definition's.
        """
        others: set[Any] | None = None
        for attempt in range(ATTEMPTS):
            present = self._present(id_, tiles)
            if others is None:
                others = self._others(id_, present, [*tiles, *known.get("tiles", [])], known, adopting)
            items = plan(_without(others, present), tiles, known)
            try:
                live = (self._patch(id_, items).get("tiles") or self._live_tiles(id_)) if items else present
                return _without(others, live)
            except ApiError as error:
                if not error.outcome_unknown or attempt == ATTEMPTS - 1:
                    raise
                self._client.settle()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _others(
        self,
        id_: str,
        live: list[dict[str, Any]],
        wanted: list[dict[str, Any]],
        known: Mapping[str, Any],
        adopting: bool = False,
    ) -> set[Any]:
        """Return the ids of the texts and buttons that show what is wanted and that somebody else made.

        ``known`` is what was applied last. A state of before the definition's tiles had ids in it tells by what they
        show alone. With an adopted dashboard (``adopting``) comes what is on it just as it is wanted, whoever made it.
        """
        if known.get("exclusive_tiles") or (known.get("tiles") and OWN not in known):
            return set()
        alike = [tile for tile in live if tile["id"] not in known.get(OWN, ()) and shows_one_of(tile, wanted)]
        if adopting:
            alike = [tile for tile in alike if from_live(tile) not in wanted]
        return {tile["id"] for tile in alike if not self._is_made_here(id_, tile)}

    def _is_made_here(self, id_: str, tile: Mapping[str, Any]) -> bool:
        """Return whether this key's user made a text or button, which a run that was killed has left.

        PostHog keeps no author of a button: it is as the dashboard is.
        """
        me, made = self._inventory.user_id(), tile.get("text") or {}
        if made.get("created_by"):
            return made["created_by"].get("id") == me and (made.get("last_modified_by") or {}).get("id") in (None, me)
        board = self._inventory.get(self._kind, id_) or {}
        mine = (board.get("created_by") or {}).get("id") == me is not None
        try:
            return mine and not self._services.history.others(self._kind, id_, me)
        except ApiError:  # somebody else may have put it there
            return False

    def _present(self, id_: str, tiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the live tiles; looks twice when one is missing, as the first answer may be older than an insight.

        An insight whose dashboards are left to PostHog's pages did not name this one, and gets its tile here.
        """
        insights = [tile["insight"] for tile in tiles if "insight" in tile]
        present = self._live_tiles(id_)
        if _absent(insights, present):
            self._client.settle()
            present = self._live_tiles(id_)
        absent = _absent(insights, present)
        for insight in absent:
            path = self._client.project_path(f"{INSIGHT.collection}/{insight}")
            # The set is written whole: two dashboards that took the insight at the same time would take it off each
            # other.
            with self._inventory.lock(f"dashboards of insight {insight}"):
                dashboards = [*shown_on(self._client.get(path)), int(id_)]
                self._inventory.wrote(INSIGHT, self._client.request("PATCH", path, {"dashboards": dashboards}))
        return self._live_tiles(id_) if absent else present

    def _live_tiles(self, id_: str) -> list[dict[str, Any]]:
        live = self._inventory.fetch(self._kind, id_)
        if live is None:
            raise ApiError(f"dashboard {id_} is gone; run again")
        return live.get("tiles") or []

    def _patch(self, id_: str, items: list[dict[str, Any]]) -> Live:
        # PostHog adds a text without the id of its tile each time that it comes.
        repeatable = all("id" in item for item in items)
        answer: Live = self._client.request("PATCH", self._writer.path(id_), {"tiles": items}, repeatable=repeatable)
        self._inventory.forget(self._kind, id_)
        return answer


def _without(ids: set[Any], tiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [tile for tile in tiles if tile["id"] not in ids]


def _content(tile: Mapping[str, Any]) -> Any:
    return tile.get("insight") or tile.get("text") or tile.get("button")


def _absent(insights: list[Any], tiles: list[dict[str, Any]]) -> list[Any]:
    """Return the insights that have no tile."""
    there = {(tile.get("insight") or {}).get("id") for tile in tiles}
    return [insight for insight in insights if insight not in there]
