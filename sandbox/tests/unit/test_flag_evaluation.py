"""What a flag answers and why: order, buckets, aggregation, reasons, cohorts and dependencies."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.evaluation.cohorts import Cohort, Membership, parse_cohort
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.evaluate import Match, Subject, broken_dependencies, evaluate, evaluate_all
from sandbox.evaluation.flags import Flag, parse_flag
from sandbox.evaluation.hashing import bucket

OWN = ("active", "ensure_experience_continuity", "bucketing_identifier")
CLOCK = Clock(datetime(2026, 3, 31, 12, 0, tzinfo=UTC))


def flag(key: str = "beta", identifier: int = 1, **fields: Any) -> Flag:
    """A flag with the given `filters` members; `fields` that are the flag's own go there."""
    own: dict[str, Any] = {name: fields.pop(name) for name in OWN if name in fields}
    return parse_flag({"id": identifier, "key": key, "active": True, **own, "filters": fields})


def subject(
    distinct_id: str = "ann",
    cohorts: dict[int, Cohort] | None = None,
    members: tuple[int, ...] = (),
    **fields: Any,
) -> Subject:
    person = {"distinct_id": distinct_id, **fields.pop("person", {})}
    membership = Membership(cohorts or {}, person, CLOCK, lambda identifier: identifier in members)
    return Subject(distinct_id, person, membership, CLOCK, **fields)


def result(one: Flag, who: Subject) -> Match:
    return evaluate(one, who, lambda _: False)


def inside(key: str, percent: float) -> str:
    """A distinct id that a rollout of `percent` includes."""
    return next(f"id-{n}" for n in range(10_000) if bucket(f"{key}.", f"id-{n}") <= percent / 100)


def outside(key: str, percent: float) -> str:
    return next(f"id-{n}" for n in range(10_000) if bucket(f"{key}.", f"id-{n}") > percent / 100)


def test_the_hash_is_posthogs() -> None:
    # The value that PostHog's own tests of its service pin.
    assert bucket("holdout-", "some_distinct_id") == 0.7270002403585725


def test_an_empty_identifier_is_inside_every_rollout() -> None:
    assert bucket("beta.", "") == 0.0


def test_rollout_takes_the_share_it_says() -> None:
    share = sum(bucket("beta.", f"id-{n}") <= 0.25 for n in range(10_000)) / 10_000
    assert share == pytest.approx(0.25, abs=0.015)


def test_the_first_matching_condition_decides() -> None:
    one = flag(
        groups=[
            {"properties": [{"key": "plan", "value": "pro", "operator": "exact"}], "rollout_percentage": 100},
            {"properties": [], "rollout_percentage": 100},
        ]
    )
    assert result(one, subject(person={"plan": "pro"})) == Match(
        True, "condition_match", "Matched condition set 1", None, 0
    )
    assert result(one, subject()).condition_index == 1


def test_the_best_ranked_reason_wins_and_of_equals_the_later() -> None:
    nobody = {"properties": [{"key": "plan", "value": "pro"}]}
    rollout = {"properties": [], "rollout_percentage": 0}
    organisation = {"properties": [], "aggregation_group_type_index": 0}
    found = result(flag(groups=[rollout, nobody]), subject())
    assert (found.code, found.condition_index, found.enabled) == ("out_of_rollout_bound", 0, False)
    assert result(flag(groups=[nobody, nobody]), subject()).condition_index == 1
    found = result(flag(groups=[organisation]), subject())
    assert (found.code, found.condition_index, found.description) == ("no_group_type", 0, "No group type")
    found = result(flag(groups=[organisation, nobody]), subject())
    assert found.description == (
        "No matching condition set (group conditions were not evaluated because no group type was provided)"
    )
    assert result(flag(groups=[]), subject()).condition_index is None


def test_early_exit_stops_at_a_rollout_that_excludes() -> None:
    groups = [{"properties": [], "rollout_percentage": 0}, {"properties": [], "rollout_percentage": 100}]
    assert result(flag(groups=groups), subject()).enabled
    found = result(flag(groups=groups, early_exit=True), subject())
    assert (found.enabled, found.code, found.condition_index) == (False, "out_of_rollout_bound", 0)


def test_variants_are_drawn_by_weight_and_forced_by_a_condition() -> None:
    variants = [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]
    one = flag(groups=[{"properties": []}], multivariate={"variants": variants}, payloads={"b": "{}"})
    drawn = {name: result(one, subject(name)).variant for name in (f"id-{n}" for n in range(200))}
    assert set(drawn.values()) == {"a", "b"}
    assert all((variant == "a") == (bucket("beta.", name, "variant") < 0.5) for name, variant in drawn.items())
    forced = flag(
        groups=[{"properties": [], "variant": "b"}], multivariate={"variants": variants}, payloads={"b": "{}"}
    )
    assert {(result(forced, subject(name)).variant, result(forced, subject(name)).payload) for name in drawn} == {
        ("b", "{}")
    }
    unknown = flag(groups=[{"properties": [], "variant": "c"}], multivariate={"variants": variants})
    assert result(unknown, subject("id-1")).variant in ("a", "b")


