"""What all commands share: their list, and how they end."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from ai_admin import __version__
from ai_admin.cli.check import check

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ai-admin")
def cli() -> None:
    """AI Admin: PostHog's flags, cohorts, dashboards and alerts for a product's AI features, kept as reviewed
    code.

    Edit the YAML files in flags/, cohorts/, dashboards/, alerts/ and events/, check them here, look at
    `pulumi preview` and apply with `pulumi up`.
    """


cli.add_command(check)


def main() -> NoReturn:
    """Run the command line and end the process: 0 all well, 1 problems found, 2 wrong use."""
    try:
        cli.main(prog_name="ai-admin", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough; the interpreter must not flush into the closed
        # pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)
