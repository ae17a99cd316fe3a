"""What is wrong with a flag or a cohort beyond its schema."""

from __future__ import annotations

import pytest

from ai_admin.definitions.check import check
from tests.unit.definitions.checkouts import Checkout

EVENT_BASED = """
    key: active
    name: Active
    properties: [{type: behavioral, key: ai_used, value: performed_event, time_value: 7, time_interval: day}]
    """


def flag(*conditions: str, more: str = "") -> str:
    """Return a flag with these release conditions, each on a line of its own from line 3 on."""
    lines = "\n".join(f"  - {{{condition}}}" for condition in conditions)
    return f"key: f\nrelease_conditions:\n{lines}\n{more}"


def with_filter(leaf: str) -> str:
    return flag(f"properties: [{{{leaf}}}]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            flag("", more="variants: [{key: a, rollout_percentage: 60}, {key: b, rollout_percentage: 30}]"),
            "4:11: flag/f: the rollout percentages of the variants sum to 90, not 100; write 40 for b",
        ),
        (
            flag("", more="variants: [{key: a, rollout_percentage: 100}, {key: b, rollout_percentage: 100}]"),
            "4:11: flag/f: the rollout percentages of the variants sum to 200, not 100; write 0 for b",
        ),
        (
            flag("", more="variants: [{key: a, rollout_percentage: 50}, {key: a, rollout_percentage: 50}]"),
            '4:52: flag/f: the variant "a" is there twice; rename or remove one',
        ),
        (
            flag("variant: contrl", more="variants: [{key: control, rollout_percentage: 100}]"),
            '3:15: flag/f: the flag has no variant "contrl"; write "control"',
        ),
        (
            flag("cohort: intern"),
            '3:14: flag/f: there is no cohort "intern"; define it in cohorts/, or write one of internal',
        ),
        (
            flag("cohort: zzz"),
            '3:14: flag/f: there is no cohort "zzz"; define it in cohorts/, or write one of internal',
        ),
        (
            with_filter("type: flag, key: enabled, value: gold"),
            '3:53: flag/f: the flag "enabled" has no variant "gold"; write true or false',
        ),
        (
            flag("aggregation_group_type_index: 1, properties: [{type: group, key: p, value: a, group_type_index: 0}]"),
            "3:102: flag/f: the filter looks at group type 0, but the condition rolls out by group type 1; "
            "write group_type_index: 1",
        ),
        (
            with_filter('key: $os, operator: regex, value: "("'),
            "3:54: flag/f: the regular expression is not valid: missing ), unterminated subpattern at position 0; "
            r'correct it; "\." is a dot, "\(" a parenthesis',
        ),
        (
            with_filter("key: $x, operator: is_date_before, value: 2026-02-30"),
            "3:62: flag/f: there is no day 2026-02-30; write a day that exists, or how long ago, such as -30d",
        ),
        (
            with_filter("key: version, operator: gt, value: 2"),
            '3:44: flag/f: the operator gt does not fit "version", which is of type String; '
            "write semver_gt, and the version as text",
        ),
        (
            with_filter("key: usage, operator: icontains, value: 5"),
            '3:42: flag/f: the operator icontains does not fit "usage", which is of type Numeric; '
            "write exact, is_not, gt, gte, lt, lte, is_set or is_not_set",
        ),
        (
            with_filter("key: seen, operator: gte, value: 5"),
            '3:41: flag/f: the operator gte does not fit "seen", which is of type DateTime; write is_date_after',
        ),
        (
            with_filter("key: usage, value: [1, many]"),
            '3:39: flag/f: "usage" is of type Numeric and is never the text "many"; write a number',
        ),
        (
            with_filter("key: health, value: [Healthy, error]"),
            '3:40: flag/f: "health" is never the text "Healthy" (values in the catalogue: healthy, warning or error); '
            'write "healthy"',
        ),
        (
            flag("", more="payload: 1\nunmanaged: [payloads]"),
            '4:1: flag/f: "payloads" is left to PostHog (unmanaged) and set as well; '
            'remove "payload", or remove "payloads" from unmanaged',
        ),
        (
            flag("", more="variants: [{key: a, rollout_percentage: 100, payload: 1}]\nunmanaged: [payloads]"),
            '4:46: flag/f: "payloads" is left to PostHog (unmanaged) and set as well; '
            'remove the payload, or remove "payloads" from unmanaged',
        ),
    ],
)
def test_a_flag_that_breaks_a_rule(checkout: Checkout, text: str, expected: str) -> None:
    checkout.write("flags/f.yaml", text)
    assert checkout.problems() == [f"flags/f.yaml:{expected}"]


