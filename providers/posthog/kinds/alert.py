"""Alerts on insights. Their reading shape differs from their writing shape: objects come back where ids are sent."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Directory, Field, Kind, Reading
from providers.posthog.kinds.normal import plain, text


def _emails(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return plain(value)
    return sorted({str(item).strip().lower() for item in value})


def _write_subscribers(value: list[str], directory: Directory) -> Any:
    return [directory.user_id(email) for email in value]


def _read_subscribers(raw: Any, _: Reading) -> Any:
    return [user.get("email", "") for user in raw or ()]


def _read_insight(raw: Any, _: Reading) -> Any:
    return raw.get("id") if isinstance(raw, dict) else raw


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
    # PostHog switches `check_ongoing_interval` on by itself where the alert is checked more often than the insight's
    # interval ends, unless the alert says otherwise.
    config = plain(raw)
    said = "check_ongoing_interval" in (reading.known.get("config") or {})
    if isinstance(config, dict) and config.get("check_ongoing_interval") is True and not said:
        del config["check_ongoing_interval"]
    return config


ALERT = Kind(
    name="alert",
    type="Alert",
    collection="alerts",
    scope="alert",
    natural_key=("name",),
    numeric_id=False,
    soft_delete=False,
    needs=("organization_member:read",),
    fields=(
        Field("name", normalise=text, required=True, manageable=False),
        Field("insight", read=_read_insight, required=True, manageable=False),
        Field(
            "subscribed_users",
            default=[],
            normalise=_emails,
            write=_write_subscribers,
            read=_read_subscribers,
            required=True,
        ),
        Field("condition", path=("condition", "type"), default="absolute_value", required=True, shown=True),
        Field(
            "threshold",
            path=("threshold", "configuration"),
            normalise=_threshold,
            write=_write_threshold,
            read=_read_threshold,
            required=True,
        ),
        Field(
            "config",
            default={"type": "TrendsAlertConfig", "series_index": 0},
            read=_read_config,
            required=True,
        ),
        Field("calculation_interval", default="daily", shown=True),
        Field("enabled", default=True, shown=True),
        Field("skip_weekend", default=False),
        Field("schedule_restriction"),
    ),
)
