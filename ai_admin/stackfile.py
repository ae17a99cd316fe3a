"""A stack's settings, read from its ``Pulumi.<stack>.yaml`` without Pulumi: secrets in it are not decrypted."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from providers.posthog.connection import Connection, resolve, unknown_variables
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import KEY_VARIABLE, Settings
from providers.posthog.stackfile import StackFile


def settings(root: Path, stack: str) -> dict[str, str | None]:
    """Return the settings of a stack (``StackFile.settings``)."""
    return StackFile(root, stack).settings()


def consent_source(root: Path, stack: str, word: str) -> str:
    """Return the file and line in which a stack consents with a word; without a line where that is written oddly."""
    path = root / f"Pulumi.{stack}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    said = (Settings({"consent": line.partition("#")[0].replace("'", " ")}, {}).consents for line in lines)
    found = (str(number) for number, words in enumerate(said, 1) if word in words)
    return ":".join([path.name, *islice(found, 1)])


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
