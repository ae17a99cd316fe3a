"""The faults of the sandbox on every kind: made, read, changed and removed all the same, no duplicate, no loss."""

from __future__ import annotations

from contextlib import AbstractContextManager
from itertools import count
from typing import Any

import pytest

from providers.posthog.kinds import KINDS
from tests.support.clocks import Fast
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.samples.world import stand
from tests.support.sandbox import Sandbox

SPEED = 100.0
FAULTS: dict[str, dict[str, Any]] = {
    "a failure before": {"kind": "error_before"},
    "a crash before": {"kind": "error_before", "status": 500},
    "busy": {"kind": "error_before", "status": 503, "retry_after": 2},
    "refused for its rate": {"kind": "error_before", "status": 429, "retry_after": 2},
    "a failure after": {"kind": "error_after"},
    "a crash after": {"kind": "error_after", "status": 500},
    "cut before": {"kind": "cut_before"},
    "cut unanswered": {"kind": "cut_unanswered"},
    "cut in the answer": {"kind": "cut_during"},
    "cut after": {"kind": "cut_after"},
    "half an answer": {"kind": "truncated"},
    "trickling": {"kind": "slow", "seconds": 0.05},
    "late": {"kind": "latency", "seconds": 0.05},
    "answered late": {"kind": "late_answer", "seconds": 0.05},
}
ALSO_STALE = [{"kind": "stale", "seconds": 1 / SPEED}]
"""With every fault: what was written in the last second is not in any answer yet."""
UNHEARD = ("a failure after", "a crash after", "cut unanswered", "cut in the answer", "cut after", "half an answer")
"""What was asked for is done, and the answer does not say so: a lifecycle's own way to find out is tried."""
EACH = ("flag", "property", "tiles", "cohort")
"""A kind of every lifecycle; with these every fault is tried."""
SHARE = 2
"""How many of those in ``UNHEARD`` are tried with each other kind: another pair with the next one."""
CASES = [
    (kind, fault)
    for number, kind in enumerate(KINDS)
    if kind in SAMPLES
    for fault in FAULTS
    if kind in EACH or fault in (UNHEARD * 2)[SHARE * number % len(UNHEARD) :][:SHARE]
]
WRITES = ["POST", "PATCH", "DELETE"]
_NAMES = count(1)


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox, stand(sandbox), Fast(SPEED))


def struck(sandbox: Sandbox, fault: dict[str, Any]) -> AbstractContextManager[None]:
    """Let the first reading and the first writing request in the block suffer this."""
    return sandbox.faults(*ALSO_STALE, *({**fault, "methods": methods, "nth": 1} for methods in (["GET"], WRITES)))


def standing(sandbox: Sandbox, kind: str, name: str) -> int:
    """Return how many objects of a kind have this name, whichever field has it; for tiles their board."""
    named = {name, f"Board {name}"}
    items = sandbox.items(KINDS[kind].collection)
    return sum(bool(named & {item.get(field) for field in ("key", "name", "title", "content")}) for item in items)


def editable(kind: str, small: dict[str, Any]) -> str:
    """Return a field that can be set in a definition which lacks it, with nothing else to be set along with it."""
    samples = SAMPLES[kind].fields
    fields = (field.name for field in KINDS[kind].fields if not field.immutable and field.name not in small)
    return next(name for name in fields if not samples[name].requires and not samples[name].with_it)


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_an_object_lives_through_faults(runs: Runs, sandbox: Sandbox, kind: str, fault: str) -> None:
    samples, name = SAMPLES[kind], f"{kind}-{next(_NAMES)}"
    small = {**samples.least(name), **samples.before(sandbox, name)}
    field = editable(kind, small)
    large = {**small, field: samples.fields[field].value}

    with struck(sandbox, FAULTS[fault]):
        applied = Applied(runs, kind, small)
    assert standing(sandbox, kind, name) == 1

    with struck(sandbox, FAULTS[fault]):
        assert applied.apply(large) == [field]
    assert standing(sandbox, kind, name) == 1

    with struck(sandbox, FAULTS[fault]):
        assert applied.shown(large) == []

    with struck(sandbox, FAULTS[fault]):
        applied.remove()
    # The board of tiles stays.
    assert standing(sandbox, kind, name) == (kind == "tiles")
