"""Gate: a cohort's or a flag's change is a change of every release condition on it. For careful stacks. Pure.

A cohort's file does not show which flags it is for. Its criteria don't show whether it grows, so any change of them
counts as growth, also a change in a cohort that it names. What another flag serves is known: its change counts where it
adds more people to the flags that depend on it than one run may add.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from ai_admin.safety.applied import COHORT, FLAG, Manifest, cohorts_of, served, unseen, when_on
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import ROLLOUT_STEP, Rollout, digest

_UNSEEN = "not known, as its release conditions are left to PostHog's pages"


def retargeted(before: Manifest, after: Manifest, returned: Collection[str] = ()) -> Iterator[Refusal]:
    """Yield a refusal for each cohort or flag whose change changes whom another flag serves.

    A new flag serves nobody yet, so it does not count; nor do flags that go off. Of those that only return
    (``returned``) a cohort counts that has other criteria than when the flag was on last.
    """
    for name in sorted(returned):
        yield from _since_on(name, before, after)
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(COHORT) and _differs(name, before, after):
            yield from _of_cohort(name, before, after)
        elif name.startswith(FLAG) and name not in returned and served(after[name]):
            code = digest(served(after[name]))
            yield from _refusals(name, _on_flag(name, before, after), code, before, after)


def _since_on(flag: str, before: Manifest, after: Manifest) -> Iterator[Refusal]:
    criteria = when_on(before[flag]).get("criteria") or {}
    for name in sorted(criteria.keys() & cohorts_of(after[flag], after)):
        stood = name in before and not _differs(name, before, after)  # else it is refused as a change of this run
        if stood and criteria[name] not in (None, after[name]["targeting"]):
            on = _on_cohorts(_with_users(name, after), {flag: after[flag]})
            yield from _refusals(name, on, after[name]["targeting"], before, after)


def put_back(unchanged: Collection[str], before: Manifest, after: Manifest) -> Iterator[tuple[str, Refusal]]:
    """Yield for each of these cohorts what refuses to put back criteria that somebody changed in PostHog, if any.

    ``unchanged`` are the Pulumi names of what the files say as it was applied last.
    """
    for name in sorted(unchanged):
        if name.startswith(COHORT):
            yield from ((name, refusal) for refusal in _of_cohort(name, before, after))


def _of_cohort(name: str, before: Manifest, after: Manifest) -> Iterator[Refusal]:
    on = _on_cohorts(_with_users(name, after), after)
    yield from _refusals(name, on, after[name]["targeting"], before, after)


def _refusals(name: str, on: dict[str, float], code: str, before: Manifest, after: Manifest) -> Iterator[Refusal]:
    flags = tuple(
        f"{flag} ({_UNSEEN if unseen(after[flag]) else f'{share:g} %'})"
        for flag, share in sorted(_with_dependents(on, after).items())
        if share and flag in before and (served(after[flag]) or unseen(after[flag]))
    )
    if flags:
        what = f"{name} changes who is in a release condition of flags that are on"
        yield Refusal(what, flags, f"targeting/{name.partition('/')[2]}/{code}")


def _differs(name: str, before: Manifest, after: Manifest) -> bool:
    # Manifests of before this gate hold a digest of the whole cohort only.
    what = "targeting" if "targeting" in before[name] else "digest"
    return bool(before[name].get(what) != after[name][what])


def _with_users(name: str, manifest: Manifest) -> set[str]:
    """Return a cohort and the cohorts that name it, directly or not."""
    found, looked_at = {name}, set[str]()
    while found != looked_at:
        looked_at = set(found)
        found |= {other for other, entry in manifest.items() if found & set(entry.get("names") or ())}
    return found


def _on_cohorts(cohorts: Collection[str], manifest: Manifest) -> dict[str, float]:
    """Return the flags on these cohorts, each with the largest share of a release condition on one.

    Those of which nobody knows that are among them.
    """
    found: dict[str, float] = {flag: 100 for flag, entry in manifest.items() if unseen(entry)}
    found |= {
        flag: max((share for cohort, share in entry["cohorts"].items() if cohort in cohorts), default=0)
        for flag, entry in manifest.items()
        if entry.get("cohorts")
    }
    return {flag: share for flag, share in found.items() if share}


def _on_flag(name: str, before: Manifest, after: Manifest) -> dict[str, float]:
    """Return the flags that depend on this one and get people by its change, each with the largest share of them."""
    was, now = served(before[name]), served(after[name])

    def brings(value: str) -> bool:
        wanted = json.loads(value)
        stops = isinstance(wanted, list)  # by an early exit: those who have it get nothing
        wanted = wanted[0] if stops else wanted
        sides = (was, now) if (wanted is False) == stops else (now, was)
        return _grows(*sides, wanted if isinstance(wanted, str) else "")

    if was == now:
        return {}
    found = {
        flag: max((share for value, share in entry["flags"][name].items() if brings(value)), default=0)
        for flag, entry in after.items()
        if name in (entry.get("flags") or {})
    }
    return {flag: share for flag, share in found.items() if share}


def _grows(was: Rollout, now: Rollout, variant: str) -> bool:
    return any(
        shares.get(variant, 0) - was.get(condition, {}).get(variant, 0) > ROLLOUT_STEP
        for condition, shares in now.items()
    )


def _with_dependents(on: dict[str, float], manifest: Manifest) -> dict[str, float]:
    """Return these flags and those that depend on them, directly or not, each with the largest share."""
    found = dict(on)
    while True:
        more = {
            flag: max(share for other in through for share in entry["flags"][other].values())
            for flag, entry in manifest.items()
            if flag not in found and (through := found.keys() & (entry.get("flags") or {}).keys())
        }
        if not more:
            return found
        found |= more
