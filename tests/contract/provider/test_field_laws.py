"""What holds for every field of every kind, through the provider's own reading and writing and the real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import count
from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Field, Kind
from tests.support.clocks import Leaping
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.samples.base import Body
from tests.support.samples.world import stand
from tests.support.sandbox import NEWER, running_sandbox

_NAMES = count(1)
Fields = dict[str, list[str]]
"""The fields that a law holds for, by kind."""


def having(holds: Callable[[Kind, Field], bool]) -> Fields:
    """The kinds with the fields that a law holds for, without the kinds that have none."""
    found = {kind.name: [field.name for field in kind.fields if holds(kind, field)] for kind in KINDS.values()}
    return {kind: names for kind, names in found.items() if names}


EVERY = having(lambda kind, field: True)
CLEARABLE = having(lambda kind, field: field.clearable and field.kept)
SHARED = having(lambda kind, field: bool(SAMPLES[kind.name].fields[field.name].theirs))
TOLD = having(lambda kind, field: not field.kept)
MANAGEABLE = having(lambda kind, field: bool(field.manageable))


SERVERS: dict[str, dict[str, Any]] = {"July 2026": {"gated_fields": "kept"}, "newer": NEWER}
DIFFERENT = ("flag", "experiment", "insight", "event", "subscription")
"""The kinds that the two servers treat differently; the others are tried on one of them."""


def on_each_server(*cases: Any, servers: Iterable[str] = SERVERS) -> list[Any]:
    """Cases that begin with a kind, each on the servers it is to be tried on; the last item is the case's name."""
    return [
        pytest.param(server, *case[:-1], id=f"{server}-{case[-1]}")
        for server in servers
        for case in cases
        if server == "July 2026" or case[0] in DIFFERENT
    ]


def each_kind(fields: Fields, servers: Iterable[str] = SERVERS) -> list[Any]:
    """A case for each kind: a law is tried on all of its fields in the same runs, each on an object of its own."""
    return on_each_server(*((kind, names, kind) for kind, names in fields.items()), servers=servers)


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Runs]]:
    """Starts each server once: pytest would start one anew whenever the next test is for another."""
    with ExitStack() as running:

        @cache
        def start(server: str) -> Runs:
            data = tmp_path_factory.mktemp("sandbox")
            sandbox = running.enter_context(running_sandbox(data, **SERVERS[server]))
            return Runs(sandbox, stand(sandbox), Leaping())  # this server's answers are never of before a write

        yield start


@pytest.fixture
def runs(request: pytest.FixtureRequest, desks: Callable[[str], Runs]) -> Runs:
    return desks(request.param)


def least(runs: Runs, kind: str) -> dict[str, Any]:
    """The smallest definition of a kind, of an object that no other test has."""
    samples, name = SAMPLES[kind], f"{kind}-{next(_NAMES)}"
    return {**samples.least(name), **samples.before(runs.sandbox, name)}


