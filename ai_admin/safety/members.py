"""Gate: the members of a static cohort are not lost, since no file has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ai_admin.safety.applied import COHORT
from ai_admin.safety.refusal import Refusal


def lost(members: Mapping[str, int]) -> Iterator[Refusal]:
    """Yield a refusal for each static cohort that would be deleted, given their numbers of members by Pulumi name."""
    for name, count in sorted(members.items()):
        key = name.removeprefix(COHORT)
        people = "1 member that is" if count == 1 else f"{count} members that are"
        what = (
            f"a static cohort would go with {people} in PostHog alone; if it gets another key, write "
            f"`renamed_from: {key}` in the new definition"
        )
        yield Refusal(what, (name,), f"members/{key}/{count}")
