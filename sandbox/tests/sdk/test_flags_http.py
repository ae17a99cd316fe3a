"""/flags and /decide over raw HTTP.

Sources: api/types.rs, api/endpoint.rs, api/errors.rs and handler/ of PostHog's rust/feature-flags.
"""

import base64
import gzip
import json
from typing import Any

import pytest
import requests

from sandbox.tests.clients import new_flag, sdk
from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import depending_on, in_cohort, members, on_for, person

EVERYBODY = on_for()


@pytest.fixture(scope="module", autouse=True)
def flags(sandbox: Sandbox) -> dict[str, int]:
    """Three flags: on with a payload, a variant, and off."""
    variants = {"variants": [{"key": "a", "rollout_percentage": 100}]}
    created = [
        new_flag(sandbox, "on", {**EVERYBODY, "payloads": {"true": {"limit": 5}}}),
        new_flag(sandbox, "variant", {**EVERYBODY, "multivariate": variants}),
        new_flag(sandbox, "off", {"groups": [{"properties": [], "rollout_percentage": 0}]}),
        new_flag(sandbox, "inactive", EVERYBODY, active=False),
    ]
    return {flag["key"]: flag["id"] for flag in created}


def ask(sandbox: Sandbox, path: str, body: dict[str, Any] | None = None, **options: Any) -> requests.Response:
    sent = {"token": sandbox.project_api_key, "distinct_id": "ann", **(body or {})}
    keys = {"flag_keys": ["on", "variant", "off", "inactive", "unknown"]}
    return requests.post(sandbox.url + path, json={**keys, **sent}, timeout=10, **options)


def test_version_2(sandbox: Sandbox, flags: dict[str, int]) -> None:
    found = ask(sandbox, "/flags/?v=2").json()
    assert set(found) == {"errorsWhileComputingFlags", "flags", "requestId", "evaluatedAt"}
    assert set(found["flags"]) == {"on", "variant", "off"}
    assert found["flags"]["on"] == {
        "key": "on",
        "enabled": True,
        "variant": None,
        "reason": {"code": "condition_match", "condition_index": 0, "description": "Matched condition set 1"},
        "metadata": {
            "id": flags["on"],
            "version": 1,
            "description": None,
            "payload": '{"limit": 5}',
            "has_experiment": False,
        },
    }
    assert found["flags"]["variant"]["variant"] == "a"
    assert found["flags"]["off"]["enabled"] is False
    assert found["flags"]["off"]["reason"]["code"] == "out_of_rollout_bound"


def test_version_1_also_where_only_the_configuration_is_asked_for(sandbox: Sandbox) -> None:
    for query in ("v=1", "config=true"):
        found = ask(sandbox, f"/flags/?{query}").json()
        assert found["featureFlags"] == {"on": True, "variant": "a", "off": False}
        assert found["featureFlagPayloads"] == {"on": '{"limit": 5}'}


def test_neither_version_nor_config_means_both(sandbox: Sandbox) -> None:
    found = ask(sandbox, "/flags/").json()
    assert found["flags"]["on"]["enabled"] is True
    assert (found["hasFeatureFlags"], found["supportedCompression"]) == (True, ["gzip", "gzip-js"])


@pytest.mark.parametrize("version", [3, 4])
def test_newer_versions_have_one_typed_value(sandbox: Sandbox, version: int) -> None:
    found = ask(sandbox, f"/flags/?v={version}").json()["flags"]
    assert {key: one["value"] for key, one in found.items()} == {"on": True, "variant": "a", "off": False}
    assert found["on"]["metadata"]["config_version"] == 1
    assert "enabled" not in found["on"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1", ["on", "variant"]),
        ("2", {"on": True, "variant": "a"}),
        ("3", {"on": True, "variant": "a", "off": False}),
    ],
)
def test_decide(sandbox: Sandbox, version: str, expected: Any) -> None:
    assert ask(sandbox, f"/decide/?v={version}").json()["featureFlags"] == expected


def test_decide_from_version_4_on_has_details(sandbox: Sandbox) -> None:
    assert ask(sandbox, "/decide/?v=4").json()["flags"]["variant"]["variant"] == "a"


