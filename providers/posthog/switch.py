"""Switching a flag by itself: one write, without the engine, its lock and its state. For on-call, and for every `up`.

This module only sends requests; the caller decides what may be switched on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers.posthog.advice import explained
from providers.posthog.approvals import APART, NOT_AVAILABLE, Approvals
from providers.posthog.client import Client
from providers.posthog.errors import ApiError, NotSwitched
from providers.posthog.history import History
from providers.posthog.kinds.early_access_feature import choice
from providers.posthog.kinds.flag import FLAG

Live = dict[str, Any]

SEARCHED = 200
"""The longest text that PostHog searches for, in characters."""


@dataclass(frozen=True)
class Audience:
    """Whom a release condition serves."""

    title: str
    """The condition's description, or its number; ``who opted in`` for those."""
    share: float
    """The percentage of those who match."""
    matching: int | None = None
    """How many match; None where PostHog does not say."""
    total: int | None = None
    """How many there are in all; None where PostHog does not say."""


def find(client: Client, key: str) -> Live | None:
    """Return the flag with a key, as PostHog holds it; None where it has none. Raises ``ApiError``.

    The list has a filter by key, which ignores case. An older server ignores the filter; the search, which finds
    similar keys, then keeps the list short.
    """
    search = {"search": key} if len(key) <= SEARCHED else {}
    rows = client.pages(client.project_path(FLAG.collection), {"key": key, **search})
    return next((row for row in rows if row["key"] == key and not row.get("deleted")), None)


def every(client: Client) -> dict[str, Live]:
    """Return all flags by their keys. Raises ``ApiError``."""
    return {row["key"]: row for row in client.pages(client.project_path(FLAG.collection)) if not row.get("deleted")}


def turn(client: Client, live: Mapping[str, Any], active: bool) -> Live:
    """Switch a flag on or off, and return it as PostHog answers. Raises :class:`NotSwitched`.

    Only the id of ``live`` is used: nothing else about the flag can prevent the switch.
    """
    try:
        answer: Live = client.request("PATCH", _path(client, live), {APART: active})
    except ApiError as error:
        answer = _now(client, live) if error.outcome_unknown else {}
        if answer.get("active") is active:
            return answer  # it was lost on the way
        request = Approvals(client).made_by(error)
        if request:
            raise NotSwitched(f"{request}; somebody has to approve it there", waits=str(request)) from None
        unknown = error.outcome_unknown and not answer
        raise NotSwitched(_why(client, live, error), unknown, refused=error.status == 400) from None
    if answer.get("active") is not active:
        raise NotSwitched("PostHog took the change and left the switch as it was")
    return answer


def _why(client: Client, live: Mapping[str, Any], error: ApiError) -> str:
    """Return why a flag was not switched, and what to do."""
    where = client.connection
    page = f"{where.host}/project/{where.project_id}/{FLAG.page_of(live)}"
    if error.outcome_unknown:
        return f"{error}; run again, or use the flag's own page: {page}"
    if error.status == 429:
        return f"{explained(error)}; the flag's own page is not limited: {page}"
    if error.status in (401, 403):
        return f"{explained(error)}; or use the flag's own page: {page}"
    # A refusal is about the flag in PostHog: there is no definition to correct.
    return str(error) if error.status == 400 else explained(error)


def not_switched(key: str, word: str, why: str, unknown: bool = False) -> str:
    """Return that a flag was not switched ``off`` or ``on`` and why, or that this is not known."""
    return f"{key} may be {word}, or not: {why}" if unknown else f"{key} was not switched {word}: {why}"


def _now(client: Client, live: Mapping[str, Any]) -> Live:
    """Return a flag as PostHog holds it now; empty where it does not say."""
    try:
        answer: Live = client.get(_path(client, live))
    except ApiError:
        return {}
    return answer


def dependents(client: Client, live: Live) -> dict[str, Live]:
    """Return the flags that are on and depend on this one, by key. Raises ``ApiError``."""
    return {row["key"]: row for row in client.get(f"{_path(client, live)}dependent_flags/")}


def disabled_dependencies(client: Client, live: Live) -> list[str]:
    """Return the keys of the flags that are off and that this one depends on. Raises ``ApiError``."""
    needed = _needed(live)
    flags = every(client) if needed else {}
    return sorted(key for key, flag in flags.items() if str(flag["id"]) in needed and not flag["active"])


def disabled_dependents(client: Client, live: Live) -> list[str]:
    """Return the keys of the flags that are off and depend on this one. Raises ``ApiError``."""
    return sorted(key for key, flag in every(client).items() if str(live["id"]) in _needed(flag) and not flag["active"])


