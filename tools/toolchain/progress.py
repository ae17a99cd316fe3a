"""Says what is being done, and keeps saying that it is still going on."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.toolchain.errors import ToolchainError

HEARTBEAT_SECONDS = 15.0
TAIL_LINES = 15


def say(message: str) -> None:
    """Prints one line for the person who waits, on stderr, at once."""
    print(f"setup: {message}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    what: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    heartbeat: float = HEARTBEAT_SECONDS,
) -> str:
    """Runs a command that may take long; says the elapsed time every `heartbeat` seconds, and nothing else.

    Returns:
        What it printed, stdout and stderr as they came.

    Raises:
        ToolchainError: it could not be started or failed; the text ends with the last lines of its output.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [os.fspath(part) for part in command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise ToolchainError(f"{what}: cannot run {command[0]}: {error.strerror}") from error
        try:
            while True:
                try:
                    process.wait(heartbeat)
                    break
                except subprocess.TimeoutExpired:
                    say(f"  {what}: {time.monotonic() - began:.0f} s so far")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise ToolchainError(f"{what} failed:\n{tail(printed)}")
    return printed


def tail(text: str) -> str:
    """The last lines of a program's output, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-TAIL_LINES:])
