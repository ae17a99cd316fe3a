"""Another value into a file's text: the lines of what changes, and no others."""

from __future__ import annotations

import copy
import difflib
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_admin.definitions import yaml_text
from ai_admin.definitions.file_text import mapping
from ai_admin.review.splice import aligned, edited
from providers.posthog.errors import NotEdited

TEXT = """\
# top
key: x
description: 'Old words'   # why
release_conditions:
  # why A
  - description: A
    rollout_percentage: 10   # ten
  # why B
  - {description: 'B',   rollout_percentage: 50}   # half
  - properties: [{key: version, operator: semver_gte,
                  value: 2.4.0}]
    rollout_percentage: 5
tags: [ai,  cost]
# the end
stacks:
  # prod
  production:
    active: false # off
  staging:
    name: "is" # it
"""
Value = dict[str, Any]


def change(text: str, do: Callable[[Value], object]) -> list[str]:
    """The lines that go and come when a value is edited."""
    value, flaws = yaml_text.parse(text)
    assert not flaws
    new = copy.deepcopy(value)
    do(new)
    result = edited(text, new)
    assert yaml_text.parse(result)[0] == new
    lines = difflib.unified_diff(text.splitlines(), result.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@"]


CASES: dict[str, tuple[Callable[[Value], object], list[str]]] = {
    "a number": (
        lambda v: v["release_conditions"][0].update(rollout_percentage=20),
        ["-    rollout_percentage: 10   # ten", "+    rollout_percentage: 20   # ten"],
    ),
    "a number in braces": (
        lambda v: v["release_conditions"][1].update(rollout_percentage=60),
        [
            "-  - {description: 'B',   rollout_percentage: 50}   # half",
            "+  - {description: 'B',   rollout_percentage: 60}   # half",
        ],
    ),
    "a key more in braces": (
        lambda v: v["release_conditions"][1].update(variant="r1"),
        [
            "-  - {description: 'B',   rollout_percentage: 50}   # half",
            "+  - {description: 'B',   rollout_percentage: 50,   variant: r1}   # half",
        ],
    ),
    "a text in its quotes": (
        lambda v: v.update(description="It's new"),
        ["-description: 'Old words'   # why", "+description: 'It''s new'   # why"],
    ),
    "a text in its other quotes": (
        lambda v: v["stacks"]["staging"].update(name='"é"'),
        ['-    name: "is" # it', '+    name: "\\"é\\"" # it'],
    ),
    "a text of several lines": (
        lambda v: v.update(description="New\nwords"),
        ["-description: 'Old words'   # why", "+description: |-   # why", "+  New", "+  words"],
    ),
    "an item that goes takes the comments above it along": (
        lambda v: v["release_conditions"].pop(0),
        ["-  # why A", "-  - description: A", "-    rollout_percentage: 10   # ten"],
    ),
    "an item in braces that goes": (
        lambda v: v["release_conditions"].pop(1),
        ["-  # why B", "-  - {description: 'B',   rollout_percentage: 50}   # half"],
    ),
    "an item that comes": (
        lambda v: v["release_conditions"].insert(1, {"description": "New", "rollout_percentage": 3}),
        ["+  - {description: New, rollout_percentage: 3}"],
    ),
    "an item that comes first": (
        lambda v: v["release_conditions"].insert(0, {"description": "New", "rollout_percentage": 3}),
        ["+  - {description: New, rollout_percentage: 3}"],
    ),
    "the first key of an item goes": (
        lambda v: v["release_conditions"][2].pop("properties"),
        [
            "-  - properties: [{key: version, operator: semver_gte,",
            "-                  value: 2.4.0}]",
            "-    rollout_percentage: 5",
            "+  - rollout_percentage: 5",
        ],
    ),
    "a list in brackets": (lambda v: v.update(tags=["ai"]), ["-tags: [ai,  cost]", "+tags: [ai]"]),
    "a key more in a patch": (
        lambda v: v["stacks"]["production"].update(tags=["a"]),
        ["+    tags: [a]"],
    ),
    "the last key of a patch": (
        lambda v: v["stacks"]["production"].pop("active"),
        ["-  production:", "-    active: false # off", "+  production: {}"],
    ),
    "nothing": (lambda v: v, []),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_lines_of_what_changes_change(name: str) -> None:
    do, lines = CASES[name]
    assert change(TEXT, do) == lines
    ends = change(TEXT.replace("\n", "\r\n"), do)
    assert ends == lines
    marked = change("\ufeff" + TEXT, do)
    assert marked == lines


@pytest.mark.parametrize("old", ["c", "'c'", '"c"'])
@pytest.mark.parametrize("new", ["a\x85b", "1e5", "0o17", "a\u2028", "a\rb"])
def test_texts_that_are_something_else_without_the_right_quotes_can_be_written(old: str, new: str) -> None:
    result = edited(f"key: x  # why\ndescription: {old}\nname: n\n", {"key": "x", "description": new, "name": "n"})
    assert yaml_text.parse(result).value["description"] == new
    assert result.startswith("key: x  # why\n")


def test_line_ends_stay_what_they_are() -> None:
    value = yaml_text.parse(TEXT)[0]
    result = edited(TEXT.replace("\n", "\r\n"), {**value, "description": "New\nwords"})
    assert result.count("\n") == result.count("\r\n") == TEXT.count("\n") + 2


_TEXTS = st.sampled_from(["a", "on", "2.4.0", "x: y", "# no", "é", "1"])
_SCALARS = st.one_of(st.integers(-5, 99), st.booleans(), _TEXTS)
_KEYS = st.sampled_from(["key", "name", "description", "value", "b", "c"])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=14,
)
_MAPPINGS = st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=5)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_MAPPINGS, _MAPPINGS, st.integers(0, 99))
def test_any_value_becomes_any_other_one_and_comments_on_lines_of_their_own_stay(
    old: Value, new: Value, seed: int
) -> None:
    """A change that can't be made in its place is made by writing the key anew, which keeps what is around it."""
    chance = random.Random(seed)
    lines: list[str] = []
    for line in mapping(old).splitlines():
        if not line.startswith(" ") and chance.random() < 0.5:
            lines.append(f"# comment {len(lines)}")
        lines.append(line)
    text = "\n".join(lines) + "\n"
    try:
        result = edited(text, {**old, **new})
    except NotEdited:  # what parts can't do, whole keys can
        result = edited(text, {**old, **new}, whole=True)
    assert yaml_text.parse(result)[0] == {**old, **new}
    assert [line for line in result.splitlines() if line.startswith("#")] == [line for line in lines if line[0] == "#"]


