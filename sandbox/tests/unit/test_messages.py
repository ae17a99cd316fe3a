"""Messages on their way: a server that takes its time, and a kill in the middle of an attempt."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.messages import outbox, transport
from sandbox.messages.transport import UndeliveredError
from sandbox.wire.context import Services

WEBHOOK = {"by": "http", "method": "POST", "headers": [], "body": {}, "slack": False}
MAIL = {"by": "mail", "to": "ann@example.com", "subject": "s", "text": "t"}
HANDSHAKE = b"\x16\x03\x03\x40\x00"  # of TLS: the head of 16 KB
HEAD = b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n"


@contextmanager
def trickling(begin: bytes, rest: bytes) -> Iterator[tuple[str, threading.Event]]:
    """A server that answers something, and the rest in two seconds: its `host:port`, and whether all was taken."""
    taken = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.sendall(begin)
                    for byte in rest:
                        time.sleep(2 / len(rest))
                        connection.sendall(bytes([byte]))
                    taken.set()
                except OSError:  # hung up
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", taken
        thread.join()


@pytest.mark.parametrize(
    ("begin", "rest"),
    [(b"", HEAD + 99 * b"x"), (HEAD, 99 * b"x"), (b"220 here", 90 * b"x"), (HANDSHAKE, 90 * b"x")],
)
def test_an_answer_that_trickles_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: bytes, rest: bytes
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    with trickling(begin, rest) as (address, taken):
        scheme = "https" if begin == HANDSHAKE else "http"
        message = MAIL if begin.startswith(b"220") else {**WEBHOOK, "url": f"{scheme}://{address}"}
        with pytest.raises(UndeliveredError) as problem:
            transport.send(message, address, tmp_path)
    assert problem.value.again
    assert not taken.is_set()


def test_what_is_connected_too_late_is_hung_up_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.05)
    own, other = socket.socketpair()
    own.settimeout(2)
    connected, received = iter([None]), list[bytes]()
    with own, other, pytest.raises(TimeoutError), transport._in_time(lambda: next(connected, own)):
        received.append(own.recv(1))
    assert received == [b""], "and nothing was waited for"


def test_mail_that_was_taken_is_sent_once_whatever_else_the_server_says(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb", buffering=0) as lines:
                lines.write(b"220 here\r\n")
                data = False
                for line in lines:
                    said.append(line.strip())
                    data = line == b"data\r\n" or (data and line != b".\r\n")
                    if line == b"quit\r\n":
                        lines.write(b"421 it is too late\r\n")
                    elif not data or line == b"data\r\n":
                        lines.write(b"354 go on\r\n" if data else b"250 fine\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        assert transport.send(MAIL, f"127.0.0.1:{server.getsockname()[1]}", tmp_path) == "The mail server took it."
        thread.join()
    assert said[-1] == b".", "an answer to QUIT is not waited for"


def test_an_address_of_ipv6_is_a_mail_server_too() -> None:
    assert transport.mail_server("[::1]:25") == ("::1", 25)


def test_an_attempt_that_a_kill_cuts_off_is_counted_and_told_of(tmp_path: Path) -> None:
    async def killed() -> Services:
        services: Services = create_app(tmp_path).state.services
        services.settings.delivery_pause = 0
        with services.store.transaction():
            outbox.send_due(services)
        return services  # before the attempt has got anywhere

    with (services := asyncio.run(killed())).store.transaction():
        outbox.put(services.store, "1", message=MAIL, about={"function": "f"})
    for _ in range(6):
        services = asyncio.run(killed())
    [row] = outbox.of_function(services.store, "1", "f")
    assert [each["message"] for each in row["lines"]] == [
        "Taken on.",
        "Attempt 1 of 3: Cut off; it may have been delivered. Tried again in 0 s.",
        "Attempt 2 of 3: Cut off; it may have been delivered. Tried again in 0 s.",
        "Attempt 3 of 3: Cut off; it may have been delivered. Given up.",
    ]
