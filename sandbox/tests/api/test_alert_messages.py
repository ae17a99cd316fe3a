"""An alert fires, is told of, and resolves, on a clock that is moved: events in, HTTP and e-mail out."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.running import Sandbox, running_sandbox
from sandbox.tests.shapes import Api, eventually, name, refusal, trends

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)  # a Wednesday
SECRET = "/hooks/a-secret"


class Pager:
    """An HTTP server of somebody who is told; its next answers may be given."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                got = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body.decode()}
                pager.got.append(got)
                self.send_response(pager.answers.pop(0) if pager.answers else 200)
                self.end_headers()
                self.wfile.write(b'{"ok": true}')

            do_POST = do_PUT = answer

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def pager() -> Iterator[Pager]:
    made = Pager()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def sandbox(data: Path) -> Iterator[Sandbox]:
    with running_sandbox(data, delivery_pause=0.01) as running:
        yield running


@pytest.fixture
def hourly(api: Api) -> Iterator[Any]:
    """An alert that fires when an hour has more than two errors of a kind of its own."""
    kind = name("error")
    insight = api.insight(name="Errors", query=trends(kind, interval="hour"))
    threshold = {"configuration": {"type": "absolute", "bounds": {"upper": 2}}}
    made = api.alert(insight["id"], threshold=threshold, calculation_interval="hourly", subscribed_users=[1])
    yield {**made, "path": f"alerts/{made['id']}/", "event": kind, "short_id": insight["short_id"]}
    api("DELETE", f"alerts/{made['id']}/")


def spike(api: Api, alert: Any, *hours: int, count: int = 3) -> None:
    """So many errors within each of these hours after noon."""
    events = [
        {"event": alert["event"], "distinct_id": "x", "properties": {},
         "timestamp": (NOON + timedelta(hours=hour, minutes=minute)).isoformat()}
        for hour in hours
        for minute in range(count)
    ]  # fmt: skip
    api.sandbox.capture(*events)


def tells(api: Api, alert: Any, template: str, **inputs: Any) -> str:
    """A function that tells of an alert; its path."""
    condition = {"key": "alert_id", "value": alert["id"], "operator": "exact", "type": "event"}
    filters = {"events": [{"id": "$insight_alert_firing", "type": "events"}], "properties": [condition]}
    body = {"type": "internal_destination", "template_id": template, "name": name("tells"), "enabled": True,
            "filters": filters, "inputs": {key: {"value": value} for key, value in inputs.items()}}  # fmt: skip
    return f"hog_functions/{api.post('hog_functions/', body)['id']}/"


def ended(api: Api, function: str, runs: int = 1) -> dict[str, int]:
    """A function's metrics of all times, as soon as so many runs are over."""

    def look() -> Any:
        series = api.get(f"{function}metrics/?breakdown_by=name")["series"]
        totals = {each["name"]: sum(each["values"]) for each in series}
        return totals if totals.get("succeeded", 0) + totals.get("failed", 0) == runs else None

    found: dict[str, int] = eventually(look)
    return found


def lines(api: Api, function: str) -> list[str]:
    return [each["message"] for each in api.get(f"{function}logs/")["results"]]


def test_it_fires_is_delivered_once_and_resolves(api: Api, pager: Pager, hourly: Any) -> None:
    body = {"alert": "{event.properties.alert_name}", "why": "{event.properties.breaches}", "all": "{event}"}
    function = tells(api, hourly, "template-webhook", url=pager.url + SECRET, method="PUT", body=body,
                     headers={"X-Insight": "at {project.url}/insights/{event.properties.insight_id}"})  # fmt: skip
    spike(api, hourly, 1, 2)
    states = []
    for hours in range(5):
        api.work(NOON + timedelta(hours=hours, minutes=30))
        states.append(api.get(hourly["path"])["state"])
    assert states == ["Not firing", "Not firing", "Firing", "Firing", "Not firing"]
    assert ended(api, function) == {"triggered": 1, "succeeded": 1}
    [got] = pager.got
    sent = json.loads(got["body"])
    why = f"The insight value ({hourly['event']}) for previous hour (3) is more than upper threshold (2)"
    assert (got["method"], got["path"], sent["alert"], sent["why"]) == ("PUT", SECRET, hourly["name"], why)
    assert got["headers"]["X-Insight"] == f"at {api.url}/project/1/insights/{hourly['short_id']}"
    assert sent["all"]["event"] == "$insight_alert_firing"
    assert sent["all"]["properties"] == {
        "alert_id": hourly["id"],
        "alert_name": hourly["name"],
        "project_name": "AI Admin sandbox",
        "insight_name": "Errors",
        "insight_id": hourly["short_id"],
        "state": "Firing",
        "last_checked_at": "2026-03-18T14:30:00.000000Z",
        "breaches": why,
    }
    found = api.get(hourly["path"])
    assert [each["calculated_value"] for each in found["checks"]] == [0, 3, 3, 0, 0]
    assert [each["targets_notified"] for each in found["checks"]] == [False, False, True, False, False]
    told = found["checks"][2]["deliveries"]
    assert [each["channel"] for each in told] == ["email", "hog_function"]
    assert (found["last_value"], found["last_notified_at"]) == (0, "2026-03-18T14:30:00.000000Z")


