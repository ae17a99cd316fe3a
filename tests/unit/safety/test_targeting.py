"""A cohort's or a flag's change is a change of every release condition on it."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.safety.applied import unchanged
from ai_admin.safety.refusal import Refusal
from ai_admin.safety.targeting import put_back
from providers.posthog.kinds import KINDS, Ref
from tests.unit.safety.made import Made, applied, cohort, cohorts, flag, judged, on, split

REST = cohorts(20)


def beta(*values: str, **properties: Any) -> Made:
    return cohort("beta", {"type": "person", "key": "channel", "value": list(values)}, **properties)


def using(key: str, share: int, cohort_key: str = "beta", **properties: Any) -> Made:
    return flag(key, release_conditions=[on(cohort_key, share)], **properties)


def test_a_cohorts_change_names_the_flags_that_it_is_for() -> None:
    """D1: one line in a cohort's file is a growth of each condition on it."""
    flags = [using("b", 100), using("a", 50), using("off", 100, active=False), using("nobody", 0), flag("other", 100)]
    before, after = [beta("beta"), *flags, *REST], [beta("beta", "stable", "internal"), *flags, *REST]
    [refusal] = judged(before, after, careful=True)
    assert str(refusal).startswith(
        "cohort/beta changes who is in a release condition of flags that are on: flag/a (50 %), flag/b (100 %); "
        "to consent, add targeting/beta/"
    )
    assert judged(before, after, careful=True, consent=refusal.code) == []
    assert judged(before, after) == []
    other = [beta("beta", "stable"), *flags, *REST]
    assert len(judged(before, other, careful=True, consent=refusal.code)) == 1


def test_a_cohort_of_a_cohort_counts_too() -> None:
    """D1: the flag names `early`, which names `beta`."""
    early = cohort("early", {"type": "cohort", "key": "id", "value": Ref("cohort", "beta")})
    rest = [early, using("a", 25, "early"), *REST]
    [refusal] = judged([beta("beta"), *rest], [beta("beta", "stable"), *rest], careful=True)
    assert refusal.what.startswith("cohort/beta changes")
    assert refusal.about == ("flag/a (25 %)",)


def left(key: str, **more: Any) -> Made:
    """Return a flag whose release conditions are left to PostHog's pages."""
    return Made("flag", key, KINDS["flag"].canonical({"key": key, "unmanaged": ["release_conditions"], **more}))


def test_flags_whose_conditions_no_file_has_may_be_on_any_cohort() -> None:
    flags = [left("a"), left("off", active=False), using("b", 50), *REST]
    [refusal] = judged([beta("beta"), *flags], [beta("stable"), *flags], careful=True)
    unseen = "flag/a (not known, as its release conditions are left to PostHog's pages)"
    assert refusal.about == (unseen, "flag/b (50 %)")
    [refusal] = judged([beta("beta"), left("a"), *REST], [beta("stable"), left("a"), *REST], careful=True)
    assert refusal.about == (unseen,)
    new = [beta("stable"), left("a"), *REST]
    assert judged([beta("beta"), *REST], new, careful=True) == [], "nobody has conditions for it yet"


def test_what_changes_nobody_is_no_change() -> None:
    """D1: another description, a cohort for no flag, and a flag that is new with its cohort's change."""
    using_it = [using("a", 100), *REST]
    assert judged([beta("b"), *using_it], [beta("b", description="new"), *using_it], careful=True) == []
    assert judged([beta("b"), *REST], [beta("c"), *REST], careful=True) == []
    assert judged([beta("b"), *REST], [beta("c"), *using_it], careful=True) == []


def test_a_manifest_of_before_this_rule_knows_the_whole_cohort_only() -> None:
    """D1: what an older version of the program left behind does not let the first change pass."""
    using_it = [using("a", 100), *REST]
    then = {
        name: {part: value for part, value in entry.items() if part not in ("targeting", "cohorts")}
        for name, entry in applied([beta("b"), *using_it]).items()
    }
    assert judged(then, [beta("b"), *using_it], careful=True) == []
    assert len(judged(then, [beta("c"), *using_it], careful=True)) == 1


def test_a_cohort_that_is_adopted_counts_by_what_is_live() -> None:
    """D1: the flags on it serve people already, and nobody applied the cohort with this stack."""
    flags = [using("a", 50), *REST]
    after = [beta("beta", "stable"), *flags]
    [refusal] = judged(flags, after, careful=True, live=[beta("beta")])
    assert refusal.about == ("flag/a (50 %)",)
    assert judged(flags, after, careful=True, live=[beta("beta", "stable")]) == []
    # The flag is adopted as well, on a first run.
    [refusal] = judged([], after, careful=True, live=[beta("beta"), using("a", 50)])
    assert refusal.about == ("flag/a (50 %)",)


def after_flag(key: str, other: str, value: bool | str = True, share: int = 100, **properties: Any) -> Made:
    """Return a flag that is for those who get this from another flag."""
    leaf = {"type": "flag", "key": Ref("flag", other), "operator": "flag_evaluates_to", "value": value}
    return flag(key, release_conditions=[{"properties": [leaf], "rollout_percentage": share}], **properties)


SOME = [{"type": "person", "key": "channel", "value": "beta"}]


def for_some(share: int) -> dict[str, Any]:
    return {"properties": SOME, "rollout_percentage": share}


def parent(*shares: int, some: int = 0, **properties: Any) -> Made:
    conditions = [{"properties": [], "rollout_percentage": share} for share in shares]
    return flag("parent", release_conditions=[for_some(some), *conditions], **properties)


