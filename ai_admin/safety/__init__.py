"""Safety gates: what an `up` may not do without consent, by comparison with what was applied last. Pure.

The program checks the gates, so that a plain `pulumi up` can't bypass them, and it checks a preview as well,
so that the review fails and not the deployment. The provider's guard is the second check
(``providers.posthog.guard``), which looks at what PostHog holds instead of at what was applied last.

Nothing prevents switching a flag off: no gate counts it, and a refused run still applies it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from ai_admin.safety.applied import (
    Manifest,
    manifest,
    name_of,
    off,
    renamed,
    serves_alike,
    serving,
    switch_known,
    switch_left,
    switched_off,
    switches,
    unchanged,
    unfinished,
)
from ai_admin.safety.following import Followed, ahead, grown
from ai_admin.safety.left_over import left_over
from ai_admin.safety.members import lost
from ai_admin.safety.payloads import swollen
from ai_admin.safety.reach import Reach, Values
from ai_admin.safety.redraw import redrawn
from ai_admin.safety.refusal import Refusal
from ai_admin.safety.removal import removed_flags
from ai_admin.safety.renaming import renamed_flags, renaming
from ai_admin.safety.reordering import reordered
from ai_admin.safety.returning import back, returning
from ai_admin.safety.sharing import shared
from ai_admin.safety.steps import jumps
from ai_admin.safety.targeting import put_back, retargeted
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
    """
    given, base, reach = set(consent), {**live, **before}, reach or Reach()

    def refused(found: Iterable[Refusal]) -> list[Refusal]:
        return [refusal for refusal in found if refusal.code not in given]

    def rollouts(flags: Manifest) -> list[Refusal]:
        steps = jumps(base, flags, reach, first=not before) if careful else ()
        return refused([*steps, *(ahead(base, flags, followed) if followed else ())])

    returned = returning(base, after)
    return [
        *refused([*deletes(before, after), *updates(base, after), *lost(members)]),
        *refused([*removed_flags(before, after, leaving), *renamed_flags(before, after, keys)]),
        *rollouts({name: entry for name, entry in after.items() if name not in returned}),
        *refused(back(rollouts({name: after[name] for name in after if name in returned}))),
        *refused(audiences(base, after, reach, returned) if careful else ()),
    ]


def audiences(before: Manifest, after: Manifest, reach: Reach, returned: Collection[str]) -> Iterator[Refusal]:
    """Yield what careful stacks refuse though no rollout grows: others are served, or are served something else."""
    yield from retargeted(before, after, returned)
    yield from reordered(before, after, reach)
    yield from redrawn(before, after)
    yield from swollen(before, after)


__all__ = [
    "Followed",
    "Manifest",
    "Reach",
    "Refusal",
    "Values",
    "ahead",
    "grown",
    "left_over",
    "manifest",
    "name_of",
    "off",
    "put_back",
    "refusals",
    "renamed",
    "renaming",
    "serves_alike",
    "serving",
    "shared",
    "switch_known",
    "switch_left",
    "switched_off",
    "switches",
    "unchanged",
    "unfinished",
]
