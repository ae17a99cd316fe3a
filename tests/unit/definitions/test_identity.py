"""Which of PostHog's objects a definition is: adopted ids and renamed flags."""

from __future__ import annotations

import json

import pytest

from ai_admin.definitions.check import check
from providers.posthog.kinds import KINDS
from tests.support.sandbox import REPOSITORY
from tests.unit.definitions.checkouts import Checkout

UUID = "0190a4c1-7e5b-0000-3b1f-2f6a9c8d7e10"
SURVEY = "name: S\ntype: popover\nquestions: [{type: open, question: Well?}]\n"
RENAMED = "release_conditions: [{}]\nrenamed_from"


def test_an_adopted_id_is_handed_over_and_no_field(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nadopt: 12\nrelease_conditions: [{}]\n")
    checkout.write("cohorts/c.yaml", 'key: c\nname: C\nadopt: "13"\nproperties: [{key: version, value: dev}]\n')
    checkout.write(
        "dashboards/d.yaml",
        """
        key: d
        name: D
        adopt: 14.0
        tiles: [{insight: {key: i, name: I, adopt: 15, trends: {series: [{event: ai_used}]}}}]
        """,
    )
    checkout.write("events/e.yaml", f"key: e\nadopt: {UUID}\nproperties: {{p: {{type: String, adopt: {UUID}}}}}\n")
    checkout.write(
        "alerts/a.yaml",
        f"""
        key: a
        name: A
        adopt: {UUID}
        insight: i
        condition: absolute_value
        threshold: {{upper: 5}}
        notify:
          slack: {{workspace: acme, channel: "#ai", adopt: {UUID}}}
          webhook: {{url: https://example.com/hook}}
        """,
    )
    resources = checkout.resources()
    adopted = {name: each.adopt for name, each in resources.items() if each.adopt is not None}
    assert adopted == {
        "flag/f": "12",
        "cohort/c": "13",
        "dashboard/d": "14",
        "insight/i": "15",
        **dict.fromkeys(("event/e", "property/event.p", "alert/a", "notification/a.slack"), UUID),
    }
    assert [name for name, each in resources.items() if "adopt" in each.properties] == []


def test_ids_differ_per_stack(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{}]\nstacks: {production: {adopt: 12}}\n")
    assert checkout.resources("production")["flag/f"].adopt == "12"
    assert checkout.resources("staging")["flag/f"].adopt is None


def test_a_former_key_is_handed_over_and_no_field(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", f"key: f\n{RENAMED}: g\n")
    flag = checkout.resources()["flag/f"]
    assert (flag.renamed_from, "renamed_from" in flag.properties) == ("g", False)
    assert checkout.resources()["flag/enabled"].renamed_from is None


def test_what_is_in_use_or_has_a_name_that_no_other_may_have_can_be_renamed(checkout: Checkout) -> None:
    """D4: what PostHog would refuse under a new key has a way to keep its object."""
    named_once = [
        k.name
        for k in KINDS.values()
        if k.same_by or any(field.distinct and not field.immutable for field in k.fields)
    ]
    assert len(named_once) > 2
    for name in ("flag", "cohort", "experiment", *named_once):
        schema = json.loads((REPOSITORY / f"schemas/{name}.schema.json").read_text())
        assert "renamed_from" in schema["properties"], name
    checkout.write("surveys/s.yaml", f"key: s\nrenamed_from: old\n{SURVEY}")
    assert checkout.resources()["survey/s"].renamed_from == "old"


def test_a_cohort_and_a_flag_may_have_had_the_same_key(checkout: Checkout) -> None:
    """D4: keys are unique within a kind."""
    checkout.write("flags/f.yaml", f"key: f\n{RENAMED}: old\n")
    checkout.write("cohorts/c.yaml", "key: c\nname: C\nis_static: true\nrenamed_from: old\n")
    resources = checkout.resources()
    assert (resources["flag/f"].renamed_from, resources["cohort/c"].renamed_from) == ("old", "old")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"flags/f.yaml": f"key: f\n{RENAMED}: f\n"},
            ["flags/f.yaml:3:15: flag/f: the flag is renamed from its own key; "
             "write the key it had before, or remove renamed_from"],
        ),
        (
            {"cohorts/c.yaml": "key: c\nname: C\nis_static: true\nrenamed_from: c\n"},
            ["cohorts/c.yaml:4:15: cohort/c: the cohort is renamed from its own key; "
             "write the key it had before, or remove renamed_from"],
        ),
        (
            {"cohorts/c.yaml": "key: c\nname: C\nis_static: true\nrenamed_from: internal\n"},
            ['cohorts/c.yaml:4:15: cohort/c: the cohort "internal" still exists (cohorts/internal.yaml:1:6), '
             "so this one cannot take its place; remove that cohort, or remove renamed_from"],
        ),
        (
            {"flags/f.yaml": f"key: f\n{RENAMED}: enabled\n"},
            ['flags/f.yaml:3:15: flag/f: the flag "enabled" still exists (flags/enabled.yaml:1:6), '
             "so this one cannot take its place; remove that flag, or remove renamed_from"],
        ),
        (
            {"flags/f.yaml": f"key: f\n{RENAMED}: old\n", "flags/g.yaml": f"key: g\n{RENAMED}: old\n"},
            ['flags/g.yaml:3:15: flag/g: flag/f is renamed from "old" as well (flags/f.yaml:1:6); keep one of the two'],
        ),
        (
            {
                "flags/f.yaml": "key: f\nrelease_conditions: [{}]\nadopt: 12\n",
                "flags/g.yaml": 'key: g\nrelease_conditions: [{}]\nadopt: "12"\n',
            },
            ["flags/g.yaml:3:8: flag/g: flag/f adopts 12 as well (flags/f.yaml:1:6); keep one of the two"],
        ),
        (
            {"flags/f.yaml": f"key: f\n{RENAMED}: a b\n"},
            ['flags/f.yaml:3:15: flag/f: "a b" does not have the right form: a reference is the key of a definition, '
             "only letters, digits, hyphens and underscores; write text, such as ai-model"],
        ),
        (
            {"flags/f.yaml": "key: f\nrelease_conditions: [{}]\nadopt: enabled\n"},
            ['flags/f.yaml:3:8: flag/f: "enabled" does not have the right form; '
             "write the number in the object's address in PostHog, such as 1042"],
        ),
        (
            {"surveys/s.yaml": f"key: s\nrenamed_from: s\n{SURVEY}"},
            ["surveys/s.yaml:2:15: survey/s: the survey is renamed from its own key; "
             "write the key it had before, or remove renamed_from"],
        ),
        (
            {
                "flags/f.yaml": "key: f\nrelease_conditions: [{}]\nunmanaged: [feature_enrollment]\n",
                "flags/early_access/a.yaml": "key: a\nname: A\nstage: beta\nflag: f\n",
                "flags/early_access/b.yaml": "key: b\nname: B\nstage: beta\nflag: f\n",
            },
            ['flags/early_access/b.yaml:4:7: early_access_feature/b: early_access_feature/a is on the flag "f" already '
             "(flags/early_access/a.yaml); name another flag, or remove one of the two features"],
        ),
        (
            {"events/p.yaml": f"key: p\ntype: person\nadopt: {UUID}\nproperties: {{}}\n"},
            ['events/p.yaml:3:1: event/p: only an event has this field; remove "adopt"'],
        ),
    ],
)  # fmt: skip
def test_no_two_are_the_same(checkout: Checkout, files: dict[str, str], expected: list[str]) -> None:
    for path, text in files.items():
        checkout.write(path, text)
    assert checkout.problems() == expected


def test_ids_of_two_stacks_have_nothing_to_do_with_each_other(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{}]\nstacks: {staging: {adopt: 12}}\n")
    checkout.write("flags/g.yaml", "key: g\nrelease_conditions: [{}]\nstacks: {production: {adopt: 12}}\n")
    assert checkout.problems() == []
    checkout.write("flags/g.yaml", "key: g\nrelease_conditions: [{}]\nstacks: {staging: {adopt: 12}}\n")
    assert checkout.problems() == [
        "flags/g.yaml:3:27: flag/g: in stack staging: flag/f adopts 12 as well (flags/f.yaml:1:6); keep one of the two"
    ]


def test_keys_of_flags_that_differ_in_capital_letters_are_noted(checkout: Checkout) -> None:
    """PostHog serves two flags, and whoever asks for one may mean the other."""
    for key in ("ai-on", "AI-on", "other"):
        checkout.write(f"flags/{key}-{len(key)}{key[0]}.yaml", f"key: {key}\nrelease_conditions: [{{}}]\n")
    checked = check(checkout.root)
    assert checked.problems == ()
    [note] = checked.notes
    assert "flag/ai-on: note: flag/AI-on (flags/AI-on-5A.yaml:1:6) has this key in other letters" in str(note)
