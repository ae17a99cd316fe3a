"""A checkout with a past: definitions that commits of several people changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ANA, BEN = "Ana <ana@example.com>", "Ben <ben@example.com>"
"""People who commit."""

FLAG = """\
key: {key}
owner: ai-platform
release_conditions:
  - description: Everybody
    rollout_percentage: {share}
"""


class Checkout:
    """A checkout with Git; each commit is a day later than the one before, from 1 October 2026 on, at noon."""

    def __init__(self, folder: Path, *stacks: str) -> None:
        self.folder = folder
        self.days = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.write("Pulumi.yaml", "name: ai-admin\n")
        for stack in stacks:
            self.write(f"Pulumi.{stack}.yaml", "config: {}\n")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Merger")
        self.git("config", "user.email", "merger@example.com")

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def flag(self, key: str = "ai", share: float = 10, more: str = "", name: str = "") -> None:
        """Write a flag's file."""
        self.write(f"flags/{name or key}.yaml", FLAG.format(key=key, share=share) + more)

    def commit(self, message: str, author: str = ANA, at: str = "") -> str:
        """Commit everything, at another time where one is given, and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", f"--author={author}", "-m", message, later=True, at=at)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, later: bool = False, at: str = "") -> str:
        """Run Git, a day later than before if what it does makes a commit, and return what it prints."""
        self.days += later
        at = at or f"2026-10-{self.days:02}T12:00:00Z"
        environ = {**os.environ, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
