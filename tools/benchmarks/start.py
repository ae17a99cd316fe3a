"""How long a preview of one flag takes, beside one of a resource that does nothing: what starting costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.project import Project
from tests.support.sandbox import Sandbox
from tools.benchmarks.idle import idle_project

FLAG = """\
key: flag
description: The one flag of the benchmark.
tags: [ai]
release_conditions: [{rollout_percentage: 25}]
"""


@dataclass
class Pair:
    """Two previews one right after the other: a busy machine slows both down, and so their ratio says most."""

    ours: float
    idle: float

    @property
    def ratio(self) -> float:
        """How many times as long as the idle one ours took."""
        return self.ours / self.idle


def pairs(folder: Path, sandbox: Sandbox, seconds: Callable[[Project], float]) -> Iterator[Pair]:
    """Yield measured pairs, endlessly. ``seconds`` previews a project and returns how long that took."""
    ours = Project(folder / "one", sandbox)
    ours.write("flags/flag.yaml", FLAG)
    idle = idle_project(folder / "none", sandbox, 1, {})
    for project in (ours, idle):
        project.up()
        seconds(project)
    while True:
        yield Pair(seconds(ours), seconds(idle))


def summary(measured: list[Pair]) -> str:
    """Return the medians in a sentence."""
    ours, idle, ratio = (median(getattr(pair, name) for pair in measured) for name in ("ours", "idle", "ratio"))
    return (
        f"a preview of one flag: {ours:.2f} s; of one resource that does nothing: {idle:.2f} s; "
        f"ratio {ratio:.2f} (medians of {len(measured)} pairs)"
    )
