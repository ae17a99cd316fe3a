"""PostHog's activity log in the plan's sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ai_admin.review.logged import Log, not_told
from ai_admin.review.timeline import Entry, How
from providers.posthog.kinds import Ref
from providers.posthog.kinds.base import Directory

ALERT = Ref("alert", "fails")


def entry(kind: str | None, changes: list[dict[str, Any]], activity: str = "updated", **context: str) -> dict[str, Any]:
    """An entry of the log about the alert, as PostHog answers it."""
    return {
        "scope": "AlertConfiguration",
        "item_id": "7",
        "activity": activity,
        "created_at": "2026-10-01T12:00:00Z",
        "user": {"id": 2, "email": "ben@example.com"},
        "detail": {"type": kind, "name": "Fails", "changes": changes, "context": context},
    }


def read(*logged: dict[str, Any]) -> list[Entry]:
    """What is told of entries."""
    directory = cast(Directory, SimpleNamespace())
    return Log({("alert", "7"): ALERT}, lambda *_: None, directory, user=1).entries(logged)


def test_an_actions_changes_are_not_said_to_be_by_who_made_it() -> None:
    renamed = {**entry(None, [{"field": "name", "before": "Runs", "after": "Starts"}]), "scope": "Action"}
    by_hand, by_us = {**renamed, "client": None}, {**renamed, "client": "ai-admin"}
    made = {**entry(None, [], "created"), "scope": "Action"}
    directory = cast(Directory, SimpleNamespace())
    found = Log({}, lambda *_: None, directory, user=2).entries([by_us, by_hand, renamed, made])
    assert [(each.how, each.by) for each in found] == [
        (How.PROGRAM, ("somebody",)),
        (How.HAND, ("somebody",)),
        (How.PROGRAM, ("somebody",)),
        (How.PROGRAM, ("ben@example.com",)),
    ], "older versions don't say which program it was"


def bound(upper: int) -> dict[str, Any]:
    return {"type": "absolute", "bounds": {"upper": upper}}


def test_an_alerts_threshold_is_told_as_what_a_definition_says() -> None:
    [found] = read(entry("threshold_change", [{"field": "configuration", "before": bound(5), "after": bound(6)}]))
    assert (found.ref, found.how, found.by) == (ALERT, How.HAND, ("ben@example.com",))
    assert [each.text for each in found.lines] == ["threshold: upper bound from 5 to 6"]
    assert found.values == {"threshold": {"type": "absolute", "upper": 6}}


def test_who_is_told_of_an_alert_no_more_takes_nothing_else_along() -> None:
    [found] = read(entry("alert_subscription_change", [], "deleted", subscriber_email="ana@example.com"))
    assert [each.text for each in found.lines] == ["e-mail: removed ana@example.com"]
    assert (found.values, found.before) == ({}, {}), "of all who are told, an entry has one"
    assert found.unclear == {"subscribed_users"}


def test_who_is_told_of_an_alert_from_its_creation_on_is_part_of_that() -> None:
    made = entry(None, [], "created")
    told = entry("alert_subscription_change", [], "created", subscriber_email="ana@example.com")
    later = {**told, "created_at": "2026-10-01T13:00:00Z"}
    assert [[line.text for line in each.lines] for each in read(later, told, made)] == [
        ["e-mail: added ana@example.com"],
        ["is made in PostHog"],
    ]


def test_what_a_check_makes_of_an_alerts_state_is_not_told() -> None:
    assert read(entry(None, [{"field": "state", "before": "Not firing", "after": "Firing"}])) == []


def test_experiments_holdouts_and_saved_metrics_of_one_number_are_told_apart() -> None:
    """PostHog logs all three as experiments, and the metrics that an experiment takes up as entries of its own."""
    kinds = {"holdout": "holdout", "shared_metric": "saved_metric", None: "experiment"}
    names = {("holdout", "7"): Ref("holdout", "kept-out"), ("saved_metric", "7"): Ref("saved_metric", "runs")}
    log = Log(names, lambda *_: None, cast(Directory, SimpleNamespace()), user=1)
    renamed = [{"field": "name", "before": "Old", "after": "New"}]
    found = log.entries({**entry(type_, renamed), "scope": "Experiment"} for type_ in kinds)
    refs = [Ref("holdout", "kept-out"), Ref("saved_metric", "runs"), Ref("experiment", "Fails (7)")]
    assert [each.ref for each in found] == refs
    [taken_out] = log.entries([{**entry("saved_metric_config", [], "deleted"), "scope": "Experiment"}])
    assert (taken_out.ref, [each.text for each in taken_out.lines]) == (refs[2], ["saved metrics changes"])
    assert taken_out.values == {}, "the experiment is still there"
    assert taken_out.unclear == {"saved_metrics"}


def on_board(id_: int) -> dict[str, Any]:
    """A tile of an insight, as PostHog logs it."""
    return {"dashboard": {"id": id_, "name": f"Board {id_}"}, "insight": {"id": 7}}


def step(event: str) -> dict[str, Any]:
    """A step of an action, as PostHog logs it."""
    return {"event": event, "url": None, "url_matching": "contains", "properties": None, "selector": None}


FORMS = {
    "an insight comes onto a dashboard": ("Insight", "dashboards", None, [on_board(3)], "dashboards: added ai-usage"),
    "and onto another": ("Insight", "dashboards", [on_board(3)], [on_board(3), on_board(4)], "dashboards: added 4"),
    "and leaves them": ("Insight", "dashboards", [on_board(3)], None, "dashboards: removed ai-usage"),
    "filters of a dashboard": (
        "Dashboard", "filters", None, {"date_from": "-7d"}, "filters: first day is 7 days ago (was not set)"
    ),
    "and none": (
        "Dashboard", "filters", {"date_from": "-7d"}, None, "filters: first day is no longer set (was 7 days ago)"
    ),
    "steps of an action": ("Action", "steps_json", [step("old")], [step("new")], 'step "old" becomes "new"'),
    "first tags": ("FeatureFlag", "tags", None, ["ai"], "tags: added ai"),
    "no more tags": ("FeatureFlag", "tags", ["ai"], None, "tags: removed ai"),
    "an annotation's insight": (
        "Annotation", "dashboard_item", {"id": 3, "short_id": "x"}, {"id": 4, "short_id": "y"}, "insight from 3 to 4"
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_the_log_has_in_a_form_of_its_own_is_told_as_a_definition_says_it(form: str) -> None:
    """PostHog logs columns of its database, and nothing (null) for what is empty there."""
    scope, column, before, after, said = FORMS[form]
    logged = {**entry(None, [{"field": column, "before": before, "after": after}]), "scope": scope}
    boards = {("dashboard", "3"): Ref("dashboard", "ai-usage")}
    directory = cast(Directory, SimpleNamespace())
    log = Log({}, lambda kind, id_: boards.get((kind, str(id_))), directory, user=1)
    assert [[line.text for line in each.lines] for each in log.entries([logged])] == [[said]]


def test_what_the_log_does_not_say_of_a_field_is_not_known_of_it_before() -> None:
    """The log has of an alert's subscribers one at a time."""
    newest = read(
        entry("alert_subscription_change", [], "deleted", subscriber_email="ana@example.com"),
        entry(None, [{"field": "name", "before": "Old", "after": "Fails"}]),
        entry("threshold_change", [{"field": "configuration", "before": bound(5), "after": {"bounds": "masked"}}]),
    )
    assert not_told(newest[:1], ("name",)) == {"subscribed_users", "name"}
    assert not_told(newest[:2], ("name",)) == {"subscribed_users"}, "an older entry says what the name was before both"
    assert not_told(newest, ()) == {"subscribed_users", "threshold"}


