"""JSON over HTTP, and what the commands need of GitHub and GitLab alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

PAGE = 100
"""Items of a page, the most that both give."""


class ForgeError(Exception):
    """A request that failed, in one line."""


class Api:
    """Requests to one project's API."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._address = address
        self._headers = headers

    def read(self, path: str) -> bytes:
        """Return what a path holds. Raises :class:`ForgeError`."""
        return self._send("GET", path, None)

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON of a path. Raises :class:`ForgeError`."""
        return json.loads(self.read(f"{path}?{urlencode(query)}" if query else path))

    def every(self, path: str, inside: str = "", **query: str) -> Iterator[Any]:
        """Yield the items of all pages; ``inside`` is the key of the list where the page is a mapping."""
        page = 1
        while True:
            found = self.get(path, **query, per_page=str(PAGE), page=str(page))
            items = found[inside] if inside else found
            yield from items
            if len(items) < PAGE:
                return
            page += 1

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Write. Raises :class:`ForgeError`."""
        self._send(method, path, json.dumps(body).encode())

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        request = Request(f"{self._address}/{path}", body, {"Content-Type": "application/json"}, method=method)
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # an artifact is elsewhere, where no token belongs
        try:
            with urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except HTTPError as problem:
            raise ForgeError(f"{method} {path}: {problem.code} {problem.read(500).decode(errors='replace')}") from None
        except URLError as problem:
            raise ForgeError(f"{method} {path}: {problem.reason}") from None


@dataclass(frozen=True)
class Text:
    """A comment or an issue that a machine wrote."""

    id: int
    text: str


@dataclass(frozen=True)
class Pull:
    """A pull request that was merged."""

    number: int
    head: str
    """The commit that was reviewed."""
    merged_at: str
    """ISO 8601. What was made later nobody reviewed."""


class Forge(Protocol):
    """What GitHub and GitLab both have."""

    def comments(self, pull: int) -> Iterator[Text]:
        """Yield what machines commented on a pull request."""

    def comment(self, pull: int, text: str, id_: int | None) -> None:
        """Write a comment, or another text into one."""

    def issues(self, label: str) -> Iterator[Text]:
        """Yield the open issues with a label."""

    def issue(self, title: str, text: str, label: str, id_: int | None) -> None:
        """Open an issue, or write another text into one."""

    def close(self, id_: int) -> None:
        """Close an issue."""

    def merged(self, commit: str) -> Pull | None:
        """Return the pull request that a commit merged into this branch; None where it was pushed without one."""

    def plan(self, pull: Pull, stack: str) -> bytes | None:
        """Return the last plan that was made for a pull request before the merge; None where there is none any more."""
