"""Subscriptions: which insights of a dashboard are sent, and what goes with what is sent, and where."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.spelling import suggestion
from ai_admin.definitions.tiles import insight_keys
from ai_admin.definitions.unreadable import is_readable

MOST = 10
"""Most insights of a dashboard that PostHog sends."""


_OF_INSIGHTS = ("summary_enabled", "summary_prompt_guide")
_IN_ONE_MESSAGE, _HINT = "post_all_insights_in_main_message", "include_posthog_hint"
_ONLY_OF_PROMPTS = {
    "include_images": "only the answer to a prompt may be without its charts",
    "include_feedback": "only the answer to a prompt asks for feedback",
    "include_manage_link": "only the answer to a prompt may be without its link",
    _HINT: "only the answer to a prompt has a hint",
}


@rule("subscription")
def goes_together(unit: Unit, _: Index) -> Iterator[Finding]:
    """Settings of deliveries go with what is sent, and with where it goes: PostHog refuses others."""
    look, target, prompt = unit.value.get("delivery_config") or {}, unit.value.get("target"), "prompt" in unit.value
    wrong = {} if prompt else _ONLY_OF_PROMPTS
    if prompt:
        wrong = {_IN_ONE_MESSAGE: "the answer to a prompt has no insights to post"}
        for name in _OF_INSIGHTS:
            if unit.value.get(name):
                message = "PostHog's AI writes the answer to a prompt itself, and adds no summary to it"
                yield Finding((name,), message, f"remove {name}", None, True)
    if isinstance(target, dict) and is_readable(target) and "slack" not in target:
        thread = "only Slack has a main message, and others in its thread"
        wrong = {_IN_ONE_MESSAGE: thread, _HINT: "PostHog hints at itself in Slack only", **wrong}
    for name in look if is_readable(look) else ():
        if name in wrong:
            yield Finding(("delivery_config", name), wrong[name], f"remove {name}", None, True)


@rule("subscription", sees=("dashboard", "insight"))
def sends_what_is_shown(unit: Unit, index: Index) -> Iterator[Finding]:
    """The insights are on the dashboard, and are not more than PostHog sends."""
    dashboard = index.find("dashboard", unit.value.get("dashboard"))
    shown = insight_keys(dashboard) if dashboard else None
    if dashboard is None or shown is None:
        return
    for n, key in enumerate(unit.value.get("insights") or ()):
        if key not in shown and index.find("insight", key) is not None:
            fix = suggestion(key, shown, "put it into a tile there, or remove it here")
            yield Finding(("insights", n), f'the dashboard "{dashboard.key}" does not show the insight "{key}"', fix)
    if "insights" not in unit.value and not shown:
        yield Finding(("dashboard",), f'the dashboard "{dashboard.key}" shows no insight', "send one that does")
    elif "insights" not in unit.value and len(shown) > MOST:
        message = f'the dashboard "{dashboard.key}" shows {len(shown)} insights, and PostHog sends at most {MOST}'
        yield Finding((), message, f"name the ones to send: insights: [{', '.join(shown[:MOST])}]", "insights")
