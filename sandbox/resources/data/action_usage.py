"""Which insights, experiments, cohorts and hog functions name an action (PostHog:
products/actions/backend/api/action.py).

Traps: an action in use may be deleted nevertheless; flags and alerts aren't looked at.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sandbox.auth.users import show_user
from sandbox.storage.store import Data
from sandbox.wire.context import Context

MOST_SHOWN = 50
EXPERIMENT_FIELDS = (
    "metrics",
    "metrics_secondary",
    "filters",
    "parameters",
    "exposure_criteria",
    "stats_config",
    "scheduling_config",
    "variants",
)


def _every_object(value: Any) -> Iterator[Data]:
    """Every JSON object in a value, at any depth."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _every_object(each)


def _in_queries(value: Any) -> Iterator[Any]:
    """The ids of the actions that a query, a metric or old filters name."""
    for node in _every_object(value):
        if node.get("kind") == "ActionsNode" or node.get("type") == "actions":
            yield node.get("id")
        yield node.get("actionId")
    yield from _in_array(value)


def _in_array(value: Any) -> Iterator[Any]:
    """The ids of the actions in `actions`, as hog functions' filters name them."""
    named = value.get("actions") if isinstance(value, dict) else None
    yield from (each.get("id") for each in named or [] if isinstance(each, dict))


def _in_criteria(value: Any) -> Iterator[Any]:
    """The ids of the actions that a cohort's criteria name."""
    for node in _every_object(value):
        if node.get("event_type") == "actions":
            yield node.get("key")
        if node.get("seq_event_type") == "actions":
            yield node.get("seq_event")


class _Kind(NamedTuple):
    kind: str
    fields: tuple[str, ...]
    named: Callable[[Any], Iterator[Any]]
    identifier: str
    url: str


KINDS = (
    _Kind("insight", ("query", "filters"), _in_queries, "short_id", "/insights/"),
    _Kind("experiment", EXPERIMENT_FIELDS, _in_queries, "id", "/experiments/"),
    _Kind("cohort", ("filters",), _in_criteria, "id", "/cohorts/"),
    _Kind("hog_function", ("filters",), _in_array, "id", "/functions/"),
)


def _users(context: Context) -> Iterator[tuple[_Kind, Data, set[str]]]:
    """Every live object that names actions, with their ids."""
    for kind in KINDS:
        for row in context.store.select(kind.kind, str(context.project["id"]), "1 = 1", order="seq"):
            found = (each for field in kind.fields for each in kind.named(row.get(field)))
            named = {str(each) for each in found if isinstance(each, str | int)}
            if named and not row.get("deleted"):
                yield kind, row, named


def references(context: Context, action: Data) -> list[Data]:
    """`GET :id/references/`: what names the action."""
    found = [
        {
            "type": kind.kind,
            "id": str(row[kind.identifier]),
            "name": row["name"] or row.get("derived_name") or "Unnamed",
            "url": f"{kind.url}{row[kind.identifier]}",
            "created_at": row["created_at"],
            "created_by": show_user(context, row["created_by"]),
        }
        for kind, row, named in _users(context)
        if str(action["id"]) in named
    ]
    return found[:MOST_SHOWN]


def counts(context: Context) -> Counter[str]:
    """How many objects name each action, by its id."""
    return Counter(identifier for _, _, named in _users(context) for identifier in named)
