"""Experiments, holdouts and saved metrics (PostHog's experiment_service.py)."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, name, refusal, variants


def _mean(event: str = "", **more: Any) -> dict[str, Any]:
    source = {"kind": "EventsNode", **({"event": event} if event else {})}
    return {"kind": "ExperimentMetric", "metric_type": "mean", "source": source, **more}


def _experiment(api: Api, **values: Any) -> Any:
    return api.post("experiments/", {"name": "Which model", "feature_flag_key": name("exp"), **values})


def _flag(api: Api, experiment: Any) -> Any:
    return api.get(f"feature_flags/{experiment['feature_flag']['id']}/")


def _running(api: Api, **values: Any) -> Any:
    return api.post(f"experiments/{_experiment(api, **values)['id']}/launch/")


def test_variants_can_be_left_out_of_the_results(api: Api) -> None:
    shares = [{"key": key, "split_percent": share} for key, share in (("control", 40), ("a", 30), ("b", 30))]
    made = _experiment(api, parameters={"feature_flag_variants": shares}, excluded_variants=["b"])
    assert made["excluded_variants"] == ["b"]
    path = f"experiments/{made['id']}/"
    for excluded, detail in (
        (["control"], "baseline variant cannot be excluded ('control')"),
        (["c"], "unknown variants for this experiment: ['c']"),
        (["a", "b"], "at least one test variant must remain in analysis"),
    ):
        assert refusal(api("PATCH", path, {"excluded_variants": excluded}))[2:] == (detail, "excluded_variants")
    assert api.patch(path, {"excluded_variants": []})["excluded_variants"] == []


# The flag -----------------------------------------------------------------------------------------------


def test_an_experiment_makes_its_flag_off_and_half_and_half(api: Api) -> None:
    made = _experiment(api)
    flag = _flag(api, made)
    assert made["status"] == "draft"
    assert (flag["key"], flag["name"]) == (made["feature_flag_key"], "Feature Flag for Experiment Which model")
    assert flag["active"] is False
    assert [(each["key"], each["rollout_percentage"]) for each in flag["filters"]["multivariate"]["variants"]] == [
        ("control", 50),
        ("test", 50),
    ]
    assert flag["filters"]["groups"][0]["rollout_percentage"] == 100
    assert flag["experiment_set"] == [made["id"]]
    assert flag["experiment_set_metadata"] == [{"id": made["id"], "name": "Which model", "is_running": False}]


def test_the_variants_one_reads_are_the_flags(api: Api) -> None:
    sent = {
        "feature_flag_variants": [{"key": "Control", "split_percent": 20}, {"key": "r1", "split_percent": 80}],
        "rollout_percentage": 40,
    }
    made = _experiment(api, parameters=sent)
    shown = made["parameters"]["feature_flag_variants"]
    assert [(each["key"], each["rollout_percentage"], each["split_percent"]) for each in shown] == [
        ("control", 20, 20),
        ("r1", 80, 80),
    ]
    flag = _flag(api, made)
    assert flag["filters"]["groups"][0]["rollout_percentage"] == 40
    filters = {**flag["filters"], "multivariate": variants(control=60, r1=40)}
    api.patch(f"feature_flags/{flag['id']}/", {"filters": filters})
    shown = api.get(f"experiments/{made['id']}/")["parameters"]["feature_flag_variants"]
    assert [each["split_percent"] for each in shown] == [60, 40]


def test_an_experiment_joins_a_flag_that_has_variants(api: Api) -> None:
    groups = [{"rollout_percentage": 10}]
    flag = api.flag(filters={"groups": groups, "multivariate": variants(control=50, r1=50)})
    made = _experiment(api, feature_flag_key=flag["key"])
    assert made["feature_flag"]["id"] == flag["id"]
    assert _flag(api, made)["version"] == flag["version"]
    plain = api.flag()
    assert refusal(api("POST", "experiments/", {"name": "x", "feature_flag_key": plain["key"]}))[2] == (
        "Feature flag must have at least 2 variants (control and at least one test variant)"
    )
    other = api.flag(filters={"groups": groups, "multivariate": variants(a=50, b=50)})
    assert refusal(api("POST", "experiments/", {"name": "x", "feature_flag_key": other["key"]}))[2] == (
        "Feature flag must have a variant with key 'control'"
    )


def test_a_deleted_flag_is_no_flag_of_an_experiment(api: Api) -> None:
    groups = [{"rollout_percentage": 10}]
    gone = api.flag(filters={"groups": groups, "multivariate": variants(control=50, r1=50)})
    api.patch(f"feature_flags/{gone['id']}/", {"deleted": True})
    made = _experiment(api, feature_flag_key=gone["key"])
    assert made["feature_flag"]["id"] != gone["id"]
    assert [each["key"] for each in made["parameters"]["feature_flag_variants"]] == ["control", "test"]


def test_an_archived_flag_can_not_be_switched_on_by_its_experiment(api: Api) -> None:
    """PostHog's database takes none that is both: the request fails."""
    draft, running = _experiment(api), _running(api)
    for made in (draft, running):
        api.post(f"feature_flags/{made['feature_flag']['id']}/archive/")
    for path, body in (
        (f"{draft['id']}/launch/", {}),
        (f"{draft['id']}/", {"start_date": "2026-09-07T08:00:00Z"}),
        (f"{running['id']}/resume/", {}),
    ):
        answer = api("PATCH" if body else "POST", f"experiments/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert api.get(f"experiments/{draft['id']}/")["start_date"] is None


def test_a_launch_and_a_pause_leave_no_name_on_the_flag(api: Api) -> None:
    """They save the flag past what an update of it writes; the log has them as by whoever edited the flag last."""
    made, other = _experiment(api), api.colleague()
    before = api.colleague().patch(f"feature_flags/{made['feature_flag']['id']}/", {"tags": ["theirs"]})
    editor = before["last_modified_by"]
    other.post(f"experiments/{made['id']}/launch/")
    launched = _flag(api, made)
    assert launched["last_modified_by"] == editor
    assert (launched["version"], launched["updated_at"] > before["updated_at"]) == (before["version"], True)
    other.post(f"experiments/{made['id']}/pause/")
    paused = _flag(api, made)
    assert (paused["active"], paused["updated_at"]) == (False, launched["updated_at"])
    assert paused["last_modified_by"] == editor
    entry = api.get(f"feature_flags/{paused['id']}/activity/")["results"][0]
    fields = [each["field"] for each in entry["detail"]["changes"] if each["field"] != "updated_at"]
    assert (entry["user"]["email"], fields) == (editor["email"], ["active"])


def test_the_flags_key_stays(api: Api) -> None:
    made = _experiment(api)
    path = f"experiments/{made['id']}/"
    assert api.patch(path, {"feature_flag_key": made["feature_flag_key"]})["id"] == made["id"]
    assert refusal(api("PATCH", path, {"feature_flag_key": "another"})) == (
        400, "invalid_input", "Can't update keys: get_feature_flag_key on Experiment", None
    )  # fmt: skip
    assert refusal(api("PATCH", path, {"type": "web"}))[2] == "Can't update keys: type on Experiment"


def test_a_drafts_parameters_go_to_the_flag_a_running_ones_only_when_asked(api: Api) -> None:
    made = _experiment(api)
    path = f"experiments/{made['id']}/"

    def share(first: int) -> dict[str, Any]:
        return {"feature_flag_variants": variants(control=first, test=100 - first)["variants"]}

    def of_flag() -> list[int]:
        return [each["rollout_percentage"] for each in _flag(api, made)["filters"]["multivariate"]["variants"]]

    api.patch(path, {"parameters": share(30)})
    assert of_flag() == [30, 70]
    api.post(path + "launch/")
    api.patch(path, {"parameters": share(10)})
    assert of_flag() == [30, 70]
    api.patch(path, {"parameters": share(10), "update_feature_flag_params": True})
    assert of_flag() == [10, 90]
    more = {"feature_flag_variants": variants(control=10, test=10, more=80)["variants"]}
    assert refusal(api("PATCH", path, {"parameters": more}))[2] == "Can't update feature_flag_variants on Experiment"


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ([{"key": "control", "split_percent": 100}],
         "Feature flag must have at least 2 variants (control and at least one test variant)"),
        ([{"key": "a", "split_percent": 50}, {"key": "b", "split_percent": 50}],
         "Feature flag variants must contain a variant with key 'control' (lowercase, exactly). Got keys: ['a', 'b']. "
         "Rename the baseline variant's 'key' to 'control'."),
        ([{"key": "control"}, {"key": "b", "split_percent": 50}],
         "Each variant must include split_percent (recommended) or rollout_percentage (deprecated)."),
        ([{"split_percent": 1}], "Feature flag variant at index 0 must have a 'key' field"),
    ],
)  # fmt: skip
def test_variants_are_checked(api: Api, given: list[Any], detail: str) -> None:
    body = {"name": "x", "feature_flag_key": name("exp"), "parameters": {"feature_flag_variants": given}}
    assert refusal(api("POST", "experiments/", body)) == (400, "invalid_input", detail, "parameters")


