"""PostHog's rate limits: per personal API key, by Django REST framework's sliding window."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.running import running_sandbox
from sandbox.tests.shapes import Api, refusal

BURST = 480


@pytest.fixture
def limits(api: Api) -> Iterator[Any]:
    """Switches the limits on; they end with the test."""

    def switch(**values: Any) -> dict[str, Any]:
        answer = api("PATCH", "/_sandbox/limits", {"enabled": True, **values})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    yield switch
    api("DELETE", "/_sandbox/limits")


def _ask(api: Api, times: int, path: str = "cohorts/?limit=1") -> list[Any]:
    return [api("GET", path) for _ in range(times)]


def _codes(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_without_limits_nobody_waits(api: Api) -> None:
    assert api.get("/_sandbox/limits")["enabled"] is False
    assert set(_codes(_ask(api, BURST + 20))) == {200}


def test_the_481st_request_of_a_minute_is_refused(api: Api, limits: Any) -> None:
    limits(speed=0.001)
    answers = _ask(api, BURST + 1)
    assert _codes(answers[:-1]) == [200] * BURST
    assert refusal(answers[-1]) == (429, "throttled", "Request was throttled. Expected available in 60 seconds.", None)
    assert answers[-1].json()["type"] == "throttled_error"
    assert answers[-1].headers["Retry-After"] == "60"
    other = Api(api.sandbox, api.sandbox.key())
    assert other("GET", "cohorts/").status_code == 200, "each key has its own share"
    assert Api(api.sandbox, "phx_unknown")("GET", "cohorts/").status_code == 401, "who isn't known isn't counted"
    assert api.get("/_sandbox/limits")["refused"] == 1


def test_the_window_slides(api: Api, limits: Any) -> None:
    """After Retry-After there is room for what was asked at the window's beginning, not for everything."""
    limits(speed=60)
    _ask(api, 1)
    time.sleep(0.5)  # half a minute
    limits(speed=0.001)
    assert set(_codes(_ask(api, BURST - 1))) == {200}
    [refused] = _ask(api, 1)
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 30
    limits(speed=60)
    time.sleep(wait / 60)
    limits(speed=0.001)
    assert _codes(_ask(api, 2)) == [200, 429]


@pytest.mark.parametrize(
    ("path", "most"), [("persons/?limit=1", 240), ("feature_flags/local_evaluation/?token={token}", 600)]
)
def test_some_endpoints_have_limits_of_their_own(api: Api, limits: Any, path: str, most: int) -> None:
    limits(speed=0.001)
    if "{token}" in path:
        path = "/flags/definitions?token=" + api.sandbox.project_api_key
    answers = _ask(api, most + 1, path)
    assert _codes(answers) == [200] * most + [429]
    assert _codes(_ask(api, 1)) == [200], "they count apart"


def test_capture_and_flags_are_not_limited(api: Api, limits: Any) -> None:
    limits(speed=0.001)
    token = {"api_key": api.sandbox.project_api_key, "distinct_id": "somebody"}
    assert {api("POST", "/flags/?v=2", token).status_code for _ in range(BURST + 10)} == {200}
    assert {api("POST", "/capture/", {**token, "event": "x"}).status_code for _ in range(10)} == {200}


def test_a_simple_client_that_waits_as_told_gets_everything_done(tmp_path: Path) -> None:
    """700 requests, of which each refused one is asked again after as long as the server says."""
    speed = 60.0
    with running_sandbox(tmp_path, "--limits", str(speed)) as sandbox:
        api, refused = Api(sandbox), 0
        done = 0
        with ThreadPoolExecutor(8) as pool:
            while done < 700:
                answers = list(pool.map(lambda _: api("GET", "cohorts/?limit=1"), range(min(60, 700 - done))))
                done += sum(answer.status_code == 200 for answer in answers)
                waits = [int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429]
                refused += len(waits)
                if waits:
                    time.sleep(max(waits) / speed)
        assert api.get("/_sandbox/limits")["refused"] == refused


def test_preflight_tells_everybody_whose_server_it_is(api: Api, limits: Any) -> None:
    """posthog/views.py: no key, no session and no limit; a client learns from it where limits are always on."""
    nobody = Api(api.sandbox, "")
    api("DELETE", "/_sandbox/limits")
    own = nobody.get("/_preflight/")
    assert (own["cloud"], own["realm"], own["region"], own["django"]) == (False, "hosted-clickhouse", None, True)
    assert "is_debug" not in own
    limits(speed=0.001)
    cloud = nobody.get("/_preflight")
    assert (cloud["cloud"], cloud["realm"], cloud["region"]) == (True, "cloud", "US")
    limits(self_hosted=True)
    assert {api("GET", "/_preflight/").json()["cloud"] for _ in range(BURST + 1)} == {False}
    assert api("GET", "cohorts/?limit=1").status_code == 200, "it counts for no limit"


@pytest.mark.parametrize("values", [{"speed": 0}, {"speed": "fast"}, {"enabled": 1}, {"self_hosted": 1}, {"burst": 3}])
def test_limits_that_make_no_sense_are_refused(api: Api, values: dict[str, Any]) -> None:
    assert api("PATCH", "/_sandbox/limits", values).status_code == 400
