"""Folders that look like a Pulumi CLI: shell scripts that answer `version`."""

from collections.abc import Iterable
from pathlib import Path

from tools.toolchain.pins import CLI, KIT, PULUMI_VERSION


def make_kit(folder: Path, version: str = f"v{PULUMI_VERSION}", files: Iterable[str] = KIT) -> Path:
    """Makes a folder with the files of a kit, whose CLI says it is of `version`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        text = f"#!/bin/sh\necho {version}\n" if name == CLI else f"#!/bin/sh\n# {name} of {folder}\n"
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