# Metrics --------------------------------------------------------------------------------------------------


def test_metrics_get_uuids_fingerprints_and_an_order(api: Api) -> None:
    made = _experiment(api, metrics=[_mean(uuid="a"), _mean(uuid="a")], metrics_secondary=[_mean()])
    first, second = made["metrics"]
    assert first["uuid"] == "a"
    assert second["uuid"] not in ("a", None)
    assert len(first["fingerprint"]) == 64
    assert first["fingerprint"] == second["fingerprint"]
    assert made["primary_metrics_ordered_uuids"] == ["a", second["uuid"]]
    assert made["secondary_metrics_ordered_uuids"] == [made["metrics_secondary"][0]["uuid"]]
    launched = api.post(f"experiments/{made['id']}/launch/")
    assert launched["metrics"][0]["fingerprint"] != first["fingerprint"]
    assert launched["metrics"][0]["uuid"] == "a"


def test_the_order_follows_the_metrics(api: Api) -> None:
    made = _experiment(api, metrics=[_mean(uuid="a"), _mean(uuid="b")])
    path = f"experiments/{made['id']}/"
    after = api.patch(path, {"metrics": [_mean(uuid="b"), _mean(uuid="c")]})
    assert after["primary_metrics_ordered_uuids"] == ["b", "c"]
    assert refusal(api("PATCH", path, {"primary_metrics_ordered_uuids": ["c"]}))[2] == (
        "primary_metrics_ordered_uuids is missing UUIDs: ['b']. "
        "This is likely a frontend bug - please refresh and try again."
    )


