"""The kinds with little of their own."""

import pytest

from sandbox.tests.shapes import Api, name, refusal

# Actions ----------------------------------------------------------------------------------------------


def test_the_list_of_actions_has_no_pages(api: Api) -> None:
    made = api.post("actions/", {"name": name("action")})
    listed = api.get("actions/")
    assert list(listed) == ["results"]
    assert made["id"] in [each["id"] for each in listed["results"]]


def test_steps_are_read_with_every_key(api: Api) -> None:
    made = api.post("actions/", {"name": name("action"), "steps": [{"event": "seen"}]})
    step = made["steps"][0]
    assert (step["event"], step["url_matching"], step["selector_regex"], step["url"]) == (
        "seen",
        "contains",
        None,
        None,
    )
    replaced = api.patch(f"actions/{made['id']}/", {"steps": [{"event": "other"}]})
    assert [each["event"] for each in replaced["steps"]] == ["other"]


def test_what_is_wrong_in_a_step_is_told_of_all_steps(api: Api) -> None:
    answer = api("POST", "actions/", {"name": name("action"), "steps": [{"url_matching": "guess"}]})
    assert refusal(answer) == (400, "invalid_choice", '"guess" is not a valid choice.', "steps")


def test_names_of_actions_are_unique_among_the_living(api: Api) -> None:
    first = api.post("actions/", {"name": name("action")})
    again = {"name": first["name"]}
    assert refusal(api("POST", "actions/", again)) == (
        400, "unique", f"This project already has an action with this name, ID {first['id']}", "name"
    )  # fmt: skip
    assert refusal(api("POST", "actions/", {"name": ""}))[1:3] == ("blank", "This field may not be blank.")
    api.patch(f"actions/{first['id']}/", {"deleted": True})
    assert api("POST", "actions/", again).status_code == 201
    assert api.get(f"actions/{first['id']}/")["deleted"] is True


def test_the_server_says_when_an_action_was_pinned(api: Api) -> None:
    path = f"actions/{api.post('actions/', {'name': name('action')})['id']}/"
    pinned = api.patch(path, {"pinned_at": "2001-01-01T00:00:00Z"})["pinned_at"]
    assert pinned > "2020"
    assert api.patch(path, {"pinned_at": "2002-01-01T00:00:00Z"})["pinned_at"] == pinned
    assert api.patch(path, {"pinned_at": None})["pinned_at"] is None


def test_the_log_names_the_author_of_an_action_whoever_changed_it(api: Api) -> None:
    made = api.post("actions/", {"name": name("action")})
    api.colleague().patch(f"actions/{made['id']}/", {"description": "mine"})
    entry = api.get(f"activity_log/?scope=Action&item_id={made['id']}")["results"][0]
    assert (entry["activity"], entry["user"]["email"]) == ("updated", "admin@example.com")


# Annotations ------------------------------------------------------------------------------------------


def test_an_organizations_annotation_shows_in_every_project(api: Api) -> None:
    projects = f"/api/organizations/{api.sandbox.organization_id}/projects/"
    other = Api(api.sandbox, project=str(api.post(projects, {"name": name("project")})["id"]))
    shared = other.post("annotations/", {"content": "for all", "scope": "organization"})
    own = other.post("annotations/", {"content": "for one", "scope": "project", "emoji": ""})
    listed = [each["id"] for each in api.get("annotations/")["results"]]
    assert shared["id"] in listed
    assert own["id"] not in listed
    assert own["emoji"] is None


def test_an_organizations_annotation_moves_to_the_project_it_is_changed_in(api: Api) -> None:
    projects = f"/api/organizations/{api.sandbox.organization_id}/projects/"
    other = Api(api.sandbox, project=str(api.post(projects, {"name": name("project")})["id"]))
    shared = other.post("annotations/", {"content": "for all", "scope": "organization"})
    api.patch(f"annotations/{shared['id']}/", {"scope": "project"})
    assert other("GET", f"annotations/{shared['id']}/").status_code == 404
    assert api.get(f"annotations/{shared['id']}/")["scope"] == "project"


