"""HTTP to PostHog: authentication, paging, limits, repeats and errors. Knows no kinds."""

from __future__ import annotations

import json as jsonlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from providers.posthog.answer import Answer, NoAnswer
from providers.posthog.connection import Connection, same_host
from providers.posthog.errors import ApiError
from providers.posthog.limits import HOUR, Clock, Limiter, Wait, span
from providers.posthog.settings import KEY_VARIABLE

if TYPE_CHECKING:
    from providers.posthog.transport import Transport

ATTEMPTS = 5
BACKOFF = (0.5, 8.0)
"""Seconds to wait at most after the first failure, which double after each further one, and the upper limit."""

AS_LONG_AS_IT_TAKES = 2 * HOUR
"""Seconds that a request waits in all: the longest limit is an hour's, and another run may be quicker after it."""

LONG = 5.0
"""The least seconds of waiting that are shown, of one wait or of the sum of short ones."""

SILENT = 45.0
"""Seconds after which a host that has given no answer yet is not tried again: it is down, or is no PostHog."""

LEAST = 1.0
"""Seconds for an answer to a request that is sent after patience has run out: it is sent once anyway."""

SETTLED = 2.0
"""Seconds after which a write is in every answer: PostHog answers some reads from replicas."""

PAGE = 100
REPEATABLE = frozenset({"GET", "PATCH", "PUT", "DELETE"})
"""Methods with the same result if they are carried out twice."""

_ASKING = ("/query/", "/flags/", "/user_blast_radius/")
"""A POST to a path with this end changes nothing, like a GET."""


