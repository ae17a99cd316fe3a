"""How long `ai-admin plan` takes: beside a preview of the same flags, and where PostHog answers late."""

from __future__ import annotations

import resource
import subprocess
import time
from pathlib import Path
from statistics import median

import requests

from tests.support.project import Project
from tests.support.sandbox import REPOSITORY, Sandbox

LATE = 0.05
"""Seconds by which PostHog answers late."""


def beside_preview(project: Project, times: int) -> str:
    """Return in a sentence how long a plan without a change takes beside a preview, measured in turn."""
    plans, previews = [], []
    for _ in range(times):
        plans.append(_plan(project))
        start = time.perf_counter()
        project.pulumi("preview", "--stack", "sandbox", "--expect-no-changes")
        previews.append(time.perf_counter() - start)
    ratio = median(plan / preview for plan, preview in zip(plans, previews, strict=True))
    return (
        f"a plan of {_flags(project):,} flags without a change: {median(plans):.2f} s; a preview: "
        f"{median(previews):.2f} s; ratio {ratio:.2f} (medians of {times} pairs)"
    )


def late(project: Project, sandbox: Sandbox, times: int) -> str:
    """Return in a sentence how long a plan takes where each request takes ``LATE`` longer."""
    rule = {"kind": "latency", "seconds": LATE}
    requests.put(f"{sandbox.url}/_sandbox/faults", json={"seed": 1, "rules": [rule]}, timeout=10).raise_for_status()
    sandbox.requests()
    used = _processor()
    plans = [_plan(project) for _ in range(times)]
    used = (_processor() - used) / times
    asked = [each for each in sandbox.requests() if each["path"].startswith("/api/")]
    requests.delete(f"{sandbox.url}/_sandbox/faults", timeout=10).raise_for_status()
    return (
        f"a plan of {_flags(project):,} flags at {LATE * 1000:.0f} ms latency: {median(plans):.2f} s, "
        f"{len(asked) / times:.0f} requests, {used:.2f} s of processor time with Pulumi's (median of {times})"
    )


def _processor() -> float:
    """Return the processor time of all processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _flags(project: Project) -> int:
    return len(list((project.folder / "flags").glob("*.yaml")))


def _plan(project: Project) -> float:
    command = [str(REPOSITORY / ".venv" / "bin" / "ai-admin"), "plan", "--stack", "sandbox", "--expect-no-changes"]
    start = time.perf_counter()
    subprocess.run(command, cwd=project.folder, env=project.environ, check=True, capture_output=True)
    return time.perf_counter() - start


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
