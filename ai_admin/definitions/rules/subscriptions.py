"""Subscriptions of dashboards: which of the insights are sent."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.model import Finding
from ai_admin.definitions.nearest import suggestion
from ai_admin.definitions.tiles import insight_keys
from ai_admin.definitions.world import Rule, Unit, World

MOST = 6
"""Most insights of a dashboard that PostHog sends."""


def sends_what_is_shown(unit: Unit, world: World) -> Iterator[Finding]:
    """The insights stand on the dashboard, and are not more than PostHog sends."""
    dashboard = world.find("dashboard", unit.value.get("dashboard"))
    shown = insight_keys(dashboard) if dashboard else None
    if dashboard is None or shown is None:
        return
    for n, key in enumerate(unit.value.get("insights") or ()):
        if key not in shown and world.find("insight", key) is not None:
            fix = suggestion(key, shown, "put it into a tile there, or remove it here")
            yield Finding(("insights", n), f'the dashboard "{dashboard.key}" does not show the insight "{key}"', fix)
    if "insights" not in unit.value and not shown:
        yield Finding(("dashboard",), f'the dashboard "{dashboard.key}" shows no insight', "send one that does")
    elif "insights" not in unit.value and len(shown) > MOST:
        message = f'the dashboard "{dashboard.key}" shows {len(shown)} insights, and PostHog sends at most {MOST}'
        yield Finding((), message, f"name the ones to send: insights: [{', '.join(shown[:MOST])}]", "insights")


RULES = (Rule("subscription", sends_what_is_shown, sees=("dashboard", "insight")),)