def test_each_check_is_at_its_own_time(api: Api, hourly: Any) -> None:
    spike(api, hourly, 1)
    api.work(NOON)
    api.work(NOON + timedelta(hours=4, minutes=59))
    checks = api.get(hourly["path"])["checks"]
    assert [(each["created_at"][11:16], each["calculated_value"]) for each in checks] == [
        ("16:00", 0), ("15:00", 0), ("14:00", 3), ("13:00", 0), ("12:00", 0)
    ]  # fmt: skip


def test_posthog_repeats_its_message_with_each_check(api: Api, pager: Pager, hourly: Any) -> None:
    function = tells(api, hourly, "template-webhook", url=pager.url)
    spike(api, hourly, 0, 1)
    api.work(NOON)
    with api.setting(alert_repeats=True):
        api.work(NOON + timedelta(hours=2))
    assert ended(api, function, 2)["succeeded"] == 2


def test_quiet_hours_and_weekends_hold_a_message_back(api: Api, pager: Pager, hourly: Any) -> None:
    function, path = tells(api, hourly, "template-webhook", url=pager.url), hourly["path"]
    window = {"blocked_windows": [{"start": "09:00", "end": "15:10"}]}
    api.patch(path, {"schedule_restriction": window, "skip_weekend": True})
    more = {"configuration": {"type": "absolute", "bounds": {"upper": 2.5}}}
    api.patch(path, {"threshold": more})  # due at once
    saturday = NOON + timedelta(days=3, hours=6)
    spike(api, hourly, *range(4), *range(50, 80))
    api.work(NOON + timedelta(minutes=1))
    api.work(NOON + timedelta(hours=3, minutes=9))
    assert (api.get(path)["state"], api.get(path)["checks"]) == ("Not firing", [])
    api.work(NOON + timedelta(hours=3, minutes=10))
    assert (api.get(path)["state"], api.get(path)["last_notified_at"][:16]) == ("Firing", "2026-03-18T15:10")
    api.work(saturday)
    assert api.get(path)["state"] == "Firing", "of Friday"
    assert api.get(path)["last_checked_at"].startswith("2026-03-20T23:10"), "not on Saturday"
    assert ended(api, function, 2)["triggered"] == 2, "on Wednesday, and on Friday after it had resolved"


def test_a_message_is_tried_again_and_given_up_after_three_attempts(api: Api, pager: Pager, hourly: Any) -> None:
    retried = tells(api, hourly, "template-webhook", url=pager.url + SECRET)
    pager.answers = [500, 429]
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    assert ended(api, retried)["succeeded"] == 1
    assert lines(api, retried)[::-1] == [
        "Taken on.",
        "Attempt 1 of 3: The answer was 500. Tried again in 0.01 s.",
        "Attempt 2 of 3: The answer was 429. Tried again in 0.02 s.",
        "Attempt 3 of 3: The answer was 200.",
    ]
    assert len({got["body"] for got in pager.got}) == 1


@pytest.mark.parametrize(
    ("address", "last"),
    [
        ("http://127.0.0.1:9" + SECRET, "Attempt 3 of 3: No answer: Connection refused. Given up."),
        ("https://example.com" + SECRET,
         "Attempt 1 of 3: Refused: the sandbox sends to this machine (a loopback address) only. Given up."),
        ("http://127.0.0.1.example.com" + SECRET,
         "Attempt 1 of 3: Refused: the sandbox sends to this machine (a loopback address) only. Given up."),
        ("ftp://127.0.0.1" + SECRET, "Attempt 1 of 3: The address is no URL of http or https. Given up."),
        ("{concat('http://', event.event)}",
         "The sandbox fills in paths such as {event.properties.x}, not {concat('http://', event.event)}."),
    ],
)  # fmt: skip
def test_what_is_not_delivered_is_in_the_log_without_its_address(
    api: Api, hourly: Any, address: str, last: str
) -> None:
    function = tells(api, hourly, "template-webhook", url=address)
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    assert ended(api, function) == {"triggered": 1, "failed": 1}
    assert lines(api, function)[0] == last
    assert "a-secret" not in api("GET", "/project/1/deliveries").text
    [error] = api.get(f"{function}logs/?level=error&search=SANDBOX")["results"] if "sandbox" in last else [{}]
    assert error.get("message", last) == last


def test_a_redirect_leads_nowhere(api: Api, pager: Pager, hourly: Any) -> None:
    function = tells(api, hourly, "template-webhook", url=pager.url)
    pager.answers = [302]
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    ended(api, function)
    assert len(pager.got) == 1