def _needed(live: Live) -> set[str]:
    """Return the ids of the flags that a flag depends on."""
    groups = (live.get("filters") or {}).get("groups") or ()
    properties = (each for group in groups for each in group.get("properties") or ())
    return {str(each.get("key")) for each in properties if each.get("type") == "flag"}


def in_order(client: Client, live: Live) -> list[Live]:
    """Return a flag and all that depend on it, in the order in which PostHog switches them off. Raises ``ApiError``."""
    found: dict[str, Live] = {}

    def visit(flag: Live) -> None:
        if flag["key"] not in found:
            for other in dependents(client, flag).values():
                visit(other)
            found[flag["key"]] = flag

    visit(live)
    return list(found.values())


def only_switched_off(client: Client, live: Live) -> str:
    """Return why the flag may differ from when it was last on; empty when only its switch changed.

    This reads PostHog's activity log, for which the API key needs the scope ``activity_log:read``.
    """
    try:
        entry = History(client).newest(FLAG, live, _COUNTED)  # a repeated switch-off changes nothing else
    except ApiError as error:
        if error.status in NOT_AVAILABLE:
            return "the API key may not read PostHog's activity log (scope activity_log:read)"
        return str(error)
    fields = {change.get("field"): change.get("after") for change in (entry.get("detail") or {}).get("changes") or ()}
    if fields.get("active") is not False:
        return "the last change of the flag in PostHog is not that it was switched off"
    others = sorted(str(field) for field in fields.keys() - {"active", *_COUNTED})
    return f"PostHog changed with the switch: {', '.join(others)}" if others else ""


_COUNTED = ("version", "updated_at", "last_modified_by")
"""What PostHog itself writes with each change."""


def audiences(client: Client, live: Mapping[str, Any], most: int) -> Iterator[Audience]:
    """Yield who is served for having opted in, and whom each release condition serves; the first ``most`` of these with
    PostHog's counts.
    """
    filters = live.get("filters") or {}
    if filters.get("feature_enrollment"):
        yield Audience("who opted in", 100, *(matching(client, {"properties": [opted_in(live["key"])]}) or ()))
    for number, condition in enumerate(filters.get("groups") or (), 1):
        share = condition.get("rollout_percentage")
        title = condition.get("description") or f"condition {number}"
        counts = None if number > most else matching(client, as_compared(condition))
        yield Audience(title, 100 if share is None else share, *(counts or ()))


def opted_in(flag_key: str) -> dict[str, Any]:
    """Return the filter (in the API's form) of those who opted in to a flag."""
    return {"key": choice(flag_key), "type": "person", "operator": "exact", "value": ["true"]}


def as_compared(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a release condition (in the API's form) for :func:`matching`, with texts compared as flags compare them.

    A flag's ``exact`` and ``is_not`` do not tell upper and lower case apart (rust/feature-flags/src/properties), and
    PostHog counts with HogQL, which does: so it is asked for a pattern instead.
    """
    return {**condition, "properties": [*map(_as_compared, condition.get("properties") or ())]}


def _as_compared(leaf: Mapping[str, Any]) -> Mapping[str, Any]:
    operator, value = _PATTERNS.get(leaf.get("operator") or "exact"), leaf.get("value")
    texts = sorted({str(each).lower() for each in (value if isinstance(value, list) else [value])})
    if leaf.get("type") not in ("person", "group") or not operator or {"true", "false"}.issuperset(texts):
        return leaf  # whether something is true is compared apart
    if value is None or not any(text.upper() != text for text in texts):
        return leaf
    return {**leaf, "operator": operator, "value": f"(?i)^(?:{'|'.join(map(re.escape, texts))})$"}


_PATTERNS = {"exact": "regex", "is_not": "not_regex"}


def matching(client: Client, condition: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how many persons (or groups) a release condition matches, and how many there are in all.

    ``condition`` has the API's form. None where PostHog does not say: some conditions it can't count. What another flag
    gives to somebody is no property of a person, and PostHog answers 0 for a condition on one; it is not asked.
    """
    if any(each.get("type") == "flag" for each in condition.get("properties") or ()):
        return None
    body = {"condition": condition, "group_type_index": condition.get("aggregation_group_type_index")}
    path = client.project_path(f"{FLAG.collection}/user_blast_radius")
    try:
        answer = client.request("POST", path, body, repeatable=False)
        # Older servers call them by longer names.
        affected, total = (answer.get(name, answer.get(old)) for name, old in _COUNTS)
        return int(affected), int(total)
    except (ApiError, TypeError, ValueError, AttributeError):
        return None


_COUNTS = (("affected", "users_affected"), ("total", "total_users"))


def _path(client: Client, live: Mapping[str, Any]) -> str:
    return client.project_path(f"{FLAG.collection}/{live['id']}")
