"""What a flag takes from those who have it, and the smaller step that takes nothing from anybody. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from providers.posthog.consents import EVERYBODY, ROLLOUT_STEP, condition_digest, rollout
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.flag import condition_title
from providers.posthog.shares import Together, filters

Conditions = list[dict[str, Any]]


def losing(was: Properties, wanted: Properties) -> Iterator[str]:
    """Yield who of those that a flag serves by a release condition may be served less by other conditions, a line each.

    ``was`` and ``wanted`` are canonical. Whoever matches a condition matches those with fewer of its filters as well;
    what the others are for is not known. With ``early_exit`` the first condition that somebody matches decides.
    """
    if not was.get("active", True):
        return
    nothing = "no condition is for all of them"
    if wanted.get("early_exit"):
        nothing = "early_exit may end it for them at a condition for less"
    together = Together({**filters(was), **filters(wanted)})
    told: set[str] = set()
    for condition in was.get("release_conditions") or ():
        whom = condition_digest(condition)
        before, after = _shares(was, whom, together)[-1], min(_shares(wanted, whom, together))
        if after < before and whom not in told:
            told.add(whom)
            least = f"at least {after:g} % then" if after else f"and then {nothing}"
            yield f'of those who match "{condition_title(condition)}", {before:g} % have it now, {least}'


def varying(was: Properties, wanted: Properties) -> Iterator[str]:
    """Yield who of those that a release condition gives one variant are given it by no condition then, a line each."""
    if not was.get("active", True) or not wanted.get("active", True):
        return
    together = Together({**filters(was), **filters(wanted)})
    after = wanted.get("release_conditions") or ()
    for condition in was.get("release_conditions") or ():
        whom, variant = condition_digest(condition), condition.get("variant")
        share = condition.get("rollout_percentage", 100)
        certain = together.matched(map(condition_digest, after), [whom])
        theirs = [each for each in after if condition_digest(each) in certain]
        if variant and share and theirs and not any(_gives(wanted, each, variant) for each in theirs):
            now = f"{share:g} % have variant {variant} now"
            yield f'of those who match "{condition_title(condition)}", {now}, and then no condition gives it to them'


def _gives(flag: Properties, condition: dict[str, Any], variant: str) -> bool:
    """Return whether whoever a condition serves gets this variant."""
    return bool(condition.get("variant", variant if _split(flag).get(variant) == 100 else "") == variant)


def _split(flag: Properties) -> dict[str, float]:
    return {each["key"]: each.get("rollout_percentage", 0) for each in flag.get("variants") or ()}


def _shares(flag: Properties, whom: str, together: Together) -> list[float]:
    """Return the shares of a flag's conditions that may decide for those who match a condition (digest), its own or
    another flag's. The last one is of a condition that all of them match; 0, where there is none.
    """
    early_exit = flag.get("early_exit")
    found, certain = [], []
    for each in flag.get("release_conditions") or () if flag.get("active", True) else ():
        share, condition = each.get("rollout_percentage", 100), condition_digest(each)
        certain += [share] if condition in together.matched([condition], [whom]) else []
        found += [share] if early_exit and together.meeting(whom, condition) else []
        if early_exit and certain:
            return found
    return [max(certain, default=0)]


def smaller(was: Properties, wanted: Properties, every: bool = False) -> Properties:
    """Return a step from one state of a flag towards another, in which nobody loses what they have.

    The conditions of before stay, and grow by one step at most; new ones come after them. ``early_exit`` stays, too.

    Args:
        was: what the flag is, canonical.
        wanted: what it is to be.
        every: whether each new condition begins with one step, and not only one for everybody.
    """
    on = was.get("active", True) and wanted.get("active", True)
    before: Conditions = [*(was.get("release_conditions") or ())] if on else []
    after: Conditions = [*(wanted.get("release_conditions") or ())]
    targets = rollout(wanted)
    known = {condition_digest(each) for each in before}
    kept = [_grown(each, targets.get(condition_digest(each), {}).get("", 0)) for each in before]
    new = [
        {**each, "rollout_percentage": min(each.get("rollout_percentage", 100), ROLLOUT_STEP)}
        if every or condition_digest(each) == EVERYBODY
        else each
        for each in after
        if condition_digest(each) not in known
    ]
    step = {name: item for name, item in wanted.items() if name != "early_exit"}
    early_exit = {"early_exit": True} if was.get("early_exit") else {}
    return {**step, **early_exit, "release_conditions": [*kept, *new]}


def by_variant(was: Properties, wanted: Properties) -> Properties:
    """Return a step towards another state of a flag in which each variant grows by one step at most.

    Who changes from one variant to another loses the former one, but fewer do at once. Returns ``wanted`` where no
    condition is in both, or no variant grows further than that.
    """
    before, after, split = rollout(was), rollout(wanted), _split(wanted)
    parts = next((each for whom, each in before.items() if whom in after and each[""]), None)
    if not parts or not split:
        return wanted
    now = {key: 100 * parts.get(key, 0) / parts[""] for key in split}
    growth = max(split[key] - now[key] for key in split)
    if growth <= ROLLOUT_STEP:
        return wanted
    step = {key: math.trunc(now[key] + (split[key] - now[key]) * ROLLOUT_STEP / growth) for key in split}
    step[max(now, key=now.__getitem__)] += 100 - sum(step.values())
    return {**wanted, "variants": [{**each, "rollout_percentage": step[each["key"]]} for each in wanted["variants"]]}


def _grown(condition: dict[str, Any], share: float) -> dict[str, Any]:
    now = condition.get("rollout_percentage", 100)
    return {**condition, "rollout_percentage": max(now, min(share, now + ROLLOUT_STEP))}


def written(step: Properties) -> str:
    """Return the release conditions of a step in words."""
    return ", ".join(
        f'"{condition_title(each)}" at {each.get("rollout_percentage", 100):g} %' for each in step["release_conditions"]
    )


def variants_written(step: Properties) -> str:
    """Return the variants of a step in words."""
    return ", ".join(f"{key} at {share:g} %" for key, share in _split(step).items())
