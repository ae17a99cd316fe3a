"""What comes back from PostHog. Apart from the transport, which takes long to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """What PostHog answered, whatever it says. The names of ``headers`` know no case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(Exception):
    """There was no whole answer. Why, in half a sentence; ``hopeless``: trying again is no use."""

    def __init__(self, reason: str, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.hopeless = hopeless
