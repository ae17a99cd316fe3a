"""Change requests: a gated write of a flag waits for an approval (PostHog: products/approvals).

Switched on by the setting `approvals`. Enabling a flag, or changing who gets it, is then answered 409 with a
change request and isn't done; approving the request does it.
"""

import uuid
from typing import TYPE_CHECKING, Any

from sandbox.errors import Answer, Invalid
from sandbox.fields import CREATED_AT, CREATED_BY, ID, read_only
from sandbox.listing import Condition, equals
from sandbox.resource import Action, Life, Resource
from sandbox.store import Data
from sandbox.users import show_user
from sandbox.web import Context, timestamp

if TYPE_CHECKING:
    from sandbox.resources.flags import Flags

KIND = "change_request"
MESSAGE = "This change requires approval before it can be applied."


def gate(context: Context, values: Data, before: Data | None) -> None:
    """Turn a gated write of a flag into a change request. Raises `Answer` 409 with it."""
    if not context.settings.approvals or context.memo.get("approved"):
        return
    was_active = bool(before and before["active"])
    enables = values.get("active", True if before is None else was_active) and not was_active
    changes = before is not None and "filters" in values and values["filters"] != before["filters"]
    if not enables and not changes:
        return
    action = "feature_flag.enable" if enables else "feature_flag.update"
    request: Data = {
        "id": str(uuid.uuid4()),
        "action_key": action,
        "action_version": 1,
        "resource_type": "feature_flag",
        "resource_id": str(before["id"]) if before else None,
        "state": "pending",
        "created_at": timestamp(),
        "created_by": context.user["id"],
        "applied_at": None,
        "approvals": [],
        "intent": {
            "gated_changes": values,
            "current_state": {name: before[name] for name in values if name in before} if before else {},
        },
    }
    project = str(context.project["id"])
    shown = {**request, "created_by": show_user(context, request["created_by"])}
    body = {
        "code": "approval_required",
        "status": "approval_required",
        "detail": MESSAGE,
        "message": MESSAGE,
        "resource_type": "feature_flag",
        "resource_id": request["resource_id"],
        "change_request_id": request["id"],
        "change_request": shown,
        "required_approvers": {"users": [], "roles": []},
    }
    raise Answer(409, body, keep=lambda: context.store.put(KIND, project, request))


class ChangeRequests(Resource):
    """Made by gated writes only; approved, rejected or cancelled by calls."""

    kind, collection, scope = KIND, "change_requests", "approvals"
    life, identifier = Life.HARD, "uuid"
    operations = frozenset({"list", "retrieve"})
    search = ()
    order = "created_at DESC"
    fields = (
        ID,
        read_only("action_key"),
        read_only("action_version"),
        read_only("resource_type"),
        read_only("resource_id"),
        read_only("intent"),
        read_only("state"),
        CREATED_BY,
        CREATED_AT,
        read_only("applied_at"),
        read_only("approvals", []),
    )

    def __init__(self, flags: "Flags") -> None:
        super().__init__()
        self.flags = flags

    def actions(self) -> list[Action]:
        return [
            Action("approve", self._approve, ("POST",)),
            Action("reject", lambda context, row: self._end(context, row, "rejected"), ("POST",)),
            Action("cancel", lambda context, row: self._end(context, row, "canceled"), ("POST",)),
        ]

    def conditions(self, context: Context) -> list[Condition]:
        found: list[Condition] = [("listed = 1", [])]
        for name in ("state", "resource_id", "action_key"):
            if name in context.query:
                found.append(equals(name, context.query[name]))
        return found

    def _pending(self, row: Data) -> None:
        if row["state"] != "pending":
            raise Invalid(f"Change request is {row['state']}, not pending.")

    def _approve(self, context: Context, row: Data) -> Any:
        """Carry out what was asked for."""
        self._pending(row)
        context.memo["approved"] = True
        values = dict(row["intent"]["gated_changes"])
        if row["resource_id"] is None:
            self.flags.insert(context, values)
        else:
            self.flags.amend(context, self.flags.fetch(context, row["resource_id"]), values)
        row.update(
            state="applied",
            applied_at=timestamp(),
            approvals=[
                {
                    "created_by": show_user(context, context.user["id"]),
                    "decision": "approved",
                    "created_at": timestamp(),
                }
            ],
        )
        self.store(context, row)
        return {"status": "applied", "change_request": self.show(context, row)}

    def _end(self, context: Context, row: Data, state: str) -> Any:
        self._pending(row)
        row["state"] = state
        self.store(context, row)
        return {"status": state, "change_request": self.show(context, row)}
