"""Feature flags: keys, switches, deletion, dependencies, lists and calls."""

from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.tests.shapes import Api, depending_on, name, person, refusal, variants


@pytest.mark.parametrize("key", ["with space", "dot.ted", "ümlaut", "a/b"])
def test_a_key_has_few_characters(api: Api, key: str) -> None:
    assert refusal(api("POST", "feature_flags/", {"key": key, "filters": {"groups": [{}]}})) == (
        400,
        "invalid_key",
        "Only letters, numbers, hyphens (-) & underscores (_) are allowed.",
        "key",
    )


def test_a_key_is_required(api: Api) -> None:
    assert refusal(api("POST", "feature_flags/", {"name": "x"})) == (400, "required", "This field is required.", "key")


def test_a_key_is_unique(api: Api) -> None:
    flag = api.flag()
    assert refusal(api("POST", "feature_flags/", {"key": flag["key"], "filters": {"groups": [{}]}})) == (
        400,
        "unique",
        "There is already a feature flag with this key.",
        "key",
    )


def test_every_update_counts_the_version(api: Api) -> None:
    flag = api.flag()
    assert api.patch(f"feature_flags/{flag['id']}/", {"name": "a", "version": 77})["version"] == 2
    assert api.patch(f"feature_flags/{flag['id']}/", {"name": "b"})["version"] == 3


def test_delete_is_405_without_a_body(api: Api) -> None:
    answer = api("DELETE", f"feature_flags/{api.flag()['id']}/")
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_tombstone_answers_200_and_stays_active_but_is_not_listed(api: Api) -> None:
    flag = api.flag()
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    dead = api.get(f"feature_flags/{flag['id']}/")
    assert (dead["deleted"], dead["active"], dead["status"]) == (True, True, "DELETED")
    assert api.get(f"feature_flags/?key={flag['key']}")["count"] == 0


def test_the_key_of_a_tombstone_makes_a_new_flag_and_erases_it(api: Api) -> None:
    flag = api.flag()
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    again = api.flag(key=flag["key"])
    assert again["id"] != flag["id"]
    assert api("GET", f"feature_flags/{flag['id']}/").status_code == 404


def test_a_tombstone_is_restored(api: Api) -> None:
    flag = api.flag()
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    assert api.patch(f"feature_flags/{flag['id']}/", {"deleted": False})["deleted"] is False
    entries = api.get(f"feature_flags/{flag['id']}/activity/")["results"]
    assert [entry["activity"] for entry in entries] == ["restored", "deleted", "created"]


def test_enable_disable_archive_unarchive(api: Api) -> None:
    flag = api.flag()
    call = f"feature_flags/{flag['id']}"
    assert api.post(f"{call}/disable/")["active"] is False
    assert api.post(f"{call}/disable/")["version"] == 2, "it was disabled already"
    assert api.post(f"{call}/enable/")["active"] is True
    archived = api.post(f"{call}/archive/")
    assert (archived["archived"], archived["active"], archived["status"]) == (True, False, "ARCHIVED")
    assert api.post(f"{call}/unarchive/")["archived"] is False


def test_the_calls_refuse_a_deleted_flag_in_their_own_way(api: Api) -> None:
    flag = api.flag()
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    answer = api("POST", f"feature_flags/{flag['id']}/enable/")
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["error"].startswith("This feature flag has been deleted.")


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        (
            {"archived": True},
            "Cannot archive an enabled feature flag. Disable it first, or send active: false in the same request.",
        ),
        (
            {"bucketing_identifier": "device_id", "ensure_experience_continuity": True},
            "Cannot enable 'persist across authentication steps' when using device ID bucketing. These features are "
            "incompatible.",
        ),
        ({"has_encrypted_payloads": True}, "Encrypted payloads require the flag to be a remote configuration."),
        (
            {"has_encrypted_payloads": True, "is_remote_configuration": True},
            "An encrypted payload is required when has_encrypted_payloads is true.",
        ),
    ],
)
def test_switches_that_exclude_each_other(api: Api, values: Any, detail: str) -> None:
    body = {"key": name("flag"), "filters": {"groups": [{}]}, **values}
    assert refusal(api("POST", "feature_flags/", body)) == (400, "invalid_input", detail, None)


