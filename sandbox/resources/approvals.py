"""Change requests: a gated write of a flag waits for an approval (PostHog: products/approvals).

A paid feature, switched on by the setting `approvals`. A gated write is answered 409 with a change request and isn't
done; approving the request does it, in the requester's name.

Traps: a change that needs approval under two policies is refused (400 `policy_conflict`); while a request is pending,
another one for the same action and flag is refused with it (`change_request_pending`), and as flags that don't exist
yet have no id, one pending creation blocks every other; a flag that has been changed meanwhile makes the approved
change fail, though the approval itself answers 200.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.errors import Answer, ApiError, Forbidden
from sandbox.fields import CREATED_AT, CREATED_BY, ID, UPDATED_AT, read_only
from sandbox.listing import Condition, equals
from sandbox.resource import Action, Life, Resource
from sandbox.resources import approval_policies
from sandbox.resources.approval_policies import DISABLE, ENABLE, UPDATE, may_approve
from sandbox.store import Data
from sandbox.users import show_user
from sandbox.web import Context, Identity, timestamp

if TYPE_CHECKING:
    from sandbox.resources.flags import Flags

KIND = "change_request"
OPEN = ("pending", "approved")
MESSAGE = "This change requires approval before it can be applied."  # why a scheduled change wasn't made
EXPIRY = timedelta(days=14)
MISSING = (
    "This feature is part of the premium PostHog offering. "
    "To use it, subscribe to PostHog Cloud with a generous free tier."
)
DESCRIPTIONS = {ENABLE: "Enable feature flag '{}'", DISABLE: "Disable feature flag '{}'"}


def gate(context: Context, values: Data, before: Data | None) -> None:
    """Turn a gated write of a flag into a change request.

    Raises:
        Answer: 409 with the request; 400 when several policies ask for an approval.
    """
    if not context.settings.approvals or context.memo.get("approved") or context.identity is None:
        return
    detected = [(action, approval_policies.policy(context, action)) for action in _actions(values, before)]
    gated = [(action, policy) for action, policy in detected if policy is not None]
    if len(gated) > 1:
        raise Answer(400, _conflict(context, gated))
    for action, policy in gated:
        intent = _intent(context, action, values, before)
        if approval_policies.holds(context, policy, intent):
            raise _required(context, action, policy, intent, before)


def _actions(values: Data, before: Data | None) -> list[str]:
    """What a write does that a policy may gate. A new flag counts as switched off before, without any rollout."""
    was, found = bool(before and before["active"]), []
    now = values.get("active", True if before is None else was)
    if now != was:
        found.append(ENABLE if now else DISABLE)
    if "filters" in values and _rollouts(values["filters"]) != _rollouts(before["filters"] if before else {}):
        found.append(UPDATE)
    return found


def _rollouts(filters: Data) -> list[Data]:
    """Every rollout percentage in a flag's filters, with its path."""
    multivariate = filters.get("multivariate")
    variants = multivariate.get("variants") if isinstance(multivariate, dict) else None
    found = [
        {"path": f"{path}[{index}].rollout_percentage", "value": each["rollout_percentage"]}
        for path, items in (("groups", filters.get("groups")), ("multivariate.variants", variants))
        for index, each in enumerate(items if isinstance(items, list) else [])
        if isinstance(each, dict) and "rollout_percentage" in each
    ]
    holdout = filters.get("holdout")
    if isinstance(holdout, dict) and "exclusion_percentage" in holdout:
        found.append({"path": "holdout.exclusion_percentage", "value": holdout["exclusion_percentage"]})
    return found


def _conflict(context: Context, gated: list[tuple[str, Data]]) -> Data:
    project = context.project["id"]
    return {
        "code": "policy_conflict",
        "error": "This change requires approval under multiple policies",
        "conflicting_policies": [
            {"id": policy["id"], "name": f"ApprovalPolicy({action}, Team {project})", "action_key": action}
            for action, policy in gated
        ],
        "guidance": "Split your changes into separate API calls to address each policy independently",
    }


def _intent(context: Context, action: str, values: Data, before: Data | None) -> Data:
    """What was asked for, as the request keeps it."""
    rollout = action == UPDATE
    old = _rollouts(before["filters"] if before else {})
    new = _rollouts(values.get("filters") or {})
    changed = sorted({each["path"] for each in [*old, *new] if not (each in old and each in new)})
    return {
        "flag_id": before["id"] if before else None,
        "flag_key": before["key"] if before else values.get("key"),
        "current_state": {"rollout_percentage": old} if rollout else {"active": bool(before and before["active"])},
        "gated_changes": {"rollout_percentage": new} if rollout else {k: values[k] for k in ("active",) if k in values},
        **({"triggered_paths": changed} if rollout else {}),
        "full_request_data": dict(values),
        "preconditions": {name: before[name] if before else None for name in ("version", "updated_at")},
        "http_method": context.method,
    }


def _display(action: str, intent: Data) -> Data:
    """What an approver reads."""
    if action != UPDATE:
        after = intent["full_request_data"] or intent["gated_changes"]
        description = DESCRIPTIONS[action].format(intent["flag_key"])
        return {"description": description, "before": intent["current_state"], "after": after}
    old = {each["path"]: each["value"] for each in intent["current_state"]["rollout_percentage"]}
    new = {each["path"]: each["value"] for each in intent["gated_changes"]["rollout_percentage"]}
    changes = "; ".join(
        f"rollout percentage at {path}: {old.get(path, 'N/A')}% -> {new.get(path, 'N/A')}%"
        for path in intent["triggered_paths"]
    )
    return {
        "description": f"Update rollout percentage for feature flag '{intent['flag_key']}': {changes}",
        "before": intent["current_state"],
        "after": intent["gated_changes"],
        "triggered_paths": intent["triggered_paths"],
    }


