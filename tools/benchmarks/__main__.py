"""`make bench`: seconds and requests for 1, 100, 500 and 1,000 flags, beside a program that does nothing."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ai_admin.definitions import load
from tests.support.project import Project
from tests.support.sandbox import Sandbox, running_sandbox
from tools.benchmarks.idle import idle_project
from tools.benchmarks.reviews import ai_admin, figures, preview
from tools.benchmarks.start import pairs, summary

FORK = multiprocessing.get_context("fork")
SIZES = (100, 500, 1000)
PREVIEWS = 3
"""Runs of a preview of which the fastest counts, ours and the idle one in turn."""

STARTS = 15
"""Pairs of previews of one flag and of one resource that does nothing."""

FLAG = """\
key: flag-{number:04}
description: Flag {number} of the benchmark.
tags: [ai]
variants:
  - {{key: deepseek-chat-v3, rollout_percentage: 80}}
  - {{key: deepseek-chat-r1, rollout_percentage: 20}}
release_conditions:
  - description: Newer versions first
    properties: [{{key: version, operator: semver_gte, value: 2.4.0}}]
    rollout_percentage: 25
"""
EVENTS = "key: installation\ntype: person\nproperties:\n  version: {type: String, description: Version.}\n"


def main() -> int:
    """Measure what starting costs, and a plan, then every size, and print one table."""
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data") as sandbox:
        measured = pairs(Path(folder), sandbox, lambda project: _seconds(lambda: preview(project)))
        start = summary(list(islice(measured, STARTS)))
    print(start, flush=True)
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data") as sandbox:
        reviews = list(figures(Path(folder), sandbox, FLAG, EVENTS))
    print(*reviews, sep="\n", flush=True)
    table = Table(title="seconds, and API requests in brackets", box=SIMPLE_HEAD)
    columns = ("flags", "check", "first up", "idle", "preview", "idle", "same inputs", "ratios", "change", "off", "MB")
    for column in columns:
        table.add_column(column, justify="right")
    for size in [int(argument) for argument in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data") as sandbox:
            table.add_row(*_apart(partial(_measure, Path(folder), sandbox, size)))
    table.caption, table.caption_justify = "\n".join((start, *reviews)), "left"
    Console(width=120).print(table)
    return 0


def _apart(measure: Callable[[], list[str]]) -> list[str]:
    """Return what is measured in a process of its own, of whose children no sandbox is one: the largest counts."""
    found, measured = FORK.Pipe(duplex=False)
    process = FORK.Process(target=lambda: measured.send(measure()))
    process.start()
    measured.close()
    try:
        return list(found.recv())
    finally:
        process.join()


def _measure(folder: Path, sandbox: Sandbox, size: int) -> list[str]:
    ours = Project(folder / "ours", sandbox)
    ours.write("events/installation.yaml", EVENTS)
    for number in range(size):
        ours.write(f"flags/flag-{number:04}.yaml", FLAG.format(number=number))
    inputs = {name: value for name, value in load(ours.folder).resources[-1].properties.items() if name != "key"}
    idle = idle_project(folder / "idle", sandbox, size, {})
    equal = idle_project(folder / "equal", sandbox, size, inputs)
    check = min(_seconds(lambda: ai_admin(ours, "check")) for _ in range(PREVIEWS))
    print(f"{size} flags: first up ...", flush=True)
    first = _timed(sandbox, ours.up)
    first_idle = _seconds(idle.up)
    equal.up(PULUMI_SKIP_CHECKPOINTS="true")
    print(f"{size} flags: previews ...", flush=True)
    ours_runs, idle_runs, equal_runs = [], [], []
    for _ in range(PREVIEWS):
        ours_runs.append(_timed(sandbox, lambda: preview(ours)))
        idle_runs.append(_seconds(lambda: preview(idle)))
        equal_runs.append(_seconds(lambda: preview(equal)))
    fastest, fastest_idle, fastest_equal = min(ours_runs), min(idle_runs), min(equal_runs)
    ours.edit("flags/flag-0007.yaml", "rollout_percentage: 25", "rollout_percentage: 50")
    change = _timed(sandbox, ours.up)
    off = _timed(sandbox, lambda: ai_admin(ours, "off", "flag-0000", "--stack", "sandbox"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return [
        f"{size:,}", f"{check:.2f}", _cell(first), f"{first_idle:.1f}", _cell(fastest), f"{fastest_idle:.1f}",
        f"{fastest_equal:.1f}", f"{fastest[0] / fastest_idle:.2f} / {fastest[0] / fastest_equal:.2f}",
        _cell(change), _cell(off), f"{peak:.0f}",
    ]  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _timed(sandbox: Sandbox, work: Callable[[], object]) -> tuple[float, int]:
    sandbox.requests()
    seconds = _seconds(work)
    return seconds, len([entry for entry in sandbox.requests() if entry["path"].startswith("/api/")])


def _cell(measured: tuple[float, int]) -> str:
    return f"{measured[0]:.1f} ({measured[1]:,})"


if __name__ == "__main__":
    sys.exit(main())
