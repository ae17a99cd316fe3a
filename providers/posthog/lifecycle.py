"""How objects of a kind come, change and go. One general way, and the two kinds that PostHog makes differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog import reconcile
from providers.posthog.client import ApiError
from providers.posthog.inventory import Inventory, Live
from providers.posthog.kinds.base import Directory, Field, Kind, Properties
from providers.posthog.kinds.tiles import plan

PENDING = "pending:"
ATTEMPTS = 3
"""How often a creation is sent when its outcome stays unknown."""


class AmbiguousMatch(Exception):
    """Several objects in PostHog could be the one a definition describes. One line that lists them."""


class Conflict(Exception):
    """Somebody else changed an object between our reading and writing. One line with who and what."""


class Collection:
    """Objects that a POST creates, a PATCH changes and a DELETE (or a deletion mark) removes."""

    def __init__(self, kind: Kind, inventory: Inventory, directory: Directory) -> None:
        self.kind = kind
        self.inventory = inventory
        self.client = inventory.client
        self.directory = directory

    def path(self, id_: str = "") -> str:
        """Return the path of the kind's collection, or of one object in it."""
        return self.client.project_path(f"{self.kind.collection}/{id_}")

    def project(self, live: Mapping[str, Any], known: Mapping[str, Any]) -> Properties:
        """Return a live object's canonical form, given what was applied last."""
        return self.kind.project(live, known, self.directory)

    def read(self, id_: str, known: Mapping[str, Any]) -> tuple[str, Properties] | None:
        """Return the object's id and live canonical form, or None when it is gone."""
        live = self.inventory.get(self.kind, id_)
        return None if live is None else (id_, self.project(live, known))

    def create(self, properties: Properties) -> str:
        """Create the object, or adopt the one that exists already, and return its id.

        A creation whose answer was lost leaves an object behind that the next run must find and not make again, so the
        live objects are searched by the kind's natural key first.

        Raises :class:`AmbiguousMatch`, ``ApiError`` and ``LookupProblem``.
        """
        with self.inventory.lock(f"create {self.kind.collection}"):
            found = self.inventory.matches(self.kind, properties, lambda live: self.project(live, properties))
            if len(found) > 1:
                raise AmbiguousMatch(
                    f"{len(found)} objects in PostHog could be this one ({', '.join(sorted(found))}); "
                    "delete or rename all but one of them"
                )
            if found:
                self.inventory.claim(self.kind, found[0])
        if found:
            return self._adopt(found[0], properties)
        return self._post(properties)

    def _post(self, properties: Properties) -> str:
        """POST the object; one whose outcome is unknown is looked for before it is sent again: there might be two."""
        body = reconcile.create_body(self.kind, properties, self.directory)
        for attempt in range(ATTEMPTS):
            try:
                live = self.client.request("POST", self.path(), body)
            except ApiError as error:
                if not error.outcome_unknown or attempt == ATTEMPTS - 1:
                    raise
                self.inventory.renew(self.kind)
                made = self.inventory.matches(self.kind, properties, lambda live: self.project(live, properties))
                if made:
                    return self._adopt(made[0], properties)
            else:
                self.inventory.wrote(self.kind, live)
                return str(live["id"])
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _adopt(self, id_: str, properties: Properties) -> str:
        live = self.inventory.get(self.kind, id_)
        if live is None:
            raise ApiError(f"{self.kind.type} {id_} was deleted while it was being adopted; run again")
        fields = reconcile.changed(self.kind, self.project(live, properties), properties)
        self._patch_fields(id_, fields, properties, live)
        return id_

    def update(self, id_: str, old: Properties, new: Properties) -> None:
        """PATCH the fields in which ``new`` differs from ``old``; sends nothing when none does.

        PostHog's writes know no condition, so the object is read once more right before: what somebody changed since
        the refresh is not overwritten unseen. Raises :class:`Conflict`.
        """
        fields = reconcile.changed(self.kind, old, new)
        if fields:
            self._patch_fields(id_, fields, new, self._unchanged(id_, old))

    def _unchanged(self, id_: str, old: Properties) -> Live:
        """Return the live object, read anew, if it still is what was read before."""
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            raise Conflict(f"{self.kind.type} {id_} was deleted since it was read; run again")
        moved = reconcile.changed(self.kind, self.project(live, old), old)
        if moved:
            names = ", ".join(field.name for field in moved)
            author = (live.get("last_modified_by") or {}).get("email", "somebody")
            raise Conflict(
                f"{self.kind.type} {id_} was changed by {author} since it was read ({names}); nothing was overwritten, "
                "run again to see the change"
            )
        return live

    def _patch_fields(self, id_: str, fields: list[Field], new: Properties, live: Live) -> None:
        if fields:
            body = reconcile.body(fields, new, self.directory, live)
            self.inventory.wrote(self.kind, self.client.request("PATCH", self.path(id_), body))

    def delete(self, id_: str) -> None:
        """Remove the object; one that is gone already is no error."""
        try:
            if self.kind.soft_delete:
                self.client.request("PATCH", self.path(id_), {"deleted": True})
            else:
                self.client.request("DELETE", self.path(id_))
        except ApiError as error:
            if error.status != 404:
                raise


