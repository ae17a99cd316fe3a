"""A holdout that keeps fewer out gives the flags of its experiments to more people."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Ref
from tests.unit.safety.made import Made, applied, cohorts, flag, judged

REST = cohorts(9)


def holdout(share: float, key: str = "h") -> Made:
    return Made("holdout", key, KINDS["holdout"].canonical({"name": key, "exclusion_percentage": share}))


def experiment(key: str = "e", holdout: str = "h", **more: Any) -> Made:
    beside = {"holdout": Ref("holdout", holdout)} if holdout else {}
    written = {"name": key, "flag": Ref("flag", "f"), **beside, **more}
    return Made("experiment", key, KINDS["experiment"].canonical(written))


F = flag("f", 100, unmanaged=["holdout"])
OFF = flag("f", 100, unmanaged=["holdout"], active=False)
ENDED = {"end_date": "2026-10-07T08:00:00Z"}
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
        ([F, holdout(5)], []),  # PostHog leaves the flag as it is
    ],
)
def test_a_smaller_share_that_is_kept_out_asks_for_consent(after: list[Made], asked: list[str]) -> None:
    found = judged([*STOOD, *REST], [*after, *REST], careful=True)
    assert [each.code for each in found] == asked
    assert judged([*STOOD, *REST], [*after, *REST], careful=True, consent=" ".join(asked)) == []
    assert judged([*STOOD, *REST], [*after, *REST]) == []


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
        name: {part: value for part, value in entry.items() if part not in ("share", "keeps_out", "flag", "ended")}
        for name, entry in applied([*STOOD, *REST]).items()
    }
    assert judged(then, [F, experiment(), holdout(5), *REST], careful=True) == []


def test_who_changes_only_a_holdouts_name_serves_the_same_ones() -> None:
    named = Made("holdout", "h", KINDS["holdout"].canonical({"name": "Other", "exclusion_percentage": 10}))
    assert judged([*STOOD, *REST], [F, experiment(), named, *REST], careful=True) == []
