"""What people wrote in PostHog does nothing to a terminal, a log or who reads them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import pytest

from ai_admin.cli.commands import cli
from ai_admin.cli.escaping import escape, escaped
from ai_admin.cli.text import coloured
from tests.support.commands import ai_admin

WRITTEN = "Runs\x1b[2J\x1b]0;x\x07 \u202eniamod\u2069\u200b\x85\u2028\ud800"
SAFE = r"Runs\u001b[2J\u001b]0;x\u0007 \u202eniamod\u2069\u200b\u0085\u2028\ud800"


def test_what_a_terminal_would_act_on_is_escaped_and_other_text_is_not() -> None:
    assert escaped(WRITTEN) == SAFE
    other = "Kühlung, 温度, 50\xa0%, 👍\n\tdone"
    assert escaped(other) == other
    assert escaped("\x1b[8mhidden\x1b[30m") == r"\u001b[8mhidden\u001b[30m"


def test_our_own_colours_stay() -> None:
    for colour in ("red", "green", "yellow", "magenta", "cyan", "bright_black", "bold"):
        assert escaped(coloured("text", colour)) == coloured("text", colour)


def test_json_stays_what_it_is() -> None:
    data = {"name": WRITTEN + "\U000e0041"}
    assert json.loads(escaped(json.dumps(data, ensure_ascii=False))) == data


def test_all_that_is_written_to_a_stream_is_escaped() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    escape(stream)
    click.echo(f"a {WRITTEN}", file=stream, color=True)
    print(WRITTEN, file=stream)
    stream.seek(0)
    assert stream.read() == f"a {SAFE}\n{SAFE}\n"


def test_so_is_all_that_a_command_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def says(**_: object) -> None:
        for err in (False, True):
            click.echo(WRITTEN, err=err)

    monkeypatch.setattr(cli, "main", says)
    done = ai_admin(tmp_path, {}, terminal=True)
    assert (done.stdout, done.stderr) == (f"{SAFE}\n", f"{SAFE}\n")