def with_and_without(
    runs: Runs, kind: str, fields: Iterable[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """For each field a definition with it set to its sample, and the same one with the field left out."""
    with_it, without = {}, {}
    for field in fields:
        sample = SAMPLES[kind].fields[field]
        without[field] = {**least(runs, kind), **sample.requires}
        with_it[field] = {**without[field], field: sample.value, **sample.with_it}
    return with_it, without


def nothing(value: Any) -> Any:
    """A raw value with all that is empty or switched off taken out: how PostHog shows what was never set varies."""
    if isinstance(value, dict):
        kept = {name: nothing(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        return [nothing(item) for item in value] or None
    return None if value in (False, "") else value


def raw(applied: Applied, field: str) -> Any:
    """What PostHog shows at a field's place, not seen through any of our normal forms."""
    [place] = [each.read_path or each.api_path for each in applied.kind.fields if each.name == field]
    value: Any = applied.live()
    for step in place:
        value = (value or {}).get(step)
    return nothing(value)


@pytest.mark.parametrize(("runs", "kind", "fields"), each_kind(CLEARABLE), indirect=["runs"])
def test_a_field_taken_out_of_a_definition_is_back_at_posthogs_default(
    runs: Runs, kind: str, fields: list[str]
) -> None:
    with_it, without = with_and_without(runs, kind, fields)
    objects = runs.made(kind, without)
    untouched = {field: raw(objects[field], field) for field in fields}
    assert unsaid(runs.applied(objects, with_it)) == []
    assert [field for field in fields if raw(objects[field], field) == untouched[field]] == []
    runs.applied(objects, without)
    assert runs.shown(objects, without) == no_change(fields)
    # What was never set may be shown as nothing, and later as the default.
    back = {
        field: (value, default_of(kind, field)) if value is None else (value,) for field, value in untouched.items()
    }
    assert [field for field in fields if raw(objects[field], field) not in back[field]] == []


@pytest.mark.parametrize(("runs", "kind", "fields"), each_kind(EVERY), indirect=["runs"])
def test_what_somebody_does_to_a_field_in_posthog_shows_and_is_put_back(
    runs: Runs, kind: str, fields: list[str]
) -> None:
    with_it, _ = with_and_without(runs, kind, fields)
    _, without = with_and_without(runs, kind, fields)
    samples = SAMPLES[kind].fields
    changed, added = ({field: getattr(samples[field], name) for field in fields} for name in ("changed", "added"))
    for definitions, edits in ((with_it, changed), (without, added)):
        objects = runs.made(kind, definitions)
        assert runs.shown(objects, definitions) == no_change(fields)  # as they were made
        for edited in rounds(edits):
            for field, edit in edited.items():
                objects[field].by_hand(edit)
            expected = no_change(fields) | {field: [field] for field in edited}
            assert runs.applied(objects, definitions) == expected, f"after {edited}"
        assert runs.shown(objects, definitions) == no_change(fields)


def rounds(edits: Mapping[str, Sequence[Body]]) -> Iterator[dict[str, Body]]:
    """The first edit of each field, then the second of those that have one, and so on."""
    for number in range(max(map(len, edits.values()))):
        yield {field: each[number] for field, each in edits.items() if number < len(each)}


def no_change(fields: Iterable[str]) -> dict[str, list[str]]:
    """What a run says of the objects of all fields where none has changed."""
    return {field: [] for field in fields}


def unsaid(differing: Mapping[str, list[str]]) -> list[str]:
    """The fields that a run does not name for the objects that were changed in them."""
    return [field for field, names in differing.items() if field not in names]


@pytest.mark.parametrize(("runs", "kind", "fields"), each_kind(SHARED), indirect=["runs"])
def test_what_people_add_to_a_set_shows_nowhere_and_stays(runs: Runs, kind: str, fields: list[str]) -> None:
    for theirs in rounds({field: SAMPLES[kind].fields[field].theirs for field in fields}):
        with_it, without = with_and_without(runs, kind, list(theirs))
        objects = runs.made(kind, with_it)
        added = {}
        for field, edit in theirs.items():
            before = raw(objects[field], field)
            objects[field].by_hand(edit)
            added[field] = [item for item in raw(objects[field], field) if item not in before]
            assert added[field], f"{edit} adds nothing"
        assert runs.shown(objects, with_it) == no_change(theirs)
        assert runs.applied(objects, without) == {field: [field] for field in theirs}
        assert {field: raw(objects[field], field) for field in theirs} == added


@pytest.mark.parametrize(("runs", "kind", "fields"), each_kind(TOLD), indirect=["runs"])
def test_what_posthog_does_not_keep_is_told_with_every_write_and_never_shows(
    runs: Runs, kind: str, fields: list[str]
) -> None:
    with_each, without_each = with_and_without(runs, kind, fields)
    for field in fields:
        with_it, without = with_each[field], without_each[field]
        runs.sandbox.requests()
        applied = Applied(runs, kind, without)
        told = {**without, name_of(kind): "Renamed"}
        assert applied.apply(told) == [name_of(kind)]
        assert [body[field] for _, _, body in runs.sandbox.writes()] == [default_of(kind, field)] * 2
        applied = Applied(runs, kind, with_it)
        assert applied.shown(with_it) == []
        assert [body[field] for _, _, body in runs.sandbox.writes()] == [with_it[field]]


def default_of(kind: str, field: str) -> Any:
    return next(each.default for each in KINDS[kind].fields if each.name == field)


def name_of(kind: str) -> str:
    """The field by which people find an object of a kind."""
    return KINDS[kind].natural_key[0]


@pytest.mark.parametrize(("runs", "kind", "fields"), each_kind(MANAGEABLE, ["July 2026"]), indirect=["runs"])
def test_a_field_left_to_posthog_is_neither_shown_nor_written(runs: Runs, kind: str, fields: list[str]) -> None:
    """On one server: what is not ours is not sent, whatever a server would make of it."""
    _, without = with_and_without(runs, kind, fields)
    objects = runs.made(kind, without)
    left = {
        field: {**{name: value for name, value in each.items() if name != field}, "unmanaged": [field]}
        for field, each in without.items()
    }
    runs.applied(objects, left)
    samples = SAMPLES[kind].fields
    for edited in rounds({field: (*samples[field].added, *samples[field].theirs) for field in fields}):
        for field, edit in edited.items():
            objects[field].by_hand(edit)
        theirs = {field: raw(objects[field], field) for field in edited}
        runs.sandbox.requests()
        assert runs.applied(objects, left) == no_change(fields)
        assert runs.sandbox.writes() == []
        assert {field: raw(objects[field], field) for field in edited} == theirs


@pytest.fixture(scope="module")
def full() -> Callable[[Runs, str], tuple[Applied, dict[str, Any]]]:
    """Makes one object of a kind with much in it, and its definition."""

    @cache
    def make(runs: Runs, kind: str) -> tuple[Applied, dict[str, Any]]:
        definition = {**least(runs, kind), **SAMPLES[kind].full}
        return Applied(runs, kind, definition), definition

    return make


NOISE = [(kind, body, f"{kind}: {name}") for kind, samples in SAMPLES.items() for name, body in samples.noise.items()]


@pytest.mark.parametrize(("runs", "kind", "body"), on_each_server(*NOISE), indirect=["runs"])
def test_what_posthog_and_its_pages_add_never_shows(
    full: Callable[[Runs, str], tuple[Applied, dict[str, Any]]], runs: Runs, kind: str, body: Body
) -> None:
    applied, definition = full(runs, kind)
    applied.by_hand(body)
    assert applied.shown(definition) == []
