"""Faults, switched on per run: each kind does what it says, a plan can be replayed, and no answered write is lost."""

import http.client
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import HTTPError, ProtocolError

from sandbox.__main__ import main
from sandbox.tests.running import running_sandbox
from sandbox.tests.shapes import Api, name

HTML = "text/html; charset=utf-8"


Plan = Callable[..., None]


@pytest.fixture
def plan(api: Api) -> Iterator[Plan]:
    """Switches faults on; they end with the test."""
    yield api.sandbox.set_faults
    api("DELETE", "/_sandbox/faults")


def _is_stored(api: Api, key: str) -> bool:
    api("DELETE", "/_sandbox/faults")
    return key in {flag["key"] for flag in api.get(f"feature_flags/?search={key}")["results"]}


def _last(api: Api) -> dict[str, Any]:
    entry: dict[str, Any] = api.get("/_sandbox/requests")["results"][-1]
    return entry


def test_nothing_is_struck_unless_it_is_asked_for(api: Api) -> None:
    assert api.get("/_sandbox/faults") == {"seed": 0, "rules": []}
    api.get("feature_flags/?limit=1")
    assert _last(api)["faults"] == []


@pytest.mark.parametrize(
    ("kind", "status", "stored"), [("error_before", 503, False), ("error_after", 502, True), ("error_after", 500, True)]
)
def test_an_error_comes_before_or_after_the_write(api: Api, plan: Plan, kind: str, status: int, stored: bool) -> None:
    key = name("fault")
    plan({"kind": kind, "status": status, "methods": ["POST"]})
    answer = api("POST", "feature_flags/", {"key": key})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == ("application/json" if status == 500 else HTML)
    assert _last(api)["status"] == status
    assert _is_stored(api, key) is stored


def test_an_error_may_say_when_to_come_back(api: Api, plan: Plan) -> None:
    plan({"kind": "error_before", "retry_after": 3})
    assert api("GET", "cohorts/").headers["Retry-After"] == "3"
    plan({"kind": "error_before"})
    assert "Retry-After" not in api("GET", "cohorts/").headers


@pytest.mark.parametrize(("kind", "stored"), [("cut_before", False), ("cut_unanswered", True)])
def test_a_connection_is_cut_instead_of_an_answer(api: Api, plan: Plan, kind: str, stored: bool) -> None:
    key = name("fault")
    plan({"kind": kind, "methods": ["POST"]})
    with pytest.raises(ProtocolError):
        api("POST", "feature_flags/", {"key": key})
    entry = _last(api)
    assert (entry["status"], entry["body"]["key"]) == (None, key)
    assert entry["faults"] == [{"rule": 0, "kind": kind}]
    assert _is_stored(api, key) is stored


def test_a_connection_is_cut_within_the_answer(api: Api, plan: Plan) -> None:
    key = name("fault")
    plan({"kind": "cut_during", "share": 0.25, "methods": ["POST"]})
    with pytest.raises(ProtocolError, match="bytes read"):
        api("POST", "feature_flags/", {"key": key})
    assert _is_stored(api, key)


def test_a_connection_that_seems_kept_alive_is_closed(api: Api, plan: Plan) -> None:
    plan({"kind": "cut_after"})
    host, port = api.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.auto_open = 0
    connection.connect()
    headers = {"Authorization": f"Bearer {api.sandbox.api_key}"}
    connection.request("GET", f"/api/projects/{api.sandbox.project_id}/cohorts/", headers=headers)
    answer = connection.getresponse()
    assert json.loads(answer.read())["results"] == []
    assert answer.getheader("Connection") is None
    with pytest.raises(OSError, match=r"closed connection|Broken pipe|reset"):
        _ask_again(connection)


def _ask_again(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/_health")
    connection.getresponse()


def test_a_body_ends_early(api: Api, plan: Plan) -> None:
    key = name("fault")
    plan({"kind": "truncated", "methods": ["POST"]})
    answer = api("POST", "feature_flags/", {"key": key})
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert _is_stored(api, key)


@pytest.mark.parametrize("kind", ["latency", "late_answer", "slow"])
def test_an_answer_takes_longer_than_an_impatient_client_waits(api: Api, plan: Plan, kind: str) -> None:
    plan({"kind": kind, "seconds": 0.5, **({"pieces": 2} if kind == "slow" else {})})
    address, key = f"{api.url}/api/projects/{api.sandbox.project_id}/cohorts/", api.sandbox.api_key
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):  # between two pieces it is the latter
        requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=0.1)
    assert api.get("cohorts/")["results"] == []