def test_metrics_name_events_and_actions_that_exist(api: Api) -> None:
    body = {"name": "x", "feature_flag_key": name("exp"), "metrics": [_mean("never_seen")]}
    refused = refusal(api("POST", "experiments/", body))
    assert refused[2].startswith("Event(s) 'never_seen' not found. No events with these names have been ingested")
    assert refused[3] is None
    assert api.get(f"feature_flags/?key={body['feature_flag_key']}")["count"] == 0
    assert api("POST", "experiments/", {**body, "allow_unknown_events": True}).status_code == 201
    gone = {**_mean(), "source": {"kind": "ActionsNode", "id": 9999}}
    assert refusal(api("POST", "experiments/", {**body, "metrics": [gone]}))[2].startswith(
        "Action(s) with ID 9999 not found or deleted."
    )


def test_actions_in_metrics_are_read_under_their_present_name(api: Api) -> None:
    action = api.post("actions/", {"name": name("action")})
    metric = {**_mean(), "source": {"kind": "ActionsNode", "id": action["id"], "name": "old"}}
    made = _experiment(api, metrics=[metric])
    assert made["metrics"][0]["source"]["name"] == action["name"]


@pytest.mark.parametrize(
    ("metric", "detail"),
    [
        ({"kind": "ExperimentTrendsQuery"},
         "Invalid metric at index 0: legacy metric kind 'ExperimentTrendsQuery' is no longer supported for new "
         "experiments. Use 'ExperimentMetric' instead."),
        ({"kind": "Other"}, "Invalid metric at index 0: metric kind must be 'ExperimentMetric'"),
        ({"kind": "ExperimentMetric", "metric_type": "funnel", "series": []},
         "Invalid metric at index 0: funnel metrics require at least one step. The experiment exposure event is "
         "added as the initial step automatically."),
    ],
)  # fmt: skip
def test_metrics_are_checked(api: Api, metric: dict[str, Any], detail: str) -> None:
    body = {"name": "x", "feature_flag_key": name("exp"), "metrics": [metric]}
    assert refusal(api("POST", "experiments/", body)) == (400, "invalid_input", detail, "metrics")


