"""Comparison and payloads: pure functions over a kind's field table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from providers.posthog.kinds.base import Directory, Field, Json, Kind, Properties, Reading
from providers.posthog.kinds.normal import json_text


def changed(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Field]:
    """Return the fields in which two canonical forms differ, in the order of the field table.

    Fields that ``new`` leaves to PostHog's pages are never among them, and those that ``old`` left to them and ``new``
    takes back always are: nothing is known of what is there. A value that is not known yet (in a preview) differs from
    everything.
    """
    unmanaged = new.get("unmanaged", ())
    unseen = {
        field.name
        for field in kind.fields
        if field.name in old.get("unmanaged", ()) and (field.clearable or field.name in new)
    }
    return [
        field
        for field in kind.fields
        if field.name not in unmanaged
        and (field.name in unseen or not same(old.get(field.name), new.get(field.name)))
    ]


def applied_last(kind: Kind, known: Mapping[str, Any], record: Mapping[str, str]) -> Properties:
    """Return the canonical form that was applied last: what a state has of an object, with its record of fields that a
    refresh found otherwise (``kinds.base.APPLIED``).
    """
    return kind.canonical({**known, **{name: json.loads(text) for name, text in record.items()}})


def record(kind: Kind, applied: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of what was applied last of fields that PostHog holds otherwise, unless encrypted by now."""
    differing = (field for field in changed(kind, applied, live) if not field.masked(live.get(field.name)))
    return {field.name: json_text(applied.get(field.name)) for field in differing}


def same(left: Any, right: Any) -> bool:
    """Return whether two canonical values are equal; unlike ``==``, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def known(value: Any) -> bool:
    """Return whether a canonical value is known; in a preview the id of a new object is not."""
    if isinstance(value, dict):
        return all(map(known, value.values()))
    if isinstance(value, list):
        return all(map(known, value))
    return value is None or isinstance(value, str | int | float)


def agrees(live: Any, wanted: Any) -> bool:
    """Return whether a live value is the wanted one as far as that is known."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        return live.keys() == wanted.keys() and all(agrees(live[name], wanted[name]) for name in live)
    if isinstance(wanted, list) and (live is None or isinstance(live, list)):
        live = live or []
        unknown = sum(not isinstance(item, dict | list) and not known(item) for item in wanted)
        if unknown:  # ids: each that is not known yet may be one of those that are there
            return sum(item not in wanted for item in live) <= unknown
        return len(live) == len(wanted) and all(map(agrees, live, wanted))
    return same(live, wanted) or not (isinstance(wanted, dict | list) or known(wanted))


def body(
    kind: Kind,
    fields: Iterable[Field],
    properties: Mapping[str, Any],
    directory: Directory,
    live: Mapping[str, Json] | None = None,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Json]:
    """Return the request body that sets these fields to what ``properties`` (canonical) say.

    ``live`` is the object that is changed and ``before`` its canonical form; None for a new one, which then gets the
    kind's constants too. A column that a PATCH has to send whole begins with what the object holds there. Raises
    whatever the directory raises for a name that PostHog does not know.
    """
    result: dict[str, Json] = dict(kind.constants) if live is None else {}
    unmanaged = properties.get("unmanaged", ())
    for field in fields:
        *parents, last = field.api_path
        if live is not None and parents and parents[0] in kind.whole:
            result.setdefault(parents[0], {**(live.get(parents[0]) or {})})
            result.update({name: live[name] for name in kind.with_whole if live.get(name)})
        place = result
        for step in parents:
            place = place.setdefault(step, {})
        value = properties.get(field.name)
        if field.name in unmanaged:  # and sent along with another one
            value = field.start if live is None else field.held(Reading(live, properties, directory))
        place[last] = field.to_api(value, directory, live, before)
        result.update(field.sent_with)
        if live is not None:
            result.update(field.again)
    return result


def with_always_sent(kind: Kind, fields: Iterable[Field]) -> list[Field]:
    """Return the fields of a change, and those that are sent with every write, or along with one of these."""
    fields = list(fields)
    names = {field.name for field in fields}
    always = (field for field in kind.fields if field.always or not field.kept or not names.isdisjoint(field.along))
    return [*fields, *(field for field in always if field not in fields)]


def created(kind: Kind, properties: Mapping[str, Any]) -> list[Field]:
    """Return the fields that a POST sends: what differs from the defaults, and what PostHog requires.

    A field that is left to PostHog's pages is among them only where PostHog makes no object without it.
    """
    unmanaged = properties.get("unmanaged", ())

    def sent(field: Field) -> bool:
        if field.name in unmanaged:
            return field.start is not None
        return field.required or not same(properties.get(field.name, field.default), field.default)

    return [field for field in kind.fields if sent(field)]
