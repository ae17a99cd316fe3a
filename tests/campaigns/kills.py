"""An `up` killed at any instant, over and over: does the next one complete, with nothing lost, doubled or left over?

`python -m tests.campaigns.kills [--rounds N] [--seed N] [--checkpoints]`. Each round changes definitions at
random, lets the sandbox's faults strike one request in fifteen, kills the engine, the program or the provider at a
random instant, runs `up` again, and compares the sandbox with the files.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaigns.worlds import World
from tests.support.project import CLI, STATE, Project
from tests.support.sandbox import NEWER, Sandbox, running_sandbox

VICTIMS = ("engine", "program", "provider")
FAULTS: list[dict[str, Any]] = [
    {"kind": "latency", "seconds": 0.01, "jitter": 0.04},
    {"kind": "stale", "probability": 0.05, "seconds": 1},
    {"kind": "slow", "probability": 0.01, "seconds": 0.5},
    {"kind": "late_answer", "probability": 0.01, "seconds": 0.5},
    *({"kind": kind, "probability": 0.01} for kind in
      ("cut_before", "cut_unanswered", "cut_during", "cut_after", "truncated", "error_before", "error_after")),
]  # fmt: skip
LEFT_OVER = 6.0
"""Seconds after which whatever the killed run started, and is still there, is taken for idle."""


@dataclass
class Tally:
    """What happened in a campaign."""

    kills: Counter[str] = field(default_factory=Counter)
    locks: int = 0
    interrupted: int = 0
    idle: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        killed = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({killed}), {self.interrupted} of them between first and last write, "
            f"{self.locks} stale locks, {self.idle} providers that outlived their engine idly; "
            f"{len(self.problems)} problems"
        )


class Campaign:
    """One stack that is applied and killed round after round."""

    def __init__(self, folder: Path, sandbox: Sandbox, seed: int, environ: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.seed = seed
        self.chance = random.Random(seed)
        self.project = Project(folder, sandbox, forked=False)
        self.project.environ |= environ
        self.world = World(self.project, self.chance)
        self.tally = Tally()

    def run(self, kills: int) -> Tally:
        """Go on until so many runs were killed."""
        while self.tally.kills.total() < kills:
            number = self.tally.kills.total()
            self._faults(number)
            if not self._kill():
                self.world.change()
                continue
            try:
                self._complete()
            except AssertionError as problem:
                self._problem(str(problem))
            self.world.change()
            if number % 10 == 9:
                print(self.tally, flush=True)
        return self.tally

    def _problem(self, text: str) -> None:
        self.tally.problems.append(f"kill {self.tally.kills.total()} ({self._victim}): {text}")
        print(self.tally.problems[-1], flush=True)

    def _faults(self, number: int) -> None:
        self.sandbox.set_faults(*FAULTS, seed=self.seed * 1000 + number)

    def _kill(self) -> bool:
        """Start an `up` and kill one of its processes; False when it was over before."""
        self.sandbox.requests()
        self._victim = victim = self.chance.choice(VICTIMS)
        due = self._instant()
        command = [str(CLI), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "sandbox"]
        where: dict[str, Any] = {"cwd": self.project.folder, "env": self.project.environ}
        up = subprocess.Popen(command, **where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        killed, started, writes = False, {up.pid}, 0
        while up.poll() is None:
            if not killed:
                writes += len(self.sandbox.writes())
                if due(writes):
                    family = descendants(up.pid)
                    started |= family.keys()
                    killed = self._strike(victim, up.pid, family)
            time.sleep(0.08)
        self._wait_for_the_end(started)
        self._writes_before = writes + len(self.sandbox.writes())
        self.tally.kills[victim] += killed
        return killed

    def _instant(self) -> Callable[[int], bool]:
        """Return what says whether the instant has come: at any time, or once so many writes were seen."""
        if self.chance.random() < 0.3:
            moment = time.monotonic() + self.chance.uniform(0.2, 4)
            return lambda _: time.monotonic() >= moment
        count = self.chance.randint(1, 12)
        return lambda writes: writes >= count

    def _strike(self, victim: str, engine: int, family: dict[int, str]) -> bool:
        pids = [engine] if victim == "engine" else [pid for pid, role in family.items() if role == victim]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return bool(pids)

    def _wait_for_the_end(self, started: set[int]) -> None:
        """Wait until nothing of the killed run can write any more.

        A provider that its engine asked for nothing yet knows nothing of ours: it stays, and does nothing.
        """
        until = time.monotonic() + LEFT_OVER
        while alive := {pid: role for pid in started if (role := role_of(pid))}:
            if time.monotonic() > until:
                self.tally.idle += 1
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _complete(self) -> None:
        """Run `up` again, as a person would, and compare."""
        if any((self.project.folder / STATE / ".pulumi" / "locks").rglob("*.json")):
            self.tally.locks += 1
            self.project.pulumi("cancel", "--yes", "--stack", "sandbox")
        done = self.project.run("up", "--yes", "--skip-preview", "--stack", "sandbox")
        assert done.returncode == 0, f"up failed:\n{done.stdout}\n{done.stderr}"
        self.tally.interrupted += bool(self._writes_before and self.sandbox.writes())
        self.sandbox.set_faults()
        assert not (differences := self.world.differences(self.sandbox)), "\n".join(differences)
        preview = self.project.run("preview", "--stack", "sandbox", "--expect-no-changes", "--diff")
        assert preview.returncode == 0, f"the preview is not empty:\n{preview.stdout}\n{preview.stderr}"


def descendants(ancestor: int) -> dict[int, str]:
    """Return the processes below one, each with its role."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:  # it has just ended
                continue
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
    found: dict[int, str] = {}
    below = {ancestor}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below and pid not in found}
        found |= {pid: role_of(pid) for pid in below}
    return found


def role_of(pid: int) -> str:
    """Return what a process is in an `up`; nothing when it has ended."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
    if not command:
        return ""
    if "pulumi.dynamic" in command:
        return "provider"
    return "program" if "pulumi-language-python-exec" in command else "other"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--newer", action="store_true", help="against a PostHog newer than that of July 2026")
    parser.add_argument("--checkpoints", action="store_true", help="the state is written after each object")
    options = parser.parse_args()
    environ = {"PULUMI_SKIP_CHECKPOINTS": str(not options.checkpoints).lower()}
    settings: dict[str, Any] = NEWER if options.newer else {}
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data", **settings) as sandbox:
        tally = Campaign(Path(folder) / "ai", sandbox, options.seed, environ).run(options.rounds)
    print(tally)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