def test_shared_annotations_stand_on_one_page_only(api: Api) -> None:
    for number in range(3):
        marker = f"2026-01-0{number + 1}T00:00:00Z"
        api.post("annotations/", {"content": "paged", "scope": "organization", "date_marker": marker})
    found, path = [], "annotations/?search=paged&limit=2"
    while path:
        page = api.get(path)
        assert page["count"] == 3
        found += [each["date_marker"][:10] for each in page["results"]]
        path = (page["next"] or "").removeprefix(api.url)
    assert found == ["2026-01-03", "2026-01-02", "2026-01-01"]


def test_annotations_of_a_deleted_insight_are_hidden(api: Api) -> None:
    insight = api.insight()
    made = api.post("annotations/", {"content": "x", "dashboard_item": insight["id"]})
    api.patch(f"insights/{insight['id']}/", {"deleted": True})
    assert api("PATCH", f"annotations/{made['id']}/", {"content": "y"}).status_code == 404
    assert made["id"] not in [each["id"] for each in api.get("annotations/")["results"]]
    api.patch(f"insights/{insight['id']}/", {"deleted": False})
    assert api.get(f"annotations/{made['id']}/")["content"] == "x"


def test_annotations_are_checked(api: Api) -> None:
    assert refusal(api("POST", "annotations/", {"dashboard_id": 9999}))[2:] == ("Dashboard not found.", "dashboard_id")
    assert refusal(api("POST", "annotations/", {"scope": "recording"}))[2] == "Recording scope is deprecated"


def test_deleted_annotations_are_gone(api: Api) -> None:
    made = api.post("annotations/", {"content": "x", "scope": "project"})
    assert api("DELETE", f"annotations/{made['id']}/").status_code == 405
    api.patch(f"annotations/{made['id']}/", {"deleted": True})
    assert api("GET", f"annotations/{made['id']}/").status_code == 404


# Variables, metrics, property groups, templates ----------------------------------------------------------


def test_a_variable_gets_a_code_name(api: Api) -> None:
    made = api.post("insight_variables/", {"name": "Model Name!", "type": "String", "default_value": "r1"})
    assert made["code_name"] == "model_name"
    assert made["created_by"] == api.get("/api/users/@me/")["id"]
    assert refusal(api("POST", "insight_variables/", {"name": "model name", "type": "String"}))[2:] == (
        "Variable with this code name already exists", None
    )  # fmt: skip
    assert refusal(api("POST", "insight_variables/", {"name": "x", "type": "Text"}))[1] == "invalid_choice"
    assert api("DELETE", f"insight_variables/{made['id']}/").status_code == 204


def test_the_values_of_a_list_variable_become_text(api: Api) -> None:
    body = {"name": name("list"), "type": "List", "values": [1, True, "r1", None], "default_value": 2}
    made = api.post("insight_variables/", body)
    assert (made["values"], made["default_value"]) == (["1", "true", "r1"], "2")
    bare = api.post("insight_variables/", {"name": name("list"), "type": "List"})
    assert (bare["values"], bare["default_value"]) == ([], None)
    assert api.get(f"insight_variables/{bare['id']}/")["values"] == []
    refused = refusal(api("POST", "insight_variables/", {**body, "name": "other", "values": [{}]}))
    assert refused[2].startswith("List variable values must be strings or numbers (got an object at index 0).")
    assert refusal(api("GET", "insight_variables/?page=2"))[2] == "Invalid page."


