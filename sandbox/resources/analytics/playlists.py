"""Session recording playlists (PostHog: session_recording_playlist_api.py).

Traps: the URL names the short id; the type is required at first and fixed then; a saved filter's PATCH has to bring its
filters every time; the first page of the list is mixed with synthetic ones; only those with a name are logged, and
their deletion as an update.
"""

from typing import Any, ClassVar

from sandbox.rest import activity
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    FOLDER,
    ID,
    LAST_MODIFIED_BY,
    Field,
    boolean,
    choice,
    mapping,
    read_only,
    short_id,
    text,
    worded,
)
from sandbox.rest.listing import Condition, equals, same
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Invalid, NotFound

NO_TYPE = "Must provide a valid playlist type: either filters or collection"
COUNTS = {
    "saved_filters": dict.fromkeys(("count", "has_more", "watched_count", "increased", "last_refreshed_at")),
    "collection": {"count": None, "watched_count": 0},
}
MATERIAL = frozenset({"name", "description", "filters"})  # a change of these counts as a modification
SYNTHETIC = (("synthetic-watch-history", "Watch history"), ("synthetic-commented", "Recordings with comments"))


class Playlists(Resource):
    kind, collection, scope = "session_recording_playlist", "session_recording_playlists", "session_recording_playlist"
    has_access_controls = True
    inherits_access_from = "session_recording"
    log_scope = "SessionRecordingPlaylist"
    life, environments, key = Life.SOFT_GONE, True, "short_id"
    filters: ClassVar = {"created_by": same("created_by")}
    search = ("name", "derived_name")
    order = "json_extract(data, '$.last_modified_at') DESC"
    fields = (
        ID,
        read_only("short_id"),
        Field("name", text(400), null=True),
        Field("derived_name", text(400), null=True),
        Field("description", text(), default=""),
        Field("pinned", boolean, default=False),
        CREATED_AT,
        CREATED_BY,
        Field("deleted", boolean, default=False),
        Field("filters", mapping, default={}),
        read_only("last_modified_at"),
        LAST_MODIFIED_BY,
        read_only("recordings_counts", COUNTS),
        Field("type", worded(NO_TYPE, choice("collection", "filters")), null=True),
        read_only("is_synthetic", False),
        FOLDER,
    )

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        row = context.store.find(self.kind, identifier, self.parent_id(context))
        if row is None or (row["deleted"] and not deleted):
            raise NotFound()
        return row

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        filters = values.get("filters")
        if before is None:
            if values.get("type") is None:
                raise Invalid(NO_TYPE)
            if values["type"] == "collection" and filters:
                raise Invalid("You cannot create a collection with filters")
            if values["type"] == "filters" and not filters:
                raise Invalid("You must provide a valid filters when creating a saved filter")
            values["short_id"] = short_id()
            return {**super().prepare(context, values, before), "last_modified_at": timestamp()}
        values.pop("type", None)
        if before["type"] == "collection" and filters:
            raise Invalid("You cannot update a collection to add filters")
        if before["type"] == "filters" and not filters:
            raise Invalid("You cannot remove all filters when updating a saved filter")
        row = super().prepare(context, values, before)
        if MATERIAL & set(values):
            row.update(last_modified_at=timestamp(), last_modified_by=context.user["id"])
        return row

    def touch(self, context: Context, row: Data) -> None:
        """Not every change counts as one: see `prepare`."""

    def log(self, context: Context, before: Data | None, after: Data) -> None:
        name = after["name"] or after["derived_name"]
        if not name:
            return
        assert self.log_scope is not None
        if before is None:
            activity.record(context, self.log_scope, after["id"], "created", name, None, short_id=after["short_id"])
            return
        changes = activity.changes_between(self.log_scope, before, after, self.logged, self.log_masked)
        activity.record(context, self.log_scope, after["id"], "updated", name, changes, short_id=after["short_id"])

    def conditions(self, context: Context) -> list[Condition]:
        query, found = context.query, super().conditions(context)
        if query.get("type") in ("collection", "filters"):
            found.append(equals("type", query["type"]))
        return found

    def list(self, context: Context) -> Any:
        page = super().list(context)
        if context.query.get("offset", "0") == "0" and "type" not in context.query:
            for index, (identifier, name) in enumerate(SYNTHETIC, 1):
                blank = {field.name: field.initial() for field in self.fields if field.kept}
                own = {"id": -index, "short_id": identifier, "name": name, "type": "collection", "is_synthetic": True}
                page["results"].append({**blank, **own})
        return page


PLAYLISTS = Playlists()
