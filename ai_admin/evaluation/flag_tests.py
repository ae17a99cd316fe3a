"""The tests in flags' files: their content, their results, and what no test reaches."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Finding, Path, Source
from ai_admin.evaluation.answers import HELD_OUT, Answer, Asked, Value
from ai_admin.evaluation.explain import explain
from ai_admin.evaluation.persons import Group, Person, crowd
from ai_admin.evaluation.served import Json, Served
from providers.posthog.kinds.flag import condition_title
from providers.posthog.reconcile import same

SOMEBODY = "installation-1"
"""The id of an installation of which a test says none."""

CROWD = 10_000
"""How many random installations a share is measured on, where a test does not say."""

CONDITIONS_OF = 1_000
"""Of how many of these it is asked by which condition they get their answer: enough to tell what a test reaches."""

DEVIATIONS = 5
"""How many standard deviations of the binomial distribution a share may be off: one set of ids in two million is."""

_NOTHING = object()


@dataclass(frozen=True)
class Case:
    """One test of a flag."""

    flag: str
    name: str
    source: Source
    person: Person
    expect: Value
    payload: Any = _NOTHING
    share: float | None = None
    """The percentage of random installations that are to get it; None for a test of one installation."""
    installations: int = CROWD


@dataclass(frozen=True)
class Outcome:
    """The result of a test in a stack."""

    case: Case
    stack: str
    failure: str = ""
    """What was expected and what came, in words; empty where the test passes."""
    why: tuple[str, ...] = ()
    """How the flag came to its answer, in lines, where the test fails."""


@dataclass(frozen=True)
class Unreached:
    """Something of a flag that no test reaches."""

    flag: str
    source: Source
    what: str
    stacks: tuple[str, ...]


@dataclass
class Report:
    """The results of all tests."""

    outcomes: list[Outcome] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)
    off: dict[str, list[str]] = field(default_factory=dict)
    """The flags whose tests were not run since they, or flags that they depend on, are off: by key, in which stacks."""

    @property
    def failed(self) -> list[Outcome]:
        """The tests that fail."""
        return [each for each in self.outcomes if each.failure]


Target = tuple[str, Any]
"""Something to reach: a condition's index, a variant's key, or one of the ends below."""

_REST: Target = ("end", False)
_ENROLLED: Target = ("end", "enrolment")
_HELD_OUT: Target = ("end", "holdout")


@dataclass(frozen=True)
class _Crowd:
    """The result of a test of random installations."""

    failure: str
    reached: set[Target]
    one: Person | None
    """One of those that should have got something else, where the test fails."""


def run(indexes: Mapping[str, Index], made: Mapping[str, Served], flags: Collection[str] = ()) -> Report:
    """Run the tests of flags, in every stack that they are for. Those of a flag that is off are not run.

    Args:
        indexes: what is defined in each stack; its definitions must be without problems.
        made: the same as PostHog would serve it (:func:`ai_admin.evaluation.served.served`).
        flags: the keys of the flags to test; all of them where none is named.
    """
    report, done = Report(), dict[str, _Crowd]()
    missed: dict[tuple[str, Source, str], list[str]] = {}
    for stack, index in indexes.items():
        for unit in index.units:
            if unit.kind != "flag" or (flags and unit.key not in flags):
                continue
            flag = made[stack].flags[unit.key]
            if not all(each["active"] for each in (flag, *made[stack].needed(unit.key))):
                if unit.value.get("tests"):
                    report.off.setdefault(unit.key, []).append(stack)
                continue
            reached: set[Target] = set()
            for case in cases(unit, stack):
                report.outcomes.append(_run(case, stack, made[stack], reached, done))
            for source, what in _missed(unit, flag, reached):
                missed.setdefault((unit.key, source, what), []).append(stack)
    report.unreached = [Unreached(*place, tuple(stacks)) for place, stacks in sorted(missed.items())]
    return report


def cases(unit: Unit, stack: str) -> Iterator[Case]:
    """Yield the tests of a flag that are for a stack."""
    for n, test in enumerate(unit.value.get("tests") or ()):
        if stack not in test.get("stacks", (stack,)):
            continue
        groups = {
            each["group_type_index"]: Group(each.get("key", "group-1"), each.get("properties") or {})
            for each in test.get("groups") or ()
        }
        person = Person(
            test.get("distinct_id", SOMEBODY),
            test.get("properties") or {},
            frozenset(test.get("cohorts") or ()),
            groups,
            test.get("device_id"),
        )
        yield Case(
            unit.key,
            test["name"],
            unit.view.source(Finding(("tests", n), "", "")),
            person,
            test["expect"],
            test.get("expect_payload", _NOTHING),
            test.get("share"),
            test.get("installations", CROWD),
        )


def tolerance(share: float, installations: int) -> float:
    """Return how many installations a share may be off by chance; none at 0 and at 100 %."""
    return DEVIATIONS * sqrt(installations * share / 100 * (1 - share / 100))


def _run(case: Case, stack: str, made: Served, reached: set[Target], done: dict[str, _Crowd]) -> Outcome:
    """Run a test; one of a crowd is ``done`` once for all stacks that have the same of its flag."""
    asked = Asked(made, case.flag, case.person)
    if case.share is not None:
        same = repr(case) + asked.all
        if same not in done:
            done[same] = _crowded(case, asked, case.share)
        came = done[same]
        reached |= came.reached
        return Outcome(case, stack, came.failure, _why(case, made, came.one))
    answer = asked.answer(case.person)
    reached |= _reached(asked.flag, answer.value, answer.condition)
    failure = _failure(case, answer)
    return Outcome(case, stack, failure, _why(case, made, case.person if failure else None))


def _why(case: Case, made: Served, somebody: Person | None) -> tuple[str, ...]:
    """Return how the flag comes to its answer for somebody, in lines; none for nobody."""
    if somebody is None:
        return ()
    said = explain(made, case.flag, somebody)
    one = () if somebody is case.person else (f"{somebody.distinct_id}, for one, gets {_shown(said.answer.value)}:",)
    return (*one, *said.lines())


def _failure(case: Case, answer: Answer) -> str:
    if answer.value is None:
        return f"expected {_shown(case.expect)}, and PostHog's SDK can't tell"
    if answer.value != case.expect:
        return f"expected {_shown(case.expect)}, got {_shown(answer.value)}"
    if case.payload is not _NOTHING and not same(case.payload, answer.payload):
        return f"expected the payload {json.dumps(case.payload)}, got {json.dumps(answer.payload)}"
    return ""


def _crowded(case: Case, asked: Asked, share: float) -> _Crowd:
    """Return what comes of a test of random installations."""
    people = list(crowd(case.person, case.installations))
    values = [asked.value(each) for each in people]
    conditions = map(asked.condition, people[:CONDITIONS_OF])
    reached = (_reached(asked.flag, value, by) for value, by in zip(values, conditions, strict=False))
    failure, one = _share_failure(case, share, Counter(values)), None
    if failure:
        too_many = values.count(case.expect) > len(people) * share / 100
        one = next(each for each, value in zip(people, values, strict=True) if (value == case.expect) is too_many)
    return _Crowd(failure, set().union(*reached), one)


def _share_failure(case: Case, share: float, got: Counter[Value | None]) -> str:
    expected, margin = case.installations * share / 100, tolerance(share, case.installations)
    if abs(got[case.expect] - expected) <= margin:
        return ""
    percent = 100 / case.installations
    all_got = ", ".join(f"{number * percent:.4g} % {_shown(value)}" for value, number in sorted(got.items(), key=str))
    around = f"{share:g} % (give or take {margin * percent:.2g})" if margin else f"{share:g} %"
    return f"expected {around} of {case.installations:,} installations to get {_shown(case.expect)}, got {all_got}"


def _shown(value: Value | None) -> str:
    return {True: "true", False: "false", None: "nothing that the SDK can tell"}.get(value, str(value))  # type: ignore[arg-type]


def _reached(flag: Json, value: Value | None, condition: int | None) -> set[Target]:
    """Return what an answer reached of a flag."""
    if value is None:
        return set()
    if flag["filters"]["feature_enrollment"]:
        return {_ENROLLED}
    if isinstance(value, str) and value.startswith(HELD_OUT):
        return {_HELD_OUT}
    return {_REST} if condition is None else {("condition", condition), ("variant", value)}


def _missed(unit: Unit, flag: Json, reached: set[Target]) -> Iterator[tuple[Source, str]]:
    """Yield the places and names of what a flag can give, and no test reaches."""
    targets = list(_targets(unit, flag))
    if targets and not unit.value.get("tests"):
        yield unit.view.source(Finding((), "", "")), "anything of it: it has no tests"
        return
    for target, path, what in targets:
        if target not in reached:
            yield unit.view.source(Finding(path, "", "")), what


def _targets(unit: Unit, flag: Json) -> Iterator[tuple[Target, Path, str]]:
    """Yield what a flag can give: by which condition, which variant, and nothing to the rest."""
    filters = flag["filters"]
    if "release_conditions" in (unit.value.get("unmanaged") or ()):
        return
    if filters.get("feature_enrollment"):
        yield _ENROLLED, ("key",), "those who opted in or out"
    if filters.get("holdout"):
        yield _HELD_OUT, ("key",), "those in the experiment's holdout"
    variants = (filters.get("multivariate") or {}).get("variants") or []
    given: set[str] = set()
    for n, condition in enumerate(filters["groups"]):
        share = condition.get("rollout_percentage")
        if share == 0:
            continue
        yield ("condition", n), ("release_conditions", n), f'the condition "{condition_title(condition)}"'
        named = condition.get("variant")
        given |= {named} if named else {each["key"] for each in variants if each["rollout_percentage"]}
        if share in (None, 100) and not condition["properties"] and condition["aggregation_group_type_index"] is None:
            break  # Nobody is left.
    else:
        yield _REST, ("release_conditions",), "those who match no condition"
    for n, variant in enumerate(variants):
        if variant["key"] in given:
            yield ("variant", variant["key"]), ("variants", n), f'the variant "{variant["key"]}"'
