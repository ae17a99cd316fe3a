"""Who loses a flag by a change, against what each single installation gets, with ``early_exit`` and without."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain, combinations
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ai_admin.review.smaller_step import losing, smaller
from providers.posthog.kinds import KINDS

PLANS = ("a", "b", "c")
EVERY = [*chain.from_iterable(combinations(PLANS, size) for size in range(4))]
"""The installations: each has some of three properties."""

CONDITION = st.tuples(st.sampled_from(EVERY), st.sampled_from([0, 10, 40, 100]))
FLAGS = st.builds(
    lambda conditions, early_exit: flag(*conditions, early_exit=early_exit),
    st.lists(CONDITION, min_size=1, max_size=4),
    st.booleans(),
)


def flag(*conditions: tuple[tuple[str, ...], int], early_exit: bool = False) -> dict[str, Any]:
    said = [
        {
            "description": "".join(names) or "all",
            "properties": [{"key": name, "value": "yes", "operator": "exact", "type": "person"} for name in names],
            "rollout_percentage": share,
        }
        for names, share in conditions
    ]
    return KINDS["flag"].canonical({"key": "ai", "release_conditions": said, "early_exit": early_exit})


def served(flag: Mapping[str, Any], installation: tuple[str, ...]) -> float:
    """The share of the installations of a kind that a flag serves, as PostHog evaluates it."""
    share = 0.0
    for each in flag["release_conditions"]:
        if all(one["key"] in installation for one in each["properties"]):
            share = max(share, each["rollout_percentage"])
            if flag.get("early_exit"):
                break
    return share


STOP = (("a",), 0)
ALL = ((), 100)


@example(was=flag(ALL), wanted=flag(STOP, ALL, early_exit=True))
@example(was=flag(STOP, ALL), wanted=flag(STOP, ALL, early_exit=True))
@example(was=flag(STOP, ALL, early_exit=True), wanted=flag(ALL, STOP, early_exit=True))
@given(was=FLAGS, wanted=FLAGS)
def test_whoever_may_lose_it_is_told_and_nothing_false_is(was: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = {}
    for line in losing(was, wanted):
        told = re.fullmatch(r'of those who match "(\w+)", (\d+) % have it now, (at least (\d+) % then|and .*)', line)
        assert told, line
        found[told[1]] = int(told[2]), int(told[4] or 0)
    for installation in EVERY:
        now, then = served(was, installation), served(wanted, installation)
        match = [name for name in found if name == "all" or set(name) <= set(installation)]
        assert then >= now or match
        assert all(then >= found[name][1] for name in match)
    for name, (now, then) in found.items():
        assert now > then
        assert served(was, () if name == "all" else tuple(name)) == now


@given(was=FLAGS, wanted=FLAGS)
def test_by_the_smaller_step_nobody_loses_it(was: dict[str, Any], wanted: dict[str, Any]) -> None:
    step = smaller(was, wanted)
    assert all(served(step, each) >= served(was, each) for each in EVERY)
