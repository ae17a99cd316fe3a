"""Gate: a smaller holdout of an experiment needs consent, as its flag then serves those whom it kept out. For careful
stacks. Pure.

A holdout's file does not show which flags it is for, and no percentage of a flag changes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.safety.applied import FLAG, WITHHELD, Manifest, when_on, withheld
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import withhold_code


def shrunk(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    """Yield a refusal for each flag that is on, or is on again, and of which a smaller share of all is kept out."""
    then = withheld(before, before)
    for name in sorted(after.keys() & before.keys()):
        last = then.get(name, {}) if before[name].get("active") else when_on(before[name])
        share, now = last.get(WITHHELD, 0), after[name].get(WITHHELD, 0)
        if after[name].get("active") and now < share:
            what = f"{now:g} % of all would be kept out by a holdout instead of {share:g} %, and the others be served"
            yield Refusal(what, (name,), withhold_code(name.removeprefix(FLAG), share, now))