def test_weights_that_leave_a_rest_leave_it_on_without_a_variant() -> None:
    one = flag(
        groups=[{"properties": []}],
        multivariate={"variants": [{"key": "a", "rollout_percentage": 0}]},
        payloads={"true": '"rest"'},
    )
    assert result(one, subject()) == Match(True, "condition_match", "Matched condition set 1", None, 0, '"rest"')


def test_a_holdout_comes_before_the_conditions_and_hashes_without_the_flags_key() -> None:
    one = flag(groups=[{"properties": []}], holdout={"id": 7, "exclusion_percentage": 72.8})
    other = flag(groups=[{"properties": []}], holdout={"id": 7, "exclusion_percentage": 72.6})
    found = result(one, subject("some_distinct_id"))
    assert (found.code, found.variant, found.condition_index) == (
        "holdout_condition_value",
        "holdout-7",
        None,
    )
    assert result(other, subject("some_distinct_id")).variant is None


def test_enrollment_is_final_either_way_and_keeps_the_payload() -> None:
    one = flag(groups=[{"properties": []}], feature_enrollment=True, payloads={"true": "1"})
    key = "$feature_enrollment/beta"
    off = Match(False, "super_condition_value", "Super condition value", None, 0, "1")
    assert result(one, subject(person={key: "true"})).enabled
    assert result(one, subject(person={key: False})) == off
    assert result(one, subject(person={key: 1})) == off
    assert result(one, subject()).code == "condition_match"


def test_group_conditions_count_by_the_groups_key_and_read_its_properties() -> None:
    one = flag(
        aggregation_group_type_index=0,
        groups=[
            {
                "properties": [{"key": "tier", "value": "gold", "type": "group", "group_type_index": 0}],
                "rollout_percentage": 50,
            }
        ],
    )
    acme, other = inside("beta", 50), outside("beta", 50)
    gold: dict[int, dict[str, Any]] = {0: {"tier": "gold"}}
    assert result(one, subject(groups={0: acme}, group_properties=gold)).enabled
    assert result(one, subject(groups={0: other}, group_properties=gold)).code == "out_of_rollout_bound"
    assert result(one, subject(groups={0: acme}, person={"tier": "gold"})).code == "no_condition_match"


def test_a_null_aggregation_makes_one_condition_of_a_group_flag_count_by_persons() -> None:
    one = flag(aggregation_group_type_index=0, groups=[{"properties": [], "aggregation_group_type_index": None}])
    assert result(one, subject()).enabled


def test_bucketing_by_device_needs_one_only_where_the_hash_decides() -> None:
    device = inside("beta", 50)
    half = flag(groups=[{"properties": [], "rollout_percentage": 50}], bucketing_identifier="device_id")
    assert result(half, subject(outside("beta", 50), device_id=device)).enabled
    assert result(half, subject(device)).code == "out_of_rollout_bound"
    everybody = flag(groups=[{"properties": []}], bucketing_identifier="device_id")
    assert result(everybody, subject(device)).enabled


def test_hash_keys_stored_ones_before_the_requests_anonymous_id() -> None:
    lucky, unlucky = inside("beta", 50), outside("beta", 50)
    half: list[dict[str, Any]] = [{"properties": [], "rollout_percentage": 50}]
    steady, plain = flag(groups=half, ensure_experience_continuity=True), flag(groups=half)
    assert result(steady, subject(unlucky, anon_distinct_id=lucky)).enabled
    assert not result(plain, subject(unlucky, anon_distinct_id=lucky)).enabled
    assert not result(steady, subject(lucky, anon_distinct_id=lucky, hash_keys={"beta": unlucky})).enabled


def test_negation_is_ignored_in_a_flags_condition() -> None:
    one = flag(groups=[{"properties": [{"key": "plan", "value": "pro", "negation": True}]}])
    assert result(one, subject(person={"plan": "pro"})).enabled


def leaf(key: str, value: Any, **extra: Any) -> dict[str, Any]:
    return {"type": "person", "key": key, "value": value, "operator": "exact", "negation": False, **extra}


