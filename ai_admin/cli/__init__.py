"""The command line, ``ai-admin``: one small module per command."""

from __future__ import annotations

import os
import signal
import sys
import time
from threading import Thread
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""Exit code: interrupted, as a shell has it."""
GRACE = 2.0
"""Seconds after an interrupt in which a command can end by itself."""


def main() -> NoReturn:
    """Run the command line and end the process: 0 all well, 1 problems found, 2 wrong use, 130 interrupted."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started it ignores interrupts
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from ai_admin.cli.commands import run

        run()
    except KeyboardInterrupt:  # also while modules are still being imported
        sys.exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, and end the process soon, unless something else handles interrupts by then.

    Python drops an exception that is raised in a callback of a library, and waits for threads that PostHog does not
    answer before it lets a process end.
    """
    Thread(target=_end, daemon=True).start()
    signal.default_int_handler(number, frame)


def _end() -> None:
    time.sleep(GRACE)
    if signal.getsignal(signal.SIGINT) is _interrupt:  # else they are handed to Pulumi, or taken in peace
        os._exit(INTERRUPTED)


def takes_its_time() -> None:
    """Let a command that was interrupted end by itself, however long that takes; the next interrupt ends it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
