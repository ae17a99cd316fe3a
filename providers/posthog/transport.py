"""Requests over HTTP. A module of its own, since its imports take longer than the rest of the provider."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from providers.posthog.answer import Answer, NoAnswer
from providers.posthog.connection import CLIENT, Connection, is_loopback

CONNECT, ANSWER = 5.0, 30.0
"""Seconds to wait for a connection, and for a whole answer."""


class _Bearer(AuthBase):
    """The key as a header. An auth object and not a plain header, which an entry in a .netrc file would replace."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


class Transport:
    """The HTTP connection to one PostHog host. Safe for several threads: each has its own session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._local = threading.local()

    def send(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None, patience: float = ANSWER
    ) -> Answer:
        """Send one request, once, and return the answer; follows no redirect. Raises :class:`NoAnswer`.

        ``patience`` is how many seconds the whole answer may take, where that is less than :data:`ANSWER`.
        """
        within = min(ANSWER, patience)
        until = time.monotonic() + within
        connecting = min(CONNECT, within)
        try:
            with self._session().request(
                method,
                self._connection.host + path,
                json=json,
                params=params,
                timeout=(connecting, within),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _whole(response, until)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            seconds = connecting if isinstance(error, requests.exceptions.ConnectTimeout) else within
            raise NoAnswer(_reason(error, seconds), hopeless=isinstance(error, _HOPELESS)) from None
        return Answer(response.status_code, response.reason or "", response.headers, body)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = _Bearer(self._connection.api_key)
            # A proxy is for other hosts, never for a sandbox on this machine.
            session.trust_env = not is_loopback(urlsplit(self._connection.host).hostname or "")
            session.headers["User-Agent"] = CLIENT
            session.headers["X-PostHog-Client"] = CLIENT  # what newer versions write into their activity log
            self._local.session = session
        return session


def _whole(response: requests.Response, until: float) -> bytes:
    """Return the whole body; raises a timeout when it still trickles at a moment of ``time.monotonic``."""
    parts = []
    while part := response.raw.read1(decode_content=True):
        parts.append(part)
        if time.monotonic() > until:
            raise requests.exceptions.ReadTimeout
    return b"".join(parts)


_HOPELESS = (requests.exceptions.SSLError, requests.exceptions.InvalidSchema, requests.exceptions.InvalidProxyURL)
"""What another try would not mend."""


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid for this machine"
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidProxyURL):
        return "the proxy that the environment names does not speak HTTP"
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return f"timed out after {seconds:.0f} s"
    if "NameResolution" in repr(error) or "getaddrinfo" in repr(error):
        return "its name does not resolve"
    if "refused" in repr(error):
        return "the connection is refused"
    return "the connection broke"
