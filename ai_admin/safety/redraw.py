"""Gate: the same people stay in a percentage. For careful stacks. Pure.

PostHog computes who is in a percentage from the flag's key and an id. With another key or another kind of id, 10 % are
other 10 %.
"""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.safety.applied import FLAG, FORMER, Entry, Manifest, served
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import digest


def redrawn(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each flag that still serves a part of all, and another part than before."""
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(FLAG):
            yield from _redrawn(name, before[name], after[name])


def _redrawn(name: str, was: Entry, now: Entry) -> Iterator[Refusal]:
    key = name.removeprefix(FLAG)
    if _is_partial(was) and _is_partial(now):
        if FORMER in was:
            what = "another key draws anew who is in a percentage"
            yield Refusal(what, (name,), f"redraw/{key}/{was[FORMER]}")
        if "by" in was and was["by"] != now["by"]:
            what = f"who is in a percentage would be drawn by {now['by']} instead of {was['by']}"
            yield Refusal(what, (name,), f"redraw/{key}/{was['by']}-{now['by']}")
    groups = {condition: types for condition, types in (now.get("groups") or {}).items() if served(now)}
    others = [each for each in groups if each in served(was) and groups[each] != _types(was, each)]
    others += [each for each in was.get("groups") or () if each in served(now) and each not in groups]
    if "by" in was and others:
        what = "a release condition would be for another group type, or for persons instead of groups"
        yield Refusal(what, (name,), f"redraw/{key}/{digest(groups)}")


def _types(entry: Entry, condition: str) -> list[int | None]:
    found: list[int | None] = (entry.get("groups") or {}).get(condition) or []
    return found


def _is_partial(entry: Entry) -> bool:
    return any(0 < share < 100 for shares in served(entry).values() for share in shares.values())
