"""The gate before a flag's write: what an approval policy covers becomes a change request (PostHog:
products/approvals/backend/decorators.py and actions/feature_flags.py).

Traps: a change that needs approval under two policies is refused (400 `policy_conflict`); while a request is pending,
another one for the same action and flag is refused with it (`change_request_pending`), and as flags that don't exist
yet have no id, one pending creation blocks every other.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sandbox.resources.approvals import approval_policies
from sandbox.resources.approvals.approval_policies import DISABLE, ENABLE, UPDATE
from sandbox.resources.approvals.approvals import CHANGE_REQUESTS, KIND, OPEN
from sandbox.storage.store import Data
from sandbox.wire.context import Context, timestamp
from sandbox.wire.errors import Answer

EXPIRY = timedelta(days=14)
PENDING = "A pending approval request already exists for this action"
DESCRIPTIONS = {ENABLE: "Enable feature flag '{}'", DISABLE: "Disable feature flag '{}'"}


class Needed(NamedTuple):
    """What a write has to wait for: a change request, made for it or waiting already."""

    policy: Data
    request: Data
    is_new: bool


def gate(context: Context, values: Data, before: Data | None) -> None:
    """Turn a gated write of a flag into a change request.

    Raises:
        Answer: 409 with the request; 400 when several policies ask for an approval.
    """
    if context.memo.get("approved"):
        return
    found = _needed(context, values, before)
    if found is None:
        return
    if not found.is_new:
        raise Answer(409, _body(context, found.request, "change_request_pending", PENDING, {}))
    text = approval_policies.message(context, found.policy)
    body = _body(context, found.request, "approval_required", text, found.policy["approver_config"])
    raise Answer(409, body, keep=lambda: _keep(context, found.request))


def covers(context: Context, values: Data, before: Data) -> bool:
    """Whether a write of a flag needs an approval."""
    return _needed(context, values, before) is not None


def _needed(context: Context, values: Data, before: Data | None) -> Needed | None:
    """What a write has to wait for, if anything."""
    if not context.settings.approvals or context.identity is None:
        return None
    detected = [(action, approval_policies.policy(context, action)) for action in _actions(values, before)]
    gated = [(action, policy) for action, policy in detected if policy is not None]
    if len(gated) > 1:
        raise Answer(400, _conflict(context, gated))
    for action, policy in gated:
        intent = _intent(context, action, values, before)
        if approval_policies.holds(context, policy, intent):
            resource = str(before["id"]) if before else None
            rows = context.store.select(KIND, str(context.project["id"]), "natural = ?", [f"{action}/{resource}"])
            waiting = next((row for row in rows if row["state"] in OPEN), None)
            return Needed(policy, waiting or _request(context, action, policy, intent, resource), waiting is None)
    return None


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


def _request(context: Context, action: str, policy: Data, intent: Data, resource: str | None) -> Data:
    now = timestamp()
    return {
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
        "expires_at": timestamp(datetime.now(UTC) + EXPIRY),
        "approvals": [],
    }


def _keep(context: Context, request: Data) -> None:
    natural = f"{request['action_key']}/{request['resource_id']}"
    context.store.put(KIND, str(context.project["id"]), request, natural=natural)


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
        "change_request": {**CHANGE_REQUESTS.show_to_anybody(context, request), **nobody},
        "required_approvers": approvers,
    }
