"""The checkout's own sandbox in the background: started once, reused, stopped by `make stop`."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".sandbox"
CONNECTION = FOLDER / "connection.json"
LOG = FOLDER / "sandbox.log"
PATIENCE = 20.0
"""Seconds that a sandbox may take to start or to stop."""


class NoSandbox(Exception):
    """The sandbox did not start. One line with where to look."""


def running() -> dict[str, Any] | None:
    """Return the connection of this checkout's running sandbox, or None."""
    import requests  # to stop a sandbox takes less long than this

    try:
        connection: dict[str, Any] = json.loads(CONNECTION.read_text(encoding="utf-8"))
        answer = requests.get(
            f"{connection['url']}/api/personal_api_keys/@current/",
            headers={"Authorization": f"Bearer {connection['personal_api_key']}"},
            timeout=5,
        )
    except (OSError, ValueError, KeyError, requests.RequestException):
        return None
    # Another program, or another checkout's sandbox, may listen on a port that was ours.
    return connection if answer.ok else None


def start() -> tuple[dict[str, Any], bool]:
    """Return the connection of this checkout's sandbox and whether it had to be started.

    Raises :class:`NoSandbox` when it does not get ready.
    """
    found = running()
    if found:
        return found, False
    FOLDER.mkdir(exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--data", str(FOLDER / "data")],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal ends the demo, not the sandbox
        )
    ready = _ready_line(process)
    descriptor = os.open(CONNECTION, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**ready, "pid": process.pid}, file, indent=2)
    return ready, True


def variables(connection: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables that name a sandbox to `ai-admin` and to the provider."""
    return {
        "POSTHOG_HOST": connection["url"],
        "POSTHOG_PROJECT_ID": str(connection["project_id"]),
        "POSTHOG_ORGANIZATION_ID": connection["organization_id"],
        "POSTHOG_API_KEY": connection["personal_api_key"],
    }


def _ready_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        for line in LOG.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and line.endswith("}"):
                ready: dict[str, Any] = json.loads(line)
                return ready
        time.sleep(0.05)
    raise NoSandbox(f"the sandbox did not start; its log is {LOG.relative_to(ROOT)}")


def stop() -> bool:
    """Stop this checkout's sandbox and wait until it is gone; say whether one ran. It need not answer."""
    found, how = _holder(), signal.SIGTERM
    deadline = time.monotonic() + PATIENCE
    while found and _holder() == found:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(found, how)
        while _holder() == found and time.monotonic() < deadline:
            time.sleep(0.05)
        how = signal.SIGKILL
    CONNECTION.unlink(missing_ok=True)
    return found is not None


def _holder() -> int | None:
    """Return the process id of the sandbox that has the folder, or None.

    One that ends answers nobody any more, and another can't start yet.
    """
    try:
        with (FOLDER / "data" / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(lock.read())
    except (OSError, ValueError):
        pass
    return None
