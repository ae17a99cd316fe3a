"""Limits and faults, switched on per run (reference 1.7)."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.contract.sandbox.shapes import Api, name, refusal


@pytest.fixture
def broken(api: Api) -> Iterator[Any]:
    """Switches faults on; they end with the test."""

    def switch(**faults: Any) -> None:
        answer = api("PUT", "/_sandbox/faults", faults)
        assert answer.status_code == 200, answer.text

    yield switch
    api("DELETE", "/_sandbox/faults")


def _exists(api: Api, key: str) -> bool:
    api("DELETE", "/_sandbox/faults")
    return bool(api.get(f"feature_flags/?key={key}")["count"])


def test_a_key_is_throttled_with_retry_after(api: Api, broken: Any) -> None:
    broken(rate_limits=True, per_minute=3)
    answers = [api("GET", "feature_flags/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    wait = int(answers[-1].headers["Retry-After"])
    assert 0 < wait <= 61
    assert refusal(answers[-1]) == (
        429,
        "throttled",
        f"Request was throttled. Expected available in {wait} seconds.",
        None,
    )
    other = Api(api.sandbox, api.post("/_sandbox/keys", {})["value"])
    assert other("GET", "feature_flags/").status_code == 200, "each key has its own share"


def test_the_limits_are_posthogs(api: Api, broken: Any) -> None:
    broken(rate_limits=True)
    faults = api.get("/_sandbox/faults")
    assert (faults["per_minute"], faults["per_hour"]) == (480, 4800)


@pytest.mark.parametrize(("fault", "written"), [("error_before", False), ("error_after", True)])
def test_an_error_comes_before_or_after_the_write(api: Api, broken: Any, fault: str, written: bool) -> None:
    key = name("fault")
    broken(**{fault: 1.0}, status=502)
    answer = api("POST", "feature_flags/", {"key": key})
    assert (answer.status_code, answer.json()["type"]) == (502, "server_error")
    assert _exists(api, key) is written


@pytest.mark.parametrize(("fault", "written"), [("cut_before", False), ("cut_during", True), ("cut_after", True)])
def test_a_connection_is_cut(api: Api, broken: Any, fault: str, written: bool) -> None:
    key = name("fault")
    broken(**{fault: 1.0})
    with pytest.raises(requests.RequestException):
        api("POST", "feature_flags/", {"key": key})
    assert _exists(api, key) is written


def test_a_body_is_truncated(api: Api, broken: Any) -> None:
    broken(truncate=1.0)
    answer = api("GET", "feature_flags/")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_body_trickles(api: Api, broken: Any) -> None:
    broken(slow=1.0, slow_seconds=0.3)
    answer = api("GET", "feature_flags/")
    assert "results" in answer.json()
    assert api.get("/_sandbox/requests")["results"][-1]["duration_ms"] > 250


def test_a_read_is_stale(api: Api, broken: Any) -> None:
    flag = api.flag(name="old")
    broken(stale=1.0)
    path = f"feature_flags/{flag['id']}/"
    assert api.get(path)["name"] == "old"
    api.patch(path, {"name": "new"})
    assert api.get(path)["name"] == "old"
    api("DELETE", "/_sandbox/faults")
    assert api.get(path)["name"] == "new"


def test_latency_is_added(api: Api, broken: Any) -> None:
    broken(latency=0.1, jitter=0.05)
    api.get("feature_flags/?limit=1")
    assert api.get("/_sandbox/requests")["results"][-1]["duration_ms"] >= 100


def test_the_same_seed_fails_the_same_requests(api: Api, broken: Any) -> None:
    def run() -> list[int]:
        broken(seed=11, error_before=0.5)
        return [api("GET", "feature_flags/?limit=1").status_code for _ in range(12)]

    first = run()
    assert set(first) == {200, 503}
    assert run() == first


def test_faults_may_be_confined_to_paths_and_methods(api: Api, broken: Any) -> None:
    broken(error_before=1.0, paths="/cohorts", methods=["POST"])
    assert api("GET", "cohorts/").status_code == 200
    assert api("POST", "feature_flags/", {"key": name("fault")}).status_code == 201
    assert api("POST", "cohorts/", {"name": "x"}).status_code == 503


def test_an_unknown_fault_is_refused(api: Api) -> None:
    assert api("PUT", "/_sandbox/faults", {"gremlins": 1}).status_code == 400
