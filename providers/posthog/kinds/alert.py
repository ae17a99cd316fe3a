"""Alerts on insights. Their reading shape differs from their writing shape: objects come back where ids are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.kinds.base import Directory, Field, Kind, Reading, read_id
from providers.posthog.kinds.normal import plain, tags, text
from providers.posthog.kinds.phrases import choice_text
from providers.posthog.kinds.wording import CHOICE, SWITCH, WATCH, Wording, switchable


def _write_threshold(value: dict[str, Any], _: Directory) -> Any:
    bounds = {name: value[name] for name in ("lower", "upper") if name in value}
    return {"type": value["type"], "bounds": bounds}


def _read_threshold(raw: Any, _: Reading) -> Any:
    if not isinstance(raw, dict):
        return None
    return {"type": raw.get("type"), **(raw.get("bounds") or {})}


def _threshold(value: Any) -> Any:
    return {"type": "absolute", **plain(value)} if isinstance(value, dict) else plain(value)


def _read_config(raw: Any, reading: Reading) -> Any:
    # Where a definition does not say whether the running interval is looked at, PostHog chooses by how often the alert
    # is checked, writes its choice down where it is yes, and leaves it there when that changes.
    # A config of SQL without it means the last row.
    config = plain(raw)
    if isinstance(config, dict) and config.get("type") == "HogQLAlertConfig":
        config.setdefault("evaluation", "last_row")
    silent = "check_ongoing_interval" not in (reading.known.get("config") or {})
    if isinstance(config, dict) and config.get("check_ongoing_interval") is True and silent:
        del config["check_ongoing_interval"]
    return config


def _bounds(alert: Mapping[str, Any]) -> Wording:
    """Return the wording of a threshold: a funnel's values are per cent, and their changes points of it."""
    config, threshold = alert.get("config") or {}, alert.get("threshold") or {}
    unit = ""
    if config.get("type") == "FunnelsAlertConfig" and threshold.get("type") != "percentage":
        unit = " %" if alert.get("condition", "absolute_value") == "absolute_value" else " points"
    bounds = {name: Wording(f"{name} bound", unit=unit) for name in ("lower", "upper")}
    return Wording(parts={"type": CHOICE, **bounds})


def _windows(value: Any) -> Any:
    """Return times as PostHog keeps them: in order, and nothing at all where no window is left."""
    value = plain(value)
    if not isinstance(value, dict) or not isinstance(value.get("blocked_windows"), list):
        return value
    windows = sorted(value["blocked_windows"], key=lambda window: str(window.get("start")))
    return {**value, "blocked_windows": windows} if windows else None


def _detector(value: Any) -> Any:
    return plain(value) or None  # one that is switched off reads as an object of nulls


def _series_name(index: Any) -> str:
    """Return the letter that PostHog's pages give a series."""
    return chr(ord("A") + index) if isinstance(index, int) and 0 <= index < 26 else str(index)


_LOOKS = Wording(
    "what is looked at",
    parts={
        "series_index": Wording("series", show=_series_name),
        "check_ongoing_interval": switchable("also a period that is not over", "no period that is not over"),
        "type": CHOICE,
        "evaluation": CHOICE,
    },
)
_QUIET = Wording(
    "quiet hours",
    parts={
        "blocked_windows": Wording(
            inline=True,
            each=Wording("quiet time", name=lambda item: f"{item.get('start')} to {item.get('end')}"),
        )
    },
)


ALERT = Kind(
    name="alert",
    type="Alert",
    collection="alerts",
    scope="alert",
    pages=("insights/{insight_short_id}/alerts?alert_id={id}", "insights?tab=alerts&alert_id={id}"),
    logged_as="AlertConfiguration",
    logged_parts={"threshold_change": "threshold", "alert_subscription_change": "subscribed_users"},
    folder="alerts",
    natural_key=("name",),
    numeric_id=False,
    weight=WATCH,
    soft_delete=False,
    needs=("organization_member:read",),
    fields=(
        Field("name", normalise=text, required=True),
        Field("insight", ref="insight", read=read_id, required=True),
        Field(
            "subscribed_users",
            wording=Wording("e-mail"),
            default=[],
            normalise=tags,  # addresses are kept as tags are
            write=lambda value, directory: [directory.user_id(email) for email in value],
            read=lambda raw, _: [user.get("email", "") for user in raw or ()],
            required=True,
            manageable=False,
        ),
        Field(
            "condition",
            path=("condition", "type"),
            wording=Wording("comparison", show=choice_text),
            default="absolute_value",
            required=True,
            manageable=False,
            shown=True,
        ),
        Field(
            "threshold",
            path=("threshold", "configuration"),
            worded=_bounds,
            normalise=_threshold,
            write=_write_threshold,
            read=_read_threshold,
            required=True,
            manageable=True,
        ),
        Field(
            "config",
            default={"type": "TrendsAlertConfig", "series_index": 0},
            wording=_LOOKS,
            read=_read_config,
            along=("condition", "threshold"),
            required=True,
            manageable=False,
        ),
        Field(
            "calculation_interval",
            default="daily",
            shown=True,
            wording=Wording("frequency of checks", show=choice_text),
        ),
        Field("enabled", default=True, shown=True, wording=SWITCH),
        Field("skip_weekend", default=False, wording=switchable("rests at weekends", "works at weekends too")),
        Field("schedule_restriction", normalise=_windows, wording=_QUIET),
        Field("schedule_start_time", wording=Wording("time of the check")),
        # Anomaly detection, which takes the threshold's place; made on PostHog's pages only.
        Field("detector_config", normalise=_detector, wording=Wording("anomaly detection")),
        Field("forecast_config", normalise=_detector, wording=Wording("forecast")),
    ),
    left={
        "config.metric": "against which step a funnel's conversion is measured; it is the first one",
        "config.MetricsAlertConfig": "for insights of PostHog's metrics product, which no definition makes",
        "snoozed_until": "whoever is on call snoozes an alert, for hours",
        "threshold.name": "an alert has a name, and its threshold nobody refers to",
        "threshold.id": "PostHog's own",
        "threshold.created_at": "PostHog's own",
        "investigation_agent_enabled": "whether PostHog's agent looks into firings is the organisation's choice",
        "investigation_gates_notifications": "goes with investigation_agent_enabled",
        "investigation_inconclusive_action": "goes with investigation_agent_enabled",
    },
)
