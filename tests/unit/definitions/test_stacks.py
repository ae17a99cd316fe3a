"""What differs per stack: patches, ``only``, and where a problem in one of them is shown."""

from __future__ import annotations

import pytest

from tests.unit.definitions.checkouts import Checkout

FLAG = """
    key: model
    description: Base
    variants: [{key: a, rollout_percentage: 50}, {key: b, rollout_percentage: 50}]
    release_conditions:
      - {cohort: internal}
    """


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        pytest.param(
            "stacks: {staging: {active: perhaps}}",
            ['flags/model.yaml:6:28: flag/model: expected true or false, found the text "perhaps"; '
             "write true or false"],
            id="a wrong value is shown where the patch has it, once",
        ),
        pytest.param(
            "stacks:\n      staging:\n        variants: [{key: a, rollout_percentage: 60}]",
            ["flags/model.yaml:8:15: flag/model: in stack staging: the rollout percentages of the variants sum to 60, "
             "not 100; write 100 for a"],
            id="a broken rule is shown in the patch and names the stack",
        ),
        pytest.param(
            "stacks: {staging: {release_conditions: null}}",
            ['flags/model.yaml:6:20: flag/model: in stack staging: "release_conditions" is missing: '
             "a flag says who gets it, in release_conditions; add release_conditions"],
            id="a removed key is shown where it is removed",
        ),
        pytest.param(
            "stacks: {staging: {variants: null, payload: 1}, production: {release_conditions: [{variant: c}]}}",
            ['flags/model.yaml:6:93: flag/model: in stack production: the flag has no variant "c"; write a or b'],
            id="every stack is judged as it is merged",
        ),
        pytest.param(
            "stacks: {staging: {release_conditions: [{variant: c}]}, production: {active: false}}",
            ['flags/model.yaml:6:51: flag/model: in stack staging: the flag has no variant "c"; write a or b'],
            id="what is wrong in one stack is not said of another",
        ),
        pytest.param(
            "stacks: {stagin: {active: false}}",
            ['flags/model.yaml:6:10: flag/model: there is no stack "stagin" (there is no Pulumi.stagin.yaml); '
             'write "staging"'],
            id="an unknown stack",
        ),
        pytest.param(
            "stacks: {staging: {key: other}}",
            ['flags/model.yaml:6:20: flag/model: the key "key" is not known here; remove it (known here: active, '
             "adopt, aggregation_group_type_index, archived, bucketing_identifier, description, early_exit, "
             "ensure_experience_continuity, evaluation_contexts, evaluation_runtime, expires, is_remote_configuration "
             "… (7 more))"],
            id="a key is the same everywhere",
        ),
        pytest.param(
            "stacks: [staging]",
            ["flags/model.yaml:6:9: flag/model: expected a mapping, found a list; "
             "write a mapping, such as {staging: {release_conditions: [{rollout_percentage: 100}]}}"],
            id="stacks of another shape",
        ),
        pytest.param(
            "stacks: {staging: off}",
            ['flags/model.yaml:6:19: flag/model: expected a mapping, found the text "off"; '
             "write a mapping, such as {active: false}"],
            id="a patch of another shape",
        ),
        pytest.param(
            "only: [stagin, production]",
            ['flags/model.yaml:6:8: flag/model: there is no stack "stagin" (there is no Pulumi.stagin.yaml); '
             'write "staging"'],
            id="an unknown stack in only",
        ),
        pytest.param(
            "only: [staging]\n    stacks: {production: {active: false}}",
            ['flags/model.yaml:7:10: flag/model: "only" leaves stack production out, so this patch has no effect; '
             "remove it, or add production to only"],
            id="a patch for a stack that only leaves out",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_stack(checkout: Checkout, stacks: str, expected: list[str]) -> None:
    checkout.write("flags/model.yaml", f"{FLAG.rstrip()}\n    {stacks}\n")
    assert checkout.problems() == expected


def test_a_problem_of_the_definition_as_written_is_said_once(checkout: Checkout) -> None:
    text = FLAG.replace("cohort: internal", "cohort: intern")
    checkout.write("flags/model.yaml", f"{text.rstrip()}\n    stacks: {{staging: {{active: false}}}}\n")
    place = "flags/model.yaml:5:14: flag/model"
    expected = f'{place}: there is no cohort "intern"; define it in cohorts/, or write one of internal'
    assert checkout.problems() == [expected]


def test_a_problem_that_two_stacks_share_is_said_once_for_both(checkout: Checkout) -> None:
    checkout.write("flags/model.yaml", FLAG)
    checkout.write("cohorts/internal.yaml", "key: internal\nname: I\nis_static: true\nonly: [sandbox]\n")
    problems = [problem for problem in checkout.load().problems if problem.subject == "flag/model"]
    assert [problem.stacks for problem in problems] == [("production", "staging")]
    assert str(problems[0]) == (
        'flags/model.yaml:5:14: flag/model: in stacks production and staging: the cohort "internal" exists on '
        "sandbox only; add the stack to its only, or restrict this definition with only as well"
    )


def test_patches_apply_in_their_stack_alone(checkout: Checkout) -> None:
    patch = "stacks: {staging: {description: Patched, variants: null, payload: {a: 1}}}"
    checkout.write("flags/model.yaml", f"{FLAG.rstrip()}\n    {patch}\n")
    written, staging = checkout.resources()["flag/model"], checkout.resources("staging")["flag/model"]
    assert (written.properties["description"], staging.properties["description"]) == ("Base", "Patched")
    assert (len(written.properties["variants"]), staging.properties.get("variants", [])) == (2, [])
    assert (written.properties.get("payloads", {}), staging.properties["payloads"]) == ({}, {"true": '{"a":1}'})
    assert checkout.resources("production")["flag/model"] == written


def test_only_restricts_a_definition_to_its_stacks(checkout: Checkout) -> None:
    checkout.write("flags/model.yaml", f"{FLAG.rstrip()}\n    only: [staging]\n")
    present = {stack: "flag/model" in checkout.resources(stack) for stack in ("sandbox", "staging", "production")}
    assert present == {"sandbox": False, "staging": True, "production": False}


def test_an_insight_exists_where_its_dashboard_does(checkout: Checkout) -> None:
    with open(checkout.root / "dashboards/usage.yaml", "a") as file:
        file.write("only: [staging]\n")
    assert checkout.problems() == [
        'alerts/spike.yaml:3:10: alert/spike: in stacks production and sandbox: the insight "runs" exists on '
        "staging only; add the stack to its only, or restrict this definition with only as well"
    ]


def test_a_stack_without_a_configuration_file_is_checked_when_it_is_asked_for(checkout: Checkout) -> None:
    checkout.write("flags/model.yaml", f"{FLAG.rstrip()}\n    stacks: {{dev: {{active: false}}}}\n")
    assert len(checkout.problems()) == 1
    loaded = checkout.load("dev")
    assert loaded.problems == ()
    assert [each.properties["active"] for each in loaded.resources if each.key == "model"] == [False]


def test_a_patch_may_not_take_a_key_that_is_taken(checkout: Checkout) -> None:
    insight = "{key: runs, name: R, sql: {query: select 1}}"
    checkout.write(
        "dashboards/more.yaml",
        f"key: more\nname: More\nstacks: {{staging: {{tiles: [{{insight: {insight}}}]}}}}\n",
    )
    assert checkout.problems() == [
        'dashboards/usage.yaml:4:20: insight/runs: in stack staging: the insight key "runs" is taken '
        "(dashboards/more.yaml:3:44); choose another key, or write what differs per stack under stacks of the one "
        "definition"
    ]


def test_what_a_patch_takes_away_is_missed_by_those_without_one(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{cohort: internal}]\n")
    event = "{type: behavioral, key: ai_used, value: performed_event, time_value: 1, time_interval: day}"
    with open(checkout.root / "cohorts/internal.yaml", "a") as file:
        file.write(f"stacks: {{staging: {{properties: [{event}]}}}}\n")
    with open(checkout.root / "dashboards/usage.yaml", "a") as file:
        file.write("stacks: {production: {tiles: []}}\n")
    lines = checkout.problems()
    assert lines[0].partition(": the ")[2] == (
        'insight "runs" is removed by a patch; keep it in the patch of dashboards/usage.yaml, '
        "or patch this reference as well"
    )
    assert [line.partition(": the ")[0] for line in lines] == [
        "alerts/spike.yaml:3:10: alert/spike: in stack production",
        "flags/enabled.yaml:2:31: flag/enabled: in stack staging",
        "flags/f.yaml:2:31: flag/f: in stack staging",
    ]
