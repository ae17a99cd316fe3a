"""`ai-admin pull --all` beside files that are there: those of another project, and those that a person wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions import load
from ai_admin.review.splice import edited
from providers.posthog.errors import NotEdited
from tests.campaigns.strangers import project_of
from tests.campaigns.takeover_laws import STACK, checkout, compare, taken_over
from tests.support.sandbox import Sandbox


def contents(root: Path) -> dict[str, str]:
    return {str(file.relative_to(root)): file.read_text() for file in sorted(root.glob("*/*.yaml"))}


def definitions(root: Path, stack: str) -> dict[tuple[str, str], object]:
    return {(each.kind, each.key): each.properties for each in load(root, stack).resources}


def project_with(sandbox: Sandbox, *flags: str) -> Sandbox:
    """Make a project with flags, each with the dashboard of its usage: all have insights of the same two names."""
    project = project_of(sandbox)
    project.call("POST", "event_definitions/", {"name": "$feature_flag_called"})
    for key in flags:
        project.call("POST", "feature_flags/", {"key": key, "filters": {"groups": [{"properties": []}]}})
    return project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = checkout(tmp_path / "co")
    (folder / "Pulumi.staging.yaml").write_text("config: {}\n")
    return folder


@pytest.mark.parametrize("removed", [False, True], ids=["as it is", "without its dashboards"])
def test_insights_of_one_name_are_taken_over_beside_those_of_another_project(
    sandbox: Sandbox, root: Path, removed: bool
) -> None:
    taken_over(project_with(sandbox, "one", "two"), root)
    if removed:
        for file in root.glob("dashboards/*.yaml"):
            file.unlink()
    before = contents(root)
    assert len([path for path in before if path.startswith("insights/")]) == 4
    project = project_with(sandbox, "two", "three", "four")
    result = taken_over(project, root, "staging")
    assert {path: contents(root)[path] for path in before} == before
    new = [path for path in result.texts if path.startswith("insights/")]
    assert len(new) == 6, "two of each dashboard, also where that has a file already"
    assert all("only: [staging]" in result.texts[path] for path in new)
    assert not load(root, "staging").problems
    assert not [*compare(project, root, stack="staging").differences()]


def test_insights_of_one_name_are_taken_over_also_where_their_dashboards_have_files(
    sandbox: Sandbox, root: Path
) -> None:
    """Both projects have the same flags, and so dashboards and insights of the same names."""
    taken_over(project_with(sandbox, "one", "two"), root)
    before = contents(root)
    project = project_with(sandbox, "one", "two")
    result = taken_over(project, root, "staging")
    assert {path: contents(root)[path] for path in before} == before
    assert sorted((each.kind, each.title) for each in result.left) == [
        ("dashboard", "Generated Dashboard: one Usage"),
        ("dashboard", "Generated Dashboard: two Usage"),
        ("flag", "one"),
        ("flag", "two"),
    ]
    assert len(result.texts) == 4
    for path, text in result.texts.items():
        assert path.startswith("insights/")
        assert "only: [staging]\nstacks:\n  staging: {adopt: " in text
    assert not [*compare(project, root, stack="staging").differences()]
    defined = {stack: definitions(root, stack) for stack in (STACK, "staging")}
    joined = taken_over(project, root, "staging", join=True)
    assert sorted(joined.joined) == sorted(joined.texts) == [
        "dashboards/generated-dashboard-one-usage.yaml",
        "dashboards/generated-dashboard-two-usage.yaml",
        "flags/one.yaml",
        "flags/two.yaml",
    ]
    assert not joined.left
    assert joined.texts["flags/one.yaml"].endswith("only: [production, staging]\n")
    assert "stacks:\n  staging:\n    tiles:\n" in joined.texts["dashboards/generated-dashboard-one-usage.yaml"]
    assert definitions(root, STACK) == defined[STACK]
    assert definitions(root, "staging").keys() > defined["staging"].keys()
    assert not [*compare(project, root, stack="staging").differences()]


def test_what_differs_in_a_file_that_joins_goes_into_the_patch(
    sandbox: Sandbox, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where somebody wrote the file anew; one that can't be edited stays as it is, and the command says so."""
    taken_over(project_with(sandbox, "one", "two"), root)
    written = "# ours\nkey: one\n\nrelease_conditions:\n  - {rollout_percentage: 100}  # all\nonly: [production]\n"
    (root / "flags" / "one.yaml").write_text(written)
    project = project_of(sandbox)
    for key in ("one", "two"):
        groups = [{"properties": [], "rollout_percentage": 20}]
        project.call("POST", "feature_flags/", {"key": key, "filters": {"groups": groups}})

    def edit(text: str, new: dict[str, object]) -> str:
        if new["key"] == "two":
            raise NotEdited("it is odd")
        return edited(text, new)

    monkeypatch.setattr("ai_admin.review.takeover.edited", edit)
    defined = definitions(root, STACK)
    result = taken_over(project, root, "staging", join=True)
    patch = "stacks:\n  staging:\n    release_conditions:\n      - {rollout_percentage: 20}\n"
    assert result.texts["flags/one.yaml"] == written.replace("[production]", "[production, staging]") + patch
    assert "flags/two.yaml" not in result.texts
    [left] = (str(each) for each in result.left if each.kind == "flag")
    assert "'two': flags/two.yaml exists already, and not for staging: it is written in a way that can't be " in left
    assert definitions(root, STACK) == defined
    assert not [*compare(project, root, stack="staging").differences()]


