"""Notifications of alerts: PostHog's hog functions of type ``internal_destination`` that listen to one alert's firing.

Of a template's inputs those are the definition's that it mentions. Others stay as they are: what a new notification
begins with, and what people make of it.

A secret (a webhook's URL) is written ``{"env": NAME}``. Its value is read from the environment when it is sent and
is in no state; the state keeps a digest of it, so that a value changed on either side is a difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from providers.posthog.kinds.base import Directory, Field, Kind, Properties, Reading, read_id
from providers.posthog.kinds.normal import plain, text
from providers.posthog.kinds.wording import SWITCH, WATCH, Wording

FIRING = "$insight_alert_firing"
# The name of an input in definitions, if PostHog's template has another one.
_INPUT_NAMES = {"workspace": "slack_workspace"}
_OUR_NAMES = {theirs: ours for ours, theirs in _INPUT_NAMES.items()}
_MAY_BE_SECRET = ("url",)
_COMPILED = ("bytecode", "bytecode_error")


_TEXT = (
    "Alert *{event.properties.alert_name}* is firing on "
    "<{project.url}/insights/{event.properties.insight_id}|{event.properties.insight_name}>: "
    "{event.properties.breaches}"
)


def blocks(text: str) -> list[dict[str, Any]]:
    """Return the message blocks that show a text, which Slack shows in the place of the text itself."""
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


_START: dict[str, dict[str, Any]] = {
    "channel": {"text": _TEXT, "blocks": blocks(_TEXT)},
    "url": {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": {"event": "{event}"}},
}
"""What a new notification begins with where its definition says nothing, by an input that its template must have. The
templates' own defaults speak of a person, and an alert has none."""


class _Unsaid(dict[str, Any]):
    """An input that the definition does not mention: of an object that is there, the live one is kept."""


def digest(secret: str) -> str:
    """Return what state keeps of a secret: enough to see that it changed, too little to get it back."""
    return hashlib.scrypt(secret.encode(), salt=b"ai-admin", n=2**12, r=8, p=1, dklen=12).hex()


def _filters(alert_id: Any) -> dict[str, Any]:
    return {
        "events": [{"id": FIRING, "type": "events"}],
        "properties": [{"key": "alert_id", "value": alert_id, "operator": "exact", "type": "event"}],
    }


def _read_alert(raw: Any, _: Reading) -> Any:
    """Return the alert's id, or the whole filters where they are not the ones of an alert's notification."""
    if not isinstance(raw, dict):
        return raw
    filters = {name: item for name, item in plain(raw).items() if item and name not in _COMPILED}
    if filters.get("source") == "events":
        del filters["source"]
    for name in ("events", "properties"):
        if name in filters:
            filters[name] = [_as_written(item) for item in filters[name]]
    properties: list[dict[str, Any]] = filters.get("properties") or [{}]
    listens = properties[0].get("value")
    return listens if filters == _filters(listens) else filters


def _as_written(item: dict[str, Any]) -> dict[str, Any]:
    """Return an event or a property of filters without what PostHog and its page add."""
    added = ("name", "order") if "id" in item else ()
    return {name: value for name, value in item.items() if value != [] and name not in (*_COMPILED, *added)}


def _write_inputs(value: dict[str, Any], directory: Directory) -> Any:
    result: dict[str, Any] = {}
    for name, item in value.items():
        if name == "workspace":
            item = directory.integration_id("slack", item)
        elif _is_secret(name, item):
            item = directory.secret(item["env"])
        result[_INPUT_NAMES.get(name, name)] = {"value": item}
    begun = {name: item for needed, start in _START.items() if needed in value for name, item in start.items()}
    return {**{name: _Unsaid(value=item) for name, item in begun.items() if name not in value}, **result}


def _carry_inputs(new: Any, live: Any) -> Any:
    """Return the definition's inputs among the live ones: PostHog puts what is sent in the place of all."""
    if not isinstance(new, dict):
        return new
    kept = {
        name: {part: item[part] for part in ("value", "templating", "secret") if part in item}
        for name, item in (live or {}).items()
        if isinstance(item, dict)
    }
    return {**new, **{name: item for name, item in kept.items() if isinstance(new.get(name, _Unsaid()), _Unsaid)}}


def _is_secret(name: str, value: Any) -> bool:
    return name in _MAY_BE_SECRET and isinstance(value, dict) and "env" in value


def _secrets(properties: Properties) -> Iterator[dict[str, str]]:
    inputs: dict[str, Any] = properties.get("inputs") or {}
    for name, value in inputs.items():
        if _is_secret(name, value):
            yield value


