"""Checkouts of a test's own: never the definitions that people edit, which may be any, or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from ai_admin.definitions.files import TOP_FOLDERS
from tests.support.guard.sitecustomize import is_edited
from tests.support.sandbox import REPOSITORY
from tools.toolchain.kit import place
from tools.toolchain.venv import fingerprint

SAMPLES = REPOSITORY / "docs" / "samples"
"""The definitions and stacks of the documentation, which the tests use too."""


def stacks(root: Path) -> list[Path]:
    """Return the settings of a checkout's stacks."""
    return sorted(root.glob("Pulumi.*.yaml"))


def sample_checkout(root: Path) -> Path:
    """Make a folder what `ai-admin check` takes for a checkout with the samples in it, and return it."""
    shutil.copy(REPOSITORY / "Pulumi.yaml", root)
    put(SAMPLES, root)
    return root


def put(definitions: Path, root: Path) -> None:
    """Put the definitions and stacks of one folder into a checkout."""
    for settings in stacks(definitions):
        shutil.copy(settings, root)
    for folder in TOP_FOLDERS:
        if (definitions / folder).is_dir():
            shutil.copytree(definitions / folder, root / folder, dirs_exist_ok=True)


def copy_of_repository(root: Path) -> Path:
    """Copy what git tracks, but what people edit, into a new folder, and return it.

    With it goes what Python has compiled of it, so that no process of the copy does so again.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = REPOSITORY / name, root / name
        if not is_edited(str(source)) and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)  # with its time, by which Python knows what is compiled
            compiled = Path(cache_from_source(source))
            if name.endswith(".py") and compiled.exists():
                (target.parent / compiled.parent.name).mkdir(exist_ok=True)
                shutil.copy(compiled, target.parent / compiled.parent.name)
    return root


def small_demo(root: Path) -> None:
    """Have the demo of a copy send few runs: many are what its alert needs, and take most of its time."""
    file = root / "tools" / "demo" / "installations.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("= 40_000,", "= 200,"), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text


def installed(root: Path) -> Path:
    """Give a copy of the repository all that `make setup` would install there, out of this checkout; return it.

    `make setup` then finds nothing to do in it. The Python is the copy's own, with the copy's code.
    """
    venv = root / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    [packages], [ours] = (each.glob("lib/python*/site-packages") for each in (venv, REPOSITORY / ".venv"))
    (packages / "ours.pth").write_text(f"{root}\nimport site; site.addsitedir({str(ours)!r})\n")
    command = (REPOSITORY / ".venv" / "bin" / "ai-admin").read_text()
    (venv / "bin" / "ai-admin").write_text(command.replace(str(REPOSITORY), str(root), 1))
    (venv / "bin" / "ai-admin").chmod(0o755)
    (venv / ".made-from").write_text(fingerprint(root, "development"))
    place(REPOSITORY / ".toolchain" / "bin", root / ".toolchain" / "bin")
    shutil.copy(REPOSITORY / ".toolchain" / "made-from", root / ".toolchain")
    return root