def test_braces_that_get_too_long_for_a_line_are_written_as_lines() -> None:
    text = "key: x\nstacks:\n  # Staging's own.\n  staging: {active: false}   # off\n  production: {tags: [ai]}\n"
    conditions = [{"description": f"Condition {n}", "rollout_percentage": n} for n in range(6)]
    gone, *come = change(text, lambda v: v["stacks"]["staging"].update(release_conditions=conditions))
    assert gone == "-  staging: {active: false}   # off"
    assert come == [
        "+  staging:   # off",
        "+    active: false",
        "+    release_conditions:",
        *(f"+      - {{description: Condition {n}, rollout_percentage: {n}}}" for n in range(6)),
    ]
    short = change(text, lambda v: v["stacks"]["staging"].update(archived=True))
    assert short[1:] == ["+  staging: {active: false, archived: true}   # off"]
    item = "list:\n  - {name: a, values: [b]}\n"
    come = change(item, lambda v: v["list"][0].update(values=[f"value number {n}" for n in range(12)]))[1:]
    assert come[:3] == ["+  - name: a", "+    values:", "+      - value number 0"]


def test_a_text_of_several_lines_goes_into_no_braces() -> None:
    assert change("a: {b: {key: x, say: one}}\n", lambda v: v["a"]["b"].update(say="one\ntwo: 2\n")) == [
        "-a: {b: {key: x, say: one}}",
        "+a:",
        "+  b:",
        "+    key: x",
        "+    say: |",
        "+      one",
        "+      two: 2",
    ]


def test_an_item_that_comes_first_leaves_each_comment_above_its_own_item() -> None:
    text = "a:\n  # of all\n\n  # one\n  # more of one\n  - name: one\n    list:\n    # 1\n    - - 1\n  - name: two"

    def more(value: Value) -> None:
        value["a"][0]["list"][0].insert(0, 0)
        value["a"][:0] = [{"name": "first", "say": "one\n\ntwo"}, {"name": "second"}]

    for ends in ("\n", "\r\n"):
        new = copy.deepcopy(yaml_text.parse(text)[0])
        more(new)
        assert edited(text.replace("\n", ends), new).split(ends) == [
            "a:",
            "  # of all",
            "",
            "  - name: first",
            "    say: |-",
            "      one",
            "",
            "      two",
            "  - {name: second}",
            "  # one",
            "  # more of one",
            "  - name: one",
            "    list:",
            "    # 1",
            "    - - 0",
            "      - 1",
            "  - name: two",
        ]


