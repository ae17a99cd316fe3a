"""Texts that the parser may take long for, and what happens where it fails."""

import asyncio
from pathlib import Path

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


def test_a_parser_that_fails_is_no_syntax_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text("print(1 / 0)")
    monkeypatch.setattr(native, "__file__", str(tmp_path / "failing.py"))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        hogql.parse("SELECT 1" + " + 3" * 300)
