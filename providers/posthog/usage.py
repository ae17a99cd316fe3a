"""Where an object is used in PostHog, in words: what somebody who may take it over has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.kinds.base import Kind
from providers.posthog.kinds.insight import shown_on


def users_of_cohort(client: Client, id_: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the kind of each flag, insight and cohort that uses a cohort, and what PostHog says of it."""
    used = client.get(client.project_path(f"cohorts/{id_}/used_in"))
    for part, kind in (("feature_flags", "flag"), ("insights", "insight"), ("cohorts", "cohort")):
        yield from ((kind, each) for each in used.get(part, {}).get("results", ()))


def users(client: Client, kind: Kind, live: Mapping[str, Any]) -> list[str]:
    """Return what uses a live object; empty where nothing does or PostHog does not say. Raises ``ApiError``."""
    if kind.name == "insight":
        boards = set(shown_on(live))
        found = client.pages(client.project_path("dashboards")) if boards else ()
        return [f"the dashboard {board['name']!r} ({board['id']})" for board in found if board["id"] in boards]
    if kind.name == "cohort":
        uses = users_of_cohort(client, live["id"])
        return [f"the {what} {each.get('key') or each.get('name')!r} ({each['id']})" for what, each in uses]
    return []
