"""Scripts and commands as people and CI run them, with what is not for a test put in its place."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from ai_admin.cli.commands import run
from tests.support.pythons import virtualenv
from tests.support.sandbox import REPOSITORY


def run_script(
    script: str, folder: Path, environ: Mapping[str, str], stand_ins: Path
) -> subprocess.CompletedProcess[str]:
    """Run a script as GitHub does (``bash -eo pipefail``), with the tools of this checkout.

    ``gh`` only writes its arguments down, a line for each call, in ``stand_ins/gh.calls``.
    """
    stand_ins.mkdir(exist_ok=True)
    (stand_ins / "gh").write_text(f'#!/bin/sh\necho "$@" >> {stand_ins}/gh.calls\n')
    (stand_ins / "gh").chmod(0o755)
    tools = [stand_ins, virtualenv() / "bin", REPOSITORY / ".toolchain" / "bin"]
    path = os.pathsep.join([*map(str, tools), environ.get("PATH", os.environ["PATH"])])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


class Terminal(io.TextIOWrapper):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def ai_admin(
    folder: Path, environ: Mapping[str, str], *arguments: str, terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ``ai-admin`` in a folder with these variables (:func:`run_here`)."""
    return run_here(run, ["ai-admin", *arguments], folder, environ, terminal)


def run_here(
    main: Callable[[], object], argv: list[str], folder: Path, environ: Mapping[str, str], terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with these arguments and variables and an empty stdin; return what it printed and its
    exit code.

    It runs in this process, from where a process of its own would begin: to start Python and to import all that a
    command needs takes longer than most commands do. ``terminal``: somebody looks at what it writes.
    """
    stream = Terminal if terminal else io.TextIOWrapper
    written = io.BytesIO(), io.BytesIO()
    out, err = (stream(each, "utf-8", write_through=True) for each in written)
    with chdir(folder), _only(environ), redirect_stdout(out), redirect_stderr(err):
        before = sys.argv, sys.stdin
        sys.argv, sys.stdin = argv, io.StringIO()
        try:
            main()
        except SystemExit as end:
            code = _ended(end)
        finally:
            sys.argv, sys.stdin = before
    said = [each.getvalue().decode() for each in written]
    return subprocess.CompletedProcess(argv, code, *said)


def _ended(end: SystemExit) -> int:
    """The exit code that Python makes of it; a text goes to stderr."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


@contextmanager
def _only(environ: Mapping[str, str]) -> Iterator[None]:
    """Have these variables in this process, and no other."""
    before, wanted = dict(os.environ), dict(environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
