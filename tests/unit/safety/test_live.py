"""What is live is the base, also of what this stack has not applied; and no two stacks own one project."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.safety.following import Followed
from ai_admin.safety.removal import lost
from ai_admin.safety.sharing import shared
from providers.posthog.consents import EVERYBODY, matches_everybody, rollout
from tests.unit.safety.made import Made, applied, cohorts, flag, judged, split

REST = cohorts(9)


def codes(live: list[Made], after: list[Made], before: list[Made], **options: Any) -> list[str]:
    return [each.code for each in judged(before, after, live=live, **options)]


@pytest.mark.parametrize("before", [[], REST])
def test_a_live_flag_is_measured_by_what_is_live(before: list[Made]) -> None:
    """B1 and B2: on a first run, and on a later one."""
    three = flag("f", 10, active=False, variants=split(a=40, b=30, c=30))
    assert codes([three], [flag("f", 100), *before], before, careful=True) == ["rollout/f/0-100"]
    assert codes([flag("f", 100)], [flag("f", 100), *before], before, careful=True) == []
    assert codes([flag("f", 90)], [flag("f", 100), *before], before, careful=True) == []
    staging = Followed("staging", applied([flag("f", 10)]))
    assert codes([flag("f", 100)], [flag("f", 100), *before], before, followed=staging) == []
    assert codes([flag("f", 50)], [flag("f", 60), *before], before, followed=staging) == ["ahead/f/60-10"]


def test_a_first_run_is_free_for_what_nobody_uses_yet() -> None:
    """B1: one live flag does not make the others grow from nothing."""
    assert codes([flag("f", 100)], [flag("f", 100), flag("new", 100)], [], careful=True) == []


def test_a_run_that_would_change_many_live_flags_is_refused() -> None:
    """B1: adopting is changing."""
    live, ours = ([flag(f"f{number}", share) for number in range(20)] for share in (10, 20))
    [code] = codes(live, ours, [])
    assert code.startswith("update/20/")


@pytest.mark.parametrize(
    ("leaf", "everybody"),
    [
        ({"operator": "icontains", "value": ""}, True),
        ({"operator": "icontains", "value": ["x", ""]}, True),
        ({"operator": "icontains", "value": "x"}, False),
        ({"operator": "regex", "value": ".*"}, True),
        ({"operator": "regex", "value": "."}, True),
        ({"operator": "regex", "value": "^"}, True),
        ({"operator": "regex", "value": "^.+$"}, True),
        ({"operator": "regex", "value": "@acme\\.com$"}, False),
        ({"operator": "regex", "value": "["}, False),
        ({"operator": "not_icontains", "value": ""}, False),
        ({"operator": "exact", "value": ""}, False),
    ],
)
def test_everybody_in_other_words(leaf: dict[str, Any], everybody: bool) -> None:
    """D2: a condition that anybody with an e-mail address matches is one for everybody."""
    condition = {"properties": [{"key": "email", "type": "person", **leaf}], "rollout_percentage": 100}
    assert matches_everybody(condition) is everybody
    assert (EVERYBODY in rollout({"release_conditions": [condition]})) is everybody
    wider = flag("f", release_conditions=[{"properties": [], "rollout_percentage": 10}, condition])
    refused = ["rollout/f/10-100"] if everybody else []
    found = judged([flag("f", 10), *REST], [wider, *REST], careful=True)
    assert [each.code for each in found] == refused


def test_everybody_takes_all_of_a_conditions_properties() -> None:
    """D2: one property that tells people apart is enough."""
    any_value = {"key": "email", "operator": "icontains", "value": ""}
    assert not matches_everybody({"properties": [any_value, {"key": "v", "operator": "exact", "value": "1"}]})
    assert matches_everybody({"properties": [any_value, any_value]})
    assert matches_everybody({})


def test_two_stacks_never_own_one_project() -> None:
    """B6: the same project in staging and production, in whichever spelling."""
    staging = {"ai-admin:host": "https://eu.posthog.com/", "ai-admin:project_id": 12}
    others = {"staging": staging, "production": staging, "sandbox": {}}
    [line] = shared("production", "https://eu.posthog.com", "12", others)
    assert line.startswith("project 12 of https://eu.posthog.com is stack staging's (Pulumi.staging.yaml)")
    assert "stack production" in line
    assert shared("production", "https://us.posthog.com", "12", others) == []
    assert shared("production", "https://eu.posthog.com", "13", others) == []
    for host, same in (
        ("https://EU.posthog.com", True),
        ("https://eu.posthog.com:443/", True),
        (" https://eu.i.posthog.com", True),
        ("https://eu.posthog.com.", True),
        ("https://eu.posthog.com:8443", False),
        ("https://app.posthog.com", False),
        ("https://eu.posthog.com:port", False),
        ("eu.posthog.com", False),
    ):
        found = shared("production", "https://eu.posthog.com", "12", {"staging": {**staging, "ai-admin:host": host}})
        assert bool(found) is same, host
    app = {"staging": {"ai-admin:host": "https://app.posthog.com", "ai-admin:project_id": "012"}}
    assert shared("production", "https://us.i.posthog.com", "12", app)
    secret = {"ai-admin:host": "https://eu.posthog.com", "ai-admin:project_id": {"secure": "v1:…"}}
    assert shared("production", "https://eu.posthog.com", "12", {"staging": secret}) == []


def test_a_posthog_that_moved_is_one_under_both_addresses() -> None:
    old, new = ({"ai-admin:host": f"https://{each}.example.com", "ai-admin:project_id": 12} for each in ("old", "new"))
    moved = {**new, "ai-admin:moved_from": "https://Old.example.com/"}
    assert shared("production", "https://new.example.com", "12", {"staging": old}, "https://Old.example.com/")
    assert shared("production", "https://old.example.com", "12", {"staging": moved})
    assert shared("production", "https://new.example.com", "13", {"staging": old}, "https://old.example.com") == []
    assert shared("production", "https://old.example.com", "12", {"staging": new}) == []
    assert shared("production", "https://else.example.com", "12", {"staging": {"ai-admin:project_id": 12}}) == []


def test_members_of_a_static_cohort_are_said_to_be_lost() -> None:
    """D4: the refusal says how a cohort gets another key."""
    [one, two] = lost({"cohort/b": 1, "cohort/a": 2})
    assert (one.about, one.code) == (("cohort/a",), "members/a/2")
    assert "2 members that are in PostHog alone" in one.what
    assert "`renamed_from: b`" in two.what
