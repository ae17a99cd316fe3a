"""Random queries of random events: the sandbox's numbers are those that plain Python counts.

A seeded share of what `python -m sandbox.tests.campaigns.queries` does.
"""

import pytest

from sandbox.tests.query.plain.checking import KINDS, differences
from sandbox.tests.query.world import World

HISTORIES, QUESTIONS = 1, 5


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_those_that_plain_python_counts(world: World, kind: str) -> None:
    assert list(differences(world, kind, seed=13, histories=HISTORIES, questions=QUESTIONS)) == []