def _read_inputs(raw: Any, reading: Reading) -> Any:
    """Return the inputs that are the definition's, by our names; where there is none, those that differ from the
    template's defaults.
    """
    known = reading.known.get("inputs") or {}
    defaults = {item.get("key"): item.get("default") for item in reading.live.get("inputs_schema") or ()}
    result: dict[str, Any] = {}
    for theirs, item in (raw or {}).items():
        name = _OUR_NAMES.get(theirs, theirs)
        value = item.get("value") if isinstance(item, dict) else item
        if isinstance(item, dict) and item.get("templating") not in ("hog", True, None):
            value = {"value": value, "templating": item["templating"]}  # the same text means something else
        if name not in known and ("inputs" in reading.known or value == defaults.get(theirs)):
            continue
        if name == "workspace" and isinstance(value, int | float):
            value = reading.directory.integration_name("slack", int(value))
        elif _is_secret(name, known.get(name)):
            value = _read_secret(item, value, known[name])
        result[name] = value
    return result


def _read_secret(item: Any, value: Any, known: dict[str, Any]) -> dict[str, Any]:
    # A secret input reads back as a marker without its value: then what was sent last is all that can be known.
    if isinstance(item, dict) and item.get("secret"):
        return known
    return {"env": known["env"], "digest": digest(str(value))}


def _masking(value: Any) -> Any:
    value = plain(value)
    return {name: item for name, item in value.items() if name not in _COMPILED} if isinstance(value, dict) else value


def _blocks_text(value: Any) -> str:
    """Return the texts in the message blocks of Slack."""
    if isinstance(value, list):
        return " ".join(filter(None, map(_blocks_text, value)))
    if not isinstance(value, dict):
        return ""
    inner = _blocks_text([each for each in value.values() if isinstance(each, dict | list)])
    return f"{value['text']} {inner}".strip() if isinstance(value.get("text"), str) else inner


_MESSAGE = Wording(
    "message",
    parts={
        "channel": Wording("Slack channel"),
        "workspace": Wording("Slack workspace"),
        "text": Wording("message", quoted=True),
        "blocks": Wording("blocks of the message", show=_blocks_text, quoted=True),
        "url": Wording("the webhook's address"),
        "method": Wording("method of the webhook"),
        "headers": Wording("what the webhook's headers say"),
    },
    public=("channel", "workspace", "text", "blocks", "method"),
)
"""Where a message goes and what it says. An address, headers and a body may hold secrets."""

NOTIFICATION = Kind(
    name="notification",
    type="HogFunction",
    collection="hog_functions",
    scope="hog_function",
    pages=("functions/{id}",),
    homes=("alert",),
    natural_key=("name", "alert"),
    numeric_id=False,
    # The list is minimal unless asked for the full objects.
    lists=({"type": "internal_destination", "full": "true"},),
    constants={"type": "internal_destination"},
    needs=("integration:read",),
    secrets=_secrets,
    weight=WATCH,
    fields=(
        Field("name", normalise=text, required=True),
        # PostHog copies the template's into a new one without it.
        Field("description", default="", normalise=text, copied=("template", "description"), manageable=False),
        Field("enabled", default=True, required=True, manageable=False, shown=True, wording=SWITCH),
        # Written as `template_id`, read as the template itself; what was copied from it does not follow a change.
        Field(
            "template",
            path=("template_id",),
            read_path=("template",),
            read=read_id,
            immutable=True,
            required=True,
        ),
        Field(
            "alert",
            ref="alert",
            path=("filters",),
            write=lambda value, _: _filters(value),
            read=_read_alert,
            required=True,
        ),
        Field(
            "inputs",
            wording=_MESSAGE,
            default={},
            write=_write_inputs,
            read=_read_inputs,
            carry=_carry_inputs,
            secret=True,
            required=True,
            clearable=False,
        ),
        # The program that runs, which the page lets people edit. No definition has one: it is the template's.
        Field("hog", wording=Wording("code"), copied=("template", "code"), normalise=text, manageable=False),
        # How many firings become one message.
        Field(
            "masking",
            wording=Wording(
                "grouping of messages", parts={"ttl": Wording("time", unit=" s"), "hash": Wording("what is grouped")}
            ),
            normalise=_masking,
            manageable=False,
        ),
    ),
    left={
        "inputs_schema": "goes with the template",
        "icon_url": "goes with the template",
        "mappings": "PostHog refuses them for this type of function",
        "execution_order": "an order of transformations; this type has none",
        "batch_export_id": "for functions of batch exports",
        "base_updated_at": "a condition on a write, not a part of the object",
    },
)
