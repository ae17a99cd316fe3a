"""A fault in one place and one in another: both are said, and nothing else. A share of the campaign's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns.check_planted import check, only_the_rule, planted, prepare
from tests.campaigns.planted import FILES, RULES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def test_the_definitions_are_good(root: Path) -> None:
    assert check(root, FILES)[0] == []


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_said(root: Path, name: str) -> None:
    assert only_the_rule(root, RULES[name]) == ""


@pytest.mark.parametrize("seed", range(60))
def test_a_broken_schema_and_a_broken_rule_are_both_said(root: Path, seed: int) -> None:
    assert planted(root, seed) == ""
