"""A careful stack's rollouts grow in steps, and a stack that follows another one is not ahead of it."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.safety.applied import manifest
from ai_admin.safety.following import Followed, grown
from providers.posthog.kinds import Ref
from tests.unit.safety.made import Made, applied, cohort, cohorts, flag, judged, on, split

REST = cohorts(9)
BETA = [{"key": "channel", "value": "beta"}]


def codes(before: list[Made], after: list[Made], **options: object) -> list[str]:
    return [each.code for each in judged([*before, *REST], [*after, *REST], **{"careful": True, **options})]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (flag("f", 10), flag("f", 35), []),
        (flag("f", 10), flag("f", 36), ["rollout/f/10-36"]),
        (flag("f", 100), flag("f", 1), []),
        (flag("f", 100, active=False), flag("f", 25), []),
        (flag("f", 100, active=False), flag("f", 100), ["rollout/f/0-100"]),
        (flag("f", 10), flag("f", 100, active=False), []),
        (flag("f", 10), flag("f", 10, 100), ["rollout/f/10-100"]),
    ],
)
def test_a_rollout_grows_in_steps_where_care_is_taken(before: Made, after: Made, refused: list[str]) -> None:
    assert codes([before], [after]) == refused
    assert codes([before], [after], careful=False) == []
    assert codes([before], [after], consent=" ".join(refused)) == []


def test_the_refusal_of_a_jump_says_the_figures() -> None:
    [refusal] = judged([flag("f", 10), *REST], [flag("f", 90), *REST], careful=True)
    assert str(refusal) == (
        "a release condition would grow from 10 % to 90 %, 25 points may be in one run: flag/f; to consent, add "
        "rollout/f/10-90 to ai-admin:consent in the stack's configuration"
    )


def test_a_new_flag_starts_small_too() -> None:
    assert codes([], [flag("new", 25)]) == []
    assert codes([], [flag("new", 100)]) == ["rollout/new/0-100"]
    assert codes([], [flag("new", 100, active=False)]) == []


def test_new_targets_may_start_at_once_but_not_everybody() -> None:
    def some(*conditions: dict[str, object]) -> Made:
        return flag("f", release_conditions=list(conditions))

    narrow = {"rollout_percentage": 5, "properties": [{"key": "v", "value": "1"}]}
    assert codes([some(narrow)], [some({"rollout_percentage": 100, "properties": BETA})]) == []
    assert codes([some(narrow)], [some({"rollout_percentage": 100, "properties": []})]) == ["rollout/f/0-100"]


def test_a_variant_grows_in_steps_whether_by_the_split_or_by_a_condition() -> None:
    before = flag("f", 100, variants=split(v3=80, r1=20))
    assert codes([before], [flag("f", 100, variants=split(v3=60, r1=40))]) == []
    assert codes([before], [flag("f", 100, variants=split(v3=50, r1=50))]) == ["rollout/f/r1/20-50"]
    forced = [{"rollout_percentage": 100, "properties": [], "variant": "r1"}]
    after = flag("f", variants=split(v3=80, r1=20), release_conditions=forced)
    assert codes([before], [after]) == ["rollout/f/r1/20-100"]


def test_people_get_off_a_bad_candidate_at_once() -> None:
    runs = [[flag("f", 100, variants=split(v3=100 - share, r1=share)), *REST] for share in (0, 25, 50, 75)]
    back = [flag("f", 100, variants=split(v3=100, r1=0)), *REST]
    assert judged(applied(*runs), back, careful=True) == []


def ahead(production: list[Made], staging: list[Made], before: list[Made] | None = None) -> list[str]:
    followed = Followed("staging", applied(staging))
    found = judged([*(before or []), *REST], [*production, *REST], followed=followed)
    return [each.code for each in found]


def test_a_stack_is_not_ahead_of_the_one_that_it_follows() -> None:
    assert ahead([flag("f", 50)], [flag("f", 50)]) == []
    assert ahead([flag("f", 50)], [flag("f", 20)]) == ["ahead/f/50-20"]
    assert ahead([flag("f", 50)], []) == ["ahead/f/50-0"]
    assert ahead([flag("f", 50)], [flag("f", 50, active=False)]) == ["ahead/f/50-0"]
    assert ahead([flag("f", 50, active=False)], []) == []
    assert ahead([flag("f", 50)], [flag("f", 20)], before=[flag("f", 20)]) == ["ahead/f/50-20"]


def test_conditions_that_are_left_to_posthogs_pages_are_not_known_in_either_stack() -> None:
    left = flag("f", unmanaged=["release_conditions"])
    off = flag("f", unmanaged=["release_conditions"], active=False)
    assert ahead([left], [flag("f", 100)]) == ["ahead/f/unseen"]
    assert ahead([left], [flag("f", 100)], before=[off]) == ["ahead/f/unseen"]
    assert ahead([left], [flag("f", 10)], before=[left]) == []
    assert ahead([flag("f", 10)], [left]) == ["ahead/f/unseen"]
    assert ahead([flag("f", 10)], [off]) == ["ahead/f/10-0"]
    assert ahead([off], []) == []
    followed = Followed("staging", applied([left]))
    [refusal] = judged(REST, [flag("f", 10), *REST], followed=followed)
    assert refusal.what == (
        "it is not known who is ahead, as release conditions are left to PostHog's pages in staging"
    )


def test_each_condition_is_compared_and_what_everybody_gets_there_covers_it() -> None:
    some = flag("f", release_conditions=[{"rollout_percentage": 60, "properties": BETA}])
    assert ahead([some], [flag("f", release_conditions=[{"rollout_percentage": 60, "properties": BETA}])]) == []
    assert ahead([some], [flag("f", 100)]) == []
    assert ahead([some], [flag("f", 10)]) == ["ahead/f/60-10"]


def by(*channels: str, key: str = "beta") -> Made:
    return cohort(key, {"type": "person", "key": "channel", "value": list(channels)})


def test_a_cohort_is_compared_by_its_criteria() -> None:
    """A stack's own patch of it is another audience under the same name."""

    def using(share: int, key: str = "beta", **more: Any) -> Made:
        return flag("f", release_conditions=[on(key, share)], **more)

    def which(*channels: str) -> list[str]:
        return [f"ahead/f/{applied([by(*channels)])['cohort/beta']['targeting']}"]

    early = cohort("early", {"type": "cohort", "key": "id", "value": Ref("cohort", "beta")})
    here, there = [by("a", "b"), early], [by("a"), early, using(50)]
    for name in ("beta", "early"):
        used, standing = using(50, name), [by("a"), early, using(50, name)]
        assert ahead([*here, used], standing) == which("a", "b")
        assert ahead([*here, used], standing, before=[*here, using(20, name)]) == which("a", "b")
        assert ahead([*here, used], standing, before=[*here, used]) == []
        assert ahead([*here, used], standing, before=[by("a"), early, used]) == which("a", "b")
        assert ahead([by("a"), early, used], standing, before=[*here, used]) == []
        assert ahead([*here, using(50, name, active=False)], standing, before=[by("a"), early, used]) == []
        assert ahead([*here, used], [by("a"), early, flag("f", 50)]) == []
    [code] = which("a", "b")
    followed = Followed("staging", applied(there))
    [refusal] = judged(REST, [*here, using(50), *REST], followed=followed)
    assert refusal.what == "cohort/beta, which a release condition is for, is not the one that staging has"
    assert judged(REST, [*here, using(50), *REST], followed=followed, consent=code) == []
    assert grown(applied([by("a"), using(50)]), applied([by("b"), using(50)])) == {"flag/f": {}}


