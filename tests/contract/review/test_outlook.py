"""What a plan says of each kind of change: of files, by hand, refused, held, waiting, and when it can't be made."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_admin.cli.show import differences
from ai_admin.review import reading
from ai_admin.review.as_json import as_json
from ai_admin.review.bound import bound
from ai_admin.review.changes import Action
from ai_admin.review.markdown import markdown
from ai_admin.review.plan import Planned, planned, planned_for
from ai_admin.review.standing import Standing, survey
from ai_admin.review.text import text
from providers.posthog.errors import Refused
from providers.posthog.kinds import Ref
from providers.posthog.settings import Settings
from providers.posthog.switch import Audience, audiences, every
from tests.support.clocks import leap
from tests.support.policies import policy_for
from tests.support.sandbox import Sandbox
from tests.support.stack import Stack

_NUMBERS = count(1)
ALL: dict[str, Any] = {"release_conditions": [{"description": "Everybody", "rollout_percentage": 50}]}
OURS = {"description": "Ours", "properties": [{"key": "channel", "value": "internal"}]}


@pytest.fixture
def key() -> str:
    """A key that no other test's flag has."""
    return f"plan-{next(_NUMBERS)}"


@pytest.fixture
def flag(stack: Stack, key: str) -> str:
    """The name of a flag that is applied, for half of everybody."""
    stack.write("flag", key, description="Before", **ALL)
    stack.up()
    return f"flag/{key}"


def said(stack: Stack, name: str, count: bool = False) -> list[str]:
    return list(reading.lines(stack.entry(name, count)))


def test_the_first_plan_has_everything_as_new(stack: Stack, key: str) -> None:
    stack.write("flag", key, description="New", release_conditions=[OURS, *ALL["release_conditions"]])
    found = stack.plan()
    assert {each.change.action for each in found.report.entries if each.change.ref.kind == "flag"} == {Action.CREATE}
    assert found.report.unchanged == 0
    assert said(stack, f"flag/{key}") == [
        'condition "Ours" is new: 100 % where channel is internal',
        'condition "Everybody" is new: 50 %',
    ]


def test_nothing_changes_after_an_up_and_nothing_was_written_by_asking(stack: Stack, flag: str) -> None:
    stack.sandbox.requests()
    report = stack.plan().report
    assert stack.sandbox.writes() in ([], [("POST", f"{_project(stack)}/feature_flags/user_blast_radius/", {})])
    assert (report.entries, report.unchanged) == ((), 2)
    assert "nothing changes, 2 as they are" in text(report)


def _project(stack: Stack) -> str:
    return f"/api/projects/{stack.sandbox.project_id}"


def test_an_update_says_each_thing_and_how_many_persons_it_moves(stack: Stack, flag: str, key: str) -> None:
    wider = [OURS, {"description": "Everybody", "rollout_percentage": 100}]
    stack.write("flag", key, description="After", release_conditions=wider)
    assert stack.entry(flag).change.action is Action.UPDATE
    assert said(stack, flag, count=True) == [
        "description from Before to After",
        'condition "Everybody" from 50 % to 100 %: about 8 of 20 persons more',
        'condition "Ours" is new: 100 % where channel is internal: nobody more, as other conditions serve the same '
        "persons",
        "serves about 10 of 20 persons now, and about 20 then",
    ]


def test_flags_do_not_tell_case_apart_and_neither_do_the_numbers_of_a_plan(stack: Stack, key: str) -> None:
    def write(operator: str, value: Any) -> str:
        condition = {"properties": [{"key": "channel", "operator": operator, "value": value}]}
        stack.write("flag", key, release_conditions=[{"description": "Some", **condition}])
        return said(stack, f"flag/{key}", count=True)[-1]

    for operator, value, other in (
        ("exact", ["internal", "no (one)"], ["INTERNAL", "No (one)"]),
        ("is_not", "internal", "Internal"),
    ):
        write(operator, value)
        stack.up()
        number = 5 if operator == "exact" else 15
        assert write(operator, other) == f"serves about {number} of 20 persons, as before"


def test_what_is_less_than_one_person_is_not_said_to_be_nobody(stack: Stack, key: str) -> None:
    """Fifteen of twenty are not internal. Of them 43 % are 6.45, and 45 % 6.75; half of the five others are 2.5."""

    def write(share: int) -> list[str]:
        others = [{"key": "channel", "operator": "is_not", "value": "internal"}]
        conditions = [{"description": "Others", "properties": others, "rollout_percentage": share}]
        half = {"description": "Half", "properties": OURS["properties"], "rollout_percentage": 50}
        stack.write("flag", key, release_conditions=[*conditions, half])
        return said(stack, f"flag/{key}", count=True)

    write(43)
    stack.up()
    assert write(45) == [
        'condition "Others" from 43 % to 45 %: less than one of 20 persons more',
        "serves about 9 of 20 persons now, and about 9 then",
    ]


def test_who_matches_several_conditions_is_counted_once(stack: Stack, key: str) -> None:
    """Five of twenty are internal; ten match the second condition, among these the five."""

    def conditions(share: int, *more: dict[str, Any]) -> list[dict[str, Any]]:
        half = [{"key": "channel", "operator": "is_set"}, {"key": "half", "value": "yes"}]
        return [OURS, {"description": "Half", "properties": half, "rollout_percentage": share}, *more]

    for number in range(10):
        person = {"event": "seen", "distinct_id": f"p-{number}", "properties": {"$set": {"half": "yes"}}}
        stack.sandbox.capture(person)
    stack.write("event", "installation", type="person", properties={
        "channel": {"type": "String"}, "half": {"type": "String"}})  # fmt: skip
    stack.write("flag", key, release_conditions=conditions(20))
    stack.up()
    stack.write("flag", key, release_conditions=conditions(100))
    assert said(stack, f"flag/{key}", count=True) == [
        'condition "Half" from 20 % to 100 %: about 4 of 20 persons more',
        "serves about 6 of 20 persons now, and about 10 then",
    ]
    others = [{"properties": [{"key": name, "value": "yes"}]} for name in ("channel", "half")]
    stack.write("flag", key, release_conditions=conditions(100, *others))
    assert "serves about 6 of 20 persons now, and about 10 then" in said(stack, f"flag/{key}", count=True)


def test_a_wide_condition_brings_no_more_than_the_flag_can_serve(stack: Stack, key: str) -> None:
    """Five of twenty are internal: the others are whom a condition for everybody who is not "nobody" brings."""
    some = [
        {"description": each, "properties": [{"key": "channel", "operator": "icontains", "value": each}]}
        for each in ("internal", "nowhere", "never")
    ]
    stack.write("flag", key, release_conditions=some)
    stack.up()
    wide = {"properties": [{"key": "channel", "operator": "is_not", "value": "nobody"}], "rollout_percentage": 90}
    stack.write("flag", key, release_conditions=[*some, {"description": "Wide", **wide}])
    assert said(stack, f"flag/{key}", count=True) == [
        'condition "Wide" is new: 90 % where channel is not nobody: at most 15 of 20 persons more',
        "serves about 5 of 20 persons now, and at most 20 then",
    ]


def test_a_flag_that_goes_off_serves_nobody_then(stack: Stack, flag: str, key: str) -> None:
    stack.write("flag", key, description="Before", active=False, **ALL)
    assert said(stack, flag, count=True) == [
        "is switched off",
        "serves about 10 of 20 persons now, and about 0 then",
    ]


def test_a_cohort_that_changes_names_what_uses_it(stack: Stack, key: str) -> None:
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "internal"}])
    stack.write("flag", f"{key}-flag", release_conditions=[{"description": "Ours", "cohort": key}])
    stack.up()
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "stable"}])
    assert said(stack, f"cohort/{key}", count=True) == [
        'criteria from "channel is internal" to "channel is stable"',
        "has about 5 of 20 persons now, and about 15 then",
        f"flag {key}-flag serves about 5 of 20 persons now, and about 15 then",
        f'flag {key}-flag serves by it: condition "Ours" at 100 %',
    ]
    stack.write("cohort", key, name=key, description="Ours", properties=[{"key": "channel", "value": "internal"}])
    assert said(stack, f"cohort/{key}") == ["description is Ours (was not set)"]


def test_a_property_that_gets_another_type_names_what_looks_at_it(stack: Stack, key: str) -> None:
    condition = {"description": "Any", "properties": [{"key": "channel", "operator": "is_set"}]}
    stack.write("flag", key, release_conditions=[condition])
    stack.up()
    stack.write("event", "installation", type="person", properties={"channel": {"type": "Numeric"}})
    assert f'flag {key} serves by it: condition "Any" at 100 %' in said(stack, "property/person.channel")


def test_a_condition_on_a_cohort_is_counted_under_the_cohorts_key(stack: Stack, key: str) -> None:
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "internal"}])
    stack.write("flag", f"{key}-flag", release_conditions=[{"cohort": key, "rollout_percentage": 20}])
    stack.up()
    stack.write("flag", f"{key}-flag", release_conditions=[{"cohort": key, "rollout_percentage": 100}])
    [share, _] = said(stack, f"flag/{key}-flag", count=True)
    assert share == f'condition "in cohort {key}" from 20 % to 100 %: about 4 of 20 persons more'


