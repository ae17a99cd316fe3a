"""The newest capture endpoint over raw HTTP: an answer for every event.

Source: v1/ of PostHog's rust/capture.
"""

import uuid
from typing import Any

import requests

from sandbox.tests.clients import events, person_of
from sandbox.tests.running import Sandbox

V1 = "/i/v1/analytics/events"


def v1_headers(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {sandbox.project_api_key}",
        "PostHog-Sdk-Info": "posthog-go/1.2",
        "PostHog-Attempt": "1",
        "PostHog-Request-Id": str(uuid.uuid4()),
        "PostHog-Request-Timestamp": "2026-01-01T00:00:00Z",
        **more,
    }


def v1_event(name: str = "seen", **more: Any) -> dict[str, Any]:
    time = "2026-01-01T00:00:00Z"
    return {"event": name, "uuid": str(uuid.uuid4()), "distinct_id": "v1", "timestamp": time, "properties": {}, **more}


def v1_body(*batch: dict[str, Any]) -> dict[str, Any]:
    return {"created_at": "2026-01-01T00:00:00Z", "batch": list(batch)}


def test_v1_answers_for_every_event(sandbox: Sandbox) -> None:
    good = v1_event(options={"process_person_profile": False})
    bad = [v1_event(""), v1_event(distinct_id=""), v1_event(timestamp="yesterday"), v1_event(distinct_id="x" * 201)]
    answer = requests.post(sandbox.url + V1, json=v1_body(good, *bad), headers=v1_headers(sandbox), timeout=10)
    assert answer.status_code == 200
    assert answer.json()["results"] == {
        good["uuid"]: {"result": "ok"},
        bad[0]["uuid"]: {"result": "drop", "details": "missing_event_name"},
        bad[1]["uuid"]: {"result": "drop", "details": "missing_distinct_id"},
        bad[2]["uuid"]: {"result": "drop", "details": "invalid_event_timestamp"},
        bad[3]["uuid"]: {"result": "drop", "details": "distinct_id_too_large"},
    }
    (found,) = events(sandbox, "v1")
    assert (found["properties"]["$lib"], found["properties"]["$lib_version"]) == ("posthog-go", "1.2")
    assert person_of(sandbox, "v1") is None


def test_v1_refuses_as_a_whole_what_it_cannot_read(sandbox: Sandbox) -> None:
    def refused(headers: dict[str, str], **sent: Any) -> tuple[int, str, str]:
        answer = requests.post(sandbox.url + V1, headers=headers, timeout=10, **sent)
        assert set(answer.json()) == {"error", "error_description", "error_uri"}
        return answer.status_code, answer.json()["error"], answer.json()["error_description"]

    headers, body = v1_headers(sandbox), v1_body(v1_event())
    without = {name: value for name, value in headers.items() if name != "PostHog-Attempt"}
    assert refused({}, json=body)[:2] == (401, "missing_authorization")
    assert refused(without, json=body) == (
        400,
        "missing_required_headers",
        'request is missing required headers: ["posthog-attempt"]',
    )
    wrong = (401, "invalid_api_token", "The provided API token is not valid.")
    assert refused({**headers, "Authorization": "Bearer phc_unknown"}, json=body) == wrong
    assert refused({**headers, "PostHog-Attempt": "0"}, json=body)[:2] == (400, "invalid_header_value")
    assert refused({**headers, "Content-Encoding": "lz4"}, json=body)[:2] == (415, "unsupported_encoding")
    assert refused({**headers, "Content-Type": "text/plain"}, data=b"{}")[:2] == (415, "unsupported_content_type")
    assert refused({**headers, "Content-Encoding": "gzip"}, json=body)[:2] == (400, "request_decoding_error")
    assert refused(headers, json={"batch": []})[:2] == (400, "request_parsing_error")
    assert refused(headers, json=v1_body())[:2] == (400, "empty_batch")
    assert refused(headers, json=v1_body({"event": "seen"}))[:2] == (400, "request_parsing_error")
