"""What a test in a flag's file means, how it fails, and what no test reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions.check import check
from ai_admin.evaluation import Report, resources, run, served
from ai_admin.evaluation.flag_tests import tolerance
from tests.unit.definitions.checkouts import STACKS, Checkout

SPLIT = "[{key: a, rollout_percentage: 30, payload: {n: 1}}, {key: b, rollout_percentage: 70}]"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.write("cohorts/heavy.yaml", "key: heavy\nname: Heavy\nproperties: [{key: usage, operator: gte, value: 5}]\n")
    made.write("cohorts/picked.yaml", "key: picked\nname: Picked\nis_static: true\n")
    made.write(
        "cohorts/outsiders.yaml",
        """
        key: outsiders
        name: Outsiders
        properties: [{cohort: internal, negation: true}, {key: version, operator: is_set}]
        """,
    )
    return made


def came(checkout: Checkout, *flags: str) -> Report:
    report = run_all(checkout)
    outcomes = [each for each in report.outcomes if each.case.flag in (flags or ("f",))]
    return Report(outcomes, [each for each in report.unreached if each.flag in (flags or ("f",))], report.off)


def run_all(checkout: Checkout) -> Report:
    checked = check(checkout.root)
    assert checked.problems == ()
    indexes = {stack: checked.indexes[stack] for stack in sorted(STACKS)}
    return run(indexes, {stack: served(resources(index)) for stack, index in indexes.items()})


def flag(conditions: str, *tests: str, more: str = "") -> str:
    """Return a flag with these tests, each on a line of its own from line 4 on."""
    listed = "".join(f"  - {{name: t{n}, {each}}}\n" for n, each in enumerate(tests))
    return f"key: f\nrelease_conditions: {conditions}\ntests:\n{listed}{more}"


@pytest.mark.parametrize(
    ("conditions", "test", "more"),
    [
        ("[{}]", "expect: true", ""),
        ("[{rollout_percentage: 0}]", "expect: false", ""),
        ("[{cohort: internal}]", "properties: {version: dev}, expect: true", ""),
        ("[{cohort: internal}]", "cohorts: [internal], expect: true", ""),
        ("[{cohort: internal}]", "expect: false", ""),
        ("[{cohort: heavy}]", "properties: {usage: 5}, expect: true", ""),
        ("[{cohort: picked}]", "cohorts: [picked], expect: true", ""),
        ("[{cohort: picked}]", "cohorts: [internal], expect: false", ""),
        ("[{properties: [{type: cohort, value: picked, operator: not_in}]}]", "expect: true", ""),
        # Asserted membership counts inside another cohort's criteria, too.
        ("[{cohort: outsiders}]", "properties: {version: '1'}, expect: true", ""),
        ("[{cohort: outsiders}]", "properties: {version: '1'}, cohorts: [internal], expect: false", ""),
        ("[{cohort: outsiders}]", "expect: false", ""),
        # Who has not a property only matches what says what it is not.
        ("[{properties: [{key: version, operator: semver_gte, value: 1.0.0}]}]", "expect: false", ""),
        ("[{properties: [{key: version, operator: is_not, value: dev}]}]", "expect: true", ""),
        ("[{properties: [{key: version, operator: is_not_set}]}]", "expect: true", ""),
        ("[{properties: [{key: version, operator: not_icontains, value: dev}]}]", "expect: true", ""),
        # Groups and devices.
        ("[{aggregation_group_type_index: 0}]", "groups: [{group_type_index: 0}], expect: true", ""),
        ("[{aggregation_group_type_index: 0}]", "expect: false", ""),
        (
            "[{properties: [{type: group, key: plan, value: x, group_type_index: 1}]}]",
            "groups: [{group_type_index: 1, key: acme, properties: {plan: x}}], expect: true",
            "aggregation_group_type_index: 1\n",
        ),
        ("[{}]", "device_id: d, expect: true", "bucketing_identifier: device_id\n"),
        ("[{}]", "expect: true", "ensure_experience_continuity: true\n"),
        # Variants and payloads.
        ("[{variant: a}]", "expect: a, expect_payload: {n: 1}", f"variants: {SPLIT}\n"),
        ("[{variant: b}]", "expect: b, expect_payload: null", f"variants: {SPLIT}\n"),
        ("[{}]", "expect: true, expect_payload: 5", "payload: 5\n"),
        # Other flags: `enabled` is on for internal installations.
        ("[{properties: [{type: flag, key: enabled, value: true}]}]", "cohorts: [internal], expect: true", ""),
        ("[{properties: [{type: flag, key: enabled, value: true}]}]", "expect: false", ""),
        # Shares.
        ("[{rollout_percentage: 25}]", "share: 25, expect: true", ""),
        ("[{rollout_percentage: 25}]", "share: 75, installations: 1000, expect: false", ""),
        ("[{}]", "share: 30, expect: a", f"variants: {SPLIT}\n"),
        ("[{aggregation_group_type_index: 0, rollout_percentage: 40}]",
         "share: 40, groups: [{group_type_index: 0}], expect: true", ""),
        ("[{rollout_percentage: 40}]", "share: 40, expect: true", "bucketing_identifier: device_id\n"),
    ],
)  # fmt: skip
def test_it_passes(checkout: Checkout, conditions: str, test: str, more: str) -> None:
    checkout.write("flags/f.yaml", flag(conditions, test, more=more))
    report = came(checkout)
    assert [(each.failure, each.why) for each in report.outcomes] == [("", ())] * len(STACKS)


def test_true_is_not_one_anywhere_in_a_payload(checkout: Checkout) -> None:
    tests = [f"expect: a, expect_payload: {{n: {value}}}" for value in ("true", "1.0")]
    checkout.write("flags/f.yaml", flag("[{variant: a}]", *tests, more=f"variants: {SPLIT}\n"))
    failures = [each.failure for each in came(checkout).outcomes]
    assert failures == ['expected the payload {"n": true}, got {"n": 1}', ""] * len(STACKS)


@pytest.mark.parametrize(
    ("conditions", "test", "failure", "why"),
    [
        (
            "[{description: Ours, cohort: internal}, {description: Some, rollout_percentage: 10}]",
            "distinct_id: inst-1, properties: {version: '2'}, expect: true",
            "expected true, got false",
            (
                '1. "Ours" does not match: in cohort internal (version is dev): its version is "2"',
                '2. "Some" leaves it out: it is for everybody; at 10 %, this id falls at 79.36 %',
            ),
        ),
        (
            "[{cohort: picked}, {properties: [{key: version, operator: semver_gte, value: 2.4.0}]}]",
            "properties: {version: 2.5.0}, expect: false",
            "expected false, got true",
            (
                '1. "in cohort picked" does not match: in cohort picked: it is not said to be in it, and its '
                "properties do not tell",
                '2. "version is at least 2.4.0" decides: version is at least 2.4.0: its version is "2.5.0"',
            ),
        ),
        (
            "[{properties: [{type: flag, key: enabled, value: true}]}]",
            "cohorts: [heavy], expect: true",
            "expected true, got false",
            ('1. "flag enabled is on" does not match: flag enabled gives true: it gives false',),
        ),
        (
            "[{}]",
            "expect: true, expect_payload: 5",
            "expected the payload 5, got null",
            ('1. "everybody" decides: it is for everybody',),
        ),
        (
            "[{properties: [{key: version, operator: icontains_multi, value: [dev]}]}]",
            "properties: {version: dev}, expect: true",
            "expected true, and PostHog's SDK can't tell",
            (
                '1. "version contains one of dev" is what the SDK can\'t tell: version contains one of dev: '
                'its version is "dev"',
            ),
        ),
        (
            "[{rollout_percentage: 25}]",
            "share: 50, expect: true",
            "expected 50 % (give or take 2.5) of 10,000 installations to get true, got 75.88 % false, 24.12 % true",
            (
                "e3e70682-c209-4cac-a29f-6fbed82c07cd, for one, gets false:",
                '1. "everybody" leaves it out: it is for everybody; at 25 %, this id falls at 69.37 %',
            ),
        ),
        (
            "[{rollout_percentage: 99}]",
            "share: 100, installations: 1000, expect: true",
            "expected 100 % of 1,000 installations to get true, got 1 % false, 99 % true",
            (
                "b6e355f6-95bb-440d-89cd-4af97d161f29, for one, gets false:",
                '1. "everybody" leaves it out: it is for everybody; at 99 %, this id falls at 99.01 %',
            ),
        ),
    ],
)  # fmt: skip
def test_it_fails_and_says_why(
    checkout: Checkout, conditions: str, test: str, failure: str, why: tuple[str, ...]
) -> None:
    checkout.write("flags/f.yaml", flag(conditions, test))
    report = came(checkout)
    assert {(each.failure, each.why) for each in report.outcomes} == {(failure, why)}
    assert {str(each.case.source) for each in report.outcomes} == {"flags/f.yaml:4:5"}


def test_it_is_for_its_stacks_and_for_what_each_stack_has(checkout: Checkout) -> None:
    patch = "stacks: {staging: {release_conditions: [{}]}}\n"
    tests = ("expect: false, stacks: [production, sandbox]", "expect: true, stacks: [staging]", "expect: false")
    checkout.write("flags/f.yaml", flag("[{cohort: internal}]", *tests, more=patch))
    found = [(each.case.name, each.stack, each.failure) for each in came(checkout).outcomes]
    assert sorted(found) == [
        ("t0", "production", ""),
        ("t0", "sandbox", ""),
        ("t1", "staging", ""),
        ("t2", "production", ""),
        ("t2", "sandbox", ""),
        ("t2", "staging", "expected false, got true"),
    ]


def test_what_no_test_reaches_is_named_where_it_is(checkout: Checkout) -> None:
    checkout.write(
        "flags/f.yaml",
        """
        key: f
        variants:
          - {key: a, rollout_percentage: 100}
          - {key: b, rollout_percentage: 0}
          - {key: never, rollout_percentage: 0}
        release_conditions:
          - cohort: internal
          - description: Nobody yet
            rollout_percentage: 0
          - description: Heavy use
            cohort: heavy
            variant: b
        tests:
          - {name: internal, cohorts: [internal], expect: a}
        stacks:
          staging:
            release_conditions: [{description: Everybody}]
        """,
    )
    report = came(checkout)
    assert [(str(each.source), each.what, each.stacks) for each in report.unreached] == [
        ("flags/f.yaml:4:5", 'the variant "b"', ("production", "sandbox")),
        ("flags/f.yaml:7:3", "those who match no condition", ("production", "sandbox")),
        ("flags/f.yaml:10:5", 'the condition "Heavy use"', ("production", "sandbox")),
    ]
    assert report.failed == []


def test_a_flag_without_tests_is_named_once(checkout: Checkout) -> None:
    [found] = [each for each in run_all(checkout).unreached if each.flag == "enabled"]
    assert (str(found.source), found.what) == ("flags/enabled.yaml:1:1", "anything of it: it has no tests")
    assert found.stacks == ("production", "sandbox", "staging")


def test_conditions_that_are_left_to_posthog_need_no_test(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nunmanaged: [release_conditions]\n")
    assert came(checkout).unreached == []


def test_a_flag_that_is_off_is_not_tested_nor_what_depends_on_it(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", flag("[{}]", "expect: true", more="stacks: {staging: {active: false}}\n"))
    checkout.write(
        "flags/g.yaml",
        """
        key: g
        release_conditions: [{properties: [{type: flag, key: f, value: true}]}]
        tests: [{name: it follows, share: 100, expect: true}]
        stacks: {staging: {active: false}}
        """,
    )
    report = came(checkout, "f", "g")
    assert [each.failure for each in report.outcomes] == [""] * 4
    assert report.off == {"f": ["staging"], "g": ["staging"]}
    assert {(each.flag, each.what) for each in report.unreached} == {("g", "those who match no condition")}


@pytest.mark.parametrize("stage", ["beta", "general-availability"])
def test_who_opted_in_or_is_in_a_holdout(checkout: Checkout, stage: str) -> None:
    """What PostHog writes into a flag for an early access feature, or an experiment, is what is tested."""
    checkout.write("flags/early_access/f.yaml", f"key: feature\nname: F\nflag: f\nstage: {stage}\n")
    opted = "properties: {$feature_enrollment/f: %s}, expect: %s"
    tests = (opted % ("true", "true"), opted % ("false", "false"), "cohorts: [internal], expect: true", "expect: false")
    checkout.write("flags/f.yaml", flag("[{cohort: internal}]", *tests, more="unmanaged: [feature_enrollment]\n"))
    checkout.write("experiments/holdouts/h.yaml", "key: h\nname: H\nexclusion_percentage: 20\n")
    checkout.write(
        "experiments/e.yaml",
        "key: e\nname: E\nflag: ab\nholdout: h\nmetrics: [{name: M, metric_type: mean, source: {event: ai_used}}]\n",
    )
    checkout.write(
        "flags/ab.yaml",
        """
        key: ab
        variants: [{key: control, rollout_percentage: 50}, {key: test, rollout_percentage: 50}]
        release_conditions: [{}]
        unmanaged: [holdout]
        tests:
          - {name: a fifth is held out, share: 20, expect: holdout-h}
          - {name: of the others half, share: 40, expect: test}
        """,
    )
    report = came(checkout, "f", "ab")
    assert [(each.case.name, each.failure, each.why) for each in report.failed] == []
    assert report.unreached == []


def test_a_test_changes_nothing_of_what_is_applied(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{}]\n")
    before = checkout.resources()["flag/f"]
    checkout.write("flags/f.yaml", flag("[{}]", "expect: true"))
    assert checkout.resources()["flag/f"] == before


@pytest.mark.parametrize(("share", "points"), [(0, 0), (1, 0.5), (25, 2.17), (50, 2.5), (100, 0)])
def test_the_tolerance_is_five_standard_deviations(share: float, points: float) -> None:
    assert tolerance(share, 10_000) / 100 == pytest.approx(points, abs=0.005)
