"""A stack's settings, read from its ``Pulumi.<stack>.yaml`` without Pulumi: secrets in it stay closed."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from providers.posthog.connection import Connection, resolve, unknown_variables
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import KEY_VARIABLE, NAMESPACE, Settings


def settings(root: Path, stack: str) -> dict[str, str | None]:
    """Return the settings of a stack by name, as Pulumi hands them to the program; a secret is not among them.

    Raises ``ConnectionProblem`` when the file can't be read.
    """
    found = {name: value for name, value in _configuration(root, stack).items() if not _secret(value)}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def has_secret(root: Path, stack: str, name: str) -> bool:
    """Return whether a stack's file holds a secret of this name. Raises ``ConnectionProblem`` as :func:`settings`."""
    return _secret(_configuration(root, stack).get(name))


def consent_source(root: Path, stack: str, word: str) -> str:
    """Return the file and line in which a stack consents with a word; without a line where that is written oddly."""
    path = root / f"Pulumi.{stack}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    said = (Settings({"consent": line.partition("#")[0].replace("'", " ")}, {}).consents for line in lines)
    found = (str(number) for number, words in enumerate(said, 1) if word in words)
    return ":".join([path.name, *islice(found, 1)])


def _configuration(root: Path, stack: str) -> dict[str, Any]:
    path = root / f"Pulumi.{stack}.yaml"
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConnectionProblem(f"{path.name} can't be read: {' '.join(str(error).split())}") from None
    config = read.get("config") if isinstance(read, dict) else None
    found = config if isinstance(config, dict) else {}
    prefix = f"{NAMESPACE}:"
    return {str(name).removeprefix(prefix): value for name, value in found.items() if str(name).startswith(prefix)}


def connection(stack: str, settings: Settings, needs: str = "the scope feature_flag:write") -> Connection:
    """Return where a stack's PostHog is, given its settings. Raises ``ConnectionProblem``.

    ``needs`` are the scopes that a key must have, in words.
    """
    if not settings.environ.get(KEY_VARIABLE):
        missing = (
            f"no personal API key: set {KEY_VARIABLE} to one with {needs}; a key that is stored "
            f"in Pulumi.{stack}.yaml is encrypted, and this command does without Pulumi, which could read it"
        )
        raise ConnectionProblem("\n".join([missing, *unknown_variables(settings.environ)]))
    return resolve(settings)


def _secret(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value
