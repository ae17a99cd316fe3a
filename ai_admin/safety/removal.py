"""Gates: deletions. Pure.

A flag is switched off before it is deleted, and keeps its key, by which SDKs ask for it, while it is on; a new key is
declared. The members of a static cohort are not lost, since no file has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from ai_admin.safety.applied import COHORT, FLAG, FORMER, Manifest
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import removal_code, rename_code

ALIKE = 0.6
"""The likeness of two keys (0 to 1) from which on one flag may be the other under a new key."""


def removed_flags(before: Manifest, after: Manifest, live: Mapping[str, bool]) -> Iterator[Refusal]:
    """Yield a refusal for each flag that would be deleted while it is on, or that seems to get another key.

    A flag with ``renamed_from`` is in ``before`` under its new key, see ``applied.renamed``. ``live`` says by Pulumi
    name whether a flag that would be deleted is on in PostHog, which counts more than what was applied last.
    """
    new = [name for name in after if name.startswith(FLAG) and name not in before]
    for name in sorted(before.keys() - after.keys()):
        if not name.startswith(FLAG):
            continue
        entry, key = before[name], name.removeprefix(FLAG)
        on = live.get(name, entry.get("active"))
        same = next((other for other in new if after[other]["digest"] == entry.get("digest")), None)
        successor = same or (_most_alike(name, new) if on else None)
        if successor:
            what = (
                f"a flag would go and one like it come, and SDKs that ask for the old key get nothing; if it is the "
                f"same flag under a new key, write `renamed_from: {key}` in the new definition"
            )
            yield Refusal(what, (f"{name} to {successor}",), removal_code(key))
        elif on:
            by_hand = "" if entry.get("active") else " in PostHog, where somebody switched it on since"
            what = (
                f"a flag would be deleted while it is on{by_hand}; set `active: false`, apply that, and delete it "
                "afterwards"
            )
            yield Refusal(what, (name,), removal_code(key))


def _most_alike(name: str, others: list[str]) -> str | None:
    ratios = {other: SequenceMatcher(None, name, other).ratio() for other in others}
    best = max(ratios, key=lambda other: ratios[other], default=None)
    return best if best is not None and ratios[best] >= ALIKE else None


def renaming(before: Manifest, after: Manifest) -> dict[str, str]:
    """Return the flags that are on, stay on, and get another key, each by its new Pulumi name with its id in PostHog.

    A flag with ``renamed_from`` is in ``before`` under its new key, see ``applied.renamed``.
    """
    return {
        name: str(before[name].get("id", ""))
        for name in sorted(before.keys() & after.keys())
        if name.startswith(FLAG) and FORMER in before[name] and before[name].get("active") and after[name].get("active")
    }


def renamed_flags(before: Manifest, after: Manifest, keys: Mapping[str, str] | None) -> Iterator[Refusal]:
    """Yield a refusal for each flag that is on and gets another key.

    ``keys`` says by Pulumi name which key those of them have that are on in PostHog; None: it was not asked. Who asks
    for the old key of one that somebody switched off or renamed there gets nothing already.
    """
    for name in renaming(before, after):
        former, key = before[name][FORMER], name.removeprefix(FLAG)
        if keys is None or keys.get(name, key) != key:
            what = (
                f"a flag would get another key while it is on, and who asks for {former} gets nothing from then on; "
                "release what asks for both keys first"
            )
            yield Refusal(what, (f"{FLAG}{former} to {name}",), rename_code(former, key))


def lost(members: Mapping[str, int]) -> Iterator[Refusal]:
    """Yield a refusal for each static cohort with members that would be deleted; ``members`` by Pulumi name."""
    for name, count in sorted(members.items()):
        key = name.removeprefix(COHORT)
        people = "1 member that is" if count == 1 else f"{count} members that are"
        what = (
            f"a static cohort would go with {people} in PostHog alone; if it gets another key, write "
            f"`renamed_from: {key}` in the new definition"
        )
        yield Refusal(what, (name,), f"members/{key}/{count}")
