"""Capture over raw HTTP: the forms in which PostHog takes events, what it refuses, what becomes of persons.

Sources: PostHog's rust/capture and the person merging of its plugin server.
"""

import base64
import gzip
import json
import uuid
from typing import Any

import pytest
import requests

from sandbox.tests.clients import event, events, new_flag, person_of
from sandbox.tests.running import Sandbox

ALIASES = ["/i/v0/e/", "/e/", "/capture/", "/track/", "/engage/", "/batch/", "/i/v0/ai/batch/"]


def post(sandbox: Sandbox, path: str, body: Any = None, **options: Any) -> requests.Response:
    return requests.post(sandbox.url + path, json=body, timeout=10, **options)


@pytest.mark.parametrize("path", ALIASES)
def test_every_name_of_the_endpoint_takes_one_event(sandbox: Sandbox, path: str) -> None:
    who = f"by{path}"
    body = {"api_key": sandbox.project_api_key, **event("seen", who, a=1)}
    answer = post(sandbox, path, body)
    assert (answer.status_code, answer.json()) == (200, {"status": "Ok"})
    assert [one["event"] for one in events(sandbox, who)] == ["seen"]


def _forms(token: str) -> dict[str, dict[str, Any]]:
    def body(who: str) -> bytes:
        return json.dumps({"api_key": token, **event("seen", who)}).encode()

    return {
        "gzip-header": {"data": gzip.compress(body("gzip-header")), "headers": {"Content-Encoding": "gzip"}},
        "gzip-query": {"data": gzip.compress(body("gzip-query")), "params": {"compression": "gzip-js"}},
        "base64-form": {"data": {"data": base64.b64encode(body("base64-form")).decode()}},
        "json-form": {"data": {"data": body("json-form").decode()}},
        "base64-body": {"data": base64.b64encode(body("base64-body"))},
        "list": {"data": b"[" + body("list") + b"]"},
        "surrogate": {"data": body("surrogate").replace(b"{}", b'{"s": "\\ud83d"}')},
        "id-in-properties": {
            "data": json.dumps(
                {"event": "seen", "properties": {"token": token, "distinct_id": "id-in-properties"}}
            ).encode()
        },
    }


@pytest.mark.parametrize("form", list(_forms("")))
def test_every_form_of_a_body(sandbox: Sandbox, form: str) -> None:
    answer = requests.post(sandbox.url + "/e/", timeout=10, **_forms(sandbox.project_api_key)[form])
    assert answer.status_code == 200, answer.text
    assert [one["event"] for one in events(sandbox, form)] == ["seen"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"event": "x", "distinct_id": "u"}, 401, "event submitted without an api_key"),
        (
            {"api_key": "phc_unknown", "event": "x", "distinct_id": "u"},
            401,
            "API key is not valid: unknown_token",
        ),
        ({"api_key": True, "batch": []}, 401, "API key is not valid: unknown_token"),
        ({"api_key": "TOKEN", "batch": []}, 400, "request holds no event"),
        (
            {"api_key": "TOKEN", "event": "", "distinct_id": "u"},
            400,
            "event submitted with an empty event name",
        ),
        ({"api_key": "TOKEN", "event": "x"}, 400, "event submitted without a distinct_id"),
        (
            {"api_key": "TOKEN", "event": "x", "distinct_id": ""},
            400,
            "event submitted with an empty distinct_id",
        ),
        (
            [
                {"token": "a", "event": "x", "distinct_id": "u"},
                {"token": "b", "event": "x", "distinct_id": "u"},
            ],
            401,
            "batch submitted with inconsistent api_key values",
        ),
    ],
)
def test_refusals_are_plain_text(sandbox: Sandbox, body: Any, status: int, text: str) -> None:
    sent = json.loads(json.dumps(body).replace("TOKEN", sandbox.project_api_key))
    answer = post(sandbox, "/i/v0/e/", sent)
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("raw", [b"", b"{", b"\x1f\x8bbroken", b"nonsense", b'"text"', b"null", b'[{"n": NaN}]'])
def test_bodies_that_are_none(sandbox: Sandbox, raw: bytes) -> None:
    assert requests.post(sandbox.url + "/e/", data=raw, timeout=10).status_code in (400, 401)


def test_nothing_of_a_refused_batch_is_stored(sandbox: Sandbox) -> None:
    batch = [event("seen", "half"), {"event": "no id"}]
    assert post(sandbox, "/batch/", {"api_key": sandbox.project_api_key, "batch": batch}).status_code == 400
    assert events(sandbox, "half") == []


