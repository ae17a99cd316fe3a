"""From YAML through the real engine and provider to the sandbox. The tests run in this order on one stack."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.insight import shown_on
from providers.posthog.matching import in_order
from tests.support.checkouts import SAMPLES
from tests.support.commands import run_script
from tests.support.documents import blocks
from tests.support.project import STATE, Project, changed_fields
from tests.support.sandbox import REPOSITORY, Sandbox

PAGE = REPOSITORY / "docs" / "history.md"

KEPT = ("event_definitions", "property_definitions")
"""Collections in which PostHog keeps what it has met."""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    """The samples, with a subscription that has to wait, applied by the first `up`.

    Of its dashboard the first insight is there long before the second, whose cohort is made first, and so before the
    tiles.
    """
    project = Project(tmp_path_factory.mktemp("project") / "ai", sandbox, definitions=SAMPLES)
    project.write("cohorts/late.yaml", "key: late\nname: Late\nproperties: [{key: channel, value: beta}]\n")
    late_a = "{key: late-a, name: Late A, unmanaged: [dashboards], sql: {query: select 1}}"
    members = "[{type: cohort, value: late, operator: in}]"
    trends = f"{{series: [{{event: ai_enhancement_used}}], properties: {members}}}"
    late_b = f"{{key: late-b, name: Late B, trends: {trends}}}"
    board = f"key: late\nname: Late\ntiles:\n  - insight: {late_a}\n  - insight: {late_b}\n"
    project.write("dashboards/late.yaml", board)
    project.write(
        "subscriptions/late.yaml",
        "key: late\ntitle: Late\ndashboard: late\ninsights: [late-a]\ntarget: {email: [admin@example.com]}\n"
        "frequency: weekly\nstart_date: 2026-09-07\n",
    )
    project.up()
    return project


def drift(project: Project) -> dict[str, set[str]]:
    """Return what a preview would change: the top-level fields by Pulumi name. The key is in nothing that it says."""
    digest = project.preview()
    assert project.environ["POSTHOG_API_KEY"] not in json.dumps(digest)
    return {
        step["urn"].split("::")[-1]: changed_fields(step)
        for step in digest["steps"]
        if step["op"] not in ("same", "refresh", "read")
    }


def test_the_first_up_makes_every_definition(applied: Project, sandbox: Sandbox) -> None:
    expected = {f"{each.kind}/{each.key}" for each in load(applied.folder, "sandbox").resources}
    assert set(applied.outputs()) == expected
    for kind in KINDS.values():
        if kind.folder and kind.name not in ("event", "insight"):  # PostHog has events of its own, dashboards insights
            files = list((applied.folder / kind.folder).glob("*.yaml"))
            assert len(left(sandbox, kind.collection)) == len(files), kind.name


def test_every_dashboard_holds_the_tiles_of_its_file(applied: Project, sandbox: Sandbox) -> None:
    for name, state in applied.outputs().items():
        if name.startswith("tiles/"):
            live = sandbox.call("GET", f"dashboards/{state['id']}/")["tiles"]
            assert len(live) == len(in_order(state["tiles"]))
            assert all(tile["layouts"]["sm"]["w"] >= 1 for tile in live)


def test_a_dashboard_is_subscribed_once_its_tiles_stand(applied: Project, sandbox: Sandbox) -> None:
    [sent] = [each for each in sandbox.items("subscriptions") if each["title"] == "Late"]
    assert str(sent["dashboard"]) == applied.outputs()["dashboard/late"]["id"]


def asked(project: Project, command: str) -> Result:
    """Return what a command of ours says in a project, run in this process, which is quicker."""
    with chdir(project.folder):
        return CliRunner().invoke(cli, shlex.split(command)[1:], env=project.environ)


def test_what_is_there_and_what_was_can_be_asked_as_the_page_says(applied: Project) -> None:
    """The commands of docs/history.md; the definitions were committed before they were applied."""
    (applied.folder / ".gitignore").write_text("*\n!*/\n!*.yaml\n.venv\n.pulumi-state\nhome\n")
    dated = {"GIT_COMMITTER_DATE": "2026-10-01T12:00:00Z", "GIT_AUTHOR_DATE": "2026-10-01T12:00:00Z"}
    script = "git init -q -b main && git add --all && git -c user.name=Ada -c user.email=a@b.c commit -q -m 'All (#1)'"
    run_script(script, applied.folder, {**applied.environ, **dated}, applied.folder.parent / "bin").check_returncode()
    said = {}
    for command in (line for block in blocks(PAGE) if block.language == "sh" for line in block.text.splitlines()):
        done = asked(applied, command)
        assert (done.exit_code, done.stderr) == (int(" doctor " in command), ""), command + done.stdout
        said[command] = done.stdout
    listed, different, shown, history, csv, then, promoted, found, offline = said.values()
    assert re.search(r"^flag +ai-enhancement-enabled +as defined +flags/ai-enhancement-enabled.yaml:2$", listed, re.M)
    assert "ai-enhancement-enabled" not in different
    id_ = applied.outputs()["flag/ai-enhancement-enabled"]["id"]
    assert f"sandbox: as defined  {applied.environ['POSTHOG_HOST']}/project/1/feature_flags/{id_}" in shown
    assert "survey ai-answer-quality asks by it" in shown
    assert re.match(r"1 Oct 2026, 12:00 UTC  flag ai-enhancement-enabled  Ada <a@b.c>, #1\n    is new\n", history)
    assert re.search(r"\n    in PostHog since .*, by ai-admin, admin@example.com\n$", history)
    made = [line for line in csv.splitlines() if "is made in PostHog" in line]
    assert [line for line in made if "survey-targeting" not in line] == [], "all but PostHog's own is of the commit"
    assert "  PostHog held none\n" in then, "it was applied later"
    assert promoted.startswith("flag/ai-enhancement-enabled in production:\n")
    assert promoted.endswith("nothing is written\n")
    assert "cohort/healthy-installations: is used by nothing" in found
    assert "the API key: may do everything" in found
    assert "API key" not in offline


def left(sandbox: Sandbox, collection: str) -> list[dict[str, Any]]:
    """What a collection has, but what PostHog itself makes of the hidden flag of a survey: a dashboard of its use."""
    hidden = {item["id"] for item in sandbox.items("dashboards") if "survey-targeting" in item["name"]}
    items = [item for item in sandbox.items(collection) if not item.get("is_synthetic")]
    if collection == "dashboards":
        return [item for item in items if item["id"] not in hidden]
    return [item for item in items if collection != "insights" or not hidden.intersection(shown_on(item))]


def test_what_somebody_else_did_to_every_kind_is_shown_and_put_back(applied: Project, sandbox: Sandbox) -> None:
    state = applied.outputs()

    def some(kind: str) -> tuple[str, str]:
        return next((name, item["id"]) for name, item in state.items() if name == kind or name.startswith(f"{kind}/"))

    (cohort, cohort_id), (dashboard, dashboard_id) = some("cohort"), some("dashboard")
    (insight, insight_id), (alert, alert_id), (notification, notification_id) = map(
        some, ("insight", "alert", "notification")
    )
    event, event_id = some("event")
    action, action_id = some("action")
    experiment, experiment_id = some("experiment/ai-retry-timeouts")
    (subscription, subscription_id), (annotation, annotation_id) = some("subscription"), some("annotation")
    flag_path = f"feature_flags/{state['flag/ai-model-version']['id']}/"
    flag = sandbox.call("GET", flag_path)
    theirs = {
        **flag["filters"],
        "payloads": {"deepseek-chat-r1": '"extra"'},
        "groups": [*flag["filters"]["groups"], {"properties": [], "rollout_percentage": 1}],
    }
    sandbox.call("PATCH", flag_path, {"tags": [], "filters": theirs})
    sandbox.call("PATCH", f"cohorts/{cohort_id}/", {"description": "edited by hand"})
    tiles = sandbox.call("GET", f"dashboards/{dashboard_id}/")["tiles"]
    moved = {"id": tiles[0]["id"], "layouts": {"sm": {"x": 0, "y": 90, "w": 6, "h": 2}}}
    added = {"text": {"body": "a colleague's"}, "layouts": {}}
    sandbox.call("PATCH", f"dashboards/{dashboard_id}/", {"tiles": [moved, added]})
    sandbox.call("PATCH", f"insights/{insight_id}/", {"name": "Renamed", "tags": ["mine"]})
    sandbox.call("PATCH", f"alerts/{alert_id}/", {"calculation_interval": "weekly", "subscribed_users": []})
    sandbox.call("PATCH", f"hog_functions/{notification_id}/", {"enabled": False})
    sandbox.call("PATCH", f"event_definitions/{event_id}/", {"description": "edited by hand"})
    sandbox.call("PATCH", f"actions/{action_id}/", {"steps": [{"event": "ai_enhancement_used"}]})
    sandbox.call("PATCH", f"experiments/{experiment_id}/", {"name": "Edited by hand"})
    sandbox.call("PATCH", f"subscriptions/{subscription_id}/", {"enabled": False, "byweekday": ["sunday"]})
    sandbox.call("PATCH", f"annotations/{annotation_id}/", {"content": "edited by hand"})
    others = ("holdout", "saved_metric", "insight_variable", "early_access_feature", "survey", "playlist")
    for kind in others:
        changed = {"default_value": "other"} if kind == "insight_variable" else {"description": "edited by hand"}
        path = f"{KINDS[kind].collection}/{some(kind)[1]}/"
        along = {"filters": sandbox.call("GET", path)["filters"]} if kind == "playlist" else {}
        sandbox.call("PATCH", path, {**changed, **along})
    drifted = drift(applied)
    assert drifted == {
        **{some(kind)[0]: {"default_value" if kind == "insight_variable" else "description"} for kind in others},
        "flag/ai-model-version": {"tags", "payloads", "release_conditions"},
        cohort: {"description"},
        dashboard.replace("dashboard/", "tiles/"): {"tiles"},
        insight: {"name", "tags"},
        alert: {"calculation_interval", "subscribed_users"},
        notification: {"enabled"},
        event: {"description"},
        action: {"steps"},
        experiment: {"name"},
        subscription: {"enabled", "byweekday"},
        annotation: {"content"},
    }
    listed = asked(applied, "ai-admin ls --different --stack sandbox --json")
    states = {each["name"]: each["stacks"]["sandbox"] for each in json.loads(listed.stdout)["objects"]}
    is_off = {name: ", off" if "enabled" in fields else "" for name, fields in drifted.items()}
    assert states == {name: f"changed by hand{off}" for name, off in is_off.items()}
    done = applied.run("up", "--yes", "--skip-preview", "--diff", "--logtostderr", "-v=3", "--stack", "sandbox")
    assert done.returncode == 0, done.stdout
    assert sandbox.api_key not in done.stdout + done.stderr
    after = sandbox.call("GET", flag_path)
    assert after["tags"] == flag["tags"]
    assert after["filters"]["groups"] == flag["filters"]["groups"]
    assert (after["filters"].get("payloads") or {}) == (flag["filters"].get("payloads") or {})
    texts = [tile["text"] for tile in sandbox.call("GET", f"dashboards/{dashboard_id}/")["tiles"] if tile["text"]]
    assert "a colleague's" in {text["body"] for text in texts}


def test_another_up_changes_nothing_and_asks_what_the_page_says(applied: Project, sandbox: Sandbox) -> None:
    """What docs/ say of a run without changes; all that somebody changed was put back by the run before."""
    sandbox.requests()
    applied.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", "sandbox")
    log = sandbox.requests()
    assert {entry["method"] for entry in log} == {"GET"}
    asked = Counter(re.sub(r"\?.*", "", entry["path"]) for entry in log)
    project = f"/api/projects/{sandbox.project_id}"
    dashboards = list((Path(applied.folder) / "dashboards").glob("*.yaml"))
    experiments = list((Path(applied.folder) / "experiments").glob("*.yaml"))  # this sandbox's list has no metrics
    lists = {kind.collection for kind in KINDS.values() if kind.listed} | {"integrations"}
    pages = sum(len(kind.lists) for kind in KINDS.values() if kind.listed) + 1  # and the integrations
    assert sum(asked.values()) == 2 + pages + len(dashboards) + len(experiments)
    assert asked["/api/personal_api_keys/@current/"] == 1
    assert {path.removeprefix(project).strip("/").split("/")[0] for path in asked if path.startswith(project)} == {
        *lists,
        "dashboards",
    }
    assert sum(count for path, count in asked.items() if path.startswith(f"{project}/dashboards/")) == len(dashboards)


def test_the_key_stands_in_no_file(applied: Project, sandbox: Sandbox) -> None:
    own = (path for name in (STATE, "home") for path in Path(applied.folder / name).rglob("*") if path.is_file())
    files = [path for path in own if sandbox.api_key.encode() in path.read_bytes()]
    assert files == []


def test_destroy_leaves_nothing_live(applied: Project, sandbox: Sandbox) -> None:
    made = applied.outputs()
    applied.pulumi("destroy", "--yes", "--skip-preview", "--stack", "sandbox")
    collections = {KINDS[name.partition("/")[0]].collection for name in made} - set(KEPT)
    assert [item for name in collections for item in left(sandbox, name)] == []
    assert applied.outputs() == {}
