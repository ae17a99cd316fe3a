"""Options that are written before a subcommand's name."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ai_admin.cli.commands import cli


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("alerts --json show x", "--json has no effect before `show`: write it after `show`"),
        ("alerts --json test x", "--json has no effect before `test`: `test` has no such option"),
        ("installations --from -30d show x", "--from has no effect before `show`: write it after `show`"),
        ("installations --sort cost show x", "--sort has no effect before `show`: `show` has no such option"),
    ],
)
def test_one_that_would_have_no_effect_is_wrong_use(arguments: str, said: str) -> None:
    done = CliRunner().invoke(cli, arguments.split())
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (2, f"Error: {said}")


@pytest.mark.parametrize("arguments", ["alerts --stack nowhere show x", "installations --stack nowhere show x"])
def test_the_stack_is_taken_wherever_it_is(arguments: str) -> None:
    assert 'there is no stack "nowhere"' in CliRunner().invoke(cli, arguments.split()).stderr
