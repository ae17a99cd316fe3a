"""Flags that something else rests on, and what only some organisations may."""

import pytest

from sandbox.tests.shapes import Api, name, refusal, variants


def test_a_personal_key_reads_an_encrypted_payload(api: Api) -> None:
    filters = {"groups": [{"rollout_percentage": 100}], "payloads": {"true": '"secret"'}}
    flag = api.flag(filters=filters, is_remote_configuration=True, has_encrypted_payloads=True)
    path = f"feature_flags/{flag['id']}/"
    assert api.get(path)["filters"]["payloads"] == {"true": '"secret"'}
    assert api.patch(path, {"has_encrypted_payloads": False})["filters"]["payloads"] == {}, "nor does it become plain"


def test_a_flag_of_replay_settings_is_not_deleted(api: Api) -> None:
    flag = api.flag()
    own = api.base.removeprefix(api.url)
    api.patch(own, {"session_recording_linked_flag": {"id": flag["id"], "key": flag["key"]}})
    assert api.get(f"feature_flags/{flag['id']}/")["is_used_in_replay_settings"] is True
    assert refusal(api("PATCH", f"feature_flags/{flag['id']}/", {"deleted": True}))[2] == (
        "This feature flag is used in session replay settings. Please remove it from replay settings before deleting."
    )
    api.patch(own, {"session_recording_linked_flag": None})
    api.patch(f"feature_flags/{flag['id']}/", {"deleted": True})


def test_a_flag_of_a_running_experiment_keeps_its_variants(api: Api) -> None:
    made = api.post("experiments/", {"name": "x", "feature_flag_key": name("flag")})
    path = f"feature_flags/{made['feature_flag']['id']}/"
    assert api.post(f"experiments/{made['id']}/launch/")["status"] == "running"
    assert refusal(api("PATCH", path, {"deleted": True}))[2].startswith(
        "Cannot delete a feature flag that is linked to running experiment(s): "
    )
    with api.setting(filters="merge"):
        answer = api("PATCH", path, {"filters": {"multivariate": variants(control=50, other=50)}})
    assert refusal(answer)[2].startswith(
        "Cannot remove variant(s) 'test' from a feature flag that is linked to running experiment(s): "
    )


def test_a_deleted_flag_of_an_experiment_gives_its_key_away_and_is_kept(api: Api) -> None:
    flag = api.post("experiments/", {"name": "x", "feature_flag_key": name("flag")})["feature_flag"]
    path = f"feature_flags/{flag['id']}/"
    assert api.patch(path, {"deleted": True})["key"] == f"{flag['key']}:deleted:{flag['id']}"
    assert api.flag(key=flag["key"])["id"] != flag["id"]
    assert api.get(path)["deleted"] is True
    assert api.patch(path, {"deleted": False})["key"] == f"{flag['key']}-2", "its key has been taken"


def test_a_project_may_require_contexts(api: Api) -> None:
    own = api.base.removeprefix(api.url).replace("projects", "environments")
    api.patch(own, {"require_evaluation_contexts": True, "default_evaluation_contexts_enabled": True})
    try:
        with api.setting(gated_fields="kept"):
            assert refusal(api("POST", "feature_flags/", {"key": name("flag"), "filters": {"groups": [{}]}}))[2] == (
                "At least one evaluation context is required to create a new feature flag."
            )
            assert api.flag(evaluation_contexts=["App "])["evaluation_contexts"] == ["app"]
        assert api.flag()["evaluation_contexts"] == [], "without the feature none is required"
    finally:
        api.patch(own, {"require_evaluation_contexts": False})


@pytest.mark.parametrize("filters", ["replace", "merge"])
def test_early_exit_is_for_some_organisations(api: Api, filters: str) -> None:
    sent = {"groups": [{}], "early_exit": True}
    with api.setting(filters=filters):
        assert "early_exit" not in api.flag(filters=sent)["filters"]
        with api.setting(gated_fields="refused"):
            answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": sent})
            assert refusal(answer) == (
                400, "invalid_input", "early_exit is not available for this organization.", "filters"
            )  # fmt: skip
            assert api.flag(filters={**sent, "early_exit": False})["filters"]["early_exit"] is False
        with api.setting(gated_fields="kept"):
            flag = api.flag(filters=sent)
            assert flag["filters"]["early_exit"] is True
        after = api.patch(f"feature_flags/{flag['id']}/", {"filters": sent})
        assert after["filters"]["early_exit"] is True, "what is switched on stays"


def test_filters_have_a_largest_size(api: Api) -> None:
    filters = {"groups": [{"description": "x" * 512 * 1024}]}
    answer = api("POST", "feature_flags/", {"key": name("flag"), "filters": filters})
    assert refusal(answer)[2].startswith("Feature flag filters exceed maximum size of ")