def test_insights_get_no_key_of_those_on_another_projects_dashboard(sandbox: Sandbox, root: Path) -> None:
    taken_over(project_with(sandbox, "one"), root)
    before = contents(root)
    project = project_with(sandbox, "two", "three")
    result = taken_over(project, root, "staging")
    assert {path: contents(root)[path] for path in before} == before
    assert len([path for path in result.texts if path.startswith("insights/")]) == 4
    assert not result.left
    assert not [*compare(project, root, stack="staging").differences()]


@pytest.mark.parametrize("number", [1, 2], ids="on {} dashboards".format)
def test_an_insight_of_another_projects_file_is_named_once_and_its_tile_says_so(
    sandbox: Sandbox, root: Path, number: int
) -> None:
    (root / "insights").mkdir()
    query = "sql: {query: select 1}\n"
    (root / "insights" / "uses.yaml").write_text(f"key: uses\nname: Uses\n{query}only: [production]\n")
    project = project_of(sandbox)
    boards = [project.call("POST", "dashboards/", {"name": name})["id"] for name in ("A", "B")]
    sql = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}
    project.call("POST", "insights/", {"name": "Uses", "query": sql, "dashboards": boards[:number]})
    result = taken_over(project, root, "staging")
    [left] = map(str, result.left)
    assert left.endswith("'Uses': insights/uses.yaml exists already, and not for staging")
    said = "# Left to PostHog: the tile of insight/uses, since insights/uses.yaml exists already.\n"
    assert said in result.texts["dashboards/a.yaml"]


def test_what_would_spoil_a_file_that_is_there_stops_only_itself(sandbox: Sandbox, root: Path) -> None:
    (root / "flags").mkdir()
    renamed = "key: new\nrenamed_from: old\nrelease_conditions: [{rollout_percentage: 100}]\n"
    (root / "flags" / "new.yaml").write_text(renamed)
    result = taken_over(project_with(sandbox, "new", "old", "other"), root)
    [left] = [each for each in result.left if each.kind == "flag"]
    assert left.title == "old"
    assert left.reason.startswith("with it, a file that is there would have a problem: flags/new.yaml:2:")
    assert "flags/other.yaml" in result.texts
    assert not load(root, STACK).problems


def test_what_refers_to_what_has_a_file_is_taken_over_later(sandbox: Sandbox, root: Path) -> None:
    """What an alert's file says depends on the query of its insight, and a subscription's on its dashboard's tiles."""
    project = project_of(sandbox)
    project.call("POST", "event_definitions/", {"name": "ai"})
    steps = [{"kind": "EventsNode", "event": "ai"}] * 2
    funnel = {"kind": "InsightVizNode", "source": {"kind": "FunnelsQuery", "series": steps}}
    sql = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1 as one"}}
    board = project.call("POST", "dashboards/", {"name": "Board"})["id"]
    made = [
        project.call("POST", "insights/", {"name": name, "query": query, "dashboards": boards})["id"]
        for name, query, boards in (("Funnel", funnel, [board]), ("SQL", sql, []))
    ]
    [tile] = project.call("GET", f"dashboards/{board}/")["tiles"]
    placed = {"id": tile["id"], "layouts": {"sm": {"x": 0, "y": 0, "w": 6, "h": 5}}}
    project.call("PATCH", f"dashboards/{board}/", {"tiles": [placed]})
    taken_over(project, root)
    before = contents(root)
    configs = ({"type": "FunnelsAlertConfig", "metric": "conversion_from_start"},
               {"type": "HogQLAlertConfig", "column": "one"})  # fmt: skip
    for id_, config in zip(made, configs, strict=True):
        bounds = {"type": "absolute", "bounds": {"lower": 0.5, "upper": 120}}
        body = {"name": config["type"], "insight": id_, "subscribed_users": [], "config": config}
        watch = {"condition": {"type": "absolute_value"}, "threshold": {"configuration": bounds}}
        project.call("POST", "alerts/", {**body, **watch})
    sent = {"title": "Weekly", "dashboard": board, "dashboard_export_insights": made[:1], "target_type": "email"}
    when = {"frequency": "weekly", "interval": 1, "start_date": "2026-11-02T08:00:00Z"}
    project.call("POST", "subscriptions/", {**sent, "target_value": "a@example.com", **when})
    result = taken_over(project, root)
    assert [*map(str, result.left)] == result.partly == []
    assert contents(root).keys() - before.keys() == {
        "alerts/funnelsalertconfig.yaml", "alerts/hogqlalertconfig.yaml", "subscriptions/weekly.yaml"
    }  # fmt: skip
    assert not [*compare(project, root).differences()]


