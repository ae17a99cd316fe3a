"""`make stop`: what it stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.demo import background

HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGTERM, {})
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print(os.getpid(), file=lock, flush=True)
print(flush=True)
signal.pause()
"""


@pytest.mark.parametrize("on_term", ["signal.SIG_DFL", "signal.SIG_IGN"])
def test_a_sandbox_that_answers_nobody_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_term: str
) -> None:
    monkeypatch.setattr(background, "FOLDER", tmp_path)
    monkeypatch.setattr(background, "CONNECTION", tmp_path / "connection.json")
    monkeypatch.setattr(background, "PATIENCE", 0.1)
    assert not background.stop(), "there was none yet"
    (tmp_path / "data").mkdir()
    lock = tmp_path / "data" / "lock"
    command = [sys.executable, "-S", "-c", HOLDER.format(on_term), str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        background.CONNECTION.write_text("{}")
        assert background.stop()
        assert holder.wait()
    assert not background.CONNECTION.exists()
    assert not background.stop(), "another process may have its number by now"
