"""With 5,000 flags stored nothing is parsed or looked through one by one with every request.

`python -m sandbox.tests.campaigns.speed` has the figures. Here no time is asserted but how much is done, which no busy
machine changes: a server in a thread of this process counts its calls of functions and SQLite's instructions.
"""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import uvicorn

from sandbox.app import create_app
from sandbox.control.settings import Settings
from sandbox.seed import seeds
from sandbox.tests.campaigns.speed import FLAGS, Client, Question, questions, store_flags
from sandbox.tests.running import Sandbox

# Three calls a flag; a page of a hundred takes 11,000, an answer with all of them more than 100,000.
MOST_CALLS = 3 * FLAGS
# Four instructions a flag, which no look at each of them keeps to: only lists may pass over the index of their kind.
MOST_STEPS = 4 * FLAGS
STEPS_AT_ONCE = 100


class Server(threading.Thread):
    """The sandbox in a thread of this process, and what it has done so far."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self.data, self.calls, self.steps, self.ready = data, 0, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))

    def run(self) -> None:
        app = create_app(self.data, Settings(flag_limit=0))
        store = app.state.services.store
        host, port = self.listener.getsockname()
        self.sandbox = Sandbox({"url": f"http://{host}:{port}", **seeds(store)})
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self.ready.set()
        store.connection.set_progress_handler(self._stepped, STEPS_AT_ONCE)
        sys.setprofile(self._called)
        self.server.run(sockets=[self.listener])

    def _called(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.calls += event in ("call", "c_call")

    def _stepped(self) -> int:
        self.steps += STEPS_AT_ONCE
        return 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("full"))
    running.start()
    assert running.ready.wait(30)
    store_flags(running.sandbox, running.data, FLAGS)
    yield running
    running.server.should_exit = True
    running.join(10)


@pytest.fixture
def full(server: Server) -> Sandbox:
    return server.sandbox


def test_no_kind_of_request_reads_them_all(server: Server) -> None:
    client, costly = Client(server.sandbox), {}
    for question in questions(server.sandbox):
        client.ask(question)
        calls, steps = server.calls, server.steps
        client.ask(question)
        calls, steps = server.calls - calls, server.steps - steps
        passes_over_the_index = question.name.startswith(("list", "search"))
        if calls > MOST_CALLS or (steps > MOST_STEPS and not passes_over_the_index):
            costly[question.name] = (calls, steps)
    assert costly == {}


def test_what_is_found_among_them_is_right(full: Sandbox) -> None:
    found = full.call("GET", "feature_flags/?search=FLAG-424&limit=3")
    assert (found["count"], len(found["results"])) == (11, 3)
    assert full.call("GET", "feature_flags/?limit=3")["count"] >= 5_000
    (one,) = full.call("GET", "feature_flags/?key=Flag-4242")["results"]
    assert one["key"] == "flag-4242"


def test_a_change_among_them_is_seen_at_once(full: Sandbox) -> None:
    body = {"token": full.project_api_key, "distinct_id": "ann", "flag_keys": ["flag-7"]}
    everybody = {"filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}
    client = Client(full)
    ask = Question("", "POST", "/flags/?v=1", lambda: body)
    (flag,) = full.call("GET", "feature_flags/?key=flag-7")["results"]
    for active in (True, False, True):
        full.call("PATCH", f"feature_flags/{flag['id']}/", {**everybody, "active": active})
        answer = client.ask(ask)[1]
        assert (b'"flag-7":true' in answer) is active
