"""What people get wrong in flags, cohorts and experiments' flags: the right words, in the right place, alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.definitions.checkouts import Checkout

FORMS = {
    "flag": ("flags/f.yaml", "key: f\n{}\n"),
    "filter": ("flags/f.yaml", "key: f\nrelease_conditions:\n  - properties: [{{{}}}]\n"),
    "condition": ("flags/f.yaml", "key: f\nrelease_conditions:\n  - {{{}}}\n"),
    "variant": ("flags/f.yaml", "key: f\nrelease_conditions: [{{}}]\nvariants:\n  - {{{}}}\n"),
    "cohort": ("cohorts/c.yaml", "key: c\nname: C\n{}\n"),
    "criterion": ("cohorts/c.yaml", "key: c\nname: C\nproperties: [{{{}}}]\n"),
    "did": ("cohorts/c.yaml", "key: c\nname: C\nproperties:\n  - {{type: behavioral, key: ai_used, {}}}\n"),
    "event filter": (
        "cohorts/c.yaml",
        "key: c\nname: C\nproperties:\n  - type: behavioral\n    key: ai_used\n    value: performed_event\n"
        "    time_value: 7\n    time_interval: day\n    event_filters: [{{{}}}]\n",
    ),
    "experiment": ("experiments/e.yaml", "key: e\nname: E\n{}\n"),
}
"""For each group of the catalogue, the file that its texts are put into."""

THERE = {
    "events/more.yaml": "key: more\ntype: person\nproperties: {email: {type: String}, trial: {type: Boolean}}\n",
    "actions/failed.yaml": "key: failed\nname: Failed\nsteps: [{event: ai_used}]\n",
    "cohorts/healthy-installations.yaml": """
        key: healthy-installations
        name: Healthy
        properties: [{key: health, value: healthy}]
        """,
    "cohorts/members.yaml": "key: members\nname: Members\nis_static: true\n",
    "cohorts/active.yaml": """
        key: active
        name: Active
        properties: [{type: behavioral, key: ai_used, value: performed_event, time_value: 7, time_interval: day}]
        """,
    "flags/off.yaml": "key: kill-switch\nactive: false\nrelease_conditions: [{}]\n",
    "flags/ab.yaml": """
        key: ab
        variants: [{key: control, rollout_percentage: 50}, {key: test, rollout_percentage: 50}]
        release_conditions: [{}]
        """,
}
"""Good files beside it."""

CATALOGUE: dict[str, list[dict[str, Any]]] = yaml.load(
    Path(__file__).with_name("wrong-targeting.yaml").read_text("utf-8"), yaml.CSafeLoader
)
PAIRS = [(group, case) for group in CATALOGUE for case in CATALOGUE[group]]


def cases(pairs: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return a test's parameters, each named by what is wrong."""
    return [pytest.param(group, case, id=f"{group}: {case['wrong']}") for group, case in pairs]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The small checkout with all that these texts name."""
    made = Checkout(tmp_path_factory.mktemp("good"))
    for path, text in THERE.items():
        made.write(path, text)
    assert made.problems() == []
    return made


@pytest.fixture
def there(good: Checkout) -> Iterator[Checkout]:
    """The same one for all tests: what one writes into it is taken out after it."""
    before = {path: path.read_bytes() for path in good.root.rglob("*.yaml")}
    yield good
    for path in good.root.rglob("*.yaml"):
        if path not in before:
            path.unlink()
        elif path.read_bytes() != before[path]:
            path.write_bytes(before[path])


@pytest.mark.parametrize(("group", "case"), cases(PAIRS))
def test_one_problem_is_said_in_the_right_words(there: Checkout, group: str, case: dict[str, Any]) -> None:
    """Daily loop E1 to E5, E10 and E12 are among them, and the operators of E11."""
    path, form = FORMS[group]
    marked = form.format(case["wrong"])
    before = marked.partition("»")[0]
    place = case.get("at", f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}")
    there.write(path, marked.replace("»", ""))
    (problem,) = there.problems()
    assert problem.startswith(f"{path}:{place}: ")
    assert problem.endswith(f": {case['says']}")


@pytest.mark.parametrize(("group", "case"), cases([pair for pair in PAIRS if "right" in pair[1]]))
def test_the_words_lead_to_a_right_file(there: Checkout, group: str, case: dict[str, Any]) -> None:
    path, form = FORMS[group]
    there.write(path, form.format(case["right"]))
    assert there.problems() == []


IDS = ", ".join(f"v{n}" for n in range(70_000))


def test_no_case_stands_twice() -> None:
    texts = [(group, case["wrong"]) for group, case in PAIRS]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"release_conditions:\n  - {{}}\n  - properties: [{{key: version, value: [{IDS}]}}]",
            "4:5: flag/f: the flag's conditions and payloads are 604 KB, and PostHog takes 512 KB; "
            "put a long list of installations into a static cohort, and write cohort: <its key>",
        ),
        (
            f"release_conditions: [{{}}]\npayload: {'x' * 900 * 1024}",
            "3:10: flag/f: the flag's conditions and payloads are 900 KB, and PostHog takes 512 KB; "
            "keep the data elsewhere, and deliver where it is",
        ),
        (
            f"release_conditions: [{{}}]\nvariants: [{{key: a, rollout_percentage: 100, payload: {'x' * 600_000}}}]",
            "3:55: flag/f: the flag's conditions and payloads are 586 KB, and PostHog takes 512 KB; "
            "keep the data elsewhere, and deliver where it is",
        ),
    ],
    ids=["a list of values", "a payload", "a variant's payload"],
)
def test_a_flag_larger_than_posthog_takes(there: Checkout, text: str, expected: str) -> None:
    """Daily loop E8."""
    there.write("flags/f.yaml", f"key: f\n{text}\n")
    assert there.problems() == [f"flags/f.yaml:{expected}"]


def test_a_cohort_s_description_is_as_long_as_posthog_keeps_it(there: Checkout) -> None:
    there.write("cohorts/c.yaml", f"key: c\nname: C\nis_static: true\ndescription: {'x' * 1001}\n")
    assert there.problems() == [
        "cohorts/c.yaml:4:14: cohort/c: 1001 characters are too many; write at most 1000",
    ]


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("active: true", "active: true", []),
        ("active: false", "active: false", []),
        ("unmanaged: [active]", "active: true", []),
        ("active: false", "unmanaged: [active]", ["flags/child.yaml:2:"]),
        ("stacks: {staging: {active: false}}", "active: true", ["flags/child.yaml:2:"]),
        ("stacks: {staging: {active: false}}", "stacks: {staging: {active: false}}", []),
        ("stacks: {staging: {active: false}}", "only: [production]", []),
        ("active: false\nstacks: {staging: {active: true}}", "active: false\nstacks: {staging: {active: true}}", []),
    ],
)
def test_a_flag_that_is_on_needs_flags_that_are_on(
    there: Checkout, parent: str, child: str, expected: list[str]
) -> None:
    there.write("flags/parent.yaml", f"key: parent\nrelease_conditions: [{{}}]\n{parent}\n")
    condition = "release_conditions: [{properties: [{type: flag, key: parent, value: true}]}]"
    there.write("flags/child.yaml", f"key: child\n{condition}\n{child}\n")
    assert [problem[:19] for problem in there.problems()] == expected


def test_who_switches_a_flag_off_in_one_stack_hears_which_flag_needs_it(there: Checkout) -> None:
    there.write("flags/parent.yaml", "key: parent\nrelease_conditions: [{}]\nstacks: {staging: {active: false}}\n")
    condition = "release_conditions: [{properties: [{type: flag, key: parent, value: true}]}]"
    there.write("flags/child.yaml", f"key: child\n{condition}\n")
    assert there.problems() == [
        'flags/child.yaml:2:54: flag/child: in stack staging: the flag "parent" is off, and PostHog switches no '
        "flag off that one which is on needs; write active: false here as well, or remove this filter"
    ]
