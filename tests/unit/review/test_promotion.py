"""What one stack has of a definition, for another one: only that changes, and all else stays as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ai_admin.definitions.document import Document
from ai_admin.definitions.file_text import mapping
from ai_admin.definitions.files import File
from ai_admin.definitions.stacks import view
from ai_admin.review.promotion import promote, rewritten
from ai_admin.review.promotion import promoted as promoted_value
from providers.posthog.errors import NotEdited
from tests.support.past import Checkout

HEAD = "# The model.\nkey: ai  # its key\nowner: ai-platform\n"
BASE = "release_conditions:\n  # By and by.\n  - {description: Everybody, rollout_percentage: 10}\n"
STAGING = "stacks:\n  staging:\n    release_conditions: [{description: Everybody, rollout_percentage: 50}]  # more\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path, "production", "staging")
    made.write("flags/ai.yaml", HEAD + BASE + STAGING)
    return made


def promoted(checkout: Checkout, source: str = "staging", target: str = "production") -> str:
    """The file's text after a promotion, in which the other stacks have what they had, and the target what it is to."""
    found = promote(checkout.folder, "ai", source, target)
    before, after = (Document(File(found.path, "flag", text)) for text in (text_of(checkout), found.text))
    stacks = [path.name.split(".")[1] for path in checkout.folder.glob("Pulumi.*.yaml")]
    for stack in stacks:
        wanted = view(before, source if stack == target else stack).value
        assert view(after, stack).value == wanted or "adopt" in wanted, stack
    return found.text


def text_of(checkout: Checkout) -> str:
    return (checkout.folder / "flags/ai.yaml").read_text()


def test_what_both_then_have_is_said_once(checkout: Checkout) -> None:
    assert promoted(checkout) == HEAD + BASE.replace("10", "50")
    [[line]] = promote(checkout.folder, "flag/ai", "staging", "production").changes.values()
    assert line.text == 'condition "Everybody" from 10 % to 50 %'
    assert text_of(checkout) == HEAD + BASE + STAGING, "writing is for who asked"


def test_another_stack_keeps_what_it_has(checkout: Checkout) -> None:
    checkout.write("Pulumi.sandbox.yaml", "config: {}\n")
    text = promoted(checkout)
    assert text.startswith(HEAD + BASE + STAGING)
    assert text.removeprefix(HEAD + BASE + STAGING).startswith("  production:")


def test_the_other_way_round_the_patch_goes(checkout: Checkout) -> None:
    assert promoted(checkout, "production", "staging") == HEAD + BASE


def test_a_key_that_the_patch_takes_away_goes(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", f"{HEAD}description: A model.\n{BASE}stacks:\n  staging: {{description: null}}\n")
    assert promoted(checkout) == HEAD + BASE


def test_what_does_not_differ_stays_as_it_is_written(checkout: Checkout) -> None:
    more = "  production:\n    # Ours.\n    tags: [ai]\n"
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING.replace("    release", "    tags: [ai]\n    release") + more)
    staging = "stacks:\n  staging:\n    tags: [ai]\n"
    assert promoted(checkout) == HEAD + BASE.replace("10", "50") + staging + more


def test_what_both_patches_then_say_comes_to_the_definition(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING + "  production:\n    release_conditions: [{cohort: beta}]\n")
    checkout.write("cohorts/beta.yaml", "key: beta\nname: Beta\nproperties: [{key: channel, value: beta}]\n")
    checkout.write("events/person.yaml", "type: person\nkey: person\nproperties: {channel: {type: String}}\n")
    assert promoted(checkout) == HEAD + BASE.replace("10", "50")


