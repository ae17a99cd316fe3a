"""All gates together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from ai_admin.safety.applied import Manifest
from ai_admin.safety.following import Followed, ahead
from ai_admin.safety.holdouts import shrunk
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from ai_admin.safety.removal import lost, removed_flags, renamed_flags
from ai_admin.safety.serving import redrawn, reordered, swollen
from ai_admin.safety.steps import back, jumps, returning
from ai_admin.safety.targeting import retargeted
from ai_admin.safety.volume import deletes, updates


def refusals(
    before: Manifest,
    after: Manifest,
    consent: Iterable[str],
    careful: bool = False,
    followed: Followed | None = None,
    live: Manifest = MappingProxyType({}),
    members: Mapping[str, int] = MappingProxyType({}),
    leaving: Mapping[str, bool] = MappingProxyType({}),
    keys: Mapping[str, str] | None = None,
    reach: Reach | None = None,
    held: Collection[str] = (),
) -> list[Refusal]:
    """Return what this run may not do.

    Args:
        before: the manifest of what was applied last, with renamed flags under their new keys.
        after: the manifest of the files.
        consent: the words in the stack's configuration.
        careful: rollouts grow in steps only (``ai-admin:careful``).
        followed: the stack that this one may not be ahead of; None without one.
        live: a manifest of the flags and cohorts that this run adopts. Nobody applied them, but they serve people.
        members: the number of members of each static cohort that would be deleted.
        leaving: whether each flag that would be deleted is on in PostHog.
        keys: the keys in PostHog of the flags that would get another one and are on there; None: it was not asked.
        reach: made of the same definitions as ``after``; without it every condition with a filter is one for some.
        held: the names of what PostHog holds already as the files say, by which nothing changes.
    """
    given, base, reach = set(consent), {**live, **before}, reach or Reach()

    def refused(found: Iterable[Refusal]) -> list[Refusal]:
        return [refusal for refusal in found if refusal.code not in given]

    def rollouts(flags: Manifest) -> list[Refusal]:
        steps = jumps(base, flags, reach, first=not before) if careful else ()
        return refused([*steps, *(ahead(base, flags, followed) if followed else ())])

    returned = returning(base, after, reach)
    audiences = chain(
        retargeted(base, after, returned),
        reordered(base, after, reach),
        redrawn(base, after),
        swollen(base, after),
        shrunk(base, after),
    )
    return [
        *refused([*deletes(before, after), *updates(base, after, held), *lost(members)]),
        *refused([*removed_flags(before, after, leaving), *renamed_flags(before, after, keys)]),
        *rollouts({name: entry for name, entry in after.items() if name not in returned}),
        *refused(back(rollouts({name: after[name] for name in after if name in returned}))),
        *refused(audiences if careful else ()),
    ]
