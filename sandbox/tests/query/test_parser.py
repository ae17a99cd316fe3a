"""Texts that the parser may take long for, and what happens where it fails."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.query import hogql, native, parser
from sandbox.query.errors import QueryError
from sandbox.query.patience import patiently

DEEP = f"{'lower(' * 9}event{')' * 9}"
SLOW = {
    "apostrophes in comments": f"1 -- it's\n + {DEEP} -- it's",
    "apostrophes in other comments": f"1 /* ' */ + {DEEP} /* ' */",
    "apostrophes in names": f"`'`, {DEEP}, `'`",
    "a bracket in a text": f"'))))))))', {DEEP}",
    "another end of a line": f"1 -- \r + {DEEP}",
    "an f-string": f"f'{{{DEEP}}}'",
    "a tag": f"<a>it's</a>, {DEEP}, 'it'",
    "an unknown escape": f"'\\q', ')', {DEEP}, '1'",
    "many words": "1" + " + 1" * 260,
    "not": "not a = " * 20 + "a",
    "between": f"{'a BETWEEN ' * 20}a{' AND 1' * 20}",
    "joins": f"a in (select 1 from b{' left join b' * 20}{' on 1' * 20})",
    "cases": f"{'case when 1 then ' * 20}a{' else 2 end' * 20}",
    "intervals": f"{'interval ' * 20}1{' day' * 20}",
    "lambdas": "a + a -> " * 20 + "a",
    "alternatives": "a ? not 1 : " * 20 + "a",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_what_the_parser_may_take_long_for_is_read_beside_the_requests(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(text: str, what: str) -> str:
        raise AssertionError("the parser is asked in this process")

    monkeypatch.setattr(native, "parse", here)
    monkeypatch.setattr(parser, "_alone", lambda text, what: f"{what}: {text}")
    begun = 0

    def job() -> str:
        nonlocal begun
        begun += 1
        return parser.parse(text, "expr")

    assert asyncio.run(patiently(job)) == f"expr: {text}"
    assert begun == 2


def test_a_text_that_is_too_complex_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def alone(text: str, what: str) -> str:
        tried.append(text)
        return parser.TOO_COMPLEX

    monkeypatch.setattr(parser, "_alone", alone)
    for _ in range(2):
        with pytest.raises(QueryError, match="too complex"):
            hogql.parse("SELECT 1" + " + 2" * 300)
    assert len(tried) == 1


AT, LATER = "2026-03-18T12:30:00.250Z", "2027-04-19T13:31:01.351Z"
MOMENTS = {
    "one twice": f"SELECT 1 FROM events WHERE toDate('2026-03-18') < timestamp AND timestamp > toDateTime('{AT}')"
    f" OR timestamp = toDateTime('{AT}')",
    "a name and a comment": f"SELECT \"'{AT}'\", `'{AT}'` -- '{AT}'",
    "an f-string": f"SELECT f'{{'{AT}'}}'",
    "half of a longer text": f"SELECT 'a\\'{AT}', '{AT}\\''",
    "between two texts": f"SELECT 'a'{AT}'b'",
    "what one is hidden as": "SELECT '0000-99-99', '9999-99-99', '0001-99-99 99:99:99', '2026-03-18' -- 0002-99-99",
    "half of what one is hidden as": "SELECT 'x 0000-99-99', '2026-03-18'",
    "an alias": "SELECT 1 AS `2026-03-18`, 2 AS \"'2026-03-18'\"",
    "a date": "SELECT DATE '2026-03-18'",
    "other digits": "SELECT '2026-03-1٨', '2026-03-18'",
    "no moment": "SELECT '2026-3-18', '2026-03-18 12:30', 2026-03-18",
    "a syntax error": f"SELECT '{AT}' FORM x WHERE '{AT}'",
}


@pytest.mark.parametrize("text", MOMENTS.values(), ids=MOMENTS)
def test_a_text_is_read_as_it_is_whatever_moments_it_has(text: str) -> None:
    for each in (text, text.replace(AT, LATER), text.replace("2026-03-18", "1999-12-31")):
        alone = json.loads(native.parse(each, "select"))
        try:
            read: Any = hogql.parse(each)
        except QueryError as error:
            read = error.text
        assert read == alone.get("message", alone)


def test_a_query_that_differs_in_moments_alone_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, parse = list[str](), native.parse

    def count(text: str, what: str) -> str:
        asked.append(text)
        return parse(text, what)

    monkeypatch.setattr(native, "parse", count)
    for at in (AT, LATER):
        tree = hogql.parse(f"SELECT 'asked once' FROM events WHERE timestamp > toDateTime('{at}')")
        assert tree["where"]["right"]["args"][0]["value"] == at
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("a", "(a)"),
        ("(a)", "(a)"),
        ("(a OR (b))", "(a OR (b))"),
        ("(a) OR (b)", "((a) OR (b))"),
        ("f(a)", "(f(a))"),
        ("(a = ') OR (')", "(a = ') OR (')"),
        (r"(a = '\\') OR (`)`)", r"((a = '\\') OR (`)`))"),
        (r"(a = '\')') OR (b)", r"((a = '\')') OR (b))"),
        ("(`(` = 1) OR (`)` = 1)", "((`(` = 1) OR (`)` = 1))"),
    ],
)
def test_what_is_in_brackets_is_put_in_no_others(text: str, inside: str) -> None:
    assert hogql.bracketed(text) == inside


def test_the_parser_is_imported_without_posthogs_sdk() -> None:
    command = [sys.executable, "-X", "importtime", "-P", native.__file__, "expr"]
    done = subprocess.run(command, input="1", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["value"] == 1
    assert "posthog" not in done.stderr


def test_a_parser_that_fails_is_no_syntax_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("print(1 / 0)")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "failing.py"))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        hogql.parse("SELECT 1" + " + 3" * 300)
