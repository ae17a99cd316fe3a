"""Gates for careful stacks: a rollout grows in steps; a flag that was switched off returns to what was on before, with
one consent instead of those for rollouts. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from ai_admin.safety.applied import FLAG, Entry, Manifest, served, when_on
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import EVERYBODY, ROLLOUT_STEP, Rollout, on_code, rollout_code
from providers.posthog.shares import Filters, Shares, at_least, freed


@dataclass(frozen=True)
class _Step:
    """A growth that is too large, for all or for a variant."""

    start: float
    share: float
    variant: str = ""
    what: str = ""

    def is_part_of(self, other: _Step) -> bool:
        """Return whether who consents to another step consents to this one."""
        return self.variant == other.variant and other.start <= self.start and self.share <= other.share


def jumps(before: Manifest, after: Manifest, reach: Reach, first: bool = False) -> Iterator[Refusal]:
    """Yield a refusal for each release condition that would grow too far in one run, whole or for one variant.

    A flag that is off serves nobody, so switching it on is growth from nothing; a new flag is like one that was off.
    A new condition for some (a cohort, properties) may start at any share; conditions that together leave out nobody
    may not. A variant may return to a share that it has had, so that a bad candidate can be withdrawn. In a stack's
    ``first`` run only what PostHog has already is in use.

    Each refusal is for its own figures, so that a consent to one step lets no other one pass.
    """
    for name in sorted(before.keys() & after.keys() if first else after):
        if name.startswith(FLAG):
            entry, key = before.get(name, {}), name.removeprefix(FLAG)
            steps = [*_of_conditions(entry, after[name]), *_of_stopped(entry, after[name], reach.filters(key))]
            every = _of_everybody(entry, after[name], reach.kinds(key))
            steps += [step for step in every if not any(map(step.is_part_of, steps))]
            for step in dict.fromkeys(steps):
                yield Refusal(step.what, (name,), rollout_code(key, step.start, step.share, step.variant))


def _too_far(then: Shares, now: Shares, most: Shares) -> Iterator[_Step]:
    """Yield the growth of all, and of each variant, that is too large; ``most`` is the highest share that each had.

    Variants grow with all. If that is too large, which has its own consent, only a variant counts that also gets a
    larger part of all, unless nobody was served.
    """
    whole, every = then.get("", 0), now.get("", 0)
    if every - whole > ROLLOUT_STEP:
        yield _Step(whole, every)
        then = {variant: share * every / whole for variant, share in then.items()} if whole else now
    for variant, share in now.items():
        start = most.get(variant, 0)
        if variant and share - max(start, then.get(variant, 0)) > ROLLOUT_STEP:
            yield _Step(start, share, variant)


def _of_conditions(was: Entry, now: Entry) -> Iterator[_Step]:
    """Yield which conditions grow too far, and which variants in them."""
    known = {EVERYBODY, *(was.get("rollout") or ()), *served(when_on(was))}
    for exits in _ways(was, now):
        then, most = served(was, exits), _at_peak(was, exits)
        for condition, parts in served(now, exits).items():
            if condition in known:
                for step in _too_far(then.get(condition, {}), parts, most.get(condition, {})):
                    of_whom = f"the share of variant {step.variant}" if step.variant else "a release condition"
                    start, share = f"{step.start:g}", f"{step.share:g}"
                    what = f"{of_whom} would grow from {start} % to {share} %, {ROLLOUT_STEP} points may be in one run"
                    yield replace(step, what=what)


def _ways(*sides: Entry) -> set[bool]:
    """Return with and without an early exit: an organisation may lack it, so that PostHog keeps none, and what would
    grow without it counts as well.
    """
    return {False, any(side.get("early_exit") for side in sides)}


def _of_everybody(was: Entry, now: Entry, kinds: Collection[Collection[str]]) -> Iterator[_Step]:
    """Yield where all installations would be served more than they are, by any conditions.

    Conditions that this run removes count as conditions for nobody, since no file has them any more. What people get
    because another condition shrinks never counts, so that a bad candidate can be withdrawn.
    """
    for exits in _ways(was, now):
        before, after = served(was, exits), served(now, exits)
        grown = {
            variant
            for condition, parts in after.items()
            for variant, part in parts.items()
            if part > before.get(condition, {}).get(variant, 0)
        }
        if not grown:
            continue
        then, most, soon = (
            at_least(rollout, kinds, exits and bool(entry.get("early_exit")))
            for rollout, entry in ((before, was), (_at_peak(was, exits), was), (after, now))
        )
        for step in _too_far(then, soon, most):
            if step.variant in grown:
                of = f"variant {step.variant} would be served to" if step.variant else "release conditions would be for"
                grows = f"{step.share:g} % of all installations instead of {step.start:g} %"
                why = "since their filters may leave out nobody"
                yield replace(step, what=f"{of} {grows}, {why}; {ROLLOUT_STEP} points may be in one run")


def _of_stopped(was: Entry, now: Entry, known: Filters, step: float = ROLLOUT_STEP) -> Iterator[_Step]:
    """Yield where people would be served more than one ``step`` more, because nothing stops them any more."""
    if was.get("early_exit"):
        known = {**(was.get("filters") or {}), **known}
        for start, share in sorted(freed(served(was), served(now), now.get("early_exit") or False, known, step)):
            what = (
                f"who matches several release conditions would be served {share:g} % instead of {start:g} %, since an "
                f"early exit, or a condition that stops them by it, goes; {ROLLOUT_STEP} points may be in one run"
            )
            yield _Step(start, share, what=what)


def _at_peak(entry: Entry, exits: bool) -> Rollout:
    """Return whom a flag serves, each variant to as many as it ever was."""
    rollout, peak = served(entry, exits), entry.get("peak") or {}
    return {
        condition: {variant: max(part, peak.get(condition, {}).get(variant, 0)) for variant, part in parts.items()}
        for condition, parts in rollout.items()
    }


def returning(before: Manifest, after: Manifest, reach: Reach) -> set[str]:
    """Return the names of the flags that are switched on again and serve nobody whom they did not serve before."""
    off = {name: before[name] for name in before.keys() & after.keys() if not before[name].get("active")}
    return {
        name
        for name, entry in off.items()
        if name.startswith(FLAG)
        and after[name].get("active")
        and _within(after[name], when_on(entry), reach.filters(name.removeprefix(FLAG)))
    }


def _within(entry: Entry, last: Entry, known: Filters) -> bool:
    return (
        bool(served(last))
        and all(
            share <= served(last, exits).get(condition, {}).get(variant, 0)
            for exits in _ways(last, entry)
            for condition, variants in served(entry, exits).items()
            for variant, share in variants.items()
        )
        and not any(_of_stopped(last, entry, known, 0))
    )


def back(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Yield one refusal for each flag that only returns, instead of those for rollouts."""
    for name in dict.fromkeys(name for refusal in found for name in refusal.about):
        what = "a flag that was switched off would be on again, for all that it served before"
        yield Refusal(what, (name,), on_code(name.removeprefix(FLAG)))
