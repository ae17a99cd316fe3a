"""A project of a test's own: this repository's program and provider over definitions in a temporary folder."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ai_admin.definitions.files import TOP_FOLDERS
from tests.support import vault
from tests.support.checkouts import SAMPLES, put, stacks
from tests.support.commands import ai_admin
from tests.support.pythons import virtualenv
from tests.support.sandbox import REPOSITORY, Sandbox
from tools.toolchain.shell import lean_home

PROGRAM = ("__main__.py", "ai_admin", "providers", "schemas", "Pulumi.yaml")
STATE = ".pulumi-state"  # as in a checkout, so that the documentation's commands work
CLI = REPOSITORY / ".toolchain" / "bin" / "pulumi"
_NEW_STACKS: dict[str, dict[Path, bytes]] = {}
"""What `pulumi stack init` writes into a state, by the provider of the stack's secrets."""


def changed_fields(step: Mapping[str, Any]) -> set[str]:
    """Return the fields that a step of Pulumi's JSON digest changes, without what is no field (``__name``)."""
    fields = {path.split(".")[0].split("[")[0] for path in step.get("detailedDiff") or ()}
    return {field for field in fields if not field.startswith("__")}


def _places(folder: Path, sandbox: Sandbox) -> dict[str, str]:
    """Return the variables that lead to a project's state and to its sandbox."""
    return {
        **sandbox.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}/{STATE}?metadata=skip",
        "PULUMI_HOME": str(folder / "home"),
    }


class Project:
    """A folder with definitions, a Pulumi state and the variables that lead to a sandbox."""

    def __init__(
        self,
        folder: Path,
        sandbox: Sandbox,
        definitions: Path | None = None,
        checkout: Path = REPOSITORY,
        forked: bool = True,
        passphrase: bool = False,
    ) -> None:
        """Make the folder; ``definitions`` names the folder whose definitions are copied (default: none).

        The program is that of the checkout. The stacks are those of the samples. In pytest, what the engine starts is
        ``forked`` (``tests/support/pythons.py``), which halves a run, but where processes are what a test is about.
        The sandbox's stack has the samples' ``passphrase``, or else a key (``tests/support/vault.py``), which takes a
        third of a run less.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROGRAM:
            (folder / name).symlink_to(checkout / name)
        forks = forked and checkout == REPOSITORY and "PYTEST_VERSION" in os.environ
        (folder / ".venv").symlink_to(virtualenv() if forks else checkout / ".venv")
        for settings in stacks(SAMPLES):  # copied: `stack init` writes into them
            shutil.copy(settings, folder)
        for name in TOP_FOLDERS:
            (folder / name).mkdir()
        if definitions:
            put(definitions, folder)
        if not passphrase:
            self._settle({}, encryptionsalt=None, **vault.SETTINGS)
        (folder / STATE).mkdir()
        others = ("PULUMI_", "POSTHOG_", "VAULT_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        self.environ: dict[str, str] = {
            **inherited,
            "PATH": f"{CLI.parent}{os.pathsep}{inherited['PATH']}",
            **_places(folder, sandbox),
            **({} if passphrase else vault.variables()),
            "PULUMI_CONFIG_PASSPHRASE": "sandbox",  # of stacks that a test makes
            "PULUMI_CONTINUE_ON_ERROR": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_CREDENTIAL_STORE": "plaintext",
        }
        lean_home(folder / "home")
        self._init("passphrase" if passphrase else vault.PROVIDER)

    def _init(self, secrets: str) -> None:
        """Make the stack. The first project of a process has Pulumi do it; it would write the same for every other."""
        state = self.folder / STATE
        if secrets not in _NEW_STACKS:
            self.pulumi("stack", "init", "sandbox", "--secrets-provider", secrets)
            files = [path for path in state.rglob("*") if path.is_file()]
            _NEW_STACKS[secrets] = {path.relative_to(state): path.read_bytes() for path in files}
        for path, content in _NEW_STACKS[secrets].items():
            (state / path).parent.mkdir(parents=True, exist_ok=True)
            (state / path).write_bytes(content)

    def copied(self, folder: Path, sandbox: Sandbox) -> Project:
        """Return a copy with its definitions and its state, whose objects are in a copy of the same sandbox."""
        other = copy.copy(self)
        other.folder = shutil.copytree(self.folder, folder, symlinks=True)
        other.environ = {**self.environ, **_places(folder, sandbox)}
        return other

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.folder / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def run(
        self, *arguments: str, environ: Mapping[str, str] | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run the Pulumi CLI in the project and return what it printed, whatever its exit code."""
        return subprocess.run(
            [str(CLI), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def ai_admin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ai-admin` for the stack and return what it printed, whatever its exit code."""
        return ai_admin(self.folder, self.environ, *arguments, "--stack", "sandbox")

    def pulumi(self, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
        """Run the Pulumi CLI, which must succeed, and return its standard output."""
        done = self.run(*arguments, environ=environ)
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self, **environ: str) -> str:
        """Apply without a separate preview."""
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", "sandbox", environ=environ)

    def preview(self) -> dict[str, Any]:
        """Return the preview as Pulumi's JSON digest."""
        digest: dict[str, Any] = json.loads(self.pulumi("preview", "--json", "--stack", "sandbox"))
        return digest

    def configure(self, name: str, value: str) -> None:
        """Set a setting of the stack, in its file: what `pulumi config set` does, in no time."""
        self._settle({f"ai-admin:{name}": value})

    def _settle(self, config: Mapping[str, str], /, **more: str | None) -> None:
        """Write settings of the stack, and what else its file says; None takes something out of it."""
        path = self.folder / "Pulumi.sandbox.yaml"
        settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        settings |= {"config": {**settings.get("config", {}), **config}, **more}
        self.write(path.name, yaml.safe_dump({name: value for name, value in settings.items() if value is not None}))

    def state(self) -> list[dict[str, Any]]:
        """Return the resources in state, read from its file: what `pulumi stack export` prints, in no time."""
        text = (self.folder / STATE / ".pulumi" / "stacks" / "ai-admin" / "sandbox.json").read_text(encoding="utf-8")
        return list((json.loads(text)["checkpoint"].get("latest") or {}).get("resources") or ())

    def outputs(self) -> dict[str, dict[str, Any]]:
        """Return id and outputs of every resource in state, by Pulumi name (``flag/ai-model-version``)."""
        return {
            item["urn"].split("::")[-1]: {"id": item["id"], **item.get("outputs", {})}
            for item in self.state()
            if "/posthog:" in item["type"]
        }
