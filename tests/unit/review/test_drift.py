"""Of a field that somebody changed in PostHog while its file was changed, each change is said once, of who made it."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.review.comparison import Difference
from ai_admin.review.drift import Drift, as_json, drifted
from providers.posthog.history import History
from providers.posthog.kinds.flag import CONDITIONS


def condition(name: str, share: int) -> dict[str, Any]:
    return {"description": name, "properties": [], "rollout_percentage": share}


X, X_WIDER = condition("x", 5), condition("x", 9)
Y, Y_WIDER, Y_OTHER = condition("y", 1), condition("y", 7), condition("y", 3)
Z = condition("z", 1)
MOVES: Any = (True, [], 'condition "y" moves before "x"', ["x", "y"], ["y", "x"])


@pytest.mark.parametrize(
    ("last", "file", "there", "said"),
    [
        ([X, Y], [X, Y_WIDER], [Y, X], [
            MOVES,
            (False, ["y", "rollout_percentage"], 'condition "y" from 1 % to 7 %', 7, 1),
        ]),
        ([X, Y], [X, Y_WIDER], [Y_OTHER, X], [
            (True, ["y", "rollout_percentage"], 'condition "y" from 1 % to 3 %', 7, 3),
            MOVES,
            (False, ["y", "rollout_percentage"], 'condition "y" from 1 % to 7 %', 7, 3),
        ]),
        ([X, Y], [X, Y_WIDER], [X_WIDER, Y_WIDER], [
            (True, ["x", "rollout_percentage"], 'condition "x" from 5 % to 9 %', 5, 9),
        ]),
        ([X, Y], [X, Y_WIDER], [X], [
            (True, ["y"], 'condition "y" is removed: 1 %', Y_WIDER, None),
            (False, ["y", "rollout_percentage"], 'condition "y" from 1 % to 7 %', 7, 1),
        ]),
        ([X, Y], [X, Y_WIDER], [X, Z], [
            (True, ["z"], 'condition "y" becomes "z"', "y", "z"),
            (False, ["y", "rollout_percentage"], 'condition "y" from 1 % to 7 %', 7, 1),
        ]),
        ([X], [X, Y], [X, Y_OTHER], [
            (True, ["y"], 'condition "y" is new: 3 %', Y, Y_OTHER),
            (False, ["y"], 'condition "y" is new: 1 %', Y, Y_OTHER),
        ]),
    ],
)  # fmt: skip
def test_each_change_is_said_once_and_of_who_made_it(
    last: list[Any], file: list[Any], there: list[Any], said: list[Any]
) -> None:
    def flag(conditions: list[Any]) -> dict[str, Any]:
        return {"key": "f", "release_conditions": conditions}

    both = (CONDITIONS,)
    definition = Definition("flag", "f", flag(file), Source("flags/f.yaml", 1, 1))
    difference = Difference(definition, both, "1", there=flag(there), by_hand=both, edited=both, last=flag(last))
    entry = drifted(difference, cast(History, None), lambda kind, id_: None)
    [found] = json.loads(as_json(Drift("s", "h", "1", (entry,), 0, ())))["differing"]
    names = ("by_hand", "path", "sentence", "file", "posthog")
    assert [tuple(each[name] for name in names) for each in found["fields"]] == said
