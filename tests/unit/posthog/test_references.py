"""References and ids, each in the other's place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from ai_admin.definitions import load
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.references import with_ids, with_refs
from tests.campaigns.generated import GENERATED
from tests.support.checkouts import SAMPLES as CHECKOUT
from tests.support.samples import SAMPLES


class Ids:
    """Gives each reference an id: of every kind with numbers from 1, so that one kind's id is also another's."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Ref] = {}

    def of(self, ref: Ref) -> int | str:
        number = sum(kind == ref.kind for kind, _ in self._known) + 1
        known = next((id_ for (_, id_), each in self._known.items() if each == ref), None)
        id_ = known or (str(number) if KINDS[ref.kind].numeric_id else f"0190f3a2-0000-{number}")
        self._known[ref.kind, id_] = ref
        return int(id_) if id_.isdigit() else id_

    def ref(self, kind: str, id_: Any) -> Ref | None:
        return self._known.get((kind, str(id_)))


def there_and_back(kind: Kind, properties: Properties) -> int:
    """Put ids into a definition, as PostHog would hold it, and references back; return how many there are."""
    wanted, ids = kind.canonical(properties), Ids()
    live = kind.canonical(with_ids(wanted, ids.of))
    assert not list(refs(live))
    assert with_refs(kind, live, ids.ref) == wanted
    return len(list(refs(wanted)))


def samples(kind: str) -> Iterator[Properties]:
    least = SAMPLES[kind].least("x")
    yield {**least, **SAMPLES[kind].full}
    for name, each in SAMPLES[kind].fields.items():
        yield {**least, **each.requires, **each.with_it, name: each.value}


@pytest.mark.parametrize("kind", KINDS)
def test_references_come_back_from_ids_in_every_field(kind: str) -> None:
    found = sum(there_and_back(KINDS[kind], each) for each in samples(kind))
    flat = [field.name for field in KINDS[kind].fields if field.ref]
    assert found >= len(flat)


@pytest.mark.parametrize("kind", GENERATED)
def test_references_come_back_from_ids_in_random_definitions(kind: str) -> None:
    chance = random.Random(f"references-{kind}")
    found = sum(there_and_back(KINDS[kind], GENERATED[kind](chance, f"{kind}-{n}")) for n in range(60))
    assert found > 0 or not any(field.refers_to for field in KINDS[kind].fields)


def test_references_come_back_from_ids_in_the_sample_definitions() -> None:
    found = [there_and_back(KINDS[each.kind], each.properties) for each in load(CHECKOUT, "production").resources]
    assert sum(found) > 50


PLACES: list[tuple[str, str, Any]] = [
    ("insight", "query", {"kind": "TrendsQuery", "series": [{"kind": "ActionsNode", "id": Ref("action", "a")}]}),
    ("insight", "query", {"breakdownFilter": {"breakdown_type": "cohort", "breakdown": ["all", Ref("cohort", "c")]}}),
    ("insight", "query", {"breakdownFilter": {"breakdowns": [{"type": "cohort", "property": Ref("cohort", "c")}]}}),
    ("insight", "query", {"retentionFilter": {"targetEntity": {"id": Ref("action", "a"), "type": "actions"}}}),
    (
        "insight",
        "query",
        {"kind": "HogQLQuery", "variables": [{"variableId": Ref("insight_variable", "v"), "code_name": "v"}]},
    ),
    ("dashboard", "filters", {"properties": [{"type": "cohort", "key": "id", "value": Ref("cohort", "c")}]}),
    ("saved_metric", "query", {"source": {"kind": "ActionsNode", "id": Ref("action", "a")}}),
    ("experiment", "exposure_criteria", {"exposure_config": {"kind": "ActionsNode", "id": Ref("action", "a")}}),
    (
        "cohort",
        "filters",
        {"type": "OR", "values": [{"type": "behavioral", "event_type": "actions", "key": Ref("action", "a")}]},
    ),
]


@pytest.mark.parametrize(("kind", "field", "value"), PLACES)
def test_references_come_back_from_every_place_of_a_tree(kind: str, field: str, value: Any) -> None:
    assert there_and_back(KINDS[kind], {field: value}) == 1


def test_what_no_definition_has_stays_an_id() -> None:
    flag = KINDS["flag"].canonical(
        {"key": "f", "release_conditions": [{"properties": [{"type": "cohort", "value": 7}]}]}
    )
    assert with_refs(KINDS["flag"], flag, lambda *_: None) == flag