def test_every_form_of_a_request(sandbox: Sandbox) -> None:
    plain = json.dumps({"api_key": sandbox.project_api_key, "$distinct_id": 7, "flag_keys": ["on"]}).encode()
    forms: list[dict[str, Any]] = [
        {"data": plain},
        {"data": plain.replace(b"}", b', "person_properties": {"n": NaN}}')},
        {"data": gzip.compress(plain), "headers": {"Content-Encoding": "gzip"}},
        {"data": base64.b64encode(plain)},
        {"data": {"data": base64.b64encode(plain).decode()}, "params": {"compression": "base64"}},
    ]
    for form in forms:
        form["params"] = {"v": "2", **form.get("params", {})}
        answer = requests.post(sandbox.url + "/flags/", timeout=10, **form)
        assert (answer.status_code, list(answer.json()["flags"])) == (200, ["on"])


def test_refusals(sandbox: Sandbox) -> None:
    def refusal(**options: Any) -> tuple[int, str, Any]:
        answer = requests.post(sandbox.url + "/flags/?v=2", timeout=10, **options)
        is_json = answer.headers["content-type"].startswith("application/json")
        return (
            answer.status_code,
            answer.headers["content-type"][:10],
            answer.json() if is_json else answer.text,
        )

    assert refusal(json={"distinct_id": "ann"}) == (
        401,
        "applicatio",
        {
            "type": "authentication_error",
            "code": "not_authenticated",
            "detail": "No API token provided. Please include a valid API token in your request.",
            "attr": None,
        },
    )
    wrong = refusal(json={"token": "phc_wrong", "distinct_id": "ann"})
    assert (wrong[0], wrong[2]["code"], wrong[2]["detail"]) == (
        401,
        "authentication_failed",
        "The provided API key is invalid or has expired. Please check your API key and try again.",
    )
    assert refusal(json={"token": sandbox.project_api_key}) == (
        400,
        "text/plain",
        "The distinct_id field is missing from the request. Please include a valid identifier.",
    )
    plain = json.dumps({"token": sandbox.project_api_key, "distinct_id": "ann"}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    undecodable: dict[str, dict[str, Any]] = {
        "invalid JSON": {"data": b"{"},
        "Unsupported compression type": {"data": plain, "params": {"compression": "lz64"}},
        "unsupported content type: application/xml": {"data": plain, "headers": {"Content-Type": "application/xml"}},
        "invalid GZIP data": {"data": plain, "headers": {"Content-Encoding": "gzip"}},
        "Gzip compression not supported for form-urlencoded data": {
            "data": b"data=e30=",
            "params": {"compression": "gzip"},
            "headers": form,
        },
        # What curl -d sends: PostHog takes it for base64.
        "Base64 decoding error": {"data": plain, "headers": form},
    }
    for why, sent in undecodable.items():
        text = f"Failed to decode request: {why}. Please check your request format and try again."
        assert refusal(**sent) == (400, "text/plain", text)


def test_a_get_has_no_flags(sandbox: Sandbox) -> None:
    answer = requests.get(sandbox.url + "/flags/?v=2", timeout=10)
    assert (answer.status_code, answer.json()["flags"]) == (200, {})


def test_other_methods(sandbox: Sandbox) -> None:
    asked = requests.options(sandbox.url + "/flags/", timeout=10)
    assert (asked.status_code, asked.headers["allow"]) == (204, "GET, POST, OPTIONS, HEAD")
    assert requests.head(sandbox.url + "/flags/?v=2", timeout=10).status_code == 200


def test_disable_flags(sandbox: Sandbox) -> None:
    assert ask(sandbox, "/flags/?v=2", {"disable_flags": True}).json()["flags"] == {}
    # Nobody has to be named then.
    body = {"token": sandbox.project_api_key, "disable_flags": True}
    answer = requests.post(f"{sandbox.url}/flags/?v=2&config", json=body, timeout=10)
    assert (answer.status_code, answer.json()["flags"], answer.json()["token"]) == (200, {}, sandbox.project_api_key)


@pytest.mark.parametrize(
    ("query", "configured"), [("config", True), ("config=1", True), ("config=no", False), ("v=1", False)]
)
def test_the_configuration_is_asked_for(sandbox: Sandbox, query: str, configured: bool) -> None:
    assert ("supportedCompression" in ask(sandbox, f"/flags/?{query}").json()) is configured


def test_a_used_up_quota(sandbox: Sandbox) -> None:
    definitions = f"{sandbox.url}/flags/definitions?token={sandbox.project_api_key}"
    bearer = {"Authorization": f"Bearer {sandbox.api_key}"}
    with sandbox.setting(quota_limited=True):
        for path, empty in (
            ("/flags/?v=2", "flags"),
            ("/flags/?v=1", "featureFlags"),
            ("/decide/?v=2", "featureFlags"),
        ):
            answer = ask(sandbox, path)
            assert (answer.status_code, answer.json()[empty]) == (200, {})
            assert answer.json()["quotaLimited"] == ["feature_flags"]
        refused = requests.get(definitions, headers=bearer, timeout=10)
        with sdk(sandbox) as client:
            assert client.evaluate_flags("ann", flag_keys=["on"]).get_flag("on") is None
    assert (refused.status_code, refused.json()) == (
        402,
        {
            "type": "quota_limited",
            "code": "payment_required",
            "detail": "You have exceeded your feature flag request quota",
            "attr": None,
        },
    )
    assert "quotaLimited" not in ask(sandbox, "/flags/?v=2").json()


def test_only_the_requests_own_properties(sandbox: Sandbox) -> None:
    seen = {"event": "seen", "distinct_id": "tess", "properties": {"$set": {"plan": "pro"}}}
    sandbox.capture(seen)
    new_flag(sandbox, "pro", on_for(person("plan", "pro")))
    body = {"flag_keys": ["pro"], "distinct_id": "tess"}
    for query, expected in (("", True), ("&only_use_override_person_properties=true", False)):
        assert ask(sandbox, f"/flags/?v=1{query}", body).json()["featureFlags"] == {"pro": expected}


def test_runtime_by_request_by_sdk_and_unknown(sandbox: Sandbox) -> None:
    for runtime in ("server", "client"):
        new_flag(sandbox, f"runtime-{runtime}", EVERYBODY, evaluation_runtime=runtime)
    keys = {"flag_keys": ["runtime-server", "runtime-client"]}

    def found(agent: str, **body: Any) -> set[str]:
        answer = ask(sandbox, "/flags/?v=2", {**keys, **body}, headers={"User-Agent": agent})
        return {key.removeprefix("runtime-") for key in answer.json()["flags"]}

    assert found("posthog-python/7.91.1") == {"server"}
    assert found("posthog-ios/3.0.0") == {"client"}
    assert found("Mozilla/5.0") == {"client"}
    assert found("curl/8.0") == set()
    assert found("curl/8.0", evaluation_runtime="server") == {"server"}
    assert found("curl/8.0", evaluation_runtime="all") == {"server", "client"}


def test_evaluation_contexts_leave_out_what_is_for_others(sandbox: Sandbox) -> None:
    with sandbox.setting(gated_fields="kept"):
        new_flag(sandbox, "for-app", EVERYBODY, evaluation_contexts=["app"])
    keys = {"flag_keys": ["for-app"]}
    for contexts, expected in ((["docs"], False), (["docs", "app"], True), ([], True)):
        found = ask(sandbox, "/flags/?v=2", {**keys, "evaluation_contexts": contexts}).json()["flags"]
        assert ("for-app" in found) is expected


def test_a_dependency_is_in_the_answer_of_what_depends_on_it(sandbox: Sandbox, flags: dict[str, int]) -> None:
    new_flag(sandbox, "needs-a", depending_on(flags["variant"], "a"))
    found = ask(sandbox, "/flags/?v=1", {"flag_keys": ["needs-a"]}).json()["featureFlags"]
    assert found == {"needs-a": True, "variant": "a"}


def test_experience_continuity_keeps_the_anonymous_bucket(sandbox: Sandbox) -> None:
    half = {"groups": [{"properties": [], "rollout_percentage": 50}]}
    new_flag(sandbox, "steady", half, ensure_experience_continuity=True)
    keys = {"flag_keys": ["steady"]}

    def value(distinct_id: str, **body: Any) -> bool:
        answer = ask(sandbox, "/flags/?v=1", {**keys, "distinct_id": distinct_id, **body})
        return bool(answer.json()["featureFlags"]["steady"])

    lucky = next(name for name in (f"a-{n}" for n in range(100)) if value(name))
    unlucky = next(name for name in (f"b-{n}" for n in range(100)) if not value(name))
    # A person that doesn't exist gets the anonymous bucket, but nothing is remembered.
    assert value(unlucky, anon_distinct_id=lucky) is True
    assert value(unlucky) is False
    seen = {"event": "seen", "distinct_id": unlucky, "properties": {}}
    sandbox.capture(seen)
    assert value(unlucky, **{"$anon_distinct_id": lucky}) is True
    assert value(unlucky) is True


def test_static_cohorts_by_look_up(sandbox: Sandbox) -> None:
    cohort = sandbox.call("POST", "cohorts/", {"name": "Chosen", "is_static": True})
    new_flag(sandbox, "chosen", in_cohort(cohort["id"]))
    seen = {"event": "seen", "distinct_id": "zoe", "properties": {}}
    sandbox.capture(seen)

    def value(distinct_id: str) -> Any:
        body = {"flag_keys": ["chosen"], "distinct_id": distinct_id}
        return ask(sandbox, "/flags/?v=1", body).json()["featureFlags"]["chosen"]

    assert value("zoe") is False
    (found,) = sandbox.call("GET", "persons/?distinct_id=zoe")["results"]
    path = f"cohorts/{cohort['id']}/add_persons_to_static_cohort/"
    sandbox.call("PATCH", path, {"person_ids": [found["uuid"]]})
    assert value("zoe") is True
    assert value("stranger") is False


def test_initial_properties_are_filled_in_from_the_present_ones(sandbox: Sandbox) -> None:
    new_flag(sandbox, "came-with", on_for(person("$initial_browser", "Firefox")))
    body = {"flag_keys": ["came-with"], "person_properties": {"$browser": "Firefox"}}
    assert ask(sandbox, "/flags/?v=1", body).json()["featureFlags"] == {"came-with": True}


def test_dates_are_read_in_the_projects_timezone(sandbox: Sandbox) -> None:
    new_flag(sandbox, "june", on_for(person("born", "2026-06-01", "is_date_exact")))
    body = {"flag_keys": ["june"], "person_properties": {"born": "2026-05-31T22:00:00Z"}}
    path = f"/api/projects/{sandbox.project_id}/"
    for zone, expected in (("Europe/Berlin", True), ("UTC", False)):
        sandbox.call("PATCH", path, {"timezone": zone})
        assert ask(sandbox, "/flags/?v=1", body).json()["featureFlags"] == {"june": expected}


def test_a_flag_whose_cohort_is_gone_fails_alone(sandbox: Sandbox) -> None:
    cohort = sandbox.call("POST", "cohorts/", {"name": "Going", "filters": members(person("a", "1"))})
    flag = new_flag(sandbox, "bereft", in_cohort(cohort["id"]), active=False)
    sandbox.call("PATCH", f"cohorts/{cohort['id']}/", {"deleted": True})
    sandbox.call("PATCH", f"feature_flags/{flag['id']}/", {"active": True})
    found = ask(sandbox, "/flags/?v=2", {"flag_keys": ["bereft", "on"]}).json()
    assert found["errorsWhileComputingFlags"] is True
    assert found["flags"]["on"]["enabled"] is True
    bereft = found["flags"]["bereft"]
    assert (bereft["enabled"], bereft["failed"]) == (False, True)
    assert bereft["reason"] == {
        "code": "dependency_not_found_cohort",
        "condition_index": None,
        "description": "Cohort dependency not found",
    }
    assert ask(sandbox, "/flags/?v=4", {"flag_keys": ["bereft"]}).json()["flags"]["bereft"]["value"] is None
