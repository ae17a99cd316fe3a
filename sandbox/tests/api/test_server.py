"""The server itself: it starts fast, remembers everything, serves many writers, and shows a page."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import HTTPError

from sandbox.__main__ import main
from sandbox.tests.running import REPOSITORY, Sandbox, running_sandbox
from sandbox.tests.shapes import Answer, Api, in_cohort, person, variants


def _start(data: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "sandbox", "--data", str(data), *options]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_the_ready_line_says_everything(tmp_path: Path) -> None:
    process, ready = _start(tmp_path)
    try:
        assert set(ready) == {
            "url",
            "project_id",
            "organization_id",
            "personal_api_key",
            "project_api_key",
            "user_email",
        }
        assert ready["url"].startswith("http://127.0.0.1:")
        assert ready["personal_api_key"].startswith("phx_")
        assert ready["project_api_key"].startswith("phc_")
        assert requests.get(f"{ready['url']}/_health", timeout=10).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert errors == "", "it ends quietly"


def test_the_same_folder_gives_the_same_answers_on_the_same_port(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        flag = Api(first).flag()
        port = first.url
    with running_sandbox(tmp_path) as second:
        assert (second.url, second.api_key, second.organization_id) == (port, first.api_key, first.organization_id)
        assert Api(second).get(f"feature_flags/{flag['id']}/") == flag


def test_a_taken_port_is_left_for_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "port").write_text(str(taken.getsockname()[1]))
        with running_sandbox(tmp_path) as sandbox:
            assert not sandbox.url.endswith(f":{taken.getsockname()[1]}")


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["sandbox", "--data", str(tmp_path), "--port", port])
        assert main() == 2
    assert capsys.readouterr().err.startswith("cannot listen on 127.0.0.1:")


def test_a_folder_that_another_sandbox_has_is_an_error(tmp_path: Path) -> None:
    with running_sandbox(tmp_path):
        command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (2, f"another sandbox runs with the folder {tmp_path}\n")
        assert int((tmp_path / "lock").read_text()) > 0, "who has it is still said there"


def test_what_it_computes_with_is_in_its_own_folder_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, own = tmp_path / "tmp", tmp_path / "data" / "clickhouse"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    for end in (signal.SIGKILL, signal.SIGTERM):
        process, ready = _start(tmp_path / "data")
        query = {"query": {"kind": "HogQLQuery", "query": "SELECT count() FROM events"}}
        assert Api(Sandbox(ready)).post("query/", query)["results"] == [[0]], "also over what a killed one left"
        process.send_signal(end)
        process.communicate(timeout=10)
        assert own.exists() == (end == signal.SIGKILL)
    assert not list(elsewhere.iterdir())


def test_a_query_that_takes_a_minute_holds_up_nobody(tmp_path: Path) -> None:
    def ask(sql: str) -> Answer:
        query = {"query": {"kind": "HogQLQuery", "query": sql}, "refresh": "force_blocking"}
        return own("POST", "query/", query, timeout=60)

    with ThreadPoolExecutor(1) as pool, running_sandbox(tmp_path) as sandbox:
        own = Api(sandbox)
        slow = pool.submit(ask, "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1")
        for number in range(2):
            time.sleep(0.1)
            flag = Api(sandbox).flag()
            assert ask(f"SELECT {number}").json()["results"] == [[number]]
            assert Api(sandbox).get(f"feature_flags/{flag['id']}/") == flag
        assert not slow.done()
        assert sandbox.pid
        os.kill(sandbox.pid, signal.SIGKILL)  # a graceful end waits for the query, which takes all cores


def test_32_clients_write_at_once_without_an_error_or_a_lost_write(api: Api) -> None:
    cohort = api.cohort()

    def write(client: int) -> list[str]:
        own, keys = Api(api.sandbox), []
        for number in range(6):
            flag = own.flag(key=f"writer-{client}-{number}", _should_create_usage_dashboard=False)
            own.patch(f"feature_flags/{flag['id']}/", {"filters": in_cohort(cohort["id"]), "name": str(number)})
            keys.append(flag["key"])
        return keys

    with ThreadPoolExecutor(32) as pool:
        written = [key for keys in pool.map(write, range(32)) for key in keys]
    page = api.get("feature_flags/?search=writer-&limit=1000")
    assert sorted(flag["key"] for flag in page["results"]) == sorted(written)
    assert {flag["version"] for flag in page["results"]} == {2}


def test_32_clients_change_one_flag_at_once_and_no_change_is_lost(api: Api) -> None:
    flag = api.flag()

    def write(client: int) -> None:
        own = Api(api.sandbox)
        for number in range(4):
            own.patch(f"feature_flags/{flag['id']}/", {"name": f"{client}-{number}"})

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(write, range(32)))
    assert api.get(f"feature_flags/{flag['id']}/")["version"] == 1 + 32 * 4
    changes = api.get(f"feature_flags/{flag['id']}/activity/?limit=1000")["results"]
    names = [change["after"] for one in changes for change in one["detail"]["changes"] if change["field"] == "name"]
    assert sorted(names) == sorted(f"{client}-{number}" for client in range(32) for number in range(4))


def test_a_kill_under_load_loses_no_answered_write(tmp_path: Path) -> None:
    process, ready = _start(tmp_path)
    sandbox, enough, luck = Sandbox(ready), threading.Event(), random.Random(7)
    versions, captured = dict[str, int](), set[str]()

    def change_flags(own: Api, worker: int) -> None:
        for number in range(100_000):
            flag = own.flag(key=f"load-{worker}-{number}")
            versions[flag["key"]] = 1
            for _ in range(luck.randrange(3)):
                versions[flag["key"]] = own.patch(f"feature_flags/{flag['id']}/", {"name": "x"})["version"]

    def capture(own: Api, worker: int) -> None:
        for number in range(100_000):
            event = {"event": "seen", "distinct_id": f"{worker}-{number}", "properties": {"$set": {"n": number}}}
            own.post("/e/", {"api_key": sandbox.project_api_key, **event})
            captured.add(f"{worker}-{number}")
            if len(versions) >= 30 and len(captured) >= 100:
                enough.set()

    def load(send: Callable[[Api, int], None], worker: int) -> None:
        with suppress(HTTPError, ValueError):  # cut off, before the answer or within it
            send(Api(sandbox), worker)

    workers = [threading.Thread(target=load, args=(send, n)) for send in (change_flags, capture) for n in range(2)]
    for worker in workers:
        worker.start()
    assert enough.wait(30)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    for worker in workers:
        worker.join(timeout=30)
    with running_sandbox(tmp_path) as again:
        stored = {flag["key"]: flag["version"] for flag in again.items("feature_flags")}
        seen = {event["distinct_id"] for event in again.call("GET", "events/?event=seen&limit=100000")["results"]}
        persons = {person["distinct_ids"][0] for person in again.call("GET", "persons/?limit=100000")["results"]}
    assert all(stored.get(key, 0) >= version for key, version in versions.items())
    assert captured <= seen
    assert seen == persons, "an event and its person are one transaction"


def test_a_client_that_goes_away_within_its_request_is_no_failure(tmp_path: Path) -> None:
    process, ready = _start(tmp_path)
    api = Api(Sandbox(ready))
    host, port = ready["url"].removeprefix("http://").split(":")
    for faults in ([], [{"kind": "error_after"}], [{"kind": "error_before"}]):
        api.sandbox.set_faults(*faults)
        assert api("DELETE", "/_sandbox/requests").status_code == 204
        with socket.create_connection((host, int(port))) as half:
            lines = (
                "POST /api/projects/1/feature_flags/ HTTP/1.1", "Host: x",
                f"Authorization: Bearer {api.sandbox.api_key}",
                "Content-Type: application/json", "Content-Length: 99", "", '{"key": "ha',
            )  # fmt: skip
            half.sendall("\r\n".join(lines).encode())
        end = time.monotonic() + 10
        while not (log := api.get("/_sandbox/requests")["results"]):
            assert time.monotonic() < end, "the request never ended"
        assert log[0]["method"] == "POST"
    api.sandbox.set_faults()
    assert api.get("feature_flags/")["count"] == 0
    process.terminate()
    assert process.communicate(timeout=10)[1] == ""


def test_a_cohort_that_was_being_calculated_is_taken_up_again(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as first:
        Api(first)("PATCH", "/_sandbox/settings", {"recalculation_delay": 3600.0})
        cohort = Api(first).cohort()
        assert cohort["is_calculating"] is True
    with running_sandbox(tmp_path) as second:
        end = time.monotonic() + 5
        while Api(second).get(f"cohorts/{cohort['id']}/")["is_calculating"]:
            assert time.monotonic() < end


def test_the_request_log_has_writes_whole_and_keys_masked(api: Api) -> None:
    before = api.get("/_sandbox/requests")["results"]
    since = before[-1]["id"] if before else 0
    api.flag(key="logged")
    entry = api.get(f"/_sandbox/requests?since={since}")["results"][-1]
    assert (entry["method"], entry["status"]) == ("POST", 201)
    assert entry["path"] == f"/api/projects/{api.sandbox.project_id}/feature_flags/"
    assert entry["body"]["key"] == "logged"
    assert entry["key"] == f"phx_...{api.sandbox.api_key[-4:]}"
    assert entry["duration_ms"] > 0
    assert api("DELETE", "/_sandbox/requests").status_code == 204
    assert api.get("/_sandbox/requests")["results"] == []


def test_the_pages_list_what_there_is(api: Api) -> None:
    cohort = api.cohort(name="Beta <installations>")
    flag = api.flag(key="on-the-page", filters={**in_cohort(cohort["id"]), "multivariate": variants(r1=100)})
    api.flag(key="by-property", filters={"groups": [{"properties": [person("version", "2", "gte")]}]})
    dashboard = api.dashboard(name="Usage of AI")
    insight = api.insight(name="Tokens per day", dashboards=[dashboard["id"]])
    api.alert(insight["id"], name="Too many tokens")
    expected = {
        "/": ("created AlertConfiguration", "POST /api/projects/"),
        "/flags": ("on-the-page", "in “Beta &lt;installations&gt;”", "version gte 2"),
        f"/flags/{flag['id']}": ("on-the-page", "r1", "created FeatureFlag"),
        "/cohorts": ("Beta &lt;installations&gt;",),
        "/dashboards": ("Usage of AI",),
        f"/dashboards/{dashboard['id']}": ("Tokens per day",),
        "/alerts": ("Too many tokens",),
        "/things/insights": ("Tokens per day",),
        "/activity": ("created FeatureFlag",),
        "/requests": ("/feature_flags/",),
    }
    for path, texts in expected.items():
        base = "" if path == "/" else f"/project/{api.sandbox.project_id}"
        page = requests.get(api.url + base + path, timeout=10)
        assert page.headers["content-type"].startswith("text/html")
        for text in texts:
            assert text in page.text, (path, text)
        assert "http" not in page.text.replace(api.url, ""), "no asset from outside"


def test_the_addresses_of_posthogs_pages_lead_to_the_sandboxs(api: Api) -> None:
    flag = api.flag(key="by-address")
    dashboard = api.dashboard(name="Board")
    insight = api.insight(name="Tokens per week", dashboards=[dashboard["id"]])
    alert = api.alert(insight["id"], name="Many tokens")
    survey = api.post("surveys/", {"name": "Liked?", "type": "popover"})
    filters = [{"properties": [], "rollout_percentage": 5}]
    api.post("experiment_holdouts/", {"name": "Held out", "filters": filters})
    expected = {
        f"feature_flags/{flag['id']}": "by-address",
        f"dashboard/{dashboard['id']}": "Tokens per week",
        f"insights/{insight['short_id']}": f"/api/projects/{api.sandbox.project_id}/insights/{insight['id']}/",
        f"insights/{insight['short_id']}/alerts?alert_id={alert['id']}": "Many tokens",
        f"insights?tab=alerts&alert_id={alert['id']}": "Many tokens",
        "insights": "Tokens per week",
        f"surveys/{survey['id']}": "Liked?",
        "experiments?tab=holdouts": "Held out",
        "experiments": "No experiments yet.",
    }
    off = {"operation": "update_status", "value": False}
    flagged = {"record_id": str(flag["id"]), "model_name": "FeatureFlag"}
    change = api.post("scheduled_changes/", {**flagged, "payload": off, "scheduled_at": "2099-01-01T00:00:00Z"})
    expected[f"feature_flags/{flag['id']}"] = f"/scheduled_changes/{change['id']}/"
    for path, text in expected.items():
        page = requests.get(f"{api.url}/project/{api.sandbox.project_id}/{path}", timeout=10)
        assert (page.status_code, text in page.text) == (200, True), (path, page.text)


@pytest.mark.parametrize(
    "path", ["/project/99", "/project/1/flags/999999", "/project/1/persons/nobody", "/project/1/things/x"]
)
def test_what_is_not_there_has_no_page(api: Api, path: str) -> None:
    assert requests.get(api.url + path, timeout=10).status_code == 404
