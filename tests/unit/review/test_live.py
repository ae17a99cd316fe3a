"""The keys that objects of a live project get."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.review.live import Objects, Project, slug
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.kinds import Ref


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("AI usage", "ai-usage"),
        ("  Costs (US$), per day!  ", "costs-us-per-day"),
        ("Größe der Aufträge", "grosse-der-auftrage"),
        ("Ana's flag", "anas-flag"),
        ("成本", ""),
        (" ".join(["word"] * 40), "-".join(["word"] * 12)),
    ],
)
def test_a_key_is_a_name_as_people_read_it(text: str, key: str) -> None:
    assert slug(text) == key


def keys(lives: dict[tuple[str, str], dict[str, Any]], known: dict[tuple[str, str], Ref], *taken: Ref) -> list[str]:
    project = Project(Client(Connection("http://127.0.0.1:9", "1", None, "phx_unused")))
    return [str(ref) for ref in Objects(project, lives, known, taken).refs.values()]


def test_keys_are_distinct_in_the_order_of_their_objects_and_known_ones_stay() -> None:
    lives: dict[tuple[str, str], dict[str, Any]] = {
        ("cohort", "2"): {"name": "Beta"},
        ("cohort", "3"): {"name": "beta "},
        ("cohort", "4"): {"name": "Beta"},
        ("cohort", "5"): {"name": "成本"},
        ("insight", "6"): {"name": "Beta"},
        ("flag", "7"): {"key": "Beta.x", "name": "words"},
        ("property", "8"): {"type": "person", "name": "plan"},
        ("insight_variable", "9"): {"name": "The model", "code_name": "the_model"},
    }
    found = keys(lives, {("cohort", "3"): Ref("cohort", "mine")}, Ref("cohort", "beta"))
    assert sorted(found) == [
        "cohort/beta-2", "cohort/beta-3", "cohort/cohort", "cohort/mine", "flag/Beta.x", "insight/beta",
        "insight_variable/the_model", "property/person.plan",
    ]  # fmt: skip
