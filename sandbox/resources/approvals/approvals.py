"""Change requests: a gated write of a flag waits for an approval (PostHog: products/approvals).

A paid feature, switched on by the setting `approvals`. A gated write is answered 409 with a change request and isn't
done; approving the request does it, in the requester's name.

Traps: a flag that has been changed meanwhile makes the approved change fail, though the approval itself answers 200; an
hourly worker marks such requests `stale` (their requester may then cancel them, approved or not) and lets those that
nobody decided expire.
"""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sandbox.auth.users import show_user
from sandbox.resources.approvals.approval_policies import may_approve
from sandbox.rest.fields import CREATED_AT, CREATED_BY, ID, UPDATED_AT, read_only
from sandbox.rest.listing import column, one_of, same
from sandbox.rest.registry import resource
from sandbox.rest.resource import Action, Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Identity, Services, timestamp
from sandbox.wire.errors import Answer, ApiError, Forbidden

KIND = "change_request"
FLAG = "feature_flag"  # looked up by name: flags ask for change requests, and so import this module
OPEN = ("pending", "approved")
STALE = {"staleness": "Resource has been modified since this change request was created"}
MISSING = (
    "This feature is part of the premium PostHog offering. "
    "To use it, subscribe to PostHog Cloud with a generous free tier."
)


def licensed(context: Context) -> None:
    """Refuse what the organisation's plan doesn't have.

    Raises:
        ApiError: 402.
    """
    if not context.settings.approvals:
        raise ApiError(402, "server_error", "payment_required", MISSING)


