"""A checkout with Git, and what on-call does in it: the real ``ai-admin``, and no engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.commands import ai_admin
from tests.support.sandbox import REPOSITORY, Sandbox

COMMAND = REPOSITORY / ".venv" / "bin" / "ai-admin"
FILE = "# The switch of all.\nkey: ai\ntags: [ai]  # ours\nrelease_conditions:\n- rollout_percentage: 40\n"


class OnCall:
    """A checkout with Git, and what on-call does in it."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        (folder / "flags").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: ai-admin\n")
        self.settings()
        self.write("ai", FILE)
        self.create("ai")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.com")
        self.commit()
        sandbox.requests()

    def settings(self, more: str = "") -> None:
        text = f"config:\n  ai-admin:host: {self.sandbox.url}\n  ai-admin:project_id: {self.sandbox.project_id}\n{more}"
        (self.folder / "Pulumi.production.yaml").write_text(text)

    def write(self, name: str, text: str) -> None:
        (self.folder / "flags" / f"{name}.yaml").write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / "flags" / f"{name}.yaml").read_text()

    def create(self, key: str, *properties: dict[str, Any]) -> int:
        group = {"properties": list(properties), "rollout_percentage": 40}
        made = self.sandbox.call("POST", "feature_flags/", {"key": key, "filters": {"groups": [group]}})
        return int(made["id"])

    def is_on(self, key: str) -> bool:
        return {item["key"]: bool(item["active"]) for item in self.sandbox.items("feature_flags")}[key]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "-q", "-m", "As it is.")

    def run(
        self, *arguments: str, environ: Mapping[str, str] | None = None, terminal: bool = False
    ) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")}
        given = {"POSTHOG_API_KEY": self.sandbox.api_key} if environ is None else environ
        return ai_admin(self.folder, {**inherited, **given}, *arguments, terminal=terminal)

    def remote(self, folder: Path) -> None:
        """Let pushes go to a repository of their own."""
        subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
        self.git("remote", "add", "origin", str(folder))