def test_an_archived_flag_is_not_enabled(api: Api) -> None:
    flag = api.flag(active=False, archived=True)
    assert refusal(api("PATCH", f"feature_flags/{flag['id']}/", {"active": True}))[2] == (
        "Cannot enable an archived feature flag. Unarchive it first."
    )


def test_a_flag_that_others_depend_on_is_neither_disabled_nor_deleted(api: Api) -> None:
    base = api.flag()
    top = api.flag(filters=depending_on(base["id"]))
    for body, what in (({"active": False}, "disable"), ({"deleted": True}, "delete")):
        assert refusal(api("PATCH", f"feature_flags/{base['id']}/", body))[2] == (
            f"Cannot {what} this feature flag because other flags depend on it: {top['key']} (ID: {top['id']}). "
            "Please update or disable the dependent flags first."
        )
    assert api.get(f"feature_flags/{base['id']}/dependent_flags/") == [
        {"id": top["id"], "key": top["key"], "name": top["name"] or top["key"]}
    ]


def test_dependencies_are_ids_of_live_enabled_flags(api: Api) -> None:
    off = api.flag(active=False)
    reasons = {
        999999: "Flag dependency references non-existent flag with ID 999999",
        off["id"]: f"Cannot create dependency on disabled flag '{off['key']}' (ID: {off['id']}). Flag dependencies "
        "must reference active flags only.",
    }
    for identifier, reason in reasons.items():
        body = {"key": name("flag"), "filters": depending_on(identifier)}
        assert refusal(api("POST", "feature_flags/", body))[2:] == (reason, "filters")
    by_key = depending_on(1)
    by_key["groups"][0]["properties"][0]["key"] = "some-key"
    assert refusal(api("POST", "feature_flags/", {"key": name("flag"), "filters": by_key}))[2] == (
        "Flag dependencies must reference flag IDs (integers), not flag keys. Invalid reference: 'some-key'"
    )


def test_dependencies_make_no_circle(api: Api) -> None:
    first = api.flag()
    second = api.flag(filters=depending_on(first["id"]))
    circle = {"filters": depending_on(second["id"])}
    assert refusal(api("PATCH", f"feature_flags/{first['id']}/", circle))[2] == (
        f"Circular dependency detected: {first['key']} → {second['key']} → {first['key']}"
    )
    itself = {"filters": depending_on(first["id"])}
    assert refusal(api("PATCH", f"feature_flags/{first['id']}/", itself))[2] == (
        f"Feature flag '{first['key']}' cannot depend on itself"
    )


def test_a_flag_is_not_enabled_over_a_disabled_one(api: Api) -> None:
    base = api.flag()
    top = api.flag(filters=depending_on(base["id"]), active=False)
    api.post(f"feature_flags/{base['id']}/disable/")
    assert refusal(api("PATCH", f"feature_flags/{top['id']}/", {"active": True}))[2] == (
        f"Cannot enable this feature flag because it depends on disabled flags: {base['key']} (ID: {base['id']}). "
        "Please enable the dependency flags first."
    )


def test_lists_leave_out_archived_flags_unless_asked(api: Api) -> None:
    flag = api.flag(active=False, archived=True)
    assert api.get(f"feature_flags/?key={flag['key']}")["count"] == 0
    assert api.get(f"feature_flags/?key={flag['key']}&archived=true")["count"] == 1


def test_lists_are_filtered(api: Api) -> None:
    key = name("filtered")
    flag = api.flag(
        key=key,
        active=False,
        tags=["odd"],
        evaluation_runtime="server",
        filters={"groups": [{}], "multivariate": variants(a=100)},
    )
    found = {
        "active=false",
        "key=" + key.upper(),
        f"search={key[3:]}",
        "evaluation_runtime=server",
        'tags=["odd"]',
        "type=multivariant",
        "has_evaluation_contexts=false",
        "created_by_id=1",
    }
    for query in found:
        assert flag["id"] in [each["id"] for each in api.get(f"feature_flags/?{query}&limit=1000")["results"]], query
    for query in (
        "active=true",
        "evaluation_runtime=client",
        'excluded_tags=["odd"]',
        "type=boolean",
        "created_by_id=2",
    ):
        assert flag["id"] not in [each["id"] for each in api.get(f"feature_flags/?{query}&limit=1000")["results"]], (
            query
        )