class Discovered(Collection):
    """Objects that PostHog makes itself when it first meets them in an event; before that there is nothing to write to.

    Such a resource has a provisional id. The refresh after PostHog has met it gives it the real one, and what PostHog
    guessed shows as a difference.
    """

    def read(self, id_: str, known: Mapping[str, Any]) -> tuple[str, Properties] | None:
        """Return the id and live form; a provisional id becomes the real one as soon as there is one."""
        if not id_.startswith(PENDING):
            return super().read(id_, known)
        found = self.inventory.matches(self.kind, known, lambda live: self.project(live, known))
        if not found:
            return id_, self.kind.canonical(known)
        return super().read(found[0], known)

    def create(self, properties: Properties) -> str:
        """Describe the object if PostHog has met it, else return a provisional id."""
        found = self.inventory.matches(self.kind, properties, lambda live: self.project(live, properties))
        if found:
            return self._adopt(found[0], properties)
        return f"{PENDING}{properties['type']}.{properties['name']}"

    def update(self, id_: str, old: Properties, new: Properties) -> None:
        """PATCH what differs; there is nothing to write to while the id is provisional."""
        if not id_.startswith(PENDING):
            super().update(id_, old, new)

    def delete(self, id_: str) -> None:
        """Remove the definition; PostHog makes it anew with the next event that has the property."""
        if not id_.startswith(PENDING):
            super().delete(id_)


class Tiles(Collection):
    """The tiles of one dashboard: read with the dashboard, written as one upsert planned from the live tiles."""

    def create(self, properties: Properties) -> str:
        """Arrange the dashboard's tiles; the id is the dashboard's."""
        id_ = str(properties["dashboard"])
        self._arrange(id_, properties.get("tiles", []))
        return id_

    def update(self, id_: str, old: Properties, new: Properties) -> None:
        """Arrange the dashboard's tiles anew, whatever stands there: tiles have no state to lose but their place."""
        self._arrange(id_, new.get("tiles", []))

    def delete(self, id_: str) -> None:
        """Take the texts away; tiles of insights go with their insights, and all of them with the dashboard."""
        live = self.inventory.fetch(self.kind, id_)
        texts = [tile["id"] for tile in (live or {}).get("tiles") or () if tile.get("text")]
        if texts:
            self._patch(id_, [{"id": tile, "deleted": True} for tile in texts])

    def _arrange(self, id_: str, tiles: list[dict[str, Any]]) -> None:
        # Always from a fresh answer: insights that were just created have put tiles on the dashboard.
        live = self.inventory.fetch(self.kind, id_)
        if live is None:
            raise ApiError(f"dashboard {id_} is gone; run again")
        items = plan(live.get("tiles") or (), tiles)
        if items:
            self._patch(id_, items)

    def _patch(self, id_: str, items: list[dict[str, Any]]) -> None:
        self.client.request("PATCH", self.path(id_), {"tiles": items})
        self.inventory.forget(self.kind, id_)


LIFECYCLES: dict[str, type[Collection]] = {"collection": Collection, "discovered": Discovered, "tiles": Tiles}

__all__ = ["LIFECYCLES", "PENDING", "AmbiguousMatch", "Collection", "Discovered", "Live", "Tiles"]
