"""Servers of the tests, forked from a process that has imported what they are made of: that is most of a start."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
_IMPORTED: list[str] = []

PATIENCE = 10.0
"""The seconds in which a server ends that is told to."""


def imported_before(module: str) -> None:
    """Have this module imported before the forks, unless the first of them is there already."""
    _IMPORTED.append(module)
    FORKS.set_forkserver_preload(_IMPORTED)


@contextmanager
def forked(
    main: Callable[[], object], argv: list[str], folder: Path, environ: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Run ``main`` as a process of its own would, with these arguments, in this folder, with these variables.

    Yields the process's id and the first line of what it prints, and ends it at the end. Only for pytest: where a
    script is the main module, multiprocessing would import that in the new process, too.
    """
    ready, said = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(main, argv, folder, dict(environ), said), daemon=True)
    process.start()
    said.close()
    try:
        with open(ready.fileno(), closefd=False) as line:
            yield process.pid or 0, line.readline()
    finally:
        process.terminate()
        process.join(PATIENCE)
        ended = process.exitcode is not None
        process.kill()  # else pytest waits for it at its own end
        process.join()
        assert ended, f"{argv} does not end"


def _run(main: Callable[[], object], argv: list[str], folder: Path, environ: dict[str, str], said: Connection) -> None:
    gc.freeze()  # else each full collection would look through, and copy, what is shared
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = argv
    with (
        open(said.fileno(), "wb", buffering=0, closefd=False) as raw,
        redirect_stdout(io.TextIOWrapper(raw, write_through=True)),
    ):
        main()
