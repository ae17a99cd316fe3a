"""Finding the checkout that a command is about."""

from __future__ import annotations

from pathlib import Path

import click


def checkout(start: Path) -> Path:
    """Return the folder with ``Pulumi.yaml`` at or above a path. Raises click.UsageError without one."""
    for folder in (start, *start.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    raise click.UsageError(f"there is no Pulumi.yaml in {start} or above it; run ai-admin in a checkout, or name one")
