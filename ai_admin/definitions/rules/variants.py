"""The variants of a flag, and what refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.spelling import listed, suggestion
from ai_admin.definitions.unreadable import UNREADABLE, at, is_readable


@rule("flag")
def sum_to_100(unit: Unit, _: Index) -> Iterator[Finding]:
    """Rollout percentages of variants sum to 100.

    PostHog of 2026-07 refuses other sums, a later one only logs it and gives the rest no variant. Both add up floating
    point numbers and compare exactly.
    """
    shares = [at(variant, "rollout_percentage") for variant in unit.value.get("variants") or ()]
    if not shares or not is_readable(*shares):
        return
    total = sum(shares)
    if not isclose(total, 100, abs_tol=1e-6):
        others = sum(shares[:-1])
        last = at(unit.written["variants"][-1], "key", default="the last")
        fix = f"write {100 - others:g} for {last}" if 0 <= 100 - others <= 100 else "make them sum to 100"
        yield Finding(("variants",), f"the rollout percentages of the variants sum to {total:g}, not 100", fix)
    elif total != 100:
        message = f"the rollout percentages of the variants sum to {total!r} as PostHog adds them up, not 100"
        yield Finding(("variants",), message, "write whole percentages, or move the fractions to other variants")


@rule("flag")
def unique_keys(unit: Unit, _: Index) -> Iterator[Finding]:
    """No two variants have the same key."""
    there: set[str] = set()
    for n, variant in enumerate(unit.value.get("variants") or ()):
        key = at(variant, "key")
        if key in there and key is not UNREADABLE:
            yield Finding(("variants", n, "key"), f'the variant "{key}" is there twice', "rename or remove one")
        there.add(key)


@rule("flag")
def conditions_name_variants(unit: Unit, _: Index) -> Iterator[Finding]:
    """A condition's variant is one of the flag's."""
    known = variant_keys(unit)
    if known is None:
        return
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        name = condition.get("variant")
        if not isinstance(name, str) or name in known:
            continue
        path = ("release_conditions", n, "variant")
        if known:
            fix = suggestion(name, known, f"write {listed(known)}")
            yield Finding(path, f'the flag has no variant "{name}"', fix)
        else:
            yield Finding(path, f'the flag has no variants, so none is called "{name}"', "add variants, or remove this")


@rule("flag", sees=("flag",))
def dependencies_name_variants(unit: Unit, index: Index) -> Iterator[Finding]:
    """A dependency on a flag's variant names one that the other flag has."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        for m, leaf in enumerate(condition.get("properties") or ()):
            other = index.find("flag", leaf.get("key")) if leaf.get("type") == "flag" else None
            name = leaf.get("value")
            known = variant_keys(other) if other else None
            if other is None or known is None or not isinstance(name, str):
                continue
            if name not in known:
                fix = suggestion(name, known, f"write {listed([*known, 'true', 'false'])}")
                path = ("release_conditions", n, "properties", m, "value")
                yield Finding(path, f'the flag "{other.key}" has no variant "{name}"', fix)


def variant_keys(flag: Unit) -> list[str] | None:
    """Return the keys of a flag's variants, None where there may be others: in PostHog, or where it can't be read."""
    unmanaged, variants = at(flag.value, "unmanaged", default=()), at(flag.value, "variants", default=())
    keys = [at(variant, "key") for variant in variants]
    return None if "variants" in unmanaged or not is_readable(unmanaged, variants, *keys) else list(dict.fromkeys(keys))
