"""`make demo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ai_admin.definitions import Definitions, load
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS
from tools.demo.background import FOLDER, ROOT, NoSandbox, start, variables
from tools.demo.figures import draw, figures, firing
from tools.demo.installations import RUNS, answers, introduce, three
from tools.toolchain.shell import environment

STACK = "sandbox"
DONE = re.compile(r" (created|updated|deleted|replaced) \(")
"""A line of Pulumi's that says that one resource is done."""
MOST_FLAGS = 12
"""How many flags are shown: a repository may have hundreds."""
SHOWN = "ai-reliability"
"""The dashboard that is drawn, if there is one of that key; else the first."""
CONSOLE = Console(highlight=False)


def main() -> int:
    """Run the demonstration; returns the exit code."""
    # A proxy serves the way out of this machine; the sandbox is on it.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    try:
        connection, started = start()
    except NoSandbox as problem:
        CONSOLE.print(f"error: {problem}")
        return 1
    CONSOLE.print(f"A sandbox {'has started' if started else 'is running'} at {connection['url']}")
    with Progress(console=CONSOLE, transient=True) as progress:
        task = progress.add_task("what a company's installations ran in a month", total=RUNS)
        introduce(connection, lambda more: progress.update(task, advance=more))
    CONSOLE.print("`pulumi up` applies the definitions in flags/, cohorts/ and the other folders to it ...")
    definitions = load(ROOT, STACK)
    if not _apply(connection, definitions):
        return 1
    show_applied(connection, definitions)
    _show_numbers(connection, definitions)
    _say_what_next(connection)
    return 0


def _apply(connection: dict[str, Any], definitions: Definitions) -> bool:
    environ = {**environment(ROOT, os.environ), "PULUMI_CONFIG_PASSPHRASE": STACK, **variables(connection)}
    select = ["pulumi", "stack", "select", "--create", STACK]
    subprocess.run(select, cwd=ROOT, env=environ, check=True, capture_output=True)
    up = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never", "--stack", STACK]
    said: list[str] = []
    with (
        subprocess.Popen(up, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run,
        Progress(console=CONSOLE, transient=True) as progress,
    ):
        task = progress.add_task("pulumi up", total=len(definitions.resources))
        for line in run.stdout or ():
            said.append(line)
            progress.update(task, advance=bool(DONE.search(line)))
    if run.returncode:
        CONSOLE.print("".join(said), markup=False)
    return run.returncode == 0


def show_applied(connection: dict[str, Any], definitions: Definitions) -> None:
    """Print what was applied, and what three installations get of the flags."""
    if not definitions.resources:
        CONSOLE.print("There are no definitions yet. Write one, in flags/ for example, or copy some of docs/samples.\n")
        return
    counts = Counter(definition.kind for definition in definitions.resources if definition.kind != "tiles")
    CONSOLE.print(f"Applied: {', '.join(f'{count} {_plural(kind, count)}' for kind, count in counts.items())}.\n")
    flags = [definition.key for definition in definitions.resources if definition.kind == "flag"]
    if flags:
        _show_flags(connection, flags)


def _plural(kind: str, count: int) -> str:
    name = KINDS[kind].words
    return name if count == 1 else f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}s"


def _show_flags(connection: dict[str, Any], flags: list[str]) -> None:
    title = "What an installation's SDK answers"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("flag", no_wrap=True)
    for each in three():
        table.add_column(f"{each.id}\n{each.channel}, {each.version}", no_wrap=True)
    found = answers(connection, flags[:MOST_FLAGS])
    for flag in flags[:MOST_FLAGS]:
        table.add_row(flag, *(found[each.id][flag] for each in three()))
    CONSOLE.print(table)
    if len(flags) > MOST_FLAGS:
        CONSOLE.print(f"... and {len(flags) - MOST_FLAGS} more flags.\n")


def _show_numbers(connection: dict[str, Any], definitions: Definitions) -> None:
    """Show three figures and a picture, where the packages are installed that the sandbox computes with."""
    try:
        CONSOLE.print(figures(connection))
        for alert in firing(connection):
            mail = (FOLDER / "data" / "mail").relative_to(ROOT)
            CONSOLE.print(f"Firing:          {alert} (e-mails are in {mail})", soft_wrap=True, markup=False)
    except ApiError as error:
        CONSOLE.print(f"The sandbox computes no numbers: {error}\n", markup=False)
        return
    dashboards = [each.key for each in definitions.resources if each.kind == "dashboard"]
    if dashboards:
        CONSOLE.print(f"Drawn:           {draw(connection, SHOWN if SHOWN in dashboards else dashboards[0])}")


def _say_what_next(connection: dict[str, Any]) -> None:
    CONSOLE.print(
        f"Look at it:      {connection['url']}\n"
        "Set up a shell:  . ./activate\n"
        "Change a flag:   edit its file in flags/, then `ai-admin check`\n"
        f"See the effect:  ai-admin plan --stack {STACK}\n"
        f"Apply it:        ai-admin apply --stack {STACK}\n"
        f"Who uses what:   ai-admin installations --stack {STACK}\n"
        "Stop:            make stop"
    )


if __name__ == "__main__":
    sys.exit(main())
