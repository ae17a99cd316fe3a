"""A server of a test that does not end when it is told to."""

import os
import signal
import time
from pathlib import Path

import pytest

from sandbox.tests import forks


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready")
    time.sleep(600)


def test_a_server_that_does_not_end_is_ended_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "PATIENCE", 0.2)
    with (
        pytest.raises(AssertionError, match="does not end"),
        forks.forked(deaf, ["deaf"], tmp_path, {}) as (
            pid,
            line,
        ),
    ):
        assert line == "ready\n"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
