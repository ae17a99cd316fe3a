"""What comes back from PostHog. Apart from the transport, which takes long to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """An answer of PostHog, with any status. The names in ``headers`` are case-insensitive."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Exception):
    """There was no complete answer. The text is the reason; ``hopeless``: another attempt can't succeed."""

    def __init__(self, reason: str, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.hopeless = hopeless