def test_a_variant_that_is_served_was_served_there() -> None:
    both = flag("f", 100, variants=split(v3=90, r1=10))
    assert ahead([both], [flag("f", 100, variants=split(v3=50, r1=50))]) == []
    assert ahead([both], [flag("f", 100, variants=split(v3=100, r1=0))]) == ["ahead/f/r1"]


def test_only_growth_is_judged_so_that_a_step_back_there_stops_nothing_here() -> None:
    assert ahead([flag("f", 50, description="new")], [flag("f", 20)], before=[flag("f", 50)]) == []
    assert ahead([flag("f", 30)], [flag("f", 20)], before=[flag("f", 50)]) == []


def test_a_stack_that_can_not_be_followed_is_a_refusal_with_the_reason() -> None:
    followed = Followed("staging", None, "there is no such stack in this backend")
    [refusal] = judged(REST, [flag("f", 10), *REST], followed=followed)
    assert refusal.what == "this stack follows staging, and there is no such stack in this backend"
    assert refusal.code == "unfollowed/staging"
    assert judged([flag("f", 10), *REST], [flag("f", 10, active=False), *REST], followed=followed) == []


def test_nothing_that_grows_means_that_nobody_has_to_look_at_another_stack() -> None:
    before = applied([flag("f", 50), flag("g", 10)])
    assert grown(before, manifest([flag("f", 40), flag("g", 10, active=False)], before)) == {}
    assert set(grown(before, manifest([flag("f", 50), flag("g", 11)], before))) == {"flag/g"}


OFF = flag("f", 40, active=False)


