"""``ai-admin init``: configures a fresh clone for a user's own PostHog."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from ai_admin.cli.checkout import checkout
from ai_admin.cli.text import ended
from ai_admin.definitions.saving import put
from ai_admin.initial import SAMPLES, Changes, changes, wrong_choices
from providers.posthog.connection import same_host
from providers.posthog.errors import NotInitialised

EU = "https://eu.posthog.com"
STACKS = ("staging", "production")
"""The stacks that it asks about, in the order of applying; they are those of .github/workflows/apply.yml."""


def _projects(_: click.Context, __: click.Parameter, given: Iterable[str]) -> dict[str, str]:
    """Return the project by stack of what was given as NAME=ID."""
    projects: dict[str, str] = {}
    for each in given:
        stack, equals, project = each.partition("=")
        if not equals:
            raise click.BadParameter(f'"{each}": write the stack and the number of its project, as production=12345')
        if stack in projects:
            raise click.BadParameter(f"{stack} is given twice")
        projects[stack] = project
    return projects


@click.command()
@click.option("--host", metavar="URL", help=f"PostHog's address, such as {EU}.")
@click.option(
    "--project",
    "projects",
    metavar="STACK=ID",
    multiple=True,
    callback=_projects,
    help="A stack and the number of its PostHog project; once for each stack, in the order of applying.",
)
@click.option("--samples", type=click.Choice(["keep", "drop"]), help="Keep or remove the sample definitions.")
def init(host: str | None, projects: dict[str, str], samples: str | None) -> None:
    """Configure a fresh clone for your own PostHog.

    Writes Pulumi.<stack>.yaml for each stack, with host and project. Each stack follows the one before it,
    and the last one is careful (docs/safety.md). Keeps or removes the sample definitions; docs/samples has a
    copy. Prints the next steps. Sends nothing to PostHog.

    Asks for each option that is missing:

    \b
        ai-admin init
        ai-admin init --host https://eu.posthog.com --project production=12345 --samples drop

    Exit codes: 0 done, 1 refused and nothing changed, 2 wrong use.
    """
    root = checkout()
    try:
        host = (host or click.prompt("PostHog's address", default=EU)).rstrip("/")
        projects = projects or _asked()
        samples = samples or click.prompt("The sample definitions", type=click.Choice(["keep", "drop"]))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("nobody answers here: give --host, --project and --samples") from None
    wrong = wrong_choices(host, projects)
    if wrong:
        raise click.UsageError("\n".join(wrong))
    host = same_host(host)
    try:
        made = changes(root, host, projects, samples == "keep")
        put(made)
    except (NotInitialised, OSError) as refused:
        raise ended(f"Refused, and nothing is changed: {refused}", 1) from None
    click.echo("\n".join([*_done(root, made), "", *_next_steps(host, list(projects))]))


def _asked() -> dict[str, str]:
    projects: dict[str, str] = {}
    while not projects:
        for stack in STACKS:
            question = f"Number of the PostHog project for {stack} (empty: no {stack})"
            number = click.prompt(question, default="", show_default=False)
            if number:
                projects[stack] = number
    return projects


def _done(root: Path, made: Changes) -> list[str]:
    stacks = [path for path in made if path.parent == root]
    written = [path.name for path in stacks if made[path] is not None]
    gone = [path.name for path in stacks if made[path] is None]
    samples = sum(1 for path, text in made.items() if text is None and path.parent != root)
    lines = [f"Written: {', '.join(written)}"]
    lines += [f"Removed: {', '.join(gone)}"] if gone else []
    lines += [f"Removed: {samples} sample definitions ({SAMPLES} has them still)"] if samples else []
    return lines


def _next_steps(host: str, stacks: list[str]) -> list[str]:
    """Return what is left to do, in an order that works; README shows and a test executes it."""
    lines = [
        "Next, with values of your own: where Pulumi keeps its state, a passphrase for the secrets in it, and a",
        f"personal API key from {host}/settings/user-api-keys",
        "",
        "  export PULUMI_BACKEND_URL=s3://my-bucket",
        "  export PULUMI_CONFIG_PASSPHRASE=a-passphrase-of-your-own",
        "  export POSTHOG_API_KEY=phx_your_key",
        "  . ./activate",
    ]
    for stack in stacks:
        lines += [f"  pulumi stack init {stack}", f"  pulumi preview --stack {stack}"]
        lines += [f"  pulumi up --yes --stack {stack}"]
    lines += ["  git add --all", '  git commit --message "Our own PostHog"']
    lines += [
        "",
        "Describe in events/ what your product sends before anything names it: cohorts, conditions and insights know",
        "only the events and properties that are described there.",
    ]
    if tuple(stacks) != STACKS:
        lines += [
            "",
            f"CI knows {' and '.join(STACKS)}. Write your stacks where `# stacks:` is, in .github/workflows:",
            "in apply.yml the matrix of `off` and a job for each stack, in off.yml the choice, in drift.yml the",
            "matrix; or in .gitlab-ci.yml.",
        ]
    return lines
