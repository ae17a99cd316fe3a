"""SQL in definitions: what is good is not complained of, and of any text one is told what is wrong with it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ai_admin.definitions.check import check
from ai_admin.definitions.scalar_places import place_of
from ai_admin.definitions.sql import kept, native, parser
from ai_admin.definitions.sql.columns import columns
from ai_admin.definitions.sql.meaning import mistakes
from ai_admin.definitions.sql.names import Scope, names, placeholders
from tests.unit.definitions.checkouts import Checkout

GOOD = (Path(__file__).with_name("good-sql.txt")).read_text("utf-8").splitlines()
"""A query in each line, with what PostHog's documentation, templates and tests use: a check that refuses what PostHog
computes stops every plan of an old project."""
SPREAD = "SELECT if(1, 'https://a.b/--c', f'{event}x'), tags[1], CASE WHEN 1 THEN 2 END FROM events /* ( */ -- '\n// \""
LARGE = {
    "words": "select " + "1, " * 3_000 + "1",
    "a chain": "select a" + ".a" * 40,
    "cases": "select " + "case when 1 then " * 31 + "1" + " end" * 31,
    "calls": "select " + "if(a > 1, 2, " * 31 + "1" + ")" * 31,
}
"""What the parser would need too long for."""


def test_good_sql_is_not_complained_of(checkout: Checkout) -> None:
    checkout.write("events/odd.yaml", 'key: odd\nproperties: {"a model": {type: String}}\n')
    for number, sql in enumerate((*GOOD, SPREAD, LARGE["calls"])):
        insight = {"key": f"i{number}", "name": f"I{number}", "sql": {"query": sql, "values": {"value": "r1"}}}
        checkout.write(f"insights/{number}.yaml", yaml.safe_dump(insight))
    checked = check(checkout.root)
    assert checked.problems == ()
    assert [str(each) for each in checked.notes] == [
        f"insights/{number}.yaml:4:10: insight/i{number}: note: this SQL was not checked: it is too long, or nested "
        "too deeply, for PostHog's parser; see in PostHog that it gives a result"
    ]


def test_what_posthogs_sdks_send_of_themselves_need_not_be_described(checkout: Checkout) -> None:
    checkout.write(
        "insights/i.yaml",
        """
        key: i
        name: I
        trends:
          series: [{event: Application Opened, properties: [{type: event, key: gclid, operator: exact, value: a}]}]
          properties: [{type: person, key: utm_source, operator: exact, value: b}]
          breakdown: {type: event, property: utm_campaign}
        """,
    )
    assert checkout.problems() == []


def test_what_goes_to_another_database_as_it_is_is_not_read(checkout: Checkout) -> None:
    for also in ("sendRawQuery: true", "connectionId: 0190d5a0-7a1c-0000-0000-000000000000"):
        checkout.write("insights/i.yaml", f"key: i\nname: I\nsql: {{query: SHOW TABLES, {also}}}\n")
        assert checkout.problems() == []


STYLES: dict[str, dict[str, Any]] = {
    "block": {"style": "|"},
    "folded": {"style": ">", "width": 20},
    "quoted once": {"style": "'", "width": 20},
    "quoted twice": {"style": '"', "width": 20},
    "quoted twice, with escapes": {"style": '"', "allow_unicode": False},
    "plain": {"style": None, "width": 20},
}


class Text(str):
    """What is dumped in the style of the test."""


@pytest.mark.parametrize("style", STYLES)
@given(value=st.text("ab'\"\\ \n\t:#é𝒳", max_size=60))
def test_each_character_of_a_text_is_found_in_its_file(style: str, value: str) -> None:
    how = {"allow_unicode": True, **STYLES[style]}
    dumper: Any = type("Dumper", (yaml.SafeDumper,), {})
    scalar = how.pop("style")
    dumper.add_representer(Text, lambda d, text: d.represent_scalar("tag:yaml.org,2002:str", str(text), style=scalar))
    text = yaml.dump({"before": 1, "a": [{"query": Text(value)}]}, Dumper=dumper, sort_keys=False, **how)
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    node = root.value[1][1].value[0].value[0][1]
    assume(node.value == value)  # PyYAML breaks some folded lines where they are not to be joined again
    shown = [n for n, char in enumerate(value) if not char.isspace()]
    places = [place_of(node, n, text) for n in shown]
    assert places == sorted(set(places))
    for n, (line, column) in zip(shown, places, strict=True):
        assert begins_with(text.split("\n")[line][column:], value[n], node.style)


def begins_with(text: str, char: str, style: str | None) -> bool:
    """Return whether a character is the first of a text, or its escape is."""
    if style != '"' or not text.startswith("\\"):
        return text.startswith(char)
    lengths = {"x": 4, "u": 6, "U": 10}
    return bool(yaml.safe_load(f'"{text[: lengths.get(text[1], 2)]}"') == char)


WORDS = (
    "SELECT", "FROM", "events", "persons", "WHERE", "event", "=", "IN", "'ai_used'", "properties", ".model", "['x']",
    "(", ")", "[", "]", "{", "}", "'", "\"", "`", ",", "AND", "NOT", "AS", "x", "->", "CASE", "WHEN", "END", "WITH",
    "GROUP", "BY", "UNION ALL", "JOIN", "ON", "*", "-", "--", "//", "/*", "*/", "\n", "1", "0", ";", "<a>", "é", "\\",
    "\0", "‘", "&&", "\ud800", "{variables.x}", "{filters}", "f'", "INTERVAL", "DAY", "count()", "e", "::", "?", "?.",
    ":", "#", "@", "$x",
)  # fmt: skip


@given(words=st.lists(st.sampled_from(WORDS), max_size=12), form=st.sampled_from(["select", "expr", "order_expr"]))
@settings(deadline=None, max_examples=100)
def test_junk_is_read_or_told_what_is_wrong_with_it(words: list[str], form: str) -> None:
    text = " ".join(words)
    tree, flaw, _ = parser.parse(text, form)
    assert (tree is None) != (flaw is None)
    for each in [flaw] if flaw else mistakes(tree, text, Scope()):
        assert 0 <= each.offset <= len(text)
        assert each.message
        assert each.fix
    if tree is not None:
        assert all(0 <= each.offset <= len(text) for each in names(tree, Scope()))
        assert all(0 <= offset <= len(text) for offset, _ in placeholders(tree))


@given(text=st.text(max_size=30))
@settings(deadline=None)
def test_any_text_is_read_or_told_what_is_wrong_with_it(text: str) -> None:
    tree, flaw, _ = parser.parse(text, "select")
    assert (tree is None) != (flaw is None)


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_what_would_take_the_parser_too_long_is_not_given_to_it(text: str, cache: Path) -> None:
    assert unread(text) == "it is too long, or nested too deeply, for PostHog's parser"
    assert not cache.exists(), "no answer of the parser is there to be kept"


def test_a_tree_that_is_too_deep_for_python_is_not_checked(cache: Path) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)  # Python's own, which Hypothesis raises
    try:
        assert unread("select 1" + " = 1" * 1_050) == "it is too deeply nested for Python"
    finally:
        sys.setrecursionlimit(limit)
    assert [file.read_text()[:1] for file in cache.iterdir()] == ["{"]


@pytest.mark.parametrize("text", ["select f'{…}'", "select 1 -- \r + …", "select <a>it's</a>, …, '"])
def test_no_text_hides_from_the_bound_how_deeply_it_is_nested(
    text: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(text: str, form: str) -> str:
        raise AssertionError("the parser is asked in this process")

    monkeypatch.setattr(native, "parse", here)
    parser.parse(text.replace("…", f"{'lower(' * 9}'é'{')' * 9}"), "select")
    assert len(list(cache.iterdir())) == 1


DEEP = f"select {'lower(' * 7}event{')' * 7}"
"""Read by the parser in a process of its own."""


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "PostHog's parser was ended by a signal: Killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "PostHog's parser was ended by a signal: Segmentation fault"),
        ("raise MemoryError('no more')", "PostHog's parser failed: MemoryError: no more"),
    ],
)
def test_a_parser_that_ends_without_an_answer_is_asked_again(
    program: str, why: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as once:
        once.setattr(native, "__file__", script(cache.parent, f"import os, signal\n{program}"))
        assert unread(DEEP) == why
    assert not cache.exists()
    parser.parse.cache_clear()
    assert parser.parse(DEEP, "select").tree is not None


def test_a_parser_that_cannot_be_started_is_no_traceback(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(cache / "python"))
    assert unread(DEEP) == "PostHog's parser can't be started: No such file or directory"


def test_a_parser_that_cannot_be_imported_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where its library is for another libc: the package is there, and its import fails."""
    script(cache.parent, "raise ImportError('GLIBC_2.99 not found')", "hogql_parser.py")
    monkeypatch.setenv("PYTHONPATH", str(cache.parent))
    flaw = parser.parse(DEEP, "select").flaw
    assert flaw is not None
    assert flaw[1:] == ("SQL can't be checked without the package hogql-parser", "run make setup")
    assert not cache.exists()