def test_saved_metrics_are_linked_with_their_query(api: Api) -> None:
    metric = api.post("experiment_saved_metrics/", {"name": name("metric"), "query": _mean(uuid="saved")})
    link = {"id": metric["id"], "metadata": {"type": "secondary"}}
    made = _experiment(api, saved_metrics_ids=[link])
    shown = made["saved_metrics"][0]
    assert (shown["saved_metric"], shown["experiment"], shown["name"]) == (metric["id"], made["id"], metric["name"])
    assert shown["metadata"] == {"type": "secondary"}
    assert shown["query"]["fingerprint"]
    assert made["secondary_metrics_ordered_uuids"] == ["saved"]
    assert made["saved_metrics_ids"] is None
    kept = api.patch(f"experiments/{made['id']}/", {"saved_metrics_ids": [link]})["saved_metrics"][0]
    assert kept["id"] == shown["id"]
    body = {"name": "x", "feature_flag_key": name("exp"), "saved_metrics_ids": [{"id": 9999}]}
    assert refusal(api("POST", "experiments/", body))[2:] == (
        "Saved metric does not exist or does not belong to this project", "saved_metrics_ids"
    )  # fmt: skip


# Life -----------------------------------------------------------------------------------------------------


def test_the_life_of_an_experiment(api: Api) -> None:
    made = _experiment(api)
    path = f"experiments/{made['id']}/"
    version = _flag(api, made)["version"]
    assert api.post(path + "launch/")["status"] == "running"
    assert _flag(api, made)["active"] is True
    assert _flag(api, made)["version"] == version
    assert api.post(path + "pause/")["status"] == "paused"
    assert _flag(api, made)["active"] is False
    assert api.post(path + "resume/")["status"] == "running"
    ended = api.post(path + "end/", {"conclusion": "won", "conclusion_comment": "r1 it is"})
    assert (ended["status"], ended["conclusion"], ended["conclusion_comment"]) == ("stopped", "won", "r1 it is")
    assert _flag(api, made)["active"] is True
    assert api.post(path + "archive/")["archived"] is True
    assert made["id"] not in [each["id"] for each in api.get("experiments/")["results"]]
    assert made["id"] in [each["id"] for each in api.get("experiments/?archived=true")["results"]]
    assert api.post(path + "unarchive/")["archived"] is False
    assert api.post(path + "reset/")["status"] == "draft"


@pytest.mark.parametrize(
    ("calls", "detail"),
    [
        (["pause"], "Experiment has not been launched yet."),
        (["ship_variant"], "Experiment has not been launched yet."),
        (["launch", "launch"], "Experiment has already been launched."),
        (["launch", "resume"], "Experiment is not paused."),
        (["launch", "pause", "pause"], "Experiment is already paused."),
        (["launch", "end", "end"], "Experiment has already ended."),
        (["launch", "archive"], "Experiment must be ended before it can be archived."),
        (["unarchive"], "Experiment is not archived."),
        (["reset"], "Experiment is already in draft state."),
    ],
)
def test_what_can_not_happen_now_is_refused(api: Api, calls: list[str], detail: str) -> None:
    path = f"experiments/{_experiment(api)['id']}/"
    for call in calls[:-1]:
        api.post(f"{path}{call}/")
    answer = api("POST", f"{path}{calls[-1]}/", {"variant_key": "test"})
    assert refusal(answer) == (400, "invalid_input", detail, None)


def test_shipping_a_variant_rewrites_the_flag_and_ends_the_experiment(api: Api) -> None:
    made = _running(api)
    path = f"experiments/{made['id']}/ship_variant/"
    assert refusal(api("POST", path, {"variant_key": "no"}))[2] == "Variant 'no' not found on feature flag."
    assert refusal(api("POST", path, {}))[1:] == ("required", "This field is required.", "variant_key")
    before = _flag(api, made)
    shipped = api.post(path, {"variant_key": "test", "conclusion": "won"})
    flag = _flag(api, made)
    assert (shipped["status"], shipped["conclusion"]) == ("stopped", "won")
    assert {each["key"]: each["rollout_percentage"] for each in flag["filters"]["multivariate"]["variants"]} == {
        "control": 0, "test": 100
    }  # fmt: skip
    assert flag["version"] == before["version"] + 1
    assert len(flag["filters"]["groups"]) == 1
    api.post(path, {"variant_key": "control", "release_to_everyone": True})
    assert [each["properties"] for each in _flag(api, made)["filters"]["groups"]] == [[], []]


