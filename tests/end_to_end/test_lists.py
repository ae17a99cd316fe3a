"""A plain `pulumi preview --diff` shows of a list what changed of it, and nothing of its neighbours.

The tests share a stack, and each begins with the definitions that were applied to it.

Daily loop G3.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.posthog.matching import in_order
from tests.support.project import Project
from tests.support.sandbox import Sandbox

BOARD = "key: board\nname: Board\ntiles:\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Project:
    made = Project(tmp_path_factory.mktemp("lists") / "ai", sandbox)
    made.write("events/installation.yaml", "key: installation\ntype: person\nproperties: {v: {type: String}}\n")
    made.write("events/used.yaml", "key: used\n")
    write(made)
    made.up()
    return made


@pytest.fixture
def project(stack: Project) -> Project:
    write(stack)
    return stack


def write(project: Project) -> None:
    for key in ("ai", "model"):
        project.write(f"flags/{key}.yaml", flag(key, ["Internal", "Beta", "Stable"], ["a", "b", "c"]))
    project.write("dashboards/board.yaml", BOARD + insight("first", 0) + insight("second", 1) + insight("third", 2))


def flag(key: str, conditions: list[str], variants: list[str]) -> str:
    shares = {"a": 20, "b": 30, "c": 50}
    listed = "".join(f"  - {{key: {name}, rollout_percentage: {shares[name]}}}\n" for name in variants)
    people = "".join(
        f"  - description: {name}\n    properties: [{{key: v, value: {name.lower()}}}]\n"
        f"    rollout_percentage: {len(name)}\n"
        for name in conditions
    )
    return f"key: {key}\nvariants:\n{listed}release_conditions:\n{people}"


def insight(key: str, row: int) -> str:
    shown = f"{{key: {key}, name: {key.title()}, trends: {{series: [{{event: used}}]}}}}"
    return f"  - insight: {shown}\n    layout: {{x: 0, y: {row}, w: 12, h: 1}}\n"


def shown(project: Project) -> list[str]:
    """Return the lines of a preview that say a difference, without what is made or refreshed."""
    printed = project.pulumi("preview", "--diff", "--stack", "sandbox")
    lines = [line.strip() for line in printed.splitlines()]
    return [line for line in lines if line[:2] in ("+ ", "- ", "~ ") and not re.search("pulumi|to update", line)]


def test_a_condition_and_a_tile_at_the_top_and_a_variant_that_moved_show_as_that_alone(project: Project) -> None:
    project.write("flags/ai.yaml", flag("ai", ["New", "Internal", "Beta", "Stable"], ["a", "b", "c"]))
    project.write("flags/model.yaml", flag("model", ["Internal", "Beta", "Stable"], ["c", "a", "b"]))
    project.write(
        "dashboards/board.yaml",
        BOARD
        + '  - text: "## Top"\n    layout: {x: 0, y: 0, w: 12, h: 1}\n'
        + "".join(insight(key, row) for key, row in (("first", 1), ("second", 2), ("third", 3))),
    )
    lines = shown(project)
    added = lines.index("~ release_conditions: {")
    assert lines[added : added + 4] == ["~ release_conditions: {", "~ (order):", "+ New", "+ New    : {"]
    moved = lines.index("~ variants: {")
    assert lines[moved : moved + 4] == ["~ variants: {", "~ (order):", "+ c", "- c"]
    assert "+ text ## Top: {" in lines
    # The other tiles moved down a row, and that is all that is said of them; of the other conditions, nothing.
    assert sorted(line for line in lines if line.startswith("~ y")) == ["~ y: 0 => 1", "~ y: 1 => 2", "~ y: 2 => 3"]
    assert [line for line in lines if line.startswith("-")] == ["- c"]
    assert not [line for line in lines if re.search("nternal|eta|table|series", line)]


def test_a_state_from_before_is_no_change_and_shows_changes_as_before(project: Project, sandbox: Sandbox) -> None:
    exported = json.loads(project.pulumi("stack", "export", "--stack", "sandbox"))
    for resource in exported["deployment"]["resources"]:
        for part in ("inputs", "outputs"):
            values: dict[str, Any] = resource.get(part, {})
            values.update(
                {name: in_order(values[name]) for name in ("release_conditions", "variants", "tiles") if name in values}
            )
    older = project.folder / "older.json"
    older.write_text(json.dumps(exported))
    project.pulumi("stack", "import", "--file", str(older), "--stack", "sandbox")
    assert shown(project) == []

    project.write("flags/ai.yaml", flag("ai", ["New", "Internal", "Beta", "Stable"], ["a", "b", "c"]))
    sandbox.requests()
    project.up()
    assert [method for method, _, _ in sandbox.writes()] == ["PATCH"]
    assert shown(project) == []
    changed = project.outputs()["flag/ai"]
    assert in_order(changed["release_conditions"])[0]["description"] == "New"
    assert isinstance(changed["release_conditions"], dict)
    assert isinstance(changed["variants"], list)
