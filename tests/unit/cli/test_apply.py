"""`ai-admin apply` where there is nothing to apply."""

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


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["apply", *arguments])


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