def test_a_flag_is_counted_with_what_its_cohort_becomes_in_the_same_plan(stack: Stack, key: str) -> None:
    def write(share: int, *criteria: dict[str, Any]) -> list[str]:
        stack.write("cohort", key, name=key, properties=[{"key": "channel", **each} for each in criteria])
        stack.write("flag", f"{key}-flag", release_conditions=[{"cohort": key, "rollout_percentage": share}])
        return said(stack, f"flag/{key}-flag", count=True)

    write(20, {"value": "internal"})
    stack.up()
    assert write(40, {"value": ["internal", "stable"]}) == [
        f'condition "in cohort {key}" from 20 % to 40 %: about 7 of 20 persons more',
        "serves about 1 of 20 persons now, and about 8 then",
    ]
    # No release condition has a negated criterion.
    assert write(40, {"operator": "is_set"}, {"value": "beta", "negation": True})[-1] == (
        f"serves about 1 of 20 persons now, and about 2 then; counted with cohort {key} as before, which changes in "
        "this plan as well"
    )


def test_a_condition_on_another_flag_has_no_number_and_is_named_where_that_one_changes(stack: Stack, key: str) -> None:
    """PostHog answers 0 for a condition on a flag: what a flag gives is no property of a person."""

    def write(share: int, on: bool) -> None:
        needs = {"type": "flag", "key": key, "value": on}
        stack.write("flag", key, release_conditions=[{**OURS, "rollout_percentage": share}])
        stack.write("flag", f"{key}-on-it", release_conditions=[{"properties": [needs], "rollout_percentage": 50}])

    write(100, True)
    stack.up()
    write(10, False)
    plan = {str(each.change.ref): list(reading.lines(each)) for each in stack.plan().report.entries}
    assert plan[f"flag/{key}-on-it"] == [f'condition "flag {key} is on" becomes "flag {key} is off"']
    assert plan[f"flag/{key}"] == [
        'condition "Ours" from 100 % to 10 %: about 5 of 20 persons fewer',
        "serves about 5 of 20 persons now, and about 0 then",
        f"more or fewer may get flag {key}-on-it then; how many is not known",
        f'flag {key}-on-it serves by it: condition "flag {key} is off" at 50 %',
    ]


def test_a_flag_that_depends_on_what_changes_says_that_its_number_is_not_known(stack: Stack, key: str) -> None:
    """A flag on a cohort is counted, and what depends on the flag is not, also where that changes otherwise."""
    unknown = f"more or fewer may get flag {key}-dep then; how many is not known"

    def write(channel: str, share: int = 100, about: str = "", *more: dict[str, Any]) -> None:
        needs = {"type": "flag", "key": key, "value": False}
        stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": channel}, *more])
        stack.write("flag", key, release_conditions=[{"cohort": key, "rollout_percentage": share}], description=about)
        stack.write("flag", f"{key}-dep", release_conditions=[{"properties": [needs]}], description=about)

    def told(name: str) -> list[str]:
        return [line for line in said(stack, name, count=True) if "serves about" in line or "known" in line]

    write("internal")
    stack.up()
    for about in ("", "Another text"):
        write("stable", about=about)
        assert told(f"cohort/{key}") == [f"flag {key} serves about 5 of 20 persons now, and about 15 then", unknown]
    write("stable", share=50)
    assert told(f"cohort/{key}") == [unknown], "the flag's own entry has its number"
    assert told(f"flag/{key}") == ["serves about 5 of 20 persons now, and about 8 then", unknown]
    write("stable", 100, "", {"key": "channel", "value": "beta", "negation": True})
    assert told(f"cohort/{key}") == [unknown.replace(f"flag {key}-dep", f"flag {key}, flag {key}-dep")]


def test_an_adoption_is_shown_as_the_change_of_what_is_there(stack: Stack, sandbox: Sandbox, key: str) -> None:
    groups = [{"properties": [], "rollout_percentage": 10, "description": "Everybody"}]
    sandbox.call("POST", "feature_flags/", {"key": key, "name": "By hand", "filters": {"groups": groups}})
    stack.write("flag", key, description="By hand", **ALL)
    entry = stack.entry(f"flag/{key}")
    assert entry.change.action is Action.ADOPT
    assert [each.text for each in entry.sentences] == ['condition "Everybody" from 10 % to 50 %']
    assert reading.about(entry) == "is adopted from PostHog, and changed"
    stack.write("flag", key, description="By hand", release_conditions=[{"description": "Everybody", **_ten()}])
    assert reading.about(stack.entry(f"flag/{key}")) == "is adopted as it is in PostHog"


def _ten() -> dict[str, Any]:
    return {"rollout_percentage": 10}


def test_a_replacement_says_so(stack: Stack, key: str) -> None:
    name = key.replace("-", "_")
    stack.write("insight_variable", name, name=name, type="String", default_value="a")
    stack.up()
    stack.write("insight_variable", name, name=name, type="Number", default_value=1)
    entry = stack.entry(f"insight_variable/{name}")
    assert entry.change.action is Action.REPLACE
    assert "type from String to Number" in [each.text for each in entry.sentences]
    assert "is replaced" in text(stack.plan(False).report)


def test_what_no_file_has_any_more_is_deleted(stack: Stack, flag: str, key: str) -> None:
    stack.write("action", f"{key}-a", name=key, steps=[{"event": "$pageview"}])
    stack.up()
    stack.remove("action", f"{key}-a")
    entry = stack.entry(f"action/{key}-a")
    assert (entry.change.action, reading.about(entry)) == (Action.DELETE, "is deleted")
    assert f"- action {key}-a is deleted" in text(stack.plan(False).report)


def test_a_deletion_says_whom_a_flag_serves_and_what_a_dashboard_shows(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    stack.write("dashboard", key, name=key, tiles=[{"text": "Ours", "layout": {"w": 6, "h": 2}}])
    stack.up()
    theirs = {"text": {"body": "Theirs"}, "layouts": {"sm": {"x": 0, "y": 9, "w": 6, "h": 2}}}
    sandbox.call("PATCH", stack.path(f"dashboard/{key}"), {"tiles": [theirs]})
    stack.remove("dashboard", key)
    stack.remove("flag", key)
    assert said(stack, flag, count=True)[0] == "serves about 10 of 20 persons now, and about 0 then"
    [shows] = said(stack, f"dashboard/{key}")
    assert shows == "shows the text 'Ours' (by admin@example.com), the text 'Theirs' (by admin@example.com)"


def test_an_early_access_feature_says_who_gets_or_loses_its_flag(stack: Stack, key: str) -> None:
    stack.write("flag", key, release_conditions=[{"rollout_percentage": 0}], unmanaged=["feature_enrollment"])
    stack.write("early_access_feature", key, name=key, stage="beta", flag=key)
    name = f"early_access_feature/{key}"
    assert said(stack, name)[-1] == f"who opts in gets flag {key}"
    stack.up()
    stack.remove("early_access_feature", key)
    assert said(stack, name) == [f"who opted in loses flag {key}"]


def test_who_opted_in_is_counted_where_a_flag_asks_for_it(stack: Stack, key: str) -> None:
    """Of twenty persons four opted in and two out, whom no condition serves; of five internal ones four did."""
    choice, name = f"$feature_enrollment/{key}", f"early_access_feature/{key}"
    for number, opted in ((0, True), (1, True), (2, "true"), (10, True), (3, False), (11, False)):
        person = {"event": "seen", "distinct_id": f"p-{number}", "properties": {"$set": {choice: opted}}}
        stack.sandbox.capture(person)

    def write(share: int = 0, stage: str = "beta", **more: Any) -> None:
        everybody = {"description": "All", "rollout_percentage": share}
        said: dict[str, Any] = {"release_conditions": [everybody], "unmanaged": ["feature_enrollment"], **more}
        stack.write("flag", key, **said)
        stack.write("early_access_feature", key, name=key, stage=stage, flag=key)

    write()
    assert said(stack, name, count=True)[-1] == f"who opts in gets flag {key} (4 of 20 persons so far)"
    assert said(stack, f"flag/{key}", count=True)[-1] == "serves about 4 of 20 persons"
    stack.up()
    client = stack.plan(False).session.inventory.client
    assert next(audiences(client, every(client)[key], 0)) == Audience("who opted in", 100, 4, 20)
    write(active=False)
    assert said(stack, f"flag/{key}", count=True)[-1] == "serves about 4 of 20 persons now, and about 0 then"
    write(50)
    assert said(stack, f"flag/{key}", count=True) == [
        'condition "All" from 0 % to 50 %: about 7 of 20 persons more',
        "serves about 4 of 20 persons now, and about 11 then",
    ]
    write(release_conditions=[OURS])
    assert said(stack, f"flag/{key}", count=True)[-1] == "serves about 4 of 20 persons now, and about 5 then"
    write(stage="concept")
    assert said(stack, name, count=True)[-2:] == [
        f"flag {key} serves about 4 of 20 persons now, and about 0 then",
        f"who opted in loses flag {key} (4 of 20 persons)",
    ]
    write(stage="general-availability", active=False)
    assert said(stack, name)[-1] == f"who opted in keeps flag {key}, which is off then"
    write(100, stage="concept")
    assert said(stack, f"flag/{key}", count=True)[-1] == "serves about 4 of 20 persons now, and about 20 then"
    assert said(stack, name)[-1] == f"who opted in loses flag {key}"
    stack.remove("early_access_feature", key)
    everybody = {"description": "All", "rollout_percentage": 0}
    stack.write("flag", key, release_conditions=[everybody], unmanaged=["feature_enrollment"])
    assert said(stack, name, count=True) == [
        f"flag {key} serves about 4 of 20 persons now, and about 0 then",
        f"who opted in loses flag {key} (4 of 20 persons)",
    ]


def test_a_deletion_that_only_the_provider_refuses_is_refused_in_the_plan(stack: Stack, flag: str, key: str) -> None:
    """A run that was stopped made the flag and did not write down that it had applied it; somebody switched it on."""
    stack.manifest.pop(flag)
    stack.remove("flag", key)
    change = stack.change(flag)
    assert change.action is Action.DELETE
    assert "the flag is on in PostHog; set `active: false`, apply that, and delete it afterwards" in change.refused
    assert stack.plan(False).report.blocked


def test_a_consent_that_nothing_needs_any_more_is_noted(stack: Stack, flag: str, key: str) -> None:
    stack.configure(consent=f"remove/{key}")
    assert f"note: Pulumi.sandbox.yaml: remove/{key} in ai-admin:consent is needed by nothing now" in text(
        stack.plan(False).report
    )
    stack.remove("flag", key)
    assert "is needed by nothing" not in text(stack.plan(False).report)


def test_what_is_gone_already_is_no_deletion(stack: Stack, sandbox: Sandbox, key: str) -> None:
    stack.write("action", key, name=key, steps=[{"event": "$pageview"}])
    stack.up()
    sandbox.call("PATCH", stack.path(f"action/{key}"), {"deleted": True})
    stack.remove("action", key)
    assert stack.plan(False).report.entries == ()


# By hand


def test_what_somebody_changed_in_posthog_is_put_back_with_who_and_when(
    stack: Stack, sandbox: Sandbox, flag: str
) -> None:
    filters = sandbox.call("GET", stack.path(flag))["filters"]
    filters["groups"][0]["rollout_percentage"] = 10
    sandbox.call("PATCH", stack.path(flag), {"filters": filters})
    entry = stack.entry(flag)
    [found] = entry.by_hand
    assert entry.sentences == ()
    assert found.sentence.text == 'condition "Everybody" from 50 % to 10 %'
    assert found.author is not None
    assert found.author.email == "admin@example.com"
    shown = text(stack.plan(False).report)
    assert "changed on PostHog's pages, would be put back:" in shown
    assert 'condition "Everybody" from 50 % to 10 % by admin@example.com on ' in shown


def test_an_intended_change_is_apart_from_one_by_hand(stack: Stack, sandbox: Sandbox, flag: str, key: str) -> None:
    sandbox.call("PATCH", stack.path(flag), {"tags": ["by-hand"]})
    stack.write("flag", key, description="After", **ALL)
    entry = stack.entry(flag)
    assert [each.text for each in entry.sentences] == ["description from Before to After"]
    assert [each.sentence.text for each in entry.by_hand] == ["tags: added by-hand"]


def test_a_change_by_hand_that_the_files_overwrite_says_whose_it_is(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    sandbox.call("PATCH", stack.path(flag), {"name": "Theirs"})
    stack.write("flag", key, description="After", **ALL)
    change, lost = said(stack, flag)
    assert change == "description from Theirs to After"
    start = "overwrites what was changed in PostHog: description from Before to Theirs by admin@example.com on "
    assert lost.startswith(start)


def test_a_change_by_hand_that_the_file_follows_is_no_change(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    sandbox.call("PATCH", stack.path(flag), {"name": "After"})
    stack.write("flag", key, description="After", **ALL)
    assert stack.plan(False).report.entries == ()


def test_what_somebody_deleted_is_made_anew_and_says_who_did(stack: Stack, sandbox: Sandbox, key: str) -> None:
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "internal"}])
    stack.up()
    sandbox.call("PATCH", stack.path(f"cohort/{key}"), {"deleted": True})
    entry = stack.entry(f"cohort/{key}")
    assert entry.change.action is Action.CREATE
    assert "admin@example.com" in entry.deleted
    assert reading.about(entry) == f"was deleted in PostHog {entry.deleted} and is made anew"


