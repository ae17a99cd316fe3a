"""How much one run may delete and change, and what a consent consents to."""

from __future__ import annotations

import pytest

from tests.unit.safety.made import Made, cohorts, flag, judged


def test_a_first_run_may_do_anything() -> None:
    assert judged([], [*cohorts(500), flag("f", 100)], careful=True) == []


@pytest.mark.parametrize(
    ("there", "kept", "refused"),
    [
        (1, 0, 1),
        (2, 1, 0),
        (2, 0, 1),
        (3, 2, 0),
        (3, 1, 1),
        (10, 8, 0),
        (10, 7, 1),
        (50, 40, 0),
        (50, 39, 1),
        (500, 489, 1),
    ],
)
def test_deletions_are_bounded_by_number_and_share_and_the_last_object_stays(
    there: int, kept: int, refused: int
) -> None:
    assert len(judged(cohorts(there), cohorts(kept))) == refused


def boards(count: int, **more: str) -> list[Made]:
    kinds = ("dashboard", "tiles")
    return [Made(kind, f"b{number}", {"name": f"B{number}", **more}) for number in range(count) for kind in kinds]


def test_a_dashboard_with_its_tiles_is_one_object() -> None:
    """A person removes one file."""
    assert judged(boards(5), boards(4)) == []
    [refusal] = judged(boards(5), boards(3))
    assert refusal.what.startswith("2 of 5 objects would be deleted")
    assert refusal.about == ("dashboard/b3", "dashboard/b4")
    assert judged([*boards(5), *cohorts(9)], [*boards(5, name="new"), *cohorts(9)]) == []
    [refusal] = judged(boards(6), boards(6, name="new"))
    assert refusal.what.startswith("6 of 6 objects would be changed")
    tiles = [each for each in boards(5) if each != boards(5)[1]]
    assert judged(boards(5), tiles) == []


def test_the_refusal_says_rule_figures_names_and_how_to_consent() -> None:
    [refusal] = judged(cohorts(4), cohorts(1))
    assert str(refusal) == (
        "3 of 4 objects would be deleted, 1 may be in one run: cohort/c1, cohort/c2, cohort/c3; to consent, add "
        f"{refusal.code} to ai-admin:consent in the stack's configuration"
    )
    assert refusal.code.startswith("delete/3/")


def test_a_consent_stands_for_what_was_refused_and_nothing_else() -> None:
    [refusal] = judged(cohorts(4), cohorts(1))
    assert judged(cohorts(4), cohorts(1), consent=f"other, {refusal.code}") == []
    assert len(judged(cohorts(4), [cohorts(4)[3]], consent=refusal.code)) == 1
    assert len(judged(cohorts(4), cohorts(0), consent=refusal.code)) == 1


@pytest.mark.parametrize(
    ("there", "changed", "refused"), [(5, 5, 0), (6, 6, 1), (40, 21, 1), (400, 50, 0), (400, 51, 1)]
)
def test_changes_are_bounded(there: int, changed: int, refused: int) -> None:
    after = [*cohorts(there, description="new")[:changed], *cohorts(there)[changed:]]
    assert len(judged(cohorts(there), after)) == refused


def test_a_consent_to_changes_stands_for_these_changes() -> None:
    [refusal] = judged(cohorts(6), cohorts(6, description="new"))
    assert judged(cohorts(6), cohorts(6, description="new"), consent=refusal.code) == []
    assert len(judged(cohorts(6), cohorts(6, description="newer"), consent=refusal.code)) == 1


def test_switching_everything_off_is_never_too_much() -> None:
    on = [flag(f"f{number}", 100, description="before") for number in range(400)]
    off = [flag(f"f{number}", 100, active=False) for number in range(400)]
    assert judged(on, off, careful=True) == []
