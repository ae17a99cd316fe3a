"""Alerts and their notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ai_admin.definitions.forms.base import Gathered, Value, Written, fields, file, for_file, resource
from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Definition
from ai_admin.definitions.query import query_of
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.notification import blocks

_OWN = ("series", "column", "label_column", "rows", "check_ongoing_interval", "notify")


def expand(unit: Unit, index: Index) -> Iterator[Definition]:
    """Yield the alert, and one notification for Slack and one for the webhook where they are asked for.

    E-mail is PostHog's own: the organisation's members with these addresses subscribe to the alert.
    """
    value, notify = unit.value, unit.value.get("notify") or {}
    properties = fields(unit, *_OWN)
    properties["subscribed_users"] = notify.get("email") or []
    properties["config"] = _config(unit, index)
    yield resource("alert", unit.key, unit, properties)
    for way, template, inputs in (
        ("slack", "template-slack", slack_inputs),
        ("webhook", "template-webhook", webhook_inputs),
    ):
        if way in notify:
            name = f"{value['name']} ({'Slack' if way == 'slack' else 'webhook'})"
            notification = {
                "name": name,
                "template": template,
                "alert": Ref("alert", unit.key),
                "inputs": inputs(notify[way]),
                "adopt": notify[way].get("adopt"),
            }
            yield resource("notification", f"{unit.key}.{way}", unit, notification, ("notify", way))


def _config(unit: Unit, index: Index) -> dict[str, Any]:
    """Return which figure of the insight is watched; PostHog asks for it in a shape per kind of query."""
    insight = index.find("insight", unit.value["insight"])
    query = query_of(insight.value) if insight else None
    ongoing = {name: unit.value[name] for name in ("check_ongoing_interval",) if name in unit.value}
    if query is not None and query.kind == "HogQLQuery":
        named: dict[str, Any] = {name: unit.value[name] for name in ("column", "label_column") if name in unit.value}
        return {"type": "HogQLAlertConfig", "evaluation": f"{unit.value.get('rows', 'last')}_row", **named}
    if query is not None and query.kind == "FunnelsQuery":
        # Without a step PostHog watches the last one: the conversion of the whole funnel.
        step = {"funnel_step": unit.value["series"]} if "series" in unit.value else {}
        return {"type": "FunnelsAlertConfig", "metric": "conversion_from_start", **step, **ongoing}
    return {"type": "TrendsAlertConfig", "series_index": unit.value.get("series", 0), **ongoing}


def slack_inputs(value: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of PostHog's Slack template that ``notify.slack`` says; a text alone is shown as a block."""
    shown = {"blocks": blocks(value["text"])} if "text" in value else {}
    return {**shown, **{name: item for name, item in value.items() if name != "adopt"}}


def webhook_inputs(value: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of PostHog's webhook template that ``notify.webhook`` says."""
    return {name: item for name, item in value.items() if name != "adopt"}


def contract(gathered: Gathered) -> Iterator[Written]:
    """Yield a file per alert, with its notifications."""
    for key, properties in gathered.of("alert").items():
        value = for_file(KINDS["alert"], properties, "subscribed_users", "config")
        value["condition"] = properties.get("condition")
        if "threshold" in value:
            value["threshold"] = {
                n: item for n, item in value["threshold"].items() if (n, item) != ("type", "absolute")
            }
        config = properties.get("config", {})
        series = config.get("series_index") or config.get("funnel_step")
        value |= {"series": series} if series is not None else {}
        value |= {name: config[name] for name in ("check_ongoing_interval", "column", "label_column") if name in config}
        if config.get("evaluation", "last_row") != "last_row":
            value["rows"] = str(config["evaluation"]).removesuffix("_row")
        yield file("alert", key, {**value, "notify": _notify(gathered, key, properties)})


def _notify(gathered: Gathered, key: str, properties: Value) -> Value:
    notify: Value = {"email": properties["subscribed_users"]} if properties.get("subscribed_users") else {}
    ways: tuple[tuple[str, Callable[[Value], Value]], ...] = (("slack", slack_inputs), ("webhook", webhook_inputs))
    for way, inputs_of in ways:
        notification = gathered.of("notification").get(f"{key}.{way}")
        if notification is None:
            continue
        inputs = dict(notification.get("inputs", {}))
        shorter = {name: item for name, item in inputs.items() if name != "blocks"}
        notify[way] = shorter if inputs_of(shorter) == inputs else inputs
    return notify
