"""A refusal: one rule that a run breaks."""

from __future__ import annotations

from dataclasses import dataclass

from providers.posthog.consents import TO_CONSENT

SHOWN = 8


@dataclass(frozen=True)
class Refusal:
    """What is wrong, with figures; the resources that it is about; and the consent that lets it pass."""

    what: str
    about: tuple[str, ...]
    code: str

    def __str__(self) -> str:
        more = len(self.about) - SHOWN
        shown = ", ".join(self.about[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"{self.what}: {shown}; {TO_CONSENT.format(self.code)}"
