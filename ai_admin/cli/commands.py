"""What all commands share: their list, and how they end."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from ai_admin import __version__
from ai_admin.cli.escaping import escape
from providers.posthog.errors import SchemaError

COMMANDS = {
    "alerts": "List alerts as PostHog has them: state, value, distance from the bound, checks, and whom they notify.",
    "apply": "Apply what a plan says with `pulumi up`, and show what was done in a few lines.",
    "backtest": "Report when alerts would have fired over past values.",
    "check": "Check the definitions, offline.",
    "clients": "Generate typed clients, in Python and TypeScript, from the definitions.",
    "dashboards": "Draw dashboards with their numbers.",
    "doctor": "Report what is left over, or has no owner.",
    "drift": "Report what differs in PostHog from the files, who changed it and when.",
    "history": "Show who changed what, when and why.",
    "init": "Configure a fresh clone for your own PostHog.",
    "installations": "List installations with their usage, cost and caps.",
    "ls": "List what is defined, live and different.",
    "metrics": "Show usage, cost and errors of a period.",
    "off": "Switch a flag off in PostHog, at once, and in its file.",
    "on": "Switch a flag on again, as it was before it was switched off.",
    "plan": "Report what `pulumi up` would do, in sentences, the most dangerous change first.",
    "promote": "Give one stack another one's version of a definition.",
    "pull": "Write changes in PostHog into the files.",
    "show": "Show a definition, its object in PostHog, and where both are.",
    "simulate": "Send a made-up company's use of AI enhancements to a sandbox.",
    "test": "Run the tests that flags have in their files, offline.",
    "who": "Show what each flag gives one installation, now and with the files, and by which condition.",
}
"""The commands by name, each with the beginning of its help."""


class _Commands(click.Group):
    """Imports a command when it is run. The list of commands has stand-ins, so it imports none."""

    def __init__(self, **given: Any) -> None:
        super().__init__(commands=[click.Command(name, help=text) for name, text in COMMANDS.items()], **given)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return cast(click.Command, getattr(import_module(f"ai_admin.cli.{name}"), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        click.Group(commands=self.commands).format_commands(ctx, formatter)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ai-admin")
def cli() -> None:
    """AI Admin: PostHog's flags, cohorts, dashboards and alerts for a product's AI features, kept as reviewed
    code.

    Edit the YAML files in flags/, cohorts/, dashboards/ and the other folders, `check` them, see with `plan` what
    would change, and `apply` it. `pulumi preview` and `pulumi up` do the same with Pulumi's output.
    """


def run() -> NoReturn:
    """Run the command that the process was started with, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every character of a message
            escape(stream)
    try:
        code = cli.main(prog_name="ai-admin", standalone_mode=False)  # what a command gave ctx.exit, if it did
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SchemaError as error:
        click.ClickException(str(error)).show()
        sys.exit(2)
    except click.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough; the interpreter must not flush into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code)
