"""Ids in the place of references, and references in the place of ids. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import Properties

RefOf = Callable[[str, Any], Ref | None]
"""Returns the definition of a kind that has an id in PostHog; None where there is none."""


def with_ids(value: Any, id_of: Callable[[Ref], Any]) -> Any:
    """Return properties with what ``id_of`` says in the place of each reference."""
    if isinstance(value, Ref):
        return id_of(value)
    if isinstance(value, dict):
        return {name: with_ids(item, id_of) for name, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, id_of) for item in value]
    return value


def with_refs(kind: Kind, properties: Mapping[str, Any], ref_of: RefOf) -> Properties:
    """Return canonical properties with a reference in the place of each id, the inverse of :func:`with_ids`.

    Args:
        kind: the kind whose table says which fields name what.
        properties: canonical, as ``Kind.project`` reads them.
        ref_of: says which definition has an id; where it says None, the id stays.
    """
    fields = {field.name: field for field in kind.fields if field.refers_to}
    put = {name: _put(fields[name], value, ref_of) for name, value in properties.items() if name in fields}
    return kind.canonical({**properties, **put})  # references have another order than ids


def _put(field: Field, value: Any, ref_of: RefOf) -> Any:
    if field.ref:
        return _each(value, field.ref_at, partial(_ref, ref_of, field.ref))
    return _tree(value, field.tree, ref_of)


def _each(value: Any, at: str, change: Callable[[Any], Any]) -> Any:
    """Return a flat value with another one in the place of each id."""
    if isinstance(value, list):
        return [_each(item, at, change) for item in value]
    return {**value, at: change(value[at])} if at and at in value else change(value)


def _tree(value: Any, kinds: tuple[str, ...], ref_of: RefOf) -> Any:
    """Return a part of a tree with references to these kinds."""
    if isinstance(value, list):
        return [_tree(item, kinds, ref_of) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: _tree(item, kinds, ref_of) for name, item in value.items()}
    for name, kind in _places(value):
        if kind in kinds and name in result:
            result[name] = _each(result[name], "", partial(_ref, ref_of, kind))
    return result


def _places(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a node of PostHog's trees has an id, if it is there, and of what kind.

    Nodes are conditions of flags, criteria of cohorts, parts of queries and of metrics, and tiles.
    """
    type_ = node.get("type")
    if type_ == "cohort":
        yield "value", "cohort"  # of a filter
        yield "property", "cohort"  # of a breakdown
    if node.get("breakdown_type") == "cohort":
        yield "breakdown", "cohort"
    if type_ == "flag":
        yield "key", "flag"
    if node.get("event_type") == "actions":
        yield "key", "action"
    if node.get("kind") == "ActionsNode" or type_ == "actions":
        yield "id", "action"
    yield "variableId", "insight_variable"
    yield "insight", "insight"


def _ref(ref_of: RefOf, kind: str, id_: Any) -> Any:
    known = ref_of(kind, id_) if isinstance(id_, str | int) and not isinstance(id_, bool) else None
    return id_ if known is None else known


def readable(ref: Ref, id_: str) -> int | str:
    """Return an id as PostHog's API has it where an object is referred to."""
    # A provisional id is text: what refers to it is left out until there is a real one.
    return int(id_) if KINDS[ref.kind].numeric_id and id_.isdigit() else id_
