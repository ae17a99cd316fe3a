"""Runs at the start of each Python of `.venv`, before anything else; `venv.py` copies it there.

A provider process waits for its engine's requests for ever. What notices that the engine is gone
(`providers/posthog/engine.py`) is imported with the first request, so where the engine ends before that, as in
`pulumi preview | head -1`, nothing did, and the process stayed. The SDK leaves no other place: the engine
starts `python -m pulumi.dynamic`. It must import nothing of ours, since a `.venv` may be lent to another checkout.
"""

import os
import select
import sys
import threading


def end_with_the_reader() -> None:
    """Ends this process once nobody can read its standard output any more: the engine does until it ends."""
    poll = select.poll()
    poll.register(sys.__stdout__.fileno() if sys.__stdout__ else 1, 0)
    poll.poll()  # events that are not asked for: the other end is closed
    os._exit(1)


if "pulumi.dynamic" in sys.orig_argv and hasattr(select, "poll"):
    threading.Thread(target=end_with_the_reader, daemon=True).start()
