"""Folders that hold a CLI and what must be next to it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import CLI, KIT, PULUMI_VERSION

VERSION_SECONDS = 60


def check_kit(folder: Path) -> None:
    """Makes sure that `folder` holds a complete CLI of the pinned version that runs on this machine.

    Raises:
        ToolchainError: with the reason, as the end of a sentence that began with the folder.
    """
    missing = [name for name in KIT if not os.access(folder / name, os.X_OK)]
    if missing:
        raise ToolchainError(f"{folder} has no {', '.join(missing)}")
    version = cli_version(folder / CLI)
    if version != f"v{PULUMI_VERSION}":
        raise ToolchainError(f"{folder / CLI} is {version or 'of no version'}, not v{PULUMI_VERSION}")


def cli_version(cli: Path) -> str:
    """What `pulumi version` answers, or what keeps it from answering."""
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            printed = subprocess.check_output([cli, "version"], env=env, text=True, timeout=VERSION_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            return f"unable to run ({error})"
    return printed.strip()


def publish(kit: Path, make: Callable[[Path], None]) -> None:
    """Fills `kit`, whole or not at all: `make` works in a scratch folder that becomes `kit` by one rename.

    The caller holds the lock of the parent folder, so scratch folders found there were left by killed builds.

    Raises:
        ToolchainError: whatever `make` raises, or the result is no working CLI.
    """
    for leftover in kit.parent.glob(".making-*"):
        shutil.rmtree(leftover)
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=kit.parent))
    try:
        made = scratch / kit.name
        made.mkdir()
        make(made)
        check_kit(made)
        if kit.exists():
            kit.rename(scratch / "replaced")
        made.rename(kit)
    finally:
        shutil.rmtree(scratch)


def place(kit: Path, target: Path) -> None:
    """Puts a kit's files into the checkout's folder `target`, in place of what is there.

    Hard links where the file system allows it, else copies. Not symbolic links: they would break when somebody
    clears the cache.
    """
    target.parent.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="bin-", dir=target.parent))
    scratch.chmod(0o755)
    try:
        for name in KIT:
            link_or_copy((kit / name).resolve(), scratch / name)
        if target.exists():
            shutil.rmtree(target)
        scratch.rename(target)
    finally:
        if scratch.exists():
            shutil.rmtree(scratch)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file systems differ or the source is another user's."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
