"""What is wrong with a flag's tests beyond their schema."""

from __future__ import annotations

import pytest

from tests.unit.definitions.checkouts import Checkout

SPLIT = "variants: [{key: control, rollout_percentage: 50}, {key: retry, rollout_percentage: 50}]\n"


def flag(test: str, more: str = "") -> str:
    """Return a flag with a test on line 4."""
    return f"key: f\nrelease_conditions: [{{}}]\ntests:\n  - {{name: t, {test}}}\n{more}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (flag("cohorts: [intrnal], expect: true"), '4:25: flag/f: there is no cohort "intrnal"; write "internal"'),
        (
            flag("properties: {verson: '1'}, expect: true"),
            '4:28: flag/f: the catalogue knows no property "verson" of a person; write "version"',
        ),
        (
            flag("properties: {version: 2.10}, expect: true"),
            '4:37: flag/f: "version" is of type String, and 2.10 is a number; write "2.10", in quotation marks',
        ),
        (
            flag("expect: retry"),
            '4:23: flag/f: the flag has no variants, so it never gives "retry"; write true or false',
        ),
        (flag("expect: rettry", SPLIT), '4:23: flag/f: the flag has no variant "rettry"; write "retry"'),
        (
            flag("expect: true", SPLIT),
            "4:23: flag/f: a flag with variants gives the key of one, and never true; write control, retry or false",
        ),
        (
            flag("expect: holdout-mine", SPLIT),
            '4:23: flag/f: the flag has no variant "holdout-mine"; write control, retry or false',
        ),
        (
            flag("expect: true, stacks: [stagin]"),
            '4:38: flag/f: there is no stack "stagin" (there is no Pulumi.stagin.yaml); write "staging"',
        ),
        (
            flag("expect: true, stacks: [staging]", "only: [production]\n"),
            '4:38: flag/f: "only" leaves stack staging out, so nothing is tested there; '
            'remove it, or add staging to only',
        ),
        (
            flag("expect: true, share: 20, distinct_id: x"),
            "4:40: flag/f: a share is of random installations, which have random ids; remove \"distinct_id\"",
        ),
        (
            "key: f\nunmanaged: [release_conditions]\ntests: [{name: t, expect: true}]\n",
            "3:8: flag/f: the release conditions are left to PostHog's pages, so tests can't know them; "
            "remove the tests",
        ),
        (flag("expect: true, installations: 200"), '4:5: flag/f: "installations" needs "share" as well; add share: 25'),
        (
            flag("expect: true", "stacks: {staging: {tests: [{name: t, expect: true}]}}\n"),
            '5:20: flag/f: the key "tests" is not known here: a test says itself which stacks it is for; '
            "write it into the flag's tests, with stacks: [<stack>]",
        ),
    ],
)  # fmt: skip
def test_it_is_found_where_it_is(checkout: Checkout, text: str, expected: str) -> None:
    checkout.write("flags/f.yaml", text)
    assert checkout.problems() == [f"flags/f.yaml:{expected}"]


def test_a_test_is_looked_at_in_the_stacks_that_it_is_for(checkout: Checkout) -> None:
    """What a stack's patch or another definition's `only` makes right there is right for a test of that stack."""
    checkout.write(
        "cohorts/pilots.yaml", "key: pilots\nname: Pilots\nproperties: [{key: version, value: x}]\nonly: [staging]\n"
    )
    patch = "stacks: {staging: {variants: [{key: fast, rollout_percentage: 100}]}}\n"
    checkout.write("flags/f.yaml", flag("cohorts: [pilots], expect: fast, stacks: [staging]", patch))
    assert checkout.problems() == []
    checkout.write("flags/f.yaml", flag("cohorts: [pilots], expect: fast, stacks: [staging, sandbox]", patch))
    assert [each.partition(": ")[2] for each in checkout.problems()] == [
        'flag/f: in stack sandbox: the cohort "pilots" exists on staging only; '
        "add the stack to its only, or restrict this definition with only as well",
        'flag/f: the flag has no variants, so it never gives "fast"; write true or false',
    ]


def test_a_holdout_can_be_expected_by_its_key(checkout: Checkout) -> None:
    checkout.write("experiments/holdouts/mine.yaml", "key: mine\nname: Mine\nexclusion_percentage: 5\n")
    checkout.write("flags/f.yaml", flag("expect: holdout-mine", SPLIT))
    assert checkout.problems() == []
