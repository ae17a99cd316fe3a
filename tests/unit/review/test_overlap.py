"""How many several release conditions serve together, and give another variant, against every single person."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ai_admin.review.overlap import MOST, Part, Side, moved, together, touched

PERSONS = [frozenset(name for n, name in enumerate("abcd") if number >> n & 1) for number in range(16)]
"""One person for each set of filters that they match."""

parts = st.builds(Part, st.sampled_from([0, 10, 25, 50, 100]), st.frozensets(st.sampled_from("abcd")))


def one_by_one(conditions: Sequence[Part], early_exit: bool) -> float:
    """Each person is in the percentage of a condition up to their share, which is the same place for every one."""
    served = 0.0
    for person in PERSONS:
        shares = [part.share for part in conditions if part.filters <= person]
        served += (shares[0] if early_exit else max(shares)) / 100 if shares else 0
    return served


@given(st.lists(parts, max_size=5), st.booleans())
def test_everybody_is_counted_once(conditions: list[Part], early_exit: bool) -> None:
    asked: set[frozenset[str]] = set()

    def matching(filters: frozenset[str]) -> int:
        asked.add(filters)
        return sum(filters <= person for person in PERSONS)

    found = together(conditions, matching, early_exit)
    if found is None:
        assert len({part.filters for part in conditions if part.filters}) > MOST
    else:
        assert abs(found - one_by_one(conditions, early_exit)) < 1e-9
        assert len(asked) <= 2**MOST


def test_who_is_in_a_wider_condition_of_the_same_share_is_not_asked_for() -> None:
    parts = [*(Part(100, frozenset(each)) for each in "abcd"), Part(100, frozenset())]
    assert together(parts, lambda filters: 1 // 0 if filters else 60) == 60


sides = st.builds(
    Side,
    st.lists(
        st.builds(
            Part,
            st.sampled_from([0, 10, 25, 50, 100]),
            st.frozensets(st.sampled_from("abcd")),
            st.sampled_from(["", "x", "y"]),
        ),
        max_size=4,
    ),
    st.booleans(),
)
CHANCES = {("", ""): 0.3, ("x", "x"): 0, ("y", "y"): 0, ("", "x"): 0.5, ("x", ""): 0.6, ("", "y"): 0.1, ("y", ""): 0.9}


def variant(side: Side, person: frozenset[str], place: float) -> str | None:
    """What somebody at a place of the percentages gets; None where that is nothing."""
    for part in side.parts:
        if part.filters <= person and (part.share >= place or side.early_exit):
            return part.variant if part.share >= place else None
    return None


@given(sides, sides)
def test_who_gets_another_variant_is_counted_once(before: Side, after: Side) -> None:
    asked: set[frozenset[str]] = set()

    def matching(filters: frozenset[str]) -> int:
        asked.add(filters)
        return sum(filters <= person for person in PERSONS)

    def chance(gave: str, gives: str) -> float:
        return CHANCES.get((gave, gives), 1)

    found = moved(before, after, chance, matching)
    if found is None:
        assert len({part.filters for side in (before, after) for part in side.parts}) > MOST + 1
        return
    one_by_one = 0.0
    for person in PERSONS:
        for place in range(5, 105, 5):
            gave, gives = variant(before, person, place), variant(after, person, place)
            one_by_one += chance(gave, gives) / 20 if gave is not None and gives is not None else 0
    assert abs(found - one_by_one) < 1e-9
    assert len(asked) <= 2 ** (MOST + 1)


@given(sides, sides)
def test_whom_no_change_of_a_condition_touches_gets_the_same(before: Side, after: Side) -> None:
    at_most = touched(before, after, lambda filters: sum(filters <= person for person in PERSONS))
    if at_most is None:
        assert before.early_exit != after.early_exit
        return
    other = 0.0
    for person in PERSONS:
        for place in range(5, 105, 5):
            gave, gives = variant(before, person, place), variant(after, person, place)
            other += (gave is not None and gives is not None and gave != gives) / 20
    assert other <= at_most + 1e-9
    assert touched(before, before, lambda _: 1 // 0) == 0


def test_other_filters_touch_who_matches_the_one_and_not_the_other() -> None:
    def matching(filters: frozenset[str]) -> int:
        return sum(filters <= person for person in PERSONS)

    rest = [Part(100, frozenset(each), "y") for each in "cd"]
    narrow, wide = Part(50, frozenset("ab"), "x"), Part(50, frozenset("a"), "x")
    assert touched(Side([narrow, *rest]), Side([wide, *rest]), matching) == 2
    assert touched(Side([*rest, narrow]), Side([wide, *rest, narrow]), matching) == 4


def test_nobody_is_asked_for_where_no_variant_can_differ() -> None:
    parts = [Part(share, frozenset("abcdef"[:share]), "x") for share in range(6)]
    assert moved(Side(parts), Side(parts), lambda gave, gives: float(gave != gives), lambda _: 1 // 0) == 0


def test_what_posthog_does_not_say_is_not_known() -> None:
    conditions = [Part(100, frozenset("a")), Part(50, frozenset("b"))]
    assert together(conditions, lambda filters: None if len(filters) > 1 else 5) is None
    assert moved(Side(conditions), Side(conditions[::-1]), lambda *_: 1, lambda _: None) is None
