"""What `ai-admin doctor` finds, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.review.doctor import OFFLINE, Facts, examine, same_for_all
from providers.posthog.errors import Problem
from providers.posthog.kinds import KINDS, Ref

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LONG_AGO, LATELY = "2026-09-01T00:00:00+00:00", "2026-11-20T00:00:00+00:00"
WHOLE = [{"properties": [], "rollout_percentage": 100}]


def definition(kind: str, key: str, **properties: Any) -> Definition:
    canonical = KINDS[kind].canonical({"key": key, **properties})
    return Definition(kind, key, canonical, Source(f"{KINDS[kind].folder}/{key}.yaml", 2, 1))


def found(check: str, *definitions: Definition, **facts: Any) -> list[str]:
    """What one check says."""
    return [str(each) for each in examine(Facts(definitions, NOW, **facts), [check])[0]]


def flag(**properties: Any) -> Definition:
    return definition("flag", "ai", release_conditions=WHOLE, **properties)


def written(**values: Any) -> Mapping[Ref, Mapping[str, Any]]:
    return {Ref("flag", "ai"): values}


def test_the_checks_without_posthog_are_known() -> None:
    everything = Facts((flag(),), NOW)
    assert {each.check for each in examine(everything)[0]} <= set(OFFLINE)


def test_a_consent_that_is_left_over_is_named_with_its_line() -> None:
    left = {"rollout/ai/0-50": "Pulumi.production.yaml:7"}
    assert found("consents", consents=lambda: left) == [
        "Pulumi.production.yaml:7: rollout/ai/0-50: is a consent that nothing needs now, and would consent to the same "
        "again; take it out of ai-admin:consent"
    ]


def test_what_is_not_known_of_consents_is_said_and_the_rest_is_found() -> None:
    def unknown() -> Mapping[str, str]:
        raise Problem("the definitions have problems")

    findings, unread = examine(Facts((flag(),), NOW, consents=unknown), ["consents", "owner"])
    assert [each.check for each in findings] == ["owner"]
    assert unread == ["consents: not known: the definitions have problems"]


def test_a_flag_without_owner_or_test_is_named() -> None:
    assert found("owner", flag()) == ["flags/ai.yaml:2: flag/ai: has no owner; write owner: and the team to ask"]
    assert found("owner", flag(), written=written(owner="ai-platform")) == []
    assert found("tests", flag()) == ["flags/ai.yaml:2: flag/ai: has no test; write tests: of who gets what"]
    assert found("tests", flag(), written=written(tests=[{"name": "one"}])) == []


@pytest.mark.parametrize(
    ("until", "past"),
    [("2026-11-26", True), ("2026-11-27", False), ("2026-11-27T13:00:00+02:00", True), ("2026-11-27T13:00:00Z", False)],
)
def test_a_flag_past_its_day_is_named(until: str, past: bool) -> None:
    assert bool(found("expires", flag(), written=written(expires=until))) is past


def test_a_flag_that_gives_everybody_the_same_for_long_is_named() -> None:
    [said] = found("rolled-out", flag(), committed={"flags/ai.yaml": LONG_AGO})
    assert "gives everybody true since 1 Sep 2026, 00:00 UTC, 87 days ago; remove it from the product" in said
    assert found("rolled-out", flag(), committed={"flags/ai.yaml": LATELY}) == []
    assert found("rolled-out", flag(), committed={"flags/ai.yaml": LATELY}, days=3) != []
    assert found("rolled-out", flag(), written=written(expires="2027-01-01")) == [], "its day is agreed"
    assert found("rolled-out", flag(is_remote_configuration=True)) == [], "it is there for its payload"


SOME = {"properties": [{"key": "version", "operator": "exact", "value": "1"}], "rollout_percentage": 50}
SPLIT = [{"key": "a", "rollout_percentage": 100}, {"key": "b", "rollout_percentage": 0}]
HALF = [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]
[ALL] = WHOLE


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ({"release_conditions": [ALL]}, "true"),
        ({"release_conditions": [SOME, ALL]}, "true"),
        ({"release_conditions": [SOME]}, None),
        ({"release_conditions": [{**ALL, "rollout_percentage": 99}]}, None),
        ({"release_conditions": [{**ALL, "rollout_percentage": 0}]}, "nothing"),
        ({"release_conditions": [SOME], "active": False}, "nothing"),
        ({"release_conditions": [SOME, ALL], "early_exit": True}, None),
        ({"release_conditions": [{**ALL, "aggregation_group_type_index": 0}]}, None),
        ({"release_conditions": [ALL], "holdout": {"id": 1}}, None),
        ({"release_conditions": [ALL], "unmanaged": ["release_conditions"]}, None),
        ({"release_conditions": [], "feature_enrollment": True}, None),
        ({"release_conditions": [], "unmanaged": ["feature_enrollment"]}, None),
        ({"active": False, "unmanaged": ["feature_enrollment"]}, "nothing"),
        ({"release_conditions": [ALL], "variants": SPLIT}, "a"),
        ({"release_conditions": [ALL], "variants": HALF}, None),
        ({"release_conditions": [{**ALL, "variant": "b"}], "variants": HALF}, "b"),
        ({"release_conditions": [{**SOME, "variant": "b"}, ALL], "variants": SPLIT}, None),
        ({"release_conditions": [{**SOME, "variant": "b", "rollout_percentage": 0}, ALL], "variants": SPLIT}, "a"),
    ],
)
def test_what_everybody_gets(properties: dict[str, Any], value: str | None) -> None:
    assert same_for_all(properties) == value


def test_a_flag_that_nobody_asks_for_is_named() -> None:
    def live(**values: Any) -> dict[str, Any]:
        return {"flags": {"ai": {"active": True, "created_at": LONG_AGO, **values}}}

    [said] = found("stale", flag(), **live(last_called_at=LONG_AGO, status="STALE"))
    assert "was evaluated last on 1 Sep 2026, 00:00 UTC, 87 days ago" in said
    assert found("stale", flag(), **live(last_called_at=LATELY, status="ACTIVE")) == []
    assert found("stale", flag(), **live(last_called_at=LONG_AGO, active=False)) == [], "it is off"
    [said] = found("never-evaluated", flag(), **live(last_called_at=None))
    assert "was never evaluated since it was made on 1 Sep 2026" in said
    assert found("never-evaluated", flag(), **live(last_called_at=None, created_at=LATELY)) == []
    assert found("never-evaluated", flag(), **live()) == [], "this PostHog does not count calls"


def test_what_nothing_uses_is_named_unless_posthog_knows_of_a_use() -> None:
    cohort = definition("cohort", "beta", name="Beta")
    leaf = {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "beta")}
    using = definition("flag", "ai", release_conditions=[{"properties": [leaf]}])
    assert found("unused", cohort) == ["cohorts/beta.yaml:2: cohort/beta: is used by nothing; remove it, or use it"]
    assert found("unused", cohort, using) == []
    assert found("unused", cohort, elsewhere=lambda ref: [f"somebody's insight of {ref.key}"]) == []


@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (["feature_flag:write", "activity_log:read"], []),
        (["feature_flag:read", "activity_log:read", "approvals:read"], []),
        (["feature_flag:write"], ["lacks activity_log:read; add them"]),
        (["activity_log:read"], ["lacks feature_flag:read; add them"]),
        (["feature_flag:write", "activity_log:read", "cohort:write"], ["does not need cohort:write; take them"]),
        (["*"], ["may do everything; limit it in PostHog to activity_log:read, feature_flag:write"]),
    ],
)
def test_a_key_has_the_scopes_that_it_needs(scopes: list[str], said: list[str]) -> None:
    lines = found("scopes", flag(), key={"scopes": scopes})
    assert [line.partition(": ")[2][: len(each)] for line, each in zip(lines, said, strict=True)] == said
