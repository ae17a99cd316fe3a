"""What other clients than today's Python SDK send: the bytes on the wire of posthog-js, posthog-node, the mobile SDKs
and Python SDKs of years ago.

Sources: payload/ of PostHog's rust/capture, handler/decoding.rs of its rust/feature-flags, and the SDKs' requests.
"""

import base64
import gzip
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from sandbox.tests.clients import events, new_flag, person_of
from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import in_cohort, members, on_for

EVERYBODY = on_for()


def send(sandbox: Sandbox, path: str, data: bytes | str, **headers: str) -> requests.Response:
    return requests.post(sandbox.url + path, data=data, headers=headers, timeout=10)


def js_event(sandbox: Sandbox, distinct_id: str) -> dict[str, Any]:
    """An event as posthog-js writes it: the token and the distinct id among the properties."""
    names = {"token": sandbox.project_api_key, "distinct_id": distinct_id, "$lib": "web", "title": "Größe"}
    return {"event": "$pageview", "properties": names, "offset": 1500}


FORM = "application/x-www-form-urlencoded"


def _packed(sandbox: Sandbox, form: str) -> tuple[str, bytes | str, str]:
    """Query, body and content type of one event in a form that some posthog-js has sent."""
    text = json.dumps(js_event(sandbox, f"js-{form}"))
    now = int(time.time() * 1000)
    encoded = base64.b64encode(text.encode()).decode()
    forms: dict[str, tuple[str, bytes | str, str]] = {
        "gzip": (f"?ip=1&_={now}&ver=1.257.0&compression=gzip-js", gzip.compress(text.encode()), "text/plain"),
        "base64": (f"?ip=1&_={now}&ver=1.20.0", urlencode({"data": encoded, "compression": "base64"}), FORM),
        "list": (f"?_={now}", json.dumps([js_event(sandbox, "js-list")]), "application/json"),
    }
    return forms[form]


@pytest.mark.parametrize("form", ["gzip", "base64", "list"])
def test_posthog_js_captures(sandbox: Sandbox, form: str) -> None:
    query, body, kind = _packed(sandbox, form)
    answer = send(sandbox, f"/e/{query}", body, **{"Content-Type": kind})
    assert (answer.status_code, answer.json()) == (200, {"status": "Ok"}), answer.text
    (found,) = events(sandbox, f"js-{form}")
    assert (found["event"], found["properties"]["title"]) == ("$pageview", "Größe")


def test_posthog_js_leaves_with_a_beacon(sandbox: Sandbox) -> None:
    encoded = base64.b64encode(json.dumps(js_event(sandbox, "js-beacon")).encode()).decode()
    answer = send(sandbox, "/e/?beacon=1", urlencode({"data": encoded}), **{"Content-Type": FORM})
    assert (answer.status_code, answer.content) == (204, b"")
    assert len(events(sandbox, "js-beacon")) == 1


def test_a_pixel_captures_with_get(sandbox: Sandbox) -> None:
    encoded = base64.b64encode(json.dumps(js_event(sandbox, "js-pixel")).encode()).decode()
    assert requests.get(f"{sandbox.url}/e/", params={"data": encoded}, timeout=10).ok
    assert len(events(sandbox, "js-pixel")) == 1


def test_curl_without_a_content_type_says_it_sends_a_form(sandbox: Sandbox) -> None:
    body = json.dumps(js_event(sandbox, "curl"))
    answer = send(sandbox, "/i/v0/e/", body, **{"Content-Type": FORM})
    refused = "failed to decode request: expected form data in POST request payload"
    assert (answer.status_code, answer.text) == (400, refused)
    assert send(sandbox, "/i/v0/e/", body, **{"Content-Type": "application/json"}).ok


def test_posthog_js_asks_for_flags_with_its_configuration(sandbox: Sandbox) -> None:
    new_flag(sandbox, "js-flag", {**EVERYBODY, "payloads": {"true": {"limit": 5}}})
    new_flag(sandbox, "server-only", EVERYBODY, evaluation_runtime="server")
    asked = {
        "token": sandbox.project_api_key,
        "distinct_id": "018f-browser",
        "$anon_distinct_id": "018f-device",
        "groups": {},
        "person_properties": {"$initial_referrer": "$direct"},
        "timezone": "Europe/Berlin",
    }
    body = base64.b64encode(json.dumps(asked).encode()).decode()
    now = int(time.time() * 1000)
    headers = {"Content-Type": FORM, "User-Agent": "Mozilla/5.0", "Origin": "https://shop.example.com"}
    path = f"/flags/?v=2&config=true&ip=0&_={now}&ver=1.257.0&compression=base64"
    found = send(sandbox, path, urlencode({"data": body}), **headers).json()
    assert found["flags"]["js-flag"]["metadata"]["payload"] == '{"limit": 5}'
    assert "server-only" not in found["flags"]
    assert found["supportedCompression"] == ["gzip", "gzip-js"]
    first = send(sandbox, f"/decide/?ip=1&_={now}", urlencode({"data": body}), **headers).json()
    assert "js-flag" in first["featureFlags"], "what /flags was before; its shapes: test_flags_http.py"
    assert first["toolbarParams"] == {}