@pytest.mark.parametrize(
    "text",
    [
        flag("", more="variants: [{key: a, rollout_percentage: 33.3}, {key: b, rollout_percentage: 66.7}]"),
        flag("variant: a", more="variants: [{key: a, rollout_percentage: 100}]"),
        "key: f\nrelease_conditions: [{variant: a}]\nunmanaged: [variants]",
        with_filter("key: $nobody_describes_it, operator: gt, value: 5"),
        with_filter("key: health, value: healthy"),
        with_filter("key: health, operator: icontains, value: heal"),
        with_filter("key: usage, operator: gt, value: '5'"),
        with_filter("key: $os, operator: regex, value: '(?=a)b'"),
        with_filter("type: flag, key: enabled, value: false"),
        flag("aggregation_group_type_index: 0, properties: [{type: group, key: p, value: a, group_type_index: 0}]"),
        "key: f\nrelease_conditions: [{properties: [{type: group, key: p, value: a, group_type_index: 0}]}]\n"
        "aggregation_group_type_index: 0",
    ],
)
def test_a_flag_that_keeps_them(checkout: Checkout, text: str) -> None:
    checkout.write("flags/f.yaml", text)
    assert checkout.problems() == []


def test_flags_that_depend_on_each_other(checkout: Checkout) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = f"key: {name}\nrelease_conditions: [{{properties: [{{type: flag, key: {other}, value: true}}]}}]"
        checkout.write(f"flags/{name}.yaml", text)
    circle = "the flags refer to each other in a circle"
    assert checkout.problems() == [
        f"flags/a.yaml:2:54: flag/a: {circle}: a -> b -> c -> a; remove one of the references",
        f"flags/b.yaml:2:54: flag/b: {circle}: b -> c -> a -> b; remove one of the references",
        f"flags/c.yaml:2:54: flag/c: {circle}: c -> a -> b -> c; remove one of the references",
    ]


def test_cohorts_that_depend_on_each_other(checkout: Checkout) -> None:
    checkout.write("cohorts/a.yaml", "key: a\nname: A\nproperties: [{cohort: b}]")
    checkout.write(
        "cohorts/b.yaml",
        "key: b\nname: B\nfilters: {type: OR, values: [{type: AND, values: [{cohort: a}]}]}",
    )
    assert checkout.problems() == [
        "cohorts/a.yaml:3:23: cohort/a: the cohorts refer to each other in a circle: a -> b -> a; "
        "remove one of the references",
        "cohorts/b.yaml:3:60: cohort/b: the cohorts refer to each other in a circle: b -> a -> b; "
        "remove one of the references",
    ]


def test_an_event_based_cohort_cannot_be_used_in_a_flag(checkout: Checkout) -> None:
    checkout.write("cohorts/active.yaml", EVENT_BASED)
    checkout.write("cohorts/outer.yaml", "key: outer\nname: O\nproperties: [{cohort: active}]")
    checkout.write("flags/f.yaml", flag("cohort: active", "cohort: outer"))
    why = "and PostHog does not evaluate events in flags; use a cohort of person properties, or a static one"
    assert checkout.problems() == [
        f'flags/f.yaml:3:14: flag/f: the cohort "active" is event-based, {why}',
        f'flags/f.yaml:4:14: flag/f: the cohort "outer" is event-based (through active), {why}',
    ]


def test_a_static_cohort_can_be_used_in_a_flag(checkout: Checkout) -> None:
    checkout.write("cohorts/s.yaml", "key: s\nname: S\nis_static: true")
    checkout.write("flags/f.yaml", flag("cohort: s"))
    assert checkout.problems() == []


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (
            "cohort: intern",
            '3:23: cohort/c: there is no cohort "intern"; define it in cohorts/, or write one of internal',
        ),
        (
            "key: helth, value: a",
            '3:20: cohort/c: the catalogue knows no property "helth" of a person; write "health"',
        ),
        (
            "key: usage, operator: semver_gt, value: 1.2.3",
            '3:37: cohort/c: the operator semver_gt does not fit "usage", which is of type Numeric; write gt',
        ),
        (
            "key: version, operator: regex, value: '(?!1)2'",
            "3:53: cohort/c: the regular expression uses look-around or back references, which ClickHouse does not "
            r'have; correct it; "\." is a dot, "\(" a parenthesis',
        ),
        (
            "type: behavioral, key: ai_usd, value: performed_event, time_value: 1, time_interval: day",
            '3:38: cohort/c: the catalogue knows no event "ai_usd"; write "ai_used"',
        ),
        (
            "type: behavioral, key: ai_used, value: performed_event, time_value: 1, time_interval: day, "
            "event_filters: [{type: event, key: modl, value: r1}]",
            '3:141: cohort/c: the catalogue knows no property "modl" of the event ai_used; write "model"',
        ),
    ],
)
def test_a_cohort_that_breaks_a_rule(checkout: Checkout, leaf: str, expected: str) -> None:
    checkout.write("cohorts/c.yaml", f"key: c\nname: C\nproperties: [{{{leaf}}}]")
    assert checkout.problems() == [f"cohorts/c.yaml:{expected}"]


