"""What PostHog takes away, or announces, where a change does not say it as well."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.support.runs import Applied, Runs

OPEN = {"type": "open", "question": "Why?"}
CHOICE = {"type": "single_choice", "question": "Which?", "choices": ["a", "b"]}
SURVEY = {"type": "popover", "questions": [OPEN]}


@pytest.mark.parametrize(
    ("left", "by_hand"),
    [
        ("flag", {"linked_flag_id": Ref("flag", "ab")}),
        ("conditions", {"conditions": {"url": "/ai", "actions": {"values": [{"id": Ref("action", "failed")}]}}}),
        ("iteration_frequency_days", {"iteration_frequency_days": 14}),
    ],
)
def test_what_goes_with_every_change_of_a_survey_stays_as_people_chose_it(
    runs: Runs, left: str, by_hand: dict[str, Any]
) -> None:
    definition = {**SURVEY, "name": f"Left {left}", "iteration_count": 2, "unmanaged": [left]}
    applied = Applied(runs, "survey", definition)
    applied.by_hand(by_hand)
    before = applied.live()
    for change in ({"description": "Another one"}, {"iteration_count": 3}):
        assert applied.apply({**definition, **change}) != []
    after = applied.live()
    assert after["iteration_count"] == 3
    for column in ("linked_flag", "conditions", "iteration_frequency_days"):
        assert after[column] == before[column]


def test_the_rounds_of_a_survey_are_changed_one_by_one(runs: Runs) -> None:
    definition = {**SURVEY, "name": "Rounds", "iteration_count": 2, "iteration_frequency_days": 14}
    applied = Applied(runs, "survey", definition)
    assert applied.apply({**definition, "iteration_count": 3}) == ["iteration_count"]
    assert applied.live()["iteration_frequency_days"] == 14
    assert applied.apply(SURVEY | {"name": "Rounds"}) == ["iteration_count", "iteration_frequency_days"]
    assert applied.live()["iteration_count"] is None


def test_what_a_survey_does_not_say_any_more_is_emptied(runs: Runs) -> None:
    said = {
        "conditions": {"url": "/ai"},
        "appearance": {"displayThankYouMessage": True},
        "start_date": "2026-09-07T08:00:00Z",
        "end_date": "2026-10-07T08:00:00Z",
        "responses_limit": 500,
        "flag": runs.world[Ref("flag", "ab")],
    }
    applied = Applied(runs, "survey", {**SURVEY, "name": "Emptied", **said})
    assert set(applied.apply({**SURVEY, "name": "Emptied"})) == {*said}
    live = applied.live()
    columns = ("conditions", "appearance", "start_date", "end_date", "responses_limit", "linked_flag")
    assert {live[column] for column in columns} == {None}
    assert applied.shown({**SURVEY, "name": "Emptied"}) == []


@pytest.mark.parametrize("appearance", [{"appearance": {"textColor": "red"}}, {}], ids=["another", "none"])
def test_questions_that_are_no_longer_shuffled_may_branch_at_once(runs: Runs, appearance: dict[str, Any]) -> None:
    """PostHog lays what it is sent over the appearance that it has before it looks whether the two go together."""
    name = {"name": f"Branching {len(appearance)}"}
    shuffled = {"appearance": {"textColor": "red", "shuffleQuestions": True}}
    applied = Applied(runs, "survey", {**SURVEY, **name, **shuffled, "questions": [CHOICE, OPEN]})
    branching = {**CHOICE, "branching": {"type": "end"}}
    wanted = {**SURVEY, **name, **appearance, "questions": [branching, OPEN]}
    assert set(applied.apply(wanted)) == {"appearance", "questions"}
    assert applied.shown(wanted) == []


def test_what_people_add_to_a_question_stays_with_it(runs: Runs) -> None:
    definition = {**SURVEY, "name": "Translated", "questions": [OPEN, CHOICE]}
    applied = Applied(runs, "survey", definition)
    why, which = applied.live()["questions"]
    why |= {"validation": [{"type": "min_length", "value": 5}], "translations": {"de": {"question": "Warum?"}}}
    which |= {"translations": {"de": {"question": "Was?", "choices": ["A", "B"]}}}
    applied.by_hand({"questions": [why, which]})
    assert applied.shown(definition) == []
    assert applied.apply({**definition, "questions": [{**CHOICE, "optional": True}, OPEN]}) == ["questions"]
    assert applied.live()["questions"] == [{**which, "optional": True}, why]
    three = {**CHOICE, "choices": ["a", "b", "c"]}
    assert applied.apply({**definition, "questions": [three, {**OPEN, "question": "Why not?"}]}) == ["questions"]
    fewer, renamed = applied.live()["questions"]
    assert (fewer["id"], fewer["translations"]) == (which["id"], {"de": {"question": "Was?"}})
    assert renamed == {**why, "question": "Why not?"}


def test_two_questions_of_one_text_keep_an_id_each(runs: Runs) -> None:
    definition = {**SURVEY, "name": "Twice", "questions": [OPEN, OPEN]}
    applied = Applied(runs, "survey", definition)
    first, second = (each["id"] for each in applied.live()["questions"])
    assert first != second
    assert applied.apply({**definition, "questions": [OPEN, {**OPEN, "optional": True}]}) == ["questions"]
    assert [each["id"] for each in applied.live()["questions"]] == [first, second]


def test_a_change_of_an_early_access_feature_says_its_stage(runs: Runs) -> None:
    """Without it PostHog tells who opted in that the feature has none any more."""
    definition = {"name": "Early", "stage": "beta", "flag": _flag(runs, "early")}
    applied = Applied(runs, "early_access_feature", definition)
    runs.sandbox.requests()
    applied.apply({**definition, "description": "Another one"})
    [(_, _, body)] = runs.sandbox.writes()
    assert body == {"description": "Another one", "stage": "beta"}


def test_a_stage_that_is_left_to_the_pages_begins_as_a_draft_and_stays_as_people_chose_it(runs: Runs) -> None:
    definition = {"name": "Left", "flag": _flag(runs, "left"), "unmanaged": ["stage"]}
    applied = Applied(runs, "early_access_feature", definition)
    assert applied.live()["stage"] == "draft"
    applied.by_hand({"stage": "alpha"})
    runs.sandbox.requests()
    applied.apply({**definition, "description": "Another one"})
    [(_, _, body)] = runs.sandbox.writes()
    assert body == {"description": "Another one", "stage": "alpha"}


def _flag(runs: Runs, key: str) -> Any:
    return runs.sandbox.call("POST", "feature_flags/", {"key": key, "filters": {"groups": [{}]}})["id"]
