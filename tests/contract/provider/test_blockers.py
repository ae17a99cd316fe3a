"""What stands in the way of a deletion, found in the sandbox before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.kinds import KINDS
from providers.posthog.usage import GUARDED, blockers, users
from tests.support.sandbox import Sandbox

EARLY = {"type": "person", "key": "channel", "operator": "exact", "value": "early"}
TRENDS = {
    "kind": "InsightVizNode",
    "source": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ai_enhancement_used"}]},
}
THEIRS_FIRST = "change that in PostHog"
UNLINK = "unlink or delete that in PostHog (archived, it still uses it)"


def client(sandbox: Sandbox, key: str | None = None) -> Client:
    return Client(Connection(sandbox.url, sandbox.project_id, sandbox.organization_id, key or sandbox.api_key))


def found(sandbox: Sandbox, gone: dict[str, Any], kept: dict[str, Any] | None = None) -> list[str]:
    """Return what blocks a run that deletes ``gone`` and keeps ``kept``: live objects by Pulumi name."""
    before = {name: {"id": str(item["id"])} for name, item in {**gone, **(kept or {})}.items()}
    return blockers(client(sandbox), before, (kept or {}).keys())


def cohort(sandbox: Sandbox, name: str, leaf: dict[str, Any] = EARLY) -> dict[str, Any]:
    filters = {"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}}
    made: dict[str, Any] = sandbox.call("POST", "cohorts/", {"name": name, "filters": filters})
    return made


def flag(sandbox: Sandbox, key: str, *properties: dict[str, Any]) -> dict[str, Any]:
    filters = {"groups": [{"properties": list(properties), "rollout_percentage": 100}]}
    made: dict[str, Any] = sandbox.call("POST", "feature_flags/", {"key": key, "filters": filters})
    return made


def action(sandbox: Sandbox, name: str) -> dict[str, Any]:
    made: dict[str, Any] = sandbox.call("POST", "actions/", {"name": name, "steps": [{"event": "ai_enhancement_used"}]})
    return made


def member(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "cohort", "key": "id", "operator": "in", "value": of["id"]}


def test_nothing_is_asked_when_nothing_goes(sandbox: Sandbox) -> None:
    kept = {"cohort/a": cohort(sandbox, "Kept")}
    sandbox.requests()
    assert found(sandbox, {}, kept) == []
    assert found(sandbox, {"event/e": {"id": "0"}}, kept) == []
    assert sandbox.requests() == []


def test_a_cohort_that_others_use(sandbox: Sandbox) -> None:
    used = cohort(sandbox, "Used")
    theirs = flag(sandbox, "uses-it", member(used))
    query = {**TRENDS, "source": {**TRENDS["source"], "properties": [member(used)]}}  # type: ignore[dict-item]
    insight = sandbox.call("POST", "insights/", {"name": "By cohort", "query": query})
    nested = cohort(sandbox, "Nested", {"type": "cohort", "key": "id", "value": used["id"]})
    assert found(sandbox, {"cohort/used": used}) == [
        f"cohort/used can't be deleted: the flag 'uses-it' ({theirs['id']}) uses it; {THEIRS_FIRST}",
        f"cohort/used can't be deleted: the insight 'By cohort' ({insight['id']}) uses it; {THEIRS_FIRST}",
        f"cohort/used can't be deleted: the cohort 'Nested' ({nested['id']}) uses it; {THEIRS_FIRST}",
    ]


def test_what_is_ours_is_not_in_the_way(sandbox: Sandbox) -> None:
    """It goes in the same run, before the cohort; or it stays, and its definition names the cohort no more."""
    used = cohort(sandbox, "Ours")
    first, second = flag(sandbox, "goes-too", member(used)), flag(sandbox, "stays", member(used))
    assert found(sandbox, {"cohort/ours": used, "flag/goes-too": first}, {"flag/stays": second}) == []


def test_users_that_posthog_does_not_name_are_counted(sandbox: Sandbox) -> None:
    """It names 100 of a kind, and nobody knows whose the others are: it would refuse in the middle of the run."""
    used = cohort(sandbox, "Much used")
    ours = {f"flag/{number}": flag(sandbox, f"much-{number}", member(used)) for number in range(102)}
    [line] = found(sandbox, {"cohort/used": used}, ours)
    assert line == (
        "cohort/used can't be deleted: 2 of the 102 flags that use it PostHog does not name; first apply that no flag "
        "uses it, and delete it in a later run"
    )
    assert users(client(sandbox), KINDS["cohort"], used)[-1] == "2 more flags"


def test_the_projects_own_filter_uses_a_cohort(sandbox: Sandbox) -> None:
    used = cohort(sandbox, "Internal")
    path = f"/api/projects/{sandbox.project_id}/"
    sandbox.call("PATCH", path, {"test_account_filters": [{**member(used), "operator": "not_in"}]})
    [line] = found(sandbox, {"cohort/internal": used})
    assert "the project's filter for internal and test users uses it" in line
    sandbox.call("PATCH", path, {"test_account_filters": []})


def test_a_flag_that_others_depend_on(sandbox: Sandbox) -> None:
    base = flag(sandbox, "base")
    depends = {"type": "flag", "key": str(base["id"]), "operator": "flag_evaluates_to", "value": True}
    other = flag(sandbox, "dependent", depends)
    assert found(sandbox, {"flag/base": base}) == [
        f"flag/base can't be deleted: the flag 'dependent' ({other['id']}) depends on it; {THEIRS_FIRST}"
    ]


def test_a_flag_with_a_running_experiment_until_that_is_stopped(sandbox: Sandbox) -> None:
    experiment = sandbox.call("POST", "experiments/", {"name": "Which model", "feature_flag_key": "tried"})
    tried = {"flag/tried": experiment["feature_flag"]}
    assert found(sandbox, tried) == []
    sandbox.call("POST", f"experiments/{experiment['id']}/launch/")
    [line] = found(sandbox, tried)
    assert line.startswith(f"flag/tried can't be deleted: the experiment 'Which model' ({experiment['id']}) runs on it")
    sandbox.call("POST", f"experiments/{experiment['id']}/end/", {"conclusion": "won"})
    assert found(sandbox, tried) == []


def test_a_flag_of_an_early_access_feature_and_of_the_replay_settings(sandbox: Sandbox) -> None:
    offered = flag(sandbox, "offered")
    body = {"name": "Offer", "stage": "beta", "feature_flag_id": offered["id"]}
    sandbox.call("POST", "early_access_feature/", body)
    recorded = flag(sandbox, "recorded")
    linked = {"id": recorded["id"], "key": "recorded"}
    sandbox.call("PATCH", f"/api/projects/{sandbox.project_id}/", {"session_recording_linked_flag": linked})
    feature, replay = found(sandbox, {"flag/offered": offered, "flag/recorded": recorded})
    assert feature == "flag/offered can't be deleted: the early access feature 'Offer' uses it; delete that in PostHog"
    assert "the project's session replay settings use it" in replay


def test_an_insight_whose_alerts_would_go_with_it(sandbox: Sandbox) -> None:
    insight = sandbox.call("POST", "insights/", {"name": "Watched", "query": TRENDS})
    body = {
        "name": "Somebody's",
        "insight": insight["id"],
        "subscribed_users": [],
        "condition": {"type": "absolute_value"},
        "threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 1}}},
        "config": {"type": "TrendsAlertConfig", "series_index": 0},
    }
    alert = sandbox.call("POST", "alerts/", body)
    assert found(sandbox, {"insight/watched": insight}) == [
        f"insight/watched can't be deleted: the alert \"Somebody's\" ({alert['id']}) would go with it; "
        "move or delete that in PostHog"
    ]
    assert found(sandbox, {"insight/watched": insight, "alert/ours": alert}) == []


def test_an_insight_and_a_dashboard_that_other_people_use(sandbox: Sandbox) -> None:
    other = sandbox.user("bob@example.com")
    theirs = sandbox.call("POST", "dashboards/", {"name": "Marketing"}, key=other)
    ours = sandbox.call("POST", "dashboards/", {"name": "Ours"})
    shared = sandbox.call("POST", "insights/", {"name": "S", "query": TRENDS, "dashboards": [ours["id"], theirs["id"]]})
    added = sandbox.call("POST", "insights/", {"name": "Bob's", "query": TRENDS, "dashboards": [ours["id"]]}, key=other)
    sandbox.call("PATCH", f"dashboards/{ours['id']}/", {"tiles": [{"text": {"body": "Bob's note"}}]}, key=other)
    assert found(sandbox, {"insight/s": shared}, {"dashboard/o": ours}) == [
        f"insight/s can't be deleted: it is on the dashboard {theirs['id']}, which is not of this stack; "
        "take it off there in PostHog"
    ]
    lines = found(sandbox, {"dashboard/o": ours}, {"insight/s": shared})
    assert len(lines) == 2
    assert any('the insight "Bob\'s"' in line for line in lines)
    assert any('the text "Bob\'s note" (by bob@example.com) is on it' in line for line in lines)
    assert added["id"] != shared["id"]


def test_a_flag_of_somebodys_survey(sandbox: Sandbox) -> None:
    """Linked to it, or with people chosen by it, of whom PostHog makes a hidden flag."""
    linked, chosen = flag(sandbox, "surveyed"), flag(sandbox, "chosen")
    questions = [{"type": "open", "question": "Well?"}]
    survey = {"name": "How is it?", "type": "popover", "questions": questions, "linked_flag_id": linked["id"]}
    made = sandbox.call("POST", "surveys/", survey)
    depends = {"type": "flag", "key": str(chosen["id"]), "operator": "flag_evaluates_to", "value": True}
    people = {"groups": [{"properties": [depends], "rollout_percentage": 100}]}
    targeted = {"name": "Who are you?", "type": "popover", "questions": questions, "targeting_flag_filters": people}
    draft = sandbox.call("POST", "surveys/", targeted)
    line = f"flag/surveyed can't be deleted: the survey 'How is it?' ({made['id']}) uses it; {UNLINK}"
    sandbox.call("PATCH", f"surveys/{made['id']}/", {"archived": True})
    assert found(sandbox, {"flag/surveyed": linked}) == [line]
    assert found(sandbox, {"flag/surveyed": linked, "survey/ours": made}) == []
    assert found(sandbox, {"flag/chosen": chosen}) == [
        f"flag/chosen can't be deleted: the survey 'Who are you?' ({draft['id']}) uses it; {UNLINK}"
    ]


def retention(action: dict[str, Any]) -> dict[str, Any]:
    entity = {"id": action["id"], "type": "actions"}
    return {"kind": "RetentionQuery", "retentionFilter": {"targetEntity": entity, "returningEntity": entity}}


def trends(action: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "TrendsQuery", "series": [{"kind": "ActionsNode", "id": action["id"]}]}


@pytest.mark.parametrize("query", [trends, retention])
def test_an_action_that_others_use(sandbox: Sandbox, query: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    used, other = (action(sandbox, f"{name} of {query.__name__}") for name in ("Used", "Other"))
    source = {"kind": "InsightVizNode", "source": query(used)}
    insight = sandbox.call("POST", "insights/", {"name": "Of action", "query": source})
    sandbox.call("POST", "insights/", {"name": "Of another", "query": {**source, "source": query(other)}})
    did = {"type": "behavioral", "value": "performed_event", "event_type": "actions", "key": used["id"]}
    theirs = cohort(sandbox, "Did it", {**did, "time_value": 30, "time_interval": "day"})
    assert found(sandbox, {"action/used": used}) == [
        f"action/used can't be deleted: the insight 'Of action' ({insight['id']}) uses it; {THEIRS_FIRST}",
        f"action/used can't be deleted: the cohort 'Did it' ({theirs['id']}) uses it; {THEIRS_FIRST}",
    ]
    assert found(sandbox, {"action/used": used, "insight/ours": insight}, {"cohort/ours": theirs}) == []


def test_a_holdout_and_a_saved_metric_of_others_experiments(sandbox: Sandbox) -> None:
    filters = [{"properties": [], "rollout_percentage": 10}]
    holdout = sandbox.call("POST", "experiment_holdouts/", {"name": "Nobody", "filters": filters})
    source = {"kind": "EventsNode", "event": "ai_enhancement_used"}
    query = {"kind": "ExperimentMetric", "metric_type": "mean", "source": source}
    metric = sandbox.call("POST", "experiment_saved_metrics/", {"name": "Use", "query": query})
    gone = {"holdout/h": holdout, "saved_metric/m": metric}
    assert found(sandbox, gone) == []
    uses = {"holdout_id": holdout["id"], "saved_metrics_ids": [{"id": metric["id"], "metadata": {"type": "primary"}}]}
    theirs = sandbox.call("POST", "experiments/", {"name": "Theirs", "feature_flag_key": "theirs", **uses})
    needs = f"the experiment 'Theirs' ({theirs['id']}) uses it; {THEIRS_FIRST}"
    assert found(sandbox, gone) == [f"{name} can't be deleted: {needs}" for name in gone]
    assert found(sandbox, gone, {"experiment/ours": theirs}) == []


def test_an_insight_variable_that_others_use_goes_in_no_way(sandbox: Sandbox) -> None:
    used = sandbox.call("POST", "insight_variables/", {"name": "Model", "type": "String"})
    variables = {used["id"]: {"variableId": used["id"], "code_name": used["code_name"]}}
    sql = {"kind": "HogQLQuery", "query": "select {variables.model}", "variables": variables}
    query = {"kind": "DataVisualizationNode", "source": sql}
    insight = sandbox.call("POST", "insights/", {"name": "By model", "query": query})
    needs = f"the insight 'By model' ({insight['id']}) uses it; {THEIRS_FIRST}"
    name, entry = "insight_variable/model", {"id": used["id"]}
    assert found(sandbox, {name: used}) == [f"{name} can't be deleted: {needs}"]
    assert blockers(client(sandbox), {name: entry}, {name}, {name}) == [f"{name} can't be replaced: {needs}"]


@pytest.mark.parametrize("kind", sorted(GUARDED))
def test_what_is_gone_already_is_in_nobodys_way(sandbox: Sandbox, kind: str) -> None:
    assert found(sandbox, {f"{kind}/gone": {"id": 987654}}) == []


def test_a_key_that_may_not_look_is_told_and_nothing_is_deleted_blindly(sandbox: Sandbox) -> None:
    key = sandbox.key(["insight:write"])
    [line] = blockers(client(sandbox, key), {"insight/watched": {"id": "1"}}, ())
    assert line.startswith("insight/watched is not deleted, as PostHog does not say who else needs it: ")
    assert "alert:read" in line


def test_a_key_that_may_not_see_surveys_may_delete_flags(sandbox: Sandbox) -> None:
    key = sandbox.key(["feature_flag:write"])
    assert blockers(client(sandbox, key), {"flag/f": {"id": str(flag(sandbox, "unasked")["id"])}}, ()) == []
