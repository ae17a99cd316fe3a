"""What is refused, with which figures, and what a consent consents to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ai_admin.safety import Manifest, Refusal, manifest, refusals
from providers.posthog.kinds import KINDS


@dataclass
class Made:
    kind: str
    key: str
    properties: dict[str, Any]


def cohorts(count: int, **properties: Any) -> list[Made]:
    return [Made("cohort", f"c{number}", {"name": f"C{number}", **properties}) for number in range(count)]


def flag(key: str, *shares: int, active: bool = True, **properties: Any) -> Made:
    conditions = [{"rollout_percentage": share, "properties": []} for share in shares]
    written = {"key": key, "active": active, "release_conditions": conditions, **properties}
    return Made("flag", key, KINDS["flag"].canonical(written))


def judged(before: list[Made], after: list[Made], stack: str = "staging", consent: str = "") -> list[Refusal]:
    return refusals(stack, manifest(before), manifest(after), consent.split())


def test_a_first_run_may_do_anything() -> None:
    empty: Manifest = {}
    assert refusals("production", empty, manifest([*cohorts(500), flag("f", 100)]), ()) == []


@pytest.mark.parametrize(("there", "kept", "refused"), [(2, 1, 0), (2, 0, 1), (50, 40, 0), (50, 39, 1), (500, 489, 1)])
def test_deletions_are_bounded_by_number_and_share_also_where_there_is_little(
    there: int, kept: int, refused: int
) -> None:
    assert len(judged(cohorts(there), cohorts(kept))) == refused


def test_the_refusal_says_rule_figures_names_and_how_to_consent() -> None:
    [refusal] = judged(cohorts(4), cohorts(1))
    assert str(refusal) == (
        "3 of 4 objects would be deleted, 1 may be in one run: cohort/c1, cohort/c2, cohort/c3; to consent, add "
        f"{refusal.code} to ai-admin:consent in the stack's configuration"
    )


def test_a_consent_stands_for_what_was_refused_and_nothing_else() -> None:
    [refusal] = judged(cohorts(4), cohorts(1))
    assert judged(cohorts(4), cohorts(1), consent=refusal.code) == []
    assert len(judged(cohorts(4), cohorts(0), consent=refusal.code)) == 1


@pytest.mark.parametrize(("there", "changed", "refused"), [(6, 5, 0), (6, 6, 1), (400, 50, 0), (400, 51, 1)])
def test_changes_are_bounded(there: int, changed: int, refused: int) -> None:
    after = [*cohorts(there, description="new")[:changed], *cohorts(there)[changed:]]
    assert len(judged(cohorts(there), after)) == refused


def test_a_flag_goes_after_it_was_applied_switched_off() -> None:
    rest = cohorts(20)
    assert "while it is on" in str(judged([flag("f", 10), *rest], rest)[0])
    assert judged([flag("f", 10, active=False), *rest], rest) == []


def test_a_flag_that_gets_another_key_is_told_from_one_that_goes() -> None:
    [refusal] = judged([flag("old", 10), *cohorts(9)], [flag("new", 10), *cohorts(9)])
    assert "SDKs that ask for the old one get nothing: flag/old to flag/new" in str(refusal)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (flag("f", 10), flag("f", 35), 0),
        (flag("f", 10), flag("f", 36), 1),
        (flag("f", 100), flag("f", 1), 0),
        (flag("f", 100, active=False), flag("f", 100), 1),
        (flag("f", 10), flag("f", 100, active=False), 0),
    ],
)
def test_a_rollout_grows_in_steps_in_production(before: Made, after: Made, refused: int) -> None:
    assert len(judged([before, *cohorts(9)], [after, *cohorts(9)], stack="production")) == refused
    assert judged([before, *cohorts(9)], [after, *cohorts(9)], stack="staging") == []


def test_new_targets_may_start_at_once_but_not_everybody() -> None:
    beta = {"rollout_percentage": 100, "properties": [{"key": "channel", "value": "beta"}]}
    everybody = {"rollout_percentage": 100, "properties": []}
    before = flag("f", release_conditions=[{"rollout_percentage": 5, "properties": [{"key": "v", "value": "1"}]}])
    rest = cohorts(9)
    assert judged([before, *rest], [flag("f", release_conditions=[beta]), *rest], stack="production") == []
    assert len(judged([before, *rest], [flag("f", release_conditions=[everybody]), *rest], stack="production")) == 1
