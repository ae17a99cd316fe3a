"""What this program applied of commits, and what it only put back."""

from __future__ import annotations

from typing import Any

from ai_admin.review.timeline import Entry, How, Line, joined
from ai_admin.review.versions import lines
from providers.posthog.kinds import KINDS, Ref

FLAG, STACK = Ref("flag", "ai"), "production"


def flag(share: float, cohort: str = "gold") -> dict[str, Any]:
    """What a file says of the flag, canonical."""
    members = [{"type": "cohort", "key": "id", "value": Ref("cohort", cohort), "operator": "in"}]
    conditions = [{"description": "Everybody", "properties": members, "rollout_percentage": share}]
    return KINDS["flag"].canonical({"key": FLAG.key, "active": True, "release_conditions": conditions})


def commit(day: int, share: float, before: float | None = None, cohort: str = "gold") -> Entry:
    """A commit of the flag's file; ``before``: what it said so far."""
    old = None if before is None else flag(before, cohort)
    said = tuple(lines(FLAG, old, flag(share, cohort)))
    return Entry(at(day), FLAG, How.COMMIT, ("ana",), said, after={STACK: flag(share, cohort)})


def logged(day: int, before: float, share: float, how: How = How.PROGRAM, cohort: str = "gold") -> Entry:
    """A change of the flag in PostHog."""
    now, old = ({"release_conditions": flag(each, cohort)["release_conditions"]} for each in (share, before))
    return Entry(at(day), FLAG, how, ("grace",), (Line("changes"),), values=now, before=old)


def made(day: int, how: How = How.PROGRAM) -> Entry:
    return Entry(at(day), FLAG, how, ("grace",), (Line("is made"),), values=flag(10), before=None)


def deleted(day: int) -> Entry:
    return Entry(at(day), FLAG, How.HAND, ("grace",), (Line("is deleted"),), values=None, before={})


def at(day: int) -> str:
    return f"2026-10-{day:02}T12:00:00+00:00"


def told(commits: list[Entry], log: list[Entry]) -> list[tuple[int, How, list[int]]]:
    """The day of each entry, how it was done, and the days since which a commit is in PostHog."""
    found = joined(commits, reversed(log), STACK)
    return [(int(each.at[8:10]), each.how, [int(one.at[8:10]) for one in each.applied]) for each in found]


def test_what_a_run_puts_back_of_an_adopted_object_is_an_entry() -> None:
    assert told([commit(1, 10)], [logged(2, 10, 100, How.HAND), logged(3, 100, 10)]) == [
        (1, How.COMMIT, []),
        (2, How.HAND, []),
        (3, How.PROGRAM, []),
    ]


def test_an_adoption_is_not_said_to_be_in_posthog_since_its_next_change() -> None:
    assert told([commit(1, 10), commit(2, 20, 10)], [logged(3, 10, 20)]) == [
        (1, How.COMMIT, []),
        (2, How.COMMIT, [3]),
    ]


def test_an_adoption_that_changes_the_object_is_in_posthog_since_then() -> None:
    assert told([commit(1, 10)], [logged(2, 30, 10), logged(3, 10, 50, How.HAND), logged(4, 50, 10)]) == [
        (1, How.COMMIT, [2]),
        (3, How.HAND, []),
        (4, How.PROGRAM, []),
    ]


def test_an_adopted_object_that_is_made_anew_is_an_entry() -> None:
    assert told([commit(1, 10)], [deleted(2), made(3)]) == [
        (1, How.COMMIT, []),
        (2, How.HAND, []),
        (3, How.PROGRAM, []),
    ]
    assert told([commit(1, 10)], [made(2)]) == [(1, How.COMMIT, [2])]


def test_what_a_pull_brought_into_the_file_waits_for_no_run() -> None:
    pulled = [commit(1, 10), commit(4, 40, 10)]
    log = [made(2), logged(3, 10, 40, How.HAND), logged(5, 40, 70, How.HAND), logged(6, 70, 40)]
    assert told(pulled, log)[2:] == [(4, How.COMMIT, []), (5, How.HAND, []), (6, How.PROGRAM, [])]


def test_a_commit_that_was_taken_back_before_a_run_is_never_in_posthog() -> None:
    commits = [commit(1, 10), commit(3, 20, 10), commit(4, 10, 20)]
    log = [made(2), logged(5, 10, 90, How.HAND), logged(6, 90, 10)]
    assert told(commits, log) == [
        (1, How.COMMIT, [2]),
        (3, How.COMMIT, []),
        (4, How.COMMIT, []),
        (5, How.HAND, []),
        (6, How.PROGRAM, []),
    ]


def test_what_was_applied_is_no_entry_once_what_it_names_has_another_key() -> None:
    renames = Entry(
        at(4), Ref("cohort", "golden"), How.COMMIT, ("ana",), (Line("key"),), after={}, former=Ref("cohort", "gold")
    )
    commits = [commit(1, 10), commit(2, 20, 10), renames]
    assert told(commits, [made(1), logged(3, 10, 20, cohort="golden")])[1] == (2, How.COMMIT, [3])
    assert told(commits, [made(1), logged(3, 20, 10, How.HAND, "golden"), logged(5, 10, 20, cohort="golden")])[1:] == [
        (2, How.COMMIT, []),
        (3, How.HAND, []),
        (4, How.COMMIT, []),
        (5, How.PROGRAM, []),
    ]


def test_what_the_log_says_of_one_moment_is_taken_in_the_order_of_the_log() -> None:
    assert told([commit(1, 10)], [made(2), logged(2, 10, 20, How.HAND)]) == [(1, How.COMMIT, [2]), (2, How.HAND, [])]


def test_what_others_added_to_an_insights_dashboards_keeps_no_commit_from_being_in_posthog() -> None:
    ref, kind = Ref("insight", "runs"), KINDS["insight"]
    old, new = (kind.canonical({"name": "Runs", "dashboards": boards}) for boards in ([], [Ref("dashboard", "ours")]))
    said = Entry(at(1), ref, How.COMMIT, ("ana",), tuple(lines(ref, old, new)), after={STACK: new})
    boards = [Ref("dashboard", "ours"), "7"]
    applied = Entry(at(2), ref, How.PROGRAM, ("grace",), (Line("changes"),), values={"dashboards": boards}, before={})
    assert told([said], [applied]) == [(1, How.COMMIT, [2])]
