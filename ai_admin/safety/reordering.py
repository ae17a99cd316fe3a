"""Gate: release conditions keep their order, by which people get their variant. For careful stacks. Pure.

The first condition whose percentage an installation is in decides on its variant, so that another order serves some
people something else although no figure changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ai_admin.safety.applied import FLAG, Entry, Manifest, served
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from ai_admin.safety.shares import shares
from providers.posthog.safety import digest


def reordered(before: Manifest, after: Manifest, reach: Reach) -> Iterator[Refusal]:
    """Yield a refusal for each flag that serves somebody something else because conditions changed places."""
    for name in sorted(before.keys() & after.keys()):
        key = name.removeprefix(FLAG)
        moved = next(_moved(key, before[name], after[name], reach), None) if name.startswith(FLAG) else None
        if moved:
            one, other = (reach.named(key, each) for each in moved)
            what = f"who matches both {one!r} and {other!r} would be served something else, as they change places"
            yield Refusal(what, (name,), f"order/{key}/{digest(list(served(after[name])))}")


def _moved(key: str, was: Entry, now: Entry, reach: Reach) -> Iterator[tuple[str, str]]:
    """Yield pairs of conditions whose order matters and has changed, in their former order."""
    rollout, early_exit = served(now), now.get("early_exit") or False
    place = {condition: n for n, condition in enumerate(rollout)}
    for pair in combinations((each for each in served(was) if each in rollout), 2):
        one, other = pair
        if place[one] > place[other] and reach.meeting(key, one, other):
            then, soon = ({each: rollout[each] for each in order} for order in (pair, pair[::-1]))
            if shares(then, pair, early_exit) != shares(soon, pair, early_exit):
                yield pair