def test_an_event_sent_twice_is_stored_once(sandbox: Sandbox) -> None:
    one = {**event("seen", "twice"), "uuid": str(uuid.uuid4())}
    sandbox.capture(one)
    sandbox.capture(one)
    assert len(events(sandbox, "twice")) == 1


def test_a_wrong_clock_is_corrected_by_the_time_of_sending(sandbox: Sandbox) -> None:
    one = {**event("seen", "wrong-clock"), "timestamp": "2001-01-01T00:00:00Z"}
    body = {"api_key": sandbox.project_api_key, "batch": [one], "sent_at": "2001-01-01T00:00:10Z"}
    assert post(sandbox, "/batch/", body).status_code == 200
    (found,) = events(sandbox, "wrong-clock")
    assert not found["timestamp"].startswith("2001")


def test_a_token_that_nobody_has_is_refused_or_its_events_are_dropped(sandbox: Sandbox) -> None:
    one = event("seen", "stranger")
    assert post(sandbox, "/e/", {"api_key": "phc_unknown", **one}).status_code == 401
    with sandbox.setting(refuses_unknown_tokens=False):
        answer = post(sandbox, "/e/", {"api_key": "phc_unknown", **one})
        assert (answer.status_code, answer.json()) == (200, {"status": "Ok"})
        assert post(sandbox, "/e/", {"api_key": "phx_mine", **one}).text == "API key is not valid: personal_api_key"
    assert events(sandbox, "stranger") == []


def test_blanks_around_a_token_do_not_matter(sandbox: Sandbox) -> None:
    assert post(sandbox, "/e/", {"api_key": f" {sandbox.project_api_key}\n", **event("seen", "copied")}).ok
    assert len(events(sandbox, "copied")) == 1


def test_a_browser_may_send_from_anywhere(sandbox: Sandbox) -> None:
    origin = {"Origin": "https://shop.example.com"}
    asked = requests.options(
        sandbox.url + "/e/", headers={**origin, "Access-Control-Request-Method": "POST"}, timeout=10
    )
    assert asked.headers["access-control-allow-origin"] == origin["Origin"]
    body = {"api_key": sandbox.project_api_key, **event("seen", "browser")}
    assert post(sandbox, "/e/", body, headers=origin).headers["access-control-allow-origin"] == origin["Origin"]


def test_set_once_set_and_unset_in_that_order(sandbox: Sandbox) -> None:
    sandbox.capture({**event("seen", "ann", **{"$set_once": {"a": 1, "b": 1}}), "$set": {"a": 2, "c": 3}})
    sandbox.capture(event("seen", "ann", **{"$set_once": {"a": 9, "d": 4}, "$unset": ["c"]}))
    found = person_of(sandbox, "ann")
    assert found is not None
    assert found["properties"] == {"a": 2, "b": 1, "d": 4}


def test_an_event_describes_the_person_now_and_at_first(sandbox: Sandbox) -> None:
    sandbox.capture(event("$pageview", "bea", **{"$browser": "Firefox", "utm_source": "mail", "other": 1}))
    # Another browser alone isn't worth a write; with something that is, it is written too.
    sandbox.capture(event("$pageview", "bea", **{"$browser": "Safari"}))
    known = person_of(sandbox, "bea")
    assert known is not None
    assert known["properties"]["$browser"] == "Firefox"
    sandbox.capture(event("$pageview", "bea", **{"$browser": "Chrome", "utm_source": "ad"}))
    found = person_of(sandbox, "bea")
    assert found is not None
    assert found["properties"] == {
        "$browser": "Chrome",
        "$initial_browser": "Firefox",
        "utm_source": "ad",
        "$initial_utm_source": "mail",
    }


def test_errors_and_heatmaps_change_nobody(sandbox: Sandbox) -> None:
    sandbox.capture(*(event(name, "abe", **{"$set": {"plan": "pro"}}) for name in ("$exception", "$$heatmap")))
    found = person_of(sandbox, "abe")
    assert found is not None
    assert found["properties"] == {}


def test_what_makes_no_sense_is_dropped_without_a_word(sandbox: Sandbox) -> None:
    nobody = {"$process_person_profile": False}
    senseless = [
        event("$identify", "drop", **{"$anon_distinct_id": "drop-2", **nobody}),
        event("$create_alias", "drop", **{"alias": "drop-2", **nobody}),
        event("$groupidentify", "drop", **{"$group_type": "club", "$group_key": "x", **nobody}),
        event("$groupidentify", "drop", **{"$group_type": "club", "$group_key": "x" * 401}),
        event("$identify", "drop", **{"$anon_distinct_id": 5}),
        event("$merge_dangerously", "drop", alias=["drop-2"]),
    ]
    sandbox.capture(*senseless)
    assert events(sandbox, "drop") == []
    assert person_of(sandbox, "drop") is None