def test_a_reason_names_what_people_find_in_posthog(sandbox: Sandbox, root: Path) -> None:
    """No number of something that is gone, no key that nothing has, and no field beside the one it is about."""
    project = project_of(sandbox)
    project.call("POST", "event_definitions/", {"name": "ai"})
    leaf = {"type": "person", "key": "plan", "value": ["pro"], "operator": "exact"}
    criteria = {"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}}
    gone = project.call("POST", "cohorts/", {"name": "Gone", "filters": criteria})["id"]
    member = {"type": "cohort", "key": "id", "value": gone, "operator": "in"}
    flag = project.call("POST", "feature_flags/", {"key": "on-gone", "filters": {"groups": [{"properties": [member]}]}})
    for path, deleted in ((f"feature_flags/{flag['id']}/", True), (f"cohorts/{gone}/", True),
                          (f"feature_flags/{flag['id']}/", False)):  # fmt: skip
        project.call("PATCH", path, {"deleted": deleted})
    variants = {"variants": [{"key": key, "rollout_percentage": 50} for key in ("control", "test")]}
    large = {"groups": [{"properties": []}], "multivariate": variants, "payloads": {"test": '{"n": 1e400}'}}
    project.call("POST", "feature_flags/", {"key": "large", "filters": large})
    share = {"filters": [{"properties": [], "rollout_percentage": 10, "variant": "holdout"}]}
    holdout = project.call("POST", "experiment_holdouts/", {"name": "A tenth", **share})["id"]
    compared = {"key": "compared", "filters": {"groups": [{"properties": []}], "multivariate": variants}}
    project.call("POST", "feature_flags/", compared)
    told = {"name": "Compare", "feature_flag_key": "compared", "holdout_id": holdout}
    project.call("POST", "experiments/", told)
    boards = [project.call("POST", "dashboards/", {"name": "Board"})["id"]]
    trend = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ai"}]}
    shown = {"query": {"kind": "InsightVizNode", "source": trend}, "dashboards": boards}
    unnamed = project.call("POST", "insights/", {"name": "", **shown})
    bounds = {"type": "absolute", "bounds": {"upper": 120}}
    watch = {"condition": {"type": "absolute_value"}, "threshold": {"configuration": bounds}, "subscribed_users": []}
    config = {"config": {"type": "TrendsAlertConfig", "series_index": 0}}
    project.call("POST", "alerts/", {"name": "Watches", "insight": unnamed["id"], **watch, **config})
    never = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "never sent"}]}
    odd = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": " ai"}]}
    token = project.call("GET", f"/api/projects/{project.project_id}/")["api_token"]
    project.call("POST", "/capture/", {"api_key": token, "event": " ai", "distinct_id": "somebody"})
    for name, query in (("Never", never), ("Odd", odd)):
        project.call("POST", "insights/", {"name": name, "query": {"kind": "InsightVizNode", "source": query}})
    placeless = project.call("POST", "insights/", {**shown, "name": "Placeless"})["id"]
    sent = {"title": "Weekly", "dashboard": boards[0], "dashboard_export_insights": [placeless], "target_type": "email"}
    when = {"frequency": "weekly", "interval": 1, "start_date": "2026-11-02T08:00:00Z"}
    project.call("POST", "subscriptions/", {**sent, "target_value": "a@example.com", **when})
    button = {"button_tile": {"url": "https://example.com", "text": "Runbook"}}
    project.call("PATCH", f"dashboards/{boards[0]}/", {"tiles": [button]})

    result = taken_over(project, root)
    page = f"{project.url}/project/{project.project_id}/insights/{unnamed['short_id']}"
    found = f"insight {unnamed['id']} without a name ({page})"
    left = "is left to PostHog"
    reasons = {f"{each.kind} {each.title}": each.reason for each in result.left}
    [blank] = (each.called for each in result.left if each.kind == "event")
    assert reasons.pop("event  ai").startswith('key: " ai" does not have the right form')
    assert reasons == {
        "alert Watches": f"it names the {found}, which {left}",
        "subscription Weekly": f"it names the insight {placeless} 'Placeless', whose tile {left}, since "
        "it has no place of its own",
        "insight ": "name: the text is empty",
        "insight Never": 'it names the event "never sent", which PostHog has never met',
        "insight Odd": f"it names the {blank}, which {left}",
    }
    assert sorted(result.partly) == [
        f"experiment/compare: holdout {left}: it names the holdout {holdout}, of which its flag knows nothing",
        f"flag/large: payloads {left}: .inf is not a number that JSON knows",
        f"flag/on-gone: release_conditions {left}: it names the cohort {gone}, which is deleted",
    ]
    said = result.texts["dashboards/board.yaml"]
    assert "# Left to PostHog: the tile of the button 'Runbook', since it has no place of its own.\n" in said
    assert f"# Left to PostHog: the tile of {found}, since its insight is PostHog's alone.\n" in said
    assert not [*compare(project, root).differences()]
