"""How many tokens each installation may still use today. A day is one of UTC, whatever the installation's time zone.

Kept in this process: a service of several processes keeps them where all of them look, in a database or a cache that
adds and compares in one step, behind the same three methods.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from typing import NamedTuple


class Grant(NamedTuple):
    """Tokens that one request may use; no other request can use them until it is settled."""

    installation: str
    day: date
    tokens: int


@dataclass
class _Account:
    day: date
    used: int = 0
    granted: int = 0


class Budgets:
    """The tokens of all installations. Any number of threads may use it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._accounts: dict[str, _Account] = {}
        self._lock = Lock()

    def grant(self, installation: str, *, of_day: int, of_request: int, at_least: int) -> Grant | None:
        """Return what a request may use, None where too little is left.

        Args:
            installation: who asks.
            of_day: how many tokens it may use today.
            of_request: how many one request may use.
            at_least: how many the request needs in any case.
        """
        with self._lock:
            account = self._today(installation)
            tokens = min(of_request, of_day - account.used - account.granted)
            if tokens < at_least:
                return None
            account.granted += tokens
            return Grant(installation, account.day, tokens)

    def settle(self, grant: Grant, used: int) -> None:
        """Give back what a request did not use of its grant. What it began yesterday counts for yesterday."""
        with self._lock:
            account = self._accounts[grant.installation]
            if account.day == grant.day:
                account.granted -= grant.tokens
                account.used += used

    def used(self, installation: str) -> int:
        """Return how many tokens an installation has used today."""
        with self._lock:
            return self._today(installation).used

    def _today(self, installation: str) -> _Account:
        today = self._now().astimezone(UTC).date()
        account = self._accounts.get(installation)
        # A clock that is put back must not bring back yesterday's tokens.
        if account is None or account.day < today:
            account = self._accounts[installation] = _Account(today)
        return account
