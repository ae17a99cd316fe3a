"""Do remote evaluation (the sandbox) and local evaluation (the official SDK) say the same?

Random persons, random conditions of every operator. The two are written independently: the sandbox from PostHog's flag
service, the SDK by PostHog. Where they are known to differ, `DIFFERENCES` says so and why; anything else that differs
is an error. `python -m sandbox.tests.campaigns.flag_agreement [--pairs N] [--seed N]` runs 10,000 pairs.
"""

import argparse
import json
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.tests.campaigns.conditions import (
    AHEAD_OF_THE_API,
    ODD_DATES,
    ODD_VERSIONS,
    OPERATORS,
    Condition,
    Properties,
    random_cohort,
    random_flag,
    random_person,
)
from sandbox.tests.clients import new_flag, sdk
from sandbox.tests.running import Sandbox, running_sandbox

ABSENT = object()
COHORTS = 8


@dataclass(frozen=True)
class Difference:
    """A case in which PostHog's service and its Python SDK don't decide alike.

    `applies(filter, the property's value or ABSENT)` tells the case. The filter says in addition whether its flag has
    `several` conditions, and whether it is asked about `through` a dependency of another flag.
    """

    name: str
    reason: str
    applies: Callable[[Condition, Any], bool]


def _semver(one: Condition) -> bool:
    return str(one["operator"]).startswith("semver_")


def _date(one: Condition) -> bool:
    return str(one["operator"]).startswith("is_date_")


def _suffixed(value: Any) -> bool:
    return isinstance(value, str) and any(sign in value for sign in "-+")


DIFFERENCES = (
    Difference(
        "pre-releases",
        "the service orders 1.2.3-beta before 1.2.3, build metadata after it; the SDK drops every suffix",
        lambda one, value: _semver(one) and (_suffixed(value) or _suffixed(one["value"])),
    ),
    Difference(
        "lax versions",
        "the SDK reads versions that Cargo's parser refuses: V1.2.3, 1.2.3.4, 1..2",
        lambda one, value: _semver(one) and value in ("V1.2.3", "1.2.3.4", "1..2"),
    ),
    Difference(
        "infinity",
        "Rust parses inf as a number, the SDK takes finite numbers only",
        lambda one, value: one["operator"] in ("gt", "gte", "lt", "lte") and value == "inf",
    ),
    Difference(
        "dates as numbers",
        "the service reads a numeric property as seconds since 1970, the SDK 20260101 as a date",
        lambda one, value: _date(one) and value in ODD_DATES,
    ),
    Difference(
        "skipped conditions",
        "the SDK goes on to the next condition after one it can't evaluate (a property that wasn't passed, an"
        " operator or a value it doesn't know), so that a later condition may decide instead",
        lambda one, value: one["several"] and _unknown_to_sdk(one, value),
    ),
    Difference(
        "group dependencies",
        "a person flag that depends on a group flag: the SDK evaluates that one for the person, with the person's"
        " properties",
        lambda one, value: one["through"] and one["type"] == "group",
    ),
)


def _unknown_to_sdk(one: Condition, value: Any) -> bool:
    operators = ("between", "not_between", "icontains_multi", "not_icontains_multi", "is_date_exact")
    if value is ABSENT or one["operator"] in operators:
        return True
    if _semver(one):
        return value in ODD_VERSIONS
    return _date(one) and (not isinstance(value, str) or value in ODD_DATES)


@dataclass
class Report:
    """What came of a run. A pair is one flag and one person; `local` counts the ones the SDK could decide."""

    pairs: int = 0
    local: int = 0
    enabled: int = 0
    agreed: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    decided: Counter[str] = field(default_factory=Counter)  # pairs the SDK decided, by the first filter's operator

    def lines(self) -> Iterator[str]:
        yield f"{self.pairs} pairs, {self.local} decided locally ({self.enabled} on), {self.agreed} agreed"
        for name, count in sorted(self.explained.items()):
            reason = next(one.reason for one in DIFFERENCES if one.name == name)
            yield f"  {count} differ as known: {name}: {reason}"
        yield f"  {len(self.unexplained)} differ without a reason"
        yield from self.unexplained[:20]


@dataclass
class World:
    """The flags and cohorts of a run, as they were created."""

    flags: dict[str, Condition] = field(default_factory=dict)  # filters by key
    keys: dict[int, str] = field(default_factory=dict)
    cohorts: dict[int, Condition] = field(default_factory=dict)

    def filters(self, key: str, through: bool = False) -> Iterator[Condition]:
        """Every property filter that a flag's answer can depend on, with what `Difference` wants to know."""
        place = {"several": len(self.flags[key]["groups"]) > 1, "through": through}
        for group in self.flags[key]["groups"]:
            for one in group["properties"]:
                if one["type"] == "flag":
                    yield from self.filters(self.keys[int(one["key"])], through=True)
                elif one["type"] == "cohort":
                    values = self.cohorts[one["value"]]["properties"]["values"]
                    yield from ({**leaf, **place} for inner in values for leaf in inner["values"])
                else:
                    yield {**one, **place}


