"""What holds for every field of every kind, through the provider's own reading and writing and the real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from typing import Any

import pytest

from providers.posthog.kinds import KINDS
from tests.support.clocks import Leaping
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.samples.base import Body
from tests.support.samples.world import stand
from tests.support.sandbox import NEWER, running_sandbox

TABLE = [(kind.name, field) for kind in KINDS.values() for field in kind.fields]
FIELDS = [(kind, field.name) for kind, field in TABLE]
CLEARABLE = [(kind, field.name) for kind, field in TABLE if field.clearable and field.kept]
SHARED = [(kind, field) for kind, field in FIELDS if SAMPLES[kind].fields[field].theirs]
TOLD = [(kind, field.name) for kind, field in TABLE if not field.kept]
MANAGEABLE = [(kind, field.name) for kind, field in TABLE if field.manageable]
_NAMES = count(1)


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


def fields(cases: list[tuple[str, str]], servers: Iterable[str] = SERVERS) -> list[Any]:
    return on_each_server(*((kind, field, f"{kind}-{field}") for kind, field in cases), servers=servers)


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


def with_and_without(runs: Runs, kind: str, field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A definition with a field set to its sample, and the same one with the field left out."""
    sample = SAMPLES[kind].fields[field]
    without = {**least(runs, kind), **sample.requires}
    return {**without, field: sample.value, **sample.with_it}, without


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


@pytest.mark.parametrize(("runs", "kind", "field"), fields(CLEARABLE), indirect=["runs"])
def test_a_field_taken_out_of_a_definition_is_back_at_posthogs_default(runs: Runs, kind: str, field: str) -> None:
    with_it, without = with_and_without(runs, kind, field)
    applied = Applied(runs, kind, without)
    untouched = raw(applied, field)
    assert field in applied.apply(with_it)
    assert raw(applied, field) != untouched
    applied.apply(without)
    assert applied.shown(without) == []
    # What was never set may be shown as nothing, and later as the default.
    assert raw(applied, field) in (untouched, default_of(kind, field) if untouched is None else untouched)


@pytest.mark.parametrize(("runs", "kind", "field"), fields(FIELDS), indirect=["runs"])
def test_what_somebody_does_to_a_field_in_posthog_shows_and_is_put_back(runs: Runs, kind: str, field: str) -> None:
    sample = SAMPLES[kind].fields[field]
    with_it, _ = with_and_without(runs, kind, field)
    _, without = with_and_without(runs, kind, field)
    for definition, edits in ((with_it, sample.changed), (without, sample.added)):
        applied = Applied(runs, kind, definition)
        assert applied.shown(definition) == []  # as it was made
        for number, edit in enumerate(edits):
            applied.by_hand(edit)
            assert applied.apply(definition) == [field], f"edit {number}: {edit}"
        assert applied.shown(definition) == []


@pytest.mark.parametrize(("runs", "kind", "field"), fields(SHARED), indirect=["runs"])
def test_what_people_add_to_a_set_shows_nowhere_and_stays(runs: Runs, kind: str, field: str) -> None:
    sample = SAMPLES[kind].fields[field]
    with_it, without = with_and_without(runs, kind, field)
    for number, edit in enumerate(sample.theirs):
        applied = Applied(runs, kind, with_it)
        before = raw(applied, field)
        applied.by_hand(edit)
        added = [item for item in raw(applied, field) if item not in before]
        assert added, f"edit {number} adds nothing"
        assert applied.shown(with_it) == []
        assert applied.apply(without) == [field]
        assert raw(applied, field) == added
        with_it, without = with_and_without(runs, kind, field)


@pytest.mark.parametrize(("runs", "kind", "field"), fields(TOLD), indirect=["runs"])
def test_what_posthog_does_not_keep_is_told_with_every_write_and_never_shows(
    runs: Runs, kind: str, field: str
) -> None:
    with_it, without = with_and_without(runs, kind, field)
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


@pytest.mark.parametrize(("runs", "kind", "field"), fields(MANAGEABLE, ["July 2026"]), indirect=["runs"])
def test_a_field_left_to_posthog_is_neither_shown_nor_written(runs: Runs, kind: str, field: str) -> None:
    """On one server: what is not ours is not sent, whatever a server would make of it."""
    _, without = with_and_without(runs, kind, field)
    applied = Applied(runs, kind, without)
    definition = {**{name: value for name, value in without.items() if name != field}, "unmanaged": [field]}
    applied.apply(definition)
    sample = SAMPLES[kind].fields[field]
    for edit in (*sample.added, *sample.theirs):
        applied.by_hand(edit)
        theirs = raw(applied, field)
        runs.sandbox.requests()
        assert applied.apply(definition) == []
        assert runs.sandbox.writes() == []
        assert raw(applied, field) == theirs


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