def _required(context: Context, action: str, policy: Data, intent: Data, before: Data | None) -> Answer:
    """The 409, with the request that waits already or a new one, which is kept though the write isn't."""
    project, resource = str(context.project["id"]), str(before["id"]) if before else None
    waiting = context.store.select(KIND, project, "natural = ?", [f"{action}/{resource}"])
    existing = next((row for row in waiting if row["state"] in OPEN), None)
    if existing is not None:
        text = "A pending approval request already exists for this action"
        return Answer(409, _body(context, existing, "change_request_pending", text, {}))
    now = timestamp()
    request: Data = {
        "id": str(uuid.uuid4()),
        "action_key": action,
        "action_version": 1,
        "resource_type": "feature_flag",
        "resource_id": resource,
        "intent": intent,
        "intent_display": _display(action, intent),
        "policy_snapshot": approval_policies.snapshot(policy),
        "validation_status": "valid",
        "state": "pending",
        "created_by": context.user["id"],
        "created_at": now,
        "updated_at": now,
        "expires_at": (datetime.now(UTC) + EXPIRY).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "approvals": [],
    }
    body = _body(
        context,
        request,
        "approval_required",
        approval_policies.message(context, policy),
        policy["approver_config"],
    )

    def keep() -> None:
        context.store.put(KIND, project, request, natural=f"{action}/{resource}")

    return Answer(409, body, keep=keep)


def _body(context: Context, request: Data, code: str, text: str, approvers: Data) -> Data:
    nobody = {"can_approve": False, "can_cancel": False, "is_requester": False, "user_decision": None}
    return {
        "code": code,
        "status": "approval_required",
        "detail": text,
        "message": text,
        "resource_type": request["resource_type"],
        "resource_id": request["resource_id"],
        "change_request_id": request["id"],
        # PostHog renders it without saying who asks, so what depends on that is denied.
        "change_request": {**_rendered(context, request), **nobody},
        "required_approvers": approvers,
    }


def _rendered(context: Context, row: Data) -> Data:
    shown = {
        field.name: field.render(context, row.get(field.name)) if field.render else row.get(field.name, field.default)
        for field in ChangeRequests.fields
    }
    votes = [{**vote, "created_by": show_user(context, vote["created_by"])} for vote in row["approvals"]]
    return {**shown, "approvals": votes}


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
    search = ()
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

    def __init__(self, flags: "Flags") -> None:
        super().__init__()
        self.flags = flags

    def show(self, context: Context, row: Data) -> Data:
        mine = row["created_by"] == context.user["id"]
        votes = {vote["created_by"]: vote["decision"] for vote in row["approvals"]}
        policy = row["policy_snapshot"]
        return {
            **_rendered(context, row),
            "can_approve": (policy["allow_self_approve"] or not mine) and may_approve(context, policy, context.user),
            "can_cancel": self._can_cancel(context, row),
            "is_requester": mine,
            "user_decision": votes.get(context.user["id"]),
        }

    def conditions(self, context: Context) -> list[Condition]:
        query = context.query
        found: list[Condition] = [("listed = 1", [])]
        found += [equals(name, query[name]) for name in ("action_key", "resource_type", "resource_id") if name in query]
        if "requester" in query:
            found.append(equals("created_by", query["requester"]))
        if query.get("state"):
            states = query["state"].split(",")
            found.append((f"json_extract(data, '$.state') IN ({','.join('?' * len(states))})", [*states]))
        return found

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
        try:
            flag = self._carry_out(context, row)
        except ApiError as error:
            failed = error.detail if isinstance(error, _Outdated) else f"Apply failed: {error.detail}"
            prefix = "Precondition failed: " if isinstance(error, _Outdated) else ""
            row.update(state="failed", apply_error=prefix + error.detail)
            return self._voted(context, row, "failed", f"Quorum reached but application failed: {failed}")
        result = {"resource_id": flag["id"], "resource_version": flag["version"]}
        row.update(state="applied", applied_at=timestamp(), applied_by=row["created_by"], result_data=result)
        text = "Quorum reached. Change applied successfully."
        return self._voted(context, row, "applied", text, result=result)

    def _carry_out(self, context: Context, row: Data) -> Data:
        """Write the flag as the requester asked, in their name."""
        intent, approver = row["intent"], context.identity
        requester = context.store.get("user", row["created_by"])
        assert requester is not None
        context.memo["approved"] = True
        context.identity = Identity(requester, None)
        values = dict(intent["full_request_data"])
        try:
            if row["resource_id"] is None:
                same = context.store.find("feature_flag", values["key"], self.parent_id(context))
                return same if same and not same["deleted"] else self.flags.insert(context, values)
            flag = self.flags.fetch(context, row["resource_id"])
            expected = intent["preconditions"]["version"]
            if flag["version"] != expected:
                raise _Outdated(f"Flag version mismatch: expected {expected}, got {flag['version']}")
            return self.flags.amend(context, flag, values)
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
        return row["state"] == "pending" and row["created_by"] == context.user["id"] and not approved

    def _cancel(self, context: Context, row: Data) -> Any:
        """`POST …/cancel/ {reason?}`: for the requester, as long as nobody has approved."""
        if not self._can_cancel(context, row):
            raise Forbidden("You cannot cancel this change request")
        self._vote(context, row, "rejected", context.data.get("reason", "Canceled by requester"))
        row["state"] = "rejected"
        return self._voted(context, row, "canceled", "Change request canceled.")


class _Outdated(ApiError):
    """The flag was changed after the request had been made."""

    def __init__(self, detail: str) -> None:
        super().__init__(409, "server_error", "conflict", detail)
