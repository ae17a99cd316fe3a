"""The variants of a flag, and what refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from ai_admin.definitions.model import Finding
from ai_admin.definitions.nearest import listed, suggestion
from ai_admin.definitions.world import Rule, Unit, World


def sum_to_100(unit: Unit, _: World) -> Iterator[Finding]:
    """Rollout percentages of variants sum to 100. PostHog only logs it, and gives the rest no variant."""
    shares = [variant["rollout_percentage"] for variant in unit.value.get("variants") or ()]
    total = sum(shares)
    if shares and not isclose(total, 100, abs_tol=1e-6):
        others = sum(shares[:-1])
        last = unit.value["variants"][-1]["key"]
        fix = f"write {100 - others:g} for {last}" if 0 <= 100 - others <= 100 else "make them sum to 100"
        yield Finding(("variants",), f"the rollout percentages of the variants sum to {total:g}, not 100", fix)


def unique_keys(unit: Unit, _: World) -> Iterator[Finding]:
    """No two variants have the same key."""
    seen: set[str] = set()
    for n, variant in enumerate(unit.value.get("variants") or ()):
        if variant["key"] in seen:
            yield Finding(
                ("variants", n, "key"),
                f'the variant "{variant["key"]}" is there twice',
                "rename or remove one",
            )
        seen.add(variant["key"])


def conditions_name_variants(unit: Unit, _: World) -> Iterator[Finding]:
    """A condition's variant is one of the flag's."""
    known = _keys(unit)
    if "variants" in (unit.value.get("unmanaged") or ()):
        return
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        name = condition.get("variant")
        if name is None or name in known:
            continue
        path = ("release_conditions", n, "variant")
        if known:
            fix = suggestion(name, known, f"write {listed(known)}")
            yield Finding(path, f'the flag has no variant "{name}"', fix)
        else:
            yield Finding(path, f'the flag has no variants, so none is called "{name}"', "add variants, or remove this")


def dependencies_name_variants(unit: Unit, world: World) -> Iterator[Finding]:
    """A dependency on a flag's variant names one that the other flag has."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        for m, leaf in enumerate(condition.get("properties") or ()):
            other = world.find("flag", leaf.get("key")) if leaf.get("type") == "flag" else None
            name = leaf.get("value")
            if other is None or not isinstance(name, str) or not other.readable(("variants", "unmanaged")):
                continue
            known = _keys(other)
            if name not in known and "variants" not in (other.value.get("unmanaged") or ()):
                fix = suggestion(name, known, f"write {listed([*known, 'true', 'false'])}")
                path = ("release_conditions", n, "properties", m, "value")
                yield Finding(path, f'the flag "{other.key}" has no variant "{name}"', fix)


def _keys(flag: Unit) -> list[str]:
    return list(dict.fromkeys(variant["key"] for variant in flag.value.get("variants") or ()))


RULES = (
    Rule("flag", ("variants",), sum_to_100),
    Rule("flag", ("variants",), unique_keys),
    Rule("flag", ("variants", "release_conditions", "unmanaged"), conditions_name_variants),
    Rule("flag", ("release_conditions",), dependencies_name_variants, sees=("flag",)),
)
