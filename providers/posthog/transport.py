"""Requests on the wire: connections that are kept, proxies, TLS, and time limits."""

from __future__ import annotations

import json as jsonlib
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ProxySchemeUnknown, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from providers.posthog.answer import Answer, NoAnswer
from providers.posthog.connection import Connection, is_loopback

CONNECT, ANSWER = 5.0, 30.0
"""Seconds to wait for a connection, and for a whole answer."""

THREADS = 8
"""How many connections are kept: Pulumi's provider works with four threads."""


class Transport:
    """The way to one PostHog host. Safe for use from several threads."""

    def __init__(self, connection: Connection) -> None:
        """Take the way that the environment names; raises :class:`NoAnswer` when that leads nowhere."""
        self._host = connection.host
        self._headers = {
            "Authorization": f"Bearer {connection.api_key}",
            "User-Agent": "ai-admin",
            "Accept-Encoding": "gzip, deflate",
        }
        # A company's proxy that looks into TLS has a certificate of its own; this is the variable that people set.
        trusted = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
        options: dict[str, Any] = {
            "ca_cert_dir" if os.path.isdir(trusted) else "ca_certs": trusted,
            "maxsize": THREADS,
            "timeout": urllib3.Timeout(connect=CONNECT, read=ANSWER),
            "retries": False,
        }
        proxy = _proxy(connection.host)
        try:
            self._pool = urllib3.PoolManager(**options) if proxy is None else _through(proxy, options)
        except ProxySchemeUnknown:
            raise NoAnswer("the proxy that the environment names does not speak HTTP", hopeless=True) from None

    def send(self, method: str, path: str, json: Any, params: Mapping[str, str] | None) -> Answer:
        """Send one request, once, and return the answer; follows no redirect. Raises :class:`NoAnswer`."""
        address = f"{self._host}{path}{f'?{urlencode(params)}' if params else ''}"
        headers, body = self._headers, None
        if json is not None:
            headers = {**headers, "Content-Type": "application/json"}
            body = jsonlib.dumps(json, allow_nan=False).encode()
        try:
            response = self._pool.request(
                method, address, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                whole = _whole(response)
            except BaseException:
                response.close()  # half read: the next answer on this connection would begin with the rest of this one
                raise
            response.release_conn()
        except (HTTPError, OSError) as error:
            raise NoAnswer(_reason(error), hopeless=isinstance(error, SSLError)) from None
        return Answer(response.status, response.reason or "", response.headers, whole)


def _proxy(host: str) -> str | None:
    """Return the proxy that the environment names for a host, as an address.

    A proxy serves the way out, never the way to a sandbox on this machine.
    """
    parts = urlsplit(host)
    name = parts.hostname or ""
    if is_loopback(name) or proxy_bypass(name):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _through(proxy: str, options: Mapping[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy)
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=user), **options)


def _whole(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return the whole body; raises a timeout when it trickles for longer than :data:`ANSWER`."""
    until = time.monotonic() + ANSWER
    parts = []
    while part := response.read1(decode_content=True):
        parts.append(part)
        if time.monotonic() > until:
            raise TimedOut
    return b"".join(parts)


def _reason(error: Exception) -> str:
    if isinstance(error, SSLError):
        return "its certificate is not valid for this machine"
    if isinstance(error, NameResolutionError):
        return "its name does not resolve"
    if isinstance(error, NewConnectionError):
        return "the connection is refused" if "refused" in str(error) else "the connection broke"
    if isinstance(error, TimedOut):
        return f"timed out after {ANSWER:.0f} s"
    return "the connection broke"
