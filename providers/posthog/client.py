"""HTTP to PostHog: authentication, paging, retries and errors. Knows no kinds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from providers.posthog.connection import KEY_VARIABLE, Connection, is_loopback

TIMEOUT = (5.0, 30.0)
"""Seconds to wait for a connection, and for an answer."""

ATTEMPTS = 5
PAGE = 100


class ApiError(Exception):
    """PostHog refused a request, or gave no answer. The text is one line for the person who must act."""

    def __init__(
        self,
        message: str,
        status: int | None = None,
        code: str = "",
        attr: str = "",
        answer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.answer = answer or {}
        self.status = status
        self.code = code
        self.attr = attr

    @property
    def outcome_unknown(self) -> bool:
        """Whether PostHog may have carried the request out all the same: no answer, or a failure on its side."""
        return self.status is None or self.status >= 500


class _Retry(Retry):
    """Retries what is safe to repeat: reads and changes after a passing failure, anything after 429.

    A throttled request was not carried out, so even a POST may be repeated. A POST with another failure may have been
    carried out: repeating it blindly would make a second object.
    """

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return status_code == 429 or super().is_retry(method, status_code, has_retry_after)


class _Bearer(AuthBase):
    """The key as a header. An auth object and not a plain header, which an entry in a .netrc file would replace."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


class Client:
    """One PostHog project over HTTP. Safe for use from several threads: each has a session of its own."""

    def __init__(
        self, connection: Connection, attempts: int = ATTEMPTS, before_write: Callable[[], None] = lambda: None
    ) -> None:
        """Use ``connection``; repeat a request up to ``attempts`` times; call ``before_write`` before each write."""
        self.connection = connection
        self._attempts = attempts
        self._before_write = before_write
        self._local = threading.local()

    def project_path(self, path: str) -> str:
        """Return the path of something in the project, with the trailing slash that PostHog's routes need."""
        return f"/api/projects/{self.connection.project_id}/{path.strip('/')}/"

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """GET and return the answer's JSON; raises :class:`ApiError`."""
        return self.request("GET", path, params=params)

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, following PostHog's own ``next`` links (some carry cursors).

        Raises :class:`ApiError`, also when a link leads to another host: the key is not sent there.
        """
        answer = self.get(path, {"limit": str(PAGE), **(params or {})})
        while True:
            yield from answer["results"] if isinstance(answer, dict) else answer
            following = answer.get("next") if isinstance(answer, dict) else None
            if not following:
                return
            here, there = urlsplit(self.connection.host), urlsplit(following)
            if there.netloc != here.netloc:
                raise ApiError(f"PostHog's next page is on another host ({there.netloc}); set host to that address")
            answer = self.get(f"{there.path}?{there.query}")

    def request(
        self, method: str, path: str, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """Send one request and return the answer's JSON (None when it has no body).

        Retries passing failures within a bounded number of attempts and honours Retry-After.

        Raises :class:`ApiError` with PostHog's own message; ``status`` is None when there was no answer.
        """
        if method != "GET":
            self._before_write()
        try:
            response = self._session().request(
                method,
                self.connection.host + path,
                json=json,
                params=params,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ApiError(f"no answer from {self.connection.host}: {_reason(error)}") from None
        if response.is_redirect:
            raise ApiError(f"{self.connection.host} redirects to {response.headers['Location']}; set host to that")
        if response.ok:
            return response.json() if response.content else None
        raise self._refusal(method, path, response)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            retry = _Retry(
                total=self._attempts,
                backoff_factor=0.5,
                backoff_jitter=0.5,
                status_forcelist=(502, 503, 504),
                allowed_methods=("GET", "PATCH", "PUT", "DELETE"),
                raise_on_status=False,
            )
            session = requests.Session()
            session.auth = _Bearer(self.connection.api_key)
            # A proxy serves the way out, never the way to a sandbox on this machine.
            session.trust_env = not is_loopback(urlsplit(self.connection.host).hostname or "")
            session.headers["User-Agent"] = "ai-admin"
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            self._local.session = session
        return session

    def _refusal(self, method: str, path: str, response: requests.Response) -> ApiError:
        status = response.status_code
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        if not isinstance(answer, dict):
            answer = {}
        detail = next((answer[name] for name in ("detail", "error", "message") if answer.get(name)), "")
        code, attr = str(answer.get("code") or ""), str(answer.get("attr") or "")
        if status == 401:
            message = (
                f"{self.connection.host} does not accept this personal API key: it is wrong, expired or deleted; "
                f"put a valid one into {KEY_VARIABLE}"
            )
        else:
            said = f"{attr}: {detail}" if attr else str(detail or response.reason)
            message = f"PostHog answered {status} to {method} {path.split('?')[0]}: {' '.join(said.split())}"
        return ApiError(message, status, code, attr, answer)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid for this machine"
    if isinstance(error, requests.exceptions.Timeout):
        return f"timed out after {TIMEOUT[1]:.0f} s"
    if isinstance(error, requests.exceptions.RetryError):
        return "it kept failing"
    if "NameResolution" in repr(error) or "getaddrinfo" in repr(error):
        return "its name does not resolve"
    if "refused" in repr(error):
        return "the connection is refused"
    return "the connection broke"
