"""What people are told to do about an answer of PostHog's."""

from __future__ import annotations

import pytest

from providers.posthog.advice import explained
from providers.posthog.errors import ApiError


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "correct the definition"),
        (402, "take this out of the definition, or get the plan that has it"),
        (403, "give the personal API key the scope"),
        (404, "somebody deleted it; run again"),
        (409, "run again to see what is there now"),
        (500, "run again: what was applied is known, and nothing is made twice"),
        (None, "run again: what was applied is known, and nothing is made twice"),
    ],
)
def test_each_answer_comes_with_what_to_do(status: int | None, said: str) -> None:
    line = explained(ApiError("PostHog's own words", status))
    assert line.startswith("PostHog's own words; ")
    assert said in line


@pytest.mark.parametrize(
    ("status", "said"), [(403, "or its owner the right to read this"), (500, "run again"), (None, "run again")]
)
def test_what_was_only_asked_for_has_made_nothing(status: int | None, said: str) -> None:
    assert explained(ApiError("PostHog's own words", status, reading=True)).endswith(said)


def test_a_message_that_says_what_to_do_stays_as_it_is() -> None:
    assert explained(ApiError("the key is wrong; put a valid one", 401)) == "the key is wrong; put a valid one"