@pytest.mark.parametrize("client", [{}, {"client": None}, {"client": "web"}])
def test_a_pause_of_an_experiment_is_not_this_programs_that_edited_its_flag_last(client: dict[str, Any]) -> None:
    switched = {"field": "active", "before": True, "after": False}
    version = {"field": "version", "before": 1, "after": 2}
    about = {"scope": "FeatureFlag", "user": {"id": 1, "email": "key@example.com"}, **client}
    [paused] = read({**entry(None, [switched]), **about})
    assert (paused.how, paused.by) == (How.HAND, ("somebody, perhaps through an experiment",))
    [ours] = read({**entry(None, [switched, version]), **about, "client": "ai-admin"})
    assert (ours.how, ours.by) == (How.PROGRAM, ("key@example.com",))


def test_only_a_scheduled_change_is_by_schedule() -> None:
    """An experiment that freezes its exposure writes a trigger as well."""
    named = entry(None, [{"field": "name", "before": "Old", "after": "New"}])
    hows = {
        type_: read({**named, "detail": {**named["detail"], "trigger": {"job_type": type_, "job_id": "1"}}})[0].how
        for type_ in ("scheduled_change", "experiment_exposure_freeze")
    }
    assert [*hows.values()] == [How.SCHEDULE, How.HAND]


def test_no_encrypted_payload_is_told() -> None:
    filters = [{"groups": [{"properties": []}], "payloads": {"true": f'"{text}"'}} for text in ("s3cret", "n3w")]
    change = {"field": "filters", "before": filters[0], "after": filters[1]}
    logged = {**entry(None, [change]), "scope": "FeatureFlag"}
    directory = cast(Directory, SimpleNamespace())
    for sealed, ids in ((True, {"7"}), (False, {"8"})):
        [found] = Log({}, lambda *_: None, directory, 1, ids.__contains__).entries([logged])
        assert ("s3cret" in str(found)) is not sealed
        assert [each.text == "updated in PostHog" for each in found.lines] == [sealed]
