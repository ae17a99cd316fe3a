"""Subscriptions: an insight, a dashboard or what PostHog's AI answers to a prompt, sent to people again and again.

The address of a Microsoft Teams channel lets everybody who knows it post there: it is a secret, see ``notification``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.posthog.kinds.base import Feature, Field, Json, Kind, Properties, Reading, read_id
from providers.posthog.kinds.normal import instant, plain, text, unordered
from providers.posthog.kinds.notification import digest
from providers.posthog.kinds.phrases import choice_text, moment_text
from providers.posthog.kinds.wording import MOMENT, SWITCH, WATCH, Wording, switchable

# How a delivery looks by default.
_DELIVERED = {
    "post_all_insights_in_main_message": False,
    **dict.fromkeys(("include_images", "include_feedback", "include_manage_link", "include_posthog_hint"), True),
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _addresses(value: Any) -> Any:
    """Return the addresses in one order: PostHog keeps e-mail addresses as one text with commas."""
    if not isinstance(value, str) or "@" not in value:
        return text(value)
    return ",".join(sorted({address.strip().lower() for address in value.split(",") if address.strip()}))


def _days(value: Any) -> Any:
    return [day for day in _DAYS if day in value] or None if isinstance(value, list | tuple) else plain(value)


def _read_content(_: Any, reading: Reading) -> Any:
    live = reading.live
    return "dashboard" if live.get("dashboard") else "ai_prompt" if live.get("prompt") else "insight"


def _read_target(raw: Any, reading: Reading) -> Any:
    # An address that is neither e-mail nor a Slack channel lets who knows it post there.
    if reading.live.get("target_type") in ("email", "slack") or not isinstance(raw, str):
        return raw
    known = reading.known.get("target_value")
    named = {"env": known["env"]} if isinstance(known, dict) and "env" in known else {}
    return {**named, "digest": digest(raw)}


def _secrets(properties: Properties) -> Iterator[dict[str, str]]:
    if isinstance(properties.get("target_value"), dict):
        yield properties["target_value"]


def _delivery(value: Any) -> Any:
    """Return how a delivery looks, without what it has anyway."""
    if not isinstance(value, dict):
        return plain(value)
    return {name: item for name, item in plain(value).items() if item != _DELIVERED.get(name)}


def _carry_delivery(new: Json, live: Json) -> Json:
    # PostHog accepts only what goes with the kind of subscription: only existing keys are restored.
    return {**{name: _DELIVERED[name] for name in live or {} if name in _DELIVERED}, **new}


def _read_workspace(raw: Any, reading: Reading) -> Any:
    return None if raw is None else reading.directory.integration_name("slack", int(raw))


SUBSCRIPTION = Kind(
    name="subscription",
    type="Subscription",
    collection="subscriptions",
    scope="subscription",
    pages=("insights/{insight_short_id}/subscriptions/{id}", "dashboard/{dashboard}/subscriptions/{id}"),
    folder="subscriptions",
    natural_key=("title", "target_type", "target_value"),
    weight=WATCH,
    needs=("integration:read",),
    secrets=_secrets,
    # Only insights that are on the dashboard are taken, and some come there with its tiles.
    after={"dashboard": "tiles"},
    fields=(
        Field("title", normalise=text, required=True),
        # PostHog infers it from what is sent, and refuses to change it afterwards.
        Field(
            "content_type",
            wording=Wording("content", show=choice_text),
            read_path=("dashboard",),
            read=_read_content,
            immutable=True,
            required=True,
        ),
        Field("insight", ref="insight", read=read_id, clearable=False),
        Field("dashboard", ref="dashboard", clearable=False),
        Field(
            "dashboard_export_insights",
            wording=Wording("insights"),
            written=("insights",),
            ref="insight",
            default=[],
            normalise=unordered,
            clearable=False,
            follows=True,
        ),
        Field("prompt", normalise=text, clearable=False),
        Field("target_type", wording=Wording("way of delivery", show=choice_text), required=True),
        Field(
            "target_value",
            wording=Wording("recipients", show=lambda value: str(value).replace(",", ", ")),
            normalise=_addresses,
            write=lambda value, directory: directory.secret(value["env"]) if isinstance(value, dict) else value,
            read=_read_target,
            required=True,
        ),
        Field(
            "workspace",
            path=("integration_id",),
            write=lambda value, directory: directory.integration_id("slack", value),
            read=_read_workspace,
            manageable=False,
        ),
        Field("frequency", wording=Wording("period", show=choice_text), required=True),
        # PostHog's model has a default, but its API requires the field.
        Field("interval", default=1, required=True, start=1, wording=Wording("periods from one delivery to the next")),
        Field("byweekday", normalise=_days, wording=Wording("weekdays")),
        Field("bysetpos", wording=Wording("place in the month")),
        Field("count", wording=Wording("number of deliveries")),
        Field("start_date", normalise=instant, wording=MOMENT, required=True),
        Field("until_date", normalise=instant, wording=Wording("end date", show=moment_text)),
        # PostHog removes an insight that leaves the dashboard, and pauses a subscription without insights.
        Field("enabled", default=True, shown=True, wording=SWITCH, follows=True),
        Field(
            "summary_enabled",
            default=False,
            wording=switchable("comes with a summary by PostHog's AI", "comes without a summary"),
            feature=Feature("the organisation's consent to AI", refusal="AI data processing must be approved"),
        ),
        Field(
            "summary_prompt_guide",
            wording=Wording("instructions for the summary"),
            default="",
            normalise=text,
            feature=Feature("the organisation's access to AI summary context", refusal="Setting AI summary context"),
        ),
        Field(
            "delivery_config",
            default={},
            normalise=_delivery,
            carry=_carry_delivery,
            wording=Wording("look of a delivery"),
        ),
        # By default PostHog delivers a new subscription, and one whose content changed, at once.
        Field(
            "send_test_now",
            default=False,
            required=True,
            manageable=False,
            kept=False,
            wording=switchable("is delivered at once too, with every change", "is delivered when its time comes only"),
        ),
    ),
    left={
        "ai_prompt_config": "how far back a prompt looks; left out, to the last delivery",
        "contexts": "dashboards and insights that a prompt's answer starts from; PostHog finds its own without",
        "proactive_config": "what PostHog's agents may do in repositories of code after a report",
        "ai_config": "which model answers a prompt, for PostHog before September 2026",
        "invite_message": "a line of the first e-mail; PostHog does not keep it",
    },
)
