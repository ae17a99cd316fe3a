"""A cohort's `filters`: validation, the rewriting on save, and what they refer to (PostHog: posthog/api/cohort.py).

PostHog validates with pydantic models that forbid extra keys, then dumps them without nulls and compiles every leaf for
its realtime matcher. The bytecode here has the matcher's shape and is stable; nothing runs it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.storage.store import Data, Store
from sandbox.wire.errors import Invalid

Filters = dict[str, Any]
Leaf = dict[str, Any]

# The keys a leaf may have. The dump always shows `negation`, others only when they are sent.
_PERSON = "type key operator value"
_BEHAVIORAL = (
    "type key value event_type time_value time_interval operator operator_value seq_time_interval seq_time_value"
    " seq_event seq_event_type total_periods min_periods event_filters explicit_datetime explicit_datetime_to"
)
LEAVES: dict[str, dict[str, Any]] = {
    kind: {**dict.fromkeys(names.split()), "negation": False}
    for kind, names in {
        "person": _PERSON,
        "person_metadata": _PERSON,
        "cohort": "type key value",
        "behavioral": _BEHAVIORAL,
    }.items()
}
REQUIRED = {
    "person": ("key",),
    "person_metadata": ("key",),
    "cohort": ("key", "value"),
    "behavioral": ("key", "value", "event_type"),
}
ADDED = frozenset({"bytecode", "bytecode_error", "conditionHash"})  # may be echoed back
COMPILED_BEHAVIOUR = frozenset({"performed_event", "performed_event_multiple"})
INTEGERS = frozenset({"time_value", "operator_value", "seq_time_value", "total_periods", "min_periods"})


def check(filters: Any, store: Store, project: str) -> Filters:
    """The filters to store for sent ones. Raises `Invalid` with PostHog's text."""
    if not isinstance(filters, dict) or "properties" not in filters:
        raise Invalid("Must contain a 'properties' key with type and values", "filters__detail")
    extra = sorted(set(filters) - {"properties"})
    if extra:
        raise _forbidden((extra[0],), filters[extra[0]])
    return {"properties": _group(filters["properties"], ("properties",), store, project)}


def has_criteria(filters: Any) -> bool:
    """Whether there is at least one leaf."""
    return isinstance(filters, dict) and next(leaves(filters), None) is not None


def _group(group: Any, path: tuple[Any, ...], store: Store, project: str) -> Filters:
    if not isinstance(group, dict):
        raise _pydantic(
            "model_type", path, "Input should be a valid dictionary or instance of CohortFilterGroup", group
        )
    if group.get("type") not in ("AND", "OR"):
        raise _wrong(group, "type", path, "literal_error", "Input should be 'AND' or 'OR'")
    for name in group:
        if name not in ("type", "values"):
            raise _forbidden((*path, name), group[name])
    if not isinstance(group.get("values"), list):
        raise _wrong(group, "values", path, "list_type", "Input should be a valid list")
    return {
        "type": group["type"],
        "values": [
            _group_or_leaf(value, (*path, "values", index), store, project)
            for index, value in enumerate(group["values"])
        ],
    }


def _group_or_leaf(value: Any, path: tuple[Any, ...], store: Store, project: str) -> Filters:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("AND", "OR"):
        return _group(value, (*path, kind), store, project)
    if kind in LEAVES:
        return _leaf(value, (*path, kind), store, project)
    if not isinstance(value, dict) or kind is None:
        raise _pydantic("union_tag_not_found", path, "Unable to extract tag using discriminator 'type'", value)
    raise _pydantic(
        "union_tag_invalid",
        path,
        f"Input tag '{kind}' found using 'type' does not match any of the expected tags: 'behavioral', "
        "'cohort', 'person', 'person_metadata', 'AND', 'OR'",
        value,
    )


def _leaf(leaf: Leaf, path: tuple[Any, ...], store: Store, project: str) -> Leaf:
    kind: str = leaf["type"]
    known = LEAVES[kind]
    for name in leaf:
        if name not in known and name not in ADDED:
            raise _forbidden((*path, name), leaf[name])
    missing = [name for name in REQUIRED[kind] if name not in leaf]
    if missing:
        raise Invalid(f"Missing required keys for {kind.partition('_')[0]} filter: {missing[0]}", "filters")
    if kind in ("person", "person_metadata"):
        _check_person(leaf, kind)
    _check_types(leaf, kind, path)
    result = {name: leaf.get(name, default) for name, default in known.items()}
    result = {name: value for name, value in result.items() if value is not None}
    return {**result, **_compiled(result, store, project)}


def _check_person(leaf: Leaf, kind: str) -> None:
    operator, value = leaf.get("operator"), leaf.get("value")
    missing = ["value"] if value is None and operator not in ("is_set", "is_not_set") else []
    missing += ["operator"] if operator is None else []
    if missing:
        raise Invalid(f"Missing required keys for {kind} filter: {', '.join(missing)}", "filters")