def test_what_is_answered_late_was_done_at_once(api: Api, plan: Plan) -> None:
    key = name("fault")
    plan({"kind": "late_answer", "seconds": 1, "methods": ["POST"]})
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{api.url}/api/projects/{api.sandbox.project_id}/feature_flags/",
            json={"key": key},
            headers={"Authorization": f"Bearer {api.sandbox.api_key}"},
            timeout=0.3,
        )
    assert _is_stored(api, key)


def test_jitter_is_drawn_anew_for_every_request(api: Api, plan: Plan) -> None:
    plan({"kind": "latency", "seconds": 0.01, "jitter": 0.02})
    waits = []
    for _ in range(5):
        api.get("cohorts/")
        waits.append(_last(api)["faults"][0]["seconds"])
    assert len(set(waits)) > 1
    assert all(0.01 <= wait <= 0.03 for wait in waits)


def test_a_read_is_stale_until_it_has_been_long_enough(api: Api, plan: Plan) -> None:
    flag = api.flag(name="old")
    plan({"kind": "stale", "seconds": 0.5})
    path = f"feature_flags/{flag['id']}/"
    assert api.get(path)["name"] == "old"
    assert _last(api)["faults"] == [], "nothing has been written since"
    api.patch(path, {"name": "new"})
    assert api.get(path)["name"] == "old"
    assert _last(api)["faults"] == [{"rule": 0, "kind": "stale", "seconds": 0.5}]
    api.patch(path, {"name": "newer"})
    assert api.get(path)["name"] == "new", "only the last write is hidden"
    time.sleep(0.5)
    assert api.get(path)["name"] == "newer"


def test_a_list_does_not_have_what_was_just_created(api: Api, plan: Plan) -> None:
    plan({"kind": "stale", "seconds": 60, "path": "/cohorts/\\?"})
    cohort = api.cohort()
    assert cohort["id"] not in {each["id"] for each in api.get("cohorts/?limit=1000")["results"]}
    assert api.get(f"cohorts/{cohort['id']}/")["id"] == cohort["id"], "only the list is meant"
    api("DELETE", "/_sandbox/faults")
    assert cohort["id"] in {each["id"] for each in api.get("cohorts/?limit=1000")["results"]}


def test_filters_say_which_requests_are_struck(api: Api, plan: Plan) -> None:
    plan({"kind": "error_before", "methods": ["post"], "path": "/feature_flags/$", "nth": [2, 4], "times": 1})
    assert api("GET", "feature_flags/").status_code == 200
    assert api("POST", "cohorts/", {"name": "x"}).status_code != 503
    assert [api("POST", "feature_flags/", {}).status_code for _ in range(4)] == [400, 503, 400, 400]
    [rule] = api.get("/_sandbox/faults")["rules"]
    assert (rule["matches"], rule["strikes"]) == (4, 1)


def test_several_rules_strike_one_request(api: Api, plan: Plan) -> None:
    plan({"kind": "latency", "seconds": 0.1}, {"kind": "error_before", "status": 504})
    assert api("GET", "cohorts/").status_code == 504
    entry = _last(api)
    assert [fault["kind"] for fault in entry["faults"]] == ["latency", "error_before"]
    assert entry["duration_ms"] >= 100


def test_the_same_seed_gives_the_same_faults_again(api: Api, plan: Plan) -> None:
    def run(seed: int) -> list[Any]:
        latency = {"kind": "latency", "seconds": 0, "jitter": 0.001}
        plan({"kind": "error_before", "probability": 0.3}, latency, seed=seed)
        since = _last(api)["id"]
        for number in range(20):
            api("GET", f"feature_flags/?limit={number + 1}")
        return [entry["faults"] for entry in api.get(f"/_sandbox/requests?since={since}")["results"]]

    first = run(7)
    assert 0 < sum(len(faults) == 2 for faults in first) < 20
    assert run(7) == first
    assert run(8) != first


