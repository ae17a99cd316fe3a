"""`ai-admin test` as people and machines run it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from tests.unit.definitions.checkouts import Checkout

Run = Callable[..., Result]
GOOD = """
    key: enabled
    release_conditions: [{cohort: internal}]
    tests:
      - {name: ours, cohorts: [internal], expect: true}
      - {name: others, expect: false}
    """
BAD = """
    key: bad
    release_conditions: [{description: Ours, cohort: internal}]
    tests:
      - {name: ours, properties: {version: dev}, expect: false}
    stacks: {staging: {release_conditions: [{}]}}
    """
OFF = "its tests are not run in production, sandbox and staging: it is off, or a flag that it depends on"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.write("flags/enabled.yaml", GOOD)
    return made


@pytest.fixture
def run(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Run:
    def invoked(*arguments: str, color: bool = False) -> Result:
        monkeypatch.chdir(checkout.root)
        return CliRunner().invoke(cli, ["test", *arguments], color=color)

    return invoked


def test_tests_that_pass(run: Run) -> None:
    done = run()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "6 tests passed\n", "")


def test_a_failure_is_shown_once_with_its_place_its_stacks_and_the_reason(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/bad.yaml", BAD)
    done = run()
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "flags/bad.yaml:4: flag/bad: ours: expected false, got true (production and sandbox)",
        '    1. "Ours" decides: in cohort internal (version is dev): its version is "dev"',
        "flags/bad.yaml:4: flag/bad: ours: expected false, got true (staging)",
        '    1. "everybody" decides: it is for everybody',
        "flags/bad.yaml:2: flag/bad: no test reaches those who match no condition (production and sandbox)",
        "3 tests failed, 6 passed; 1 not reached by any",
    ]


def test_what_no_test_reaches_fails_when_that_is_asked_for(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/new.yaml", "key: new\nrelease_conditions: [{}]\n")
    listed = (
        "flags/new.yaml:1: flag/new: no test reaches anything of it: it has no tests (production, sandbox and staging)"
    )
    for arguments, code in ((), 0), (("--strict",), 1):
        done = run(*arguments)
        assert (done.exit_code, done.stdout.splitlines()[0]) == (code, listed)


def test_flags_and_a_stack_limit_what_is_tested(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/bad.yaml", BAD)
    assert run("enabled").stdout == "6 tests passed\n"
    assert run("enabled", "--stack", "staging").stdout == "2 tests passed\n"
    assert run("bad", "--stack", "staging").stdout.splitlines()[0].endswith("(staging)")


def test_a_flag_that_is_off_fails_nothing(run: Run, checkout: Checkout) -> None:
    """Who switches a flag off in an emergency has no tests to change."""
    checkout.write("flags/enabled.yaml", f"{GOOD.rstrip()}\n    active: false\n")
    done = run("--strict")
    assert (done.exit_code, done.stdout.splitlines()) == (0, [f"flag/enabled: {OFF}", "0 tests passed"])


def test_json_for_machines(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/bad.yaml", BAD)
    done = run("--json", "--stack", "sandbox")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [each for each in found["tests"] if each["failure"]] == [
        {
            "flag": "bad",
            "name": "ours",
            "path": "flags/bad.yaml",
            "line": 4,
            "stack": "sandbox",
            "failure": "expected false, got true",
            "why": ['1. "Ours" decides: in cohort internal (version is dev): its version is "dev"'],
        }
    ]
    assert len(found["tests"]) == 3
    assert found["unreached"] == [
        {
            "flag": "bad",
            "what": "those who match no condition",
            "path": "flags/bad.yaml",
            "line": 2,
            "stacks": ["sandbox"],
        }
    ]
    assert found["off"] == {}


def test_junit_for_ci(run: Run, checkout: Checkout, tmp_path: Path) -> None:
    checkout.write("flags/bad.yaml", BAD.replace("name: ours", r'name: "ours\u0007"'))
    assert run("--junit", str(tmp_path / "tests.xml"), "--strict").exit_code == 1
    top = ElementTree.parse(tmp_path / "tests.xml").getroot()
    suites = [(each.get("name"), each.get("tests"), each.get("failures")) for each in top]
    assert suites == [
        ("production", "3", "1"), ("sandbox", "3", "1"), ("staging", "3", "1"), ("not reached by any test", "1", "1"),
    ]  # fmt: skip
    [failed] = [each for each in top[0] if len(each)]
    assert dict(failed.items()) == {"classname": "flag/bad", "name": "ours�", "file": "flags/bad.yaml", "line": "4"}
    assert failed[0].get("message") == "expected false, got true"
    assert '1. "Ours" decides' in str(failed[0].text)


def test_problems_of_the_definitions_come_first(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/bad.yaml", "key: bad\nactve: true\nrelease_conditions: [{}]\n")
    done = run()
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith('flags/bad.yaml:2:1: flag/bad: the key "actve" is not known here')


def test_colours_are_for_terminals(run: Run, checkout: Checkout) -> None:
    checkout.write("flags/bad.yaml", BAD)
    assert "\x1b[" not in run().stdout
    assert "\x1b[31m" in run(color=True).stdout


def test_a_flag_can_be_named_with_its_kind(run: Run) -> None:
    assert run("flag/enabled").stdout == run("enabled").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("enabld",), 'there is no flag "enabld": did you mean enabled?'),
        (("--stack", "stagin"), 'there is no stack "stagin": did you mean staging?'),
        (("--junit", "no/such/folder/x.xml"), "can't be written: No such file or directory"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_only_commands_that_evaluate_import_the_sdk(checkout: Checkout) -> None:
    evaluate = ("simulate", "test", "who")
    script = "import importlib, sys; from ai_admin.cli.commands import COMMANDS\n"
    script += f"for each in COMMANDS:\n    each in {evaluate} or importlib.import_module(f'ai_admin.cli.{{each}}')\n"
    script += "print('posthog' in sys.modules)\n"
    script += f"for each in {evaluate}:\n    importlib.import_module(f'ai_admin.cli.{{each}}')\n"
    script += "    print('posthog' in sys.modules)\n    for name in [*sys.modules]:\n"
    script += "        if name.split('.')[0] in ('posthog', 'ai_admin') and name != 'ai_admin.cli.commands':\n"
    script += "            del sys.modules[name]\n"
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=checkout.root, text=True).split()
    assert printed == ["False", "True", "True", "True"]
