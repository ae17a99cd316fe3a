"""The way to PostHog: through a proxy where the environment names one, and what is said where it leads nowhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from providers.posthog.answer import NoAnswer
from providers.posthog.connection import Connection
from providers.posthog.transport import Transport

ELSEWHERE = "http://posthog.invalid"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Proxy(ThreadingHTTPServer):
    """Answers everything, and keeps what it was asked for and as whom."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["Proxy-Authorization"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(host: str) -> int:
    return Transport(Connection(host, "1", None, "phx_secret")).send("GET", "/x/", None, {"limit": "1"}).status


def test_the_environments_proxy_is_used_with_its_password(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://ada:s%40fe@127.0.0.1:{proxy.server_port}")
    assert get(ELSEWHERE) == 200
    assert proxy.asked == [(f"{ELSEWHERE}/x/?limit=1", "Basic YWRhOnNAZmU=")]


def test_a_proxy_may_be_named_without_its_scheme(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", f"127.0.0.1:{proxy.server_port}")
    assert get(ELSEWHERE) == 200


@pytest.mark.parametrize("host", ["http://localhost:{port}", "http://127.0.0.1:{port}"])
def test_the_way_to_this_machine_is_direct(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert get(host.format(port=proxy.server_port)) == 200
    assert [path for path, _ in proxy.asked] == ["/x/?limit=1"]


def test_what_is_excepted_is_asked_directly(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("NO_PROXY", "invalid")
    with pytest.raises(NoAnswer, match="its name does not resolve"):
        get(ELSEWHERE)
    assert proxy.asked == []


def test_a_proxy_of_another_kind_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(NoAnswer, match="does not speak HTTP") as caught:
        get(ELSEWHERE)
    assert caught.value.hopeless


def test_nobody_there_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="the connection is refused"):
            get(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_an_address_without_tls_behind_https_has_no_valid_certificate(proxy: Proxy) -> None:
    with pytest.raises(NoAnswer) as caught:
        get(f"https://127.0.0.1:{proxy.server_port}")
    assert caught.value.hopeless
