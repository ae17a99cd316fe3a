"""Change requests: changes for which PostHog requires an approval.

PostHog answers such a write with 409 and a change request, and does not carry it out. When somebody approves the
request in PostHog, PostHog makes the change. The request contains the requested change, so every run can tell whether
it was requested already. (PostHog: products/approvals; an enterprise feature.)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.inputs import WAITING
from providers.posthog.kinds.base import Kind

OPEN = ("pending", "approved")
REFUSED = "rejected"
TAKEN_BACK = "Taken back: the definition says otherwise by now."
"""The reason of a request that a run cancelled."""

NO_APPROVALS = (402, 404)
"""Statuses of a project without approvals."""
FORBIDDEN = 403
NOT_AVAILABLE = (FORBIDDEN, *NO_APPROVALS)
"""Statuses of a project without approvals, or a key without ``approvals:read``."""


POLICY_CONFLICT = "policy_conflict"
"""The code of PostHog's answer to a write that two policies gate; it wants each part sent by itself."""

APART = "active"
"""The field that has policies of its own: switching a flag on, and off."""

ENABLE, DISABLE = "feature_flag.enable", "feature_flag.disable"
"""PostHog's names of what the policies for switching a flag on, and off, gate."""


@dataclass(frozen=True)
class Request:
    """A change request."""

    id: str
    state: str
    """PostHog's name of its state: ``pending``, ``approved``, ``rejected``."""
    object: str | None
    """The object's id; None for a creation."""
    data: Mapping[str, Any]
    """The body that was sent."""
    since: str
    """The time at which it was made, in words."""
    action: str
    """PostHog's name of what a policy gates: ``feature_flag.disable``."""
    version: int | None
    """The object's version that was to be changed; None where PostHog does not say."""
    link: str
    """The address of its page."""
    decision: str
    """Who rejected it and why; empty where nobody did."""
    by: str = ""
    """Who made it; empty where PostHog does not say."""

    def __str__(self) -> str:
        """What became of the request so far, and what to do."""
        if self.state == REFUSED:
            return (
                f"the change was rejected {self.decision}: {self.link}; change the definition, or ask once more: "
                f"pulumi config set ai-admin:ask_again {self.id}"
            )
        return f"waits for approval since {self.since}: {self.link}"

    @property
    def target(self) -> str:
        """The id of the object; a provisional one where it is yet to be made."""
        return self.object or WAITING + self.id

    @property
    def switches_on(self) -> bool:
        """Whether the flag is on after the change; a new flag is on unless the request says otherwise."""
        return self.action == ENABLE or bool(self.data.get(APART, self.object is None))

    def applied_to(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a live object would be after the change; PostHog merges the first level of ``filters``."""
        merged = {
            name: {**live[name], **value} if isinstance(value, dict) and isinstance(live.get(name), dict) else value
            for name, value in self.data.items()
        }
        return {**live, **merged}


class Approvals:
    """The change requests of a project, read once. Safe for several threads."""

    def __init__(self, client: Client, ask_again: Iterable[str] = ()) -> None:
        """``ask_again`` are the ids of rejected requests that may be made once more."""
        self._client = client
        self._again = frozenset(ask_again)
        self._lock = threading.Lock()
        self._requests: dict[str, list[Request] | ApiError] = {}
        self._policies: dict[str, Mapping[str, Any]] | ApiError | None = None

    def requests(self, kind: Kind, id_: str | None) -> list[Request]:
        """Return the relevant requests for one object (None: for objects that do not exist yet), newest first.

        These are the open and the rejected ones, without rejected ones that may be made again. An error is remembered.
        Raises ``ApiError``.
        """
        found = self._listed(kind.scope)
        if isinstance(found, ApiError) and found.status == FORBIDDEN:
            return []
        there = [each for each in _or_raise(found) if each.object == id_]
        return [each for each in there if each.state in OPEN or (each.state == REFUSED and each.id not in self._again)]

    def switching_on(self, kind: Kind, id_: str) -> list[Request]:
        """Return the open requests by which a flag would come on; none where PostHog's can't be read.

        The id is provisional where it is the flag's creation that waits; where it is empty, any flag is meant.
        """
        try:
            return [each for each in self.open(kind) if id_ in ("", each.target) and each.switches_on]
        except ApiError:  # what can't be read is not in the way
            return []

    def open(self, kind: Kind) -> list[Request]:
        """Return the requests for objects of a kind that nobody decided yet, newest first.

        Raises ``ApiError`` where they can't be read, as without the scope ``approvals:read``: that does not say that
        there are none.
        """
        return [each for each in _or_raise(self._listed(kind.scope)) if each.state in OPEN]

    def _listed(self, scope: str) -> list[Request] | ApiError:
        with self._lock:
            if scope not in self._requests:
                try:
                    self._requests[scope] = self._read(scope)
                except ApiError as error:
                    self._requests[scope] = [] if error.status in NO_APPROVALS else error
            return self._requests[scope]

    def _read(self, scope: str) -> list[Request]:
        path = self._client.project_path("change_requests")
        rows = self._client.pages(path, {"resource_type": scope, "state": ",".join((*OPEN, REFUSED))})
        return [self._request(row) for row in rows if not _is_taken_back(row)]

    def policies(self) -> dict[str, Mapping[str, Any]]:
        """Return the policies that are on, by the action that they gate (``feature_flag.enable``).

        Empty where the project has no approvals. Raises ``ApiError`` where they can't be read, as without the scope
        ``approvals:read``: that does not say that there are none.
        """
        with self._lock:
            if self._policies is None:
                self._policies = self._listed_policies()
            if isinstance(self._policies, ApiError):
                raise self._policies
            return self._policies

    def _listed_policies(self) -> dict[str, Mapping[str, Any]] | ApiError:
        try:
            rows = list(self._client.pages(self._client.project_path("approval_policies")))
        except ApiError as error:
            return {} if error.status in NO_APPROVALS else error
        return {str(row["action_key"]): row for row in rows if row.get("enabled")}

    def made_by(self, error: ApiError) -> Request | None:
        """Return the change request that a refused write was turned into, or that blocks it; else None."""
        row = error.answer.get("change_request") or error.answer.get("existing_change_request")
        return self._request(row) if error.status == 409 and isinstance(row, dict) else None

    def _request(self, row: Mapping[str, Any]) -> Request:
        object_id, since = row.get("resource_id"), str(row.get("created_at") or "")
        return Request(
            id=str(row["id"]),
            state=str(row.get("state")),
            object=None if object_id is None else str(object_id),
            data=(row.get("intent") or {}).get("full_request_data") or {},
            since=f"{since[:10]} {since[11:16]} UTC",
            action=str(row.get("action_key")),
            version=((row.get("intent") or {}).get("preconditions") or {}).get("version"),
            link=self.link(str(row["id"])),
            decision=_decision(row),
            by=str((row.get("created_by") or {}).get("email") or ""),
        )

    def link(self, request_id: str) -> str:
        """Return the address of a request's page."""
        connection = self._client.connection
        return f"{connection.host}/project/{connection.project_id}/approvals/{request_id}"

    def cancel(self, request_id: str) -> None:
        """Cancel a request; raises ``ApiError`` if somebody else made it, or it is too late.

        PostHog then calls it rejected; its reason distinguishes it from one that somebody rejected.
        """
        path = self._client.project_path(f"change_requests/{request_id}/cancel")
        self._client.request("POST", path, {"reason": TAKEN_BACK})


def _rejections(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [vote for vote in row.get("approvals") or () if vote.get("decision") == REFUSED]


def _is_taken_back(row: Mapping[str, Any]) -> bool:
    return any(vote.get("reason") == TAKEN_BACK for vote in _rejections(row))


def _or_raise(found: list[Request] | ApiError) -> list[Request]:
    if isinstance(found, ApiError):
        raise found
    return found


def _decision(row: Mapping[str, Any]) -> str:
    """Return who rejected a request and why, as far as PostHog tells."""
    votes = _rejections(row)
    if not votes:
        return ""
    author = (votes[-1].get("created_by") or {}).get("email", "somebody")
    reason = votes[-1].get("reason")
    return f'by {author} ("{reason}")' if reason else f"by {author}"
