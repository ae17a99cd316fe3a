"""How long `ai-admin plan` takes: beside a preview of the same flags, and where PostHog answers late."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.support.project import Project
from tests.support.sandbox import REPOSITORY, Sandbox

LATE = 0.05
"""Seconds by which PostHog answers late."""


def beside_preview(project: Project, times: int) -> str:
    """Return in a sentence how long a plan without a change takes beside a preview, measured in turn."""
    pairs = [(_used(lambda: _plan(project)), _used(lambda: preview(project))) for _ in range(times)]
    seconds, processor = (median(plan[part] / preview[part] for plan, preview in pairs) for part in (0, 1))
    ours, theirs = (median(pair[which][0] for pair in pairs) for which in (0, 1))
    return (
        f"a plan of {_flags(project):,} flags without a change: {ours:.2f} s; a preview: "
        f"{theirs:.2f} s; ratio {seconds:.2f}, of processor times {processor:.2f} "
        f"(medians of {times} pairs)"
    )


def late(project: Project, sandbox: Sandbox, times: int) -> str:
    """Return in a sentence how long a plan takes where each request takes ``LATE`` longer."""
    sandbox.requests()
    with sandbox.faults({"kind": "latency", "seconds": LATE}):
        seconds, processor = zip(*(_used(lambda: _plan(project)) for _ in range(times)), strict=True)
    asked = [each for each in sandbox.requests() if each["path"].startswith("/api/")]
    return (
        f"a plan of {_flags(project):,} flags at {LATE * 1000:.0f} ms latency: {median(seconds):.2f} s, "
        f"{len(asked) / times:.0f} requests, {median(processor):.2f} s of processor time, Pulumi's included "
        f"(medians of {times})"
    )


def _processor() -> float:
    """Return the processor time of all processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _flags(project: Project) -> int:
    return len(list((project.folder / "flags").glob("*.yaml")))


def ai_admin(project: Project, *arguments: str) -> None:
    """Run the command in a project, in a process as people do."""
    command = [str(REPOSITORY / ".venv" / "bin" / "ai-admin"), *arguments]
    subprocess.run(command, cwd=project.folder, env=project.environ, check=True, capture_output=True)


def _plan(project: Project) -> None:
    ai_admin(project, "plan", "--stack", "sandbox", "--expect-no-changes")


def preview(project: Project) -> None:
    """Run Pulumi's preview, which must show no change."""
    project.pulumi("preview", "--stack", "sandbox", "--expect-no-changes")


def _used(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that something takes, and the processor time of its processes."""
    start, used = time.perf_counter(), _processor()
    work()
    return time.perf_counter() - start, _processor() - used


def figures(folder: Path, sandbox: Sandbox, flag: str, events: str) -> list[str]:
    """Return what a plan takes: of 1,000 flags beside a preview, and of 100 at a latency."""
    found = []
    for size in (100, 1000):
        project = Project(folder / f"plan-{size}", sandbox)
        project.write("events/installation.yaml", events)
        for number in range(size):
            text = flag.format(number=number).replace(f"flag-{number:04}", f"plan-{size}-{number:04}")
            project.write(f"flags/flag-{number:04}.yaml", text)
        project.up()
        found.append(late(project, sandbox, 7) if size == 100 else beside_preview(project, 3))
    return found