class ChangeRequests(Resource):
    """Made by gated writes only; approved, rejected or cancelled by calls."""

    kind, collection, scope = KIND, "change_requests", "approvals"
    life, identifier = Life.HARD, "uuid"
    operations = frozenset({"list", "retrieve"})
    look_every = 3600
    search = ()
    filters: ClassVar = {
        **{name: same(name) for name in ("action_key", "resource_type", "resource_id")},
        "requester": same("created_by"),
        "state": one_of("state"),
    }
    order = "created_at DESC, seq DESC"
    fields = (
        ID,
        read_only("action_key"),
        read_only("action_version"),
        read_only("resource_type"),
        read_only("resource_id"),
        read_only("intent"),
        read_only("intent_display"),
        read_only("policy_snapshot"),
        read_only("validation_status"),
        read_only("validation_errors"),
        read_only("validated_at"),
        read_only("state"),
        CREATED_BY,
        read_only("applied_by", render=show_user),
        CREATED_AT,
        UPDATED_AT,
        read_only("expires_at"),
        read_only("applied_at"),
        read_only("apply_error", ""),
        read_only("result_data"),
        read_only("approvals", []),
    )

    def show_to_anybody(self, context: Context, row: Data) -> Data:
        """A change request without what depends on who asks."""
        votes = [{**vote, "created_by": show_user(context, vote["created_by"])} for vote in row["approvals"]]
        return {**super().show(context, row), "approvals": votes}

    def show(self, context: Context, row: Data) -> Data:
        mine = row["created_by"] == context.user["id"]
        votes = {vote["created_by"]: vote["decision"] for vote in row["approvals"]}
        policy = row["policy_snapshot"]
        return {
            **self.show_to_anybody(context, row),
            "can_approve": (policy["allow_self_approve"] or not mine) and may_approve(context, policy, context.user),
            "can_cancel": self._can_cancel(context, row),
            "is_requester": mine,
            "user_decision": votes.get(context.user["id"]),
        }

    def actions(self) -> list[Action]:
        calls = {"approve": self._approve, "reject": self._reject, "cancel": self._cancel}
        return [Action(name, run, ("POST",)) for name, run in calls.items()]

    def natural(self, row: Data) -> str | None:
        return f"{row['action_key']}/{row['resource_id']}"

    def list(self, context: Context) -> Any:
        licensed(context)
        return super().list(context)

    def fetch(self, context: Context, identifier: str, deleted: bool = False) -> Data:
        licensed(context)
        return super().fetch(context, identifier, deleted)

    # The worker ---------------------------------------------------------------------------------------------

    def carry_out(self, services: Services, now: datetime) -> None:
        """Let open requests expire, and say of the others whether their flag is still as it was."""
        marks = ",".join("?" * len(OPEN))
        for row in services.store.select(KIND, None, f"{column('state')} IN ({marks})", OPEN):
            if datetime.fromisoformat(row["expires_at"]) <= now:
                row["state"] = "expired"
            else:
                self._validate(services, row, now)
            project = services.store.parent_of(KIND, row["id"])
            assert project is not None
            services.store.put(KIND, project, row, natural=self.natural(row))

    def _validate(self, services: Services, row: Data, now: datetime) -> None:
        flag = services.store.get(FLAG, row["resource_id"]) if row["resource_id"] else None
        stale = flag is not None and flag["version"] != row["intent"]["preconditions"]["version"]
        status = "stale" if stale else "valid"
        if status != row["validation_status"]:
            row.update(
                validation_status=status, validation_errors=STALE if stale else None, validated_at=timestamp(now)
            )

    # Voting -------------------------------------------------------------------------------------------------

    def _check_approver(self, context: Context, row: Data) -> None:
        """PostHog's permission CanApprove, for rejecting too."""
        policy = row["policy_snapshot"]
        if row["state"] != "pending":
            raise Forbidden("Only pending change requests can be approved")
        if row["created_by"] == context.user["id"] and not policy["allow_self_approve"]:
            raise Forbidden("You cannot approve your own change request")
        if not may_approve(context, policy, context.user):
            raise Forbidden("You are not in the approver set for this change request")

    def _vote(self, context: Context, row: Data, decision: str, reason: str) -> None:
        if context.user["id"] in {vote["created_by"] for vote in row["approvals"]}:
            raise Answer(400, {"error": "You have already voted on this change request."})
        row["approvals"] = [
            *row["approvals"],
            {
                "id": str(uuid.uuid4()),
                "created_by": context.user["id"],
                "decision": decision,
                "reason": reason,
                "created_at": timestamp(),
            },
        ]

    def _voted(self, context: Context, row: Data, status: str, text: str, **more: Any) -> Data:
        row["updated_at"] = timestamp()
        self.store(context, row)
        return {"status": status, "message": text, "change_request": self.show(context, row), **more}

    def _approve(self, context: Context, row: Data) -> Any:
        """`POST …/approve/ {reason?}`: the vote that makes the quorum carries the change out."""
        self._check_approver(context, row)
        self._vote(context, row, "approved", context.data.get("reason", ""))
        votes = sum(vote["decision"] == "approved" for vote in row["approvals"])
        quorum = row["policy_snapshot"]["quorum"]
        if votes < quorum:
            return self._voted(context, row, "approved", f"Approval recorded. {votes}/{quorum} approvals received.")
        row["state"] = "approved"
        failed = self._apply(context, row)
        if failed:
            return self._voted(context, row, "failed", f"Quorum reached but application failed: {failed}")
        text = "Quorum reached. Change applied successfully."
        return self._voted(context, row, "applied", text, result=row["result_data"])

    def _apply(self, context: Context, row: Data) -> str | None:
        """Carry an approved request out, and note in it how that went; what failed, if anything."""
        try:
            flag = self._carry_out(context, row)
        except ApiError as error:
            outdated = isinstance(error, _Outdated)
            row.update(state="failed", apply_error=("Precondition failed: " if outdated else "") + error.detail)
            return error.detail if outdated else f"Apply failed: {error.detail}"
        result = {"resource_id": flag["id"], "resource_version": flag["version"]}
        row.update(state="applied", applied_at=timestamp(), applied_by=row["created_by"], result_data=result)
        return None

    def _carry_out(self, context: Context, row: Data) -> Data:
        """Write the flag as the requester asked, in their name."""
        intent, approver = row["intent"], context.identity
        requester = context.store.get("user", row["created_by"])
        assert requester is not None
        context.memo["approved"], context.identity = True, Identity(requester, None)
        values = dict(intent["full_request_data"])
        try:
            if row["resource_id"] is None:
                same = context.store.find("feature_flag", values["key"], self.parent_id(context))
                return same if same and not same["deleted"] else resource(FLAG).insert(context, values)
            flag = resource(FLAG).fetch(context, row["resource_id"])
            expected = intent["preconditions"]["version"]
            if flag["version"] != expected:
                raise _Outdated(f"Flag version mismatch: expected {expected}, got {flag['version']}")
            return resource(FLAG).amend(context, flag, values)
        finally:
            context.identity = approver

    def _reject(self, context: Context, row: Data) -> Any:
        """`POST …/reject/ {reason}`."""
        self._check_approver(context, row)
        reason = context.data.get("reason", "")
        if not reason:
            raise Answer(400, {"error": "A reason is required for rejection."})
        self._vote(context, row, "rejected", reason)
        row["state"] = "rejected"
        return self._voted(context, row, "rejected", "Change request rejected.")

    def _can_cancel(self, context: Context, row: Data) -> bool:
        approved = any(vote["decision"] == "approved" for vote in row["approvals"])
        free = row["state"] == "pending" and not approved
        stale = row["state"] in OPEN and row["validation_status"] == "stale"
        return (free or stale) and row["created_by"] == context.user["id"]

    def _cancel(self, context: Context, row: Data) -> Any:
        """`POST …/cancel/ {reason?}`: for the requester, as long as nobody has approved."""
        if not self._can_cancel(context, row):
            raise Forbidden("You cannot cancel this change request")
        self._vote(context, row, "rejected", context.data.get("reason", "Canceled by requester"))
        row["state"] = "rejected"
        return self._voted(context, row, "canceled", "Change request canceled.")


CHANGE_REQUESTS = ChangeRequests()


class _Outdated(ApiError):
    """The flag was changed after the request had been made."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, "server_error", "conflict", detail)