def _check_types(leaf: Leaf, kind: str, path: tuple[Any, ...]) -> None:
    if kind == "cohort":
        if leaf["key"] != "id":
            raise _pydantic("literal_error", (*path, "key"), "Input should be 'id'", leaf["key"])
        try:
            leaf["value"] = int(leaf["value"])
        except (TypeError, ValueError) as error:
            raise _pydantic(
                "int_parsing", (*path, "value"), "Input should be a valid integer", leaf["value"]
            ) from error
    if not isinstance(leaf.get("negation", False), bool):
        raise _pydantic("bool_parsing", (*path, "negation"), "Input should be a valid boolean", leaf["negation"])
    filters = leaf.get("event_filters")
    if filters is not None and not (isinstance(filters, list) and all(_is_event_filter(each) for each in filters)):
        raise _pydantic("model_type", (*path, "event_filters"), "Input should be a valid dictionary", filters)
    for name in INTEGERS & set(leaf):
        if leaf[name] is not None and (isinstance(leaf[name], bool) or not isinstance(leaf[name], int)):
            raise _pydantic("int_type", (*path, name), "Input should be a valid integer", leaf[name])
    if kind == "behavioral" and not isinstance(leaf["value"], str):
        raise _pydantic("string_type", (*path, "value"), "Input should be a valid string", leaf["value"])


def _is_event_filter(value: Any) -> bool:
    """PostHog's two models of such a filter forbid other keys; of an event or an element it wants a value as well."""
    if not isinstance(value, dict) or "key" not in value:
        return False
    if value.get("type") == "hogql":
        return value.keys() <= {"type", "key", "value"}
    return value.get("type") in ("event", "element") and "value" in value.keys() <= {"type", "key", "value", "operator"}


def _compiled(leaf: Leaf, store: Store, project: str) -> Leaf:
    """`bytecode` and `conditionHash` of a leaf that compiles, `bytecode_error` of one that doesn't."""
    if leaf["type"] == "cohort":
        other = store.get("cohort", leaf["value"], project)
        if other is None or other["cohort_type"] != "realtime":
            return {}
        code: list[Any] = ["_H", 1, 33, leaf["value"], 2, "inCohort", 1]
    elif leaf["type"] == "behavioral":
        if leaf["value"] not in COMPILED_BEHAVIOUR:
            return {"bytecode_error": "Unsupported behavioral filter for realtime bytecode"}
        code = ["_H", 1, 32, leaf["key"], 32, "event", 1, 1, 11]
        for prop in leaf.get("event_filters") or []:
            code += [32, json.dumps(prop.get("value")), 32, prop["key"], 32, "properties", 1, 2, 11, 3, 2]
    else:
        path = [32, leaf["key"], 32, "properties", 32, "person", 1, 3]
        code = ["_H", 1, 32, json.dumps(leaf.get("value")), *path, 2, leaf["operator"], 2]
    digest = hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()[:16]
    return {"bytecode": code, "conditionHash": digest}


def is_realtime(filters: Filters) -> bool:
    """Whether every leaf has compiled, so that the server calls the cohort `realtime`."""
    return all("bytecode" in leaf and leaf["type"] != "person_metadata" for leaf in leaves(filters))


def leaves(filters: Filters) -> Iterator[Leaf]:
    """Every leaf, at any depth."""
    return _walk(filters.get("properties"))


def _walk(node: Any) -> Iterator[Leaf]:
    if isinstance(node, dict):
        if isinstance(node.get("values"), list):
            for value in node["values"]:
                yield from _walk(value)
        elif "key" in node:
            yield node


def cohort_ids(row: Data) -> list[int]:
    """The cohorts that a cohort's criteria name."""
    return [leaf["value"] for leaf in leaves(row["filters"] or {}) if leaf.get("type") == "cohort"]


def first_behavioral(row: Data) -> Leaf | None:
    """The first event-based leaf of a dynamic cohort; criteria of a static one are inert."""
    if row["is_static"]:
        return None
    return next((leaf for leaf in leaves(row["filters"] or {}) if leaf.get("type") == "behavioral"), None)


def reached(cohort: Data, following: Callable[[Data], Iterable[Data]]) -> list[Data]:
    """A cohort and all that one gets to from it, each once."""
    found, queue = {cohort["id"]: cohort}, [cohort]
    while queue:
        for other in following(queue.pop(0)):
            if other["id"] not in found:
                found[other["id"]] = other
                queue.append(other)
    return list(found.values())


def named(store: Store, cohort: Data) -> list[Data]:
    """The cohorts that a cohort's criteria name and that exist."""
    return [other for each in cohort_ids(cohort) if (other := store.get("cohort", each)) is not None]


def with_dependencies(store: Store, cohort: Data) -> list[Data]:
    """A cohort and all it rests on; a static one rests on nothing."""
    return reached(cohort, lambda each: [] if each["is_static"] else named(store, each))


def _forbidden(path: tuple[Any, ...], value: Any) -> Invalid:
    return _pydantic("extra_forbidden", path, "Extra inputs are not permitted", value)


def _wrong(group: Filters, name: str, path: tuple[Any, ...], kind: str, message: str) -> Invalid:
    """What a field of a group is refused for, be it that it isn't there."""
    if name not in group:
        kind, message = "missing", "Field required"
    return _pydantic(kind, (*path, name), message, group.get(name))


def _pydantic(kind: str, path: tuple[Any, ...], message: str, value: Any) -> Invalid:
    """PostHog answers pydantic's own error list as text."""
    return Invalid(str([{"type": kind, "loc": path, "msg": message, "input": value}]), "filters")
