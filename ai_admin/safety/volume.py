"""Gate: how much one run may delete and change. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ai_admin.safety.applied import Manifest
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import DELETES, UPDATES, counted, digest

DELETES_SHARE, UPDATES_SHARE = 0.2, 0.5
"""The largest shares of all objects that a run may delete, and change."""

FEW_UPDATES = 5
"""The number of objects that may always change."""


def deletes(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal when too many objects would be deleted: one may always be, but never the last one."""
    there = len(counted(before))
    gone = tuple(sorted(counted(before.keys() - after.keys())))
    allowed = min(max(1, min(DELETES, int(DELETES_SHARE * there))), there - 1)
    if gone and len(gone) > allowed:
        what = f"{len(gone)} of {there} objects would be deleted, {allowed} may be in one run"
        yield Refusal(what, gone, f"delete/{len(gone)}/{digest(gone)}")


def updates(before: Manifest, after: Manifest, held: Collection[str] = ()) -> Iterator[Refusal]:
    """Yield a refusal when too many objects would change.

    A flag that is off afterwards never counts, nor does what is ``held``: PostHog holds it as the files say already.
    """
    both = (before.keys() & after.keys()) - {*held}
    changed = (name for name in both if before[name].get("digest") != after[name]["digest"])
    names = sorted(name for name in changed if after[name].get("active") is not False)
    there, objects = len(counted(before)), tuple(sorted(counted(names)))
    allowed = max(FEW_UPDATES, min(UPDATES, int(UPDATES_SHARE * there)))
    if len(objects) > allowed:
        what = f"{len(objects)} of {there} objects would be changed, {allowed} may be in one run"
        codes = [(name, after[name]["digest"]) for name in names]
        yield Refusal(what, objects, f"update/{len(objects)}/{digest(codes)}")


def is_of_updates(refusal: Refusal) -> bool:
    """Return whether too many objects would change."""
    return refusal.code.startswith("update/")