def test_a_definition_of_one_stack_comes_to_the_other(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", f"{HEAD}{BASE}only: [staging]\n")
    found = promote(checkout.folder, "ai", "staging", "production")
    assert found.text == f"{HEAD}{BASE}only: [staging, production]\n"
    [lines] = found.changes.values()
    assert [line.text for line in lines] == ["is new", 'condition "Everybody" is new: 10 %']


def test_what_is_of_one_project_stays_with_it(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING + "    adopt: 7\n")
    text = promoted(checkout)
    assert text == HEAD + BASE.replace("10", "50") + "stacks:\n  staging:\n    adopt: 7\n"


def test_nothing_is_written_where_nothing_differs(checkout: Checkout) -> None:
    checkout.write("flags/ai.yaml", HEAD + BASE)
    found = promote(checkout.folder, "ai", "staging", "production")
    assert (found.text, found.changes, found.refused) == (HEAD + BASE, {}, ())


def test_a_step_that_the_rules_refuse_is_said_with_the_one_to_take(checkout: Checkout) -> None:
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true, ai-admin:follows: staging}\n")
    found = promote(checkout.folder, "ai", "staging", "production")
    [refused] = found.refused
    assert "a release condition would grow from 10 % to 50 %, 25 points may be in one run: flag/ai" in refused
    assert (found.step, found.losing) == ('"Everybody" at 35 %', ())
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING.replace("50", "30"))
    found = promote(checkout.folder, "ai", "staging", "production")
    assert (found.refused, found.step) == ((), "")


CATALOGUE = "type: person\nkey: person\nproperties: {channel: {type: String}, plan: {type: String}}\n"
SOME = """\
  production:
    release_conditions:
      - {description: Internal, properties: [{key: channel, value: internal}]}
      - {description: Beta, properties: [{key: channel, value: beta}], rollout_percentage: 40}
"""


def test_the_step_to_take_leaves_those_who_have_it_what_they_have(checkout: Checkout) -> None:
    """Everybody at 25 % alone would take it away from most of the internal installations."""
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true, ai-admin:follows: staging}\n")
    checkout.write("events/person.yaml", CATALOGUE)
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING + SOME)
    found = promote(checkout.folder, "ai", "staging", "production")
    assert "rollout/ai/0-50" in found.refused[0]
    assert found.step == '"Internal" at 100 %, "Beta" at 40 %, "Everybody" at 25 %'
    assert found.losing == ('of those who match "Internal", 100 % have it now, at least 50 % then',)


def test_conditions_that_are_there_already_are_no_step(checkout: Checkout) -> None:
    """What is too big is another split, and the conditions for it would be those of now."""
    checkout.write("Pulumi.production.yaml", "config: {ai-admin:careful: true, ai-admin:follows: staging}\n")

    def split(share: int) -> str:
        return f"variants: [{{key: a, rollout_percentage: {100 - share}}}, {{key: b, rollout_percentage: {share}}}]\n"

    stable = "release_conditions: [{description: Everybody, variant: a}]\n"
    half = f"stacks:\n  staging:\n    {split(50)}    release_conditions: [{{description: Everybody}}]\n"
    checkout.write("flags/ai.yaml", HEAD + split(0) + stable + half)
    found = promote(checkout.folder, "ai", "staging", "production")
    assert "rollout/ai/b/0-50" in found.refused[0]
    assert found.step is None
    assert found.variants == "a at 75 %, b at 25 %"
    assert found.losing == (
        'of those who match "Everybody", 100 % have variant a now, and then no condition gives it to them',
    )


def test_who_may_lose_it_is_said_also_where_no_rule_refuses(checkout: Checkout) -> None:
    checkout.write("events/person.yaml", CATALOGUE)
    pro = "stacks:\n  staging:\n    release_conditions: [{properties: [{key: plan, value: pro}]}]\n"
    checkout.write("flags/ai.yaml", HEAD + BASE + pro + SOME)
    found = promote(checkout.folder, "ai", "staging", "production")
    assert (found.refused, found.step) == ((), "")
    assert found.losing == (
        'of those who match "Internal", 100 % have it now, and then no condition is for all of them',
        'of those who match "Beta", 40 % have it now, and then no condition is for all of them',
    )


def test_the_flags_tests_that_fail_then_are_named(checkout: Checkout) -> None:
    tests = """\
tests:
  - {name: a tenth, share: 10, expect: true, stacks: [production]}
  - {name: half of staging, share: 50, expect: true, stacks: [staging]}
"""
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING + tests)
    [line] = promote(checkout.folder, "ai", "staging", "production").failing
    assert line.startswith("flags/ai.yaml:8: a tenth: expected 10 % (give or take")
    checkout.write("flags/ai.yaml", HEAD + BASE + STAGING + tests.replace("10, expect", "50, expect"))
    assert promote(checkout.folder, "ai", "staging", "production").failing == ()