def test_a_saved_metric_has_a_name_of_its_own_and_leaves_its_experiments(api: Api) -> None:
    query = {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode"}}
    metric = api.post("experiment_saved_metrics/", {"name": name("metric"), "query": query, "tags": ["B", "a"]})
    assert metric["query"]["uuid"]
    assert sorted(metric["tags"]) == ["a", "b"]
    again = {"name": metric["name"].upper(), "query": query}
    assert refusal(api("POST", "experiment_saved_metrics/", again))[2:] == (
        "A shared metric with this name already exists.", "name"
    )  # fmt: skip
    body = {"name": "x", "feature_flag_key": name("exp"), "saved_metrics_ids": [{"id": metric["id"]}]}
    experiment = api.post("experiments/", body)
    assert api("DELETE", f"experiment_saved_metrics/{metric['id']}/").status_code == 204
    assert api.get(f"experiments/{experiment['id']}/")["saved_metrics"] == []


def test_the_properties_of_a_group_are_replaced_as_a_whole(api: Api) -> None:
    model = {"name": "model", "property_type": "String", "validation_rules": {"enum": ["r1", "v3"]}}
    group = api.post("schema_property_groups/", {"name": name("group"), "properties": [model]})
    first = group["properties"][0]
    path = f"schema_property_groups/{group['id']}/"
    after = api.patch(path, {"properties": [{**first, "description": "d"}, {**model, "name": "other"}]})
    assert [each["name"] for each in after["properties"]] == ["model", "other"]
    assert first["id"] not in [each["id"] for each in after["properties"]]
    assert refusal(api("POST", "schema_property_groups/", {"name": group["name"]}))[2:] == (
        "A property group with this name already exists for this team", "name"
    )  # fmt: skip
    assert api("DELETE", path).status_code == 204


def test_an_event_has_the_properties_of_the_groups_attached_to_it(api: Api) -> None:
    event = api.post("event_definitions/", {"name": name("event")})
    first, second = (
        api.post("schema_property_groups/", {"name": name("group"), "properties": [
            {"name": "cart_value", "property_type": "Numeric"}
        ]}) for _ in range(2)
    )  # fmt: skip
    made = api("POST", "event_schemas/", {"event_definition": event["id"], "property_group_id": first["id"]})
    assert made.status_code == 201
    schema = made.json()
    assert list(schema) == ["id", "event_definition", "property_group", "created_at", "updated_at"]
    assert schema["event_definition"] == event["id"]
    assert schema["property_group"]["properties"] == first["properties"]
    assert schema["property_group"]["events"] == [{"id": event["id"], "name": event["name"]}]
    again = {"event_definition": event["id"], "property_group_id": first["id"]}
    assert refusal(api("POST", "event_schemas/", again))[2:] == (
        f"Property group '{first['name']}' is already added to this event schema", None
    )  # fmt: skip
    path = f"event_schemas/{schema['id']}/"
    assert api("GET", path).status_code == 403, "there is no GET of one"
    after = api.patch(path, {"event_definition": event["id"], "property_group_id": second["id"]})
    assert (after["id"], after["property_group"]["id"]) == (schema["id"], second["id"])
    assert api.get(f"schema_property_groups/{first['id']}/")["events"] == []
    listed = api.get(f"event_schemas/?event_definition={event['id']}")["results"]
    assert [each["id"] for each in listed] == [schema["id"]]
    none = {"event_definition": event["id"], "property_group_id": schema["id"]}
    assert refusal(api("POST", "event_schemas/", none)) == (
        400, "does_not_exist", f'Invalid pk "{schema["id"]}" - object does not exist.', "property_group_id"
    )  # fmt: skip
    assert refusal(api("POST", "event_schemas/", {**none, "property_group_id": "x"}))[3] == "property_group_id"
    assert api("DELETE", f"schema_property_groups/{second['id']}/").status_code == 204
    assert api.get("event_schemas/")["count"] == 0
    api.post("event_schemas/", again)
    assert api("DELETE", f"event_definitions/{event['id']}/").status_code == 204
    assert api.get("event_schemas/")["count"] == 0


# Playlists --------------------------------------------------------------------------------------------


def test_a_playlist_is_known_by_its_short_id_and_keeps_its_type(api: Api) -> None:
    assert refusal(api("POST", "session_recording_playlists/", {"name": "x"}))[2] == (
        "Must provide a valid playlist type: either filters or collection"
    )
    made = api.post("session_recording_playlists/", {"type": "filters", "filters": {"duration": 5}})
    path = f"session_recording_playlists/{made['short_id']}/"
    assert api("GET", f"session_recording_playlists/{made['id']}/").status_code == 404
    assert refusal(api("PATCH", path, {"name": "n"}))[2] == "You cannot remove all filters when updating a saved filter"
    after = api.patch(path, {"name": "n", "filters": {"duration": 6}, "type": "collection"})
    assert (after["name"], after["type"]) == ("n", "filters")


def test_a_collection_has_no_filters(api: Api) -> None:
    made = api.post("session_recording_playlists/", {"type": "collection", "name": name("list")})
    path = f"session_recording_playlists/{made['short_id']}/"
    assert (
        refusal(api("PATCH", path, {"filters": {"duration": 5}}))[2] == "You cannot update a collection to add filters"
    )
    assert api.patch(path, {"pinned": True})["last_modified_at"] == made["last_modified_at"]
    api.patch(path, {"deleted": True})
    entries = api.get(f"activity_log/?scope=SessionRecordingPlaylist&item_id={made['id']}")["results"]
    assert [each["activity"] for each in entries] == ["updated", "updated", "created"]
    assert entries[0]["detail"]["short_id"] == made["short_id"]


def test_the_first_page_of_playlists_has_synthetic_ones(api: Api) -> None:
    listed = api.get("session_recording_playlists/")["results"]
    assert any(each["is_synthetic"] and each["short_id"].startswith("synthetic-") for each in listed)


# Members ----------------------------------------------------------------------------------------------


def test_roles_have_members(api: Api) -> None:
    roles = "/api/organizations/@current/roles/"
    role = api.post(roles, {"name": name("Role")})
    assert refusal(api("POST", roles, {"name": role["name"].upper()}))[1] == "unique"
    assert role["created_by"] is None, "nobody is noted over the API"
    assert api.patch(f"{roles}{role['id']}/", {"name": role["name"]})["name"] == role["name"], "its own name"
    oncall = next(
        each for each in api.get("/api/organizations/@current/members/")["results"] if each["user"]["email"][0] == "o"
    )
    memberships = f"{roles}{role['id']}/role_memberships/"
    member = api.post(memberships, {"user_uuid": oncall["user"]["uuid"]})
    assert (member["role_id"], member["user"]["email"]) == (role["id"], "oncall@example.com")
    assert refusal(api("POST", memberships, {"user_uuid": oncall["user"]["uuid"]}))[2] == (
        "User is already part of the role."
    )
    assert [each["id"] for each in api.get(f"{roles}{role['id']}/")["members"]] == [member["id"]]
    assert api.get(f"{memberships}{member['id']}/") == member
    assert api("GET", f"{memberships}{role['id']}/").status_code == 404
    assert api("DELETE", f"{memberships}{member['id']}/").status_code == 204
    assert api.get(memberships)["count"] == 0
    assert api("DELETE", f"{roles}{role['id']}/").status_code == 204


# What is not there --------------------------------------------------------------------------------------


def test_queries_fail_and_never_invent_a_number(api: Api) -> None:
    for query in ({"kind": "WebOverviewQuery", "properties": []}, {"kind": "HogQLQuery", "query": "select nobody()"}):
        status, _, _, attr = refusal(api("POST", "query/", {"query": query}))
        assert (status, attr) == (400, None)


@pytest.mark.parametrize("path", ["notebooks/", "batch_exports/", "error_tracking/issues/", "session_recordings/"])
def test_what_is_not_implemented_is_an_unknown_path(api: Api, path: str) -> None:
    assert refusal(api("GET", path))[2] == "Endpoint not found."
