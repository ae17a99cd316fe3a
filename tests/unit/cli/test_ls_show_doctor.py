"""`ai-admin ls`, `show` and `doctor` without PostHog, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from tests.support.past import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POSTHOG_API_KEY", raising=False)
    made = Checkout(tmp_path, "production", "staging")
    made.write("cohorts/beta.yaml", "key: beta\nname: Beta\nproperties: [{key: channel, value: beta}]\n")
    made.write("events/person.yaml", "type: person\nkey: person\nproperties: {channel: {type: String}}\n")
    made.flag("ai", 10)
    made.flag("search", 20, "expires: 2026-01-01\nonly: [staging]\n")
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_ls_has_a_line_for_each_definition_and_a_column_for_each_stack(checkout: Checkout) -> None:
    done = run("ls", "flag", "--offline")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["production", "staging"],
        ["flag", "ai", "defined", "defined", "flags/ai.yaml:1"],
        ["flag", "search", "-", "defined", "flags/search.yaml:1"],
    ]
    assert run("ls", "flags", "--offline").stdout == done.stdout
    found = json.loads(run("ls", "--offline", "--json", "--stack", "production").stdout)
    assert {each["name"] for each in found["objects"]} == {"cohort/beta", "flag/ai"}


def test_ls_knows_nothing_of_a_stack_that_it_can_not_read(checkout: Checkout) -> None:
    done = run("ls", "flag", "--different")
    assert done.exit_code == 1
    assert [line.split()[:4] for line in done.stdout.splitlines()[1:]] == [
        ["flag", "ai", "?", "?"],
        ["flag", "search", "-", "?"],
    ]


def test_ls_says_that_nothing_is_different(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(stacks=("production",), rows=lambda *_: (), unowned={}, unread={})
    monkeypatch.setattr("ai_admin.cli.ls.survey", lambda *_, **__: nothing)
    assert run("ls", "flag", "--different").stdout == "nothing is different\n"


def test_show_says_what_it_holds_where_it_is_and_what_uses_it(checkout: Checkout) -> None:
    condition = "{cohort: beta, description: Testers, rollout_percentage: 5}"
    checkout.write("flags/user.yaml", f"key: user\nrelease_conditions: [{condition}]\n")
    done = run("show", "beta", "--offline")
    assert done.exit_code == 0
    assert done.stdout.startswith("cohort beta  cohorts/beta.yaml:1\n  in production and staging:\n    name: Beta\n")
    assert done.stdout.endswith('\n  flag user serves by it: condition "Testers" at 5 %\n')
    found = json.loads(run("show", "flag/user", "--offline", "--json", "--stack", "staging").stdout)
    [flag] = found["objects"].values()
    assert flag["staging"]["definition"]["release_conditions"][0]["properties"][0]["value"] == "beta"
    assert (flag["staging"]["state"], flag["staging"]["url"]) == ("defined", None)


def test_doctor_says_what_to_do_and_which_checks_can_be_chosen(checkout: Checkout) -> None:
    done = run("doctor", "--offline", "--check", "expires", "--check", "unused")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "flags/search.yaml:1: flag/search: was to stay until 2026-01-01; remove it from the product and then here, or "
        "move the day",
        "cohorts/beta.yaml:1: cohort/beta: is used by nothing; remove it, or use it",
        "2 to do",
    ]
    skipped = run("doctor", "--offline", "--check", "expires", "--skip", "expires")
    assert (skipped.exit_code, skipped.stdout) == (0, "nothing to do\n")
    in_production = run("doctor", "--offline", "--check", "expires", "--stack", "production", "--json")
    assert json.loads(in_production.stdout) == {"findings": []}, "the flag is for staging alone"


def test_doctor_lets_a_flag_be_that_somebody_has_just_switched_off(checkout: Checkout) -> None:
    """`ai-admin off` edits its file, which nobody has committed yet; nor a new one."""
    checkout.flag("old", 10, "active: false\n")
    checkout.flag("late", 10)
    checkout.commit("Add them.", at="2020-01-01T12:00:00Z")
    checkout.flag("late", 10, "active: false\n")
    checkout.flag("new", 10, "active: false\n")
    said = run("doctor", "--offline", "--check", "rolled-out").stdout
    assert said.startswith("flags/old.yaml:1: flag/old: gives everybody nothing since 1 Jan 2020, ")
    assert said.endswith("\n1 to do\n")


def test_doctor_tells_what_it_knows_where_posthog_can_not_be_asked(checkout: Checkout) -> None:
    done = run("doctor", "--stack", "staging")
    offline = run("doctor", "--offline", "--stack", "staging", "--skip", "unused")
    assert (done.exit_code, done.stdout) == (1, offline.stdout)
    assert "was to stay until 2026-01-01" in done.stdout
    assert done.stderr.startswith("stale, never-evaluated, coming-on, unused, consents and scopes: not known: ")
    assert json.loads(run("doctor", "--stack", "staging", "--json").stdout)["findings"]
    assert run("doctor", "--stack", "staging", "--check", "stale").stdout == "", "that nothing is to do is not known"
    without = run("doctor", "--stack", "production", "--check", "expires")
    assert (without.exit_code, without.output) == (0, "nothing to do\n"), "nothing in PostHog is needed for it"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ls", "flagg"), 2, 'there is no kind "flagg": did you mean flag?'),
        (("ls", "--stack", "other"), 2, 'there is no stack "other"'),
        (("ls",), 1, "production: "),
        (("show", "beto", "--offline"), 4, "there is no definition beto; did you mean beta?"),
        (("show", "beta", "--stack", "production"), 1, "production: "),
        (("doctor",), 2, "say which stack: --stack production or --stack staging"),
        (("doctor", "--stack", "production"), 1, "unused, consents and scopes: not known: "),
        (("doctor", "--check", "nothing"), 2, "is not one of"),
    ],
)
def test_the_exit_code_says_how_it_ended(
    checkout: Checkout, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*arguments)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_a_broken_file_is_named_and_the_rest_is_shown(checkout: Checkout) -> None:
    checkout.write("cohorts/theirs.yaml", "key: [")
    checkout.flag("theirs", 500)
    commands: dict[tuple[str, ...], str] = {("ls",): "flag    ai", ("show", "ai"): "flag ai", ("doctor",): "search"}
    for command, shown in commands.items():
        done = run(*command, "--offline")
        assert (done.exit_code, shown in done.stdout) == (1, True), done.stdout
        assert all(each in done.stderr for each in ("cohorts/theirs.yaml:", "flags/theirs.yaml:5:"))
        assert "theirs" not in done.stdout
    assert "is used by nothing" not in run("doctor", "--offline").stdout, "the broken file may use it"


def test_problems_of_the_definitions_are_said(checkout: Checkout) -> None:
    checkout.flag("ai", 500)
    for command in (("ls", "--offline"), ("show", "ai", "--offline"), ("doctor", "--offline")):
        done = run(*command)
        assert done.exit_code == 1
        assert "flags/ai.yaml:5:" in done.stderr