def test_the_newest_flag_comes_first(api: Api) -> None:
    newest = api.flag()
    assert api.get("feature_flags/?limit=1")["results"][0]["id"] == newest["id"]


def test_status_tells_the_rollout(api: Api) -> None:
    flag = api.flag(filters={"groups": [{"properties": [person("a", "b")], "rollout_percentage": 20}]})
    status = api.get(f"feature_flags/{flag['id']}/status/")
    assert status["status"] == "active"
    assert status["rollout"] == {
        "effectively_full_rollout": False,
        "has_targeting_conditions": True,
        "max_rollout_percentage": 20,
        "is_multivariate": False,
    }
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})
    deleted = api.get(f"feature_flags/{flag['id']}/status/")
    assert (deleted["status"], deleted["reason"]) == ("deleted", "Flag has been deleted")


def test_an_old_flag_that_nobody_calls_is_stale(api: Api) -> None:
    flag = api.flag(created_at="2020-01-01T00:00:00Z", filters={"groups": [{"rollout_percentage": 100}]})
    assert flag["status"] == "STALE"
    assert api.flag(last_called_at="2020-01-01T00:00:00Z")["status"] == "STALE"


def test_the_list_is_filtered_by_authors_and_without_keys(api: Api) -> None:
    tag, author = name("tag").lower(), api.get("/api/users/@me/")["id"]
    first, second = api.flag(tags=[tag]), api.flag(tags=[tag])
    for query, found in (
        (f'excluded_properties=["{first["key"]}"]', [second["id"]]),
        (f"created_by_id={author},999", [second["id"], first["id"]]),
        ("created_by_id=[999]", []),
        ("excluded_tags=[]", [second["id"], first["id"]]),
    ):
        listed = api.get(f'feature_flags/?tags=["{tag}"]&{query}')["results"]
        assert [each["id"] for each in listed] == found


def test_a_search_reads_keys_names_and_experiments(api: Api) -> None:
    word = name("Word")
    flag = api.flag(name=f"{word} of_the-year", filters={"groups": [{}], "multivariate": variants(control=50, test=50)})
    experiment = api.post("experiments/", {"name": f"50%_{word}_tried", "feature_flag_key": flag["key"]})
    for text, count in (
        (flag["key"], 1),
        (f"{word.upper()} OF the year", 1),
        (f"{word} of the", 1),
        (f"50%_{word}_tri", 1),
        (f"50__{word}_tri", 0),
        (f"{word} nothing", 0),
    ):
        assert api.get("feature_flags/?" + urlencode({"search": text}))["count"] == count, text
    api.patch(f"experiments/{experiment['id']}/", {"deleted": True})
    assert api.get("feature_flags/?" + urlencode({"search": f"50%_{word}"}))["count"] == 0
    assert refusal(api("GET", "feature_flags/?search=" + "x" * 201))[2] == "Search term cannot exceed 200 characters"


def test_a_project_may_require_tags(api: Api) -> None:
    api.patch("", {"feature_flag_policy_config": {"require_tags": True}})
    try:
        assert refusal(api("POST", "feature_flags/", {"key": name("flag"), "filters": {"groups": [{}]}})) == (
            400,
            "invalid_input",
            "Add at least one tag. This project requires new feature flags to be tagged.",
            "tags",
        )
        flag = api.flag(tags=["a"])
        assert refusal(api("PATCH", f"feature_flags/{flag['id']}/", {"tags": []}))[2].startswith(
            "Keep at least one tag"
        )
    finally:
        api.patch("", {"feature_flag_policy_config": {"require_tags": False}})


def test_a_project_has_at_most_2000_flags(api: Api) -> None:
    with api.setting(flag_limit=1):
        api("POST", "feature_flags/", {"key": name("flag")})
        assert "feature flags allowed per team." in refusal(api("POST", "feature_flags/", {"key": name("flag")}))[2]
