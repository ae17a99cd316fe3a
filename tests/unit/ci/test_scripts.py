"""What holds for every script in `.ci`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.sandbox import REPOSITORY

SCRIPTS = {"apply": ("staging", "abc"), "drift": ("staging",), "plan": ("staging", "1000"), "run": ()}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_works_in_its_checkout_whatever_cdpath_says(name: str, tmp_path: Path) -> None:
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for folder in (checkout, elsewhere):
        (folder / ".ci").mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "activate").write_text("exec make\n")
    shutil.copy(REPOSITORY / ".ci" / name, checkout / ".ci")
    (checkout / "bin" / "make").write_text(f"#!/bin/sh\npwd -P > {tmp_path}/where\nexit 7\n")
    (checkout / "bin" / "make").chmod(0o755)
    environ = {"PATH": f"{checkout}/bin{os.pathsep}{os.environ['PATH']}", "CDPATH": str(elsewhere)}
    done = subprocess.run([f".ci/{name}", *SCRIPTS[name]], cwd=checkout, env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (7, b"")
    assert (tmp_path / "where").read_text() == f"{checkout.resolve()}\n"


@pytest.mark.parametrize("user", ["0", "1000"])
def test_what_is_missing_is_installed_by_root_and_named_to_others(user: str, tmp_path: Path) -> None:
    """`make browser` names it; where somebody else asks, apt-get would only say that it can't take its lock."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "run", tmp_path / ".ci")
    programs = {"id": f"echo {user}", "make": '[ "$1" != browser ] || exit 7', "ai-admin": "", "apt-get": ""}
    for name, body in programs.items():
        place = tmp_path / (".venv/bin" if name == "ai-admin" else "bin") / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >> {tmp_path}/calls\n{body}\n')
        place.chmod(0o755)
    for name in ("bash", "dirname"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run([tmp_path / ".ci" / "run"], env={"PATH": f"{tmp_path}/bin"}, check=False)
    installed = [line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("apt-get install")]
    assert (done.returncode, [line.split()[-2:] for line in installed]) == (
        7,
        [["chromium", "chromium-driver"]] if user == "0" else [],
    )


def test_a_summary_shows_what_a_command_prints_and_no_markup(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before")
    environ = {"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(summary)}
    said = "flag <b>ai</b>: *10 %*\n\n# @everybody \\n\n"
    done = subprocess.run([REPOSITORY / ".ci" / "summary"], input=said, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, said)
    assert summary.read_text() == "before\n\n    flag <b>ai</b>: *10 %*\n    \n    # @everybody \\n\n"
