"""What was applied last: a *manifest*, which the program keeps among its stack's outputs. Pure.

A manifest has an entry for each resource, by its Pulumi name (``flag/ai-model-version``):

- of every resource a digest of its properties, and its id in PostHog;
- of a flag whether it is on, whom it serves, in the order of its conditions, which conditions are for the same people,
  the cohorts and flags in them, what a percentage is drawn by, and the numbers in its payloads; whether its conditions
  are left to PostHog's pages, so that nobody knows whom it serves; of one with an early exit the filters of its
  conditions; of one that is off also what it said of all that when it was on last, with its key then and the criteria
  of its cohorts;
- of a cohort a digest of its criteria, and the cohorts in them;
- of a holdout its share, and of an experiment its flag and its holdout; of a flag the share that a holdout keeps out of
  it, and the holdouts of all its experiments, also of those that went.

An `up` adds what the next run must know of each flag's switch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from providers.posthog.consents import CONSENTED, ON, Rollout, condition_digest, digest, numbers, on_code, rollout
from providers.posthog.kinds.base import Definition, Ref, refs
from providers.posthog.shares import filters

Entry = Mapping[str, Any]
Manifest = Mapping[str, Entry]

FLAG, COHORT = str(Ref("flag", "")), str(Ref("cohort", ""))
"""The beginnings of the names of flags and of cohorts."""

KEEPS_OUT = "keeps_out"
"""In the entry of an experiment: its holdout, by name, if any; missing where that is left to PostHog's pages."""

WITHHELD = "withheld"
"""In the entry of a flag: the share of all that a holdout keeps out of it, as PostHog wrote it there last."""

HOLDOUTS = "holdouts"
"""In the entry of a flag: by its experiments, also those that went, the name of the holdout and its share. One that
went, and whose key another one has since, has a prime after its name."""

SERVES = {
    "flag": ("active", "rollout", "equal", "by", "groups", "cohorts", "flags", "early_exit", "left"),
    "cohort": ("targeting", "static"),
    "holdout": ("share",),
    "experiment": ("flag", KEEPS_OUT),
}
"""By kind, what an entry says of who is served. Of other kinds everything counts."""

OFF_AT = "off_at"
"""In the entry of a flag that is off: the time at which a run last applied it so."""

LAST = ("rollout", "equal", "left", "by", "groups", "early_exit", "filters", "numbers")
"""What the entry of a flag that is off keeps of the one when it was on last."""

FORMER = "former"
"""In an entry: the key that the resource had, where this run gives it another one."""


def manifest(definitions: Iterable[Definition], before: Manifest) -> dict[str, dict[str, Any]]:
    """Return the manifest of definitions; ``before`` is that of the last run."""
    entries = {name_of(each): _entry(each, before) for each in definitions}
    known = {name: {**before.get(name, {}), **kept} for name, kept in withheld(before, before).items()}
    for name, kept in withheld({**before, **known}, entries).items():
        if name in entries:
            entries[name] |= _filled(**kept)
    return entries


def name_of(definition: Definition) -> str:
    """Return a definition's Pulumi name."""
    return str(Ref(definition.kind, definition.key))


def _entry(definition: Definition, before: Manifest) -> dict[str, Any]:
    name = name_of(definition)
    properties = {name: value for name, value in definition.properties.items() if name != "key"}
    entry: dict[str, Any] = {"digest": digest(properties)}
    if definition.kind == "flag":
        served = rollout(properties)
        peak = before.get(name, {}).get("peak") or {}
        entry["active"] = active = properties.get("active", True)
        entry["rollout"] = served
        entry["peak"] = {
            condition: {
                variant: max(share if active else 0, peak.get(condition, {}).get(variant, 0))
                for variant, share in variants.items()
                if variant
            }
            for condition, variants in served.items()
            if len(variants) > 1
        }
        entry["by"] = properties.get("bucketing_identifier", "distinct_id")
        entry |= _filled(
            equal=_equal(properties),
            left="release_conditions" in properties.get("unmanaged", ()),
            groups=_groups(properties),
            cohorts=_cohorts(properties),
            flags=_flags(properties),
            numbers=numbers(properties.get("payloads") or {}),
            early_exit=properties.get("early_exit"),
            filters=filters(properties) if properties.get("early_exit") else {},
        )
        if not active:
            entry |= _filled(last=_last(name, before))
    if definition.kind == "cohort":
        entry["targeting"] = digest(properties.get("filters"))
        entry["static"] = bool(properties.get("is_static"))
        entry |= _filled(names=sorted({f"{COHORT}{ref.key}" for ref in refs(properties) if ref.kind == "cohort"}))
    if definition.kind == "holdout":
        entry["share"] = properties.get("exclusion_percentage")
    if definition.kind == "experiment":
        entry["flag"] = str(properties.get("flag"))
        if "holdout" not in properties.get("unmanaged", ()):
            entry[KEEPS_OUT] = str(properties.get("holdout") or "")
    return entry


