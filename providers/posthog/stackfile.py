"""A stack's file, ``Pulumi.<stack>.yaml``, as it is now; the engine may have older settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from providers.posthog.connection import Connection, spelling
from providers.posthog.errors import ConnectionProblem, UnreadableState
from providers.posthog.settings import KEY_VARIABLE, NAMESPACE, VARIABLES, Settings


@dataclass(frozen=True)
class StackFile:
    """A stack's file in a checkout."""

    root: Path
    stack: str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"Pulumi.{self.stack}.yaml"

    def configuration(self) -> dict[str, Any]:
        """Return the settings of a stack by name, as they are written. Raises ``ConnectionProblem``."""
        try:
            read = yaml.safe_load((self.root / self.name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConnectionProblem(f"{self.name} can't be read: {' '.join(str(error).split())}") from None
        config = read.get("config") if isinstance(read, dict) else None
        found = config if isinstance(config, dict) else {}
        prefix = f"{NAMESPACE}:"
        return {str(name).removeprefix(prefix): value for name, value in found.items() if str(name).startswith(prefix)}

    def settings(self) -> dict[str, str | None]:
        """Return the settings by name, as Pulumi hands them to the program; a secret is not among them.

        Raises ``ConnectionProblem`` when the file can't be read.
        """
        found = {name: value for name, value in self.configuration().items() if not _is_secret(value)}
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}

    def has_secret(self, name: str) -> bool:
        """Return whether the file holds a secret of this name. Raises ``ConnectionProblem`` as :meth:`settings`."""
        return _is_secret(self.configuration().get(name))

    def secret(self, name: str) -> str | None:
        """Return a secret setting, which Pulumi alone can decrypt. Raises :class:`UnreadableState`."""
        answer = pulumi(self.root, "config", "get", f"{NAMESPACE}:{name}", "--stack", self.stack)
        if answer.returncode:
            problem = " ".join(answer.stderr.split())
            raise UnreadableState(f"{NAMESPACE}:{name} of {self.stack} can't be decrypted: {problem}")
        return answer.stdout.strip() or None

    def connecting(self, settings: Settings) -> Settings:
        """Return settings of the last `pulumi up` with the connection that the file says now.

        Without the program (`pulumi refresh`, `pulumi destroy`, and the refresh of an `up`) the engine knows the former
        alone (https://github.com/pulumi/pulumi/issues/4981). What the file does not say any more may be in the
        environment. Another file (``--config-file``) is not known here, so that the program requires that both agree
        (:meth:`contradictions`).
        """
        try:
            found = self.settings()
        except ConnectionProblem:
            return settings
        newer = {name: found[name] for name in (*VARIABLES, "moved_from") if name in found}
        elsewhere = {name: None for name, variable in VARIABLES.items() if settings.environ.get(variable)}
        return Settings({**settings.stack, **elsewhere, **newer}, settings.environ)

    def contradictions(self, connection: Connection) -> Iterator[str]:
        """Yield a sentence for each setting of this run's connection that the file says otherwise: it has another file.

        What the file does not say, or can't be read in it, contradicts nothing.
        """
        try:
            found = self.settings()
        except ConnectionProblem:
            return
        for name in (*VARIABLES, "moved_from"):
            here, run, same = found.get(name), getattr(connection, name), spelling(name)
            if here and same(here) != same(run or ""):
                yield (
                    f"{self.name} says {NAMESPACE}:{name}={here}, and this run has {run or 'none'} (`--config-file`): "
                    f"write the same into both, as what runs without the program reads {self.name}"
                )

    def newer_key(self, settings: Settings) -> str | None:
        """Return the API key that the file holds, where it is another one than in ``settings``.

        None as well where the environment has the key, which wins. Raises :class:`UnreadableState`.
        """
        try:
            if settings.environ.get(KEY_VARIABLE) or not self.has_secret("api_key"):
                return None
        except ConnectionProblem:
            return None
        key = self.secret("api_key")
        return key if key != settings.stack.get("api_key") else None


def pulumi(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the Pulumi CLI in a checkout, and return what it printed. Raises :class:`UnreadableState` without a CLI."""
    environ = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.run(
            [cli(root), *arguments, "--non-interactive", "--color", "never"],
            cwd=root,
            env=environ,
            capture_output=True,
            text=True,
        )
    except OSError:
        raise UnreadableState("there is no `pulumi` in PATH; run `. ./activate` in the checkout first") from None


def cli(root: Path) -> str:
    """Return the path of the Pulumi CLI: the one in PATH, or else the checkout's own."""
    return shutil.which("pulumi") or str(root / ".toolchain" / "bin" / "pulumi")


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and "secure" in value
