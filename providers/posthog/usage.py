"""Where an object is used in PostHog, in words: what somebody who may take it over has to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.kinds.base import Kind
from providers.posthog.kinds.insight import shown_on


def users(client: Client, kind: Kind, live: Mapping[str, Any]) -> list[str]:
    """Return what uses a live object; empty where nothing does or PostHog does not say. Raises ``ApiError``."""
    if kind.name == "insight":
        boards = set(shown_on(live))
        found = client.pages(client.project_path("dashboards")) if boards else ()
        return [f"the dashboard {board['name']!r} ({board['id']})" for board in found if board["id"] in boards]
    if kind.name == "cohort":
        used = client.get(client.project_path(f"cohorts/{live['id']}/used_in"))
        parts = (("feature_flags", "flag"), ("insights", "insight"), ("cohorts", "cohort"))
        return [
            f"the {what} {each.get('key') or each.get('name')!r} ({each['id']})"
            for part, what in parts
            for each in used.get(part, {}).get("results", ())
        ]
    return []
