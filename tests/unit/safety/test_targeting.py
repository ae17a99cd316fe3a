"""A cohort's change is a change of every release condition on it."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.unit.safety.made import Made, applied, cohort, cohorts, flag, judged, on

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
