"""Gate: a rollout grows in steps. For careful stacks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.safety.applied import FLAG, Manifest, served
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import EVERYBODY, ROLLOUT_STEP, rollout_code


def jumps(before: Manifest, after: Manifest, first: bool = False) -> Iterator[Refusal]:
    """Yield a refusal for each release condition that would grow too far in one run, whole or for one variant.

    A flag that is off serves nobody, so switching it on is growth from nothing; a new flag is like one that was off.
    A new condition for some (a cohort, properties) may start at once. A variant may go back at once to a share that it
    has had: that is how people get off a bad candidate. In a stack's ``first`` run nothing is in use yet but what is
    live already.
    """
    for name in sorted(before.keys() & after.keys() if first else after):
        if name.startswith(FLAG):
            yield from _flag_steps(name, before, after)


def _flag_steps(name: str, before: Manifest, after: Manifest) -> Iterator[Refusal]:
    entry, key = before.get(name, {}), name.removeprefix(FLAG)
    known = {EVERYBODY, *(entry.get("rollout") or {})}
    was, peak = served(entry), entry.get("peak") or {}
    for condition, now in served(after[name]).items():
        if condition not in known:
            continue
        then = was.get(condition, {})
        for variant, share in now.items():
            start = max(then.get(variant, 0), peak.get(condition, {}).get(variant, 0) if variant else 0)
            if share - start > ROLLOUT_STEP:
                of_whom = f"the share of variant {variant}" if variant else "a release condition"
                what = f"{of_whom} would grow from {start:g} % to {share:g} %, {ROLLOUT_STEP} points may be in one run"
                yield Refusal(what, (name,), rollout_code(key, start, share, variant))
                if not variant:
                    break  # its variants grow with it