@pytest.mark.parametrize(
    ("value", "was", "now", "asked"),
    [
        (True, parent(10), parent(10, some=100), True),
        (True, parent(10), flag("parent", release_conditions=[for_some(100)]), True),
        (True, parent(10), parent(35), False),  # no more than may come in one run
        (True, parent(100), parent(10), False),
        (True, parent(10), parent(10, description="new"), False),
        (True, parent(10), parent(90, active=False), False),  # off is never held up
        (False, parent(100), parent(10), True),
        (False, parent(10), parent(10, some=100), False),
        (False, parent(100), parent(100, active=False), False),
        ("b", parent(100, variants=split(a=90, b=10)), parent(100, variants=split(a=50, b=50)), True),
        ("a", parent(100, variants=split(a=90, b=10)), parent(100, variants=split(a=50, b=50)), False),
    ],
)
def test_a_flags_reach_is_that_of_the_flags_on_it(value: bool | str, was: Made, now: Made, asked: bool) -> None:
    """D1: who reviews the one file does not see the other flags."""
    rest = [after_flag("a", "parent", value, 40), after_flag("off", "parent", value, active=False), *REST]
    found = [each for each in judged([was, *rest], [now, *rest], careful=True) if each.code.startswith("targeting/")]
    assert [each.about for each in found] == ([("flag/a (40 %)",)] if asked else [])
    codes = " ".join(each.code for each in judged([was, *rest], [now, *rest], careful=True))
    assert judged([was, *rest], [now, *rest], careful=True, consent=codes) == []
    assert [each for each in judged([was, *rest], [now, *rest]) if each.code.startswith("targeting/")] == []


@pytest.mark.parametrize(
    ("was", "now", "stop", "asked"),
    [
        (beta("b", "c"), beta("b"), on("beta", 0), True),
        (parent(100), parent(10), ("parent", True), True),
        (parent(10), parent(35), ("parent", True), False),
        (parent(10), parent(10, some=60), ("parent", False), True),
        (parent(100), parent(80), ("parent", False), False),
        (
            parent(100, variants=split(a=90, b=10)),
            parent(100, variants=split(a=50, b=50)),
            ("parent", "a"),
            True,
        ),
    ],
)
def test_whom_a_condition_stops_counts_in_what_is_behind_it(was: Made, now: Made, stop: Any, asked: bool) -> None:
    """Whoever is in the cohort, or has the other flag, gets nothing: who is no longer in it gets what is behind."""
    if isinstance(stop, tuple):
        [stop] = after_flag("a", stop[0], stop[1], 0).properties["release_conditions"]
    for early_exit in (True, False):
        rest = [flag("a", release_conditions=[stop, for_some(60)], early_exit=early_exit), *REST]
        found = [each for each in judged([was, *rest], [now, *rest], careful=True) if "targeting/" in each.code]
        assert [each.about for each in found] == ([("flag/a (60 %)",)] if early_exit and asked else [])


def test_a_change_reaches_flags_through_other_flags() -> None:
    """D1: also a cohort's, and to flags that say nothing of either."""
    others = [after_flag("c", "other"), flag("other", 5), *REST]
    chain = [after_flag("a", "parent"), after_flag("b", "a", False, 30), *others]
    [refusal] = judged([flag("parent", 10), *chain], [parent(10, some=60), *chain], careful=True)
    assert (refusal.what, refusal.about) == (
        "flag/parent changes who is in a release condition of flags that are on",
        ("flag/a (100 %)", "flag/b (30 %)"),
    )
    below = [using("parent", 100), *chain]
    [refusal] = judged([beta("beta"), *below], [beta("stable"), *below], careful=True)
    assert refusal.about == ("flag/a (100 %)", "flag/b (30 %)", "flag/parent (100 %)")


def test_a_flag_that_comes_back_is_one_consent_also_with_flags_on_it() -> None:
    chain = [after_flag("a", "parent"), *REST]
    before = applied([parent(100), *chain], [parent(100, active=False), *chain])
    [refusal] = judged(before, [parent(100), *chain], careful=True)
    assert refusal.code == "on/parent"


def test_a_cohort_that_no_file_changed_is_told_with_the_flags_that_it_is_for() -> None:
    """So that the provider does not put back in passing what somebody changed of it in PostHog."""

    def told(before: list[Made], after: list[Made]) -> dict[str, Refusal]:
        then, now = applied(before), applied(after)
        return dict(put_back(unchanged(then, now, after), then, now))

    every = [beta("yes"), using("f", 50), cohort("unused")]
    [(name, refusal)] = told(every, every).items()
    assert name == "cohort/beta"
    assert refusal.about == ("flag/f (50 %)",)
    assert refusal.code == f"targeting/beta/{applied(every)['cohort/beta']['targeting']}"
    assert told(every, [beta("no"), *every[1:]]) == {}, "the file changes, so the program judges it"
    assert told(every, [beta("yes"), using("f", 50, active=False)]) == {}


def test_what_names_something_that_changes_is_not_unchanged() -> None:
    """The id of a cohort that is made anew is another one, in PostHog's flag as well."""
    before = [beta("yes"), using("f", 50), flag("g", 10)]
    after = [beta("no"), using("f", 50), flag("g", 10)]
    assert unchanged(applied(before), applied(after), after) == {"flag/g"}
    assert unchanged({}, applied(after), after) == set()


def test_what_does_not_decide_on_who_is_served_changes_nothing() -> None:
    """Or a condition that somebody took out by hand would return along with a cohort's new description."""
    before = [beta("yes"), using("f", 50), flag("g", 10)]
    other = {"description": "Said better."}
    after = [beta("yes", **other), using("f", 50, **other, payloads={"true": "1"}), flag("g", 10, 20)]
    assert unchanged(applied(before), applied(after), after) == {"cohort/beta", "flag/f"}