@pytest.mark.parametrize(
    ("runs", "now", "asked"),
    [
        ([flag("f", 40), OFF], flag("f", 40), ["on/f"]),
        ([flag("f", 40), OFF], flag("f", 20), []),
        ([flag("f", 40), OFF], flag("f", 30), ["on/f"]),
        ([flag("f", 40), OFF], flag("f", 41), ["rollout/f/0-41"]),
        ([flag("f", 40), OFF, flag("f", 90, active=False)], flag("f", 90), ["rollout/f/0-90"]),
        ([flag("f", 40), OFF, flag("f", 90, active=False)], flag("f", 40), ["on/f"]),
        ([flag("f", 40), OFF, flag("f", 5), flag("f", 5, active=False)], flag("f", 40), ["rollout/f/0-40"]),
        ([OFF], flag("f", 40), ["rollout/f/0-40"]),
    ],
)
def test_what_was_on_before_comes_back_with_one_consent(runs: list[Made], now: Made, asked: list[str]) -> None:
    """C6: the earlier state is what was served when the flag was on last, and no more than that."""
    before = applied(*([run, *REST] for run in runs))
    found = judged(before, [now, *REST], careful=True)
    assert [each.code for each in found] == asked
    assert judged(before, [now, *REST], careful=True, consent=" ".join(asked)) == []
    assert judged(before, [now, *REST]) == []


def test_a_return_needs_no_second_consent_to_be_ahead() -> None:
    """C6: of a stack that follows another one, where the flag is still off."""
    before, followed = applied([flag("f", 40), *REST], [OFF, *REST]), Followed("staging", applied([OFF]))
    found = judged(before, [flag("f", 40), *REST], careful=True, followed=followed)
    assert [each.code for each in found] == ["on/f"]
    assert judged(before, [flag("f", 40), *REST], careful=True, followed=followed, consent="on/f") == []


def test_a_consent_to_a_step_lets_no_other_one_pass() -> None:
    """Each is asked for by its own figures: what everybody gets, another variant than grows with it, another gap."""
    some = {"rollout_percentage": 10, "properties": BETA}
    set_ = {"properties": [{"key": "version", "operator": "is_set"}]}
    before = flag("f", release_conditions=[some, {**set_, "rollout_percentage": 20}])
    wider = {**some, "rollout_percentage": 40}
    assert codes([before], [flag("f", release_conditions=[wider, {**set_, "rollout_percentage": 20}])]) == [
        "rollout/f/10-40"
    ]
    everybody = {"rollout_percentage": 90, "properties": [{"key": "channel", "operator": "is_set"}]}
    both = flag("f", release_conditions=[wider, {**set_, "rollout_percentage": 20}, everybody])
    assert codes([before], [both]) == ["rollout/f/10-40", "rollout/f/20-90"]
    assert codes([before], [both], consent="rollout/f/10-40") == ["rollout/f/20-90"]

    v3 = flag("f", 10, variants=split(v3=100, r1=0))
    assert codes([v3], [flag("f", 40, variants=split(v3=0, r1=100))]) == ["rollout/f/10-40", "rollout/f/r1/0-40"]
    shared = flag("f", 10, variants=split(v3=80, r1=20))
    assert codes([shared], [flag("f", 90, variants=split(v3=80, r1=20))]) == ["rollout/f/10-90"]
    assert codes([shared], [flag("f", 90, variants=split(v3=60, r1=40))]) == ["rollout/f/10-90"]
    assert codes([shared], [flag("f", 90, variants=split(v3=40, r1=60))]) == ["rollout/f/10-90", "rollout/f/r1/2-54"]

    here = flag("f", release_conditions=[{**some, "rollout_percentage": 50}, {**set_, "rollout_percentage": 100}])
    there = flag("f", release_conditions=[{**some, "rollout_percentage": 20}, {**set_, "rollout_percentage": 75}])
    assert ahead([here], [there]) == ["ahead/f/50-20", "ahead/f/100-75"]


@pytest.mark.parametrize("more", [{}, {"early_exit": True}])
def test_a_condition_on_a_cohort_that_is_renamed_is_the_same_one(more: dict[str, Any]) -> None:
    pro = {"type": "person", "key": "plan", "operator": "exact", "value": ["pro"]}

    def made(key: str, share: int, former: str | None = None, switch: bool = True) -> list[Made]:
        conditions = [on(key, share), {"rollout_percentage": 5, "properties": []}]
        return [cohort(key, pro, renamed_from=former), flag("ai", active=switch, release_conditions=conditions, **more)]

    assert judged(made("beta", 10), made("early", 20, "beta"), careful=True) == []
    [refusal] = judged(made("beta", 10), made("early", 100, "beta"), careful=True)
    assert refusal.code == "rollout/ai/10-100"
    off = applied(made("beta", 10), made("beta", 10, switch=False))
    [refusal] = judged(off, made("early", 100, "beta"), careful=True)
    assert refusal.code == "rollout/ai/0-100"
    between = applied(made("beta", 60), made("beta", 60, switch=False), made("early", 60, "beta", switch=False))
    [refusal] = judged(between, made("early", 60), careful=True)
    assert refusal.code == "on/ai", "back to what it was"
