"""What a schema finds wrong, in words: what is wrong, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ai_admin.definitions import Problem, Source
from ai_admin.definitions.explain import findings
from ai_admin.definitions.schemas import violation
from tests.unit.definitions.checkouts import Checkout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("»Tags: [a]", 'the key "Tags" is not known here; write "tags"'),
        ("description: »2.10", 'expected text, found the number 2.10; put it in quotes: "2.10"'),
        ("description: »true", 'expected text, found true; put it in quotes: "true"'),
        ("tags: [a, »a]", '"a" is twice in the list; keep one of them'),
        (
            "tags: [»{a: b}]",
            "expected text, found a mapping; write text",
        ),
        (
            "evaluation_runtime: »servr",
            '"servr" is not one of the values allowed here; write server (known: all, server or client)',
        ),
        (
            "evaluation_runtime: »everywhere",
            '"everywhere" is not one of the values allowed here; write one of all, server or client',
        ),
        ("payload_type: integer, payload: »'5'", "payload_type says that every payload is an integer, not the text "
         '"5"; remove the quotes: 5'),
        (
            "payload_type: object, payload: »5",
            "payload_type says that every payload is an object, not the number 5; "
            "write a mapping, such as {max_tokens: 4096}",
        ),
        ("archived: true, active: »true", "an archived flag must be off (active: false); write false"),
        ("»archived: true", '"active" is missing; add active: false'),
        (
            "variants: [{key: a, rollout_percentage: 100}], »payload: 1",
            'a flag with variants has a payload on each variant instead; remove "payload"',
        ),
        (
            "variants: [»{key: a}]",
            '"rollout_percentage" is missing; add rollout_percentage: 80',
        ),
        (
            "variants: »[]",
            "the list is empty; write a list, such as [{key: deepseek-chat-v3, rollout_percentage: 80}, "
            "{key: deepseek-chat-r1, rollout_percentage: 20}], or remove the key",
        ),
        ("early_exit: »[true]", "expected true or false, found a list; write true or false"),
        ("aggregation_group_type_index: »1.5", "expected a whole number, found the number 1.5; "
         "write a whole number, such as 0"),
    ],
)  # fmt: skip
def test_a_flag_that_breaks_its_schema(checkout: Checkout, text: str, expected: str) -> None:
    marked = f"{{key: f, release_conditions: [{{}}], {text}}}"
    marked = marked if "archived: true}" not in marked else "»" + marked.replace("»", "")
    checkout.write("flags/f.yaml", marked.replace("»", ""))
    assert checkout.problems() == [f"flags/f.yaml:1:{marked.index('»') + 1}: flag/f: {expected}"]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (
            "key: $v, operator: »semvr_gt, value: 1.2.3",
            '"semvr_gt" is not one of the values allowed here; write semver_gt (known: exact, is_not, '
            "icontains, not_icontains, icontains_multi, not_icontains_multi, regex, not_regex, gt, gte, lt, lte … "
            "(14 more))",
        ),
        (
            "key: $v, operator: semver_gt, value: »2.10",
            'a version is text such as 2.4.0 (quote it when YAML would read a number, as in "2.4"), '
            'not the number 2.10; put it in quotes: "2.10"',
        ),
        ("key: $v, operator: »min, value: 5",
         '"min" is not allowed here: it is PostHog\'s other name of gte; write gte'),
        ("key: $v, operator: is_set, »value: 1", 'is_set and is_not_set take no value; remove "value"'),
        ("type: »cohrt, value: internal",
         '"cohrt" is not one of the values allowed here; write cohort (known: person, cohort, flag or group)'),
        ("type: cohort, value: internal, »key: id",
         'the key "key" is not known here: value names the cohort; remove key'),
        (
            "key: $v, operator: gt, value: »[1]",
            "this operator compares with a number, not a list; write a number or text, such as 1000000",
        ),
    ],
)  # fmt: skip
def test_a_filter_that_breaks_its_schema(checkout: Checkout, leaf: str, expected: str) -> None:
    marked = f"{{key: f, release_conditions: [{{properties: [{{{leaf}}}]}}]}}"
    checkout.write("flags/f.yaml", marked.replace("»", ""))
    assert checkout.problems() == [f"flags/f.yaml:1:{marked.index('»') + 1}: flag/f: {expected}"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "stickiness: {series: [{event: ai_used}], »breakdownFilter: {}}",
            'the key "breakdownFilter" is not known here; remove it (known here: compareFilter, dataColorTheme, '
            "dateRange, date_from, date_to, filterTestAccounts, interval, intervalCount, modifiers, properties, "
            "samplingFactor, series … (2 more))",
        ),
        (
            "stickiness: {series: [{event: ai_used, math: »weekly_active}]}",
            "stickiness counts persons (dau), groups (unique_group) or an expression's values (hogql); "
            "write one of total, dau, unique_group or hogql",
        ),
        (
            "query: {kind: InsightVizNode, source: {kind: »TrendQuery, series: []}}",
            '"TrendQuery" is not one of the values allowed here; write TrendsQuery (known: TrendsQuery, '
            "FunnelsQuery, RetentionQuery, PathsQuery, StickinessQuery or LifecycleQuery)",
        ),
        (
            "trends: {series: [{event: ai_used}], properties: [{type: hogql, key: 1 = 1, »operator: exact}]}",
            'the key "operator" is not known here; remove it (known here: key, label and type)',
        ),
    ],
)
def test_a_query_that_breaks_its_schema(checkout: Checkout, query: str, expected: str) -> None:
    marked = f"{{key: d, name: D, tiles: [{{insight: {{key: i, name: I, {query}}}}}]}}"
    checkout.write("dashboards/d.yaml", marked.replace("»", ""))
    assert checkout.problems() == [f"dashboards/d.yaml:1:{marked.index('»') + 1}: insight/i: {expected}"]


def test_every_problem_of_a_file_is_reported_at_once(checkout: Checkout) -> None:
    checkout.write(
        "flags/f.yaml",
        """
        key: f
        actve: true
        tags: [1]
        variants: [{key: a, rollout_percentage: 50}]
        release_conditions: [{cohort: intern}]
        """,
    )
    assert checkout.problems() == [
        'flags/f.yaml:2:1: flag/f: the key "actve" is not known here; write "active"',
        'flags/f.yaml:3:8: flag/f: expected text, found the number 1; put it in quotes: "1"',
        "flags/f.yaml:4:11: flag/f: the rollout percentages of the variants sum to 50, not 100; write 100 for a",
        'flags/f.yaml:5:31: flag/f: there is no cohort "intern"; define it in cohorts/, or write one of internal',
    ]


SHAPES = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": "circle"}, "radius": {"type": "number", "examples": [2]}},
            "required": ["kind", "radius"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"kind": {"const": "square"}, "side": {"type": "number", "examples": [3]}},
            "required": ["kind", "side"],
            "additionalProperties": False,
        },
        {"type": "string"},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (SHAPES, {"kind": "circle", "side": 1},
         [((), '"radius" is missing', "add radius: 2"),
          (("side",), 'the key "side" is not known here', "remove it (known here: kind and radius)")]),
        (SHAPES, {"kind": "sqare", "side": 1},
         [(("kind",), '"sqare" is not one of the values allowed here',
           "write square (known: circle or square)")]),
        (SHAPES, 5, [((), "expected a mapping or text, found the number 5", "correct it")]),
        (SHAPES, {"kind": "square", "side": "3"},
         [(("side",), 'expected a number, found the text "3"', "remove the quotes: 3")]),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {},
         [((), "one of a or b is missing", "add one of a or b")]),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 2},
         [(("b",), "only one of a or b is allowed here", "keep one of a and b")]),
        ({"propertyNames": {"pattern": "^[a-z]+$", "examples": ["name"]}}, {"A1": 1},
         [(("A1",), '"A1" is not an allowed key here', "write something like name")]),
        ({"dependentRequired": {"x": ["y"]}, "properties": {"y": {"examples": [0]}}}, {"x": 1},
         [((), '"x" needs "y" as well', "add y: 0")]),
        ({"maxItems": 1}, [1, 2], [((), "2 entries are too many", "write at most 1")]),
        ({"minLength": 1, "examples": ["a"]}, "",
         [((), "the text is empty", "write something like a, or remove the key")]),
        ({"minProperties": 1, "type": "object"}, {},
         [((), "the mapping is empty", "write a mapping, or remove the key")]),
        ({"exclusiveMinimum": 0}, 0, [((), "0 is too small", "write 0 or more")]),
        ({"maximum": 1}, 1.5, [((), "1.5 is too large", "write 1 or less")]),
        ({"const": "a"}, "b", [((), '"b" is not allowed here', "write a")]),
        ({"properties": {"a": {"not": {}}}}, {"a": 1}, [(("a",), '"a" is not allowed here', 'remove "a"')]),
        ({"multipleOf": 2}, 3, [((), "this is not allowed here", "correct it")]),
    ],
)  # fmt: skip
def test_every_keyword_has_words(schema: Any, value: Any, expected: list[Any]) -> None:
    errors = Draft202012Validator(schema).iter_errors(value)
    found = findings(violation(error, lambda _: None, schema) for error in errors)
    assert sorted((each.path, each.message, each.fix) for each in found) == expected


def test_a_long_value_does_not_make_a_long_message(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", f"key: f\nrelease_conditions: [{{}}]\n? {'x' * 50_000}\n: 1\n")
    (line,) = checkout.problems()
    assert line.startswith('flags/f.yaml:3:3: flag/f: the key "xxx')
    assert len(line) < 2000


def test_endless_problems_of_one_file_are_cut_off(checkout: Checkout) -> None:
    keys = "".join(f"unknown{n}: 1\n" for n in range(20_000))
    checkout.write("flags/f.yaml", f"key: f\nrelease_conditions: [{{}}]\n{keys}")
    lines = checkout.problems()
    assert len(lines) == 201
    assert lines[0] == "flags/f.yaml:1:1: flag/f: more than 200 things are wrong in this file; correct the others first"


def test_what_a_file_says_does_nothing_to_the_terminal_that_a_problem_is_shown_on() -> None:
    problem = Problem(Source("flags/f.yaml", 1, 1), "flag/f", 'the key "a\x1b[2J\u202eb" is not known', "remove it")
    assert str(problem) == r'flags/f.yaml:1:1: flag/f: the key "a\x1b[2J\u202eb" is not known; remove it'


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "flags/f.yaml",
            "key: f\nrelease_conditions:\n  - cohort: internal\n    tests: []\n",
            'flags/f.yaml:4:5: flag/f: the key "tests" is not known here; move it to the top level of the file, '
            "without indent, or remove it (known here: ",
        ),
        (
            "cohorts/c.yaml",
            "key: c\nname: C\nproperties: [{key: version, value: '1'}]\nrelease_conditions: []\n",
            'cohorts/c.yaml:4:1: cohort/c: the key "release_conditions" is not known here; move it to a file in '
            "flags/, or remove it (known here: ",
        ),
        (
            "cohorts/c.yaml",
            "key: c\nname: C\nproperties: [{key: version, value: '1'}]\nsize: x\n",
            'cohorts/c.yaml:4:1: cohort/c: the key "size" is not known here; remove it (known here: ',
        ),
    ],
)
def test_a_key_in_the_wrong_place_belongs_elsewhere(checkout: Checkout, path: str, text: str, expected: str) -> None:
    checkout.write(path, text)
    [problem] = checkout.problems()
    assert problem.startswith(expected)