@pytest.mark.parametrize(
    "leaf",
    [
        "key: $browser, value: Firefox",
        "type: behavioral, key: $pageview, value: performed_event, time_value: 1, time_interval: day",
        "type: behavioral, key: 12, event_type: actions, value: performed_event, time_value: 1, time_interval: day",
        "type: person_metadata, key: created_at, operator: is_date_after, value: -30d",
        "key: seen, operator: is_date_after, value: 2026-01-31",
    ],
)
def test_a_cohort_that_keeps_them(checkout: Checkout, leaf: str) -> None:
    checkout.write("cohorts/c.yaml", f"key: c\nname: C\nproperties: [{{{leaf}}}]")
    assert checkout.problems() == []


def test_the_same_key_twice(checkout: Checkout) -> None:
    checkout.write("flags/a.yaml", "key: same\nrelease_conditions: [{}]\nonly: [staging]")
    checkout.write("flags/b.yaml", "key: same\nrelease_conditions: [{}]\nonly: [production]")
    checkout.write("cohorts/same.yaml", "key: same\nname: S\nis_static: true")
    assert checkout.problems() == [
        'flags/b.yaml:1:6: flag/same: the flag key "same" is taken (flags/a.yaml:1:6); '
        "choose another key, or write what differs per stack under stacks of the one definition"
    ]


def test_a_reference_into_a_file_that_cannot_be_read_is_not_called_wrong(checkout: Checkout) -> None:
    checkout.write("cohorts/broken.yaml", "key: broken\nname: [")
    checkout.write("flags/f.yaml", flag("cohort: broken"))
    assert [line.partition(":")[0] for line in checkout.problems()] == ["cohorts/broken.yaml"]


def test_an_unreadable_catalogue_is_not_held_against_those_who_use_it(checkout: Checkout) -> None:
    checkout.write("events/used.yaml", "key: ai_used\nproperties: {")
    assert [line.partition(":")[0] for line in checkout.problems()] == ["events/used.yaml"]


def test_a_reference_where_nothing_of_its_kind_exists(checkout: Checkout) -> None:
    (checkout.root / "cohorts/internal.yaml").unlink()
    assert checkout.problems() == [
        'flags/enabled.yaml:2:31: flag/enabled: there is no cohort "internal"; define it in cohorts/'
    ]


@pytest.mark.parametrize("written", ["Early birds", "early birds", "Beta-People", "beta people"])
def test_a_reference_by_name_leads_to_that_key(checkout: Checkout, written: str) -> None:
    early = "key: beta-people\nname: Early birds\nproperties: [{key: version, value: dev}]\n"
    checkout.write("cohorts/beta.yaml", early)
    checkout.write("flags/f.yaml", flag(f"cohort: {written}"))
    assert checkout.problems() == [
        f'flags/f.yaml:3:14: flag/f: there is no cohort "{written}"; write "beta-people"',
    ]


@pytest.mark.parametrize(("key", "fix"), [("AI summaries", "write ai-summaries"), ("¿?", "write another one")])
def test_a_text_that_is_no_key_is_made_one(checkout: Checkout, key: str, fix: str) -> None:
    checkout.write("flags/f.yaml", f"key: {key}\nrelease_conditions: [{{}}]\n")
    assert checkout.problems() == [
        f'flags/f.yaml:1:6: flag/{key}: "{key}" does not have the right form: a key has only letters, digits, hyphens '
        f"and underscores; {fix}",
    ]


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        (
            "payload: '{\"a\": 1}'",
            [
                "flags/f.yaml:4:10: flag/f: note: this payload is delivered as text, not as the mapping that its text "
                "holds; write it without quotes, or add payload_type: string"
            ],
        ),
        (
            "variants: [{key: a, rollout_percentage: 100, payload: ' [1, 2]'}]",
            [
                "flags/f.yaml:4:55: flag/f: note: this payload is delivered as text, not as the list that its text "
                "holds; write it without quotes, or add payload_type: string"
            ],
        ),
        ("payload: '{\"a\": 1}'\npayload_type: string", []),
        ("payload: {\"a\": 1}", []),
        ("payload: '{name}, welcome'", []),
        ("payload: '2000'", []),
    ],
)
def test_a_payload_of_json_in_quotes_is_noted(checkout: Checkout, more: str, notes: list[str]) -> None:
    checkout.write("flags/f.yaml", flag("", more=more))
    checked = check(checkout.root)
    assert ([str(each) for each in checked.notes], checked.problems) == (notes, ())
