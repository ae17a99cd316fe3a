"""A hog function's schema, inputs and filters: checked, compiled and ordered (PostHog: posthog/cdp/validation.py,
filters.py).

The bytecode begins as PostHog's and changes with its source; nothing here runs it.
"""

import json
import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

from sandbox.rest.fields import Field, choice, integer, items, mapping, text
from sandbox.storage.store import Data
from sandbox.wire.errors import Invalid, Required

SCHEMA_KEYS = tuple(
    "type key label choices required default secret hidden description integration integration_key requires_field"
    " integration_field requiredScopes templating".split()
)
SCHEMA_TYPES = frozenset(
    "string number boolean dictionary choice json integration integration_field email native_email".split()
)
COMPILED = frozenset({"string", "boolean", "dictionary", "json", "email", "native_email"})
MASK = "********"
MASKING = (
    Field("ttl", integer(60, 24 * 60 * 60), required=True),
    Field("threshold", integer(), null=True),
    Field("hash", text(blank=False), required=True),
)
BEGIN = ("_H", 1)
USES = re.compile(r"\binputs\.([A-Za-z_][A-Za-z0-9_]*)")
MANAGED_EVENTS = frozenset(
    {"$logs_alert_firing", "$logs_alert_resolved", "$logs_alert_errored", "$error_tracking_issue_spiking"}
)


def schema(sent: Any) -> list[Data]:
    """A cleaned `inputs_schema`: `required`, `secret` and `hidden` filled in, unknown keys gone."""
    cleaned: list[Data] = []
    for item in items()(sent, "inputs_schema"):
        if not isinstance(item, dict) or not item.get("key"):
            raise Required("inputs_schema__key")
        choice(*SCHEMA_TYPES)(item.get("type"), "inputs_schema__type")
        known = {name: item[name] for name in SCHEMA_KEYS if name in item}
        cleaned.append({"required": False, "secret": False, "hidden": False, **known})
    return cleaned


def inputs(sent: Data, schema: list[Data], stored: Data) -> tuple[Data, Data]:
    """The inputs to store, and apart from them the secret ones; what the schema doesn't name is dropped.

    Raises:
        Invalid: attr `inputs__<key>`: a required input is missing, a value has the wrong type, a secret that
            isn't stored is referred to.
    """
    found: Data = {}
    secret: Data = {}
    for item in schema:
        key = item["key"]
        given = sent.get(key)
        if isinstance(given, dict) and item["secret"] and given.get("secret") and given.get("value", MASK) == MASK:
            if key not in stored:
                raise _refuse(key, "No value is saved for this secret input. Enter the value again.")
            secret[key] = stored[key]
            continue
        value = given.get("value") if isinstance(given, dict) else None
        if not given and item["required"] and item.get("default") is not None:
            value = deepcopy(item["default"])
        if value is None or value == "":
            if item["required"]:
                raise _refuse(key, "This field is required.")
            if not isinstance(given, dict):
                continue
        templating = given.get("templating") if isinstance(given, dict) else None
        (secret if item["secret"] else found)[key] = _input(item, value, templating)
    return _ordered(found, secret), secret


def _refuse(key: str, detail: str) -> Invalid:
    return Invalid(detail, f"inputs__{key}")


def _input(item: Data, value: Any, templating: Any) -> Data:
    if value:  # nothing else is checked or compiled
        _check(item, value)
    result: Data = {"value": value}
    if templating is not None or "templating" in item:
        result["templating"] = templating or ("hog" if item["templating"] is True else item["templating"])
    if value and item["type"] in COMPILED and result.get("templating") not in (False, "liquid"):
        result["bytecode"] = _compiled(item["key"], value)
    return result


def _check(item: Data, value: Any) -> None:
    """Refuse a value of another type; a choice may be anything, and an `integration_field` too."""
    kind, key = item["type"], item["key"]
    if kind == "string" and not isinstance(value, str):
        raise _refuse(key, "Value must be a string.")
    if kind == "number" and not isinstance(value, int | float):
        raise _refuse(key, "Value must be a number.")
    if kind == "boolean" and not isinstance(value, bool):
        if item.get("templating") is False:
            raise _refuse(key, "Value must be a boolean.")
        if not isinstance(value, str):
            raise _refuse(key, "Value must be a boolean or a template string.")
    if kind == "dictionary" and not isinstance(value, dict):
        raise _refuse(key, "Value must be a dictionary.")
    if kind == "integration" and not isinstance(value, int):
        raise _refuse(key, "Value must be an Integration ID.")


def masking(sent: Any, attr: str) -> Data:
    """How often a function runs for the same thing: its known keys, with the hash's bytecode.

    Raises:
        Invalid: attr `masking__<key>`: the time is below a minute or above a day, it or the hash is missing.
    """
    given = mapping(sent, attr)
    found: Data = {}
    for each in MASKING:
        named = replace(each, name=f"{attr}__{each.name}")
        if each.name in given:
            found[each.name] = named.clean(given[each.name])
        elif each.required:
            raise Required(named.name)
    return {**found, "bytecode": _compiled("hash", found["hash"])}


def _compiled(key: str, value: Any) -> Any:
    if isinstance(value, str):
        if value.count("{") != value.count("}"):
            raise _refuse(key, "Invalid template: unbalanced braces")
        return [*BEGIN, 32, value]
    if isinstance(value, dict):
        return {name: _compiled(key, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_compiled(key, item) for item in value]
    return value


def _ordered(found: Data, secret: Data) -> Data:
    """Number the inputs so that one comes after those it speaks of; `order` is the number."""
    names = list({**found, **secret})
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in done or name in above or name not in names:
            return
        value = {**found, **secret}[name].get("value")
        for used in USES.findall(json.dumps(value)):
            visit(used, (*above, name))
        done.append(name)

    for name in names:
        visit(name, ())
    for position, name in enumerate(done):
        (found if name in found else secret)[name]["order"] = position
    return {name: found[name] for name in done if name in found}


def filters(sent: Data | None) -> Data:
    """Filters with `source` and bytecode. Raises `Invalid` for events that only the alerts API may send."""
    result = dict(sent or {})
    events = [event.get("id") for event in result.get("events") or [] if isinstance(event, dict)]
    if any(event in MANAGED_EVENTS for event in events):
        raise Invalid("Alert notification destinations are managed through the alert API.", "filters")
    for name in ("events", "actions", "properties"):
        entries = result.get(name)
        if entries is not None and not (isinstance(entries, list) and all(isinstance(each, dict) for each in entries)):
            raise Invalid(f"Invalid filter configuration: {name} must be a list of objects", "filters")
    result.setdefault("source", "events")
    asked = [result.get(name) or [] for name in ("events", "properties")]
    result["bytecode"] = [*BEGIN, 32, json.dumps(asked)] if any(asked) else [*BEGIN, 29]
    return result


def program(hog: str) -> list[Any]:
    """Bytecode of a program. Raises `Invalid` for text whose brackets don't match."""
    for opening, closing in ("()", "{}", "[]"):
        if hog.count(opening) != hog.count(closing):
            raise Invalid("Hog code has errors.", "hog")
    return [*BEGIN, 32, hog, 38]
