"""Sending a message: HTTP or e-mail, to this machine only.

What can be sent is `{"by": "http", "method", "url", "headers", "body", "slack"}` or `{"by": "mail", "to", "subject",
"text"}`. No error speaks of an address: a webhook's is a secret.
"""

import http.client
import json
import smtplib
import socket
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.storage.store import Data

TIMEOUT = 5.0  # of an attempt, and not of each read: an answer may trickle
AGAIN = 0.1  # until the next look at what is late: it may not have been connected yet
MOST_BYTES = 1_000_000  # of an answer that are read
SENDER = "PostHog sandbox <alerts@sandbox.example>"
ELSEWHERE = "Refused: the sandbox sends to this machine (a loopback address) only."


class UndeliveredError(Exception):
    """A message that was not delivered, and whether another attempt makes sense."""

    def __init__(self, text: str, again: bool = False) -> None:
        super().__init__(text)
        self.text, self.again = text, again


def send(message: Data, smtp: str, mailbox: Path) -> str:
    """Send a message now, which takes time.

    Args:
        message: what is sent. smtp: `host:port` of a server for e-mail, "" for none. mailbox: the folder that e-mail is
            put into instead.

    Returns:
        What happened, as a log says it.

    Raises:
        UndeliveredError: it was not delivered.
    """
    return _mail(message, smtp, mailbox) if message["by"] == "mail" else _http(message)


def mail_server(address: str) -> tuple[str, int]:
    """The host and port of a `host:port` on this machine. Raises ValueError."""
    found = urlsplit(f"//{address}")
    with suppress(ValueError):  # the port is no number
        if found.netloc == address and found.port and _is_here(found.hostname):
            return str(found.hostname), found.port
    raise ValueError(f"smtp must be a host:port on this machine, such as 127.0.0.1:1025, not {address!r}")


@contextmanager
def _in_time(find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Hang up where it takes too long; `find` gives what is connected then. Raises TimeoutError."""
    late, over = threading.Event(), threading.Event()

    def hang_up() -> None:
        patience = TIMEOUT
        while not over.wait(patience):
            late.set()
            connected, patience = find(), AGAIN
            if connected is not None:
                with suppress(OSError):  # it is over
                    connected.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=hang_up, daemon=True).start()
    try:
        yield
    finally:
        over.set()
    if late.is_set():  # what was cut off may look whole
        raise TimeoutError


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


# HTTP --------------------------------------------------------------------------------------------------------


def _http(message: Data) -> str:
    """A request without redirects and without proxies, either of which could lead elsewhere."""
    try:
        address = urlsplit(str(message["url"]))
        host, port, scheme = address.hostname, address.port, address.scheme
    except ValueError as error:
        raise UndeliveredError("The address is no URL.") from error
    if scheme not in ("http", "https"):
        raise UndeliveredError("The address is no URL of http or https.")
    if not _is_here(host):
        raise UndeliveredError(ELSEWHERE)
    assert host is not None
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=TIMEOUT)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    body = None if message["method"] == "GET" else _body(message["body"])
    own: socket.socket | None = None
    try:
        with _in_time(lambda: own):
            http.client.HTTPConnection.connect(connection)  # of HTTPS, too, whose handshake is another wait
            # The connection forgets its socket while hands are shaken, and where the answer ends with it.
            own = connection.sock.dup()
            if scheme == "https":
                connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
            connection.request(message["method"], path, body, {name: str(value) for name, value in message["headers"]})
            answer = connection.getresponse()
            text = answer.read(MOST_BYTES)
    except OSError as error:  # first: one about a certificate is a ValueError, too
        raise UndeliveredError(f"No answer: {error.strerror or type(error).__name__}.", again=True) from error
    except (ValueError, http.client.InvalidURL) as error:
        raise UndeliveredError("The method, the address or a header can't be sent.") from error
    except http.client.HTTPException as error:
        raise UndeliveredError(f"No answer: {type(error).__name__}.", again=True) from error
    finally:
        connection.close()
        if own is not None:
            own.close()
    if answer.status >= 400:
        again = answer.status >= 500 or answer.status in (408, 429)
        raise UndeliveredError(f"The answer was {answer.status}.", again)
    if message["slack"] and not _is_ok(text):
        raise UndeliveredError("Slack refused the message.")
    return f"The answer was {answer.status}."


def _body(body: Any) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()


def _is_ok(text: bytes) -> bool:
    """Whether Slack's answer, which is always a 200, is not a refusal."""
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("ok") is True


# E-mail ------------------------------------------------------------------------------------------------------


def _mail(message: Data, smtp: str, mailbox: Path) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"] = SENDER, message["to"]
    mail["Subject"] = " ".join(str(message["subject"]).split())
    mail.set_content(message["text"])
    if not smtp:
        mailbox.mkdir(parents=True, exist_ok=True)
        name = f"{uuid.uuid4()}.eml"
        (mailbox / name).write_bytes(mail.as_bytes())
        return f"Put into the mailbox as {name}."
    # Not as a context manager: that waits for an answer to QUIT, with which nothing is taken or refused any more.
    server = smtplib.SMTP(timeout=TIMEOUT)
    try:
        with _in_time(lambda: server.sock):
            server.connect(*mail_server(smtp))
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UndeliveredError(f"The mail server did not take it: {reason}.", again=True) from error
    finally:
        server.close()
    return "The mail server took it."
