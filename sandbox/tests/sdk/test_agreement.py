"""Remote evaluation by the sandbox and local evaluation by the official SDK agree, but for known differences.

`python -m sandbox.tests.campaigns.flag_agreement` runs ten times as many pairs and more.
"""

from typing import Any

import pytest

from sandbox.tests.campaigns.conditions import OPERATORS
from sandbox.tests.campaigns.flag_agreement import run
from sandbox.tests.clients import new_flag, sdk
from sandbox.tests.running import Sandbox, running_sandbox
from sandbox.tests.shapes import depending_on, in_cohort, on_for

# Operators that the SDK leaves to the server, as it does with every one it doesn't know.
REMOTE_ONLY = {"between", "not_between", "icontains_multi", "not_icontains_multi", "is_date_exact"}


def test_random_persons_and_conditions_of_every_operator(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(data) as sandbox:
        report = run(sandbox, data, seed=20, flags=80, persons=13)
    assert report.unexplained == []
    assert report.pairs == 1040
    assert set(report.decided) >= set(OPERATORS) - REMOTE_ONLY
    # Neither side says yes, or no, to everything.
    assert 0.15 < report.enabled / report.local < 0.6
    assert sum(report.explained.values()) < 0.1 * report.local


def _condition(operator: str, value: Any, **fields: Any) -> dict[str, Any]:
    return {"key": "it", "type": "person", "operator": operator, "value": value, **fields}


# What differs, with an example each: the sandbox answers as PostHog's service does.
EXAMPLES = {
    "pre-releases": ([_condition("semver_eq", "1.2.3")], {"it": "1.2.3-beta"}, False, True),
    "lax versions: four parts": ([_condition("semver_gte", "1.0.0")], {"it": "1.2.3.4"}, False, True),
    "lax versions: capital V": ([_condition("semver_gte", "1.0.0")], {"it": "V1.2.3"}, False, True),
    "infinity": ([_condition("gt", "5")], {"it": "inf"}, True, False),
    "dates as numbers": ([_condition("is_date_after", "2025-01-01")], {"it": "20260101"}, False, True),
    "leading zeros: the SDK leaves it open": ([_condition("semver_lt", "4.0.0")], {"it": "3.08"}, True, None),
    "missing property: the SDK leaves it open": ([_condition("is_not", "x")], {}, True, None),
}


@pytest.fixture(scope="module")
def examples(sandbox: Sandbox) -> None:
    for number, (properties, *_) in enumerate(EXAMPLES.values()):
        new_flag(sandbox, f"known-{number}", on_for(*properties))


@pytest.mark.usefixtures("examples")
@pytest.mark.parametrize("name", list(EXAMPLES))
def test_a_known_difference(sandbox: Sandbox, name: str) -> None:
    _, person, far, near = EXAMPLES[name]
    assert _both(sandbox, f"known-{list(EXAMPLES).index(name)}", person) == (far, near)


def test_after_a_condition_it_cannot_evaluate_the_sdk_goes_on(sandbox: Sandbox) -> None:
    variants = {"variants": [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]}
    groups = [
        {"properties": [_condition("icontains_multi", ["x"])], "rollout_percentage": 100, "variant": "a"},
        {"properties": [], "rollout_percentage": 100, "variant": "b"},
    ]
    new_flag(sandbox, "goes-on", {"groups": groups, "multivariate": variants})
    assert _both(sandbox, "goes-on", {"it": "x"}) == ("a", "b")


def test_a_negated_cohort_under_or_is_negated_by_the_sdk_only(sandbox: Sandbox) -> None:
    def cohort(kind: str, leaf: dict[str, Any]) -> int:
        filters = {"properties": {"type": "AND", "values": [{"type": kind, "values": [leaf]}]}}
        return int(sandbox.call("POST", "cohorts/", {"name": kind, "filters": filters})["id"])

    inner = cohort("AND", _condition("exact", "x", negation=False))
    outer = cohort("OR", {"type": "cohort", "key": "id", "value": inner, "negation": True})
    new_flag(sandbox, "negated", in_cohort(outer))
    assert _both(sandbox, "negated", {"it": "x"}) == (True, False)
    assert _both(sandbox, "negated", {"it": "y"}) == (False, True)


def test_a_person_flag_on_a_group_flag_is_the_groups_matter_for_the_service(sandbox: Sandbox) -> None:
    event = {"$group_type": "organization", "$group_key": "acme", "$group_set": {}}
    sandbox.capture({"event": "$groupidentify", "distinct_id": "ann", "properties": event})
    tier = _condition("exact", "x", type="group", group_type_index=0)
    base = new_flag(sandbox, "groups", {**on_for(tier), "aggregation_group_type_index": 0})
    new_flag(sandbox, "on-groups", depending_on(base["id"]))
    organization = {"groups": {"organization": "acme"}, "group_properties": {"organization": {"it": "x"}}}
    assert _both(sandbox, "on-groups", {"it": "y"}, **organization) == (True, False)


def _both(sandbox: Sandbox, key: str, person: dict[str, Any], **groups: Any) -> tuple[Any, Any]:
    """A flag's value by the sandbox and by the SDK; None where the SDK leaves it to the server."""
    asked: dict[str, Any] = {"person_properties": person, "flag_keys": [key], **groups}
    with sdk(sandbox) as remote, sdk(sandbox, local=True) as local:
        far = remote.evaluate_flags("ann", **asked)
        near = local.evaluate_flags("ann", only_evaluate_locally=True, **asked)
        return far.get_flag(key), near.get_flag(key)
