"""The checkout's virtual environment, from the lock files and nothing else."""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

from tools.toolchain.pins import LOCKS
from tools.toolchain.progress import run, say

OURS = ("ai_admin", "providers")
"""What a preview runs."""

START = Path(__file__).with_name("provider_start.py")
"""What each Python of the venv runs first; the venv has a copy, under this name:"""

STARTED_AS = "ai_admin_provider_start"


def ensure_venv(root: Path, purpose: str) -> None:
    """Makes `.venv` when it is missing or was made from something else; adds what it lacks for `purpose`.

    Args:
        root: the checkout.
        purpose: one of `LOCKS`.

    Raises:
        ToolchainError: pip could not install the locked packages.
    """
    folder = root / ".venv"
    stamp = folder / ".made-from"
    python = folder / "bin" / "python"
    # A venv whose Python was removed from the machine keeps a dangling link, which does not `exist`.
    made_from = stamp.read_text() if python.exists() and stamp.is_file() else ""
    wider = list(LOCKS)[list(LOCKS).index(purpose) :]
    if made_from in [fingerprint(root, each) for each in wider]:
        return
    if made_from not in [fingerprint(root, each) for each in LOCKS]:
        say(f"making .venv with Python {sys.version.split()[0]} (a minute or two)")
        run([sys.executable, "-m", "venv", "--clear", folder], "making .venv")
    say(f"installing the packages for {purpose}, hashes checked")
    locks = [part for lock in locks_for(purpose) for part in ("-r", root / lock)]
    # Wheels only: building from source would download build tools that no lock file names.
    pip(python, "--require-hashes", "--only-binary", ":all:", *locks)
    pip(python, "--no-build-isolation", "--no-index", "--editable", root)
    run_at_start(folder)
    stamp.write_text(fingerprint(root, purpose))


def locks_for(purpose: str) -> list[str]:
    """Return the lock files of a purpose, relative to the checkout."""
    names = list(LOCKS)
    return [LOCKS[name] for name in names[: names.index(purpose) + 1]]


def run_at_start(folder: Path) -> None:
    """Has the venv run `provider_start.py` at the start of each provider process (a `.pth` file's `import` line)."""
    for packages in folder.glob("lib/python*/site-packages"):
        shutil.copyfile(START, packages / f"{STARTED_AS}.py")
        (packages / f"{STARTED_AS}.pth").write_text(
            f'import sys; "pulumi.dynamic" in sys.orig_argv and __import__("{STARTED_AS}")\n'
        )


def compile_ours(root: Path) -> None:
    """Compiles our code, which otherwise each of a preview's three Pythons does, where it may not keep the result.

    That is so on a fresh checkout, in a container that is thrown away, and under PYTHONDONTWRITEBYTECODE.

    Raises:
        ToolchainError: with what does not compile.
    """
    run([root / ".venv" / "bin" / "python", "-m", "compileall", "-q", *OURS], "compiling our code", cwd=root)


def pip(python: Path, *arguments: str | Path) -> None:
    """Installs exactly what is named, with the pip of `python`.

    Raises:
        ToolchainError: with the end of what pip said.
    """
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    command: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]
    run([*command, *arguments], "installing packages", env=env)


def fingerprint(root: Path, purpose: str) -> str:
    """What a venv is made from: the locked packages, our console scripts, the folder they run in, what runs first."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    parts = [str(root), START.read_text(), json.dumps([project["build-system"], project["project"]], sort_keys=True)]
    parts += [(root / lock).read_text() for lock in locks_for(purpose)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
