"""`ai-admin history` as people and machines run it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from tests.support.past import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POSTHOG_API_KEY", raising=False)
    made = Checkout(tmp_path, "production", "staging")
    made.flag("ai-model")
    made.commit("Another one")
    made.flag(share=10)
    made.commit("Ten (#1)\n\nReviewed-by: Ben <ben@example.com>")
    made.flag(share=50)
    made.commit("=Half")
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["history", *arguments], standalone_mode=True)


def test_people_read_the_newest_first(checkout: Checkout) -> None:
    done = run("ai")
    assert done.exit_code == 0
    first, said, why, *_ = done.stdout.splitlines()
    assert first == "3 Oct 2026, 12:00 UTC  flag ai  Ana <ana@example.com>"
    assert said == '    condition "Everybody" from 10 % to 50 %'
    assert why.endswith(": =Half")
    assert "\x1b" not in done.stdout, "no colours where there is no terminal"
    assert "(PostHog's log: --stack production or --stack staging)" in done.stderr


def test_the_log_of_the_one_stack_that_the_shell_is_set_up_for_is_read(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:host: https://eu.posthog.com}\n")
    monkeypatch.setenv("POSTHOG_HOST", "http://127.0.0.1:1")
    done = run("ai")
    assert done.exit_code == 1
    assert "not read: PostHog's activity log: " in done.stderr
    assert "(PostHog's log: --stack" not in done.stderr


def test_a_message_does_nothing_to_a_terminal(checkout: Checkout) -> None:
    checkout.flag(share=60)
    checkout.commit("Red \x1b[31m and\x07 a bell", "A\x1b[2J <a@example.com>")
    done = run("ai", "--offline")
    assert "\x1b" not in done.stdout
    assert r"A\x1b[2J <a@example.com>" in done.stdout
    assert r"Red \x1b[31m and\x07 a bell" in done.stdout


def test_machines_read_json_and_auditors_csv(checkout: Checkout) -> None:
    found = json.loads(run("ai", "--json", "--offline").stdout)
    assert [each["commit"]["pull_request"] for each in found["entries"]] == [None, "#1"]
    rows = list(csv.DictReader(io.StringIO(run("ai", "--csv", "--offline").stdout)))
    assert [row["reason"] for row in rows] == ["'=Half", "Ten", "Ten"]


def test_then_says_what_it_was_and_who_had_allowed_it(checkout: Checkout) -> None:
    done = run("ai", "--at", "2026-10-02", "--stack", "staging", "--offline")
    assert done.exit_code == 0
    assert "rollout_percentage: 10" in done.stdout
    assert "by Ana <ana@example.com>, #1, reviewed by Ben <ben@example.com>" in done.stdout
    found = json.loads(run("ai", "--at", "2026-10-02", "--json").stdout)
    assert found["found"][0]["file"]["definition"]["release_conditions"][0]["rollout_percentage"] == 10


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ai-models",), 4, "there never was a definition ai-models; did you mean ai-model?"),
        (("nobody", "--at", "2026-10-01"), 4, "there never was a definition nobody"),
        (("--at", "2026-10-01"), 2, "--at goes with KEY"),
        (("ai", "--at", "9999-12-31"), 2, "--at 9999-12-31: that is still to come"),
        (("--csv", "--json"), 2, "--csv goes with neither"),
        (("--since", "soon"), 2, "--since soon: no day or time; write 2026-11-12"),
        (("--stack", "productoin"), 2, "did you mean production?"),
        (("--stack", "production"), 1, "not read: PostHog's activity log: "),
        (("ai", "--since", "2027-01-01"), 0, ""),
    ],
)
def test_the_exit_code_says_how_it_ended(checkout: Checkout, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == code
    assert said in done.stderr
