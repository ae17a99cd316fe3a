"""Findings of the two nets, and the ones that are right as they are: `tests/upstream/settled.json`."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
"""`{"why": reason, "names": [name, ...]}`; a name may be a pattern (`*` for any text)."""

FOLDER = Path(__file__).parents[2] / "upstream"


@dataclass(frozen=True, order=True)
class Finding:
    """One difference between what PostHog publishes and what stands here; `name` is what a settled entry calls it."""

    name: str
    todo: str

    def __str__(self) -> str:
        return f"{self.name}: {self.todo}, or say in tests/upstream/settled.json why not"


def stored(file: str) -> Any:
    """Return what a file of tests/upstream holds."""
    return json.loads((FOLDER / file).read_text("utf-8"))


def unsettled(findings: Iterable[Finding], entries: Iterable[Entry]) -> list[str]:
    """Return a sentence for each finding that no entry has a reason for."""
    patterns = _patterns(entries)
    found = sorted(set(findings))
    return [str(each) for each in found if not any(fnmatch.fnmatchcase(each.name, pattern) for pattern in patterns)]


def idle(findings: Iterable[Finding], entries: Iterable[Entry]) -> list[str]:
    """Return a sentence for each name of an entry that there is no finding of."""
    names = {each.name for each in findings}
    gone = [pattern for pattern in _patterns(entries) if not any(fnmatch.fnmatchcase(name, pattern) for name in names)]
    return [f"{name}: there is no such difference (any more): take it out of settled.json" for name in gone]


def _patterns(entries: Iterable[Entry]) -> list[str]:
    return [pattern for entry in entries for pattern in entry["names"]]
