"""`ai-admin apply` where there is nothing to apply, and `ai-admin plan` where its plan can't be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from tests.support.past import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(tmp_path)
    return Checkout(tmp_path, "production", "staging")


def run(*arguments: str, command: str = "apply") -> Result:
    return CliRunner().invoke(cli, [command, *arguments])


def test_the_plan_of_another_stack_is_named_before_what_this_one_lacks(checkout: Checkout) -> None:
    texts = dict.fromkeys(("host", "project", "settings"), "x")
    plan = {"version": 2, "stack": "production", **texts, "definitions": {}, "refused": [], "changes": {}}
    checkout.write("plan.json", json.dumps(plan))
    done = run("plan.json", "--stack", "staging")
    assert done.exit_code == 4
    assert done.stderr.startswith("nothing was applied:\n  the plan is for stack production, and this is staging\n")
    assert "host" not in done.stderr


def test_where_there_is_no_plan_the_flags_that_files_switch_off_can_go_off_all_the_same(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", "key: ai\nactive: false\n")
    hint = "to switch off ai all the same: ai-admin off --as-written --stack staging"
    assert hint not in run("--stack", "staging").stderr
    checkout.flag("ai", 10, "active: false\n")
    done = run("--stack", "staging")
    assert done.exit_code == 1
    assert hint in done.stderr
    checkout.write("flags/theirs.yaml", "key: [theirs\n")
    assert hint in run("--stack", "staging").stderr


def test_a_plan_for_a_folder_that_is_not_there_is_wrong_use(checkout: Checkout) -> None:
    done = run("--stack", "staging", "--out", "missing/plan.json", command="plan")
    assert (done.exit_code, "missing/plan.json can't be written" in done.stderr) == (2, True), done.stderr