def test_a_flag_that_somebody_switched_off_stays_off_and_says_what_waits(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    sandbox.call("PATCH", stack.path(flag), {"active": False})
    stack.write("flag", key, description="After", **ALL)
    entry = stack.entry(flag)
    assert entry.change.action is Action.HOLD
    lines = list(reading.lines(entry))
    assert "waits as well: description from Before to After" in lines
    assert any("nothing switches it on again in passing" in line for line in lines)
    assert "admin@example.com" in entry.change.note
    shown = differences(Standing("stays off", None, entry))
    assert sum("is switched off by" in line for line in shown) == 1
    assert stack.plan(False).report.blocked is False
    assert f"! flag {key} stays off" in text(stack.plan(False).report)


def test_objects_without_a_file_are_counted(stack: Stack, sandbox: Sandbox, flag: str, key: str) -> None:
    before = stack.plan(False).report.unowned.get("flag", 0)
    for name in "ab":
        sandbox.call("POST", "feature_flags/", {"key": f"{key}-{name}", "filters": {"groups": [{}]}})
    report = stack.plan(False).report
    assert report.unowned["flag"] == before + 2
    assert f"{before + 2} flags" in reading.unowned_of_plan(report.unowned)
    assert not {"event", "property"} & report.unowned.keys(), "PostHog makes these itself"


# Names, options, limits


def test_a_lost_state_makes_nothing_new_of_what_posthog_has_or_is_going_to_meet(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    stack.write("event", key, properties={f"{key}-met": {"type": "Numeric"}, f"{key}-unmet": {"type": "Numeric"}})
    stack.write("dashboard", key, name=key, tiles=[{"text": "Ours"}])
    event = {"event": key, "distinct_id": "p-1", "properties": {f"{key}-met": 1}}
    sandbox.capture(event)
    stack.up()
    sandbox.call("POST", "dashboards/", {"name": "Theirs"})
    stack.resources, stack.manifest = {}, {}
    entries = {str(each.change.ref): each for each in stack.plan(False).report.entries}
    assert entries[f"property/event.{key}-met"].change.action is Action.ADOPT
    assert reading.about(entries[f"property/event.{key}-unmet"]).startswith("is not in PostHog yet")
    shown = text(stack.plan(False).report)
    [taken, unowned] = (line for line in shown.splitlines() if "adopted as they are in" in line or "no file" in line)
    assert "the tiles of 1 dashboard" in taken
    assert "tiles" not in unowned


def test_another_key_is_a_change_of_the_same_object(stack: Stack, flag: str, key: str) -> None:
    stack.remove("flag", key)
    stack.write("flag", f"{key}-new", renamed_from=key, description="Before", **ALL)
    entry = stack.entry(f"flag/{key}-new")
    assert entry.change.action is Action.UPDATE
    assert [each.text for each in entry.sentences] == [f"key from {key} to {key}-new"]
    assert f"flag {key}-new (so far {key})" in text(stack.plan(False).report)
    assert len(stack.plan(False).report.entries) == 1


def test_a_key_that_was_changed_in_posthog_is_said_with_what_to_write(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    sandbox.call("PATCH", stack.path(flag), {"key": f"{key}-new"})
    shown = text(stack.plan(False).report)
    assert f"key from {key} to {key}-new by admin@example.com on " in shown
    to_keep = f"to keep that key, write `key: {key}-new` and `renamed_from: {key}` into flags/{key}.yaml, and"
    assert f"; {to_keep}" in shown
    stack.remove("flag", key)
    stack.write("flag", f"{key}-new", renamed_from=key, description="Before", **ALL)
    assert [each.change.fields for each in stack.plan(False).report.entries] == []
    assert stack.plan(False).report.refused == (), "it has the key already: nothing changes for anybody who asks for it"


def test_a_field_left_to_posthogs_pages_is_announced_and_sends_nothing(
    stack: Stack, sandbox: Sandbox, flag: str, key: str
) -> None:
    stack.write("flag", key, unmanaged=["description"], **ALL)
    assert said(stack, flag) == ["description is left to PostHog's pages"]
    stack.sandbox.requests()
    stack.up()
    assert stack.sandbox.writes() == []
    sandbox.call("PATCH", stack.path(flag), {"name": "By hand"})
    stack.write("flag", key, description="Before", **ALL)
    assert said(stack, flag) == [
        'description from "By hand" to Before',
        "description is no longer left to PostHog's pages",
    ]


def test_the_flag_of_an_experiment_goes_off_at_any_time_and_no_start_switches_it_on(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    flag, experiment, started = f"flag/{key}", f"experiment/{key}", {"start_date": "2026-09-07T08:00:00Z"}
    split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]

    def write(dates: dict[str, Any], switch: dict[str, Any]) -> None:
        stack.write("flag", key, variants=split, **ALL, **switch)
        stack.write("experiment", key, name=key, flag=key, **dates)

    def add() -> None:
        stack.write("experiment", f"{key}-more", name=f"{key} more", flag=key, **started)

    def more() -> list[str]:
        """Return what would follow from one more experiment on the flag."""
        add()
        [on, *effects] = stack.entry(f"{experiment}-more").effects
        stack.remove("experiment", f"{key}-more")
        assert on == f"its flag is {key}: control 50 %, test 50 %"
        return effects

    def active() -> bool:
        return bool(sandbox.call("GET", stack.path(flag))["active"])

    paused = f"it begins paused: nobody comes into it while its flag {key} is off"
    write({}, {})
    stack.up()
    write(started, {"active": False})
    said_so = f"it would be started, and with that PostHog would switch on its flag {key}, whose file says "
    assert said_so in stack.entry(experiment).change.refused
    assert stack.entry(flag).change.refused == ""
    with pytest.raises(Refused, match="it would be started"):
        stack.up()
    assert not active()
    for switch in ({}, {"unmanaged": ["active"]}):  # applied off; then on, and switched off by hand
        write({}, switch)
        stack.up()
        sandbox.call("PATCH", stack.path(flag), {"active": False})
        write(started, switch)
        assert f"would switch on its flag {key}, which is off in PostHog (by " in stack.entry(experiment).change.refused
        with pytest.raises(Refused, match="it would be started"):
            stack.up()
        assert not active()
        assert more() == [paused]
    sandbox.call("PATCH", stack.path(flag), {"active": True})
    write({}, {})
    stack.up()
    write(started, {})
    assert said(stack, experiment, count=True) == [
        "start date is 7 Sep 2026, 08:00 UTC (was not set)",
        f"flag {key} serves about 10 of 20 persons, as before",
        f"it is started: whom its flag {key} serves comes into it (control 50 %, test 50 %)",
    ]
    stack.up()
    assert active()
    assert more() == ["it begins at once: whom its flag serves comes into it"]
    write(started, {"active": False})
    pauses = "has run on it since 7 Sep 2026, and pauses: nobody comes into it while the flag is off"
    assert [*stack.entry(flag).effects] == [f"experiment {key} {pauses}"]
    assert more() == [paused]
    add()
    stack.up()
    assert not active()
    stack.remove("experiment", f"{key}-more")
    gone = stack.entry(f"{experiment}-more")
    assert "it has run since 2026-09-07T08:00:00Z, and its results would go" in gone.change.refused
    assert gone.effects == ()
    stack.configure(consent=f"reset/{key}-more")
    went = "it has run since 7 Sep 2026, and its results go from PostHog's pages"
    assert [*stack.entry(f"{experiment}-more").effects] == [went]


def test_what_somebody_did_is_not_undone_where_a_file_takes_it_back_from_posthogs_pages(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    survey, experiment, flag = f"survey/{key}", f"experiment/{key}-asked", f"flag/{key}"
    split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]
    stack.write("flag", f"{key}-split", variants=split, **ALL)

    def write(dates: dict[str, Any], switch: dict[str, Any]) -> None:
        questions = [{"type": "open", "question": "How?"}]
        stack.write("survey", key, name=key, type="popover", questions=questions, **dates)
        stack.write("experiment", f"{key}-asked", name=f"{key} asked", flag=f"{key}-split", **dates)
        stack.write("flag", key, **ALL, **switch)

    write({"unmanaged": ["start_date", "end_date"]}, {"unmanaged": ["active"]})
    stack.up()
    started = {"start_date": "2026-09-07T08:00:00Z"}
    for name, change in ((survey, started), (experiment, started), (flag, {"active": False})):
        sandbox.call("PATCH", stack.path(name), change)
    write({}, {})
    assert "add reset/survey/" in stack.entry(survey).change.refused
    assert f"add reset/{key}-asked to" in stack.entry(experiment).change.refused
    assert "nothing switches it on again in passing" in stack.entry(flag).change.note
    with pytest.raises(Refused, match="it was started in PostHog"):
        stack.up()
    assert all(sandbox.call("GET", stack.path(each))["start_date"] for each in (survey, experiment))
    assert sandbox.call("GET", stack.path(flag))["active"] is False
    stack.configure(consent=f"reset/survey/{key} reset/{key}-asked")
    assert [*stack.entry(survey).effects] == ["it is a draft again: nobody is asked"]
    assert [*stack.entry(experiment).effects] == ["it is a draft again: it measures nothing"]


def test_a_survey_that_is_launched_says_whom_it_asks_by_what_is_left_to_posthogs_pages(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    asks = {"name": key, "type": "popover", "questions": [{"type": "open", "question": "How?"}]}
    survey = f"survey/{key}"
    stack.write("survey", key, **asks, start_date="2026-09-07T08:00:00Z")
    assert [*stack.entry(survey).effects] == ["it is launched: everybody is asked"]
    stack.write("survey", key, **asks)
    assert [*stack.entry(survey).effects] == []
    stack.up()
    theirs = {"groups": [{"properties": [{"key": "plan", "value": "pro", "type": "person"}], "rollout_percentage": 10}]}
    sandbox.call("PATCH", stack.path(survey), {"targeting_flag_filters": theirs})
    stack.write("survey", key, **asks, start_date="2026-09-07T08:00:00Z")
    met = "it is launched: everybody is asked, where its conditions are met (targeting_flag)"
    assert [*stack.entry(survey).effects] == [met]
    stack.up()
    stack.remove("survey", key)
    asked = "it has run since 7 Sep 2026: nobody is asked any more, and its results go from PostHog's pages"
    assert [*stack.entry(survey).effects] == [asked]


def test_tiles_of_people_that_go_are_announced(stack: Stack, sandbox: Sandbox, key: str) -> None:
    tiles = [{"text": "Ours", "layout": {"w": 6, "h": 2}}]
    stack.write("dashboard", key, name=key, tiles=tiles)
    stack.up()
    theirs = {"text": {"body": "Theirs"}, "layouts": {"sm": {"x": 0, "y": 9, "w": 6, "h": 2}}}
    sandbox.call("PATCH", stack.path(f"dashboard/{key}"), {"tiles": [theirs]})
    stack.write("dashboard", key, name=key, tiles=tiles, exclusive_tiles=True)
    assert said(stack, f"tiles/{key}") == ["tiles that people add are taken away"]


def test_what_names_a_deleted_object_says_that_it_gets_the_new_one(stack: Stack, sandbox: Sandbox, key: str) -> None:
    query = {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": [{"event": "$pageview"}]}}
    stack.write("insight", key, name=key, query=query)
    daily = {"target": {"email": ["a@example.com"]}, "frequency": "daily", "start_date": "2026-11-01T08:00:00Z"}
    stack.write("subscription", key, title=key, insight=key, **daily)
    stack.up()
    sandbox.call("PATCH", stack.path(f"insight/{key}"), {"deleted": True})
    assert said(stack, f"subscription/{key}") == [f"names the new insight {key} in the place of the deleted one"]


def test_a_tile_is_called_as_its_insight_also_where_that_is_gone_or_in_no_file(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    query = {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": [{"event": "$pageview"}]}}
    tiles = [{"insight": {"key": f"{key}-{name}", "name": f"{key} {name}", "query": query}} for name in ("a", "b")]
    stack.write("dashboard", key, name=key, tiles=tiles, exclusive_tiles=True)
    stack.up()
    board = sandbox.call("GET", stack.path(f"dashboard/{key}"))["id"]
    sandbox.call("POST", "insights/", {"name": "Theirs", "query": query, "dashboards": [board]})
    sandbox.call("PATCH", stack.path(f"insight/{key}-b"), {"deleted": True})
    stack.write("dashboard", key, name=key, tiles=tiles[:1], exclusive_tiles=True)
    entry = stack.entry(f"tiles/{key}")
    told = "\n".join(reading.lines(entry))
    assert 'tile "Theirs (' in told
    assert f'tile "{key}-b"' in told
    assert not re.search(r'tile "\d+"', told)


# Refused


def test_a_gate_refuses_and_the_plan_is_shown_beside_it(stack: Stack, flag: str, key: str) -> None:
    stack.configure(careful="true")
    stack.write("flag", key, description="Before", release_conditions=[{"description": "Everybody"}])
    found = stack.plan(False).report
    assert found.blocked
    assert any("50 %" in line and key in line for line in found.refused)
    shown = text(found)
    assert "refused, so that nothing but switch-offs is applied:" in shown
    assert 'condition "Everybody" from 50 % to 100 %' in shown


def test_what_the_guard_refuses_and_what_depends_on_it_is_not_applied(
    stack: Stack, key: str
) -> None:
    """The cohort that is to be adopted is not there, so the flag on it is left out."""
    stack.write("cohort", key, name=key, adopt="987654", properties=[{"key": "channel", "value": "internal"}])
    stack.write("flag", f"{key}-flag", release_conditions=[{"cohort": key}])
    report = stack.plan(False).report
    [cohort, flag] = (stack.entry(name) for name in (f"cohort/{key}", f"flag/{key}-flag"))
    assert report.blocked
    assert cohort.change.refused
    assert f"left out, as it refers to cohort/{key}, which is not applied" in flag.change.refused
    assert any(line.startswith("not applied: ") for line in reading.lines(cohort))
    assert "cohorts/" not in next(line for line in reading.lines(cohort) if line.startswith("not applied: "))[:20]


def test_a_flag_that_waits_for_approval_says_so(stack: Stack, sandbox: Sandbox, flag: str, key: str) -> None:
    with policy_for(sandbox, "feature_flag.update"):
        stack.write("flag", key, description="Before", release_conditions=[{"description": "Everybody"}])
        assert "needs approval in PostHog: feature_flag.update (2 approvals)" in said(stack, flag)
        stack.up()
        report = stack.plan(False).report
        assert any("waits" in line or "approval" in line for line in (*report.warnings, *said(stack, flag)))


def test_requests_that_can_not_be_read_are_in_no_plans_way(
    stack: Stack, sandbox: Sandbox, flag: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a plan `ai-admin apply` would apply nothing, a switch-off included."""
    monkeypatch.setattr("providers.posthog.client.ATTEMPTS", 1)
    stack.write("flag", key, description="After", **ALL)
    rule = {"kind": "error_before", "status": 500, "path": "/change_requests"}
    with sandbox.faults(rule):
        assert said(stack, flag) == ["description from Before to After"]


def test_a_flag_that_is_to_be_off_again_says_that_its_coming_on_is_taken_back(
    stack: Stack, sandbox: Sandbox, key: str
) -> None:
    stack.write("flag", key, description="Before", active=False, **ALL)
    stack.up()
    with policy_for(sandbox, "feature_flag.enable"):
        stack.write("flag", key, description="Before", **ALL)
        stack.up()
        stack.write("flag", key, description="Before", active=False, **ALL)
        [line] = said(stack, f"flag/{key}")
        assert line.startswith("it would be switched on by a change that waits for approval since 20")


@pytest.mark.parametrize(("status", "known"), [(403, False), (500, False), (402, True), (404, True)])
def test_whether_flags_need_an_approval_is_not_known_where_policies_can_not_be_read(
    stack: Stack, sandbox: Sandbox, flag: str, key: str, status: int, known: bool
) -> None:
    stack.write("flag", key, description="Before", release_conditions=[{"description": "Everybody"}])
    rule = {"kind": "error_before", "status": status, "path": "/approval_policies/"}
    with sandbox.faults(rule):
        report = stack.plan(False).report
        stack.write("flag", key, description="After", **ALL)
        of_no_matter = stack.plan(False).report
    unread = "which of these changes of flags need an approval in PostHog is not known: "
    assert [line.startswith(unread) for line in report.warnings] == [True] * (not known)
    assert of_no_matter.warnings == ()


# No plan


def test_problems_of_the_files_are_told_in_place_of_a_plan(stack: Stack, key: str) -> None:
    stack.write("flag", key, relase_conditions=[])
    found = stack.planned()
    assert isinstance(found, tuple)
    assert found[0] == "the definitions have problems:"
    assert "relase_conditions" in "\n".join(found)


def test_what_a_broken_file_defines_is_neither_gone_nor_in_the_way(stack: Stack, key: str) -> None:
    for name in (key, f"{key}-other"):
        stack.write("cohort", name, name=name, properties=[{"key": "channel", "value": "internal"}])
        stack.write("flag", name, release_conditions=[{"description": "Ours", "cohort": name}])
    stack.up()
    (stack.root / "cohorts" / f"{key}.yaml").write_text("key: [")
    stack.write("flag", f"{key}-other", active=False, release_conditions=[{"description": "Ours", "cohort": key}])
    stack.write("flag", f"{key}-new", release_conditions=[{"cohort": "written-there"}])
    (stack.root / "cohorts" / f"{key}-others.yaml").write_text("key: written-there\nname: [")
    found = stack.planned(False, partly=True)
    assert isinstance(found, Planned), found
    actions = {str(each.ref): each.action for each in found.outlook.changes}
    assert {name: action for name, action in actions.items() if key in name} == {
        f"cohort/{key}": Action.UNKNOWN,
        f"cohort/{key}-other": Action.NOTHING,
        f"flag/{key}": Action.NOTHING,
        f"flag/{key}-other": Action.UPDATE,
        f"flag/{key}-new": Action.UNKNOWN,
    }
    assert found.report.refused == ()


def test_another_project_is_refused_and_nothing_is_taken_for_gone(stack: Stack, flag: str) -> None:
    for each in stack.resources.values():
        each["outputs"]["project_id"] = "77"
    assert stack.planned() == (
        "this stack's objects live in PostHog project 77, but the connection is to project "
        f"{stack.sandbox.project_id}; set POSTHOG_PROJECT_ID or the stack's configuration to 77",
    )
    for each in stack.resources.values():
        each["outputs"] |= {"project_id": stack.sandbox.project_id, "__host": "https://eu.posthog.com"}
    nowhere = {**stack.sandbox.environ, "POSTHOG_API_KEY": "phx_of_the_other"}
    stack.settings = type(stack.settings)(stack.settings.stack, nowhere)
    refused = stack.planned()
    assert isinstance(refused, tuple)
    assert refused[0].startswith("this stack's objects live in the PostHog at https://eu.posthog.com, but ")


def test_a_posthog_that_does_not_answer_is_one_line(stack: Stack, key: str) -> None:
    stack.write("flag", key, **ALL)
    stack.configure()
    nowhere = {**stack.sandbox.environ, "POSTHOG_HOST": "http://127.0.0.1:9"}
    stack.settings = type(stack.settings)(stack.settings.stack, nowhere)
    found = stack.planned()
    assert isinstance(found, tuple)
    assert "no answer from http://127.0.0.1:9" in found[0]
    assert all("Traceback" not in line for line in found)


def test_short_waits_are_told_while_they_are_waited_and_are_no_notes_of_the_plan(
    stack: Stack, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leap(monkeypatch)
    rule = {"kind": "error_before", "status": 429, "retry_after": 2, "path": "/property_definitions/", "times": 4}
    told: list[str] = []
    with stack.sandbox.faults(rule):
        found = planned_for(replace(stack._reviewed(), waiting=told.append), count=False)
    assert isinstance(found, Planned), found
    assert [each.partition(" in all")[0] for each in told] == ["still waiting, 6 s"]
    assert "waiting" not in text(found.report)


def test_what_can_not_be_read_is_not_known_and_the_rest_is_planned(
    stack: Stack, flag: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"type": "popover", "questions": [{"type": "open", "question": "How?"}]}
    stack.write("survey", key, name=key, **question)
    stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": "internal"}])
    stack.up()
    scopes = [f"{each}:read" for each in ("feature_flag", "event_definition", "property_definition", "action")]
    limited = stack.sandbox.key(scopes)
    stack.settings = Settings(stack.settings.stack, {**stack.settings.environ, "POSTHOG_API_KEY": limited})
    stack.remove("survey", key)
    stack.write("survey", f"{key}-new", name=f"{key}-new", **question)
    stack.write("cohort", f"{key}-new", name=f"{key}-new", properties=[{"key": "channel", "value": "beta"}])
    stack.write("flag", f"{key}-on", release_conditions=[{"cohort": f"{key}-new"}])
    stack.write("flag", key, description="After", **ALL)
    found = stack.plan(False)
    actions = {str(each.ref): each.action for each in found.outlook.changes}
    assert actions[flag] is Action.UPDATE
    asked = (f"survey/{key}", f"survey/{key}-new", f"cohort/{key}", f"cohort/{key}-new", f"flag/{key}-on")
    assert {actions[name] for name in asked} == {Action.UNKNOWN}
    lines = [line for line in text(found.report).splitlines() if "not known: " in line]
    assert any(f"survey {key}, survey {key}-new: " in line and "survey:read" in line for line in lines)
    assert any(f"flag {key}-on" in line and "cohort:read" in line for line in lines)
    assert "nothing is made twice" not in "".join(lines)
    plan = bound(found)
    assert (plan["changes"].keys(), bool(plan["refused"])) == ({flag}, True), "`ai-admin apply` takes none of it"
    monkeypatch.setattr("ai_admin.review.standing.planned", lambda *_, **__: found)
    seen = survey(stack.root, ["sandbox"])
    states = {str(row.ref): row.states["sandbox"] for row in seen.rows(different=True)}
    assert {name: states[name] for name in (flag, *asked)} == {flag: "differs", **dict.fromkeys(asked, "?")}
    assert any("survey:read" in line for line in seen.unread["sandbox"])


def test_a_list_says_what_is_off_and_what_was_deleted_in_posthog(
    stack: Stack, sandbox: Sandbox, flag: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("flag", f"{key}-off", active=False, **ALL)
    stack.up()
    sandbox.call("PATCH", stack.path(flag), {"deleted": True})
    found = stack.plan(False)
    monkeypatch.setattr("ai_admin.review.standing.planned", lambda *_, **__: found)
    seen = survey(stack.root, ["sandbox"])
    states = {str(row.ref): row.states["sandbox"] for row in seen.rows()}
    assert (states[flag], states[f"{flag}-off"]) == ("deleted in PostHog", "as defined, off")
    assert [str(row.ref) for row in seen.rows(different=True)] == [flag]
    sandbox.call("PATCH", stack.path(f"{flag}-off"), {"name": "By hand"})
    found = stack.plan(False)
    monkeypatch.setattr("ai_admin.review.standing.planned", lambda *_, **__: found)
    [state] = survey(stack.root, ["sandbox"], f"{key}-off").objects[Ref("flag", f"{key}-off")].values()
    assert state.state == "changed by hand, off"
    stack.remove("flag", key)
    stack.write("flag", f"{key}-off", unmanaged=["active"], **ALL)
    stack.up()
    found = stack.plan(False)
    monkeypatch.setattr("ai_admin.review.standing.planned", lambda *_, **__: found)
    [state] = survey(stack.root, ["sandbox"], f"{key}-off").objects[Ref("flag", f"{key}-off")].values()
    assert state.state == "as defined, off", "which is left to PostHog's pages"


def test_without_pulumi_it_says_how_to_get_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = planned(stack.root, "sandbox")
    assert found == ("there is no `pulumi` in PATH; run `. ./activate` in the checkout first",)


def test_a_stack_without_a_file_is_named(stack: Stack) -> None:
    found = planned(stack.root, "stagng")
    assert isinstance(found, tuple)
    assert "Pulumi.stagng.yaml can't be read" in found[0]


def test_what_posthog_holds_already_as_the_files_say_is_no_change_that_counts(stack: Stack, key: str) -> None:
    """Many changes by hand that were pulled: nothing of them is sent."""
    names = [f"{key}-{n}" for n in range(6)]

    def write(description: str, value: str, some: int = 6) -> None:
        for name in names[:some]:
            leaf = {"key": "channel", "value": value}
            stack.write("cohort", name, name=name, description=description, properties=[leaf])
        condition = {"cohort": names[0], "rollout_percentage": 50}
        stack.write("flag", key, description=description, release_conditions=[condition])

    write("Before", "internal")
    stack.up()
    write("After", "internal")
    [refused] = stack.plan(False).report.refused
    assert refused.startswith("7 of 8 objects would be changed, 5 may be in one run: ")
    for name in names:
        stack.sandbox.call("PATCH", stack.path(f"cohort/{name}"), {"description": "After"})
    stack.sandbox.call("PATCH", stack.path(f"flag/{key}"), {"name": "After"})
    assert stack.plan(False).report.refused == ()
    stack.up()
    write("At last", "internal", 5)
    [refused] = stack.plan(False).report.refused
    assert refused.startswith("6 of 8 objects")
    stack.sandbox.call("PATCH", stack.path(f"flag/{key}"), {"name": "At last"})
    assert stack.plan(False).report.refused == ()


def test_what_files_take_off_a_dashboard_counts_though_people_may_add_to_it(stack: Stack, key: str) -> None:
    names = [f"{key}-{n}" for n in range(7)]

    def write(*shown: str) -> None:
        for board, insights in ((f"{key}-all", names), (f"{key}-some", shown)):
            tiles = [{"insight": each, "layout": {"w": 6, "h": 5}} for each in insights]
            stack.write("dashboard", board, name=board, tiles=tiles)

    for name in names:
        stack.write("insight", name, name=name, trends={"series": [{"event": "$pageview"}]})
    write(*names)
    stack.up()
    write(names[0])
    [refused] = stack.plan(False).report.refused
    assert refused.startswith("7 of 10 objects would be changed, 5 may be in one run: ")


# Forms


NASTY = "a|b `c` <script> @octocat #12 **bold** ![x](y) ~~no~~ \\ $x"


def test_markdown_shows_what_people_wrote_as_it_is_and_calls_nobody(stack: Stack, flag: str, key: str) -> None:
    stack.write("flag", key, description=NASTY, **ALL)
    found = markdown(stack.plan(False).report)
    assert found.startswith("<!-- ai-admin plan sandbox -->\n")
    line = next(line for line in found.splitlines() if "description from" in line)
    for raw in ("a|b", "`c`", "<script>", "@octocat", " #12", "**bold**", "![x]", "~~no~~"):
        assert raw not in line


def test_json_has_what_the_text_says(stack: Stack, sandbox: Sandbox, flag: str, key: str) -> None:
    sandbox.call("PATCH", stack.path(flag), {"tags": ["by-hand"]})
    stack.write("flag", key, description="After", release_conditions=[{"description": "Everybody"}])
    found = json.loads(as_json(stack.plan().report))
    [change] = found["changes"]
    assert (change["name"], change["action"]) == (flag, "update")
    assert {tuple(each["path"]) for each in change["fields"]} == {(), ("Everybody", "rollout_percentage")}
    share = next(each for each in change["fields"] if each["path"])
    assert (share["field"], share["before"], share["after"]) == ("release_conditions", 50, 100)
    assert change["by_hand"][0]["by"] == "admin@example.com"
    nobody = {"kept_out": {"now": 0, "then": 0}, "kept_out_percent": {"now": 0, "then": 0}}
    assert change["persons"] == {"now": 10, "then": 20, "of": 20, "another_variant": 0, "at_most": False, **nobody}
    assert found["refused"] == []


def test_no_secret_is_in_any_form(stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, secret in enumerate(("https://hooks.example.com/ONE-SECRET", "https://hooks.example.com/OTHER-SECRET")):
        monkeypatch.setitem(os.environ, "PLAN_WEBHOOK", secret)
        environ = {**stack.sandbox.environ, "PLAN_WEBHOOK": secret}
        stack.settings = type(stack.settings)(stack.settings.stack, environ)
        if number == 0:
            series = {"trends": {"series": [{"event": "$pageview"}]}}
            stack.write("dashboard", key, name=key, tiles=[{"insight": {"key": f"{key}-i", "name": key, **series}}])
            watched = {"insight": f"{key}-i", "condition": "absolute_value", "threshold": {"upper": 1}}
            stack.write("alert", key, name=key, notify={"webhook": {"url": {"env": "PLAN_WEBHOOK"}}}, **watched)
            stack.up()
    report = stack.plan().report
    assert [str(each.change.ref) for each in report.entries] == [f"notification/{key}.webhook"]
    for form in (text(report), markdown(report), as_json(report), repr(stack.plan().report.entries[0].sentences)):
        assert "SECRET" not in form
        assert "hooks.example.com" not in form
        assert stack.sandbox.api_key not in form
    assert "the webhook's address changes (not shown, as it may hold secrets)" in text(report)


def test_what_does_not_fit_the_fields_left_to_posthogs_pages_is_refused_beside_the_plan(stack: Stack, key: str) -> None:
    of_a, of_b = ([{"key": each, "rollout_percentage": 100}] for each in "ab")
    stack.write("flag", key, variants=of_a, unmanaged=["payloads"], **ALL)
    stack.up()
    flag = stack.sandbox.call("GET", f"feature_flags/{stack.resources[Ref('flag', key)]['id']}/")
    filters = {**flag["filters"], "payloads": {"a": "1"}}
    stack.sandbox.call("PATCH", f"feature_flags/{flag['id']}/", {"filters": filters})
    stack.write("flag", key, variants=of_b, unmanaged=["payloads"], **ALL)
    report = stack.plan().report
    assert "there is a payload for 'a', and the variants are b; change the one or the other" in text(report)
    with pytest.raises(Refused, match="there is a payload for 'a'"):
        stack.up()
    assert stack.sandbox.call("GET", f"feature_flags/{flag['id']}/")["filters"] == filters


def test_other_shares_of_variants_say_how_many_get_another_one(stack: Stack, key: str) -> None:
    def write(a: int, b: int, payload: int = 1, **more: Any) -> list[str]:
        shares = [{"key": name, "rollout_percentage": share} for name, share in (("a", a), ("b", b))]
        stack.write("flag", key, variants=[{**each, "payload": payload} for each in shares], **{**ALL, **more})
        return said(stack, f"flag/{key}", count=True)

    write(50, 50)
    stack.up()
    split = ['variant "a" from 50 % to 20 %', 'variant "b" from 50 % to 80 %']
    reach = "serves about 10 of 20 persons, as before"
    assert write(20, 80)[:3] == [*split, f"{reach}; about 3 of these get another variant than now"]
    ours = {"description": "Ours", "properties": [{"key": "channel", "value": "internal"}], "rollout_percentage": 50}
    some = [ours, {**ALL["release_conditions"][0], "variant": "a"}]
    lines = write(20, 80, release_conditions=some)
    # Of ours, who were drawn and still are, 3 in 10; of all others, who now get a, those who had b.
    ours_are = stack.sandbox.call("POST", "feature_flags/user_blast_radius/", {"condition": _blast(OURS)})["affected"]
    another = round(0.5 * (0.3 * ours_are + 0.5 * (20 - ours_are)))
    assert any(f"; about {another} of these get another variant than now" in each for each in lines)
    assert write(50, 50, payload=2)[-1] == reach
    assert not any("get another variant" in each for each in write(50, 50, bucketing_identifier="device_id"))


def test_whom_an_early_exit_alone_leaves_out_is_counted(stack: Stack, key: str) -> None:
    conditions = [{**OURS, "rollout_percentage": 20}, *ALL["release_conditions"]]
    stack.write("flag", key, release_conditions=conditions)
    stack.up()
    stack.write("flag", key, release_conditions=conditions, early_exit=True)
    assert "serves about 10 of 20 persons now, and about 8 then" in said(stack, f"flag/{key}", count=True)


def test_a_new_flag_and_another_variant_or_payload_of_a_condition_say_for_how_many(stack: Stack, key: str) -> None:
    shares = [{"key": name, "rollout_percentage": share} for name, share in (("a", 100), ("b", 0))]
    ours = {**OURS, "variant": "a"}

    def write(*payloads: int, **condition: Any) -> list[str]:
        variants = [{**each, "payload": payload} for each, payload in zip(shares, payloads, strict=True)]
        rest = {**ALL["release_conditions"][0], "variant": "b"}
        active = condition.pop("active", True)
        conditions = [{**ours, **condition}, rest]
        stack.write("flag", key, active=active, variants=variants, release_conditions=conditions)
        return said(stack, f"flag/{key}", count=True)

    stack.write("flag", f"{key}-of-all", **ALL)
    assert said(stack, f"flag/{key}-of-all", count=True)[-1] == "serves about 10 of 20 persons"
    assert write(1, 2)[-1].startswith("serves about 1")
    stack.up()
    assert write(1, 3)[0] == 'payload "b" from 2 to 3: at most 10 of 20 persons get that variant'
    assert 'payload "b" from 2 to 3' in write(1, 3, active=False)[1], "nobody gets it from a flag that goes off"
    ours_are = stack.sandbox.call("POST", "feature_flags/user_blast_radius/", {"condition": _blast(OURS)})["affected"]
    assert write(1, 2, variant="b")[0] == (
        f'condition "Ours": variant from a to b: {ours_are} of 20 persons match it'
    )
    assert ours_are > 0
    nobody = {"properties": [{"key": "channel", "value": "nobody's"}], "description": "Nobody"}
    stack.write("flag", key, variants=shares, release_conditions=[{**nobody, "variant": "a"}])
    stack.up()
    stack.write("flag", key, variants=shares, release_conditions=[{**nobody, "variant": "b"}])
    lines = said(stack, f"flag/{key}", count=True)
    assert lines[0] == 'condition "Nobody": variant from a to b: 0 of 20 persons match it'


def _blast(condition: dict[str, Any]) -> dict[str, Any]:
    leaves = [{"type": "person", "operator": "exact", **each} for each in condition["properties"]]
    return {"properties": leaves, "rollout_percentage": 100}


def test_who_gets_another_variant_by_a_cohort_is_counted_also_beside_other_shares(stack: Stack, key: str) -> None:
    def write(channels: list[str], a: int) -> None:
        stack.write("cohort", f"{key}-c", name=key, properties=[{"key": "channel", "value": channels}])
        split = [{"key": "a", "rollout_percentage": a}, {"key": "b", "rollout_percentage": 100 - a}]
        conditions = [{"description": "Ours", "cohort": f"{key}-c", "variant": "b"}, {"description": "All"}]
        stack.write("flag", key, variants=split, release_conditions=conditions)

    write(["internal"], 80)
    stack.up()
    write(["internal", "stable"], 80)
    reach = "serves about 20 of 20 persons, as before"
    lines = said(stack, f"cohort/{key}-c", count=True)
    assert f"flag {key} {reach}; about 12 of these get another variant than now" in lines, "4 of 5 of the 15 that come"
    write(["internal", "stable"], 100)
    assert f"{reach}; about 12 of these get another variant than now" in said(stack, f"flag/{key}", count=True)
    write(["internal"], 100)
    lines = said(stack, f"flag/{key}", count=True)
    assert f"{reach}; about 3 of these get another variant than now" in lines, "a fifth of those who are drawn"


def test_a_flag_behind_a_cohort_that_is_made_of_one_that_changes_has_numbers(stack: Stack, key: str) -> None:
    """Fifteen of twenty persons are stable, five internal."""
    base, made, flag = f"{key}-base", f"{key}-made", key

    def write(channels: list[str], share: int = 100) -> None:
        stack.write("cohort", base, name=base, properties=[{"key": "channel", "value": channels}])
        stack.write("cohort", made, name=made, properties=[{"cohort": base}, {"key": "channel", "operator": "is_set"}])
        stack.write("flag", flag, release_conditions=[{"cohort": made, "rollout_percentage": share}])

    write(["internal"])
    stack.up()
    write(["internal", "stable"])
    lines = said(stack, f"cohort/{base}", count=True)
    assert "has about 5 of 20 persons now, and about 20 then" in lines
    assert f"flag {flag} serves about 5 of 20 persons now, and about 20 then" in lines
    write(["internal", "stable"], 40)
    assert said(stack, f"flag/{flag}", count=True) == [
        f'condition "in cohort {made}" from 100 % to 40 %: about 3 of 20 persons more',
        "serves about 5 of 20 persons now, and about 8 then",
    ]
    stack.write("cohort", made, name=made, properties=[{"cohort": base}])
    assert "has about 5 of 20 persons now, and about 20 then" in said(stack, f"cohort/{made}", count=True)


def test_persons_and_groups_are_not_added_up(stack: Stack, key: str) -> None:
    def write(share: int, *more: dict[str, Any]) -> list[str]:
        persons = {"description": "Persons", "rollout_percentage": share}
        stack.write("flag", key, release_conditions=[persons, *more])
        return said(stack, f"flag/{key}", count=True)

    write(10)
    stack.up()
    groups = {"description": "Groups", "aggregation_group_type_index": 0, "rollout_percentage": 50}
    assert not [line for line in write(20, groups) if re.search(r"persons|groups (now|more|then)", line)]
    write(10, groups)
    stack.up()
    assert not [line for line in write(20, groups) if re.search(r"persons|groups (now|more|then)", line)]


def test_a_cohort_says_how_many_the_flags_serve_that_look_at_it(stack: Stack, key: str) -> None:
    def cohort(*channels: str) -> None:
        value = [*channels] if len(channels) > 1 else channels[0]
        stack.write("cohort", f"{key}-c", name=key, properties=[{"key": "channel", "value": value}])

    def used(share: int, **more: Any) -> list[str]:
        condition = {"cohort": f"{key}-c", "rollout_percentage": share}
        stack.write("flag", key, release_conditions=[condition], **more)
        return said(stack, f"cohort/{key}-c", count=True)

    cohort("internal")
    stack.write("flag", key, release_conditions=[{"cohort": f"{key}-c"}])
    stack.up()
    cohort("internal", "beta", "stable")
    [served] = [line for line in used(100) if line.startswith(f"flag {key} serves about")]
    assert re.fullmatch(rf"flag {key} serves about \d+ of 20 persons now, and about \d+ then", served)
    assert served in used(100, description="Other words"), "the flag's own entry says nothing of it"
    assert not [line for line in used(50) if "serves about" in line], "the flag's own entry says it"


def test_what_is_left_to_posthogs_pages_is_counted_with_the_rest(stack: Stack, key: str) -> None:
    """The pages gave the flag to everybody, twenty persons."""
    left = {"unmanaged": ["release_conditions"]}
    split = [{"key": each, "rollout_percentage": 50} for each in ("a", "b")]

    def write(**fields: Any) -> list[str]:
        stack.write("flag", key, description="Before", **fields)
        return said(stack, f"flag/{key}", count=True)

    write(**ALL)
    stack.up()
    everybody = {"description": "Everybody", "properties": [], "rollout_percentage": 100}
    stack.sandbox.call("PATCH", stack.path(f"flag/{key}"), {"filters": {"groups": [everybody]}})
    now = "serves about 20 of 20 persons"
    assert write(**left, active=False)[-1] == f"{now} now, and about 0 then", "left from now on"
    write(**left)
    stack.up()
    assert write(**left, active=False) == ["is switched off", f"{now} now, and about 0 then"]
    [persons] = [each["persons"] for each in json.loads(as_json(stack.plan().report))["changes"]]
    assert (persons["now"], persons["then"]) == (20, 0)
    assert write(**left, variants=split)[-1] == f"{now}, as before"
    assert write(**ALL) == [
        'condition "Everybody" from 100 % to 50 %: about 10 of 20 persons fewer',
        "release conditions is no longer left to PostHog's pages",
        f"{now} now, and about 10 then",
    ]
    assert write(release_conditions=[{**everybody, "rollout_percentage": 0}])[-1] == f"{now} now, and about 0 then"
    stack.remove("flag", key)
    assert said(stack, f"flag/{key}", count=True)[0] == f"{now} now, and about 0 then"


def test_a_flag_that_is_off_on_posthogs_pages_serves_nobody(stack: Stack, key: str) -> None:
    def write(share: int, *channels: str) -> None:
        stack.write("cohort", key, name=key, properties=[{"key": "channel", "value": [*channels]}])
        conditions = [{"description": "Ours", "cohort": key, "rollout_percentage": share}]
        stack.write("flag", key, release_conditions=conditions, unmanaged=["active"])

    write(20, "internal")
    stack.up()
    stack.sandbox.call("PATCH", stack.path(f"flag/{key}"), {"active": False})
    write(100, "internal")
    assert said(stack, f"flag/{key}", count=True) == [
        'condition "Ours" from 20 % to 100 %',
        "serves about 0 persons, as before",
        "it is off, which is left to PostHog's pages: it serves nobody until it is switched on there",
    ]
    write(20, "internal", "stable")
    lines = said(stack, f"cohort/{key}", count=True)
    assert lines[2:] == [f'flag {key} is off, and would serve by it: condition "Ours" at 20 %']
    stack.sandbox.call("PATCH", stack.path(f"flag/{key}"), {"active": True})
    assert f"flag {key} serves about 1 of 20 persons now, and about 4 then" in said(stack, f"cohort/{key}", count=True)


def test_a_flag_names_the_experiment_that_posthogs_pages_started(stack: Stack, key: str) -> None:
    def write(share: int) -> None:
        split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]
        stack.write("flag", key, variants=split, release_conditions=[{"rollout_percentage": share}])

    stack.write("experiment", f"{key}-e", name=key, flag=key, unmanaged=["start_date", "end_date"])
    write(50)
    stack.up()
    write(100)
    assert not stack.entry(f"flag/{key}").effects
    stack.sandbox.call("PATCH", stack.path(f"experiment/{key}-e"), {"start_date": "2026-09-07T08:00:00Z"})
    assert stack.entry(f"flag/{key}").effects == (f"experiment {key}-e has run on it since 7 Sep 2026",)
    stack.sandbox.call("PATCH", stack.path(f"experiment/{key}-e"), {"end_date": "2026-09-14T08:00:00Z"})
    assert not stack.entry(f"flag/{key}").effects


def test_a_cohort_counts_for_what_posthogs_pages_made_of_it(
    stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A condition of a flag, and another cohort, were made there."""
    base, made, flag = f"{key}-base", f"{key}-made", key

    def write(*channels: str) -> None:
        stack.write("cohort", base, name=base, properties=[{"key": "channel", "value": [*channels]}])
        stack.write("cohort", made, name=made, unmanaged=["filters"])
        stack.write("flag", flag, unmanaged=["release_conditions"])

    write("internal")
    stack.write("cohort", made, name=made, properties=[{"cohort": base}])
    stack.write("flag", flag, **ALL)
    stack.up()
    write("internal")
    stack.up()
    write("internal", "stable")
    for cohort in (base, made):
        leaf = {"key": "id", "type": "cohort", "value": int(stack.resources[Ref("cohort", cohort)]["id"])}
        groups = [{"properties": [leaf], "rollout_percentage": 100}]
        stack.sandbox.call("PATCH", stack.path(f"flag/{flag}"), {"filters": {"groups": groups}})
        lines = said(stack, f"cohort/{base}", count=True)
        assert f"flag {flag} serves about 5 of 20 persons now, and about 20 then" in lines
        found = stack.plan(False)
        monkeypatch.setattr("ai_admin.review.standing.planned", lambda *_, found=found, **__: found)
        [shown] = survey(stack.root, ["sandbox"], f"cohort/{base}").objects[Ref("cohort", base)].values()
        through = "" if cohort == base else f", through cohort {made}"
        serves = f'flag {flag} serves by it: condition "in cohort {cohort}" at 100 %{through}'
        for used in (said(stack, f"cohort/{base}"), shown.uses):
            assert {serves, f"cohort {made} is made of it"} <= {*used}


def test_people_and_workspaces_that_posthog_does_not_have_are_told_before_anything_is_sent(
    stack: Stack, key: str
) -> None:
    def write(name: str, **notify: Any) -> None:
        more = {"insight": key, "condition": "absolute_value", "threshold": {"upper": 2}, "notify": notify}
        stack.write("alert", name, name=name, **more)

    def refused() -> list[str]:
        return [each.refused for each in stack.plan(False).outlook.changes if each.refused]

    slack = {"workspace": "acme", "channel": "#ai"}
    stack.write("event", "ran")
    stack.write("insight", key, name=key, trends={"series": [{"event": "ran"}], "interval": "day"})
    write(key, email=["oncall@example.com"], slack=slack)
    stack.up()
    assert refused() == []

    write(key, email=["oncall@example.com"], slack={**slack, "workspace": "acmee"})
    write(f"{key}-new", email=["oncal@example.com"])
    stack.sandbox.requests()
    person, workspace = sorted(refused())
    assert f"alert/{key}-new: oncal@example.com is no member of the organisation" in person
    assert f"notification/{key}.slack: slack workspace 'acmee' is not connected" in workspace
    asked = [each["path"] for each in stack.sandbox.requests() if re.search("/(members|integrations)/", each["path"])]
    assert len(asked) == len(set(asked)) == 2
    with pytest.raises(Refused, match="is no member"):
        stack.up()

    stack.remove("alert", f"{key}-new")
    write(key, email=["oncal@example.com"])
    assert any(f"alert/{key}: oncal@example.com is no member" in line for line in refused())


def flags_in_json(stack: Stack, name: str, count: bool) -> dict[str, Any]:
    """The numbers of the flags beside what changes, by their names, in a plan's JSON."""
    [found] = [each for each in json.loads(as_json(stack.plan(count).report))["changes"] if each["name"] == name]
    return {each["name"]: each["persons"] for each in found["flags"]}


def test_whom_a_holdout_keeps_out_is_counted_for_each_flag(stack: Stack, key: str) -> None:
    def write(share: int, rollout: int = 50, **more: Any) -> None:
        stack.write("holdout", f"{key}-h", name=key, exclusion_percentage=share)
        split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]
        conditions = [{"description": "Some", "rollout_percentage": rollout}]
        stack.write("flag", key, variants=split, release_conditions=conditions, unmanaged=["holdout"])
        stack.write("experiment", f"{key}-e", name=key, flag=key, **more)

    in_it: dict[str, Any] = {"holdout": f"{key}-h"}
    write(10, **in_it)
    stack.up()
    held = "of 20 persons get holdout-… instead of what its conditions give"
    write(40, **in_it)
    lines = said(stack, f"holdout/{key}-h", count=True)
    assert f"flag {key} serves about 9 of 20 persons now, and about 6 then" in lines
    assert f"flag {key}: about 2 {held}, and about 8 then" in lines
    percent = {"now": 10, "then": 40}
    assert flags_in_json(stack, f"holdout/{key}-h", True) == {
        f"flag/{key}": {
            "now": 9,
            "then": 6,
            "of": 20,
            "another_variant": 0,
            "at_most": False,
            "kept_out": {"now": 2, "then": 8},
            "kept_out_percent": percent,
        }
    }
    assert f"flag {key}: a holdout keeps out 40 % of all instead of 10 %" in said(stack, f"holdout/{key}-h")
    [persons] = flags_in_json(stack, f"holdout/{key}-h", False).values()
    assert (persons["kept_out"], persons["kept_out_percent"]) == ({"now": None, "then": None}, percent)
    write(10)
    assert f"flag {key}: about 2 {held}, and about 0 then" in said(stack, f"experiment/{key}-e", count=True)
    write(40, 100, **in_it)
    lines = said(stack, f"flag/{key}", count=True)
    assert lines[1:3] == ["serves about 9 of 20 persons now, and about 12 then", f"about 2 {held}, and about 8 then"]
    stack.up()
    write(40, 50, **in_it)
    assert said(stack, f"flag/{key}", count=True)[:3] == [
        'condition "Some" from 100 % to 50 %: about 6 of 20 persons fewer',
        "serves about 12 of 20 persons now, and about 6 then",
        f"about 8 {held}, as before",
    ]


def test_what_a_holdout_keeps_out_is_said_of_flags_that_change_or_are_not_counted(stack: Stack, key: str) -> None:
    def write(share: int, **flag: Any) -> None:
        stack.write("holdout", f"{key}-h", name=key, exclusion_percentage=share)
        split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]
        stack.write("flag", key, **{"variants": split, "release_conditions": [{}], "unmanaged": ["holdout"], **flag})
        stack.write("experiment", f"{key}-e", name=key, flag=key, holdout=f"{key}-h")

    def of_holdout(count: bool = True) -> list[str]:
        return [*reading.lines(stack.entry(f"holdout/{key}-h", count))]

    write(10)
    stack.up()
    write(40, description="Another")
    named = f"flag {key}: a holdout keeps out 40 % of all instead of 10 %"
    assert named in of_holdout()
    write(40, active=False)
    assert not any("keeps out" in each for each in [*of_holdout(), *of_holdout(False)])
    stack.up()
    write(10, active=False)
    assert not any("keeps out" in each for each in [*of_holdout(), *of_holdout(False)])
    write(10)
    assert f"flag {key}: a holdout keeps out 10 % of all instead of 40 %" in of_holdout()


def test_a_deleted_experiment_says_what_its_holdout_goes_on_to_keep_out(stack: Stack, key: str) -> None:
    def of(name: str) -> list[str]:
        return [*reading.lines(stack.entry(f"{name}/{key}"))]

    split = [{"key": each, "rollout_percentage": 50} for each in ("control", "test")]
    stack.write("holdout", key, name=key, exclusion_percentage=10)
    stack.write("flag", key, variants=split, release_conditions=[{}], unmanaged=["holdout"])
    stack.write("experiment", key, name=key, flag=key, holdout=key)
    stack.up()
    stack.remove("experiment", key)
    stays = "a holdout stays in flag {}, and goes on to keep {} % of all out of it until the holdout is deleted"
    assert of("experiment") == [stays.format(key, 10)]
    stack.write("holdout", key, name=key, exclusion_percentage=20)
    assert of("experiment") == [stays.format(key, 20)]
    stack.up()
    stack.write("holdout", key, name=key, exclusion_percentage=30)
    assert f"flag {key}: a holdout keeps out 30 % of all instead of 20 %" in of("holdout")
    stack.write("experiment", key, name=key, flag=key)
    stack.up()
    stack.remove("experiment", key)
    stack.remove("holdout", key)
    assert of("experiment") == []
    assert of("holdout") == [f"flag {key}: a holdout keeps out 0 % of all instead of 30 %"]


def test_a_flag_on_a_new_cohort_is_counted_by_its_criteria(stack: Stack, key: str) -> None:
    """Five of twenty persons are internal. Nested new cohorts count, and those that no condition can say don't."""

    def serves(**criteria: Any) -> list[str]:
        stack.write("cohort", f"{key}-c", name=f"{key}-c", **criteria)
        return [each for each in said(stack, f"flag/{key}", count=True) if each.startswith("serves")]

    internal = {"properties": [{"key": "channel", "value": "internal"}]}
    stack.write("cohort", f"{key}-b", name=f"{key}-b", **internal)
    stack.write("flag", key, release_conditions=[{"cohort": f"{key}-c"}])
    assert serves(**internal) == serves(properties=[{"cohort": f"{key}-b"}]) == ["serves about 5 of 20 persons"]
    assert serves(is_static=True) == []
    stack.write("flag", key, release_conditions=[{}])
    stack.remove("cohort", f"{key}-c")
    stack.remove("cohort", f"{key}-b")
    stack.up()
    stack.write("cohort", f"{key}-b", name=f"{key}-b", **internal)
    stack.write("flag", key, release_conditions=[{"cohort": f"{key}-c"}])
    assert serves(properties=[{"cohort": f"{key}-b"}]) == ["serves about 20 of 20 persons now, and about 5 then"]


def test_of_too_many_conditions_only_whom_the_changed_one_touches_may_get_another_variant(
    stack: Stack, key: str
) -> None:
    """Five of twenty persons are internal."""

    def write(channel: str) -> None:
        stack.write("cohort", f"{key}-c", name=key, properties=[{"key": "channel", "value": channel}])
        split = [{"key": each, "rollout_percentage": 50} for each in ("a", "b")]
        others = [{"properties": [{"key": "channel", "operator": "icontains", "value": each}]} for each in "aelnt"]
        conditions = [{"description": "Ours", "cohort": f"{key}-c", "variant": "b"}, *others]
        stack.write("flag", key, variants=split, release_conditions=conditions)

    write("internal")
    stack.up()
    write("nobody's")
    [told] = [each for each in said(stack, f"cohort/{key}-c", count=True) if "another variant" in each]
    assert told.endswith("; at most 5 of these get another variant than now")
