"""Which flags are off by files of their own, while other files have problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.definitions import load

OFF = "key: ai\nactive: false\nrelease_conditions: [{rollout_percentage: 50}]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("flags", "cohorts"):
        (tmp_path / folder).mkdir()
    for stack in ("production", "staging"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    (tmp_path / "cohorts" / "broken.yaml").write_text("key: [\n")
    return tmp_path


def off(root: Path, *texts: str, stack: str = "production") -> list[str]:
    """Return the keys of the flags that are off by these files alone."""
    for number, text in enumerate(texts):
        (root / "flags" / f"f{number}.yaml").write_text(text)
    found = load(root, stack)
    assert found.problems
    assert found.resources == ()
    assert all(each.properties == {"key": each.key, "active": False} for each in found.off)
    return [each.key for each in found.off]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OFF, ["ai"]),
        (OFF.replace("active: false\n", ""), []),
        (OFF + "colour: red\n", []),
        (OFF + "tags: [\n", []),
        (OFF + "active: true\n", []),
        (OFF.replace("false", "'false'"), []),
        (OFF + "variants: [{key: a, rollout_percentage: 30}]\n", []),
        # What other files lack says nothing about the switch.
        (OFF.replace("[{rollout", "[{cohort: nowhere, rollout"), ["ai"]),
        (OFF + "stacks: {production: {active: true}}\n", []),
        (OFF.replace("false", "true") + "stacks: {production: {active: false}}\n", ["ai"]),
        (OFF.replace("false", "true") + "stacks: {staging: {active: false}}\n", []),
        (OFF + "stacks: {prodution: {active: true}}\n", []),
        (OFF + "only: [staging]\n", []),
        (OFF + "only: [production]\n", ["ai"]),
    ],
)
def test_c1_a_sound_file_of_its_own_is_enough_and_needed(root: Path, text: str, expected: list[str]) -> None:
    """C1: schema and the rules about the flag itself hold, and nothing of the other files matters."""
    assert off(root, text) == expected


def test_c1_two_files_with_one_key_must_agree(root: Path) -> None:
    assert off(root, OFF, OFF.replace("active: false\n", "")) == []
    assert off(root, OFF, OFF.replace("50", "60")) == ["ai"]


@pytest.mark.parametrize("condition", ["cohort: nowhere", "rollout_percentage: 5"])
def test_which_flag_it_was_is_known_whatever_its_file_lacks(root: Path, condition: str) -> None:
    text = f"key: new\nrenamed_from: old\nactive: false\nrelease_conditions: [{{{condition}}}]\n"
    (root / "flags" / "new.yaml").write_text(text)
    assert [(each.key, each.renamed_from) for each in load(root, "production").off] == [("new", "old")]
    (root / "flags" / "old.yaml").write_text("key: old\nrelease_conditions: [{rollout_percentage: 5}]\n")
    assert [(each.key, each.renamed_from) for each in load(root, "production").off] == [("new", None)]


def test_without_problems_there_is_nothing_apart(root: Path) -> None:
    (root / "cohorts" / "broken.yaml").unlink()
    (root / "flags" / "ai.yaml").write_text(OFF)
    found = load(root, "production")
    assert (found.problems, found.off) == ((), ())
    assert len(found.resources) == 1
