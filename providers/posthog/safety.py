"""Figures and consents that the program's gates and the provider's brake share. Pure.

Consent is a word in the stack's configuration (``ai-admin:consent``, words separated by blanks, or a list), where it is
reviewed with the change. It says what it is for in plain words and figures: ``remove/old-flag``,
``rollout/new-model/10-60``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DELETES, UPDATES = 10, 50
"""Most objects that a run may delete, and change."""

ROLLOUT_STEP = 25
"""Most percentage points by which a careful stack's release condition may grow in one run."""

TO_CONSENT = "to consent, add {} to ai-admin:consent in the stack's configuration"

Rollout = dict[str, dict[str, float]]
"""Who is served: by a digest of a condition's properties, the share of those who match, under "" in all and by
variant."""


def consents(written: str | None) -> frozenset[str]:
    """Return the words of a stack's ``ai-admin:consent``; a list in the file arrives as JSON."""
    return frozenset(re.findall(r'[^\s,"\[\]]+', written or ""))


def consented_number(rule: str, given: Iterable[str]) -> int:
    """Return the largest number that was consented to (``update/120/1f0c…`` or ``update/120``), or 0."""
    found = (re.match(rf"{rule}/(\d+)(?:/|$)", word) for word in given)
    return max((int(match[1]) for match in found if match), default=0)


def digest(value: Any) -> str:
    """Return a short text that differs wherever the value does. References are written as kind and key."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


EVERYBODY = digest([])
"""The condition that everybody matches."""

PROBES = ("a", "0", "Z9", " ", "-1.5", "a.b@c.de", "\u00e4\u6f22", "x" * 12)
"""Values that have little in common: a pattern that is found in all of them is found in nearly everything."""


def matches_everybody(condition: Mapping[str, Any]) -> bool:
    """Say whether a release condition is for everybody, in whichever words.

    That is one without properties, or with none but such as any value has: PostHog finds the empty text in every text,
    and so it does a pattern like ``.*``. Who lacks the property altogether is not in, but that is seldom meant.
    """
    return all(_any_value(each) for each in condition.get("properties") or ())


def _any_value(condition_property: Mapping[str, Any]) -> bool:
    operator, value = condition_property.get("operator"), condition_property.get("value")
    if operator == "icontains":
        return any(each == "" for each in (value if isinstance(value, list) else [value]))
    if operator == "regex" and isinstance(value, str):
        try:
            return all(re.search(value, probe) for probe in PROBES)
        except re.error:
            return False
    return False


def condition_digest(condition: Mapping[str, Any]) -> str:
    """Return who a release condition is for: a digest of its properties."""
    return EVERYBODY if matches_everybody(condition) else digest(condition.get("properties") or [])


def rollout(flag: Mapping[str, Any]) -> Rollout:
    """Return who a flag (canonical properties) serves while it is on; of equal conditions the widest counts."""
    found: Rollout = {}
    split = {variant["key"]: variant.get("rollout_percentage", 0) for variant in flag.get("variants") or ()}
    for condition in flag.get("release_conditions") or ():
        share = condition.get("rollout_percentage", 100)
        forced = condition.get("variant")
        variants = {forced: share} if forced else {key: share * part / 100 for key, part in split.items()}
        served = found.setdefault(condition_digest(condition), {})
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


def removal_code(flag_key: str) -> str:
    """Return the consent to delete a flag that is on."""
    return f"remove/{flag_key}"


def on_code(flag_key: str) -> str:
    """Return the consent to switch on again what was on before it was switched off."""
    return f"on/{flag_key}"
