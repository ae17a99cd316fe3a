"""`ai-admin` in the test's own process ends as a process of its own does, and reads nothing of the test's."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support import commands


def test_a_text_at_the_end_is_an_error_and_there_is_nothing_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> NoReturn:
        sys.exit(f"{sys.argv[1:]} has read {sys.stdin.read()!r}")

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes"))
    done = commands.ai_admin(tmp_path, {}, "apply")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "['apply'] has read ''\n")
    assert sys.stdin.read() == "yes", "which is the test's again"


def test_it_ends_with_the_exit_code_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code, seen in ((None, 0), (0, 0), (4, 4)):
        monkeypatch.setattr(commands, "run", lambda code=code: sys.exit(code))
        assert commands.ai_admin(tmp_path, {}).returncode == seen
