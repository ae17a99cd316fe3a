"""Cohorts."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, depending_on, in_cohort, name, person, refusal, trends

BEHAVIOUR = {
    "type": "behavioral",
    "key": "seen",
    "value": "performed_event_multiple",
    "event_type": "events",
    "time_value": 30,
    "time_interval": "day",
    "operator": "gte",
    "operator_value": 2,
}


def _leaf(cohort: Any) -> Any:
    return cohort["filters"]["properties"]["values"][0]["values"][0]


def _seen(api: Api, distinct_id: str, times: int = 1, **properties: Any) -> None:
    event = {"event": "seen", "distinct_id": distinct_id, "properties": {"$set": properties}}
    api.sandbox.capture(*[event] * times)


def test_nulls_vanish_and_leaves_gain_negation_bytecode_and_hash(api: Api) -> None:
    leaf = _leaf(api.cohort({**person("plan", ["pro"]), "negation": None} | {"negation": False}))
    assert {key: leaf[key] for key in ("type", "key", "operator", "value", "negation")} == {
        "type": "person",
        "key": "plan",
        "operator": "exact",
        "value": ["pro"],
        "negation": False,
    }
    assert leaf["bytecode"][:2] == ["_H", 1]
    assert len(leaf["conditionHash"]) == 16
    assert _leaf(api.cohort({**BEHAVIOUR, "seq_event": None})).keys() == {
        *BEHAVIOUR,
        "negation",
        "bytecode",
        "conditionHash",
    }


def test_a_behaviour_that_does_not_compile_says_so(api: Api) -> None:
    leaf = _leaf(api.cohort({**BEHAVIOUR, "value": "stopped_performing_event"}))
    assert leaf["bytecode_error"] == "Unsupported behavioral filter for realtime bytecode"
    assert "bytecode" not in leaf


def test_the_type_is_the_servers(api: Api) -> None:
    assert api.cohort(cohort_type="behavioral")["cohort_type"] == "realtime"
    assert api.cohort({**BEHAVIOUR, "value": "stopped_performing_event"})["cohort_type"] is None


def test_names_are_not_unique(api: Api) -> None:
    first, second = api.cohort(name="same"), api.cohort(name="same")
    assert first["id"] != second["id"]


def test_a_cohort_is_calculated_after_the_answer(api: Api) -> None:
    _seen(api, "calc-1", plan="calculated")
    cohort = api.cohort(person("plan", "calculated"))
    assert (cohort["is_calculating"], cohort["count"], cohort["version"]) == (True, None, None)
    done = api.calculated(cohort)
    assert (done["count"], done["version"], done["pending_version"]) == (1, 1, 1)
    assert done["last_calculation"] is not None
    members = api.get(f"cohorts/{cohort['id']}/persons/")["results"]
    assert [member["distinct_ids"] for member in members] == [["calc-1"]]


def test_every_update_recalculates_but_a_deletion_does_not(api: Api) -> None:
    cohort = api.cohort()
    api.calculated(cohort)
    assert api.patch(f"cohorts/{cohort['id']}/", {"description": "d"})["is_calculating"] is True
    assert api.calculated(cohort)["version"] == 2
    assert api.patch(f"cohorts/{cohort['id']}/", {"deleted": True})["is_calculating"] is False


def test_events_are_counted(api: Api) -> None:
    _seen(api, "busy", times=2)
    _seen(api, "idle", times=1)
    cohort = api.calculated(api.cohort(BEHAVIOUR))
    members = api.get(f"cohorts/{cohort['id']}/persons/")["results"]
    assert "busy" in [member["distinct_ids"][0] for member in members]
    assert "idle" not in [member["distinct_ids"][0] for member in members]


def test_a_deleted_cohort_answers_200_is_not_listed_and_comes_back(api: Api) -> None:
    cohort = api.cohort()
    api.patch(f"cohorts/{cohort['id']}/", {"deleted": True})
    assert api.get(f"cohorts/{cohort['id']}/")["deleted"] is True
    assert cohort["id"] not in [each["id"] for each in api.get("cohorts/")["results"]]
    assert api.patch(f"cohorts/{cohort['id']}/", {"deleted": False})["deleted"] is False
    answer = api("DELETE", f"cohorts/{cohort['id']}/")
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_cohort_in_use_is_not_deleted(api: Api) -> None:
    cohort = api.cohort(name="Wanted")
    flag = api.flag(name="Flag of it", filters=in_cohort(cohort["id"]))
    blocked = {"deleted": True}

    def refused() -> str:
        return refusal(api("PATCH", f"cohorts/{cohort['id']}/", blocked))[2]

    assert refused() == (
        "This cohort is used in 1 active feature flag(s): Flag of it. Please remove the cohort from these feature "
        "flags before deleting it."
    )
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    insight = api.insight(name="I", query=trends(properties=[{"type": "cohort", "key": "id", "value": cohort["id"]}]))
    assert refused().startswith("This cohort is used in 1 insight(s): I.")
    api.patch(f"insights/{insight['id']}/", {"deleted": True})
    outer = api.cohort({"type": "cohort", "key": "id", "value": cohort["id"]}, name="Outer")
    assert refused().startswith("This cohort is used as criteria in 1 other cohort(s): Outer.")
    api.patch(f"cohorts/{outer['id']}/", {"deleted": True})
    api.patch("", {"test_account_filters": [{"type": "cohort", "key": "id", "value": cohort["id"]}]})
    assert refused().startswith("This cohort is used in 'Filter out internal and test users'")
    api.patch("", {"test_account_filters": []})
    assert api("PATCH", f"cohorts/{cohort['id']}/", blocked).status_code == 200


def test_used_in_lists_the_users(api: Api) -> None:
    cohort = api.cohort()
    flag = api.flag(filters=in_cohort(cohort["id"]))
    used = api.get(f"cohorts/{cohort['id']}/used_in/")
    assert used["feature_flags"] == {
        "results": [{"id": flag["id"], "key": flag["key"], "name": ""}],
        "total": 1,
        "has_more": False,
    }
    assert used["insights"]["total"] == used["cohorts"]["total"] == 0


def test_event_based_cohorts_are_refused_in_flags(api: Api) -> None:
    cohort = api.cohort(BEHAVIOUR, name="Busy")
    body = {"key": name("flag"), "filters": in_cohort(cohort["id"])}
    assert refusal(api("POST", "feature_flags/", body)) == (
        400,
        "behavioral_cohort_found",
        "Cohort 'Busy' has an event-based condition on 'seen' "
        "(performed_event_multiple) and cannot be used in feature flags.",
        "filters",
    )
    outer = api.cohort({"type": "cohort", "key": "id", "value": cohort["id"]})
    assert refusal(api("POST", "feature_flags/", {**body, "filters": in_cohort(outer["id"])}))[1] == (
        "behavioral_cohort_found"
    )
    assert refusal(api("POST", "feature_flags/", {**body, "filters": in_cohort(999999)}))[1:3] == (
        "cohort_does_not_exist",
        "Cohort with id 999999 does not exist",
    )


def test_a_cohort_in_a_flag_does_not_come_to_rest_on_events(api: Api) -> None:
    cohort = api.cohort()
    api.flag(filters=in_cohort(cohort["id"]))
    filters = {"properties": {"type": "AND", "values": [{"type": "AND", "values": [BEHAVIOUR]}]}}
    assert refusal(api("PATCH", f"cohorts/{cohort['id']}/", {"filters": filters})) == (
        400,
        "behavioral_cohort_found",
        "Behavioral filters cannot be added to cohorts used in feature flags.",
        "filters",
    )


def test_cohorts_make_no_loop(api: Api) -> None:
    first = api.cohort()
    second = api.cohort({"type": "cohort", "key": "id", "value": first["id"]})
    values = [{"type": "AND", "values": [{"type": "cohort", "key": "id", "value": second["id"]}]}]
    loop = {"filters": {"properties": {"type": "AND", "values": values}}}
    assert refusal(api("PATCH", f"cohorts/{first['id']}/", loop))[2] == (
        "Cohorts cannot reference other cohorts in a loop."
    )


@pytest.mark.parametrize(
    ("leaf", "detail"),
    [
        ({"type": "person", "key": "a"}, "Missing required keys for person filter: value, operator"),
        ({"type": "person", "operator": "exact", "value": 1}, "Missing required keys for person filter: key"),
        ({"type": "behavioral", "key": "a"}, "Missing required keys for behavioral filter: value"),
        ({"type": "cohort", "key": "id"}, "Missing required keys for cohort filter: value"),
    ],
)
def test_leaves_need_their_keys(api: Api, leaf: Any, detail: str) -> None:
    filters = {"properties": {"type": "AND", "values": [{"type": "AND", "values": [leaf]}]}}
    assert refusal(api("POST", "cohorts/", {"name": "x", "filters": filters}))[2:] == (detail, "filters")


def test_extra_keys_are_forbidden(api: Api) -> None:
    leaf = {"type": "cohort", "key": "id", "value": 1, "operator": "in"}
    filters = {"properties": {"type": "AND", "values": [{"type": "AND", "values": [leaf]}]}}
    assert "Extra inputs are not permitted" in refusal(api("POST", "cohorts/", {"name": "x", "filters": filters}))[2]


def test_filters_need_properties(api: Api) -> None:
    wrong: list[Any] = [{}, None, {"groups": []}]
    for filters in wrong:
        assert refusal(api("POST", "cohorts/", {"name": "x", "filters": filters}))[2:] == (
            "Must contain a 'properties' key with type and values",
            "filters__detail",
        )
    assert api.post("cohorts/", {"name": "without"})["filters"] == {"properties": {}}


def test_a_static_cohort_holds_the_persons_it_is_given(api: Api) -> None:
    _seen(api, "static-1")
    _seen(api, "static-2")
    one, two = (api.get(f"persons/?distinct_id=static-{n}")["results"][0]["uuid"] for n in (1, 2))
    cohort = api.post("cohorts/", {"name": "s", "is_static": True, "_create_static_person_ids": [one]})
    assert (cohort["count"], cohort["is_calculating"]) == (1, False)
    path = f"cohorts/{cohort['id']}"
    api.patch(f"{path}/add_persons_to_static_cohort/", {"person_ids": [two]})
    assert api.get(f"{path}/")["count"] == 2
    api.patch(f"{path}/remove_person_from_static_cohort/", {"person_id": one})
    assert [each["uuid"] for each in api.get(f"{path}/persons/")["results"]] == [two]


def test_a_static_cohort_without_a_source_is_empty(api: Api) -> None:
    assert api.post("cohorts/", {"name": "s", "is_static": True})["count"] == 0


def test_a_dynamic_cohort_takes_no_persons(api: Api) -> None:
    assert (
        api("PATCH", f"cohorts/{api.cohort()['id']}/add_persons_to_static_cohort/", {"person_ids": []}).status_code
        == 400
    )


def test_lists_are_filtered(api: Api) -> None:
    static = api.post("cohorts/", {"name": name("s"), "is_static": True})
    busy = api.cohort(BEHAVIOUR)

    def ids(query: str) -> list[int]:
        return [each["id"] for each in api.get(f"cohorts/?limit=1000&{query}")["results"]]

    assert busy["id"] not in ids("hide_behavioral_cohorts=true")
    assert ids(f"search={static['name']}") == [static["id"]]
    assert not {"filters", "query", "groups"} & set(api.get("cohorts/?basic=true")["results"][0])


def test_a_flag_resting_on_a_cohort_through_another_counts(api: Api) -> None:
    inner = api.cohort()
    outer = api.cohort({"type": "cohort", "key": "id", "value": inner["id"]})
    base = api.flag(filters=in_cohort(outer["id"]))
    api.flag(filters=depending_on(base["id"]))
    assert "1 active feature flag(s)" in refusal(api("PATCH", f"cohorts/{inner['id']}/", {"deleted": True}))[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "person", "key": "channel", "operator": "exact", "value": "beta"},
        {"type": "event", "key": "model", "operator": "is_set"},
        {"type": "event", "key": "model", "operator": "exact", "value": "r1", "label": "Which"},
        {"type": "hogql", "key": "1 = 1", "operator": "exact"},
    ],
)
def test_filters_of_a_cohort_s_events_have_the_keys_of_posthog_s_models(api: Api, wrong: dict[str, Any]) -> None:
    did = {"type": "behavioral", "key": "e", "value": "performed_event", "event_type": "events", "time_value": 7}
    leaf = {**did, "time_interval": "day", "event_filters": [wrong]}
    filters = {"properties": {"type": "AND", "values": [leaf]}}
    assert refusal(api("POST", "cohorts/", {"name": "C", "filters": filters}))[0] == 400
