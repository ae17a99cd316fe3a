"""What PostHog holds, read once per process: one paged list per kind, single objects only where a list lacks fields."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.errors import ApiError, LookupProblem
from providers.posthog.kinds.base import Field, Kind

Live = dict[str, Any]


class Inventory:
    """The live objects of a project, by kind and id; kept up to date by our own writes. Safe for several threads."""

    def __init__(self, client: Client, holders: dict[tuple[str, str], str] | None = None) -> None:
        """``holders`` are the Pulumi names of resources by the collections and ids of the objects that they have."""
        self.client = client
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._lists: dict[str, dict[str, Live]] = {}
        self._unread: dict[str, ApiError] = {}
        self._marks: dict[tuple[str, str], dict[str, str]] = {}
        self._details: dict[str, Live] = {}
        self._served: dict[str, set[str]] = {}
        self._user: list[Any] | None = None
        self._holders = {} if holders is None else holders

    def lock(self, name: str) -> threading.Lock:
        """Return the lock of this name: whoever reads, decides and writes holds it meanwhile."""
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def all(self, kind: Kind) -> dict[str, Live]:
        """Return all live objects of a kind by id; reads the kind's lists at the first call.

        A list that can't be read is asked for once: hundreds of objects would each wait for the same answer. Raises
        ``ApiError``.
        """
        with self.lock(f"list {kind.collection}"):
            if problem := self._unread.get(kind.collection):
                raise problem
            found = self._lists.get(kind.collection)
            if found is None:
                try:
                    found = self._read(kind)
                except ApiError as problem:
                    self._unread[kind.collection] = problem
                    raise
                # Only now: after an error in the middle, half a list would count as the whole.
                self._lists[kind.collection] = found
            return found

    def _read(self, kind: Kind) -> dict[str, Live]:
        found = {}
        for params in kind.lists:
            for item in self.client.pages(self.client.project_path(kind.collection), params):
                id_ = str(item[kind.id_name])
                self._marks[kind.collection, id_] = _mark(params)
                found[id_] = {**item, **_mark(params)}
        return found

    def read_so_far(self, kinds: Iterable[Kind]) -> Iterator[tuple[Kind, dict[str, Live]]]:
        """Yield those of these kinds whose lists were read, with what is in them."""
        for kind in kinds:
            if (found := self._lists.get(kind.collection)) is not None:
                yield kind, found

    def renew(self, kind: Kind) -> None:
        """Forget a kind's list, so that the next look reads it anew."""
        with self.lock(f"list {kind.collection}"):
            self._lists.pop(kind.collection, None)
            self._unread.pop(kind.collection, None)

    def get(self, kind: Kind, id_: str) -> Live | None:
        """Return a live object with all fields, or None if PostHog has no such object (any more)."""
        listed = self.all(kind).get(id_) if kind.listed else None
        if listed is not None and not self._is_light(kind, listed):
            return listed
        if listed is None and kind.unlisted_fails:
            return None
        with self.lock(f"detail {kind.collection} {id_}"):
            name = f"{kind.collection} {id_}"
            if name not in self._details:
                live = self.fetch(kind, id_)
                if live is None:
                    return None
                self._details[name] = live
            return self._details[name]

    def _is_light(self, kind: Kind, item: Live) -> bool:
        """Return whether an item of a list lacks a field that the object itself has.

        The fields of lists, and of objects, differ by PostHog's version: the first object that is read by itself shows
        which case it is.
        """
        return any(not field.served(item) and self.may_serve(kind, field) for field in kind.fields)

    def may_serve(self, kind: Kind, field: Field) -> bool:
        """Return whether whole objects have this field, or none was read by itself yet."""
        return field.name in self._served.get(kind.name, {field.name})

    def fetch(self, kind: Kind, id_: str) -> Live | None:
        """GET one object, past everything remembered. A flag, cohort or action that was deleted is still answered.

        Looks twice before it says that there is none: the first answer may be older than a creation.
        """
        path = self.client.project_path(f"{kind.collection}/{id_}")
        for settled in (False, True):
            try:
                live: Live = self.client.request("GET", path, repeatable=not kind.unlisted_fails or settled)
            except ApiError as error:
                if error.status == 404 or (kind.unlisted_fails and error.status == 500 and self._unlisted(kind, id_)):
                    if not settled:
                        self.client.settle()
                elif settled or not (kind.unlisted_fails and error.outcome_unknown):
                    raise
            else:
                self._served[kind.name] = {field.name for field in kind.fields if field.served(live)}
                mark = self._marks.get((kind.collection, id_), {})
                return None if live.get("deleted") else {**live, **mark}
        return None

    def _unlisted(self, kind: Kind, id_: str) -> bool:
        self.renew(kind)
        return id_ not in self.all(kind)

    def user_id(self) -> Any:
        """Return the id of the user whose key this is; None where PostHog does not say."""
        with self.lock("user"):
            if self._user is None:
                self._user = [self.client.get("/api/personal_api_keys/@current/").get("user_id")]
            return self._user[0]

    def claim(self, kind: Kind, id_: str, name: str = "") -> None:
        """Remember that a resource (Pulumi name, where it is known) has this object, so that no other adopts it."""
        with self._lock:
            self._holders.setdefault((kind.collection, id_), name)

    def holder(self, kind: Kind, id_: str) -> str | None:
        """Return the name of the resource that has this object; None where none has it."""
        return self._holders.get((kind.collection, id_))

    def wrote(self, kind: Kind, live: Live) -> None:
        """Take in an object as PostHog answered it after a write."""
        id_ = str(live[kind.id_name])
        with self.lock(f"list {kind.collection}"):
            if kind.collection in self._lists:
                self._lists[kind.collection][id_] = {**live, **self._marks.get((kind.collection, id_), {})}
        self.forget(kind, id_)
        self.claim(kind, id_)

    def forget(self, kind: Kind, id_: str) -> None:
        """Drop what is remembered of an object's details, since a write elsewhere may have changed them."""
        with self._lock:
            self._details.pop(f"{kind.collection} {id_}", None)