def test_slack(api: Api, pager: Pager, hourly: Any) -> None:
    workspace = api.get("integrations/")["results"][0]["id"]
    function = tells(api, hourly, "template-slack", slack_workspace=workspace, channel="C000002|#ai-alerts",
                     text="*{event.properties.alert_name}* fires", blocks=[])  # fmt: skip
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    ended(api, function)
    text = f"*{hourly['name']}* fires"
    assert lines(api, function)[0] == f"Sent nowhere, as the setting slack_url is empty. To C000002: {text}"
    api.patch(hourly["path"], {"threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 1}}}})
    with api.setting(slack_url=pager.url):
        api.work(NOON + timedelta(hours=1))
    ended(api, function, 2)
    [got] = pager.got
    sent = json.loads(got["body"])
    assert (got["path"], sent["channel"], sent["text"]) == ("/api/chat.postMessage", "C000002", text)


def test_metrics_are_counted_by_day(api: Api, hourly: Any) -> None:
    function = tells(api, hourly, "template-webhook", url="http://127.0.0.1:9")
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    ended(api, function)
    found = api.get(f"{function}metrics/?after=-1d")
    assert found["labels"][-1] == f"{datetime.now(UTC):%Y-%m-%d}"
    assert {each["name"]: each["values"] for each in found["series"]} == {"other": [0, 1], "failure": [0, 1]}
    status, _, text, field = refusal(api("GET", f"{function}metrics/?after=1900-01-01&interval=hour"))
    assert (status, field) == (400, "after")
    assert text.endswith("times of hour in the range; at most 10,000 are counted.")


# E-mail


def test_a_mailbox_takes_e_mail(api: Api, data: Path, hourly: Any) -> None:
    spike(api, hourly, 0)
    api.work(NOON + timedelta(hours=1))
    found = eventually(lambda: [each for each in mails(data) if hourly["name"] in each["Subject"]])
    [mail] = found
    assert (mail["To"], mail["Subject"]) == (
        "admin@example.com", f"PostHog alert {hourly['name']} is firing for AI Admin sandbox"
    )  # fmt: skip
    text = mail.get_content()
    assert f"for previous hour (3) is more than upper threshold (2)\n\nInsight: Errors\n{api.url}" in text


def mails(data: Path) -> list[Any]:
    files = (data / "mail").glob("*.eml")
    return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]


@contextmanager
def mail_server() -> Iterator[tuple[str, list[str]]]:
    """A server that takes any e-mail: its `host:port`, and what it got."""
    got: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    got.append(text.decode())
                self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 OK\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", got
        server.shutdown()
        thread.join()


def test_a_mail_server_takes_e_mail(api: Api, hourly: Any) -> None:
    spike(api, hourly, 0)
    with mail_server() as (address, got), api.setting(smtp=address):
        api.work(NOON + timedelta(hours=1))
        text = eventually(lambda: got and got[0])
    assert f"Subject: PostHog alert {hourly['name']} is firing" in text


def invoked(api: Api, function: str, alert: str, **more: Any) -> Any:
    """The answer to a test of a function with a firing of an alert."""
    event = {"event": "$insight_alert_firing", "properties": {"alert_id": alert, "breaches": "None: a test."}}
    return api.post(f"{function}invocations/", {"configuration": {}, "globals": {"event": event}, **more})


def test_a_function_can_be_tested_and_only_then_sends(api: Api, pager: Pager, hourly: Any) -> None:
    body = {"why": "{event.properties.breaches}"}
    function = tells(api, hourly, "template-webhook", url=pager.url + SECRET, body=body)
    mocked = invoked(api, function, hourly["id"])
    assert (mocked["status"], pager.got) == ("success", [])
    really = invoked(api, function, hourly["id"], mock_async_functions=False)
    assert (really["status"], really["errors"]) == ("success", [])
    assert [json.loads(each["body"]) for each in pager.got] == [{"why": "None: a test."}]
    assert invoked(api, function, "another", mock_async_functions=False)["status"] == "skipped"
    assert len(pager.got) == 1
    assert lines(api, function) == [], "a test is in no log"


def test_a_test_that_does_not_arrive_says_why(api: Api, hourly: Any) -> None:
    really = {"mock_async_functions": False}
    slack = tells(api, hourly, "template-slack", slack_workspace=1, channel="#ai")
    assert invoked(api, slack, hourly["id"], **really)["errors"] == ["Sent nowhere, as the setting slack_url is empty."]
    nobody = tells(api, hourly, "template-webhook", url="http://127.0.0.1:9" + SECRET)
    answer = invoked(api, nobody, hourly["id"], **really)
    assert answer["status"] == "error"
    assert answer["errors"][0].startswith("No answer: ")
    assert SECRET not in json.dumps(answer)
    for wrong in ({}, {"globals": "x"}, {"globals": {"event": "x"}}):
        assert api("POST", f"{nobody}invocations/", {"configuration": {}, **wrong}).status_code == 400
    assert api("POST", f"{nobody}invocations/", {}).json()["attr"] == "configuration"
