"""Right on every PostHog: installations are a year apart, and what they keep, merge and answer differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.support.clocks import Leaping
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.samples.world import TREND, stand
from tests.support.sandbox import NEWER, running_sandbox

VARIANTS = [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]
WEIGHTED = [{"key": "control", "rollout_percentage": 90}, {"key": "test", "rollout_percentage": 10}]
HALF = [{"properties": [], "rollout_percentage": 50}]
WHOLE: dict[str, Any] = {
    "description": "A running experiment's flag",
    "release_conditions": HALF,
    "variants": VARIANTS,
    "payloads": {"test": '{"limit":1000}'},
}
REFUSING = {**NEWER, "gated_fields": "refused"}


@pytest.fixture(scope="module", params=[{}, NEWER, REFUSING], ids=["July 2026", "newer", "refusing"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(scope="module")
def runs(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), **settings) as sandbox:
        yield Runs(sandbox, stand(sandbox), Leaping())  # these servers' answers are never of before a write


def least(runs: Runs, kind: str, name: str) -> dict[str, Any]:
    samples = SAMPLES[kind]
    return {**samples.least(name), **samples.before(runs.sandbox, name)}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rollout", {"release_conditions": [{"properties": [], "rollout_percentage": 60}]}),
        ("payload", {"payloads": {"test": '{"limit":2000}'}}),
        ("weights", {"variants": WEIGHTED}),
        ("description", {"description": "Another one"}),
    ],
)
def test_a_change_of_one_part_of_a_flag_leaves_the_others_as_they_are(
    runs: Runs, name: str, change: dict[str, Any]
) -> None:
    applied = Applied(runs, "flag", {"key": f"part-{name}", **WHOLE})
    applied.by_hand({"filters": {**applied.live()["filters"], "feature_enrollment": True}})
    definition = {"key": f"part-{name}", **WHOLE, "unmanaged": ["feature_enrollment"], **change}
    before = applied.live()["filters"]
    assert applied.apply(definition) == list(change)
    after = applied.live()["filters"]
    columns = {"release_conditions": "groups", "variants": "multivariate", "payloads": "payloads"}
    changed = {columns[field] for field in change if field in columns}
    assert {column for column in after if after[column] != before.get(column)} == changed
    assert after["feature_enrollment"] is True
    assert applied.shown(definition) == []


def test_what_somebody_takes_out_of_a_flag_is_put_back(runs: Runs) -> None:
    definition = {"key": "healed", **WHOLE}
    applied = Applied(runs, "flag", definition)
    applied.by_hand({"filters": {"groups": applied.live()["filters"]["groups"], "multivariate": None, "payloads": {}}})
    assert applied.apply(definition) == ["variants", "payloads"]
    assert applied.live()["filters"]["multivariate"] == {"variants": VARIANTS}
    assert applied.shown(definition) == []


def test_a_subscription_of_every_day_is_made_without_saying_every_first_one(runs: Runs) -> None:
    definition = least(runs, "subscription", "daily")
    applied = Applied(runs, "subscription", definition)
    assert applied.live()["interval"] == 1
    assert applied.shown(definition) == []


def test_experiments_are_read_whole_though_their_list_may_be_light(runs: Runs, settings: dict[str, Any]) -> None:
    made = []
    for name in ("first-one", "second-one"):
        definition = {**least(runs, "experiment", name), **SAMPLES["experiment"].full}
        made.append((Applied(runs, "experiment", definition), definition))
    for applied, definition in made:
        runs.sandbox.requests()
        assert applied.shown(definition) == []
        alone = [entry for entry in runs.sandbox.requests() if entry["path"].endswith(f"/experiments/{applied.id}/")]
        assert len(alone) == (0 if settings.get("experiment_lists") == "whole" else 1)


def test_a_notification_without_a_description_does_not_differ_from_one_with_its_templates(runs: Runs) -> None:
    definition = least(runs, "notification", "undescribed")
    applied = Applied(runs, "notification", definition)
    assert applied.shown(definition) == []
    assert applied.apply({**definition, "description": "Of our own"}) == ["description"]
    assert applied.apply(definition) == ["description"]
    assert applied.shown(definition) == []


def test_an_event_that_somebody_deleted_is_gone_and_made_again(runs: Runs) -> None:
    definition = least(runs, "event", "deleted-by-hand")
    applied = Applied(runs, "event", definition)
    runs.sandbox.call("DELETE", applied.path)
    assert runs.new_run("event").read(applied.id, applied.state).id == ""
    again = Applied(runs, "event", definition)
    assert again.id != applied.id
    assert again.shown(definition) == []
    runs.sandbox.call("DELETE", again.path)
    runs.new_run("event").delete(again.id, again.state)  # gone already, which is no error


def test_the_dashboards_of_an_insight_are_read_wherever_they_are_served(runs: Runs) -> None:
    boards = [runs.world[Ref("dashboard", key)] for key in ("first", "second")]
    definition = {"name": "On two", "query": TREND, "dashboards": boards}
    applied = Applied(runs, "insight", definition)
    assert applied.shown(definition) == []
    assert applied.apply({**definition, "dashboards": boards[:1]}) == ["dashboards"]
    assert applied.shown(definition) == ["dashboards"]


def test_a_new_flag_brings_no_dashboard_of_its_usage(runs: Runs) -> None:
    before = {board["id"] for board in runs.sandbox.items("dashboards")}
    Applied(runs, "flag", {"key": "without-a-dashboard", **WHOLE})
    assert {board["id"] for board in runs.sandbox.items("dashboards")} == before


@pytest.mark.parametrize(
    ("kind", "field", "value", "other"),
    [
        ("flag", "early_exit", True, None),
        ("flag", "evaluation_contexts", ["site"], ["site", "app"]),
        ("subscription", "summary_prompt_guide", "What costs most?", "Which installation costs most?"),
    ],
)
def test_a_value_that_does_not_stay_is_said_once_and_is_no_endless_difference(
    runs: Runs, settings: dict[str, Any], kind: str, field: str, value: Any, other: Any
) -> None:
    definition = {**least(runs, kind, f"gated-{field.replace('_', '-')}"), field: value}
    runs.warnings.clear()
    applied = Applied(runs, kind, definition)
    said = [line for line in runs.warnings if f"{field} was not kept: " in line]
    kept = settings.get("gated_fields") == "kept"
    assert len(said) == (0 if kept else 1)
    for _ in range(2):
        runs.warnings.clear()
        runs.sandbox.requests()
        assert applied.apply(definition) == []
        assert runs.sandbox.writes() == []
        assert runs.warnings == []
    if other is None:
        return
    changed = {**definition, field: other}
    runs.warnings.clear()
    assert applied.apply(changed) == [field]
    assert len(runs.warnings) == (0 if kept else 1)
    assert applied.shown(changed) == []


def test_what_somebody_changes_before_the_second_look_is_no_value_that_did_not_stay(tmp_path: Path) -> None:
    """PostHog's answer to a write may not show that a field was dropped, so that the object is read once more."""

    class Meanwhile(Leaping):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            for each in sandbox.items("feature_flags"):
                sandbox.call("PATCH", f"feature_flags/{each['id']}/", {"name": "By hand"})

    with running_sandbox(tmp_path) as sandbox:
        runs = Runs(sandbox, {}, Meanwhile())
        definition = {"key": "meanwhile", **WHOLE, "evaluation_contexts": ["site"]}
        applied = Applied(runs, "flag", definition)
        [said] = [line for line in runs.warnings if "was not kept" in line]
        assert "evaluation_contexts" in said
        assert applied.shown(definition) == ["description"]


