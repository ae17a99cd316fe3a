"""Whoever asks a generated Python client for flags never waits for PostHog, and gets no exception of its."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from posthog import Posthog

from examples.ai_service.ai_admin_client import AiAdmin

EVERYBODY = {"groups": [{"rollout_percentage": 100}]}
FLAG = {"id": 1, "key": "ai-enhancement-enabled", "active": True, "filters": EVERYBODY}


@contextmanager
def definitions(answering: Event) -> Iterator[Posthog]:
    """Serve definitions from when ``answering`` is set, and return an SDK that fetches them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answering.wait()
            body = json.dumps({"flags": [FLAG], "group_type_mapping": {}, "cohorts": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        posthog = Posthog("phc_x", host=host, secret_key="phx_x", poll_interval=3600, send=False)
        yield posthog
        answering.set()
        posthog.shutdown()
        server.shutdown()


def test_a_posthog_that_does_not_answer_holds_nobody_up() -> None:
    answering = Event()
    with definitions(answering) as posthog:
        client = AiAdmin(posthog)
        assert client.flags("inst-1").ai_enhancement_enabled() is False
        assert client.ready(0) is False
        answering.set()
        assert client.ready(30) is True
        assert client.flags("inst-1").ai_enhancement_enabled() is True


@pytest.mark.parametrize("asks_first", [True, False])
def test_a_process_that_was_forked_before_the_definitions_came_fetches_them_itself(asks_first: bool) -> None:
    """Web servers load a service once, and fork it: threads are not forked."""
    answering = Event()
    with definitions(answering) as posthog:
        client = AiAdmin(posthog)
        child = os.fork()
        if not child:
            try:
                before = asks_first and client.flags("inst-1").ai_enhancement_enabled()
                os._exit(0 if (before, client.ready(30)) == (False, True) else 1)
            finally:
                os._exit(2)
        answering.set()  # not by the child: a thread that is not forked may hold its lock
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


OFF = {"variants": [{"key": "off", "rollout_percentage": 100}]}
VARIANT = {**FLAG, "filters": {**EVERYBODY, "multivariate": OFF}}


@pytest.mark.parametrize("flag", [5, {}, {**FLAG, "filters": 5}, VARIANT], ids=str)
def test_a_definition_that_makes_no_sense_gives_the_fallback(flag: Any) -> None:
    """A flag that got variants on PostHog's page is neither true nor false."""
    posthog = Posthog("phc_x", host="http://127.0.0.1:9", secret_key="phx_x", send=False)
    client = AiAdmin(posthog)
    client.ready(30)
    posthog.feature_flags = [FLAG]
    assert client.flags("inst-1").ai_enhancement_enabled() is True
    posthog._feature_flags = [flag]
    assert client.flags("inst-1").ai_enhancement_enabled() is False
    posthog.shutdown()