def _filled(**facts: Any) -> dict[str, Any]:
    """Return the facts that are not empty: most are, and every run reads the manifest."""
    return {name: fact for name, fact in facts.items() if fact}


def _equal(flag: Mapping[str, Any]) -> dict[str, list[tuple[float, str]]]:
    """Return the conditions that are for the same people, in their order: share and variant of each."""
    found: dict[str, list[tuple[float, str]]] = {}
    for each in flag.get("release_conditions") or ():
        part = (each.get("rollout_percentage", 100), each.get("variant") or "")
        found.setdefault(condition_digest(each), []).append(part)
    return {condition: parts for condition, parts in found.items() if len(parts) > 1}


def _groups(flag: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the group types by condition; conditions for persons are left out."""
    found: dict[str, set[int]] = {}
    for condition in flag.get("release_conditions") or ():
        index = condition.get("aggregation_group_type_index")
        if index is not None:
            found.setdefault(condition_digest(condition), set()).add(index)
    return {condition: sorted(indexes) for condition, indexes in found.items()}


def _cohorts(flag: Mapping[str, Any]) -> dict[str, float]:
    """Return the cohorts in a flag's conditions, each with the largest share that it decides on."""
    found: dict[str, float] = {}
    for condition, share, behind in _decided(flag):
        for ref in refs(condition):
            if ref.kind == "cohort":
                name = f"{COHORT}{ref.key}"
                found[name] = max(found.get(name, 0), share, behind)
    return found


def _flags(flag: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the flags in a flag's conditions, each with the largest share by the value that it must have (as JSON), or
    must not have (as a list of that one).
    """
    found: dict[str, dict[str, float]] = {}
    for condition, share, behind in _decided(flag):
        for leaf in condition.get("properties") or ():
            if leaf.get("type") == "flag" and isinstance(leaf["key"], Ref):
                shares, value = found.setdefault(f"{FLAG}{leaf['key'].key}", {}), leaf.get("value")
                for wanted, part in ((value, share), *([([value], behind)] if behind else ())):
                    text = json.dumps(wanted)
                    shares[text] = max(shares.get(text, 0), part)
    return found


def _decided(flag: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], float, float]]:
    """Yield each condition with the share of those who match it, and with what others get by conditions behind it, whom
    it would stop by an early exit.
    """
    conditions = flag.get("release_conditions") or ()
    shares = [condition.get("rollout_percentage", 100) for condition in conditions]
    for n, condition in enumerate(conditions):
        yield condition, shares[n], max(shares[n + 1 :], default=0) if flag.get("early_exit") else 0


def off(name: str, before: Manifest) -> dict[str, Any]:
    """Return the entry of a flag of which only the switch was applied, which is off."""
    return {**before[name], "active": False, **_filled(last=_last(name, before))}


def _last(name: str, before: Manifest) -> dict[str, Any]:
    """Return what the next runs must know of a flag that is off: as what it was on last."""
    entry = before.get(name, {})
    if not entry.get("active"):
        return dict(entry.get("last") or _filled(rollout=entry.get("served")))
    return {
        **{fact: entry[fact] for fact in LAST if fact in entry},
        FORMER: entry.get(FORMER, name.removeprefix(FLAG)),
        **_filled(withheld=withheld(before, before).get(name, {}).get(WITHHELD)),
        **_filled(criteria={each: before[each].get("targeting") for each in cohorts_of(entry, before)}),
    }


def unseen(entry: Entry | None) -> bool:
    """Return whether a flag is on, and serves whom its release conditions on PostHog's pages say."""
    return bool((entry or {}).get("active") and (entry or {}).get("left"))


def when_on(entry: Entry | None) -> Entry:
    """Return the entry of a flag as it was when it was last on; empty where that is not known.

    Of one that is off its former key is in there also if it is the present one.
    """
    entry = entry or {}
    last = entry if entry.get("active") else entry.get("last") or _filled(rollout=entry.get("served"))
    return {**last, "active": True} if last else {}


def withheld(before: Manifest, after: Manifest) -> dict[str, dict[str, Any]]:
    """Return by the names of flags what their entries say of holdouts once ``after`` is applied to ``before``.

    With one manifest as both, that is what it says by all its entries: that of a flag may be the older one.

    PostHog writes a holdout's share into a flag when its experiment gets the holdout, and when the holdout changes or
    goes, then also for experiments that ended or were deleted (experiment_holdouts.py). Else what is there stays. Of
    several shares that one run writes, the last of which stays, the least is assumed.
    """
    before_by_flag = {name: dict(entry[HOLDOUTS]) for name, entry in before.items() if HOLDOUTS in entry}
    attached = {
        flag: {experiment: holdout for experiment, (holdout, _) in known.items()}
        for flag, known in before_by_flag.items()
    }
    for name, entry in after.items():
        if KEEPS_OUT in entry:
            flag = entry["flag"]
            if name in attached.get(flag, {}) and before.get(name, {}).get("flag") != flag:
                _set_aside(name, attached[flag], before_by_flag[flag])
            attached.setdefault(flag, {})[name] = entry[KEEPS_OUT]
    found = {}
    for flag, holdouts in attached.items():
        was = before.get(flag, {})
        now = {experiment: [holdout, _share(after.get(holdout, {}))] for experiment, holdout in holdouts.items()}
        known = before_by_flag.get(flag, {})
        written = [each[1] for experiment, each in now.items() if each != known.get(experiment, ["", 0])]
        left = {experiment: each for experiment, each in now.items() if each[0] in after}
        found[flag] = {WITHHELD: min(written, default=was.get(WITHHELD, 0)), HOLDOUTS: left}
    return found


def _set_aside(name: str, *by_experiment: dict[str, Any]) -> None:
    """Give an experiment that went another name, as a new one has its key now."""
    aside = f"{name}'"
    while any(aside in each for each in by_experiment):
        aside += "'"
    for each in by_experiment:
        each[aside] = each.pop(name)


def _share(holdout: Entry) -> float:
    share = holdout.get("share")
    return share if isinstance(share, int | float) else 0


def cohorts_of(flag: Entry, manifest: Manifest) -> set[str]:
    """Return the names of the cohorts in a flag's conditions, and of those that these name, directly or not."""
    found, new = set[str](), {*(flag.get("cohorts") or ())} & manifest.keys()
    while new:
        found |= new
        new = ({each for name in new for each in manifest[name].get("names") or ()} & manifest.keys()) - found
    return found


def switch_known(name: str, entry: Entry, now: str, given: Collection[str]) -> dict[str, Any]:
    """Return the entry of what was applied now (ISO 8601), with what the next run must know of a flag's switch.

    Of a flag that is off that is the time: it may be switched on and off again before the next run. Of one that is on
    it is whether the consent to that is ``given``: it is then used up.
    """
    if not name.startswith(FLAG):
        return dict(entry)
    if not entry["active"]:
        return {**entry, OFF_AT: now}
    return {**entry, **_filled(consented=_consented(name, given))}


def switch_left(name: str, entry: Entry, given: Collection[str]) -> dict[str, Any]:
    """Return the last entry of what was not applied; a consent that was removed may be given anew."""
    return {part: value for part, value in entry.items() if part != "consented" or _consented(name, given)}


def _consented(name: str, given: Collection[str]) -> bool:
    return on_code(name.removeprefix(FLAG)) in given


def renamed(before: Manifest, definitions: Collection[Definition]) -> dict[str, Entry]:
    """Return a manifest with the new keys of definitions that have ``renamed_from``, wherever it names them."""
    names = {
        str(Ref(each.kind, each.renamed_from)): name_of(each)
        for each in definitions
        if each.renamed_from and name_of(each) not in before
    }
    if not names:
        return dict(before)
    former = {Ref.parse(new): Ref.parse(old) for old, new in names.items()}
    written = {repr(old): repr(new) for new, old in former.items()}  # in the filters of conditions
    texts = {**names, **written, **_digests(definitions, former)}
    return {
        names.get(name, name): _rewritten(_moved(name, names[name], entry) if name in names else entry, texts)
        for name, entry in before.items()
    }


def _digests(definitions: Iterable[Definition], former: Mapping[Ref, Ref]) -> dict[str, str]:
    """Return the digests of release conditions by what they were under the former keys of what they refer to."""
    return {
        condition_digest(_rewritten(condition, former)): condition_digest(condition)
        for each in definitions
        if each.kind == "flag"
        for condition in each.properties.get("release_conditions") or ()
    }


def _rewritten(value: Any, new: Mapping[Any, Any]) -> Any:
    """Return a value with other texts or references in the place of some, however deep they are, also as keys."""
    if isinstance(value, Mapping):
        return {new.get(name, name): _rewritten(item, new) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rewritten(item, new) for item in value]
    return new.get(value, value) if isinstance(value, str | Ref) else value


def _moved(name: str, to: str, entry: Entry) -> Entry:
    former = entry.get(FORMER, Ref.parse(name).key)
    plain = {part: value for part, value in entry.items() if part != FORMER}
    return plain if Ref.parse(to).key == former else {**plain, FORMER: former}


def unfinished(before: Manifest, definitions: Iterable[Definition]) -> dict[str, str]:
    """Return the keys that definitions have in a manifest for a rename that was not completed, by Pulumi name.

    A flag that stays off, or whose new key PostHog refused, still has its old key, but the manifest and the state have
    the new one. When the files go back to the old key, or to a third one, it has to be found there.
    """
    every = {name_of(each): each for each in definitions}
    left = {
        str(Ref(Ref.parse(name).kind, entry[FORMER])): Ref.parse(name).key
        for name, entry in before.items()
        if FORMER in entry and name not in every
    }
    origins = {name: str(Ref(each.kind, each.renamed_from or each.key)) for name, each in every.items()}
    return {name: left[origin] for name, origin in origins.items() if name not in before and origin in left}


def served(entry: Entry | None, exits: bool = True) -> Rollout:
    """Return whom a flag serves by its entry: nobody where there is no flag or it is off.

    With ``exits`` false, as where PostHog keeps no early exit: an organisation may lack it. Of equal conditions the
    widest counts then.
    """
    entry = entry or {}
    found: Rollout = (entry.get("rollout") or {}) if entry.get("active") else {}
    if exits or not entry.get("early_exit"):
        return found
    equal = {condition: sorted(map(tuple, parts)) for condition, parts in (entry.get("equal") or {}).items()}
    widest = {condition: {variant: share for share, variant in parts} for condition, parts in equal.items()}
    return {
        condition: {**parts, **widest[condition], "": equal[condition][-1][0]} if condition in equal else parts
        for condition, parts in found.items()
    }


def switches(before: Manifest, after: Manifest) -> dict[str, str]:
    """Return by name how the flags that are to be on were applied last: on, or the time at which they were off.

    See ``providers.posthog.inputs.Metadata``.
    """
    found = {name: _switch(before.get(name, {})) for name, entry in after.items() if entry.get("active")}
    return {name: switch for name, switch in found.items() if switch}


def _switch(entry: Entry) -> str:
    if entry.get("active"):
        return CONSENTED if entry.get("consented") else ON
    return str(entry.get(OFF_AT, ""))


def unchanged(before: Manifest, after: Manifest, definitions: Iterable[Definition]) -> set[str]:
    """Return the names of the definitions that serve whom they served when they were applied last, and all that they
    name. Another description or payload is no change of that.

    Whom these serve otherwise in PostHog was changed there. ``after`` is the manifest of the definitions.
    """
    alike = {name for name, entry in after.items() if name in before and serves_alike(name, before[name], entry)}
    named = {name_of(each): {name_of(each), *map(str, refs(each.properties))} for each in definitions}
    return {name for name, names in named.items() if names <= alike}


def serves_alike(name: str, before: Entry, after: Entry) -> bool:
    """Return whether two entries of this name say the same of who is served."""
    facts = SERVES.get(Ref.parse(name).kind, ("digest",))
    then, now = (_ordered([entry.get(fact) for fact in facts]) for entry in (before, after))
    return before.get("digest") == after["digest"] or bool(then == now)


def _ordered(value: Any) -> Any:
    """Return a value that is equal to another one only in the same order, which conditions have."""
    if isinstance(value, Mapping):
        return [[name, _ordered(item)] for name, item in value.items()]
    return [*map(_ordered, value)] if isinstance(value, list | tuple) else value


def serving(name: str, entry: Entry, other: Entry) -> Entry:
    """Return the entry of a flag or cohort with what another entry of it says of who is served."""
    facts = (*SERVES[Ref.parse(name).kind], "filters")
    rest = {part: value for part, value in entry.items() if part not in facts}
    return {**rest, **{fact: other[fact] for fact in facts if fact in other}}


def switched_off(before: Manifest, after: Manifest) -> list[str]:
    """Return the names of the flags that this run switches off."""
    return [
        name for name, entry in after.items() if before.get(name, {}).get("active") and entry.get("active") is False
    ]
