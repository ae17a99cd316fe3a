"""Net two: the query schemas have the fields and values of PostHog's own query nodes, or say why not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.upstream.compare_queries import findings
from tests.unit.upstream.settled import Entry, idle, stored, unsettled

NODES: dict[str, Any] = stored("queries.json")
PLACES: dict[str, str] = stored("places.json")["queries"]
SETTLED: list[Entry] = stored("settled.json")["queries"]


@pytest.mark.parametrize("node", NODES)
def test_a_node_of_posthog_is_what_the_schemas_say(node: str) -> None:
    places = {place: address for place, address in PLACES.items() if place.split("/")[0] == node}
    assert unsettled(findings({node: NODES[node]}, places), SETTLED) == []


def test_every_place_is_of_a_node_and_every_settled_difference_is_still_there() -> None:
    found = list(findings(NODES, PLACES))
    assert [each.name for each in found if each.name.endswith(" gone")] == []
    assert idle(found, SETTLED) == []


# That the net holds ------------------------------------------------------------------------------------------


def new_findings(nodes: dict[str, Any], places: dict[str, str] = PLACES) -> list[str]:
    standing = {each.name for each in findings(NODES, PLACES)}
    return [str(each) for each in findings(nodes, places) if each.name not in standing]


def test_a_new_field_a_new_value_and_a_newly_required_field_are_found() -> None:
    nodes = copy.deepcopy(NODES)
    nodes["LifecycleFilter"]["fields"]["showSum"] = []
    nodes["LifecycleFilter"]["fields"]["toggledLifecycles"].append("lost")
    nodes["LifecycleFilter"]["required"] = ["stacked"]
    assert new_findings(nodes) == [
        "LifecycleFilter lacks showSum: new in PostHog: describe the field in "
        "schemas/shared/queries/lifecycle.schema.json#/$defs/lifecycleFilter, or say in tests/upstream/settled.json "
        "why not",
        "LifecycleFilter asks not for stacked: PostHog requires the field: "
        "schemas/shared/queries/lifecycle.schema.json#/$defs/lifecycleFilter must too, or say in "
        "tests/upstream/settled.json why not",
        "LifecycleFilter lacks toggledLifecycles=lost: new in PostHog: add the value in "
        "schemas/shared/queries/lifecycle.schema.json#/$defs/lifecycleFilter, or say in tests/upstream/settled.json "
        "why not",
    ]


def test_a_field_and_a_value_that_posthog_has_no_more_are_found() -> None:
    nodes = copy.deepcopy(NODES)
    del nodes["LifecycleFilter"]["fields"]["stacked"]
    nodes["LifecycleFilter"]["fields"]["toggledLifecycles"].remove("dormant")
    assert [each.split(":")[0] for each in new_findings(nodes)] == [
        "LifecycleFilter has stacked",
        "LifecycleFilter has toggledLifecycles=dormant",
    ]


def test_a_field_that_has_values_in_posthog_alone_is_found() -> None:
    nodes = copy.deepcopy(NODES)
    nodes["LifecycleFilter"]["fields"]["stacked"] = ["yes", "no"]
    assert [each.split(":")[0] for each in new_findings(nodes)] == ["LifecycleFilter leaves stacked free"]


def test_a_new_node_and_one_that_is_gone_are_found() -> None:
    nodes = {**NODES, "filter moon": NODES["filter event"]}
    assert [each.split(":")[0] for each in new_findings(nodes)] == ["filter moon nowhere"]
    places = {**PLACES, "Moon": PLACES["DateRange"]}
    assert [each.split(":")[0] for each in new_findings(NODES, places)] == ["Moon gone"]