def test_flags_that_are_made_at_once_with_one_new_tag_are_each_made_once(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, tag_race=60.0) as sandbox:
        runs = Runs(sandbox, {})
        for key in ("first", "second"):
            definition = {"key": key, **WHOLE, "tags": ["brand-new"]}
            applied = Applied(runs, "flag", definition)
            assert applied.live()["tags"] == ["brand-new"]
            assert applied.shown(definition) == []
        assert sorted(flag["key"] for flag in sandbox.items("feature_flags")) == ["first", "second"]
        assert 500 in [entry["status"] for entry in sandbox.requests()]


def test_what_is_refused_for_one_field_does_not_hold_up_the_others(runs: Runs) -> None:
    definition = {"key": "gated-and-more", **WHOLE}
    applied = Applied(runs, "flag", definition)
    changed = {**definition, "early_exit": True, "description": "Another one", "payloads": {"test": "2"}}
    assert applied.apply(changed) == ["description", "payloads", "early_exit"]
    assert applied.live()["name"] == "Another one"
    assert applied.live()["filters"]["payloads"] == {"test": "2"}
    assert applied.shown(changed) == []
    assert applied.apply(definition) == ["description", "payloads", "early_exit"]
    assert applied.shown(definition) == []


def test_drift_in_what_was_not_kept_still_shows(runs: Runs) -> None:
    definition = {"key": "gated-drift", **WHOLE, "evaluation_contexts": ["site"]}
    applied = Applied(runs, "flag", definition)
    with runs.sandbox.setting(gated_fields="kept"):
        applied.by_hand({"evaluation_contexts": ["elsewhere"]})
        assert applied.apply(definition) == ["evaluation_contexts"]
        assert applied.live()["evaluation_contexts"] == ["site"]
        assert applied.shown(definition) == []
