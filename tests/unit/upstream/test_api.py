"""Net one: the kinds and the sandbox agree with the bodies that PostHog publishes, or say why not."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Kind
from sandbox.rest.fields import Field, choice, text
from sandbox.rest.registry import resources
from tests.unit.upstream.compare_api import choices, sandbox_findings, schema_findings, table_findings
from tests.unit.upstream.settled import Entry, Finding, idle, stored, unsettled

API: dict[str, Any] = stored("api.json")
PLACES: dict[str, dict[str, list[str]]] = stored("places.json")["api"]
SETTLED: list[Entry] = stored("settled.json")["api"]
# Tiles are written with their dashboard's body; of events no package publishes one.
PUBLISHED = [kind for kind in KINDS.values() if kind.collection in API and kind.name != "tiles"]
SERVED = {each.collection: each for each in resources() if each.collection in API}


def kind_findings(kind: Kind, api: dict[str, Any]) -> Iterator[Finding]:
    body = api[kind.collection]
    yield from table_findings(kind, body)
    yield from schema_findings(kind, body, PLACES.get(kind.name, {}))


def served_findings(collection: str) -> Iterator[Finding]:
    yield from sandbox_findings(collection, SERVED[collection].fields, API[collection])


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.name)
def test_what_posthog_takes_of_a_kind_is_what_its_table_and_schema_say(kind: Kind) -> None:
    assert unsettled(kind_findings(kind, API), SETTLED) == []


@pytest.mark.parametrize("collection", SERVED)
def test_what_posthog_takes_is_what_the_sandbox_takes(collection: str) -> None:
    assert unsettled(served_findings(collection), SETTLED) == []


def test_every_settled_difference_is_still_there() -> None:
    found = [each for kind in PUBLISHED for each in kind_findings(kind, API)]
    found += [each for collection in SERVED for each in served_findings(collection)]
    assert idle(found, SETTLED) == []


def test_every_collection_is_of_a_kind_or_served() -> None:
    assert set(API) == {kind.collection for kind in PUBLISHED} | set(SERVED)


# That the net holds ------------------------------------------------------------------------------------------


def changed(collection: str, **create: list[Any]) -> dict[str, Any]:
    """The facts, with other fields in a body."""
    api = copy.deepcopy(API)
    api[collection]["create"].update(create)
    return api


def new_findings(kind: Kind, api: dict[str, Any]) -> list[str]:
    """The sentences that a kind has beside those that it has in any case."""
    standing = {each.name for each in kind_findings(KINDS[kind.name], API)}
    return [str(each) for each in kind_findings(kind, api) if each.name not in standing]


def test_a_new_field_upstream_is_found_with_what_to_do() -> None:
    assert new_findings(KINDS["flag"], changed("feature_flags", colour=[])) == [
        "flag blind colour: PostHog can write this field: own it in providers/posthog/kinds/flag.py, or name it in "
        "`left` with the reason, or say in tests/upstream/settled.json why not"
    ]


def test_a_new_part_of_a_column_that_the_table_splits_is_found() -> None:
    [sentence] = new_findings(KINDS["flag"], changed("feature_flags", **{"filters.sticky": []}))
    assert sentence.startswith("flag blind filters.sticky: ")


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.name)
def test_a_field_that_is_taken_out_of_a_table_is_found(kind: Kind) -> None:
    body = {**API[kind.collection]["create"], **API[kind.collection]["update"]}
    for field in kind.fields:
        [name, *parts] = field.api_path
        if name in body and not parts and not any(each.startswith(f"{name}.") for each in kind.left):
            poorer = dataclasses.replace(kind, fields=tuple(each for each in kind.fields if each is not field))
            assert any(f" blind {name}: " in each for each in new_findings(poorer, API)), name


def test_a_required_field_that_is_not_always_sent_is_found() -> None:
    fields = tuple(dataclasses.replace(each, required=False) for each in KINDS["alert"].fields)
    sentences = new_findings(dataclasses.replace(KINDS["alert"], fields=fields), API)
    assert [each.split(":")[0] for each in sentences] == [
        "alert sends not always insight",
        "alert sends not always subscribed_users",
        "alert sends not always threshold",
    ]


def test_a_field_that_is_only_answered_is_found() -> None:
    name = KINDS["annotation"].fields[0]
    kind = dataclasses.replace(KINDS["annotation"], fields=(dataclasses.replace(name, path=("created_by",)),))
    assert any(each.startswith("annotation writes created_by: ") for each in new_findings(kind, API))


def test_a_value_that_people_can_not_write_and_one_that_is_no_more_are_found() -> None:
    api = changed("feature_flags", evaluation_runtime=["all", "client", "edge"])
    assert [each.split(":")[0] for each in new_findings(KINDS["flag"], api)] == [
        "flag schema lacks evaluation_runtime=edge",
        "flag schema has evaluation_runtime=server",
    ]


def test_what_the_sandbox_takes_otherwise_is_found() -> None:
    body = {"create": {"a": ["x", "y"], "b": [], "c": ["x"]}, "update": {}, "required": ["b"], "answered": []}
    fields = (Field("a", choice("x", "z")), Field("c", text()), Field("d", text(), required=True))
    assert [each.name for each in sandbox_findings("things", fields, body)] == [
        "sandbox things takes not b",
        "sandbox things takes d",
        "sandbox things asks not for b",
        "sandbox things asks for d",
        "sandbox things refuses a=y",
        "sandbox things takes a=z",
        "sandbox things takes any c",
    ]
    assert choices(choice("x", "z")) == {"x", "z"}


def test_an_entry_settles_a_finding_and_one_without_a_finding_is_found() -> None:
    found = [Finding("flag blind colour", "own it"), Finding("flag blind size", "own it")]
    entries: list[Entry] = [{"why": "", "names": ["flag blind c*", "flag blind weight"]}]
    assert unsettled(found, entries) == [str(found[1])]
    assert [each.split(":")[0] for each in idle(found, entries)] == ["flag blind weight"]
