"""`ai-admin promote` as people run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.review import promotion
from tests.support.past import Checkout

OVERLAY = "stacks:\n  staging: {release_conditions: [{description: Everybody, rollout_percentage: 50}]}\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(tmp_path)
    made = Checkout(tmp_path, "production", "staging")
    made.flag("ai", 10, OVERLAY)
    made.commit("One")
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["promote", *arguments])


def test_the_step_is_shown_and_written_and_becomes_a_pull_request(checkout: Checkout) -> None:
    before = (checkout.folder / "flags/ai.yaml").read_text()
    done = run("ai", "--from", "staging", "--to", "production", "--dry-run")
    said = 'flag/ai in production:\n  condition "Everybody" from 10 % to 50 %\n'
    assert (done.exit_code, done.stdout) == (0, f"{said}nothing is written\n")
    assert (checkout.folder / "flags/ai.yaml").read_text() == before
    done = run("ai", "--from", "staging", "--to", "production")
    assert done.exit_code == 0
    offered = "flags/ai.yaml says so now; for a pull request:\n  git switch -c promote/ai &&\n"
    assert done.stdout.startswith(f"{said}{offered}")
    assert "git commit -m 'Promote ai to production' -- flags/ai.yaml" in done.stdout
    assert "rollout_percentage: 50" in (checkout.folder / "flags/ai.yaml").read_text()
    assert "uncommitted" not in done.stdout
    again = run("ai", "--from", "staging", "--to", "production")
    assert (again.exit_code, again.stdout) == (0, "production has of ai what staging has\n")


def test_the_commit_is_said_to_take_other_edits_of_the_file_along(checkout: Checkout) -> None:
    file = checkout.folder / "flags/ai.yaml"
    file.write_text(f"# mine\n{file.read_text()}")
    said = run("ai", "--from", "staging", "--to", "production").stdout
    assert "flags/ai.yaml has other uncommitted changes, which the commit below takes along; `git commit -p`" in said


def test_a_variant_that_jumps_is_said_to_have_no_step_without_losers_and_gets_the_smaller_one(
    checkout: Checkout,
) -> None:
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true}\n")
    flag = """\
key: ai
variants: [{key: a, rollout_percentage: 100}, {key: b, rollout_percentage: 0}]
release_conditions: [{description: Everybody, variant: a}]
stacks:
  staging:
    variants: [{key: a, rollout_percentage: 50}, {key: b, rollout_percentage: 50}]
    release_conditions: [{description: Everybody}]
"""
    checkout.write("flags/ai.yaml", flag)
    done = run("ai", "--from", "staging", "--to", "production", "--dry-run")
    assert [line for line in done.stdout.splitlines() if "step" in line] == [
        "there is no smaller step in which nobody loses anything",
        "a step in which fewer get another variant at once: write the variants a at 75 %, b at 25 % and the new "
        "release conditions for production, apply that, and promote again",
    ]


def test_what_was_saved_meanwhile_stays(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    found = promotion.promote

    def slow(*arguments: Any) -> promotion.Promotion:
        result = found(*arguments)
        checkout.write("flags/ai.yaml", "key: ai  # saved\n")
        return result

    monkeypatch.setattr("ai_admin.cli.promote.promotion", slow)
    done = run("ai", "--from", "staging", "--to", "production")
    assert done.exit_code == 1
    assert done.stderr == "nothing is written: somebody saved flags/ai.yaml meanwhile; run this again\n"
    assert (checkout.folder / "flags/ai.yaml").read_text() == "key: ai  # saved\n"


def test_a_step_that_is_refused_is_said(checkout: Checkout) -> None:
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true}\n")
    done = run("ai", "--from", "staging", "--to", "production", "--dry-run")
    assert done.exit_code == 0
    refused = done.stdout.splitlines()[2]
    assert refused.startswith("refused by the rules of production: a release condition would grow from 10 % to 50 %")


def test_a_colleagues_broken_file_is_named_and_no_obstacle(checkout: Checkout) -> None:
    checkout.write("flags/theirs.yaml", "key: [")
    done = run("ai", "--from", "staging", "--to", "production")
    assert done.exit_code == 0
    assert "flags/ai.yaml says so now" in done.stdout
    assert "flags/theirs.yaml:" in done.stderr
    checkout.write("flags/ai.yaml", "key: ai\n")
    assert run("ai", "--from", "staging", "--to", "production").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ia", "--from", "staging", "--to", "production"), 1, "nothing is written: no file defines ia"),
        (("ai", "--from", "staging", "--to", "staging"), 2, "--from and --to are the same stack"),
        (("ai", "--from", "stagin", "--to", "production"), 2, "did you mean staging?"),
        (("ai", "--from", "staging"), 2, "Missing option '--to'"),
    ],
)
def test_the_exit_code_says_how_it_ended(
    checkout: Checkout, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*arguments)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_who_loses_it_what_to_take_instead_and_the_tests_to_edit_are_said(checkout: Checkout) -> None:
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true}\n")
    tests = "tests:\n  - {name: nobody, properties: {plan: free}, expect: false, share: 90}\n"
    checkout.write("events/person.yaml", "type: person\nkey: person\nproperties: {plan: {type: String}}\n")
    pro = "key: pro\nrelease_conditions: [{description: Pro, properties: [{key: plan, value: pro}]}]\n"
    checkout.write("flags/pro.yaml", pro + OVERLAY + tests)
    said = run("pro", "--from", "staging", "--to", "production").stdout
    assert 'somebody may lose it in production: of those who match "Pro", 100 % have it now, at least 50 % then' in said
    step = '"Pro" at 100 %, "Everybody" at 25 %'
    assert f"a step in which nobody loses it: write {step} for production, apply that, and promote again" in said
    assert "this test fails in production then: flags/pro.yaml:4: nobody: expected 90 %" in said
    assert "edit the tests in the same pull request" in said
