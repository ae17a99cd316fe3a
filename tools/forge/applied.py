"""Whether an older commit would be applied over a newer one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from tools.forge.api import ForgeError

SHALLOW = "this clone lacks older commits; give the checkout `fetch-depth: 0` (GitLab: `GIT_DEPTH: 0`)"


def newer(history: Iterable[Mapping[str, Any]], commit: str) -> str | None:
    """Return the commit that was applied to a stack last, if it has this one among its ancestors; else None.

    ``history`` is the stack's as `pulumi stack history --output json` prints it, the newest first. With an update
    Pulumi keeps the commit of the checkout that ran it, also when it failed. A commit that is not in this clone was
    applied by hand from somebody's own, so that nothing is known of it. Raises :class:`ForgeError` in a shallow clone,
    which lacks the ancestors.
    """
    updates = (each["environment"] for each in history if each["kind"] == "update")
    last = next((found for each in updates if (found := each.get("git.head"))), None)
    if last is None or last == commit:
        return None
    shallow = _git("rev-parse", "--is-shallow-repository")
    if shallow.stdout.strip() != "false":
        raise ForgeError(shallow.stderr.strip() or SHALLOW)
    return last if _git("merge-base", "--is-ancestor", commit, last).returncode == 0 else None


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
