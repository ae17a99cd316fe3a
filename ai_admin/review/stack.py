"""A stack of a checkout with all that reviewing it needs: its state, its settings, a run of it, and a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ai_admin.review.state import State, read
from ai_admin.run import Run
from ai_admin.safety.applied import Manifest
from ai_admin.safety.following import Followed
from providers.posthog.errors import UnreadableState
from providers.posthog.session import Session
from providers.posthog.settings import KEY_VARIABLE, Settings
from providers.posthog.stackfile import StackFile

BROKEN = "files have problems, as `ai-admin check` lists"
"""Why it is not known what becomes of what the other files do not define."""

Waiting = Callable[[str], None]
"""Shows the user a line about a wait for PostHog, while it is waited."""


@dataclass(frozen=True)
class Reviewed:
    """A stack as a review looks at it."""

    root: Path
    stack: str
    settings: Settings
    state_of: Callable[[], State]
    """Waits for the state. Raises :class:`UnreadableState`."""
    waiting: Waiting = lambda _: None

    @property
    def state(self) -> State:
        """What was applied last. Raises :class:`UnreadableState`."""
        return self.state_of()

    def run(self, warn: Callable[[str], None], last: Manifest) -> Run:
        """Return the preview that the program would make; ``last`` is what was applied last."""
        return Run(self.root, self.stack, self.settings, last, self.followed, True, warn)

    def session(self, warn: Callable[[str], None]) -> Session:
        """Return a session of the stack; ``warn`` takes what the provider would show."""
        session = Session(warn, waiting=self.waiting)
        session.configure(self.settings)
        return session

    def followed(self, stack: str) -> Followed:
        """Return what was applied to another stack."""
        try:
            return Followed(stack, read(self.root, stack).manifest, "nothing was applied to it yet")
        except UnreadableState as problem:
            return Followed(stack, None, str(problem))


def reviewed(root: Path, stack: str, waiting: Waiting = lambda _: None) -> Reviewed:
    """Return a stack of the checkout ``root``, whose state Pulumi goes on to read.

    ``waiting`` shows the user that PostHog is waited for.

    Raises ``ConnectionProblem`` and :class:`UnreadableState`.
    """
    file = StackFile(root, stack)
    found = file.settings()
    pool = ThreadPoolExecutor(1)
    state = pool.submit(read, root, stack)
    pool.shutdown(wait=False)
    if not os.environ.get(KEY_VARIABLE) and file.has_secret("api_key"):
        found["api_key"] = file.secret("api_key")
    return Reviewed(root, stack, Settings(found, os.environ), state.result, waiting)
