"""The command line of the toolchain."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.toolchain.errors import ToolchainError
from tools.toolchain.pins import LOCKS
from tools.toolchain.shell import shell_lines, variables

ROOT = Path(__file__).resolve().parents[2]

SWITCH = "off"
"""A purpose like `apply` without the Pulumi CLI: who switches a flag off waits for no download of it."""


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tools.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", title="commands (without one: only the Pulumi CLI)")
    setup = commands.add_parser("setup", help="make .venv and put the Pulumi CLI into .toolchain/bin")
    purposes = (SWITCH, *LOCKS)
    setup.add_argument("--for", dest="purpose", choices=purposes, default=purposes[-1], help="what to install for")
    env = commands.add_parser("env", help="print what a shell needs to work in this checkout, as KEY=VALUE")
    env.add_argument("--shell", action="store_true", help="print it as lines for sh to evaluate")
    options = parser.parse_args(arguments)
    try:
        if options.command == "env":
            print_environment(options.shell)
        else:
            install(options.purpose if options.command == "setup" else None)
    except (ToolchainError, OSError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: stopped; the same command takes it up again", file=sys.stderr)
        return 130
    return 0


def install(purpose: str | None) -> None:
    """Makes `.venv` for a purpose, if there is one, and puts the Pulumi CLI into `.toolchain/bin`, if that needs it."""
    # Every shell that is set up waits for what is imported above.
    from tools.toolchain.locks import locked
    from tools.toolchain.sources import ensure_cli
    from tools.toolchain.venv import compile_ours, ensure_venv

    with locked(ROOT / ".toolchain"):
        if purpose:
            ensure_venv(ROOT, "apply" if purpose == SWITCH else purpose)
            compile_ours(ROOT)
        if purpose != SWITCH:
            ensure_cli(ROOT)


def print_environment(for_shell: bool) -> None:
    """Prints the variables of this checkout as KEY=VALUE, or as lines for a shell to evaluate."""
    wanted = variables(ROOT, os.environ)
    if for_shell:
        print("\n".join(shell_lines(wanted, os.environ)))
    else:
        print("\n".join(f"{name}={value}" for name, value in wanted.items()))
