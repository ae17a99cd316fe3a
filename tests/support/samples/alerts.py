"""Alerts and their notifications."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Body, Sample, Samples, scalar, switch
from tests.support.samples.world import FIRING

NIGHT = {"blocked_windows": [{"start": "22:00", "end": "23:30"}, {"start": "00:00", "end": "06:00"}]}


def _threshold(kind: str = "absolute", **bounds: Any) -> Body:
    return {"threshold": {"configuration": {"type": kind, "bounds": bounds}}}


def _config(**more: Any) -> dict[str, Any]:
    return {"type": "TrendsAlertConfig", "series_index": 0, **more}


ALERTS = Samples(
    least=lambda name: {
        "name": name,
        "insight": Ref("insight", "other"),
        "threshold": {"upper": 5},
        "subscribed_users": [],
    },
    fields={
        "name": Sample("Named", changed=({"name": "By hand"},)),
        "insight": Sample(Ref("insight", "trend"), changed=({"insight": Ref("insight", "other")},)),
        "subscribed_users": Sample(
            ["admin@example.com", "oncall@example.com"],
            changed=({"subscribed_users": [Ref("user", "oncall@example.com")]}, {"subscribed_users": []}),
            added=({"subscribed_users": [Ref("user", "oncall@example.com")]},),
        ),
        "condition": Sample(
            "relative_increase",
            changed=({"condition": {"type": "relative_decrease"}}, {"condition": {"type": "absolute_value"}}),
            added=({"condition": {"type": "relative_increase"}},),
        ),
        "threshold": Sample(
            {"lower": 1, "upper": 2.5},
            changed=(_threshold(lower=1, upper=3), _threshold(upper=2.5), _threshold(lower=1)),
            added=(_threshold(lower=0, upper=5), _threshold(upper=6)),
        ),
        "config": Sample(
            _config(series_index=1, check_ongoing_interval=True),
            changed=(
                {"config": _config(series_index=0, check_ongoing_interval=True)},
                {"config": _config(series_index=1, check_ongoing_interval=False)},
            ),
            added=({"config": _config(series_index=1)}, {"config": _config(check_ongoing_interval=False)}),
        ),
        "calculation_interval": scalar("calculation_interval", "weekly", "monthly", "daily"),
        "enabled": switch("enabled", on=False),
        "skip_weekend": switch("skip_weekend"),
        "schedule_restriction": Sample(
            NIGHT,
            changed=(
                {"schedule_restriction": {"blocked_windows": NIGHT["blocked_windows"][:1]}},
                {"schedule_restriction": None},
            ),
            added=({"schedule_restriction": NIGHT},),
        ),
        "schedule_start_time": scalar("schedule_start_time", "08:30", "09:00", None),
        "detector_config": Sample(
            {"type": "zscore", "threshold": 0.9},
            changed=({"detector_config": {"type": "zscore", "threshold": 0.8}}, {"detector_config": None}),
            added=({"detector_config": {"type": "zscore", "threshold": 0.9}},),
        ),
        "forecast_config": Sample(
            {"model": "prophet"},
            changed=({"forecast_config": None},),
            added=({"forecast_config": {"model": "prophet"}},),
        ),
    },
    full={
        "subscribed_users": ["Admin@example.com"],
        "threshold": {"lower": 1, "upper": 2},
        "schedule_restriction": NIGHT,
        "calculation_interval": "hourly",
        "insight": Ref("insight", "trend"),
    },
    noise={
        "whole numbers with a point": _threshold(lower=1.0, upper=2.0),
        "a bound that is null": _threshold(lower=1, upper=2, other=None),
        "the running interval, at which PostHog looks by itself": {"config": _config()},
        "the running interval, which nobody said not to look at": {"config": _config(check_ongoing_interval=True)},
        "the order of times, and none at all": {
            "schedule_restriction": {"blocked_windows": list(reversed(NIGHT["blocked_windows"]))}
        },
        "a detector that is switched off": {"detector_config": None},
        "whoever is on call snoozes it": {"snoozed_until": "2h"},
    },
    file="alert",
    author={
        "key": "errors",
        "name": "Errors",
        "insight": "errors",
        "condition": "absolute_value",
        "threshold": {"upper": 1},
        "notify": {"email": ["oncall@example.com"]},
    },
    needed={"name": ("name",), "insight": ("insight",), "threshold": ("threshold",)},
)

INPUTS = {
    "url": "https://hooks.example.com/ai",
    "method": "POST",
    "headers": {"Content-Type": "application/json"},
    "body": {"event": "{event}"},
}


SLACK = {"workspace": "acme", "channel": "#ai-alerts", "text": "Firing", "blocks": []}


def _inputs(**changes: Any) -> Body:
    """The inputs as they are read, with a change: so PostHog's page saves them."""

    def body(live: dict[str, Any]) -> dict[str, Any]:
        return {"inputs": {**live["inputs"], **changes}}

    return body