def test_a_start_date_launches_a_draft(api: Api) -> None:
    made = _experiment(api)
    after = api.patch(f"experiments/{made['id']}/", {"start_date": "2026-01-01T00:00:00Z"})
    assert after["status"] == "running"
    assert _flag(api, made)["active"] is True
    body = {"start_date": "2026-01-02T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}
    assert refusal(api("PATCH", f"experiments/{made['id']}/", body))[2] == "End date must be after start date"


def test_states_filter_the_list(api: Api) -> None:
    draft, running = _experiment(api), _running(api)
    paused, stopped = _running(api), _running(api)
    api.post(f"experiments/{paused['id']}/pause/")
    api.post(f"experiments/{stopped['id']}/end/")
    made = {each["id"] for each in (draft, running, paused, stopped)}

    def listed(query: str) -> set[int]:
        return {each["id"] for each in api.get(f"experiments/?limit=1000&{query}")["results"]} & made

    assert listed("status=draft") == {draft["id"]}
    assert listed("status=running") == {running["id"]}
    assert listed("status=paused") == {paused["id"]}
    assert listed("status=complete") == {stopped["id"]}
    assert listed("status=all") == made
    assert listed(f"feature_flag_id={draft['feature_flag']['id']}") == {draft["id"]}
    assert refusal(api("GET", "experiments/?order=nothing"))[2] == "Invalid order field: 'nothing'"


def test_experiments_are_deleted_softly_and_leave_the_flag(api: Api) -> None:
    made = _experiment(api)
    path = f"experiments/{made['id']}/"
    answer = api("DELETE", path)
    assert (answer.status_code, answer.content) == (405, b"")
    api.patch(path, {"deleted": True})
    assert api("GET", path).status_code == 404
    flag = _flag(api, made)
    assert (flag["deleted"], flag["experiment_set"]) == (False, [])
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    assert _flag(api, made)["key"] == f"{flag['key']}:deleted:{flag['id']}"
    assert refusal(api("PATCH", path, {"deleted": False}))[2] == (
        "Cannot restore experiment: the linked feature flag has been deleted. "
        "Restore the feature flag first, then restore the experiment."
    )
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": False})
    assert api.patch(path, {"deleted": False})["id"] == made["id"]


def test_a_running_experiment_protects_its_flag(api: Api) -> None:
    made = _running(api)
    path = f"feature_flags/{made['feature_flag']['id']}/"
    assert refusal(api("PATCH", path, {"deleted": True}))[2] == (
        f'Cannot delete a feature flag that is linked to running experiment(s): "Which model" (ID: {made["id"]}). '
        "Please stop the experiment(s) before deleting the flag."
    )
    filters = {**_flag(api, made)["filters"], "multivariate": variants(control=100)}
    with api.setting(filters="merge"):
        assert refusal(api("PATCH", path, {"filters": filters}))[2].startswith("Cannot remove variant(s) 'test'")
    assert made["feature_flag"]["id"] in [
        each["id"] for each in api.get("feature_flags/?type=experiment&limit=1000")["results"]
    ]


def test_a_running_experiment_can_lose_its_variants_where_filters_are_replaced(api: Api) -> None:
    made = _running(api)
    path = f"feature_flags/{made['feature_flag']['id']}/"
    after = api.patch(path, {"filters": {"groups": [{"rollout_percentage": 10}]}})
    assert "multivariate" not in after["filters"]
    repair = {"multivariate": variants(control=50, test=50)}
    assert "multivariate" not in api.patch(path, {"filters": repair})["filters"], "ignored without groups"
    assert api.get(f"experiments/{made['id']}/")["parameters"]["feature_flag_variants"] == []


def test_a_list_leaves_out_what_is_large(api: Api) -> None:
    made = _experiment(api, metrics=[_mean()])

    def listed() -> Any:
        return next(each for each in api.get("experiments/?limit=1000")["results"] if each["id"] == made["id"])

    missing = {
        "metrics", "metrics_secondary", "exposure_criteria", "stats_config", "holdout_id", "saved_metrics",
        "saved_metrics_ids", "only_count_matured_users", "scheduling_config", "filters", "secondary_metrics",
        "primary_metrics_ordered_uuids", "secondary_metrics_ordered_uuids",
    }  # fmt: skip
    assert made.keys() - listed().keys() == missing
    with api.setting(experiment_lists="whole"):
        assert listed() == api.get(f"experiments/{made['id']}/")


@pytest.mark.parametrize(
    ("criteria", "detail"),
    [
        ([], "exposure_criteria must be an object, got list. "),
        ({"filterTestAccounts": 1}, "exposure_criteria.filterTestAccounts must be a boolean, got int: 1."),
        ({"exposure_config": 1}, "exposure_criteria.exposure_config must be an object, got int. Expected either "),
        ({"exposure_config": {"kind": "EventsNode"}},
         "exposure_criteria.exposure_config.kind must be one of ['ExperimentEventExposureConfig', 'ActionsNode']"),
        ({"exposure_config": {"event": "seen"}},
         "Invalid exposure_criteria.exposure_config (kind='ExperimentEventExposureConfig'): [{'loc': ('properties',), "
         "'type': 'missing', 'msg': 'Field required'}]. Expected either "),
        ({"exposure_config": {"kind": "ActionsNode"}},
         "Invalid exposure_criteria.exposure_config (kind='ActionsNode'): [{'loc': ('id',), 'type': 'missing', "),
        ({"exposure_config": {"event": 1, "properties": {}}},
         "Invalid exposure_criteria.exposure_config (kind='ExperimentEventExposureConfig'): [{'loc': ('event',), "
         "'type': 'str_type', "),
    ],
)  # fmt: skip
def test_who_is_exposed_is_checked(api: Api, criteria: Any, detail: str) -> None:
    body = {"name": "x", "feature_flag_key": name("exp"), "exposure_criteria": criteria}
    status, code, said, attr = refusal(api("POST", "experiments/", body))
    assert (status, code, attr) == (400, "invalid_input", "exposure_criteria")
    assert said.startswith(detail)


def test_an_event_that_exposes_is_taken(api: Api) -> None:
    config = {"kind": "ExperimentEventExposureConfig", "event": "seen", "properties": []}
    criteria = {"exposure_config": config, "filterTestAccounts": False}
    assert _experiment(api, exposure_criteria=criteria)["exposure_criteria"] == criteria


def test_changes_of_experiments_are_logged(api: Api) -> None:
    made = _running(api)
    entries = api.get(f"activity_log/?scope=Experiment&item_id={made['id']}")["results"]
    assert [each["activity"] for each in entries] == ["updated", "created"]
    assert "start_date" in [change["field"] for change in entries[0]["detail"]["changes"]]
    flag = api.get(f"activity_log/?scope=FeatureFlag&item_id={made['feature_flag']['id']}")["results"]
    assert [change["field"] for change in flag[0]["detail"]["changes"]] == ["active"]


# Holdouts -------------------------------------------------------------------------------------------------


def _holdout(api: Api, share: int = 10) -> Any:
    return api.post("experiment_holdouts/", {"name": "Kept out", "filters": [{"rollout_percentage": share}]})


def test_the_server_names_a_holdouts_variant(api: Api) -> None:
    made = _holdout(api)
    assert made["filters"] == [{"rollout_percentage": 10, "variant": f"holdout-{made['id']}"}]
    assert refusal(api("POST", "experiment_holdouts/", {"name": "x"}))[2] == (
        "Filters are required to create an holdout group"
    )
    body = {"name": "x", "filters": [{"rollout_percentage": 101}]}
    assert refusal(api("POST", "experiment_holdouts/", body))[2:] == (
        "Rollout percentage must be between 0 and 100.", "filters"
    )  # fmt: skip


def test_a_holdout_stands_in_the_flags_of_its_experiments(api: Api) -> None:
    holdout = _holdout(api)
    made = _experiment(api, holdout_id=holdout["id"])
    assert made["holdout"]["id"] == made["holdout_id"] == holdout["id"]
    assert _flag(api, made)["filters"]["holdout"] == {"id": holdout["id"], "exclusion_percentage": 10}
    api.patch(f"experiment_holdouts/{holdout['id']}/", {"filters": [{"rollout_percentage": 20}]})
    assert _flag(api, made)["filters"]["holdout"]["exclusion_percentage"] == 20
    launched = api.post(f"experiments/{made['id']}/launch/")
    assert refusal(api("PATCH", f"experiments/{launched['id']}/", {"holdout_id": None}))[2] == (
        "Can't update holdout on running Experiment"
    )
    assert api("DELETE", f"experiment_holdouts/{holdout['id']}/").status_code == 204
    assert api.get(f"experiments/{made['id']}/")["holdout"] is None
    assert _flag(api, made)["filters"]["holdout"] is None
    entries = api.get(f"activity_log/?scope=Experiment&item_id={holdout['id']}")["results"]
    assert [(each["activity"], each["detail"]["type"]) for each in entries if each["detail"]["type"]] == [
        ("deleted", "holdout"), ("updated", "holdout"), ("created", "holdout")
    ]  # fmt: skip


def test_a_holdout_has_to_exist(api: Api) -> None:
    body = {"name": "x", "feature_flag_key": name("exp"), "holdout_id": 9999}
    assert refusal(api("POST", "experiments/", body)) == (
        400, "does_not_exist", 'Invalid pk "9999" - object does not exist.', "holdout_id"
    )  # fmt: skip
