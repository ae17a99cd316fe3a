"""A stack of a checkout with all that reviewing it needs: its state, its settings, a run of it, and a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ai_admin.review.state import State, pulumi, read
from ai_admin.run import Run
from ai_admin.safety import Followed
from ai_admin.stackfile import has_secret, settings
from providers.posthog.errors import UnreadableState
from providers.posthog.settings import KEY_VARIABLE, NAMESPACE, Settings


@dataclass(frozen=True)
class Reviewed:
    """A stack as a review looks at it."""

    root: Path
    stack: str
    settings: Settings
    state: State

    def run(self, warn: Callable[[str], None]) -> Run:
        """Return the preview of it that the program would make."""
        return Run(self.root, self.stack, self.settings, self.state.manifest or {}, self._followed, True, warn)

    def _followed(self, stack: str) -> Followed:
        try:
            return Followed(stack, read(self.root, stack).manifest, "nothing was applied to it yet")
        except UnreadableState as problem:
            return Followed(stack, None, str(problem))


def reviewed(root: Path, stack: str) -> Reviewed:
    """Return a stack of the checkout ``root``. Raises ``ConnectionProblem`` and :class:`UnreadableState`."""
    found = settings(root, stack)
    with ThreadPoolExecutor() as pool:
        state = pool.submit(read, root, stack)
        if not os.environ.get(KEY_VARIABLE) and has_secret(root, stack, "api_key"):
            found["api_key"] = _secret(root, stack, "api_key")
        return Reviewed(root, stack, Settings(found, os.environ), state.result())


def _secret(root: Path, stack: str, name: str) -> str | None:
    """Return a secret setting, which Pulumi alone can decrypt."""
    answer = pulumi(root, "config", "get", f"{NAMESPACE}:{name}", "--stack", stack)
    if answer.returncode:
        raise UnreadableState(f"{NAMESPACE}:{name} of {stack} can't be decrypted: {' '.join(answer.stderr.split())}")
    return answer.stdout.strip() or None