def test_a_cohort_names_the_tests_that_fail_then_of_every_flag_that_uses_it(checkout: Checkout) -> None:
    checkout.write("events/person.yaml", CATALOGUE)
    staging = "stacks:\n  staging: {properties: [{key: plan, value: free}]}\n"
    paying = "key: paying\nname: Paying\nproperties: [{key: plan, value: pro}]\n"
    checkout.write("cohorts/paying.yaml", paying + staging)
    checkout.write("cohorts/big.yaml", "key: big\nname: Big\nproperties: [{cohort: paying}]\n")
    test = "tests: [{name: pro gets it, properties: {plan: pro}, expect: true, stacks: [production]}]\n"
    for flag, cohort in (("direct", "paying"), ("through", "big")):
        checkout.write(f"flags/{flag}.yaml", f"key: {flag}\nrelease_conditions: [{{cohort: {cohort}}}]\n{test}")
    nobody = "release_conditions: [{description: No, rollout_percentage: 0}]\n"
    checkout.write("flags/other.yaml", f"key: other\n{nobody}{test}")
    failing = promote(checkout.folder, "paying", "staging", "production").failing
    assert [line.partition(": pro gets it: ")[0] for line in failing] == ["flags/direct.yaml:3", "flags/through.yaml:3"]


def test_a_part_of_a_saved_metric_is_of_one_stack(checkout: Checkout) -> None:
    checkout.write("Pulumi.sandbox.yaml", "config: {}\n")
    head = "key: cost\nname: Cost\nquery:\n  name: Cost\n  metric_type: mean\n  source: {event: ai}\n"
    staging = "stacks:\n  staging:\n    query: {goal: decrease}\n"
    checkout.write("experiments/saved_metrics/cost.yaml", head + staging)
    checkout.write("events/ai.yaml", "key: ai\n")
    found = promote(checkout.folder, "cost", "staging", "production")
    patch = {"query": {"goal": "decrease"}}
    assert yaml.safe_load(found.text)["stacks"] == {"staging": patch, "production": patch}
    [[line]] = found.changes.values()
    assert line.text == "metric: goal from increase to decrease"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}{BASE}only: [production]\n", "flags/ai.yaml does not define it in staging"),
        (HEAD.replace("key: ai", "key: other") + BASE, "no file defines ai"),
    ],
)
def test_what_can_not_be_promoted_is_said(checkout: Checkout, text: str, said: str) -> None:
    checkout.write("flags/ai.yaml", text)
    with pytest.raises(NotEdited, match=said):
        promote(checkout.folder, "ai", "staging", "production")


def test_a_key_of_several_kinds_has_to_be_said_with_its_kind(checkout: Checkout) -> None:
    checkout.write("events/person.yaml", "type: person\nkey: person\nproperties: {channel: {type: String}}\n")
    checkout.write("cohorts/ai.yaml", "key: ai\nname: AI\nproperties: [{key: channel, value: beta}]\n")
    with pytest.raises(NotEdited, match="several files define ai: say cohort/ai or flag/ai"):
        promote(checkout.folder, "ai", "staging", "production")


VALUES = {
    "description": st.sampled_from(["a", "b: c", ""]),
    "tags": st.lists(st.sampled_from(["ai", "cost", "x"]), unique=True),
    "payload": st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), min_size=1),
    "release_conditions": st.lists(
        st.fixed_dictionaries({"description": st.sampled_from("abc"), "rollout_percentage": st.integers(0, 100)}),
        min_size=1,
        unique_by=lambda each: each["description"],
    ),
}
STACKS = ("production", "sandbox", "staging")
SAID = st.fixed_dictionaries({}, optional=VALUES)
PATCH = st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in VALUES.items()})


@given(SAID, st.fixed_dictionaries({}, optional=dict.fromkeys(STACKS, PATCH)), st.permutations(STACKS))
def test_the_law_of_promotion(base: dict[str, Any], patches: dict[str, Any], stacks: list[str]) -> None:
    """The target then has what the source has, every other stack what it had, and a second time nothing is to do."""
    source, target, other = stacks
    text = mapping({"key": "ai", **base, **({"stacks": patches} if patches else {})}) + "\n"
    before = Document(File("flags/ai.yaml", "flag", text))
    new = promoted_value(before, source, target, STACKS)
    after = Document(File("flags/ai.yaml", "flag", rewritten(text, before.value, new)))
    was = view(before, source).value
    assert (view(after, source).value, view(after, target).value) == (was, was)
    assert view(after, other).value == view(before, other).value
    assert promoted_value(after, source, target, STACKS) == after.value
