"""What `ai-admin pull` writes of what was applied once: only what people changed in PostHog, each object by itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ai_admin.definitions import load
from ai_admin.definitions.saving import save
from ai_admin.review.comparison import Comparison
from ai_admin.review.drift import as_json, drift, text
from ai_admin.review.pull import Pulled, pull, told
from providers.posthog.kinds import Ref
from tests.campaigns.pull_laws import applied
from tests.campaigns.strangers import project_of
from tests.campaigns.takeover_laws import STACK, checkout, compare, taken_over
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox

FLAG = Ref("flag", "model")


class Applied:
    """A checkout of a project with a flag, a dashboard and an alert on it, as it was applied last."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.project, self.root = project_of(sandbox), checkout(folder)
        self.call("POST", "event_definitions/", {"name": "ai"})
        groups = [{"description": "All", "properties": [], "rollout_percentage": 33}]
        flag = {"key": "model", "name": "Which model.", "filters": {"groups": groups}}
        self.flag = self.call("POST", "feature_flags/", {**flag, "_should_create_usage_dashboard": False})["id"]
        board = self.call("POST", "dashboards/", {"name": "AI usage"})["id"]
        insight = self.call("POST", "insights/", {"name": "Uses", "query": TREND, "dashboards": [board]})["id"]
        layouts = {"sm": {"x": 0, "y": 0, "w": 6, "h": 5}}
        tile = self.call("GET", f"dashboards/{board}/")["tiles"][0]["id"]
        self.call("PATCH", f"dashboards/{board}/", {"tiles": [{"id": tile, "layouts": layouts}]})
        alert = {"name": "Too many", "insight": insight, "subscribed_users": []}
        bounds = {"configuration": {"type": "absolute", "bounds": {"upper": 9}}}
        config = {"type": "TrendsAlertConfig", "series_index": 0}
        self.call("POST", "alerts/", {
            **alert, "threshold": bounds, "config": config, "condition": {"type": "absolute_value"},
        })  # fmt: skip
        self.board = f"dashboards/{board}/"
        (self.root / "Pulumi.sandbox.yaml").write_text("config: {}\n")  # no reason for a patch of the project's stack
        taken_over(self.project, self.root)
        self.file = self.root / "flags" / "model.yaml"
        before = compare(self.project, self.root)
        assert not [*before.differences()]
        self.state = applied(before)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.project.call(method, path, body)

    def edit(self, old: str, new: str) -> None:
        said = self.file.read_text()
        assert old in said
        self.file.write_text(said.replace(old, new))

    def comparison(self) -> Comparison:
        return compare(self.project, self.root, self.state)

    def pull(self, delete: bool = False) -> Pulled:
        comparison = self.comparison()
        result = pull(self.root, STACK, comparison, [*comparison.differences()], delete)
        save(self.root, result.texts, result.read)
        return result


@pytest.fixture
def co(tmp_path: Path, sandbox: Sandbox) -> Applied:
    return Applied(tmp_path / "co", sandbox)


def test_an_edit_that_is_not_applied_yet_stays(co: Applied) -> None:
    co.edit("rollout_percentage: 33", "rollout_percentage: 44")
    said = co.file.read_text()
    result = co.pull()
    assert (result.kept, result.written, result.refused) == ({FLAG: ("release_conditions",)}, [], {})
    assert co.file.read_text() == said


def test_of_a_definition_only_what_people_changed_is_brought_back(co: Applied) -> None:
    co.edit("rollout_percentage: 33", "rollout_percentage: 44")
    said = co.file.read_text()
    co.call("PATCH", f"feature_flags/{co.flag}/", {"name": "Ours."})
    conditions, description = sorted(drift(STACK, co.comparison()).entries[0].said, key=lambda each: each.by_hand)
    assert (conditions.author, conditions.by_hand) == (None, False)
    assert description.author
    change = 'condition "All" from 33 % to 44 % (changed in the file since it was applied)'
    found = drift(STACK, co.comparison())
    assert change in text(found, False), "as the plan says it"
    [_, told_of] = sorted(json.loads(as_json(found))["differing"][0]["fields"], key=lambda each: not each["by_hand"])
    assert (told_of["file"], told_of["posthog"]) == (44, 33)
    result = co.pull()
    assert (result.kept, result.written) == ({FLAG: ("release_conditions",)}, [FLAG])
    assert co.file.read_text() == said.replace("Which model.", "Ours.")
    assert co.pull().kept == {FLAG: ("release_conditions",)}, "the edit waits still"


def test_what_is_brought_back_is_told_with_who_did_it_and_which_edit_it_overwrites(co: Applied) -> None:
    co.edit("rollout_percentage: 33", "rollout_percentage: 44")
    groups = [{"description": "All", "properties": [], "rollout_percentage": 20}]
    co.call("PATCH", f"feature_flags/{co.flag}/", {"filters": {"groups": groups}, "name": "Ours."})
    comparison = co.comparison()
    [found] = comparison.differences()
    own, description, conditions = sorted(told(comparison, found), reverse=True)
    assert re.fullmatch(r'description from "Which model." to Ours. by \S+@\S+ on \d+ .* UTC', description)
    assert re.fullmatch(r'condition "All" from 33 % to 20 % by \S+@\S+ on \d+ .* UTC', conditions)
    assert own == (
        "the file's own change, which is not applied yet, is overwritten: condition \"All\" from 33 % to 44 %"
    )
    fields = json.loads(as_json(drift(STACK, co.comparison())))["differing"][0]["fields"]
    told_of = [(each["file"], each["posthog"], each["by_hand"]) for each in fields if each["field"] != "description"]
    assert told_of == [(44, 20, True), (44, 20, False)]


