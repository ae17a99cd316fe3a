"""Subscriptions: an insight or a dashboard, sent to people again and again."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds.base import Directory, Field, Kind, Reading
from providers.posthog.kinds.normal import instant, plain, text, unordered

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _addresses(value: Any) -> Any:
    """Return the addresses in one order: PostHog keeps e-mail addresses as one text with commas."""
    if not isinstance(value, str) or "@" not in value:
        return text(value)
    return ",".join(sorted({address.strip().lower() for address in value.split(",") if address.strip()}))


def _days(value: Any) -> Any:
    return [day for day in _DAYS if day in value] or None if isinstance(value, list | tuple) else plain(value)


def _read_content(_: Any, reading: Reading) -> Any:
    return "dashboard" if reading.live.get("dashboard") else "insight"


def _write_workspace(value: str, directory: Directory) -> Any:
    return directory.integration_id("slack", value)


def _read_workspace(raw: Any, reading: Reading) -> Any:
    return None if raw is None else reading.directory.integration_name("slack", int(raw))


SUBSCRIPTION = Kind(
    name="subscription",
    type="Subscription",
    collection="subscriptions",
    scope="subscription",
    natural_key=("title", "target_type", "target_value"),
    needs=("integration:read",),
    # Only insights that stand on the dashboard are taken, and some come there with its tiles.
    after={"dashboard": "tiles"},
    fields=(
        Field("title", normalise=text, required=True, clearable=False, manageable=False),
        # PostHog infers it from what is sent, and refuses to change it afterwards.
        Field(
            "content_type",
            read=_read_content,
            immutable=True,
            required=True,
            clearable=False,
            manageable=False,
        ),
        Field("insight", clearable=False, manageable=False),
        Field("dashboard", clearable=False, manageable=False),
        Field("dashboard_export_insights", default=[], normalise=unordered, clearable=False, manageable=False),
        Field("target_type", required=True, clearable=False, manageable=False),
        Field("target_value", normalise=_addresses, required=True, clearable=False, manageable=False),
        Field(
            "workspace",
            path=("integration_id",),
            write=_write_workspace,
            read=_read_workspace,
            manageable=False,
        ),
        Field("frequency", required=True, clearable=False, manageable=False),
        Field("interval", default=1),
        Field("byweekday", normalise=_days),
        Field("bysetpos"),
        Field("count"),
        Field("start_date", normalise=instant, required=True, clearable=False, manageable=False),
        Field("until_date", normalise=instant),
        Field("enabled", default=True, shown=True),
        Field("summary_enabled", default=False),
        Field("summary_prompt_guide", default="", normalise=text),
    ),
    left={
        "prompt": "what a subscription asks PostHog's AI for, in place of an insight or a dashboard",
        "ai_config": "goes with prompt",
        "invite_message": "a line of the first e-mail; PostHog does not keep it",
    },
)