def two_levels(outer: str, *groups: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {"properties": {"type": outer, "values": [{"type": kind, "values": leaves} for kind, leaves in groups]}}


def in_cohort(definition: dict[str, Any], person: dict[str, Any], **others: Cohort) -> bool:
    cohorts = {1: parse_cohort(1, False, definition), **{int(name[1:]): one for name, one in others.items()}}
    return Membership(cohorts, person, CLOCK, lambda _: False).has(1)


def test_dynamic_cohorts_two_levels_with_negation() -> None:
    definition = two_levels(
        "OR",
        ("AND", [leaf("plan", "pro"), leaf("country", "DE", negation=True)]),
        ("OR", [leaf("staff", "true")]),
    )
    assert in_cohort(definition, {"plan": "pro", "country": "FR"})
    assert in_cohort(definition, {"plan": "pro"})
    assert not in_cohort(definition, {"plan": "pro", "country": "de"})
    assert in_cohort(definition, {"staff": True})


def test_a_cohort_in_a_cohort_is_negated_under_and_but_not_under_or() -> None:
    # The second half is what PostHog's evaluator does; see cohorts.py.
    pro = parse_cohort(2, False, two_levels("AND", ("AND", [leaf("plan", "pro")])))
    without = {"type": "cohort", "key": "id", "value": 2, "negation": True}
    assert in_cohort(two_levels("AND", ("AND", [without])), {"plan": "free"}, c2=pro)
    assert not in_cohort(two_levels("AND", ("AND", [without])), {"plan": "pro"}, c2=pro)
    assert in_cohort(two_levels("AND", ("OR", [without])), {"plan": "pro"}, c2=pro)


def test_static_cohorts_are_looked_up_and_strangers_are_no_members() -> None:
    cohorts = {3: parse_cohort(3, True, None)}
    inn = flag(groups=[{"properties": [{"type": "cohort", "key": "id", "value": 3, "operator": "in"}]}])
    out = flag(groups=[{"properties": [{"type": "cohort", "key": "id", "value": 3, "operator": "not_in"}]}])
    exact = flag(groups=[{"properties": [{"type": "cohort", "key": "id", "value": 3, "operator": "exact"}]}])
    member, stranger = subject(cohorts=cohorts, members=(3,)), subject(cohorts=cohorts)
    assert result(inn, member).enabled
    assert not result(out, member).enabled
    assert not result(exact, member).enabled
    assert not result(inn, stranger).enabled
    assert result(out, stranger).enabled


def test_a_cohort_that_is_gone_fails_the_flag_only_when_everything_else_holds() -> None:
    gone = {"type": "cohort", "key": "id", "value": 9, "operator": "in"}
    found = result(flag(groups=[{"properties": [gone]}]), subject())
    assert found == Match(False, "dependency_not_found_cohort", "Cohort dependency not found", failed=True)
    assert not result(flag(groups=[{"properties": [gone, {"key": "plan", "value": "pro"}]}]), subject()).failed


def test_a_cohort_of_another_depth_cannot_be_read() -> None:
    flat = {"properties": {"type": "AND", "values": [leaf("plan", "pro")]}}
    one = flag(groups=[{"properties": [{"type": "cohort", "key": "id", "value": 1, "operator": "in"}]}])
    found = result(one, subject(cohorts={1: parse_cohort(1, False, flat)}, person={"plan": "pro"}))
    assert (found.failed, found.code) == (True, "cohort_filters_parsing_error")


def depends(on: int, value: Any) -> list[dict[str, Any]]:
    return [{"properties": [{"type": "flag", "key": str(on), "value": value, "operator": "flag_evaluates_to"}]}]


def answers(*flags: Flag, keys: tuple[str, ...] = ()) -> dict[str, Match]:
    by_id = {str(one.id): one for one in flags}
    off = frozenset(identifier for identifier, one in by_id.items() if not one.active)
    wanted = [one for one in flags if not keys or one.key in keys]
    return evaluate_all(by_id, wanted, off, broken_dependencies(by_id), subject())


def test_dependencies_true_false_and_a_variant() -> None:
    base = flag(
        "base",
        1,
        groups=[{"properties": []}],
        multivariate={"variants": [{"key": "a", "rollout_percentage": 100}]},
    )
    found = answers(
        base,
        flag("t", 2, groups=depends(1, True)),
        flag("f", 3, groups=depends(1, False)),
        flag("a", 4, groups=depends(1, "a")),
        flag("b", 5, groups=depends(1, "b")),
    )
    assert {key: match.value for key, match in found.items()} == {
        "base": "a",
        "t": True,
        "f": False,
        "a": True,
        "b": False,
    }


def test_an_inactive_dependency_counts_as_false_and_is_not_in_the_answer() -> None:
    found = answers(flag("base", 1, active=False, groups=[{"properties": []}]), flag("f", 2, groups=depends(1, False)))
    assert {key: match.value for key, match in found.items()} == {"f": True}


def test_a_missing_or_cyclic_dependency_spoils_everything_above_it() -> None:
    found = answers(
        flag("gone", 1, groups=depends(99, True)),
        flag("above", 2, groups=depends(1, False)),
        flag("x", 3, groups=depends(4, True)),
        flag("y", 4, groups=depends(3, True)),
    )
    assert {match.code for match in found.values()} == {"missing_dependency"}
    assert not any(match.enabled for match in found.values())


def test_asking_for_one_flag_brings_what_it_depends_on() -> None:
    found = answers(
        flag("base", 1, groups=[{"properties": []}]),
        flag("top", 2, groups=depends(1, True)),
        flag("other", 3, groups=[{"properties": []}]),
        keys=("top",),
    )
    assert set(found) == {"base", "top"}
