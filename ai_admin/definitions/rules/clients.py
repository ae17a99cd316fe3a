"""Fields for generated clients (``ai-admin clients``) have values that clients can return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.rules.variants import variant_keys
from ai_admin.definitions.spelling import listed, suggestion
from ai_admin.definitions.unreadable import at, is_readable

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a text"),
    "boolean": ((bool,), "true or false"),
    "object": ((dict,), "a mapping"),
    "array": ((list,), "a list"),
}


@rule("flag")
def numbers_are_under_the_ceiling(unit: Unit, _: Index) -> Iterator[Finding]:
    """No payload of a flag, nor its fallback, is above its ceiling."""
    ceiling = at(unit.value, "ceiling")
    if not _is_number(ceiling):
        return
    for path, number in _numbers(unit):
        if _is_number(number) and number > ceiling:
            fix = f"write at most {ceiling}, or raise the ceiling"
            yield Finding(path, f"{number} is above the flag's ceiling of {ceiling}", fix)


@rule("flag")
def fallback_can_be_given(unit: Unit, _: Index) -> Iterator[Finding]:
    """A flag's fallback has the type of its readers: a payload of its type, one of its variants, true or false."""
    fallback, kind, variants = at(unit.value, "fallback"), at(unit.value, "payload_type"), variant_keys(unit)
    if fallback is None or not is_readable(fallback, kind) or variants is None:
        return
    if kind is not None:
        types, wanted = _TYPES[kind]
        if not isinstance(fallback, types) or (isinstance(fallback, bool) and bool not in types):
            message = f"the fallback is not {wanted}, as payload_type says"
            yield Finding(("fallback",), message, f"write {wanted}, or remove it", whole=True)
    elif variants and fallback not in variants:
        fix = suggestion(str(fallback), variants, f"write {listed(variants)}")
        yield Finding(("fallback",), f'the flag has no variant "{fallback}"', fix)
    elif not variants and not isinstance(fallback, bool):
        message = "a flag without variants and payload_type gives true or false"
        yield Finding(("fallback",), message, "write one of them, or payload_type")


@rule("event")
def events_have_what_is_required(unit: Unit, _: Index) -> Iterator[Finding]:
    """A property that is required is one of an event: of an installation nothing has to be known."""
    if at(unit.value, "type") == "person":
        for name, item in at(unit.value, "properties", default={}).items():
            required = at(item, "required")
            if required is not None and is_readable(required):
                message = "only a property of an event can be required"
                yield Finding(("properties", name, "required"), message, "remove required", at_key=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(unit: Unit) -> Iterator[tuple[Path, Any]]:
    yield ("payload",), at(unit.value, "payload")
    yield ("fallback",), at(unit.value, "fallback")
    for n, variant in enumerate(at(unit.value, "variants", default=())):
        yield ("variants", n, "payload"), at(variant, "payload")