def test_an_item_comes_right_behind_the_one_before_it() -> None:
    text = "a:\n  - name: x  # é\n    list:\n    - 1\n    # two\n    - 2\n  # about y\n  - name: y"

    def more(value: Value) -> None:
        value["a"].insert(1, {"name": "new", "say": "one\n\ntwo"})
        value["a"].append({"name": "last"})
        value["a"][0]["list"][1:1] = [7, [8, {"b": [9]}]]

    for ends in ("\n", "\r\n"):
        new = copy.deepcopy(yaml_text.parse(text)[0])
        more(new)
        assert edited(text.replace("\n", ends), new).split(ends) == [
            "a:",
            "  - name: x  # é",
            "    list:",
            "    - 1",
            "    - 7",
            "    - - 8",
            "      - {b: [9]}",
            "    # two",
            "    - 2",
            "  - name: new",
            "    say: |-",
            "      one",
            "",
            "      two",
            "  # about y",
            "  - name: y",
            "  - {name: last}",
        ]


BLOCKS = """\
key: "x"
a: |
  one
  two

# about b
b:
  - say: >-
      one


  - name: z
"""


@pytest.mark.parametrize(
    ("do", "lines"),
    [
        (lambda v: v.update(a="new"), ["-a: |", "-  one", "-  two", "+a: new"]),
        (lambda v: v.update(a="new\n"), ["-  one", "-  two", "+  new"]),
        (lambda v: v.pop("a"), ["-a: |", "-  one", "-  two"]),
        (lambda v: v["b"][0].update(say="new"), ["-  - say: >-", "-      one", "+  - say: new"]),
        (lambda v: v["b"][0].update(more=1), ["+    more: 1"]),
        (lambda v: v["b"].pop(0), ["-  - say: >-", "-      one"]),
        (lambda v: v["b"].insert(1, "new"), ["+  - new"]),
    ],
)
def test_blank_lines_behind_a_text_of_several_lines_stay(do: Callable[[Value], object], lines: list[str]) -> None:
    assert change(BLOCKS, do) == lines
    assert change(BLOCKS.replace("\n", "\r\n"), do) == lines
    assert change("\ufeff" + BLOCKS, do) == lines


def test_blank_lines_that_belong_to_a_text_are_no_others() -> None:
    assert change("a: |+\n  one\n\nb: 1\n", lambda v: v.update(b=2)) == ["-b: 1", "+b: 2"]
    assert edited("a: |+\n  one\n\nb: 1\n", {"a": "one\n\n", "c": 2, "b": 1}) == "a: |+\n  one\n\nc: 2\nb: 1\n"


def test_what_is_read_otherwise_is_not_edited() -> None:
    """An anchor: the other place that says it would change as well."""
    with pytest.raises(NotEdited, match="written in a way that this command does not edit"):
        edited("a: &x {b: 1}\nc: *x\n", {"a": {"b": 2}, "c": {"b": 1}})


def test_a_checkout_without_the_package_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['yaml_edit'] = None\n"
        "from ai_admin.review import pull, promotion\n"
        "try: promotion.rewritten('a: 1', {'a': 1}, {'a': 2})\n"
        "except pull.NotEdited as problem: print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("this takes the package yaml-edit: run make setup\n", "")


CONDITIONS = """\
release_conditions:
  # Austria
  - properties:   # a1
      - {key: country, value: AT}   # a2
    rollout_percentage: 10   # a3
  # others
  - properties:   # o1
      - {key: plan, value: [free, trial]}   # o2
      # seats
      - {key: seats, operator: gte, value: '10'}   # o3
    rollout_percentage: 66.5   # o4
"""


def test_an_item_that_changes_beside_a_new_one_keeps_its_comments() -> None:
    """None of them has a name: they are told by what they still say."""

    def do(value: Value) -> None:
        conditions = value["release_conditions"]
        conditions[1]["properties"][0]["value"] = ["free"]
        conditions.insert(1, {"properties": [{"key": "country", "value": "DE"}], "rollout_percentage": 5})

    assert change(CONDITIONS, do) == [
        "+  - properties:",
        "+      - {key: country, value: DE}",
        "+    rollout_percentage: 5",
        "-      - {key: plan, value: [free, trial]}   # o2",
        "+      - {key: plan, value: [free]}   # o2",
    ]


