"""`make demo` and `make stop`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from ai_admin.definitions import Definitions, load
from demo.background import ROOT, NoSandbox, start, stop
from demo.installations import FLAGS, INSTALLATIONS, answers, introduce
from toolchain.shell import environment

STACK = "sandbox"
CONSOLE = Console(highlight=False)


def main() -> int:
    """Run the demonstration, or stop its sandbox; returns the exit code."""
    if sys.argv[1:] == ["stop"]:
        CONSOLE.print("The sandbox is stopped; its data stays in .sandbox." if stop() else "No sandbox is running.")
        return 0
    try:
        connection, started = start()
    except NoSandbox as problem:
        CONSOLE.print(f"error: {problem}")
        return 1
    CONSOLE.print(f"A sandbox {'has started' if started else 'is running'} at {connection['url']}")
    introduce(connection)
    CONSOLE.print("`pulumi up` applies flags/ cohorts/ dashboards/ alerts/ events/ to it ...")
    if not _apply(connection):
        return 1
    _show(connection, load(ROOT, STACK))
    return 0


def _apply(connection: dict[str, Any]) -> bool:
    environ = {
        **environment(ROOT, os.environ),
        "PULUMI_CONFIG_PASSPHRASE": STACK,
        "POSTHOG_HOST": connection["url"],
        "POSTHOG_PROJECT_ID": str(connection["project_id"]),
        "POSTHOG_ORGANIZATION_ID": connection["organization_id"],
        "POSTHOG_API_KEY": connection["personal_api_key"],
    }
    select = ["pulumi", "stack", "select", "--create", STACK]
    subprocess.run(select, cwd=ROOT, env=environ, check=True, capture_output=True)
    up = subprocess.run(["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK], cwd=ROOT, env=environ)
    return up.returncode == 0


def _show(connection: dict[str, Any], definitions: Definitions) -> None:
    counts: dict[str, int] = {}
    for definition in definitions.resources:
        counts[definition.kind] = counts.get(definition.kind, 0) + 1
    CONSOLE.print("\nApplied: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    table = Table(title="What an installation's SDK answers", title_justify="left")
    table.add_column("flag")
    for distinct_id, properties in INSTALLATIONS.items():
        table.add_column(f"{distinct_id}\n{properties['channel']}, {properties['version']}")
    found = answers(connection)
    for flag in FLAGS:
        table.add_row(flag, *(found[distinct_id][flag] for distinct_id in INSTALLATIONS))
    CONSOLE.print(table)
    CONSOLE.print(
        f"Look at it:      {connection['url']}\n"
        "Set up a shell:  . ./activate\n"
        "Change a flag:   edit flags/ai-model-version.yaml, then `ai-admin check`\n"
        f"See the effect:  pulumi preview --diff --stack {STACK}\n"
        f"Apply it:        pulumi up --stack {STACK}\n"
        "Stop:            make stop"
    )


if __name__ == "__main__":
    sys.exit(main())
