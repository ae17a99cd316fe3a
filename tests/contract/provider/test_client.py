"""The client against a server on loopback that answers as it is told: what is repeated, followed and refused."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from providers.posthog.client import SETTLED, Client
from providers.posthog.connection import Connection, resolve
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS
from providers.posthog.settings import Settings
from tests.support.clocks import Leaping
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox


class Scripted:
    """A server that gives the answers of ``script`` in turn and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, str | None]] = []
        self.connections: set[tuple[str, int]] = set()
        self.pause = 0.0  # seconds between two bytes of a body
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scripted.asked.append((self.command, self.path, self.headers.get("Authorization")))
                scripted.connections.add(self.client_address)
                status, headers, body = scripted.script.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [body] if not scripted.pause else [body[i : i + 1] for i in range(len(body))]:
                    time.sleep(scripted.pause)
                    self.wfile.write(piece)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        text = json.dumps(body).encode() if body is not None else b""
        self.script.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, text))


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    thread = threading.Thread(target=scripted.server.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    scripted.server.shutdown()
    thread.join()
    scripted.server.server_close()


@pytest.fixture
def clock() -> Leaping:
    return Leaping()


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def client(server: Scripted, clock: Leaping, warnings: list[str]) -> Client:
    return Client(Connection(server.url, "1", None, "phx_secret"), warn=warnings.append, clock=clock)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_may_be_repeated_is_after_a_passing_failure(
    server: Scripted, client: Client, method: str, status: int
) -> None:
    server.say(status)
    server.say(status)
    server.say(200, {"ok": True})
    assert client.request(method, "/x/") == {"ok": True}


def test_a_server_that_keeps_failing_is_left_alone_after_some_attempts(
    server: Scripted, client: Client, clock: Leaping
) -> None:
    for _ in range(5):
        server.say(503)
    with pytest.raises(ApiError, match="answered 503 to GET /x/"):
        client.get("/x/")
    assert server.script == []
    assert len(clock.waits) == 4
    assert clock.waits == sorted(clock.waits)
    assert sum(clock.waits) < 10


def test_a_hurried_client_and_its_own_know_of_each_other(server: Scripted, clock: Leaping) -> None:
    """What the one wrote settles for both, and what a query asks for does not; both wait for what one was told."""
    said: list[str] = []
    client = Client(Connection(server.url, "1", None, "phx_secret"), warn=said.append, clock=clock)
    hurried = client.hurried(10)
    clock.sleep(100)
    server.say(200, {"ok": True})
    hurried.request("PATCH", "/x/", {})
    client.settle()
    server.say(200, {"ok": True})
    hurried.request("POST", "/api/projects/1/query/", {})
    client.settle()
    assert clock.waits == [100, SETTLED]
    server.say(429, Retry_After="60")
    with pytest.raises(ApiError, match="given up instead of waiting 60 s"):
        hurried.get("/x/")
    assert said == []
    server.say(200, {"ok": True})
    client.get("/x/")
    assert clock.waits[2:] == [60]
    assert [line.partition(":")[0] for line in said] == ["waiting 60 s"]


def test_what_several_clients_of_one_wait_for_is_told_once(server: Scripted, clock: Leaping) -> None:
    said: list[str] = []
    client = Client(Connection(server.url, "1", None, "phx_secret"), warn=said.append, clock=clock)
    for each in (client, client.hurried(10), client.hurried(10)):
        server.say(429, Retry_After="2")
        server.say(200, {"ok": True})
        each.get("/x/")
    assert [line.partition(":")[0] for line in said] == ["still waiting, 6 s in all so far"]


def test_what_was_asked_and_got_no_answer_in_time_may_be_done(server: Scripted, clock: Leaping) -> None:
    """Also where a limit then keeps it from being asked again."""
    client = Client(Connection(server.url, "1", None, "phx_secret"), clock=clock, patience=10)
    for then in (503, 429):
        server.say(502)
        server.say(then, Retry_After="60")
        with pytest.raises(ApiError) as given_up:
            client.request("PATCH", "/x/", {"active": False})
        assert given_up.value.outcome_unknown


def test_a_host_that_never_answers_is_not_tried_for_minutes(server: Scripted, clock: Leaping) -> None:
    """Each attempt takes half a minute here, and the first one that was in vain is said. Later it is worth more."""
    for url, tried in (("http://127.0.0.1:9", 2), (server.url, 5)):
        said: list[str] = []
        connection = Connection(url, "1", None, "phx_secret")
        client = Client(connection, before_write=lambda: clock.sleep(30), warn=said.append, clock=clock)
        for _ in range(tried):
            server.say(503)
        clock.waits.clear()
        with pytest.raises(ApiError):
            client.request("PATCH", "/x/", {})
        assert clock.waits.count(30) == tried
        assert said[0] in (
            "no answer from http://127.0.0.1:9: the connection is refused; trying again",
            "PostHog answered 503 to PATCH /x/: Service Unavailable; trying again",
        )
        server.script.clear()


def test_who_waits_for_all_requests_together_waits_no_longer_for_many(server: Scripted, clock: Leaping) -> None:
    """Each is tried once all the same, and an answer gives PostHog the whole time again."""
    client = Client(Connection(server.url, "1", None, "phx_secret"), clock=clock, patience=10, in_all=True)
    for _ in range(2):
        server.say(503, Retry_After="8")
        server.say(503, Retry_After="8")
        for _ in range(2):
            with pytest.raises(ApiError, match="answered 503"):
                client.get("/x/")
            clock.sleep(10)
            server.say(503)
        server.script.pop()
        server.say(400)
        with pytest.raises(ApiError, match="answered 400"):
            client.get("/x/")
    assert server.script == []


def test_a_read_that_is_answered_gives_writes_no_more_time(server: Scripted, clock: Leaping) -> None:
    client = Client(Connection(server.url, "1", None, "phx_secret"), clock=clock, patience=10, in_all=True)
    for _ in range(2):
        server.say(503, Retry_After="8")
        for _ in range(2):
            server.say(503, Retry_After="8")
            with pytest.raises(ApiError, match="answered 503"):
                client.request("PATCH", "/x/", {})
            server.say(200, {"ok": True})
            client.get("/x/")
        server.say(200, {"ok": True})
        client.request("PATCH", "/x/", {})
    assert server.script == []


def test_an_answer_is_waited_for_no_longer_than_patience_lasts(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.posthog.client.LEAST", 0.1)
    server.pause = 0.1
    server.say(200, {"ok": "a long answer"})
    with pytest.raises(ApiError, match="timed out after 0 s"):
        Client(Connection(server.url, "1", None, "phx_secret"), patience=0.2).get("/x/")


def test_half_an_answer_is_none(server: Scripted, client: Client) -> None:
    server.script.append((200, {}, b'{"results": [{"id'))
    server.script.append((200, {"Content-Length": "1000", "Connection": "close"}, b'{"ok": true}'))
    server.say(200, {"ok": True})
    assert client.get("/x/") == {"ok": True}


def test_an_answer_that_trickles_without_end_is_not_waited_for(
    server: Scripted, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.posthog.transport.ANSWER", 0.1)
    server.pause = 0.03
    for _ in range(5):
        server.say(200, {"ok": "a long answer"})
    with pytest.raises(ApiError, match="timed out"):
        client.get("/x/")
    assert server.script == []


def test_one_connection_is_kept(server: Scripted, client: Client) -> None:
    for _ in range(3):
        server.say(200, {"ok": True})
        server.say(204)
        client.get("/x/")
        client.request("DELETE", "/x/")
    assert len(server.connections) == 1


def test_a_creation_that_may_have_happened_is_not_repeated(server: Scripted, client: Client) -> None:
    server.say(503)
    with pytest.raises(ApiError):
        client.request("POST", "/x/", {})
    assert len(server.asked) == 1


def test_a_throttled_creation_did_not_happen_and_is_repeated(server: Scripted, client: Client) -> None:
    server.say(429, {"detail": "Request was throttled."}, Retry_After="3")
    server.say(201, {"id": 1})
    assert client.request("POST", "/x/", {}) == {"id": 1}
    assert len(server.asked) == 2


def test_posthog_says_how_long_to_wait_and_a_long_wait_is_told(
    server: Scripted, client: Client, clock: Leaping, warnings: list[str]
) -> None:
    for seconds in ("2700", "40", "2"):
        server.say(429, {"detail": "Request was throttled."}, Retry_After=seconds)
    server.say(200, {"ok": True})
    assert client.get("/x/") == {"ok": True}
    assert clock.waits == [2700, 40, 2]
    said = "PostHog has had too many requests with this key, from this run or another, and says when it takes more"
    assert warnings == [f"waiting 45 min: {said}", f"waiting 40 s: {said}"]


def test_many_short_waits_are_told_before_they_are_minutes(
    server: Scripted, client: Client, clock: Leaping, warnings: list[str]
) -> None:
    for _ in range(16):
        server.say(429, {"detail": "Request was throttled."}, Retry_After="2")
    server.say(200, {"ok": True})
    assert client.get("/x/") == {"ok": True}
    assert [each.partition(":")[0] for each in warnings] == [
        "still waiting, 6 s in all so far", "still waiting, 12 s in all so far", "still waiting, 24 s in all so far"
    ]  # fmt: skip


def test_posthog_may_name_the_time_instead(
    server: Scripted, client: Client, clock: Leaping, warnings: list[str]
) -> None:
    server.say(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    server.say(429, Retry_After="soon")
    server.say(200, {"ok": True})
    assert client.get("/x/") == {"ok": True}
    named, unsaid = clock.waits
    assert 80 < named <= 90
    assert unsaid == 10
    assert [each.rpartition(", and ")[2] for each in warnings] == [
        "says when it takes more", "does not say when it takes more"
    ]  # fmt: skip


def test_a_refused_request_shuts_what_counts_with_it_and_nothing_else(
    server: Scripted, client: Client, clock: Leaping
) -> None:
    server.say(429, Retry_After="30")
    server.say(200, {})
    client.get("/api/projects/1/insights/7/")
    server.say(429, Retry_After="50")
    server.say(200, {})
    client.get("/api/projects/1/cohorts/")
    server.say(200, {})
    client.get("/api/projects/1/insights/")
    assert clock.waits == [30, 50]


def test_a_wait_without_end_is_not_begun(server: Scripted, client: Client, clock: Leaping) -> None:
    server.say(429, Retry_After="86400")
    with pytest.raises(ApiError, match=r"given up instead of waiting 1440 min: .*; run again later"):
        client.get("/x/")
    assert clock.waits == []


def test_a_server_that_is_busy_says_how_long(
    server: Scripted, client: Client, clock: Leaping, warnings: list[str]
) -> None:
    server.say(503, Retry_After="20")
    server.say(200, {"ok": True})
    client.get("/x/")
    assert clock.waits == [20]
    assert warnings == ["waiting 20 s: PostHog answered 503 to GET /x/: Service Unavailable; trying again"]


def test_what_cannot_succeed_is_not_repeated(server: Scripted, client: Client) -> None:
    server.say(400, {"type": "validation_error", "code": "unique", "detail": "There is one.", "attr": "key"})
    with pytest.raises(ApiError) as refusal:
        client.request("PATCH", "/x/", {})
    assert str(refusal.value) == "PostHog answered 400 to PATCH /x/: key: There is one."
    assert (refusal.value.status, refusal.value.code, refusal.value.attr) == (400, "unique", "key")
    assert len(server.asked) == 1


def test_pages_are_followed_by_posthogs_own_links(server: Scripted, client: Client) -> None:
    server.say(200, {"results": [{"id": 1}], "next": f"{server.url}/list/?cursor=abc"})
    server.say(200, {"results": [{"id": 2}], "next": None})
    assert [item["id"] for item in client.pages("/list/")] == [1, 2]
    assert [path for _, path, _ in server.asked] == ["/list/?limit=100", "/list/?cursor=abc"]


def test_the_key_goes_to_no_other_host(server: Scripted, client: Client) -> None:
    other = Scripted()
    other.server.server_close()
    server.say(200, {"results": [], "next": f"{other.url}/list/?offset=100"})
    with pytest.raises(ApiError, match="on another host"):
        list(client.pages("/list/"))
    server.say(302, Location=f"{other.url}/")
    with pytest.raises(ApiError, match=f"redirects to {other.url}; set host to that"):
        client.get("/x/")
    assert other.asked == []
    for address in ("/login?next=/x/", f"{server.url}/login"):
        server.say(302, Location=address)
        with pytest.raises(ApiError, match=rf"^PostHog answered 302 to GET /x/: see {re.escape(address)}$"):
            client.get("/x/")


def test_posthogs_own_links_may_spell_its_address_otherwise(server: Scripted) -> None:
    port = server.url.rpartition(":")[2]
    client = Client(Connection(f"http://localhost:{port}", "1", None, "phx_secret"))
    for spelt in (f"https://LocalHost.:{port}", ""):
        server.say(200, {"results": [{"id": 1}], "next": f"{spelt}/list/?cursor=abc"})
        server.say(200, {"results": [{"id": 2}], "next": None})
        assert [item["id"] for item in client.pages("/list/")] == [1, 2]


def test_a_key_that_is_not_accepted_is_not_shown(server: Scripted, client: Client) -> None:
    server.say(401, {"code": "authentication_failed", "detail": "bad key phx_secret"})
    with pytest.raises(ApiError) as refusal:
        client.get("/x/")
    assert "does not accept this personal API key" in str(refusal.value)
    assert "phx_secret" not in str(refusal.value)


def test_a_body_that_is_no_json_is_still_one_line(server: Scripted, client: Client) -> None:
    server.script.append((500, {}, b"<html>\n<h1>Oops</h1>\n</html>"))
    with pytest.raises(ApiError) as refusal:
        client.request("POST", "/x/")
    assert str(refusal.value) == "PostHog answered 500 to POST /x/: Internal Server Error"


def test_a_server_that_is_not_there_is_named() -> None:
    gone = Client(Connection("http://127.0.0.1:9", "1", None, "phx_secret"), clock=Leaping())
    with pytest.raises(ApiError, match=r"no answer from http://127.0.0.1:9: the connection is refused"):
        gone.get("/x/")


def test_every_insight_is_on_some_page(sandbox: Sandbox) -> None:
    made = {sandbox.call("POST", "insights/", {"name": f"Paged {number}", "query": TREND})["id"] for number in range(3)}
    client, kind = Client(resolve(Settings({}, sandbox.environ)), page=1), KINDS["insight"]
    found = [each["id"] for each in client.pages(client.project_path(kind.collection), *kind.lists)]
    assert made <= set(found)
    assert len(found) == len(set(found))
