"""Figures and consents that the program's gates and the provider's guard share. Pure.

Consent is a word in the stack's configuration (``ai-admin:consent``, words separated by blanks, or a list), where it is
reviewed with the change. It says what it is for in plain words and figures: ``remove/old-flag``,
``rollout/new-model/10-60``.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.posthog.kinds.base import Ref

DELETES, UPDATES = 10, 50
"""Most objects that a run may delete, and change."""

ROLLOUT_STEP = 25
"""Most percentage points by which a careful stack's release condition may grow in one run."""

TO_CONSENT = "to consent, add {} to ai-admin:consent in the stack's configuration"

Rollout = dict[str, dict[str, float]]
"""Who is served: by a digest of a condition's properties, the share of those who match, in total under "" and by
variant."""


def counted(names: Iterable[str]) -> set[str]:
    """Return those of these resources (Pulumi names) that a person counts: a dashboard and its tiles are one."""
    found = set(names)
    return found - {str(Ref("tiles", ref.key)) for ref in map(Ref.parse, found) if ref.kind == "dashboard"}


def consents(written: str | None) -> frozenset[str]:
    """Return the words of a stack's ``ai-admin:consent``; a list in the file arrives as JSON."""
    return frozenset(re.findall(r'[^\s,"\[\]]+', written or ""))


def consented_number(rule: str, given: Iterable[str]) -> int:
    """Return the largest number that was consented to (``update/120/1f0c…`` or ``update/120``), or 0."""
    found = (re.match(rf"{rule}/(\d+)(?:/|$)", word) for word in given)
    return max((int(match[1]) for match in found if match), default=0)


def digest(value: Any) -> str:
    """Return a short text that differs wherever the value does. References are written as
    ``Ref(kind=…, key=…)``: the digests are in every state.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()[:12]


ON, CONSENTED = "on", "consented"
"""How a flag that is on was applied last: on, or on with the consent to switch it on in the configuration."""

OFF, LEFT = "off", "left"
"""How the flag of an experiment is to be: off, or as people switch it on PostHog's pages."""

EVERYBODY = digest([])
"""The condition that everybody matches."""

UNLIKE = ("a", "Z", "7", "-", "_", "@", ".", " ", "é", "x1")
"""Texts with nothing in common: a pattern that each of them contains counts as one that every text contains."""


def matches_everybody(condition: Mapping[str, Any]) -> bool:
    """Return whether a release condition leaves nobody out, whatever its filters look like.

    Args:
        condition: as a file has it, or in canonical form. Its share of a rollout does not count.

    Who lacks the property altogether is left out by such a filter; PostHog says that in plain words, with is_set.
    """
    return "cohort" not in condition and all(map(matches_every_value, condition.get("properties") or ()))


def matches_every_value(filter_: Mapping[str, Any]) -> bool:
    """Return whether a property filter matches every value that the property can have.

    The rules of PostHog's flag service: an empty text is in every text, a pattern is searched for and need not fit the
    whole text, and no version is below 0.0.0.
    """
    operator, value = filter_.get("operator", "exact"), filter_.get("value")
    if filter_.get("type", "person") not in ("person", "group"):
        return False
    if operator in ("icontains", "icontains_multi"):
        return "" in (value if isinstance(value, list) else [value])
    if operator == "regex":
        return isinstance(value, str) and _found_everywhere(value)
    if operator == "semver_gte":
        return isinstance(value, str) and re.fullmatch(r"v?0+(\.0+)*", value) is not None
    return False


def _found_everywhere(pattern: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return all(re.search(pattern, text) for text in UNLIKE)
    except (re.error, OverflowError, RecursionError):
        return False


def condition_digest(condition: Mapping[str, Any]) -> str:
    """Return who a release condition is for: a digest of its properties."""
    return EVERYBODY if matches_everybody(condition) else digest(condition.get("properties") or [])


def rollout(flag: Mapping[str, Any]) -> Rollout:
    """Return who a flag (canonical properties) serves while it is on.

    Of equal conditions the widest counts; with ``early_exit`` the first, as no other one is asked.
    """
    found: Rollout = {}
    split = {variant["key"]: variant.get("rollout_percentage", 0) for variant in flag.get("variants") or ()}
    for condition in flag.get("release_conditions") or ():
        share = condition.get("rollout_percentage", 100)
        forced = condition.get("variant")
        variants = {forced: share} if forced else {key: share * part / 100 for key, part in split.items()}
        whom = condition_digest(condition)
        if whom in found and flag.get("early_exit"):
            continue
        served = found.setdefault(whom, {})
        for key, part in {"": share, **variants}.items():
            served[key] = max(served.get(key, 0), part)
    return found


def numbers(payloads: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers in payloads (JSON texts by variant), by their path: ``true``, ``true.limits.0``."""
    found: dict[str, float] = {}
    for variant, text in payloads.items():
        try:
            found.update(_numbers(variant, json.loads(text)))
        except (TypeError, ValueError):
            continue
    return found


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(f"{path}.{name}", item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def rollout_code(flag_key: str, start: float, share: float, variant: str = "") -> str:
    """Return the consent to a jump of a flag's rollout, or of the share of one of its variants."""
    return "/".join(part for part in ("rollout", flag_key, variant, f"{start:g}-{share:g}") if part)


def withhold_code(flag_key: str, start: float, share: float) -> str:
    """Return the consent to keep a smaller share of all out of a flag by a holdout."""
    return f"withhold/{flag_key}/{start:g}-{share:g}"


def removal_code(flag_key: str) -> str:
    """Return the consent to delete a flag that is on."""
    return f"remove/{flag_key}"


def rename_code(former: str, flag_key: str) -> str:
    """Return the consent to give another key to a flag that is on."""
    return f"rename/{former}/{flag_key}"


def on_code(flag_key: str) -> str:
    """Return the consent to switch on again what was on before it was switched off."""
    return f"on/{flag_key}"


def again_code(flag_key: str, id_: str) -> str:
    """Return the consent to create again, and on, a flag that had this id and was deleted in PostHog."""
    return f"{on_code(flag_key)}/{id_}"


def how_to_switch_on(flag_key: str, switch: str) -> str:
    """Return how to consent to that; ``switch`` says how the flag was applied last (see ``inputs.Metadata``)."""
    consent = f"add {on_code(flag_key)} to ai-admin:consent in the stack's configuration"
    if switch != CONSENTED:
        return consent
    return f"take {on_code(flag_key)}, which is used up, out of the stack's configuration, apply, and {consent}"


def reset_code(name: str) -> str:
    """Return the consent to make a draft of an experiment or a survey (Pulumi name) that was started."""
    return f"reset/{_dated(name)}"


def resume_code(name: str) -> str:
    """Return the consent to let an experiment or a survey (Pulumi name) run again that was ended."""
    return f"resume/{_dated(name)}"


def _dated(name: str) -> str:
    """Return what a consent calls an experiment, its key, or a survey, that may have the key of one: ``survey/key``."""
    ref = Ref.parse(name)
    return ref.key if ref.kind == "experiment" else name
