"""2,000 objects applied by the real CLI under PostHog's real limits, in real time.

`python -m tests.campaigns.rate_limits [--objects N] [--mixed]`: flags, or half flags and the rest cohorts and
dashboards with their insights, which PostHog counts apart. Nothing may fail, and the run may take 1.2 times as long as
the limits alone force.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.project import Project
from tests.support.sandbox import Sandbox, running_sandbox

MINUTE = {"insights": 240, "others": 480}
"""Requests that PostHog takes in a minute with one key."""

FLAGS = {"flags": 1.0}
MIXED = {"flags": 0.5, "cohorts": 0.2, "dashboards": 0.03}
"""Shares of all objects; a dashboard brings eight insights and its tiles, which makes ten objects."""

FLAG = "key: flag-{n}\nrelease_conditions: [{{rollout_percentage: 50}}]\n"
COHORT = "key: cohort-{n}\nname: Cohort {n}\nproperties: [{{key: channel, value: beta}}]\n"
INSIGHT = "  - insight: {{key: trend-{n}-{m}, name: Trend {n}.{m}, trends: {{series: [{{event: ai}}]}}}}\n"
DASHBOARD = "key: board-{n}\nname: Board {n}\ntiles:\n  - text: '## Board {n}'\n" + "".join(
    INSIGHT.replace("{m}", str(m)) for m in range(8)
)
TEMPLATES = {"flags": FLAG, "cohorts": COHORT, "dashboards": DASHBOARD}


def write(project: Project, objects: int, shares: Mapping[str, float]) -> None:
    """Write definitions of so many objects."""
    project.write("events/ai.yaml", "key: ai\n")
    project.write("events/installation.yaml", "key: i\ntype: person\nproperties: {channel: {type: String}}\n")
    for folder, share in shares.items():
        for number in range(round(objects * share)):
            project.write(f"{folder}/{number}.yaml", TEMPLATES[folder].format(n=number))


def forced(log: Iterable[dict[str, Any]]) -> float:
    """Return the seconds before which nobody could have had all these requests answered."""
    kinds = Counter("insights" if "/insights/" in entry["path"] else "others" for entry in log)
    return max((count - 1) // MINUTE[kind] * 60.0 for kind, count in kinds.items())


def limits(sandbox: Sandbox, **change: float) -> dict[str, Any]:
    """Change the sandbox's limits, and return what they are and how many requests they refused."""
    return dict(sandbox.call("PATCH", "/_sandbox/limits", change))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--mixed", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder) / "data") as sandbox:
        project = Project(Path(folder) / "ai", sandbox)
        write(project, options.objects, MIXED if options.mixed else FLAGS)
        limits(sandbox, enabled=True)
        start = time.monotonic()
        done = project.run("up", "--yes", "--skip-preview", "--stack", "sandbox", timeout=3600)
        seconds = time.monotonic() - start
        refused = limits(sandbox)["refused"]
        log = [entry for entry in sandbox.requests() if entry["path"].startswith("/api/") and entry["status"] != 429]
        objects = len(project.outputs())
    told = [line.strip() for line in done.stdout.splitlines() if "waiting" in line]
    least = forced(log)
    print(f"{objects} objects with {len(log)} requests in {seconds:.0f} s; the limits alone force {least:.0f} s: "
          f"{seconds / least:.2f} times; {refused} requests were refused and sent again")  # fmt: skip
    print(f"what was told: {told}")
    if done.returncode:
        print(done.stdout, done.stderr)
    return 0 if done.returncode == 0 and seconds <= 1.2 * least else 1


if __name__ == "__main__":
    sys.exit(main())
