"""What an installation gets now and under the files is compared by what it says, however PostHog keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.evaluation import Person
from ai_admin.evaluation.answers import Answer
from ai_admin.evaluation.compared import Row, compared, offline
from ai_admin.evaluation.remote import Given, Now, given
from providers.posthog.kinds.flag import FLAG

LIMITS = {"day": 10, "models": [{"name": "r1", "cap": 5, "on": True}]}


def row(live: Any, payload: Any, **properties: Any) -> Row:
    """The one flag for everybody, with a payload in PostHog, what that serves, and what else the files say."""
    said = FLAG.canonical({"key": "ai", "release_conditions": [{}], **properties})
    groups = [{"properties": [], "rollout_percentage": 100}]
    flags = {"ai": {"key": "ai", "active": True, "filters": {"groups": groups, "payloads": {"true": live}}}}
    now = Now(True, {}, frozenset(), flags, {"ai": Given(Answer(True, payload, 0), "")})
    _, [found] = compared([Definition("flag", "ai", said, Source("flags/ai.yaml", 1, 1))], now, "inst-1", frozenset())
    return found


@pytest.mark.parametrize(
    ("payload", "differs"),
    [
        (LIMITS, False),
        ({"models": [{"on": True, "cap": 5.0, "name": "r1"}], "day": 10}, False),
        ({**LIMITS, "models": [{"name": "r1", "cap": 5, "on": 1}]}, True),
        ({**LIMITS, "day": 11}, True),
    ],
)
def test_a_payload_is_what_it_says_in_any_order(payload: Any, differs: bool) -> None:
    assert row(json.dumps(payload), payload, payloads={"true": json.dumps(LIMITS)}).differs is differs


@pytest.mark.parametrize("live", [LIMITS, json.dumps(LIMITS)])
def test_a_payload_that_is_left_to_posthog_may_be_text_or_not(live: Any) -> None:
    found = row(live, LIMITS, unmanaged=["payloads"])
    assert found.files is not None
    assert (found.files.answer.payload, found.differs) == (LIMITS, False)


@pytest.mark.parametrize(
    ("kept", "payload"), [('{"a":1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("no {JSON", "no {JSON"), (None, None)]
)
def test_whatever_posthog_serves_as_a_payload_can_be_read(kept: Any, payload: Any) -> None:
    flag: dict[str, Any] = {"filters": {"groups": [{"properties": []}]}}
    assert given(flag, {"enabled": True, "metadata": {"payload": kept}}).answer.payload == payload


def test_a_condition_that_counts_groups_is_not_said_to_be_matched_against_a_person() -> None:
    enterprise = {"type": "group", "group_type_index": 0, "key": "plan", "operator": "exact", "value": "enterprise"}
    conditions = [
        {"aggregation_group_type_index": 0, "properties": [enterprise], "rollout_percentage": 100},
        {"properties": [{"type": "person", "key": "beta", "operator": "exact", "value": "yes"}]},
    ]
    properties = FLAG.canonical({"key": "ai", "active": True, "release_conditions": conditions})
    flag = Definition("flag", "ai", properties, Source("flags/ai.yaml", 1, 1))
    [found] = offline([flag], Person("inst-1", {"plan": "enterprise"}))
    assert (found.files and found.files.answer.value, found.by) == (
        False,
        "no condition matches, of those that do not count groups or devices",
    )
    assert found.files
    assert "is skipped: it counts groups or devices, and none is given" in next(found.files.lines())
    [beta] = offline([flag], Person("inst-1", {"beta": "yes"}))
    assert beta.files
    assert beta.files.answer.value is True
