"""Gates: a rollout grows in steps, for careful stacks; a flag that was switched off returns to what was on before, for
which one consent replaces those for rollouts. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_admin.safety.applied import FLAG, Entry, Manifest, served, served_last
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import EVERYBODY, ROLLOUT_STEP, Rollout, on_code, rollout_code
from providers.posthog.shares import at_least, freed


def jumps(before: Manifest, after: Manifest, reach: Reach, first: bool = False) -> Iterator[Refusal]:
    """Yield a refusal for each release condition that would grow too far in one run, whole or for one variant.

    A flag that is off serves nobody, so switching it on is growth from nothing; a new flag is like one that was off.
    A new condition for some (a cohort, properties) may start at any share; conditions that together leave out nobody
    may not. A variant may return to a share that it has had, so that a bad candidate can be withdrawn. In a stack's
    ``first`` run only what PostHog has already is in use.
    """
    for name in sorted(before.keys() & after.keys() if first else after):
        if name.startswith(FLAG):
            yield from _flag_steps(name, before, after) or _everybodys_steps(name, before, after, reach)
            yield from _freed_steps(name, before, after, reach)


def _flag_steps(name: str, before: Manifest, after: Manifest) -> list[Refusal]:
    entry, key = before.get(name, {}), name.removeprefix(FLAG)
    known = {EVERYBODY, *(entry.get("rollout") or {})}
    was, peak = served(entry), entry.get("peak") or {}
    found = []
    for condition, now in served(after[name]).items():
        if condition not in known:
            continue
        then = was.get(condition, {})
        for variant, share in now.items():
            start = max(then.get(variant, 0), peak.get(condition, {}).get(variant, 0) if variant else 0)
            if share - start > ROLLOUT_STEP:
                of_whom = f"the share of variant {variant}" if variant else "a release condition"
                what = f"{of_whom} would grow from {start:g} % to {share:g} %, {ROLLOUT_STEP} points may be in one run"
                found.append(Refusal(what, (name,), rollout_code(key, start, share, variant)))
                if not variant:
                    break  # its variants grow with it
    return found


def _everybodys_steps(name: str, before: Manifest, after: Manifest, reach: Reach) -> Iterator[Refusal]:
    """Yield a refusal where all installations would be served more than they are, by any conditions.

    Conditions that this run removes count as conditions for nobody, since no file has them any more. What people get
    because another condition shrinks never counts, so that a bad candidate can be withdrawn.
    """
    entry, key = before.get(name, {}), name.removeprefix(FLAG)
    was, now = served(entry), served(after[name])
    grown = {
        variant
        for condition, parts in now.items()
        for variant, part in parts.items()
        if part > was.get(condition, {}).get(variant, 0)
    }
    if not grown:
        return
    kinds = reach.kinds(key)
    then = at_least(_at_peak(was, entry), kinds, entry.get("early_exit") or False)
    for variant, share in at_least(now, kinds, after[name].get("early_exit") or False).items():
        start = then.get(variant, 0)
        if variant in grown and share - start > ROLLOUT_STEP:
            of_whom = f"variant {variant} would be served to" if variant else "release conditions would be for"
            what = (
                f"{of_whom} {share:g} % of all installations instead of {start:g} %, since their filters may leave out "
                f"nobody; {ROLLOUT_STEP} points may be in one run"
            )
            yield Refusal(what, (name,), rollout_code(key, start, share, variant))
            if not variant:
                return


def _freed_steps(name: str, before: Manifest, after: Manifest, reach: Reach) -> Iterator[Refusal]:
    """Yield a refusal where people would be served more since nothing stops them any more."""
    entry, key = before.get(name, {}), name.removeprefix(FLAG)
    if not entry.get("early_exit"):
        return
    known = {**(entry.get("filters") or {}), **reach.filters(key)}
    found = freed(served(entry), served(after[name]), after[name].get("early_exit") or False, known)
    for start, share in sorted(found):
        what = (
            f"of those who match several release conditions {share:g} % would be served instead of {start:g} %, since "
            "the early exit, or a condition that stops them by it, goes; "
            f"{ROLLOUT_STEP} points may be in one run"
        )
        yield Refusal(what, (name,), rollout_code(key, start, share))


def _at_peak(rollout: Rollout, entry: Entry) -> Rollout:
    peak = entry.get("peak") or {}
    return {
        condition: {variant: max(part, peak.get(condition, {}).get(variant, 0)) for variant, part in parts.items()}
        for condition, parts in rollout.items()
    }


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