@dataclass
class _Shared:
    """What all clients of one connection share, however long each of them waits. Guarded by ``lock``."""

    connection: Connection
    written: float
    """When something was written last."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    waited: float = 0.0
    """Seconds of all waits so far."""
    waiting_until: float = 0.0
    warned_until: float = 0.0
    told_next: float = LONG
    """The sum of short waits, in seconds, at which the next message is shown."""
    answered: bool = False
    """Whether the host has given any answer yet."""
    vain_since: dict[bool, float] = field(default_factory=dict)
    """When the first request without an answer since the last answer was sent, of reads (True) and of writes apart:
    answers to reads do not extend the wait for a write."""

    @cached_property
    def transport(self) -> Transport:
        # Only now: its import takes longer than the rest of the provider, and not every process sends requests.
        from providers.posthog.transport import Transport

        return Transport(self.connection)


class Client:
    """One PostHog project over HTTP. Safe for use from several threads."""

    def __init__(
        self,
        connection: Connection,
        before_write: Callable[[], None] = lambda: None,
        warn: Callable[[str], object] = lambda _: None,
        clock: Clock | None = None,
        made: int = 0,
        patience: float = AS_LONG_AS_IT_TAKES,
        page: int = PAGE,
        in_all: bool = False,
    ) -> None:
        """Use ``connection``; call ``before_write`` before each write.

        ``warn`` shows the user a line before a long wait, and whenever short ones have added up to twice as much as
        was told before; ``clock`` measures waits. ``made`` is how many requests another process of this run has just
        made with the same key. ``patience`` is how many seconds a request waits and is tried in all, and with
        ``in_all`` all requests together that get no answer one after the other; ``page`` is how many items a list is
        asked for at once.
        """
        self.connection = connection
        self._before_write = before_write
        self._patience = patience
        self._page = page
        self._in_all = in_all
        self._warn = warn
        self._clock = clock or Clock()
        self._limiter = Limiter(self._clock, self._is_limited, made)
        self._shared = _Shared(connection, self._clock.now())

    def hurried(self, patience: float) -> Client:
        """Return this client with less patience, for requests that a command can do without.

        ``patience`` is how many seconds each of its requests waits in all. Everything else is shared: the limits, the
        time of the last write, the messages shown, and the connections.
        """
        hurried = copy(self)
        hurried._patience = patience
        return hurried

    def least(self, path: str, number: int) -> float:
        """Return how many seconds this number of further requests to a path takes at least, by PostHog's limits."""
        return self._limiter.least(path, number)

    def project_path(self, path: str) -> str:
        """Return the path of something in the project, with the trailing slash that PostHog's routes need."""
        return f"/api/projects/{self.connection.project_id}/{path.strip('/')}/"

    def project(self) -> dict[str, Any]:
        """Return the project as PostHog describes it; raises :class:`ApiError`."""
        found: dict[str, Any] = self.get(f"/api/projects/{self.connection.project_id}/")
        return found

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """GET and return the answer's JSON; raises :class:`ApiError`."""
        return self.request("GET", path, params=params)

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, following PostHog's own ``next`` links (some carry cursors).

        Raises :class:`ApiError`, also when a link leads to another host: the key is not sent there.
        """
        answer = self.get(path, {"limit": str(self._page), **(params or {})})
        while True:
            items = answer.get("results") if isinstance(answer, dict) else answer
            if not isinstance(items, list):
                raise ApiError(f"the answer to GET {path} has no list in it", hopeless=True, reading=True)
            yield from items
            following = answer.get("next") if isinstance(answer, dict) else None
            if not following:
                return
            there = urlsplit(following)
            # Not the scheme, which PostHog may not know behind a proxy: the request goes to our host.
            if there.netloc and _place(following) != _place(self.connection.host):
                other = same_host(following)
                raise ApiError(f"PostHog's next page is on another host ({other}); set host to that address")
            answer = self.get(f"{there.path}?{there.query}")

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> Any:
        """Send one request and return the answer's JSON (None when it has no body).

        Waits for PostHog's limits, and as long as PostHog says. If the connection or PostHog fails, the request is sent
        again if it is ``repeatable`` (default: by the method; a repeated POST might create a second object).

        Raises :class:`ApiError` with PostHog's own message; ``status`` is None when there was no answer.
        """
        repeatable = method in REPEATABLE if repeatable is None else repeatable
        deadline, began = self._deadline(_is_reading(method, path)), self._clock.now()
        failures, lost = 0, None
        while True:
            while wait := self._limiter.enter(path):
                self._pause(wait, deadline, lost)
            sent = self._clock.now()
            try:
                return self._counted(method, path, json, params, deadline)
            except ApiError as error:
                if error.status == 429:
                    self._limiter.shut(path, error.retry_after)
                    continue
                failures += 1
                failed = self._clock.now()
                if not (error.outcome_unknown and repeatable) or failures == ATTEMPTS:
                    raise
                if not self._shared.answered and failed - began > SILENT:
                    raise
                lost = error
                first, longest = BACKOFF
                backoff = min(first * 2 ** (failures - 1), longest) * random.uniform(0.5, 1)
                wait = Wait(max(backoff, error.retry_after or 0), f"{error}; trying again")
                self._pause(wait, deadline, lost, failed - sent)

    def _deadline(self, reading: bool) -> float:
        """Return until when a request that begins now is tried."""
        now, shared = self._clock.now(), self._shared
        with shared.lock:
            shared.vain_since.setdefault(reading, now)
            return (min(shared.vain_since.values()) if self._in_all else now) + self._patience

    def settle(self) -> None:
        """Wait until every earlier write, also one from before this process, is in every answer of PostHog."""
        with self._shared.lock:
            left = self._shared.written + SETTLED - self._clock.now()
        if left > 0:
            self._clock.sleep(left)

    def _is_limited(self) -> bool:
        """Ask the server whether it is PostHog Cloud; PostHog does not count this request (posthog/views.py:
        ``preflight_check``).

        Only a server that says that it is not PostHog Cloud may have no limits; if that is unknown the limits apply.
        """
        try:
            answer = self._send("GET", "/_preflight/", None, None)
        except ApiError:
            return True
        return not (isinstance(answer, dict) and answer.get("cloud") is False)

    def _pause(self, wait: Wait, deadline: float, lost: ApiError | None, spent: float = 0.0) -> None:
        """Wait, or give up; PostHog may have carried out what it was asked before and whose answer was ``lost``.

        ``spent`` is how many seconds that answer was waited for.
        """
        now = self._clock.now()
        if now + wait.seconds > deadline:
            raise lost or ApiError(f"given up instead of {wait}; run again later", 429)
        if told := self._told(wait, now, spent):
            self._warn(told)
        self._clock.sleep(wait.seconds)

    def _told(self, wait: Wait, now: float, spent: float) -> str:
        """Return what the user is told of a wait; empty where it is short, or known already."""
        shared = self._shared
        with shared.lock:
            # Threads that wait at the same time count once, and share one line.
            until = max(shared.waiting_until, now + wait.seconds)
            shared.waited += until - max(shared.waiting_until, now - spent)
            shared.waiting_until = until
            new = spent + wait.seconds >= LONG and now >= shared.warned_until
            if new:
                shared.warned_until = now + wait.seconds
            elif shared.waited < shared.told_next:
                return ""
            shared.told_next = 2 * shared.waited
            if new:
                return str(wait) if wait.seconds >= LONG else wait.reason
            return f"still waiting, {span(shared.waited)} in all so far: {wait.reason}"

    def _counted(
        self, method: str, path: str, json: Any, params: Mapping[str, str] | None, deadline: float
    ) -> Any:
        try:
            return self._send(method, path, json, params, deadline - self._clock.now())
        finally:
            self._limiter.leave(path)

    def _send(
        self,
        method: str,
        path: str,
        json: Any,
        params: Mapping[str, str] | None,
        patience: float = AS_LONG_AS_IT_TAKES,
    ) -> Any:
        reading = _is_reading(method, path)
        try:
            if not reading:
                self._before_write()
            answer = self._shared.transport.send(method, path, json, params, max(patience, LEAST))
        except NoAnswer as error:
            raise self._no_answer(reading, str(error), error.hopeless) from None
        finally:
            if not reading:
                with self._shared.lock:
                    self._shared.written = self._clock.now()
        self._shared.answered = True
        if answer.status < 500 and answer.status not in (408, 429):
            with self._shared.lock:
                for each in (True, reading):
                    self._shared.vain_since.pop(each, None)
        if answer.status >= 300:
            raise self._refusal(method, path, answer)
        if answer.status == 204:
            return None
        try:
            return jsonlib.loads(answer.body)
        except ValueError:
            raise self._no_answer(reading, "its answer broke off") from None

    def _no_answer(self, reading: bool, reason: str, hopeless: bool = False) -> ApiError:
        said = f"no answer from {self.connection.host}: {reason}"
        return ApiError(said, hopeless=hopeless, reading=reading)

    def _refusal(self, method: str, path: str, refused: Answer) -> ApiError:
        status = refused.status
        address = refused.headers.get("Location")
        if status < 400 and address:
            other = same_host(address)
            if urlsplit(address).netloc and other != self.connection.host:
                return ApiError(f"{self.connection.host} redirects to {other}; set host to that", status)
            return ApiError(f"PostHog answered {status} to {method} {path.split('?')[0]}: see {address}", status)
        try:
            answer = jsonlib.loads(refused.body)
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
            said = f"{attr}: {detail}" if attr else str(detail or refused.reason)
            message = f"PostHog answered {status} to {method} {path.split('?')[0]}: {' '.join(said.split())}"
        retry_after = _seconds(refused.headers.get("Retry-After"))
        return ApiError(message, status, code, attr, answer, retry_after, reading=_is_reading(method, path))


def _place(address: str) -> str:
    return urlsplit(same_host(address)).netloc


def _is_reading(method: str, path: str) -> bool:
    return method == "GET" or (method == "POST" and path.endswith(_ASKING))


def _seconds(retry_after: str | None) -> float | None:
    """Return what a Retry-After header says, in seconds; it holds seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
