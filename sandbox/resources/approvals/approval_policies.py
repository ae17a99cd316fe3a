"""Which changes need an approval, and whose (PostHog: products/approvals/backend/policies.py and models.py).

A project without policies of its own has the sandbox's: enabling a flag and changing its rollout need one approval,
from any member of the organisation, the requester included.
"""

import operator
import uuid
from typing import Any, ClassVar

from sandbox.auth.access import roles_of
from sandbox.auth.identity import membership
from sandbox.rest.fields import (
    CREATED_AT,
    CREATED_BY,
    ID,
    UPDATED_AT,
    Field,
    boolean,
    choice,
    integer,
    items,
    mapping,
    text,
)
from sandbox.rest.fields import uuid as uuid_text
from sandbox.rest.listing import same
from sandbox.rest.resource import Life, Resource
from sandbox.storage.store import Data
from sandbox.wire.context import Context
from sandbox.wire.errors import Invalid

KIND = "approval_policy"
ENABLE, DISABLE, UPDATE = "feature_flag.enable", "feature_flag.disable", "feature_flag.update"
ALONE = "A change request has been created and is pending approval."
BY_OTHERS = "A change request has been created and is pending approval from others."
OPERATORS = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class ApprovalPolicies(Resource):
    """Policies of a project. Writing needs an organisation admin; one policy per action."""

    kind, collection, scope = KIND, "approval_policies", "approvals"
    life, identifier, admin_only = Life.HARD, "uuid", True
    search, key, order = (), "action_key", "created_at DESC, seq DESC"
    filters: ClassVar = {"action_key": same("action_key")}
    fields = (
        ID,
        Field("action_key", text(128, blank=False), required=True),
        Field("conditions", mapping, default={}),
        Field("approver_config", mapping, required=True),
        Field("allow_self_approve", boolean, default=False),
        Field("bypass_org_membership_levels", items(integer()), default=[]),
        Field("bypass_roles", items(uuid_text), default=[]),
        Field("expires_after", choice("14 00:00:00"), default="14 00:00:00"),
        Field("enabled", boolean, default=True),
        CREATED_BY,
        CREATED_AT,
        UPDATED_AT,
    )

    def prepare(self, context: Context, values: Data, before: Data | None) -> Data:
        after = super().prepare(context, values, before)
        quorum = after["approver_config"].get("quorum", 0)
        if not isinstance(quorum, int) or quorum < 1:
            raise Invalid("Quorum must be at least 1", "approver_config")
        same = context.store.find(KIND, after["action_key"], self.parent_id(context))
        if before is None and same is not None:
            raise Invalid("A policy for this action already exists. You can edit the existing policy instead.")
        return after


APPROVAL_POLICIES = ApprovalPolicies()


def policy(context: Context, action: str) -> Data | None:
    """The enabled policy for an action in the project at hand."""
    project = str(context.project["id"])
    if context.store.count(KIND, project) == 0:
        return _usual(context, project, action) if action in (ENABLE, UPDATE) else None
    found = context.store.find(KIND, action, project)
    return found if found and found["enabled"] else None


def _usual(context: Context, project: str, action: str) -> Data:
    members = context.store.select("membership", context.organization["id"])
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{project}/{action}")),
        "action_key": action,
        "conditions": {},
        "approver_config": {"quorum": 1, "users": [member["user_id"] for member in members]},
        "allow_self_approve": True,
        "bypass_org_membership_levels": [],
        "bypass_roles": [],
    }


def holds(context: Context, policy: Data, intent: Data) -> bool:
    """Whether the change needs an approval: the asking user can't bypass it, and its conditions match."""
    member = membership(context.store, context.organization, context.user)
    if member and member["level"] in policy["bypass_org_membership_levels"]:
        return False
    if roles_of(context, context.user) & set(policy["bypass_roles"]):
        return False
    return _matches(policy["conditions"], intent)


def may_approve(context: Context, snapshot: Data, user: Data) -> bool:
    """Whether a user is among a policy's approvers."""
    return user["id"] in snapshot["users"] or bool(roles_of(context, user) & set(snapshot["roles"]))


def snapshot(policy: Data) -> Data:
    """What a change request keeps of its policy."""
    approvers = policy["approver_config"]
    return {
        "quorum": approvers["quorum"],
        "users": approvers.get("users", []),
        "roles": approvers.get("roles", []),
        "allow_self_approve": policy["allow_self_approve"],
        "conditions": policy["conditions"],
        "bypass_org_membership_levels": policy["bypass_org_membership_levels"],
        "bypass_roles": policy["bypass_roles"],
    }


def message(context: Context, policy: Data) -> str:
    """The message to the requester."""
    approver = may_approve(context, snapshot(policy), context.user)
    return BY_OTHERS if approver and not policy["allow_self_approve"] else ALONE


def _matches(conditions: Data, intent: Data) -> bool:
    """Whether the values before and after fulfil a policy's conditions; none, or incomplete ones, always hold."""
    field, compare = conditions.get("field"), OPERATORS.get(str(conditions.get("operator")))
    before, after = _values(intent["current_state"], field), _values(intent["gated_changes"], field)
    if conditions.get("type") == "any_change":
        return field is None or before != after
    bound = conditions.get("value")
    if conditions.get("type") not in ("before_after", "change_amount") or field is None or not compare or bound is None:
        return True
    if conditions["type"] == "before_after":
        return any(compare(value, bound) for value in after.values() if value is not None)
    both = [(before[path], after[path]) for path in before.keys() & after.keys()]
    return any(compare(new - old, bound) for old, new in both if old is not None and new is not None)


def _values(state: Data, field: Any) -> dict[str, Any]:
    found = state.get(field)
    return {each["path"]: each["value"] for each in found} if isinstance(found, list) else {}
