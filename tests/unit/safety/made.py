"""Definitions for the gates to look at, and their judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ai_admin.safety.applied import Manifest, manifest, renamed
from ai_admin.safety.following import Followed
from ai_admin.safety.gates import refusals
from ai_admin.safety.reach import Reach, Values
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import consents
from providers.posthog.kinds import KINDS, Ref

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass
class Made:
    kind: str
    key: str
    properties: dict[str, Any]
    renamed_from: str | None = None
    source: str = ""
    adopt: str | None = None


def cohorts(count: int, **properties: Any) -> list[Made]:
    return [Made("cohort", f"c{number}", {"name": f"C{number}", **properties}) for number in range(count)]


def flag(key: str, *shares: int, renamed_from: str | None = None, **properties: Any) -> Made:
    conditions = [{"rollout_percentage": share, "properties": []} for share in shares]
    written = {"key": key, "release_conditions": conditions, **properties}
    return Made("flag", key, KINDS["flag"].canonical(written), renamed_from)


def cohort(key: str, *leaves: dict[str, Any], renamed_from: str | None = None, **properties: Any) -> Made:
    filters = {"type": "OR", "values": [{"type": "AND", "values": list(leaves)}]}
    written = {"name": key, "filters": filters, **properties}
    return Made("cohort", key, KINDS["cohort"].canonical(written), renamed_from)


def on(key: str, share: int = 100, operator: str = "in") -> dict[str, Any]:
    """Return a release condition on a cohort."""
    leaf = {"type": "cohort", "key": "id", "value": Ref("cohort", key), "operator": operator}
    return {"rollout_percentage": share, "properties": [leaf]}


def split(**variants: int) -> list[dict[str, Any]]:
    return [{"key": key, "rollout_percentage": share} for key, share in variants.items()]


def applied(*runs: list[Made]) -> Manifest:
    """Return the manifest after these runs, one after the other."""
    found: Manifest = {}
    for definitions in runs:
        found = manifest(definitions, renamed(found, definitions))
    return found


def judged(
    before: list[Made] | Manifest,
    after: list[Made],
    careful: bool = False,
    consent: str = "",
    followed: Followed | None = None,
    live: list[Made] | None = None,
    leaving: Mapping[str, bool] = MappingProxyType({}),
    values: Values | None = None,
    keys: Mapping[str, str] | None = None,
) -> list[Refusal]:
    """Return what is refused.

    ``live`` is what PostHog has and no run of the stack applied, ``leaving`` says which flags that go are on,
    ``values`` are the catalogue's, and ``keys`` what flags are called in PostHog that get another key.
    """
    then, there = renamed(applied(before) if isinstance(before, list) else before, after), applied(live or [])
    now, reach = manifest(after, {**there, **then}), Reach(after, values, NOW)
    return refusals(then, now, consents(consent), careful, followed, there, leaving=leaving, keys=keys, reach=reach)