_LISTENING = {**FIRING, "source": "events"}
_EXTRA = {"key": "alert_name", "value": "x", "operator": "exact", "type": "event"}
_FILTERS: tuple[Body, ...] = (
    {"filters": {**_LISTENING, "properties": [*FIRING["properties"], _EXTRA]}},
    {"filters": {**_LISTENING, "events": [*FIRING["events"], {"id": "$pageview", "type": "events"}]}},
    {"filters": {**_LISTENING, "events": [{**FIRING["events"][0], "properties": [_EXTRA]}]}},
    {"filters": {**_LISTENING, "filter_test_accounts": True}},
    {"filters": {**_LISTENING, "properties": []}},
)
_EDITED_INPUTS: tuple[Body, ...] = (
    _inputs(method={"value": "PUT"}),
    _inputs(url={"value": "https://elsewhere.example.com"}),
    _inputs(body={"value": {"event": "{event}", "more": 1}}),
    _inputs(headers={"value": {}}),
    _inputs(body={"value": INPUTS["body"], "templating": "liquid"}),
)


def _reordered(live: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": dict(reversed(live["inputs"].items())), "inputs_schema": live["inputs_schema"]}


NOTIFICATIONS = Samples(
    least=lambda name: {
        "name": name,
        "template": "template-webhook",
        "alert": Ref("alert", "alarm"),
        "inputs": INPUTS,
    },
    fields={
        "name": Sample("Named", changed=({"name": "By hand"},)),
        "description": scalar("description", "What it is for.", "By hand.", ""),
        "enabled": switch("enabled", on=False),
        "template": Sample("template-slack", with_it={"inputs": SLACK}),
        "alert": Sample(Ref("alert", "alarm"), changed=_FILTERS),
        "inputs": Sample(INPUTS, changed=_EDITED_INPUTS),
        "hog": Sample("return 1", changed=({"hog": "return 2"},), added=({"hog": "return 2"},)),
        "masking": Sample(
            {"ttl": 60, "hash": "{event.uuid}"},
            changed=({"masking": {"ttl": 120, "hash": "{event.uuid}"}}, {"masking": None}),
            added=({"masking": {"ttl": 60, "hash": "{event.uuid}"}},),
        ),
    },
    full={"description": "A description."},
    noise={
        "the order of inputs, and what PostHog compiled": _reordered,
        "an input that the definition does not mention": _inputs(debug={"value": True}),
        "the language that inputs are written in": _inputs(body={"value": INPUTS["body"], "templating": "hog"}),
        "what the page adds to filters": {
            "filters": {
                **_LISTENING,
                "actions": [],
                "filter_test_accounts": False,
                "events": [{**FIRING["events"][0], "name": "Alert firing", "order": 0, "properties": []}],
            }
        },
        "a picture": {"icon_url": "/static/other.png"},
    },
    fixed=("template",),
    given=("name", "template", "alert", "inputs"),
)

SAMPLES = {"alert": ALERTS, "notification": NOTIFICATIONS}
