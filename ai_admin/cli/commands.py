"""What all commands share: their list, and how they end."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

import click

from ai_admin import __version__
from ai_admin.cli.alerts import alerts
from ai_admin.cli.apply import apply
from ai_admin.cli.backtest import backtest
from ai_admin.cli.check import check
from ai_admin.cli.clients import clients
from ai_admin.cli.dashboards import dashboards
from ai_admin.cli.doctor import doctor
from ai_admin.cli.drift import drift
from ai_admin.cli.history import history
from ai_admin.cli.init import init
from ai_admin.cli.installations import installations
from ai_admin.cli.ls import ls
from ai_admin.cli.metrics import metrics
from ai_admin.cli.off import off
from ai_admin.cli.on import on
from ai_admin.cli.plan import plan
from ai_admin.cli.promote import promote
from ai_admin.cli.pull import pull
from ai_admin.cli.show import show
from ai_admin.cli.simulate import simulate
from ai_admin.cli.test import test
from ai_admin.cli.who import who
from providers.posthog.errors import SchemaError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ai-admin")
def cli() -> None:
    """AI Admin: PostHog's flags, cohorts, dashboards and alerts for a product's AI features, kept as reviewed
    code.

    Edit the YAML files in flags/, cohorts/, dashboards/ and the other folders, `check` them, see with `plan` what
    would change, and `apply` it. `pulumi preview` and `pulumi up` do the same in the engine's words.
    """


for command in (
    alerts,
    apply,
    backtest,
    check,
    clients,
    dashboards,
    doctor,
    drift,
    history,
    init,
    installations,
    ls,
    metrics,
    off,
    on,
    plan,
    promote,
    pull,
    show,
    simulate,
    test,
    who,
):
    cli.add_command(command)


def run() -> NoReturn:
    """Run the command that the process was started with, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every character of a message
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
