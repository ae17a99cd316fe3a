"""A share of the campaigns over live projects: see ``tests/campaigns/takeover_laws.py`` and ``pull_laws.py``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.campaigns import pull_laws, takeover_laws
from tests.campaigns.strangers import project_of
from tests.support.sandbox import Sandbox


def test_a_project_of_somebody_is_taken_over_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    counts = takeover_laws.case(project_of(sandbox), random.Random("share-0"), tmp_path / "checkout", 2)
    assert counts["files"] > counts["left to PostHog"]


@pytest.mark.parametrize("seeds", [("join-1", "join-1"), ("join-2", "join-3")], ids=["alike", "unlike"])
def test_a_second_project_joins_the_files_of_the_first_one(
    sandbox: Sandbox, tmp_path: Path, seeds: tuple[str, str]
) -> None:
    counts = takeover_laws.joining((project_of(sandbox), project_of(sandbox)), seeds, tmp_path / "checkout", 2)
    assert counts["files for both stacks"] > 10


def test_what_people_change_in_posthog_is_written_back(sandbox: Sandbox, tmp_path: Path) -> None:
    counts = pull_laws.case(project_of(sandbox), random.Random("share-0"), tmp_path / "checkout", 3, 20)
    assert counts["written"] > 0