def test_without_a_profile_nothing_is_kept_about_the_person(sandbox: Sandbox) -> None:
    sandbox.capture(event("seen", "shy", **{"$process_person_profile": False, "$set": {"a": 1}, "page": "/"}))
    (found,) = events(sandbox, "shy")
    assert found["properties"] == {"$process_person_profile": False, "page": "/"}
    sandbox.capture(event("seen", "open", **{"$process_person_profile": True}))
    (found,) = events(sandbox, "open")
    assert found["properties"] == {}


def test_identify_joins_the_anonymous_person(sandbox: Sandbox) -> None:
    sandbox.capture(event("seen", "anon-1", **{"$set": {"theme": "dark", "plan": "none"}}))
    sandbox.capture(event("seen", "cleo", **{"$set": {"plan": "pro"}}))
    sandbox.capture(event("$identify", "cleo", **{"$anon_distinct_id": "anon-1"}))
    found = person_of(sandbox, "anon-1")
    assert found is not None
    assert found == person_of(sandbox, "cleo")
    assert found["properties"] == {"theme": "dark", "plan": "pro"}


def test_an_identified_person_is_only_merged_dangerously(sandbox: Sandbox) -> None:
    sandbox.capture(event("$identify", "dora", **{"$anon_distinct_id": "anon-2"}))
    sandbox.capture(event("seen", "ella"))
    sandbox.capture(event("$create_alias", "ella", alias="dora"))
    assert person_of(sandbox, "dora") != person_of(sandbox, "ella")
    sandbox.capture(event("$merge_dangerously", "ella", alias="dora"))
    assert person_of(sandbox, "dora") == person_of(sandbox, "ella")


def test_ids_that_many_share_are_never_merged(sandbox: Sandbox) -> None:
    sandbox.capture(event("$identify", "fay", **{"$anon_distinct_id": "undefined"}))
    assert person_of(sandbox, "undefined") is None


def test_long_distinct_ids_are_cut_and_what_is_not_text_is_made_text(sandbox: Sandbox) -> None:
    odd = [4711, 23.4, ["a", "b"], {"string": "a", "number": 3}]
    sandbox.capture(event("seen", "x" * 300), *({"event": "seen", "distinct_id": one} for one in odd))
    for name in ("x" * 200, "4711", "23.4", '["a","b"]', '{"number":3,"string":"a"}'):
        assert person_of(sandbox, name) is not None, name


def test_five_group_types_and_no_sixth(sandbox: Sandbox) -> None:
    sandbox.capture(event("seen", "gina", **{"$groups": {f"type-{n}": "g" for n in range(6)}}))
    types = {one["group_type"]: one["group_type_index"] for one in sandbox.call("GET", "groups_types/")}
    assert types == {f"type-{n}": n for n in range(5)}
    (found,) = events(sandbox, "gina")
    assert "$group_4" in found["properties"]
    assert "$group_5" not in found["properties"]


def test_a_call_of_a_flag_is_noted_on_it_later(sandbox: Sandbox) -> None:
    flag = new_flag(sandbox, "called", {"groups": [{"properties": [], "rollout_percentage": 50}]})
    path, bearer = f"feature_flags/{flag['id']}/", {"Authorization": f"Bearer {sandbox.api_key}"}
    definitions = f"{sandbox.url}/flags/definitions?token={sandbox.project_api_key}"
    etag = requests.get(definitions, headers=bearer, timeout=10).headers["etag"]
    called = {"$feature_flag": "called", "$feature_flag_response": True}
    for time in ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"):
        sandbox.capture({**event("$feature_flag_called", "ann", **called), "timestamp": time})
        sandbox.call("POST", "/_sandbox/work", {})
    after = sandbox.call("GET", path)
    # The latest call counts, and it is no change of the flag.
    assert after["last_called_at"] == "2026-02-01T00:00:00.000000Z"
    assert {**after, "last_called_at": None, "status": "ACTIVE"} == flag
    assert sandbox.call("GET", f"{path}activity/")["total_count"] == 1
    again = requests.get(definitions, headers={**bearer, "If-None-Match": etag}, timeout=10)
    assert again.status_code == 304
