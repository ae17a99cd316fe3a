"""Actions, annotations and subscriptions."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Body, Sample, Samples, scalar, switch
from tests.support.samples.catalogue import DESCRIPTION, TAGS

FAILED = {"type": "event", "key": "success", "operator": "exact", "value": False}
_STEPS: list[dict[str, Any]] = [
    {"event": "ai", "properties": [FAILED]},
    {"event": "$autocapture", "text": "Again", "text_matching": "regex", "url": "/ai"},
]
_EDITED_STEPS: tuple[Body, ...] = (
    {"steps": _STEPS[:1]},
    {"steps": [*_STEPS, {"event": "more"}]},
    {"steps": [{"event": "ai"}, _STEPS[1]]},
    {"steps": [_STEPS[0], {**_STEPS[1], "url_matching": "exact"}]},
    {"steps": [_STEPS[0], {**_STEPS[1], "selector": "button"}]},
    {"steps": []},
)

ACTIONS = Samples(
    least=lambda name: {"name": name, "steps": [{"event": "ai"}]},
    fields={
        "name": Sample("Named", changed=({"name": "By hand"},)),
        "description": DESCRIPTION,
        "tags": TAGS,
        "steps": Sample(_STEPS, changed=_EDITED_STEPS, added=_EDITED_STEPS),
        "post_to_slack": switch("post_to_slack"),
        "slack_message_format": scalar("slack_message_format", "[event] failed", "By hand", ""),
    },
    full={"description": "A description.", "tags": ["ai", "cost"], "steps": _STEPS},
    noise={
        "the order and the case of tags": {"tags": ["Cost", "ai", "AI "]},
        "steps with all of their keys, as they are read": lambda live: {"steps": live["steps"]},
        "what a step matches by anyway": {
            "steps": [{**_STEPS[0], "text_matching": "exact", "href": None}, {**_STEPS[1], "url_matching": "contains"}]
        },
        "a place among the first": {"pinned_at": "2026-09-07T08:00:00Z"},
    },
    file="action",
    author={"key": "failed", "name": "Failed", "steps": [{"event": "ai"}]},
    needed={"name": ("name",), "steps": ("steps",)},
)

ANNOTATIONS = Samples(
    least=lambda name: {"content": name, "date_marker": "2026-09-07T08:00:00Z"},
    fields={
        "content": Sample("Said", changed=({"content": "By hand"},)),
        "date_marker": Sample("2026-09-08", changed=({"date_marker": "2026-09-08T00:00:01Z"},)),
        "scope": Sample("organization", changed=({"scope": "project"},), added=({"scope": "organization"},)),
        "insight": Sample(
            Ref("insight", "trend"),
            changed=({"dashboard_item": Ref("insight", "other")}, {"dashboard_item": None}),
            added=({"dashboard_item": Ref("insight", "trend")},),
        ),
        "dashboard": Sample(
            Ref("dashboard", "first"),
            changed=({"dashboard_id": Ref("dashboard", "second")}, {"dashboard_id": None}),
            added=({"dashboard_id": Ref("dashboard", "first")},),
        ),
        "hidden_in_user_interface": switch("hidden_in_user_interface"),
        "emoji": scalar("emoji", "🚀", "🐢", ""),
    },
    full={"date_marker": "2026-09-07T10:00:00+02:00"},
    noise={
        "another spelling of the time": {"date_marker": "2026-09-07T09:00:00.000+01:00"},
        "nothing where false stood": {"hidden_in_user_interface": None, "emoji": None},
        "who made it": {"creation_type": "GIT"},
    },
    file="annotation",
    author={"key": "prices", "content": "Prices rise", "date_marker": "2026-09-07"},
    needed={"content": ("content",), "date_marker": ("date_marker",)},
)

_MONTHLY = {"frequency": "monthly", "byweekday": ["monday"]}
_OF_A_DASHBOARD = {
    "insight": None,
    "content_type": "dashboard",
    "dashboard": Ref("dashboard", "delivered"),
    "dashboard_export_insights": [Ref("insight", "shown")],
}


_OF_A_PROMPT = {"insight": None, "content_type": "ai_prompt", "prompt": "Which costs grew?"}
_SLACK = {"target_type": "slack", "target_value": "#ai-costs", "workspace": "acme"}
_IN_ONE = "post_all_insights_in_main_message"


def _least(name: str) -> dict[str, Any]:
    return {
        "title": name,
        "content_type": "insight",
        "insight": Ref("insight", "trend"),
        "target_type": "email",
        "target_value": "finance@example.com",
        "frequency": "weekly",
        "start_date": "2099-09-07T08:00:00Z",
    }


SUBSCRIPTIONS = Samples(
    least=_least,
    fields={
        "title": Sample("Named", changed=({"title": "By hand"},)),
        "content_type": Sample("insight"),
        "insight": Sample(Ref("insight", "trend"), changed=({"insight": Ref("insight", "other")},)),
        "dashboard": Sample(
            Ref("dashboard", "delivered"),
            changed=({"dashboard": Ref("dashboard", "delivered too")},),
            with_it=_OF_A_DASHBOARD,
        ),
        "dashboard_export_insights": Sample(
            [Ref("insight", "shown")],
            changed=(
                {"dashboard_export_insights": [Ref("insight", "shown too")]},
                {"dashboard_export_insights": [Ref("insight", "shown"), Ref("insight", "shown too")]},
            ),
            with_it=_OF_A_DASHBOARD,
        ),
        "prompt": Sample("Which costs grew?", changed=({"prompt": "By hand"},), with_it=_OF_A_PROMPT),
        "target_type": Sample("email", changed=({"target_type": "slack"},), requires={"workspace": "acme"}),
        "target_value": Sample(
            "b@example.com,a@example.com",
            changed=(
                {"target_value": "a@example.com"},
                {"target_value": "a@example.com, b@example.com, c@example.com"},
            ),
        ),
        "workspace": Sample(
            "acme",
            changed=({"integration_id": None},),
            added=({"integration_id": Ref("integration", "slack")},),
        ),
        "frequency": Sample("daily", changed=({"frequency": "monthly"},)),
        "interval": scalar("interval", 2, 3, 1),
        "byweekday": Sample(
            ["friday", "monday"],
            changed=({"byweekday": ["monday"]}, {"byweekday": None}),
            added=({"byweekday": ["tuesday"]},),
        ),
        "bysetpos": scalar("bysetpos", 1, 2, None, **_MONTHLY),
        "count": scalar("count", 1000, 2000, None),
        "start_date": Sample("2099-10-01", changed=({"start_date": "2099-10-01T00:00:01Z"},)),
        "until_date": scalar("until_date", "2100-01-01T00:00:00Z", "2101-01-01T00:00:00Z", None),
        "enabled": switch("enabled", on=False),
        "summary_enabled": switch("summary_enabled"),
        "summary_prompt_guide": scalar("summary_prompt_guide", "Be brief.", "By hand", ""),
        "delivery_config": Sample(
            {_IN_ONE: True},
            changed=({"delivery_config": {_IN_ONE: False}}, {"delivery_config": {}}),
            added=({"delivery_config": {_IN_ONE: True}},),
            requires=_SLACK,
        ),
        "send_test_now": Sample(True),
    },
    full={"byweekday": ["friday", "monday"], "target_value": "b@example.com,a@example.com"},
    noise={
        "the order of days": {"byweekday": ["monday", "friday"]},
        "the order and the case of addresses": {"target_value": "A@example.com, b@example.com"},
        "another spelling of the time": {"start_date": "2099-09-07T10:00:00+02:00"},
        "a line of the first e-mail": {"invite_message": "By hand"},
        "a delivery at once": {"send_test_now": True},
        "how a delivery looks anyway": {"delivery_config": {_IN_ONE: False}},
    },
    fixed=("content_type", "send_test_now"),
    file="subscription",
    author={
        "key": "costs",
        "title": "Costs",
        "insight": "costs",
        "target": {"email": ["finance@example.com"]},
        "frequency": "weekly",
        "start_date": "2026-09-07",
    },
    needed={
        **{name: (name,) for name in ("title", "insight", "frequency", "start_date")},
        **dict.fromkeys(("target_type", "target_value"), ("target",)),
    },
    given=("content_type", "dashboard", "dashboard_export_insights", "prompt"),
)

SAMPLES = {"action": ACTIONS, "annotation": ANNOTATIONS, "subscription": SUBSCRIPTIONS}
