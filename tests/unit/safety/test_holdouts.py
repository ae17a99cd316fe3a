"""A holdout that keeps fewer out gives the flags of its experiments to more people."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Ref
from tests.unit.safety.made import Made, applied, cohorts, flag, judged

REST = cohorts(9)


def holdout(share: float, key: str = "h", renamed_from: str | None = None) -> Made:
    written = {"name": key, "exclusion_percentage": share}
    return Made("holdout", key, KINDS["holdout"].canonical(written), renamed_from)


def experiment(key: str = "e", holdout: str = "h", renamed_from: str | None = None, **more: Any) -> Made:
    beside = {"holdout": Ref("holdout", holdout)} if holdout else {}
    written = {"name": key, "flag": Ref("flag", "f"), **beside, **more}
    return Made("experiment", key, KINDS["experiment"].canonical(written), renamed_from)


F = flag("f", 100, unmanaged=["holdout"])
OFF = flag("f", 100, unmanaged=["holdout"], active=False)
ENDED = {"end_date": "2026-10-07T08:00:00Z"}
G = flag("g", 100, unmanaged=["holdout"], renamed_from="f")
MOVED = ["rename/f/g"]
LEFT = experiment(holdout="", unmanaged=["holdout"])
NONE = experiment(holdout="")
STOOD = [F, experiment(), holdout(10)]


@pytest.mark.parametrize(
    ("after", "asked"),
    [
        ([F, experiment(), holdout(10)], []),
        ([F, experiment(), holdout(9.5)], ["withhold/f/10-9.5"]),
        ([F, experiment(), holdout(20)], []),
        ([F, experiment(holdout=""), holdout(10)], ["withhold/f/10-0"]),
        ([F, experiment(holdout="other"), holdout(10), holdout(5, "other")], ["withhold/f/10-5"]),
        ([F, experiment(holdout="", unmanaged=["holdout"]), holdout(10)], []),
        ([F, experiment(**ENDED), holdout(10)], []),
        ([F, experiment(**ENDED), holdout(5)], ["withhold/f/10-5"]),
        ([F, experiment(**ENDED), experiment("next", "other"), holdout(10), holdout(5, "other")], ["withhold/f/10-5"]),
        ([OFF, experiment(), holdout(5)], []),
        ([F, holdout(10)], []),
        ([F, holdout(20)], []),
        ([F, holdout(5)], ["withhold/f/10-5"]),
        ([F], ["withhold/f/10-0"]),
        ([F, experiment("next", ""), holdout(10)], []),
        ([F, experiment(), experiment("next", "other"), holdout(10), holdout(5, "other")], ["withhold/f/10-5"]),
        ([F, experiment(holdout="h2"), holdout(10, "h2", "h")], []),
        ([F, experiment(holdout="h2"), holdout(1, "h2", "h")], ["withhold/f/10-1"]),
        ([F, experiment("e2", "", "e"), holdout(10)], ["withhold/f/10-0"]),
    ],
)
def test_a_smaller_share_that_is_kept_out_asks_for_consent(after: list[Made], asked: list[str]) -> None:
    found = judged([*STOOD, *REST], [*after, *REST], careful=True)
    assert [each.code for each in found] == asked
    assert judged([*STOOD, *REST], [*after, *REST], careful=True, consent=" ".join(asked)) == []
    assert judged([*STOOD, *REST], [*after, *REST]) == []


@pytest.mark.parametrize(
    ("runs", "after", "asked"),
    [
        ([], [G, experiment(flag=Ref("flag", "g")), holdout(10)], MOVED),
        ([], [G, experiment(flag=Ref("flag", "g")), holdout(1)], [*MOVED, "withhold/g/10-1"]),
        ([[F, holdout(10)]], [F, holdout(5)], ["withhold/f/10-5"]),
        ([[F, holdout(10)], [F, holdout(10)]], [F], ["withhold/f/10-0"]),
        ([[F, holdout(10)]], [F, holdout(1, "h2", "h")], ["withhold/f/10-1"]),
        ([[F, holdout(10)]], [G, holdout(1)], [*MOVED, "withhold/g/10-1"]),
        ([[F, holdout(10)], [F, holdout(5)]], [F, holdout(5)], []),
        ([[F, holdout(10)], [F]], [F], []),
        ([[F, holdout(10)], [F, holdout(20)]], [F, holdout(15)], ["withhold/f/20-15"]),
        ([[F, LEFT, holdout(10)]], [F, experiment(holdout=""), holdout(10)], ["withhold/f/10-0"]),
        ([[F, LEFT, holdout(10)]], [F, experiment(), holdout(10)], []),
        ([[F, LEFT, holdout(10)]], [F, LEFT, holdout(5)], ["withhold/f/10-5"]),
        ([[F, experiment("next", ""), holdout(10)]], [F, experiment("next", ""), holdout(5)], ["withhold/f/10-5"]),
        (
            [[F, experiment("next", "other"), holdout(10), holdout(20, "other")]],
            [F, experiment("next", "other"), holdout(20, "other")],
            ["withhold/f/20-0"],
        ),
        ([[F, experiment(holdout="other"), holdout(10), holdout(10, "other")]], [F, holdout(10, "other")], []),
        # A new experiment under the key of one that went.
        ([[F, holdout(10)]], [F, experiment(holdout=""), holdout(10)], []),
        ([[F, holdout(10)], [F, NONE, holdout(10)]], [F, NONE], ["withhold/f/10-0"]),
        (
            [[F, holdout(10)], [F, experiment(holdout=""), holdout(10)], [F, holdout(10)]],
            [F, experiment(holdout=""), holdout(5)],
            ["withhold/f/10-5"],
        ),
        (
            [[F, holdout(10)], [F, experiment(holdout="other"), holdout(10), holdout(20, "other")]],
            [F, experiment(holdout="other"), holdout(5), holdout(20, "other")],
            ["withhold/f/20-5"],
        ),
        ([[F, holdout(10)]], [F, experiment(), holdout(10)], []),
    ],
)
def test_a_holdout_stays_in_the_flag_when_its_experiment_goes_or_leaves_it_to_posthog(
    runs: list[list[Made]], after: list[Made], asked: list[str]
) -> None:
    """PostHog changes and deletes a holdout in the flags of all its experiments, also of those that were deleted."""
    before = applied(*([*each, *REST] for each in (STOOD, *runs)))
    assert [each.code for each in judged(before, [*after, *REST], careful=True)] == asked


def test_the_refusal_names_the_flag() -> None:
    [refusal] = judged([*STOOD, *REST], [F, experiment(), holdout(5), *REST], careful=True)
    assert str(refusal) == (
        "5 % of all would be kept out by a holdout instead of 10 %, and the others be served: flag/f; to consent, add "
        "withhold/f/10-5 to ai-admin:consent in the stack's configuration"
    )


def test_a_flag_that_was_off_is_compared_with_what_was_kept_out_then() -> None:
    fewer = [experiment(), holdout(5), *REST]
    before = applied([*STOOD, *REST], [OFF, *STOOD[1:], *REST], [OFF, *fewer])
    assert [each.code for each in judged(before, [F, *fewer], careful=True)] == ["on/f", "withhold/f/10-5"]
    before = applied([*STOOD, *REST], [OFF, *STOOD[1:], *REST])
    assert [each.code for each in judged(before, [F, *STOOD[1:], *REST], careful=True)] == ["on/f"]


def test_a_manifest_of_before_this_rule_knows_no_share() -> None:
    then = {
        name: {part: value for part, value in entry.items() if part not in ("share", "keeps_out", "flag")}
        for name, entry in applied([*STOOD, *REST]).items()
    }
    assert judged(then, [F, experiment(), holdout(5), *REST], careful=True) == []


@pytest.mark.parametrize(
    ("after", "asked"),
    [([F, holdout(10)], []), ([F, holdout(5)], ["withhold/f/10-5"]), ([F, experiment(), holdout(10)], [])],
)
def test_a_flag_that_a_run_left_alone_has_the_holdouts_of_its_experiments(after: list[Made], asked: list[str]) -> None:
    """As with `--target` of an experiment, or where only earlier versions applied the flag."""
    then = applied([*STOOD, *REST])
    then = {**then, "flag/f": applied([F])["flag/f"]}
    assert [each.code for each in judged(then, [*after, *REST], careful=True)] == asked


def test_who_changes_only_a_holdouts_name_serves_the_same_ones() -> None:
    named = Made("holdout", "h", KINDS["holdout"].canonical({"name": "Other", "exclusion_percentage": 10}))
    assert judged([*STOOD, *REST], [F, experiment(), named, *REST], careful=True) == []
