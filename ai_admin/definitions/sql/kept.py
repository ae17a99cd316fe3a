"""The answers of PostHog's parser, stored in the user's cache: an ordinary query takes it a tenth of a second."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

_version = cache(version)
_SLOW = 0.002
"""Seconds; what is parsed faster is not worth a file."""
_TOO_SLOW_FOR = 24 * 3600
"""Seconds for which a text counts as too slow: it was measured in the processor's time of one machine, on one day."""


class TooSlow(Exception):
    """The parser needs more time for a text than it is given."""


def kept(text: str, form: str, parse: Callable[[str, str], str]) -> Any:
    """Return the parser's answer for a text, from the cache if it is there; the cache may be missing or unusable.

    Nothing else that the parser raises is kept than TooSlow, and this for a day.

    Raises TooSlow, RecursionError for a tree that Python can't read, and what the parser raises.
    """
    file = _folder() / f"{sha256(f'{form} {text}'.encode()).hexdigest()}.json"
    try:
        answer = json.loads(file.read_text("utf-8"))
        fresh = answer is not None or time.time() - file.stat().st_mtime < _TOO_SLOW_FOR
    except (OSError, ValueError):
        fresh = False
    if not fresh:
        answer = _asked(text, form, parse, file)
    if answer is None:
        raise TooSlow
    return answer


def _asked(text: str, form: str, parse: Callable[[str, str], str], file: Path) -> Any:
    """Return the parser's answer, None where it needs too much time; keep it if it took long."""
    started = time.perf_counter()
    try:
        answer = parse(text, form)
    except TooSlow:
        answer = "null"
    if time.perf_counter() - started > _SLOW:
        _keep(file, answer)
    return json.loads(answer)


def _folder() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(chosen) if chosen.startswith("/") else Path(os.path.expanduser("~")) / ".cache"
    return base / "ai-admin" / f"hogql-{_version('hogql-parser')}"


def _keep(file: Path, answer: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as new:
            new.write(answer)
        Path(new.name).replace(file)
    except OSError:
        return
