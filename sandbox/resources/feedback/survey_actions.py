"""The actions after which a survey is shown: a relation beside its conditions (PostHog: `_associate_actions` and
`get_survey_conditions_with_actions` in survey.py).

Traps: every write sets the relation by the conditions of that very write, so that a PATCH without them empties it; the
conditions are read with whole actions while there are some, and else as they were sent last.
"""

from typing import Any

from sandbox.storage.store import Data
from sandbox.wire.context import Context


def chosen(context: Context, conditions: Data | None) -> list[Any]:
    """The ids of the project's actions that the conditions of a write name."""
    sent = ((conditions or {}).get("actions") or {}).get("values") or []
    found = [context.store.get("action", each.get("id"), str(context.project["id"])) for each in sent]
    return [row["id"] for row in found if row is not None]


def in_conditions(context: Context, row: Data) -> Data | None:
    """A survey's conditions with whole actions."""
    found = [context.store.get("action", each) for each in row.get("actions") or []]
    whole = [each for each in found if each is not None]
    conditions: Data | None = row["conditions"]
    return {**(conditions or {}), "actions": {"values": whole}} if whole else conditions
