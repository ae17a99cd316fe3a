"""What changes is said in sentences: the golden ones, and what holds for every change."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ai_admin.review.sentences import Sentence, sentences
from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.phrases import OPERATORS, filter_text, moment_text
from providers.posthog.kinds.wording import Wording
from providers.posthog.reconcile import changed, same
from tests.campaigns.generated import GENERATED
from tests.support.sandbox import REPOSITORY
from tests.unit.review.golden import Case, cases, read

CASES = cases()
PAIRS = 150
SECRET = "T0P-SECRET"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_change_is_said_in_these_sentences(case: Case) -> None:
    assert case.said() == case.written["says"]


def test_each_field_of_each_kind_has_a_sentence() -> None:
    """A field without one is added to ``sentences.yaml``: `python -m tests.unit.review.golden` writes what is said."""
    golden = read()
    lacking = [f"{k.name}.{f.name}" for k in KINDS.values() for f in k.fields if not golden.get(k.name, {}).get(f.name)]
    assert lacking == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_golden_case_is_a_change(case: Case) -> None:
    before, after = case.before.get(case.field.name), case.after.get(case.field.name)
    assert not same(before, after)
    assert case.field.canonical(after) == after


def test_each_operator_has_words() -> None:
    schema = json.loads((REPOSITORY / "schemas/shared/operators.schema.json").read_text(encoding="utf-8"))
    named = {value for each in schema["$defs"].values() for value in each.get("enum", ())}
    assert len(named) > 30
    assert named - OPERATORS.keys() == set()


def test_a_long_list_of_values_is_shown_where_it_differs() -> None:
    models = [f"model-{n}" for n in range(40)]
    [said] = _flag_conditions(models, [*models[:30], "added", *models[30:]])
    assert said == 'condition "Beta": audience: model is one of: added added'


def test_of_long_filters_each_that_goes_or_comes_is_shown_in_full() -> None:
    """Cut anywhere, the one name that says who is served could be missing."""
    name = "installations-of-the-partners-that-asked-for-the-preview-of-the-search-in-the-application"
    stays = {"key": "channel", "value": ["beta", "internal"]}
    before = [stays, {"type": "cohort", "value": Ref("cohort", name)}]
    after = [stays, {"key": "version", "operator": "semver_gte", "value": "2.2.0"}]
    told = f"no longer required: in cohort {name}; now required: version is at least 2.2.0"
    for more, start in (({"description": "Beta"}, "Beta"), ({}, "channel is one of beta, internal and version")):
        conditions = [[{**more, "properties": filters}] for filters in (before, after)]
        [said] = _said("flag", "release_conditions", *conditions)
        if more:
            assert said == f'condition "{start}": audience: {told}'
        else:
            assert said.startswith(f'condition "{start}')
            assert said.endswith(f": audience: {told}")
    group = [{"type": "OR", "values": each} for each in (before, after)]
    assert _said("cohort", "filters", *group)[0].startswith(f"criteria: no longer: in cohort {name}; now also: ")


def test_of_a_filter_that_gets_more_values_only_these_are_said() -> None:
    """That the one value of before is one of several now lets people in: nobody has to read two lists for it."""
    name = "installations-of-the-partners-that-asked-for-the-preview-of-the-search-in-the-application"
    cohort = {"type": "cohort", "value": Ref("cohort", name)}
    conditions = [
        [{"description": "Beta", "properties": [cohort, {"key": "channel", "value": value}]}]
        for value in ("beta", ["beta", "canary"])
    ]
    assert _said("flag", "release_conditions", *conditions) == [
        'condition "Beta": audience: channel is one of: added canary'
    ]
    assert _said("flag", "release_conditions", *reversed(conditions)) == [
        'condition "Beta": audience: channel is one of: removed canary'
    ]


def test_a_change_in_the_middle_of_a_long_text_is_shown_with_what_is_around_it() -> None:
    one = "The model answers in the language of the question. " * 30
    said = _said("flag", "description", one + "Once." + one, one + "Twice, and at night." + one)
    assert said == [
        'description from "…of the question. Once.The model answers in…" '
        'to "…of the question. Twice, and at night.The model answers in…"'
    ]


def test_two_long_texts_without_anything_in_common_are_cut() -> None:
    [said] = _said("flag", "description", "a" * 5000, "b" * 5000)
    assert len(said) < 500
    assert "…" in said


@pytest.mark.parametrize("written", ["2026-11-12T09:30:00Z", "2026-11-12T11:30:00+02:00", "2026-11-12T09:30:00"])
def test_a_time_is_shown_in_utc_however_it_is_written(written: str) -> None:
    assert moment_text(written) == "12 Nov 2026, 09:30 UTC"


def test_a_number_in_floating_point_is_shown_as_it_was_written() -> None:
    variants = [[{"key": "a", "rollout_percentage": share}] for share in (0.1 + 0.2, 33.333333333)]
    assert _said("flag", "variants", *variants) == ['variant "a" from 0.3 % to 33.333333333 %']


def test_a_condition_with_another_name_and_another_share_tells_both() -> None:
    """A share that is raised in passing is what a reviewer must not miss."""
    before = [{"description": "Beta", "rollout_percentage": 5}, {"description": "Ours"}]
    after = [{"description": "Ours"}, {"description": "Everybody", "rollout_percentage": 100}]
    assert 'condition "Everybody" from 5 % to 100 %' in _said("flag", "release_conditions", before, after)


def _flag_conditions(before: Any, after: Any) -> list[str]:
    made = [
        [{"description": "Beta", "properties": [{"key": "model", "value": values}]}] for values in (before, after)
    ]
    return _said("flag", "release_conditions", *made)


def _said(kind: str, field: str, before: Any, after: Any) -> list[str]:
    [table] = [each for each in KINDS[kind].fields if each.name == field]
    old, new = (KINDS[kind].canonical({field: value}) for value in (before, after))
    return [each.text for each in sentences(KINDS[kind], table, old, new)]


# What holds for every change


@pytest.mark.parametrize("kind", GENERATED)
def test_every_difference_of_random_definitions_is_said_and_nothing_else(kind: str) -> None:
    chance, table = random.Random(f"sentences-{kind}"), KINDS[kind]
    told = 0
    for number in range(PAIRS):
        before, after = (table.canonical(GENERATED[kind](chance, f"{kind}-{number}")) for _ in "ab")
        differing = changed(table, before, after)
        for field in table.fields:
            said = sentences(table, field, before, after) if field in differing else []
            told += len(said)
            assert bool(said) == (field in differing)
            for each in said:
                readable(each, field)
            if field not in differing and field.name in before and not field.secret:
                assert sentences(table, field, before, after) == []
    assert told > PAIRS / 2


@pytest.mark.parametrize("kind", GENERATED)
def test_a_new_object_and_one_that_goes_are_said_as_well(kind: str) -> None:
    chance, table = random.Random(f"whole-{kind}"), KINDS[kind]
    empty = table.canonical({})
    for number in range(PAIRS // 3):
        made = table.canonical(GENERATED[kind](chance, f"{kind}-{number}"))
        for pair in ((empty, made), (made, empty)):
            for field in changed(table, *pair):
                said = sentences(table, field, *pair)
                assert said
                for each in said:
                    readable(each, field)


def readable(sentence: Sentence, field: Field) -> None:
    """Assert that people can read it: words, and no value of a programming language."""
    text = sentence.text
    assert sentence.field == field.name
    assert text.strip() == text != ""
    assert "\n" not in text
    assert not re.search(r"Ref\(|<[\w.]+ object|\bNone\b|\bTrue\b|\bFalse\b|Wording\(", text), text
    assert not re.search(r"from (.+) to \1$", text), text  # nothing that stays as it is
    json.dumps(sentence.before, default=str)
    if field.secret:
        assert sentence.before is sentence.after is None


def test_no_value_of_a_secret_field_is_in_a_sentence() -> None:
    found = 0
    for kind in KINDS.values():
        for field in kind.fields:
            if field.secret:
                said = sentences(kind, field, {}, {field.name: _secrets()})
                found += len(said)
                assert SECRET not in repr(said)
    assert found


def _secrets() -> dict[str, Any]:
    secret = {"env": "TOKEN", "digest": SECRET}
    plain = {"url": SECRET, "body": SECRET, "headers": {"Authorization": SECRET}, "deep": [{"of": SECRET}]}
    return {"channel": secret, **plain}


def test_what_stands_for_a_secret_of_the_environment_is_not_shown() -> None:
    before, after = ({"env": "TEAMS_URL", "digest": f"{SECRET}-{n}"} for n in "ab")
    kind = KINDS["subscription"]
    [field] = [each for each in kind.fields if each.name == "target_value"]
    for pair in ((before, after), ("a@example.com", after), (before, "a@example.com")):
        said = sentences(kind, field, *({"target_value": value} for value in pair))
        assert said
        assert SECRET not in repr(said)


# Wordings


def wordings(wording: Wording) -> Iterator[Wording]:
    yield wording
    for inner in (*wording.parts.values(), *([wording.each] if wording.each else ())):
        yield from wordings(inner)


FIELDS = [(kind, field) for kind in KINDS.values() for field in kind.fields]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda each: each.name)
def test_no_noun_of_a_table_is_a_field_name(kind: Kind, field: Field) -> None:
    for each in wordings(field.wording):
        assert "_" not in each.noun
        assert all("_" not in text for text in each.says.values())


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        ({"key": "a", "operator": "is_set"}, "a is set"),
        ({"key": "a", "value": True}, "a is true"),
        ({"key": "a", "operator": "between", "value": [1, 2000]}, "a is between 1 and 2,000"),
        ({"key": "a", "operator": "is_date_before", "value": "-2w"}, "a is before 2 weeks ago"),
        ({"type": "cohort", "key": "id", "operator": "not_in", "value": 7}, "not in cohort 7"),
        ({"type": "cohort", "operator": "not_in", "negation": True, "value": Ref("cohort", "c")}, "in cohort c"),
        ({"type": "flag", "key": Ref("flag", "f"), "operator": "flag_evaluates_to", "value": False}, "flag f is off"),
        ({"type": "hogql", "key": "properties.x > 3"}, "SQL properties.x > 3"),
        ({"type": "OR", "values": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}, "a is 1 or b is 2"),
        ({"type": "AND", "values": []}, "nobody"),
        ({"key": "a", "operator": "of_next_year", "value": 1}, "a of next year 1"),
    ],
)
def test_a_filter_is_read_as_a_predicate(leaf: Properties, text: str) -> None:
    assert filter_text(leaf) == text


@pytest.mark.parametrize(
    ("config", "condition", "said"),
    [
        ("FunnelsAlertConfig", "absolute_value", "lower bound from 50 % to 0.5 %"),
        ("FunnelsAlertConfig", "relative_decrease", "lower bound from 50 points to 0.5 points"),
        ("TrendsAlertConfig", "absolute_value", "lower bound from 50 to 0.5"),
    ],
)
def test_the_bounds_of_a_funnels_alert_are_said_with_their_unit(config: str, condition: str, said: str) -> None:
    """0.5 of a funnel is half of one per cent, and who reads the plan may mean half."""
    before, after = (
        {"condition": condition, "config": {"type": config}, "threshold": {"type": "absolute", "lower": bound}}
        for bound in (50, 0.5)
    )
    kind = KINDS["alert"]
    [threshold] = [each for each in kind.fields if each.name == "threshold"]
    assert [each.text for each in sentences(kind, threshold, before, after)] == [f"threshold: {said}"]
