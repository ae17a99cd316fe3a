"""Gates: an installation keeps what a flag serves it although no percentage changes. For careful stacks. Pure. A flag
that was off is compared with what it was when it was last on.

- The same people stay in a percentage. PostHog computes who is in one from the flag's key and an id: with another key
  or another kind of id, 10 % are other 10 %.
- Release conditions keep their order. The first one whose percentage an installation is in decides on its variant.
- No number in a payload grows more than tenfold. The reviewer judges a payload, but may overlook three zeros too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from ai_admin.safety.applied import FLAG, FORMER, Entry, Manifest, served, unseen, when_on
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import digest
from providers.posthog.shares import shares

TENFOLD = 10
"""The factor by which a number may grow in one run."""


def redrawn(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each flag that still serves a part of all, and another part than before."""
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(FLAG):
            yield from _redrawn(name, when_on(before[name]), after[name])


def _redrawn(name: str, was: Entry, now: Entry) -> Iterator[Refusal]:
    key = name.removeprefix(FLAG)
    if _is_partial(was) and _is_partial(now):
        if was.get(FORMER, key) != key:
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
    return unseen(entry) or any(0 < share < 100 for shares in served(entry).values() for share in shares.values())


def reordered(before: Manifest, after: Manifest, reach: Reach) -> Iterator[Refusal]:
    """Yield a refusal for each flag that serves somebody something else because conditions changed places."""
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(FLAG):
            key, was, now = name.removeprefix(FLAG), when_on(before[name]), after[name]
            moved = next(_moved(key, was, now, reach), None) or next(_swapped(was, now), None)
            if moved:
                one, other = (reach.named(key, each) for each in moved)
                whom = f"both {one!r} and {other!r}" if moved[0] != moved[1] else f"{one!r} several times"
                what = f"who matches {whom} would be served something else, as they change places"
                order = [*served(now), *([now["equal"]] if now.get("equal") else [])]
                yield Refusal(what, (name,), f"order/{key}/{digest(order)}")


def _swapped(was: Entry, now: Entry) -> Iterator[tuple[str, str]]:
    """Yield the conditions of which several are for the same people, and whose order matters and has changed."""
    equal, early_exit = (now.get("equal") or {}) if served(now) else {}, now.get("early_exit") or False
    for condition in equal.keys() & (was.get("equal") or {}).keys():
        left: list[tuple[float, str] | None] = [(share, variant) for share, variant in was["equal"][condition]]
        places: list[tuple[int, tuple[float, str]]] = []
        for share, variant in equal[condition]:
            same = [n for n, part in enumerate(left) if part == (share, variant)]
            same += [n for n, part in enumerate(left) if part and part[1] == variant]
            if same:
                left[same[0]] = None
                places.append((same[0], (share, variant)))
        then, soon = ([part for _, part in each] for each in (sorted(places), places))
        # A single variant is served to as many in any order, except with an early exit, which the rollout shows.
        if len({variant for _, variant in soon}) > 1 and _drawn(then, early_exit) != _drawn(soon, early_exit):
            yield condition, condition


def _drawn(parts: list[tuple[float, str]], early_exit: bool) -> dict[str, float]:
    """Return the share that each variant gets of those who match all of these conditions."""
    found: dict[str, float] = {}
    for share, variant in parts[:1] if early_exit else parts:
        added = share - sum(found.values())
        if added > 0:
            found[variant] = found.get(variant, 0) + added
    return found


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


def swollen(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each number in a flag that is on which grows too far, away from zero."""
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(FLAG) and after[name].get("active"):
            was = (when_on(before[name]) or before[name]).get("numbers") or {}
            for path, now in sorted((after[name].get("numbers") or {}).items()):
                if path in was and abs(now) > TENFOLD * abs(was[path]):
                    figures = f"{_plain(was[path])}-{_plain(now)}"
                    what = (
                        f"a number in a payload ({path}) would grow from {_plain(was[path])} to {_plain(now)}, more "
                        f"than {TENFOLD} times"
                    )
                    code = re.sub(r"[^\w./-]", "_", f"payload/{name.removeprefix(FLAG)}/{path}/{figures}")
                    yield Refusal(what, (name,), code)


def _plain(number: float) -> str:
    return str(int(number)) if isinstance(number, int) or number.is_integer() else str(number)
