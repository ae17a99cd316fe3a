"""Whom an early exit stops gets nothing by a later condition: where what stops them goes, they count as served more."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.posthog.consents import ROLLOUT_STEP
from providers.posthog.kinds.flag import condition_property
from sandbox.evaluation.cohorts import Membership
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.evaluate import Subject, evaluate
from sandbox.evaluation.flags import parse_flag
from sandbox.evaluation.hashing import bucket
from tests.unit.safety.made import NOW, Made, applied, cohorts, flag, judged, on

REST = cohorts(9)
PLACES = (0, 5, 10, 30, 50, 100)
CHANNELS, PLANS = (None, "alpha", "beta", "stable"), (None, "team")
Condition = dict[str, Any]


def exact(key: str, *values: str) -> dict[str, Any]:
    return {"type": "person", "key": key, "operator": "exact", "value": list(values)}


BETA, TEAM = exact("channel", "beta"), exact("plan", "team")
ALPHA_BETA, STABLE = exact("channel", "alpha", "beta"), exact("channel", "stable")
FILTERS: list[list[dict[str, Any]]] = [[], [BETA], [ALPHA_BETA], [STABLE], [TEAM], [BETA, TEAM]]


def for_(*leaves: dict[str, Any], share: int) -> Condition:
    return {"properties": list(leaves), "rollout_percentage": share}


def made(*conditions: Condition, early_exit: bool = True, **more: Any) -> Made:
    return flag("f", release_conditions=list(conditions), early_exit=early_exit, **more)


def codes(before: Made, after: Made, **options: Any) -> list[str]:
    return [each.code for each in judged([before, *REST], [after, *REST], careful=True, **options)]


@cache
def persons() -> list[tuple[tuple[str | None, str | None], int, Subject]]:
    """Return a person of every kind in every place of the percentages: the kind, how wide the place is, the person."""
    found = []
    for low, high in pairwise(PLACES):
        distinct_id = next(str(n) for n in range(10_000) if low < 100 * bucket("f.", str(n)) <= high)
        for kind in product(CHANNELS, PLANS):
            properties = {name: value for name, value in zip(("channel", "plan"), kind, strict=True) if value}
            membership = Membership({}, properties, Clock(NOW), lambda _: False)
            found.append((kind, high - low, Subject(distinct_id, properties, membership, Clock(NOW))))
    return found


def served(made: Made) -> dict[tuple[str | None, str | None], int]:
    """Return which share of each kind of persons PostHog serves, person by person."""
    groups = [
        {**each, "properties": [condition_property(leaf) for leaf in each["properties"]]}
        for each in made.properties.get("release_conditions", ())
    ]
    filters = {"groups": groups, "early_exit": made.properties.get("early_exit")}
    evaluated = parse_flag({"id": 1, "key": "f", "active": True, "filters": filters})
    found = dict.fromkeys(product(CHANNELS, PLANS), 0)
    for kind, width, person in persons():
        found[kind] += width if evaluate(evaluated, person, lambda _: False).enabled else 0
    return found


@st.composite
def changes(draw: st.DrawFn) -> tuple[Made, Made]:
    """A flag with an early exit, and what is left of it: no condition is new but those that only stop people."""
    whom = draw(st.lists(st.sampled_from(range(len(FILTERS))), unique=True, max_size=5))
    shares = [draw(st.sampled_from(PLACES)) for _ in whom]
    before = [for_(*FILTERS[each], share=share) for each, share in zip(whom, shares, strict=True)]
    after = [
        {**each, "rollout_percentage": draw(st.sampled_from([place for place in PLACES if place <= share]))}
        for each, share in zip(before, shares, strict=True)
        if draw(st.integers(0, 3))
    ]
    new = [for_(*leaves, share=0) for n, leaves in enumerate(FILTERS) if n not in whom]
    for each in draw(st.lists(st.sampled_from(new), unique_by=str, max_size=2)) if new else ():
        after.insert(draw(st.integers(0, len(after))), each)
    return made(*before), made(*after, early_exit=draw(st.booleans()))


@given(changes())
def test_whoever_is_served_too_few_more_by_it_is_asked_about_and_nobody_else(change: tuple[Made, Made]) -> None:
    """By the evaluation of single persons: of each kind that there can be, in each place of the percentages."""
    before, after = change
    then, soon = served(before), served(after)
    too_many = any(soon[kind] - then[kind] > ROLLOUT_STEP for kind in then)
    assert bool(codes(before, after)) is too_many
    assert codes(before, after, consent=" ".join(codes(before, after))) == []
    assert codes(before, made(*after.properties.get("release_conditions", ()), active=False)) == []


@given(changes(), st.randoms())
def test_nobody_is_served_too_few_more_by_another_order_either(change: tuple[Made, Made], random: Random) -> None:
    before, after = change
    conditions = [*after.properties.get("release_conditions", ())]
    random.shuffle(conditions)
    after = made(*conditions, early_exit=after.properties.get("early_exit", False))
    then, soon = served(before), served(after)
    assert codes(before, after) or all(soon[kind] - then[kind] <= ROLLOUT_STEP for kind in then)


FEW = for_(BETA, share=5)
ALL = for_(share=100)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (made(FEW, ALL), made(FEW, ALL), []),
        (made(FEW, ALL), made(FEW, ALL, early_exit=False), ["rollout/f/5-100"]),
        (made(FEW, ALL), made(ALL), ["rollout/f/5-100"]),
        (made(FEW, ALL), made(for_(BETA, TEAM, share=0), ALL), ["rollout/f/5-100"]),
        (made(FEW, ALL), made(for_(exact("channel", "beta", "stable"), share=0), ALL), []),
        (made(FEW, ALL), made(for_(BETA, share=30), ALL), []),
        (made(FEW, for_(STABLE, share=100)), made(for_(STABLE, share=100)), []),
        (made(FEW, for_(TEAM, share=100)), made(for_(TEAM, share=100)), ["rollout/f/5-100"]),
        (made(on("beta", 0), ALL), made(ALL), ["rollout/f/0-100"]),
        (made(FEW, ALL, early_exit=False), made(FEW, ALL), []),
        (made(FEW, ALL, early_exit=False), made(ALL, early_exit=False), []),
        (made(for_(BETA, share=5), for_(BETA, share=100)), made(for_(BETA, share=100)), ["rollout/f/5-100"]),
        (made(FEW, ALL), made(FEW, for_(share=40), early_exit=False), ["rollout/f/5-40"]),
        (made(FEW, for_(share=20)), made(for_(share=20), early_exit=False), []),
    ],
)
def test_what_stops_people_goes_with_consent(before: Made, after: Made, refused: list[str]) -> None:
    assert codes(before, after) == refused
    assert codes(before, after, consent=" ".join(refused)) == []
    assert [each.code for each in judged([before, *REST], [after, *REST])] == []


def test_an_early_exit_that_posthog_may_not_keep_makes_nothing_smaller() -> None:
    """Not every organisation has it."""
    set_, also = ({"type": "person", "key": key, "operator": "is_set"} for key in ("version", "seat"))
    for early_exit in (True, False):
        before = made(for_(set_, share=10), early_exit=early_exit)
        after = made(for_(set_, share=10), for_(also, share=100))
        assert codes(before, after) == ["rollout/f/10-100"]
        assert codes(after, made(for_(set_, share=15), for_(also, share=100))) == []


@pytest.mark.parametrize("whom", [(), (BETA,)])
def test_of_equal_conditions_the_widest_counts_where_posthog_may_keep_no_early_exit(whom: tuple[Any, ...]) -> None:
    low, high = for_(*whom, share=10), for_(*whom, share=100)
    assert codes(made(low), made(low, high)) == ["rollout/f/10-100"]
    assert codes(made(low, early_exit=False), made(low, high)) == ["rollout/f/10-100"]
    assert codes(made(low, high), made(low, high, early_exit=False)) == ["rollout/f/10-100"]
    assert codes(made(low, high), made(for_(*whom, share=20), high)) == []
    assert codes(made(low, high), made(low)) == []
    third = for_(*whom, share=30)
    before = applied([made(third), *REST], [made(third, active=False), *REST])
    assert [each.code for each in judged(before, [made(third), *REST], careful=True)] == ["on/f"]
    found = {each.code for each in judged(before, [made(third, high), *REST], careful=True)}
    assert found == {"rollout/f/0-30", "rollout/f/0-100"}


def test_the_refusal_says_for_whom() -> None:
    [refusal] = judged([made(FEW, ALL), *REST], [made(FEW, ALL, early_exit=False), *REST], careful=True)
    assert refusal.what == (
        "who matches several release conditions would be served 100 % instead of 5 %, since an early exit, or a "
        "condition that stops them by it, goes; 25 points may be in one run"
    )


def test_a_manifest_of_before_this_rule_knows_no_filters_so_that_anybody_may_be_stopped() -> None:
    stable = for_(STABLE, share=100)
    then = {
        name: {part: value for part, value in entry.items() if part != "filters"}
        for name, entry in applied([made(FEW, stable), *REST]).items()
    }
    assert [each.code for each in judged(then, [made(stable), *REST], careful=True)] == ["rollout/f/5-100"]
    assert judged(then, [made(FEW, stable), *REST], careful=True) == []


def test_very_many_values_are_compared_in_no_time() -> None:
    """PostHog takes conditions of 500 KB."""
    many = [for_(exact("id", *(f"inst-{n}" for n in range(first, first + 10_000))), share=5) for first in (0, 1)]
    assert codes(made(*many, ALL), made(*many, ALL, early_exit=False)) == ["rollout/f/5-100"]
    assert codes(made(*many, ALL), made(many[1], ALL)) == ["rollout/f/5-100"]
    assert codes(made(many[0], ALL), made(for_(exact("id", *(f"inst-{n}" for n in range(10_001))), share=5), ALL)) == []