def test_nobody_is_said_to_have_changed_what_only_the_file_did_in_the_same_field(co: Applied) -> None:
    co.edit("rollout_percentage: 33", "rollout_percentage: 44")
    groups = [
        {"description": "All", "properties": [], "rollout_percentage": 33},
        {"description": "More", "properties": [], "rollout_percentage": 5},
    ]
    co.call("PATCH", f"feature_flags/{co.flag}/", {"filters": {"groups": groups}})
    comparison = co.comparison()
    [found] = comparison.differences()
    theirs, own = told(comparison, found)
    assert re.fullmatch(r'condition "More" is new: 5 % by \S+@\S+ on \d+ .* UTC', theirs)
    assert own == (
        "the file's own change, which is not applied yet, is overwritten: condition \"All\" from 33 % to 44 %"
    )
    assert 'condition "All" from 33 % to 44 % (changed in the file since it was applied)' in text(
        drift(STACK, co.comparison()), False
    )


def test_what_can_not_be_written_costs_no_other_file_its_style(co: Applied) -> None:
    block = "release_conditions:\n  # Everybody gets the same.\n  - description: All\n    rollout_percentage: 33\n"
    co.file.write_text(f"key: model\ndescription: Which model.\n{block}")
    assert not [*co.comparison().differences()]
    said = co.file.read_text()
    groups = [{"description": "All", "properties": [], "rollout_percentage": 20}]
    co.call("PATCH", f"feature_flags/{co.flag}/", {"filters": {"groups": groups}})
    tiles = co.call("GET", co.board)["tiles"]
    co.call("PATCH", co.board, {"tiles": [{"id": each["id"], "deleted": True} for each in tiles]})
    gone = next(each for each in drift(STACK, co.comparison()).entries if each.difference.ref.kind == "tiles")
    assert gone.said
    assert all(each.by_hand and each.author is None for each in gone.said), "the log has no entry of it"
    result = co.pull()
    assert result.written == [FLAG]
    assert {ref.kind for ref in result.refused} == {"insight", "tiles"}, "the alert would be about nothing"
    assert co.file.read_text() == said.replace("33", "20")


def test_what_was_removed_in_one_project_stays_in_the_others(co: Applied) -> None:
    (co.root / "Pulumi.staging.yaml").write_text("config:\n  ai-admin:project_id: '7'\n")
    said = f"{co.file.read_text()}stacks:\n  staging: {{description: Staging's.}}\n  {STACK}: {{tags: []}}\n"
    co.file.write_text(said)
    co.call("PATCH", f"feature_flags/{co.flag}/", {"deleted": True})
    assert co.pull(delete=True).written == [FLAG]
    now = co.file.read_text()
    assert yaml.safe_load(now)["only"] == ["sandbox", "staging"]
    assert f"{STACK}:" not in now
    assert [line for line in said.splitlines() if STACK not in line and line not in now.splitlines()] == []


def test_what_was_removed_in_the_only_project_stays_in_the_demo(co: Applied) -> None:
    said = co.file.read_text()
    co.call("PATCH", f"feature_flags/{co.flag}/", {"deleted": True})
    assert co.pull(delete=True).written == [FLAG]
    assert co.file.read_text() == f"{said}only: [sandbox]\n"
    (co.root / "Pulumi.sandbox.yaml").unlink()
    co.file.write_text(said)
    assert co.pull(delete=True).texts == {"flags/model.yaml": None}


def test_what_was_removed_from_a_dashboards_file_stays_in_the_demo_with_what_needs_it(co: Applied) -> None:
    [alert] = co.project.items("alerts")
    co.call("DELETE", f"alerts/{alert['id']}/")
    [insight] = [each["id"] for each in co.project.items("insights") if each["name"] == "Uses"]
    co.call("PATCH", f"insights/{insight}/", {"deleted": True})
    result = co.pull(delete=True)
    assert ({ref.kind for ref in result.written}, result.refused) == ({"alert", "insight", "tiles"}, {})
    needed = {Ref("insight", "uses"), Ref("alert", "too-many")}
    for stack, has in ((STACK, set()), ("sandbox", needed)):
        found = load(co.root, stack)
        assert needed & {Ref(each.kind, each.key) for each in found.resources} == has, found.problems


def test_no_tile_takes_its_insight_out_of_the_file(co: Applied) -> None:
    [alert] = co.project.items("alerts")
    co.call("DELETE", f"alerts/{alert['id']}/")
    co.pull(delete=True)  # or the alert, about nothing then, would be the reason
    co.state = applied(co.comparison())
    said = {path: path.read_text() for path in co.root.rglob("*.yaml")}
    [insight] = [each["id"] for each in co.project.items("insights") if each["name"] == "Uses"]
    co.call("PATCH", f"insights/{insight}/", {"deleted": True})
    result = co.pull()
    assert result.written == []
    assert {path: path.read_text() for path in co.root.rglob("*.yaml")} == said
    assert any("--delete" in reason for reason in result.refused.values())


def test_a_flag_that_was_renamed_in_posthog_is_said_with_what_to_write(co: Applied) -> None:
    co.call("PATCH", f"feature_flags/{co.flag}/", {"key": "model-new"})
    to_keep = (
        "to keep that key, write `key: model-new` and `renamed_from: model` into flags/model.yaml, and the new key "
        "where other files name it"
    )
    assert to_keep in text(drift(STACK, co.comparison()), False)
    said = co.file.read_text()
    result = co.pull()
    assert (result.written, co.file.read_text()) == ([], said)
    assert to_keep in result.refused[FLAG]