def run(sandbox: Sandbox, data: Path, seed: int, flags: int, persons: int) -> Report:
    """Create flags and ask about persons, each in an organisation, remotely and locally.

    Half of the persons and organisations are known to the project, the others' properties travel with the request.
    """
    chance = random.Random(seed)
    _store(sandbox, "any", {}, {})
    world = _world(sandbox, data, chance, flags)
    report = Report()
    with sdk(sandbox) as remote, sdk(sandbox, local=True) as local:
        for number in range(persons):
            name, person, organization = f"{seed}-{number}", random_person(chance), random_person(chance)
            groups = {"organization": name}
            properties: dict[str, Any] = {
                "person_properties": person,
                "group_properties": {"organization": organization},
            }
            known = number % 2 == 0
            if known:
                _store(sandbox, name, person, organization)
            far = remote.get_all_flags(name, groups=groups, **({} if known else properties)) or {}
            near = local.get_all_flags(name, groups=groups, only_evaluate_locally=True, **properties) or {}
            _compare(report, world, {"person": person, "group": organization}, far, near)
    return report


def _world(sandbox: Sandbox, data: Path, chance: random.Random, flags: int) -> World:
    world = World()
    for number in range(COHORTS):
        filters = random_cohort(chance)
        cohort = sandbox.call("POST", "cohorts/", {"name": f"cohort {number}", "filters": filters})
        world.cohorts[cohort["id"]] = filters
    operators = list(OPERATORS)
    for number in range(flags):
        operator = operators[number % len(operators)]
        filters = random_flag(chance, operator, list(world.cohorts), list(world.keys))
        created = new_flag(sandbox, f"flag-{number}", _for_the_api(filters))
        if _for_the_api(filters) != filters:
            _put_under_the_api(data, created["id"], filters)
        world.flags[created["key"]] = filters
        world.keys[created["id"]] = created["key"]
    return world


def _for_the_api(filters: Condition) -> Condition:
    """The filters with every operator that the API refuses replaced by one it takes."""
    groups = []
    for group in filters["groups"]:
        allowed = [
            {**one, "operator": "exact", "value": "x"} if one.get("operator") in AHEAD_OF_THE_API else one
            for one in group["properties"]
        ]
        groups.append({**group, "properties": allowed})
    return {**filters, "groups": groups}


def _put_under_the_api(data: Path, flag: int, filters: Condition) -> None:
    # The sandbox has the database for itself while it counts a cohort, also while it loads ClickHouse for that.
    with closing(sqlite3.connect(data / "sandbox.sqlite3", timeout=60)) as database, database:
        database.execute(
            "UPDATE objects SET data = json_set(data, '$.filters.groups', json(?))"
            " WHERE kind = 'feature_flag' AND id = ?",
            (json.dumps(filters["groups"]), str(flag)),
        )


def _store(sandbox: Sandbox, name: str, person: Properties, organization: Properties) -> None:
    identified = {"$group_type": "organization", "$group_key": name, "$group_set": organization}
    sandbox.capture(
        {"event": "seen", "distinct_id": name, "properties": {"$set": person}},
        {"event": "$groupidentify", "distinct_id": name, "properties": identified},
    )


def _compare(
    report: Report, world: World, subject: dict[str, Properties], far: dict[str, Any], near: dict[str, Any]
) -> None:
    for key in world.flags:
        report.pairs += 1
        if key not in near:
            continue
        report.local += 1
        report.enabled += bool(near[key])
        report.decided[world.flags[key]["groups"][0]["properties"][0]["operator"]] += 1
        if far.get(key, ABSENT) == near[key]:
            report.agreed += 1
            continue
        known = _known(world, key, subject)
        if known:
            report.explained[known.name] += 1
        else:
            report.unexplained.append(
                f"{key}: sandbox {far.get(key)!r}, SDK {near[key]!r}: {world.flags[key]} {subject}"
            )


def _known(world: World, key: str, subject: dict[str, Properties]) -> Difference | None:
    asked = [(one, subject[one["type"]].get(one["key"], ABSENT)) for one in world.filters(key)]
    for difference in DIFFERENCES:
        if any(difference.applies(one, value) for one, value in asked):
            return difference
    return None


def main() -> int:
    """Run the campaign. Returns the exit code: 1 when something differs without a reason."""
    parser = argparse.ArgumentParser(description="Compare remote and local evaluation of random flags.")
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    persons = 50
    flags = -(-arguments.pairs // persons)
    with tempfile.TemporaryDirectory() as folder, running_sandbox(Path(folder)) as sandbox:
        report = run(sandbox, Path(folder), arguments.seed, flags, persons)
    print(*report.lines(), sep="\n")
    return 1 if report.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
