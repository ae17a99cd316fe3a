"""The gate before a flag's write: what an approval policy covers becomes a change request (PostHog:
products/approvals/backend/decorators.py and actions/feature_flags.py).

Traps: a change that needs approval under two policies is refused (400 `policy_conflict`); while a request is pending,
another one for the same action and flag is refused with it (`change_request_pending`), and as flags that don't exist
yet have no id, one pending creation blocks every other.
"""

import uuid
from datetime import UTC, datetime, timedelta

from sandbox.errors import Answer
from sandbox.resources import approval_policies
from sandbox.resources.approval_policies import DISABLE, ENABLE, UPDATE
from sandbox.resources.approvals import KIND, OPEN, rendered
from sandbox.store import Data
from sandbox.web import Context, timestamp

EXPIRY = timedelta(days=14)
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
        "expires_at": timestamp(datetime.now(UTC) + EXPIRY),
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
        "change_request": {**rendered(context, request), **nobody},
        "required_approvers": approvers,
    }
