"""Whether an older commit would be applied over a newer one."""

from __future__ import annotations

import json
import subprocess
from subprocess import CompletedProcess

from tools.forge.api import ForgeError

SHALLOW = "this clone lacks older commits; give the checkout `fetch-depth: 0` (GitLab: `GIT_DEPTH: 0`)"


def newer(history: str, commit: str, branch: str) -> str | None:
    """Return the commit of a branch that was applied to a stack last, if this one is among its ancestors; else None.

    A commit of another branch, or one that is not in this clone, was applied by hand, and the branch takes it back.

    Args:
        history: the stack's, as `pulumi stack history --output json` prints it: the newest first. With an update Pulumi
            keeps the commit of the checkout that ran it, also when it failed.
        commit: what is to be applied.
        branch: whose commits are applied.

    Raises:
        ForgeError: it is no history, or the clone is shallow and so lacks the ancestors.
    """
    try:
        updates = [each["environment"] for each in json.loads(history) if each["kind"] == "update"]
    except ValueError:
        raise ForgeError("`pulumi stack history` printed no history") from None
    last = next((found for each in updates if (found := each.get("git.head"))), None)
    if last is None or last == commit:
        return None
    shallow = _git("rev-parse", "--is-shallow-repository")
    if shallow.stdout.strip() != "false":
        raise ForgeError(shallow.stderr.strip() or SHALLOW)
    # 0: it is one, 1: it is none, anything else: Git does not know one of the two.
    older = _git("merge-base", "--is-ancestor", commit, last).returncode == 0
    elsewhere = _git("merge-base", "--is-ancestor", last, f"refs/remotes/origin/{branch}").returncode == 1
    return last if older and not elsewhere else None


def _git(*arguments: str) -> CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
