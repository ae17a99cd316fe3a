"""Which changes of flags somebody has to approve in PostHog before it carries them out.

PostHog gates a write by what it does (products/approvals/backend/actions/feature_flags.py): switch a flag on, switch it
off, or change a rollout percentage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ai_admin.review.changes import Action, Change
from providers.posthog.advice import explained
from providers.posthog.errors import ApiError
from providers.posthog.kinds.base import Properties
from providers.posthog.session import Session

ENABLE, DISABLE, UPDATE = "feature_flag.enable", "feature_flag.disable", "feature_flag.update"

_WRITES = (Action.CREATE, Action.ADOPT, Action.UPDATE)


def approval(change: Change, session: Session) -> str:
    """Return in words which approval a change needs; empty if it needs none, or if this is :func:`unread`."""
    gated = _gated_by(change)
    try:
        policies = session.approvals.policies() if gated else {}
    except ApiError:
        return ""
    needed = [(action, policies[action]) for action in gated if action in policies]
    if not needed:
        return ""
    words = [_needs(action, policy) for action, policy in needed]
    return f"needs approval in PostHog: {', '.join(words)}"


def unread(changes: Iterable[Change], session: Session) -> str:
    """Return that it is not known which of these changes need an approval, and why; empty where it is known."""
    try:
        if any(map(_gated_by, changes)):
            session.approvals.policies()
    except ApiError as problem:
        return f"which of these changes of flags need an approval in PostHog is not known: {explained(problem)}"
    return ""


def _gated_by(change: Change) -> list[str]:
    """Return the actions of a change that PostHog may put under approval."""
    if change.ref.kind != "flag" or change.action not in _WRITES or change.refused:
        return []
    return [*_gated(change.live, change.wanted or {})]


def _needs(action: str, policy: Any) -> str:
    quorum = (policy.get("approver_config") or {}).get("quorum", 1)
    perhaps = ", if its conditions hold" if policy.get("conditions") else ""
    return f"{action} ({quorum} approval{'' if quorum == 1 else 's'}{perhaps})"


def _gated(live: Properties | None, wanted: Properties) -> Iterator[str]:
    was, is_ = bool((live or {"active": False}).get("active", True)), bool(wanted.get("active", True))
    if was != is_:
        yield ENABLE if is_ else DISABLE
    if _percentages(live or {}) != _percentages(wanted):
        yield UPDATE


def _percentages(flag: Properties) -> list[list[Any]]:
    return [
        [each.get("rollout_percentage") for each in flag.get(part) or ()] for part in ("release_conditions", "variants")
    ]