def test_handles_and_pages_of_the_sandbox_are_never_struck(api: Api, plan: Plan) -> None:
    plan({"kind": "error_before"})
    for path in ("/_health", "/_sandbox/requests", "/", f"/project/{api.sandbox.project_id}"):
        assert api("GET", path).status_code == 200, path
    assert api("POST", "/capture/", {}).status_code == 503


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "gremlins"}, "rules[0]: kind must be one of latency, "),
        ({"kind": "slow", "speed": 1}, "rules[0]: unknown speed; slow takes kind, "),
        ({"kind": "slow", "probability": "often"}, "rules[0].probability must be a number that is not negative"),
        ({"kind": "slow", "path": "("}, "rules[0].path: no regular expression: "),
        ({"kind": "slow", "nth": 0}, "rules[0].nth must be a whole number above zero"),
        ({"kind": "slow", "methods": "GET"}, "rules[0].methods must be a list of HTTP methods"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_and_changes_nothing(
    api: Api, plan: Plan, rule: dict[str, Any], message: str
) -> None:
    plan({"kind": "latency", "seconds": 0})
    answer = api("PATCH", "/_sandbox/faults", {"rules": [rule]})
    assert (answer.status_code, answer.json()["detail"][: len(message)]) == (400, message)
    assert api.get("/_sandbox/faults")["rules"][0]["kind"] == "latency"


def test_faults_may_be_on_from_the_start(tmp_path: Path) -> None:
    rules = [{"kind": "error_before", "path": "/cohorts", "times": 1}]
    with running_sandbox(tmp_path, "--faults", json.dumps({"seed": 3, "rules": rules})) as sandbox:
        api = Api(sandbox)
        assert [api("GET", "cohorts/").status_code for _ in range(2)] == [503, 200]
        assert api.get("/_sandbox/faults")["seed"] == 3


@pytest.mark.parametrize(
    ("option", "value"), [("--faults", "{"), ("--faults", '{"rules": [{"kind": "x"}]}'), ("--limits", "fast")]
)
def test_an_option_that_makes_no_sense_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["sandbox", "--data", str(tmp_path), option, value])
    assert main() == 2
    assert capsys.readouterr().err.startswith("cannot read --faults or --limits: ")


def test_no_answered_write_is_lost_under_faults_with_32_writers(tmp_path: Path) -> None:
    kinds = ["error_before", "error_after", "cut_before", "cut_unanswered", "cut_during", "cut_after", "truncated"]
    rules: list[dict[str, Any]] = [{"kind": kind, "probability": 0.05} for kind in kinds]
    rules += [{"kind": "latency", "seconds": 0, "jitter": 0.01}, {"kind": "stale", "probability": 0.2}]
    with running_sandbox(tmp_path) as sandbox:
        sandbox.set_faults(*rules, seed=5)
        with ThreadPoolExecutor(32) as pool:
            answers = [one for some in pool.map(lambda number: _write(Api(sandbox), number), range(32)) for one in some]
    with running_sandbox(tmp_path) as again:
        stored = {flag["key"]: flag for flag in Api(again).get("feature_flags/?limit=1000")["results"]}
    assert Counter(flag["key"] for flag in answers).most_common(1)[0][1] <= 4, "no answer comes twice"
    for flag in answers:
        assert stored[flag["key"]]["version"] >= flag["version"]
    assert len(answers) > 150


def _write(api: Api, writer: int) -> list[dict[str, Any]]:
    """Create and change flags, whatever happens; returns what was answered as done."""
    answered: list[dict[str, Any]] = []
    luck = random.Random(writer)
    for number in range(4):
        for method, path, body in [
            ("POST", "feature_flags/", {"key": f"w{writer}-{number}"}),
            *[("PATCH", "", {"name": str(luck.random())}) for _ in range(3)],
        ]:
            if method == "PATCH" and not (answered and answered[-1]["key"] == f"w{writer}-{number}"):
                continue
            target = path or f"feature_flags/{answered[-1]['id']}/"
            try:
                answer = api(method, target, body)
                if answer.status_code in (200, 201):
                    answered.append(answer.json())
            except (HTTPError, ValueError):
                continue
    return answered