@pytest.mark.parametrize("limit", [(2, 2), (1, -1)], ids=str)
def test_the_parser_runs_where_the_processors_time_is_limited(limit: tuple[int, int]) -> None:
    code = f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_CPU, {limit})\n"
    code += f"sys.argv[1:] = ['expr', '3']; runpy.run_path({native.__file__!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], input="1", capture_output=True, text=True, check=False)
    assert (done.stderr, json.loads(done.stdout)["node"]) == ("", "Constant")


SLOW = "select 1" + " + 1" * 2_400
LEFT = "and the limit of the processor's time (ulimit -t) leaves it no more"


def test_a_limit_of_the_processors_time_ends_the_parser_as_its_own_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = "import resource; from ai_admin.definitions.sql import parser\n"
    code += f"resource.setrlimit(resource.RLIMIT_CPU, (2, 2)); print(parser.parse({SLOW!r}, 'select').unread.message)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == f"this SQL was not checked: PostHog's parser needs more than 1 s for it, {LEFT}\n"
    assert [each.read_text() for each in tmp_path.rglob("*.json")] == ["null"], "else each check would wait for it"


def test_a_limit_that_kills_at_once_is_said_to_be_the_reason(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(native, "__file__", script(cache.parent, program))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, 1))
    assert unread(DEEP) == f"PostHog's parser needs more than 1 s for it, {LEFT}"


