"""Gate: a cohort's change is a change of every release condition on it. For careful stacks. Pure.

Nobody who reviews a cohort's file sees which flags it is for. Whether the cohort grows can't be told from its criteria,
so that any other criteria count as growth, also those of a cohort that the cohort names.
"""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.safety.applied import COHORT, FLAG, Manifest, served
from ai_admin.safety.refusal import Refusal


def retargeted(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each cohort whose criteria change while a flag serves somebody by it.

    A flag that is new serves nobody yet, so it is not looked at.
    """
    for name in sorted(before.keys() & after.keys()):
        if name.startswith(COHORT) and _differs(name, before, after):
            through = _with_users(name, after)
            flags = tuple(
                f"{flag} ({share:g} %)"
                for flag in sorted(before.keys() & after.keys())
                if flag.startswith(FLAG) and (share := _share(flag, through, after))
            )
            if flags:
                what = f"{name} changes who is in a release condition of flags that are on"
                key = name.removeprefix(COHORT)
                yield Refusal(what, flags, f"targeting/{key}/{after[name]['targeting']}")


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


def _share(flag: str, cohorts: set[str], manifest: Manifest) -> float:
    """Return the largest share of a release condition on one of these cohorts, while the flag is on."""
    if not served(manifest[flag]):
        return 0
    on = manifest[flag].get("cohorts") or {}
    return max((share for cohort, share in on.items() if cohort in cohorts), default=0)
