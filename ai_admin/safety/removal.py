"""Gate: a flag is switched off before it is deleted, and a new key is declared as one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from types import MappingProxyType

from ai_admin.safety.applied import FLAG, Manifest
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import removal_code

ALIKE = 0.6
"""The likeness of two keys (0 to 1) from which on one flag may be the other under a new key."""


def removed_flags(
    before: Manifest, after: Manifest, live: Mapping[str, bool] = MappingProxyType({})
) -> Iterator[Refusal]:
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
