"""How far a feature flag is rolled out, and its status (PostHog's FeatureFlagStatusChecker)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.resources.flags.flag_rules import variant_list
from sandbox.storage.store import Data

STALE_AFTER = timedelta(days=30)


def status(row: Data) -> tuple[str, str, bool]:
    """A flag's status, why, and whether the reason speaks of the rollout."""
    if row["deleted"]:
        return "deleted", "Flag has been deleted", False
    if row["archived"]:
        return "archived", "Flag has been archived", False
    if not row["active"]:
        return "active", "Flag is disabled (not evaluated for staleness)", False
    now = datetime.now(UTC)
    if row["last_called_at"] is not None:
        days = (now - datetime.fromisoformat(row["last_called_at"])).days
        if days >= STALE_AFTER.days:
            return "stale", f"Flag has not been called in {days} days", False
        if days == 0:
            return "active", "Flag was called today", False
        return "active", f"Flag was last called {days} day{'s' if days != 1 else ''} ago", False
    if now - datetime.fromisoformat(row["created_at"]) > STALE_AFTER and rollout(row)["effectively_full_rollout"]:
        return "stale", "This flag is fully rolled out and has no usage data", True
    return "active", "Flag is not fully rolled out and may still be active", False


def _whole(row: Data) -> list[Any]:
    """The conditions that are rolled out to everybody; a missing percentage doesn't count, it must say 100."""
    groups = row["filters"].get("groups") or []
    return [each for each in groups if each.get("rollout_percentage") == 100 and not each.get("properties")]


def active_variant(row: Data) -> str | None:
    """The variant that everybody gets, if there is one."""
    variants, whole = variant_list(row["filters"]), _whole(row)
    overrides = [each["variant"] for each in whole if each.get("variant")]
    full = [each["key"] for each in variants if each.get("rollout_percentage") == 100]
    found: list[str] = [*overrides, *full]
    return found[0] if variants and whole and found else None


def rollout(row: Data) -> Data:
    """How far a flag is rolled out, as its status reports it."""
    groups = row["filters"].get("groups") or []
    variants = variant_list(row["filters"])
    percentages = [100 if group.get("rollout_percentage") is None else group["rollout_percentage"] for group in groups]
    return {
        "effectively_full_rollout": active_variant(row) is not None if variants else not groups or bool(_whole(row)),
        "has_targeting_conditions": any(group.get("properties") for group in groups),
        "max_rollout_percentage": max(percentages) if percentages else None,
        "is_multivariate": bool(variants),
    }