def unread(text: str) -> str:
    """Return why a query is not read."""
    tree, flaw, why = parser.parse(text, "select")
    assert (tree, flaw) == (None, None)
    assert why is not None
    return why.message.removeprefix("this SQL was not checked: ")


def script(folder: Path, text: str, name: str = "program.py") -> str:
    """Write a program below a folder and return its path."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text)
    return str(file)


def test_queries_that_are_nested_to_different_depths_do_not_keep_each_other_waiting(cache: Path) -> None:
    """In one process the parser takes more than a minute for the second."""
    for depth in (8, 9):
        tree = parser.parse(f"select {'lower(' * depth}event{')' * depth} from events", "select").tree
        assert tree is not None
        assert tree["select"][0]["name"] == "lower"


def test_a_text_that_takes_the_parser_too_long_is_tried_again_a_day_later(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    monkeypatch.setattr(parser, "_SECONDS", 1)
    assert unread(SLOW) == "PostHog's parser needs more than 1 s for it"

    def count(text: str, form: str) -> str:
        nonlocal asked
        asked += 1
        raise kept.TooSlow

    [file] = cache.iterdir()
    for age, times in ((23 * 3600, 0), (25 * 3600, 1)):
        os.utime(file, (time.time() - age,) * 2)
        with pytest.raises(kept.TooSlow):
            kept.kept(SLOW, "select", count)
        assert asked == times


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT event, count(), toDate(timestamp) AS day, 2 * x AS y FROM events", [
            ("event", None), ("", True), ("day", False), ("y", True)
        ]),
        ("SELECT a FROM x UNION ALL SELECT b FROM y", [("a", None)]),
        ("WITH q AS (SELECT 1 AS one, 'a' AS b FROM x) SELECT * FROM q", [("one", True), ("b", False)]),
        ("SELECT *, 1 AS n FROM (SELECT a AS b FROM x)", [("b", None), ("n", True)]),
        ("WITH q AS (SELECT * FROM q) SELECT * FROM q", None),
        ("SELECT * FROM events", None),
        ("SELECT q.* FROM (SELECT 1 AS a) AS q", None),
        ("SELECT a b FORM x", None),
        ("{filters}", None),
    ],
)  # fmt: skip
def test_the_columns_of_a_query(query: str, expected: list[tuple[str, bool | None]] | None) -> None:
    found = columns(query)
    assert (None if found is None else [(each.name, each.numeric) for each in found]) == expected


def test_posthogs_sdk_is_found_after_its_parser() -> None:
    """The parser is a part of PostHog's server, where ``posthog`` is another package than in an installation."""
    code = (
        "from ai_admin.definitions.sql.parser import parse; tree = parse('SELECT 1', 'select').tree\n"
        "import sys; assert not any(name.startswith('posthog') for name in sys.modules), sys.modules.keys()\n"
        "import posthog; print(tree['node'], posthog.Posthog.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("SelectQuery Posthog\n", "")


def test_without_the_parser_every_sql_is_said_not_to_be_checked(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(text: str, form: str, parse: object) -> object:
        raise ModuleNotFoundError("hogql_parser")

    monkeypatch.setattr(parser, "kept", gone)
    checkout.write("insights/i.yaml", "key: i\nname: I\nsql: {query: SELECT 11}\n")
    assert checkout.problems() == [
        "insights/i.yaml:3:14: insight/i: SQL can't be checked without the package hogql-parser; run make setup"
    ]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an empty cache, in which everything is kept."""
    folder = tmp_path / "cache" / "of SQL"
    monkeypatch.setattr(kept, "_folder", lambda: folder)
    monkeypatch.setattr(kept, "_SLOW", -1)
    parser.parse.cache_clear()
    return folder


def test_what_was_parsed_once_is_read_from_the_cache(cache: Path) -> None:
    asked: list[str] = []

    def parse(text: str, form: str) -> str:
        asked.append(f"{form} {text}")
        return '{"node": "Constant"}'

    for form in ("expr", "expr", "select"):
        assert kept.kept("1", form, parse) == {"node": "Constant"}
    assert asked == ["expr 1", "select 1"]
    for file in cache.iterdir():
        file.write_text("{half of it")
    assert kept.kept("1", "expr", parse) == {"node": "Constant"}
    assert asked == ["expr 1", "select 1", "expr 1"]


def test_a_cache_that_cannot_be_written_is_done_without(cache: Path) -> None:
    cache.parent.write_text("a file where the folder would be")
    assert kept.kept("1", "expr", lambda text, form: '{"node": "Constant"}') == {"node": "Constant"}


def test_the_cache_is_the_one_of_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run commands of several users in one process."""
    monkeypatch.setattr(kept, "_SLOW", -1)
    for user in ("ann", "bob"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / user))
        assert kept.kept("1", "expr", lambda text, form: "{}") == {}
        assert len(list((tmp_path / user).rglob("*.json"))) == 1