def test_mobile_sdks_compress_their_requests(sandbox: Sandbox) -> None:
    new_flag(sandbox, "mobile", EVERYBODY, evaluation_runtime="client")
    asked = {"api_key": sandbox.project_api_key, "distinct_id": "phone", "$groups": {}}
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Encoding": "gzip",
        "User-Agent": "posthog-android/3.9.0",
    }
    found = send(sandbox, "/flags/?v=2&config=true", gzip.compress(json.dumps(asked).encode()), **headers).json()
    assert found["flags"]["mobile"]["enabled"] is True
    batch = {
        "api_key": sandbox.project_api_key,
        "batch": [{"event": "Application Opened", "distinct_id": "phone", "properties": {"$lib": "posthog-android"}}],
        "sent_at": "2026-01-01T00:00:00.000Z",
    }
    assert send(sandbox, "/batch", gzip.compress(json.dumps(batch).encode()), **headers).ok
    assert [one["event"] for one in events(sandbox, "phone")] == ["Application Opened"]


def test_posthog_node_evaluates_locally_and_asks_for_the_rest(sandbox: Sandbox) -> None:
    leaf = {"key": "plan", "type": "person", "operator": "exact", "value": ["pro"], "negation": False}
    cohort = sandbox.call("POST", "cohorts/", {"name": "Node", "filters": members(leaf)})
    new_flag(sandbox, "node-flag", in_cohort(cohort["id"]))
    address = f"{sandbox.url}/api/feature_flag/local_evaluation?token={sandbox.project_api_key}&send_cohorts"
    headers = {"Authorization": f"Bearer {sandbox.api_key}", "User-Agent": "posthog-node/5.8.0"}
    found = requests.get(address, headers={**headers, "Content-Type": "application/json"}, timeout=10).json()
    (flag,) = [one for one in found["flags"] if one["key"] == "node-flag"]
    assert flag["filters"]["groups"][0]["properties"][0]["value"] == cohort["id"]
    assert found["cohorts"][str(cohort["id"])] == {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
    assert isinstance(found["group_type_mapping"], dict)
    asked = {
        "token": sandbox.project_api_key,
        "distinct_id": "node-user",
        "groups": {},
        "person_properties": {"plan": "pro"},
        "group_properties": {},
        "geoip_disable": True,
        "flag_keys_to_evaluate": ["node-flag"],
    }
    answer = requests.post(f"{sandbox.url}/flags/?v=2&config=false", json=asked, headers=headers, timeout=10).json()
    assert list(answer["flags"]) == ["node-flag"]
    assert answer["flags"]["node-flag"]["enabled"] is True


def test_python_sdks_of_years_ago(sandbox: Sandbox) -> None:
    new_flag(sandbox, "old-python", {**EVERYBODY, "payloads": {"true": "[1]"}})
    headers = {"User-Agent": "posthog-python/2.5.0", "Content-Type": "application/json"}
    asked = {"api_key": sandbox.project_api_key, "distinct_id": "old", "groups": {}, "person_properties": {}}
    sent = {"sentAt": "2022-01-01T00:00:00+00:00", **asked}
    found = requests.post(f"{sandbox.url}/decide/?v=3", json=sent, headers=headers, timeout=10).json()
    assert found["featureFlags"]["old-python"] is True
    assert found["featureFlagPayloads"]["old-python"] == "[1]"
    assert found["errorsWhileComputingFlags"] is False
    identify = {
        "event": "$identify",
        "distinct_id": "old",
        "$set": {"email": "old@example.com"},
        "timestamp": "2022-01-01T00:00:00+00:00",
        "messageId": "1",
        "context": {},
    }
    batch = {"api_key": sandbox.project_api_key, "batch": [identify], "sentAt": "2022-01-01T00:00:01+00:00"}
    packed = gzip.compress(json.dumps(batch).encode())
    assert send(sandbox, "/batch/", packed, **headers, **{"Content-Encoding": "gzip"}).ok
    known = person_of(sandbox, "old")
    assert known is not None
    assert known["properties"] == {"email": "old@example.com"}