def test_items_that_change_places_take_their_comments_along() -> None:
    def swap(value: Value) -> None:
        conditions = value["release_conditions"]
        conditions[1]["rollout_percentage"] = 70
        conditions.reverse()

    lines = CONDITIONS.splitlines()
    wanted = [lines[0], *lines[5:10], "    rollout_percentage: 70   # o4", *lines[1:5]]
    value = yaml_text.parse(CONDITIONS)[0]
    swap(value)
    assert edited(CONDITIONS, value).splitlines() == wanted
    assert edited(CONDITIONS.rstrip("\n"), value).splitlines() == wanted
    assert edited(CONDITIONS.replace("\n", "\r\n"), value) == "\r\n".join([*wanted, ""])


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 2, 1)])
def test_any_order_keeps_every_comment(order: tuple[int, ...]) -> None:
    """Also of lists in lists, beside one that goes and one that comes."""
    items = [
        "  - name: a  # a\n    list:\n      # x\n      - x: 1\n      - y  # y\n",
        "  # b\n  - {name: b}\n",
        "  - name: c\n    say: |  # c\n      one\n\n      two\n",
    ]
    text = "\ufeff" + "key: x  # key\nall:\n" + "".join(items) + "  - name: goes\n# end\nlast: 1\n"
    value = yaml_text.parse(text)[0]
    value["all"] = [*(value["all"][n] for n in order), {"name": "comes"}]
    next(each for each in value["all"] if each["name"] == "a")["list"].reverse()
    result = edited(text, value)
    assert sorted(each for each in ("# a", "# x", "# y", "# b", "# c", "# key", "# end") if each not in result) == []
    assert result.index("# x") > result.index("# y"), "each beside its own item"
    assert "  # b\n  - {name: b}\n" in result


def test_a_comment_below_an_item_goes_with_it_too() -> None:
    text = "v:\n  - key: a\n    # note of a\n  - key: b\n    # tail of b\n# end\n"
    assert edited(text, {"v": [{"key": "b"}, {"key": "a"}]}) == (
        "v:\n  - key: b\n    # tail of b\n  - key: a\n    # note of a\n# end\n"
    )


def test_of_an_item_that_goes_only_its_own_comments_go() -> None:
    text = """\
# top
v:
  # of all

  # a, and
  # more of it
  - key: a
    say: x
    # below a
  # b
  - key: b
    list:
      # one
      - 1
      # two
      - 2
  # end
# last
"""
    assert edited(text, {"v": [{"key": "b", "list": [1, 2]}]}) == text.replace(
        "  # a, and\n  # more of it\n  - key: a\n    say: x\n    # below a\n", ""
    )
    one = {"key": "b", "list": [1]}
    assert edited(text, {"v": [{"key": "a", "say": "x"}, one]}) == text.replace("      # two\n      - 2\n", "")
    assert edited(text, {"v": [one]}).count("#") == 6
    without = edited(text, {"v": [{"key": "a", "say": "x"}]})
    assert [each for each in ("# top", "# of all", "# a, and", "# below a", "# last") if each not in without] == []
    assert "# b\n" not in without
    for changed in (text.replace("\n", "\r\n"), f"\ufeff{text}"):
        assert "# more of it" not in edited(changed, {"v": [{"key": "b", "list": [1, 2]}]})


def test_an_alias_that_would_come_before_its_anchor_costs_no_comment() -> None:
    text = "v:\n  # one\n  - key: a\n    of: &p [x]  # behind\n  # two\n  - key: b\n    of: *p\n"
    result = edited(text, {"v": [{"key": "b", "of": ["x"]}, {"key": "a", "of": ["x"]}]})
    assert [each for each in ("# one", "# behind", "# two") if each not in result] == []


@pytest.mark.parametrize("text", ["v:\n- - a\n  - b\n", "v: [[a, b], [c]]\n", "v:\n  - - a # x\n    - b\n  - [c]\n"])
def test_lists_in_lists_get_another_order_or_are_not_edited(text: str) -> None:
    value = yaml_text.parse(text)[0]
    value["v"][0].reverse()
    value["v"].reverse()
    with suppress(NotEdited):
        assert yaml_text.parse(edited(text, value))[0] == value


def test_of_items_that_go_and_change_those_that_say_most_of_the_same_are_each_others() -> None:
    old = [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}, {"a": 3, "c": "x"}]
    assert [*aligned(old, [{"a": 2, "b": [3, 5]}, {"a": 3, "c": "y"}])] == [(0, None), (1, 0), (2, 1)]
    assert [*aligned(old[:1], [{"x": 1}, {"a": 1, "b": [1, 3]}])] == [(None, 0), (0, 1)]
    assert [*aligned(old[:1], [])] == [(0, None)]
    assert [*aligned(["a"], ["b", "c"])] == [(0, None), (None, 0), (None, 1)]
