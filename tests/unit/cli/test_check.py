"""`ai-admin check` as people and machines run it."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ai_admin import __version__
from ai_admin.cli import main
from ai_admin.cli.commands import COMMANDS, cli
from ai_admin.definitions import schemas
from providers.posthog.errors import SchemaError
from tests.support.checkouts import sample_checkout
from tests.support.commands import ai_admin
from tests.unit.definitions.checkouts import Checkout

ROOT = Path(__file__).parents[3]
TYPO = 'flags/typo.yaml:2:1: flag/typo: the key "actve" is not known here; write "active"'
MISSING = (
    'flags/typo.yaml:3:31: flag/typo: there is no cohort "intern"; define it in cohorts/, or write one of internal'
)


@pytest.fixture
def good(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def bad(good: Checkout) -> Checkout:
    good.write("flags/typo.yaml", "key: typo\nactve: true\nrelease_conditions: [{cohort: intern}]\n")
    return good


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return ai_admin(cwd, os.environ, *map(str, arguments))


def process(cwd: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ai_admin", "check"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_good_checkout(good: Checkout) -> None:
    result = run("check", cwd=good.root)
    assert (result.returncode, result.stdout, result.stderr) == (0, "7 definitions in 6 files: no problems\n", "")


def test_the_samples_are_good(tmp_path: Path) -> None:
    result = run("check", cwd=sample_checkout(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("files: no problems\n")


def test_problems_are_listed_in_order_with_a_summary(bad: Checkout) -> None:
    result = run("check", cwd=bad.root)
    assert result.stdout.splitlines() == [TYPO, MISSING, "8 definitions in 7 files: 2 problems"]
    assert (result.returncode, result.stderr) == (1, "")


def test_json_for_machines(bad: Checkout) -> None:
    bad.write(
        "flags/f.yaml", "key: f\nrelease_conditions: [{}]\nstacks: {staging: {release_conditions: [{cohort: x}]}}\n"
    )
    result = run("check", "--json", cwd=bad.root)
    assert result.returncode == 1
    output = json.loads(result.stdout)
    assert (output["definitions"], output["files"], output["notes"]) == (9, 8, [])
    assert output["problems"][:2] == [
        {
            "path": "flags/f.yaml",
            "line": 3,
            "column": 50,
            "subject": "flag/f",
            "message": 'there is no cohort "x"',
            "fix": "define it in cohorts/, or write one of internal",
            "stacks": ["staging"],
            "rule": "references/exist",
        },
        {
            "path": "flags/typo.yaml",
            "line": 2,
            "column": 1,
            "subject": "flag/typo",
            "message": 'the key "actve" is not known here',
            "fix": 'write "active"',
            "stacks": [],
            "rule": "schema",
        },
    ]


def test_json_of_a_good_checkout(good: Checkout) -> None:
    result = run("check", "--json", cwd=good.root)
    assert result.returncode == 0
    assert json.loads(result.stdout) == {"problems": [], "notes": [], "definitions": 7, "files": 6}


def test_it_finds_the_checkout_from_a_sub_folder(bad: Checkout) -> None:
    assert run("check", cwd=bad.root / "cohorts").stdout.splitlines()[0] == TYPO


@pytest.mark.parametrize(
    ("path", "shown"),
    [(".", 2), ("flags", 2), ("flags/typo.yaml", 2), ("cohorts", 0), ("flags/enabled.yaml", 0)],
)
def test_a_path_limits_what_is_shown(bad: Checkout, path: str, shown: int) -> None:
    result = run("check", path, cwd=bad.root)
    assert len(result.stdout.splitlines()) == shown + 1
    assert result.returncode == (1 if shown else 0)


def test_a_checkout_elsewhere(bad: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert run("check", bad.root, cwd=elsewhere).stdout.splitlines()[0] == TYPO


def test_a_stack_limits_what_is_shown(bad: Checkout) -> None:
    bad.write(
        "flags/f.yaml", "key: f\nrelease_conditions: [{}]\nstacks: {staging: {release_conditions: [{cohort: x}]}}\n"
    )
    counts = {
        name: len(run("check", "--stack", name, cwd=bad.root).stdout.splitlines()) - 1
        for name in ("staging", "sandbox")
    }
    assert counts == {"staging": 3, "sandbox": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--stack", "stagin"], 'there is no stack "stagin": did you mean staging?'),
        (["check", "--stack", "xyz"], 'there is no stack "xyz": the stacks are production, sandbox and staging'),
        (["check", "gone"], "there is no file or folder gone"),
        (["check", "--jsn"], "No such option"),
        (["chek"], "No such command"),
    ],
)
def test_wrong_use(good: Checkout, arguments: list[str], said: str) -> None:
    result = run(*arguments, cwd=good.root)
    assert result.returncode == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_outside_of_any_checkout(tmp_path: Path) -> None:
    result = run("check", cwd=tmp_path)
    assert result.returncode == 2
    assert f"there is no Pulumi.yaml in {tmp_path} or above it" in result.stderr


def test_version_and_help(good: Checkout) -> None:
    assert run("--version", cwd=good.root).stdout == f"ai-admin, version {__version__}\n"
    assert re.search(r"check +Check the definitions, offline\.", run("--help", cwd=good.root).stdout)
    shown = run("check", "-h", cwd=good.root).stdout
    assert "file:line:column: kind/key: what is wrong; what to write instead" in shown
    assert "Exit codes: 0 no problems, 1 problems, 2 wrong use." in shown


def test_the_list_of_commands_says_of_each_how_its_own_help_begins() -> None:
    for name, text in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert (command.help or "").replace("\n", " ").startswith(text.rstrip(".")), name


def test_a_command_that_was_evidently_meant_is_named(good: Checkout) -> None:
    done = run("chekc", cwd=good.root)
    assert (done.returncode, "Did you mean 'check'?" in done.stderr) == (2, True), done.stderr


def test_a_reader_that_stops_reading_is_no_error(good: Checkout) -> None:
    for n in range(300):
        good.write(f"flags/{n}.yaml", f"key: f{n}\nunknown_{'x' * 500}: 1\nrelease_conditions: [{{}}]\n")
    reading = process(good.root)
    assert reading.stdout is not None
    assert reading.stderr is not None
    reading.stdout.read(10)
    reading.stdout.close()
    assert reading.stderr.read() == b""
    assert reading.wait(60) == 1
    reading.stderr.close()


def test_ctrl_c_is_quiet(good: Checkout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("ai_admin.cli.check"), "check_definitions", interrupted)
    monkeypatch.setattr(sys, "argv", ["ai-admin", "check", str(good.root)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capfd.readouterr().err.strip() in ("", "Aborted!")


@pytest.mark.parametrize(
    ("taken", "code"), [("", 130), ("cli.takes_its_time()", 0), ("signal.signal(signal.SIGINT, lambda *_: None)", 0)]
)
def test_an_interrupt_ends_the_process_unless_somebody_takes_it(taken: str, code: int) -> None:
    """`ai-admin apply` hands it to Pulumi, which must not be left alone in the middle of a run; `backtest` tells what
    is known by then.
    """
    script = "import signal\nfrom ai_admin import cli\ncli.GRACE = 0\nsignal.signal(signal.SIGINT, cli._interrupt)\n"
    done = subprocess.run([sys.executable, "-c", f"{script}{taken}\ncli._end()"], check=False)
    assert done.returncode == code


@pytest.mark.parametrize(
    "command", ["alerts", "backtest", "check", "clients", "ls --offline", "test", "who --offline x"]
)
def test_a_broken_schema_is_the_checkout_s_fault(
    good: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    def broken(*_: object) -> None:
        raise SchemaError("schemas/flag.schema.json cannot be read: gone")

    good.write("Pulumi.production.yaml", "config: {ai-admin:host: http://127.0.0.1:1, ai-admin:project_id: 1}\n")
    (good.root / "Pulumi.staging.yaml").unlink(missing_ok=True)
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_none")
    monkeypatch.chdir(good.root)
    monkeypatch.setattr(schemas, "violations", broken)
    monkeypatch.setattr(sys, "argv", ["ai-admin", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "Error: schemas/flag.schema.json cannot be read: gone\n"


def test_a_message_is_one_line_and_harmless_on_any_terminal(good: Checkout) -> None:
    good.write("flags/f.yaml", '"k\\e[31m\\ne": 1\nkey: f\nrelease_conditions: [{}]\n')
    with process(good.root, PYTHONIOENCODING="latin-1") as written:
        said = written.communicate(timeout=60)[0].decode("latin-1").splitlines()
    assert said[0].startswith(r'flags/f.yaml:1:1: flag/f: the key "k\x1b[31m\ne" is not known')
    assert r"\u2026 (14 more)" in said[0]
    assert len(said) == 2
