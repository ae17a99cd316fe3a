"""One shape for every kind: declared fields over one implementation of list, retrieve, create, update and delete.

A kind is a subclass of `Resource` in `sandbox/resources/`. It says what its fields are and how it lives, and overrides
a hook only where PostHog's behaviour is peculiar. Routes, scopes, paging, the error envelope and the activity log
follow.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Literal

from starlette.responses import Response

from sandbox.auth import access
from sandbox.auth.identity import ADMIN, level
from sandbox.rest import activity
from sandbox.rest.fields import Field
from sandbox.rest.listing import Condition, Filter, contains, paginate
from sandbox.storage.store import Data, Reference
from sandbox.wire.context import Context, Json, Services, timestamp
from sandbox.wire.errors import Forbidden, NotFound, Required


class Life(Enum):
    """What becomes of a deleted object (`DELETE` on a soft-deleted kind is a 405 with an empty body)."""

    SOFT_READABLE = "PATCH deleted; a GET still answers 200"
    SOFT_GONE = "PATCH deleted; a GET answers 404 until it is restored"
    HARD = "DELETE answers 204 and removes it"


@dataclass(frozen=True)
class Action:
    """A call beyond the five: `path` below the object (or below the collection when not `detail`).

    `run(context, row)` or `run(context)` answers it. `scopes` None means the kind's own, read for GET, write
    otherwise; an empty tuple refuses personal API keys.
    """

    path: str
    run: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)
    scopes: tuple[str, ...] | None = None
    detail: bool = True


CRUD = frozenset({"list", "retrieve", "create", "update", "destroy"})


class Resource:
    """The declaration of a kind, and what all kinds do alike."""

    kind: ClassVar[str]
    collection: ClassVar[str]
    scope: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    life: ClassVar[Life] = Life.SOFT_READABLE
    identifier: ClassVar[Literal["int", "uuid"]] = "int"
    parent: ClassVar[Literal["project", "organization"]] = "project"
    environments: ClassVar[bool] = False  # also below /api/environments/
    operations: ClassVar[frozenset[str]] = CRUD
    log_scope: ClassVar[str | None] = None  # the activity log's name of the kind; None: changes aren't logged
    log_masked: ClassVar[frozenset[str]] = frozenset()
    key: ClassVar[str] = ""  # the field that objects are also looked up by
    named: ClassVar[str] = "name"  # the field that names an object in the activity log
    refs: ClassVar[Mapping[str, str]] = {}  # field -> the kind whose id it holds
    filters: ClassVar[Mapping[str, Filter]] = {}  # the list's query parameters besides `search`
    search: ClassVar[tuple[str, ...]] = ("name",)  # the fields that `?search=` looks at
    order: ClassVar[str] = "seq"
    page_size: ClassVar[int] = 100
    has_access_controls: ClassVar[bool] = False  # `:id/access_controls/` sets them
    inherits_access_from: ClassVar[str] = ""  # the kind whose rules count where an object has none
    admin_only: ClassVar[bool] = False  # writing needs an organisation admin
    look_every: ClassVar[float] = 0  # seconds between two looks for what is due; 0: nothing ever is

    def __init__(self) -> None:
        self.by_name = {field.name: field for field in self.fields}
        self.shown = [(field.name, field.default) for field in self.fields if field.kept]
        self.rendered = [(field.name, field.render) for field in self.fields if field.kept and field.render]
        self.logged = [field.name for field in self.fields if field.logged and field.kept and field.check]
        self.logged += sorted(self.log_masked - set(self.logged))

    # Hooks --------------------------------------------------------------------------------------------------

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        """The complete object to store, from the cleaned values that were sent. Checks across fields belong here."""
        return {**(before if before is not None else self.initial(context)), **values}

    def saved(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        """What else happens when an object has been written; `values` are the cleaned ones, also write-only ones."""

    def removing(self, context: Context, row: Data) -> None:
        """Called before a hard delete: refuse, or take along what goes with it."""

    def show(self, context: Context, row: Data) -> Data:
        """The object as a single GET shows it."""
        shown = {name: row.get(name, default) for name, default in self.shown}
        for name, render in self.rendered:
            shown[name] = render(context, shown[name])
        if "user_access_level" in shown:
            shown["user_access_level"] = access.object_level(context, row)
        return shown

    def show_in_list(self, context: Context, row: Data) -> Data:
        """The object as a list shows it."""
        return self.show(context, row)

    def show_written(self, context: Context, row: Data) -> Data:
        """The object as the answer to a POST or PATCH shows it."""
        return self.show(context, row)

    def conditions(self, context: Context) -> list[Condition]:
        """The conditions of the list, without `search`: the `listed` objects that the query's `filters` let through."""
        asked = [test(context.query[name]) for name, test in self.filters.items() if name in context.query]
        return [("listed = 1", []), *asked]

    def matching(self, needle: str) -> Condition:
        """What `?search=` finds."""
        return contains(needle)

    def ordering(self, context: Context) -> str:
        """What the list is ordered by, in SQL."""
        return self.order

    def natural(self, row: Data) -> str | None:
        """What else the object is looked up by."""
        return str(row[self.key]) if self.key else None

    def listed(self, row: Data) -> bool:
        """Whether the default list has the object."""
        return not row.get("deleted", False)

    def references(self, row: Data) -> Iterable[Reference]:
        """The objects this one points at."""
        return [(kind, str(row[name])) for name, kind in self.refs.items() if row[name]]

    def label(self, row: Data) -> str | None:
        """The object's name in the activity log."""
        name = row.get(self.named)
        return None if name is None else str(name)

    def actions(self) -> list[Action]:
        """The calls beyond the five."""
        return []

    def activity_action(self, detail: bool = True) -> Action:
        """`:id/activity/`, or `activity/` of all of the kind, for the kinds that have them."""

        def run(context: Context, row: Data | None = None) -> Data:
            return activity.object_activity(context, self.log_scope or "", str(row["id"]) if row else None)

        return Action("activity", run, scopes=("activity_log:read",), detail=detail)

    def resume(self, services: Services) -> None:
        """Take up, when the server starts, what was under way when it was killed."""

    def carry_out(self, services: Services, now: datetime) -> None:
        """Do what is due by `now`, as PostHog's periodic workers do (see `look_every`)."""

    def next_due(self, services: Services, now: datetime) -> datetime | None:
        """When something is due next that must not be done later, before or after `now`; None for nothing."""
        return None

    # The five -----------------------------------------------------------------------------------------------

    def list(self, context: Context) -> Any:
        """A page of the listed objects: the kind's own filters, and `?search`."""
        return self.page(context, self.parent_id(context))

    def page(self, context: Context, parent: str | None) -> Data:
        """A page of the listed objects of a project or organisation, or (None) of all."""
        conditions = self.conditions(context)
        if context.query.get("search") and self.search:
            conditions.append(self.matching(context.query["search"]))
        return paginate(
            context,
            self.kind,
            parent,
            conditions,
            self.ordering(context),
            self.page_size,
            lambda row: self.show_in_list(context, row),
        )

    def retrieve(self, context: Context, row: Data) -> Any:
        """`GET` of one."""
        return self.show(context, row)

    def create(self, context: Context) -> Any:
        """`POST` to the collection."""
        values = self.clean(context.data, creating=True)
        after = self.insert(context, values)
        return Json(self.show_written(context, after), 201)

    def update(self, context: Context, row: Data) -> Any:
        """`PATCH`, or `PUT` with everything that is required."""
        values = self.clean(context.data, creating=context.method == "PUT")
        return self.show_written(context, self.amend(context, row, values))

    def destroy(self, context: Context, row: Data) -> Any:
        """`DELETE`: 204, or 405 with an empty body where the kind is deleted softly."""
        if self.life is not Life.HARD:
            return Response(status_code=405)  # ForbidDestroyModel: no body at all
        self.delete(context, row)
        return Response(status_code=204)

    # What other kinds call too ------------------------------------------------------------------------------

    def insert(self, context: Context, values: Data) -> Data:
        """Create an object from cleaned values; also what another kind does that makes one of this kind."""
        after = self.prepare(context, values, None)
        self.save(context, None, after, values)
        return after

    def amend(self, context: Context, before: Data, values: Data) -> Data:
        """Change an object by cleaned values."""
        after = self.prepare(context, dict(values), before)
        self.save(context, before, after, values)
        return after

    def save(self, context: Context, before: Data | None, after: Data, values: Data) -> None:
        """Store an object, log the change, and let the kind do what follows from it."""
        if before is not None:
            self.touch(context, after)
        for field in self.fields:
            if not field.kept:
                after.pop(field.name, None)
        self.store(context, after)
        self.log(context, before, after)
        if self.has_access_controls and after.get("deleted"):
            access.drop_rules(context, self.kind, after)
        self.saved(context, before, after, values)

    def store(self, context: Context, row: Data) -> None:
        """Write an object without any of what a user's change brings about."""
        context.store.put(
            self.kind,
            self.parent_id(context),
            row,
            natural=self.natural(row),
            listed=self.listed(row),
            refs=self.references(row),
        )

    def delete(self, context: Context, row: Data) -> None:
        """Remove an object for good."""
        self.removing(context, row)
        if self.has_access_controls:
            access.drop_rules(context, self.kind, row)
        context.store.remove(self.kind, row["id"])
        if self.log_scope:
            more = self.extra(context, row)
            activity.record(context, self.log_scope, row["id"], "deleted", self.label(row), **more)

    def log(self, context: Context, before: Data | None, after: Data) -> None:
        """Write the activity entry. An update that changes nothing isn't logged; a soft delete is `deleted`."""
        if self.log_scope is None:
            return
        if before is None:
            what, changes = "created", []
        else:
            changes = activity.changes_between(self.log_scope, before, after, self.logged, self.log_masked)
            was, now = before.get("deleted", False), after.get("deleted", False)
            what = "updated" if was == now else "deleted" if now else "restored"
        if changes or before is None:
            more = self.extra(context, after)
            activity.record(context, self.log_scope, after["id"], what, self.label(after), changes, **more)

    def extra(self, context: Context, row: Data) -> Data:
        """More of the activity entry's detail."""
        return {}

    def touch(self, context: Context, row: Data) -> None:
        """Note when and by whom the object was changed, where the kind has fields for it."""
        if "updated_at" in self.by_name:
            row["updated_at"] = timestamp()
        if "last_modified_by" in self.by_name:
            row["last_modified_by"] = context.user["id"] if context.identity else None

    def initial(self, context: Context) -> Data:
        """A new object with every default, its id and its author."""
        row: Data = {field.name: field.initial() for field in self.fields if field.kept}
        row["id"] = context.store.next_id(self.kind) if self.identifier == "int" else str(uuid.uuid4())
        now = timestamp()
        author = context.user["id"] if context.identity else None
        stamps = {"updated_at": now, "created_by": author, "last_modified_by": author}
        row.update({name: value for name, value in stamps.items() if name in self.by_name}, created_at=now)
        return row

    def clean(self, data: Data, creating: bool) -> Data:
        """The sent values of the writable fields, checked. Unknown and read-only ones are ignored, as in PostHog.

        Raises:
            Invalid: a required field is missing (when `creating`), or a value isn't acceptable.
        """
        values: Data = {}
        for field in self.fields:
            if field.check is None:
                continue
            if field.name in data:
                values[field.name] = field.clean(data[field.name])
            elif creating and field.required:
                raise Required(field.name)
        return values

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        """The object of the project (or organisation) at hand.

        Raises:
            NotFound: there is none, or it is deleted and the kind hides deleted objects (unless `deleted`).
        """
        row = context.store.get(self.kind, identifier, self.parent_id(context))
        if row is None or (self.life is Life.SOFT_GONE and row.get("deleted") and not deleted):
            raise NotFound()
        return row

    def namesake(self, context: Context, value: str, before: Data | None) -> Data | None:
        """Another object than `before` that is looked up by the value."""
        found = context.store.find(self.kind, value, self.parent_id(context))
        return None if found is None or (before is not None and found["id"] == before["id"]) else found

    def parent_id(self, context: Context) -> str:
        """The id of the project or organisation at hand, whichever objects of the kind belong to."""
        return str((context.project if self.parent == "project" else context.organization)["id"])

    def authorize_write(self, context: Context) -> None:
        """Refuse who may not write this kind."""
        if self.admin_only and level(context) < ADMIN:
            raise Forbidden("Your organization access level is insufficient.")
