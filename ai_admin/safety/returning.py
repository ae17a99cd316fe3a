"""Gate: a flag that was switched off returns to what was on before. One consent replaces those for rollouts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_admin.safety.applied import FLAG, Entry, Manifest, served, served_last
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import on_code


def returning(before: Manifest, after: Manifest) -> set[str]:
    """Return the names of the flags that are switched on again and serve nobody whom they did not serve before."""
    return {
        name
        for name, entry in after.items()
        if name.startswith(FLAG) and entry.get("active") and _within(entry, before.get(name, {}))
    }


def _within(entry: Entry, before: Entry) -> bool:
    last = {} if before.get("active") else served_last(before)
    return bool(last) and all(
        share <= last.get(condition, {}).get(variant, 0)
        for condition, variants in served(entry).items()
        for variant, share in variants.items()
    )


def back(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Yield one refusal for each flag that only returns, instead of those of the gates for rollouts."""
    for name in dict.fromkeys(name for refusal in found for name in refusal.about):
        what = "a flag that was switched off would be on again, for all that it served before"
        yield Refusal(what, (name,), on_code(name.removeprefix(FLAG)))
