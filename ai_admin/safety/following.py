"""Gate: a stack that follows another one is not ahead of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ai_admin.safety.applied import FLAG, SERVES, Entry, Manifest, cohorts_of, served, unseen
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import EVERYBODY, Rollout


@dataclass(frozen=True)
class Followed:
    """The stack that this one follows (``ai-admin:follows``): what was applied to it last, or why that is unknown."""

    stack: str
    manifest: Manifest | None
    problem: str = ""


def grown(before: Manifest, after: Manifest) -> dict[str, Rollout]:
    """Return by flag what would be served more widely than before; empty means there is nothing to compare.

    Also, without a condition, flags for which this is not known: one that is switched on and whose release conditions
    are left to PostHog's pages, and one with a cohort whose criteria change.
    """
    found = {name: _growth(served(before.get(name)), served(after[name])) for name in after if name.startswith(FLAG)}
    return {
        name: growth
        for name, growth in found.items()
        if growth
        or (unseen(after[name]) and not before.get(name, {}).get("active"))
        or any(_by_cohorts(before, after, name))
    }


def _by_cohorts(before: Manifest, after: Manifest, flag: str) -> Iterator[tuple[str, float]]:
    """Yield the cohorts through which a flag may serve others than before, each with the share that it decides on: a
    cohort with a larger share, or whose criteria, or those of a cohort in it, change.
    """
    was = before.get(flag, {}) if served(before.get(flag)) else {}
    for direct, share in (after[flag].get("cohorts") or {}).items() if served(after[flag]) else ():
        for name in cohorts_of({"cohorts": {direct: share}}, after):
            wider = share > (was.get("cohorts") or {}).get(direct, 0)
            if share and (wider or not _alike(before.get(name), after[name])):
                yield name, share


def _alike(cohort: Entry | None, other: Entry) -> bool:
    return cohort is not None and all(cohort.get(fact) == other.get(fact) for fact in SERVES["cohort"])


def _growth(was: Rollout, now: Rollout) -> Rollout:
    return {
        condition: growth
        for condition, shares in now.items()
        if (growth := {key: share for key, share in shares.items() if share > was.get(condition, {}).get(key, 0)})
    }


def ahead(before: Manifest, after: Manifest, followed: Followed) -> Iterator[Refusal]:
    """Yield a refusal for each flag that would serve more than it does in the followed stack.

    Conditions are compared one by one, and cohorts in them by their criteria. A condition for everybody in the followed
    stack allows its share for any condition here. Only growth counts, so a rollback of the other stack does not block
    this one.
    """
    growth = grown(before, after)
    if not growth:
        return
    if followed.manifest is None:
        what = f"this stack follows {followed.stack}, and {followed.problem}"
        yield Refusal(what, tuple(sorted(growth)), f"unfollowed/{followed.stack}")
        return
    for name, conditions in sorted(growth.items()):
        there = followed.manifest.get(name)
        where = followed.stack if unseen(there) else "this stack" if unseen(after[name]) else ""
        if where:
            what = f"it is not known who is ahead, as release conditions are left to PostHog's pages in {where}"
            yield Refusal(what, (name,), f"ahead/{name.removeprefix(FLAG)}/unseen")
        else:
            yield from _ahead(name, conditions, served(there), followed.stack)
            everybody = served(there).get(EVERYBODY, {}).get("", 0)
            others = {
                cohort
                for cohort, share in _by_cohorts(before, after, name)
                if share > everybody and not _alike(followed.manifest.get(cohort), after[cohort])
            }
            for cohort in sorted(others):
                what = f"{cohort}, which a release condition is for, is not the one that {followed.stack} has"
                yield Refusal(what, (name,), f"ahead/{name.removeprefix(FLAG)}/{after[cohort]['targeting']}")


def _ahead(name: str, growth: Rollout, there: Rollout, stack: str) -> Iterator[Refusal]:
    key = name.removeprefix(FLAG)
    everybody = there.get(EVERYBODY, {})
    wider: set[tuple[float, float]] = set()
    new: set[str] = set()
    for condition, shares in growth.items():
        allowed = max(there.get(condition, {}).get("", 0), everybody.get("", 0))
        if shares.get("", 0) > allowed:
            wider.add((shares[""], allowed))
        new |= {each for each in shares if each and shares[each] and not any(part.get(each) for part in there.values())}
    for share, allowed in sorted(wider):
        what = f"a release condition would be at {share:g} %, ahead of the {allowed:g} % that {stack} has"
        yield Refusal(what, (name,), f"ahead/{key}/{share:g}-{allowed:g}")
    for variant in sorted(new):
        what = f"variant {variant} would be served, and {stack} serves it to nobody"
        yield Refusal(what, (name,), f"ahead/{key}/{variant}")
