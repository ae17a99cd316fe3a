"""The command line of this room."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.venv import ensure_venv

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code: 0 done, 1 with a message on stderr, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m toolchain")
    parser.add_argument("command", nargs="?", default="cli", choices=["cli", "setup"])
    options = parser.parse_args(arguments)
    try:
        if options.command == "setup":
            ensure_venv(ROOT)
    except ToolchainError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0
