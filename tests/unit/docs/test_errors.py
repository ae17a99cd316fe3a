"""The messages that docs/errors.md explains are those that people meet."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from tests.support.checkouts import sample_checkout
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY

PAGE = REPOSITORY / "docs" / "errors.md"
OURS = ("The connection", "While it runs", "SQL")
NAMES = {"KEY_VARIABLE": "POSTHOG_API_KEY", "NAMESPACE": "ai-admin"}


def messages(*headings: str) -> list[str]:
    """Return the messages in the tables below these headings."""
    found: list[str] = []
    for section in re.split(r"^##+ ", PAGE.read_text(encoding="utf-8"), flags=re.M):
        if section.splitlines()[0] in headings:
            found += [message for _, message in re.findall(r"^\| (`+) ?(.+?) ?\1 \|", section, re.M)]
    return found


def text(node: ast.expr) -> str:
    """Return what a text in the code says, with … for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text, node.values))
    if isinstance(node, ast.FormattedValue):
        return NAMES.get(ast.unparse(node.value), "…")
    return str(node.value) if isinstance(node, ast.Constant) else "…"


@cache
def texts() -> set[str]:
    """Return every text in the code that `pulumi` runs, and of the checks of SQL."""
    program = [REPOSITORY / "__main__.py", *(REPOSITORY / "ai_admin" / "safety").glob("*.py")]
    program += [REPOSITORY / "ai_admin" / "run.py", *(REPOSITORY / "ai_admin" / "review").glob("*.py")]
    definitions = REPOSITORY / "ai_admin" / "definitions"
    checks = [
        *(definitions / "sql").glob("*.py"),
        definitions / "rules" / "sql.py",
        definitions / "rules" / "catalogue.py",
    ]
    places = [*program, *checks, *(REPOSITORY / "providers").rglob("*.py")]
    nodes = (node for path in places for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return {text(node) for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant)}


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its name, and those of a group by theirs after its."""
    for name in group.commands:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")


@pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in commands(cli)])
def test_a_commands_exit_codes_are_those_of_its_help(name: str, command: click.Command) -> None:
    row = re.search(rf"^\| `{name}` " + r"\| (.*?) ?" * 4 + r"\|$", PAGE.read_text(encoding="utf-8"), re.M)
    assert row, "each command has a row"
    said = " ".join((command.help or "").split()).partition("Exit codes: ")[2]
    assert {"0", "2", *(code for code, cell in zip("1345", row.groups(), strict=True) if cell)} == set(
        re.findall(r"(?:^|[,;] )(\d) ", said)
    )


@pytest.mark.parametrize("message", messages(*OURS))
def test_a_message_is_said_by_the_code(message: str) -> None:
    pattern = ".*".join(re.escape(part.strip()) for part in message.split("…"))
    assert any(re.fullmatch(pattern, known, re.DOTALL) for known in texts())


def test_the_page_has_the_messages_of_each_part() -> None:
    assert all(len(messages(heading)) > 5 for heading in OURS)


def test_the_examples_of_problems_are_what_check_says(tmp_path: Path) -> None:
    sample_checkout(tmp_path)
    sql = "SELECT count()\n    FROM events\n    WHER event = 'ai_enhancement_used'"
    (tmp_path / "insights" / "spend.yaml").write_text(f"key: spend\nname: Spend\nsql:\n  query: |\n    {sql}\n")
    (tmp_path / "flags" / "bad.yaml").write_text("key: bad\nrelease_conditions:\n  - cohort: beta-instalations\n")
    shown = [block.text.strip() for block in blocks(PAGE) if block.language == "text"]
    assert [str(problem) for problem in load(tmp_path).problems] == shown