def _mark(params: Mapping[str, str]) -> dict[str, str]:
    # A list of property definitions holds one type, and its items do not say which.
    return {"type": params["type"]} if set(params) == {"type"} else {}


class PostHogDirectory:
    """Looks up members, integrations and secrets; each list is read once. See ``kinds.base.Directory``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._members: dict[str, int] | None = None
        self._integrations: list[Live] | None = None

    def user_id(self, email: str) -> int:
        """Return a member's user id; raises :class:`LookupProblem` with the members there are."""
        members = self._all_members()
        if email not in members:
            known = ", ".join(sorted(members)) or "none"
            raise LookupProblem(f"{email} is no member of the organisation, so it can't be notified; members: {known}")
        return members[email]

    def user_email(self, user_id: int) -> str:
        """Return a member's e-mail address, or ``user <id>`` when the organisation has no such member."""
        return next((email for email, id_ in self._all_members().items() if id_ == user_id), f"user {user_id}")

    def _all_members(self) -> dict[str, int]:
        with self._lock:
            if self._members is None:
                path = f"/api/organizations/{self._organization()}/members/"
                users = (member["user"] for member in self._client.pages(path))
                self._members = {user["email"].lower(): user["id"] for user in users}
            return self._members

    def _organization(self) -> str:
        known = self._client.connection.organization_id
        return known or str(self._client.project()["organization"])

    def integration_id(self, kind: str, name: str) -> int:
        """Return an integration's id; raises :class:`LookupProblem` with the ones there are."""
        found = [item for item in self._of(kind) if item.get("display_name") == name]
        if len(found) != 1:
            known = ", ".join(str(item.get("display_name")) for item in self._of(kind)) or "none"
            problem = "is not connected" if not found else "is the name of several integrations"
            raise LookupProblem(
                f"{kind} workspace {name!r} {problem}; connected: {known} (people connect one in PostHog's settings)"
            )
        return int(found[0]["id"])

    def integration_name(self, kind: str, integration_id: int) -> str:
        """Return an integration's display name, or ``#<id>`` when there is none with this id."""
        names = (str(item.get("display_name")) for item in self._of(kind) if item["id"] == integration_id)
        return next(names, f"#{integration_id}")

    def _of(self, kind: str) -> list[Live]:
        with self._lock:
            if self._integrations is None:
                self._integrations = list(self._client.pages(self._client.project_path("integrations")))
        return [item for item in self._integrations if item.get("kind") == kind]

    def flag_key(self, flag_id: int) -> str:
        """Return a flag's key; raises :class:`LookupProblem` when the project has no such flag."""
        flag = self._client.get(self._client.project_path(f"feature_flags/{flag_id}"))
        if flag.get("deleted"):
            raise LookupProblem(f"the flag {flag_id} was deleted in PostHog; run again")
        return str(flag["key"])

    def secret(self, variable: str) -> str:
        """Return the value of an environment variable; raises :class:`LookupProblem` when it is empty or not set."""
        value = os.environ.get(variable, "")
        if not value:
            raise LookupProblem(f"the environment variable {variable} is not set; it holds a secret that PostHog needs")
        return value
