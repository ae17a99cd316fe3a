"""How many several release conditions serve together, against a count of every single person."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ai_admin.review.overlap import MOST, Part, together

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


def test_what_posthog_does_not_say_is_not_known() -> None:
    conditions = [Part(100, frozenset("a")), Part(50, frozenset("b"))]
    assert together(conditions, lambda filters: None if len(filters) > 1 else 5) is None
