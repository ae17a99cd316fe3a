"""What a YAML text means, and what is wrong with one that means nothing good."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_admin.definitions.file_text import dumped, mapping, text_of
from ai_admin.definitions.forms.base import Written
from ai_admin.definitions.unreadable import UNREADABLE
from ai_admin.definitions.yaml_text import MAX_DEPTH, parse

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2.4.0", "2.4.0"),
        ("2.10", 2.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-7", -7),
        ("0", 0),
        ("0x1F", 31),
        ("9007199254740992", 2**53),
        ("-30d", "-30d"),
        ("~", None),
        ("", None),
        ("null", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("=", "="),
    ],
)
def test_scalars_are_read_by_the_core_schema(written: str, meant: Any) -> None:
    value, flaws = parse(f"a: {written}")
    assert (value, flaws) == ({"a": meant}, [])
    assert type(value["a"]) is type(meant)


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "fix"),
    [
        ("", 1, 1, "the file is empty", "write a definition in it or remove it"),
        ("# nothing\n", 1, 1, "the file is empty", "write a definition in it or remove it"),
        ("a: 1\n---\nb: 1\n", 2, 1, "the file holds several documents", "keep one definition per file, without ---"),
        ("a: 1\na: 2\n", 2, 1, 'the key "a" is twice in this mapping', "keep one of them"),
        ("a: {b: 1, b: 1}", 1, 11, 'the key "b" is twice in this mapping', "keep one of them"),
        ("a:\n\tb: 1\n", 2, 1, "there is a tab where YAML needs spaces", "indent with spaces"),
        ("a: x\0", 1, 5, "this is not YAML: control characters are not allowed", "remove the control character"),
        ("a: \x1b[31m", 1, 4, "this is not YAML: control characters are not allowed", "remove the control character"),
        ('a: "\\0"', 1, 4, "the text contains a NUL character", "remove \\0; PostHog cannot store it"),
        (
            "a: &a [*a]",
            1,
            4,
            "an alias refers to a value that it is part of",
            "write the value out",
        ),
        ("a: *b", 1, 4, "this is not YAML: found undefined alias",
         "define the anchor before it is used, or quote text that starts with *"),
        ("<<: {a: 1}", 1, 1, 'merge keys ("<<") are not read', "write the keys out"),
        ("a: !!python/object:os.system {}", 1, 4, "the tag !!python/object:os.system is not read",
         "remove it; quotes make text of a value"),
        ("a: !secret x", 1, 4, "the tag !secret is not read", "remove it; quotes make text of a value"),
        ("1: a", 1, 1, "the key 1 is not text", 'write it in quotes: "1"'),
        ("true: a", 1, 1, "the key true is not text", 'write it in quotes: "true"'),
        ("2.5: a", 1, 1, "the key 2.5 is not text", 'write it in quotes: "2.5"'),
        ("~: a", 1, 1, "the key ~ is not text", 'write it in quotes: "~"'),
        ("? \n: a", 1, 2, "an empty key is not text", 'write it in quotes: ""'),
        ("? [a]\n: b", 1, 3, "a key is a mapping or a list", "write the key as text"),
        ("a: .nan", 1, 4, ".nan is not a number that JSON knows", "write a finite number"),
        ("a: -.Inf", 1, 4, "-.Inf is not a number that JSON knows", "write a finite number"),
        ("a: 1e999", 1, 4, "1e999 is too large for a number", "write a smaller number"),
        ("a: 9007199254740993", 1, 4, "9007199254740993 is too large to be kept exactly",
         'write it as text: "9007199254740993"'),
        ("a: 007", 1, 4, "007 starts with a zero, which numbers lose",
         'write "007" in quotes if the zeros count, else leave them out'),
        ("a: b: c", 1, 5, "this is not YAML: mapping values are not allowed in this context",
         "quote text that has a colon, or correct the indent"),
        ("a: [1, 2", 2, 1, "this is not YAML: did not find expected ',' or ']'",
         "close the list with ]: it begins in line 1"),
        ("a: 1\nb: [1, 2\n\nc: x\n", 4, 2, "this is not YAML: did not find expected ',' or ']'",
         "close the list with ]: it begins in line 2"),
        ('a: 1\nb: "unclosed\nc: x\n', 2, 4, "this is not YAML: found unexpected end of stream",
         "close the quotes that begin here"),
        ("a: 1\nname b\nc: x\n", 2, 1, "this is not YAML: could not find expected ':'", "write a colon after the key"),
        ("key:t3\na: x\n", 1, 4, "there is no space after this colon", "write key: …"),
        ("a:\n  - key:t3\n\n    b: x\n", 2, 8, "there is no space after this colon", "write key: …"),
        ("a: x\nkey:t3\n", 2, 4, "there is no space after this colon", "write key: …"),
        ("a: see\n  https://example.com\n  b: c\n", 3, 4,
         "this is not YAML: mapping values are not allowed in this context",
         "quote text that has a colon, or correct the indent"),
        ("a:\n\u00a0\u00a0- b: 1\n", 2, 1, "there is a no-break space where YAML needs spaces", "indent with spaces"),
        ("a:\n  b: 1\n\u00a0 c: 2\n", 3, 1, "there is a no-break space where YAML needs spaces", "indent with spaces"),
        ("a: @x", 1, 4, "this is not YAML: found character that cannot start any token",
         "put text that starts with @, ` or % in quotes"),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n", 2, 1,
         "this is the mark of a conflict that Git left", "decide it, and remove its three marks"),
        ("<<<<<<< HEAD\nb: 2\n=======\n>>>>>>> theirs\n", 1, 1,
         "this is the mark of a conflict that Git left", "decide it, and remove its three marks"),
        (BOMB, 4, 4, "the file holds more than 50,000 values", "split it, or use fewer aliases"),
    ],
)  # fmt: skip
def test_a_flawed_text_is_explained(text: str, line: int, column: int, message: str, fix: str) -> None:
    assert [tuple(flaw) for flaw in parse(text).flaws] == [(line, column, message, fix)]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 10_000, 200_000])
def test_deep_nesting_is_refused_at_any_depth(opening: str, closing: str, depth: int) -> None:
    flaws = parse(opening * depth + closing * depth).flaws
    assert [flaw.message for flaw in flaws] == ["values are nested more than 60 deep"]


def test_keys_that_nest_deeply_are_refused() -> None:
    assert [flaw.message for flaw in parse("? " * 10_000).flaws] == ["values are nested more than 60 deep"]


def test_a_deep_but_reasonable_text_is_read() -> None:
    value = parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert value.flaws == []


def test_every_flaw_is_reported_and_the_rest_of_the_text_is_kept() -> None:
    value, flaws = parse("a: 1\na: 2\nb: !x y\n1: c\nd: [.nan, 3]\n")
    assert [flaw.line for flaw in flaws] == [2, 3, 4, 5]
    assert value == {"a": UNREADABLE, "b": "y", "1": "c", "d": [".nan", 3]}


def test_a_merge_key_is_refused_once_and_what_it_brings_is_not_missed() -> None:
    value, flaws = parse("base: &base {a: 1, b: 1}\nmore: {<<: *base, b: 2}\nmany: {<<: [*base, {c: 3}]}\n")
    assert [(flaw.line, flaw.column) for flaw in flaws] == [(2, 8), (3, 8)]
    assert (value["more"], value["many"]) == ({"a": 1, "b": 2}, {"a": 1, "b": 1, "c": 3})


def test_a_shared_value_is_read_wherever_it_is_named() -> None:
    value, flaws = parse("a: &x [1]\nb: *x\nc: {d: *x}\n")
    assert (value, flaws) == ({"a": [1], "b": [1], "c": {"d": [1]}}, [])


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert parse("\ufeffa: 1\r\nb: 2\r\n") == ({"a": 1, "b": 2}, [])


@given(st.text())
@example("a: \x85")
@example("%YAML 9.9\n---\na")
@example("...")
@example("- ? :\n-")
def test_any_text_is_read_or_explained(text: str) -> None:
    for flaw in parse(text).flaws:
        assert flaw.line >= 1
        assert flaw.column >= 1
        assert flaw.message
        assert flaw.fix


@given(
    st.text(alphabet="0178eExo+-._: ~#ntrue\n", max_size=6)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
)
@example("1e5")
@example("0o17")
@example("+.5")
@example("\x85")
@example("a\n\u2028 b\n")
def test_what_we_write_is_read_as_the_same(text: str) -> None:
    """Also a text that is a number where nobody quotes it."""
    value = {"key": text, "list": [text, {"in": text}], "more": {"a": [{"long": text * 50}]}}
    for written in (mapping(value), dumped(value, flow=True)):
        assert parse(f"{written}\n") == (value, [])


@given(st.text(max_size=5))
@example("a\x7fb")
def test_no_comment_that_we_write_breaks_a_file(comment: str) -> None:
    """It may tell what PostHog holds."""
    assert parse(text_of(Written("flag", "a", {"key": "a"}), [comment])) == ({"key": "a"}, [])


@given(st.text(alphabet="ab1:-[]{},&*!|>'\"?#% \n\t.", max_size=60))
def test_any_text_of_yaml_punctuation_is_read_or_explained(text: str) -> None:
    assert all(flaw.message and flaw.fix for flaw in parse(text).flaws)
