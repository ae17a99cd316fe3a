"""The number that a flag gives to many installations now, as the product's generated client reads it.

PostHog's SDK computes it here from the definitions that PostHog serves for local evaluation: one request, where asking
PostHog for each installation would take thousands, each of them billed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ai_admin.numbers import product
from providers.posthog.client import Client


@dataclass(frozen=True)
class Cap:
    """The flag whose payload is how many tokens an installation may use on a day."""

    flag: str = product.DAILY_CAP
    whole: bool = True
    """Whether it is an integer, so that a fraction is none."""
    fallback: float | None = None
    """What the generated client gives where the flag gives nothing that it can use; None is nothing."""
    ceiling: float | None = None
    """More than this the generated client never gives."""

    def given(self, payload: Any) -> float | None:
        """Return what the generated client gives for a payload (``Readers`` in clients/runtime.py)."""
        is_number = isinstance(payload, int | float) and not isinstance(payload, bool) and math.isfinite(payload)
        if not is_number:
            return self.fallback
        found: float = payload if self.ceiling is None else min(payload, self.ceiling)
        if not self.whole:
            return found
        return int(found) if found == int(found) else self.fallback


DAILY = Cap()
"""That of ``product.py``, of which no file says more."""


def caps(
    client: Client, cap: Cap, persons: Mapping[str, tuple[Mapping[str, Any], Collection[str]]]
) -> dict[str, float | None]:
    """Return how many tokens each installation may use on a day, None where nobody says.

    Args:
        client: the project. Its key needs the scopes ``project:read`` and ``feature_flag:read``.
        cap: the flag. Where it is off, or is not there, the fallback is what the product has.
        persons: the properties of each installation, and the ids of the cohorts that it is in, by its distinct id.

    Raises ApiError.
    """
    from ai_admin.evaluation import Person, Served  # PostHog's SDK takes a moment to import
    from ai_admin.evaluation.answers import Asked
    from ai_admin.evaluation.served import with_criteria, with_leaves

    token = client.project()["api_token"]
    said = client.get("/flags/definitions", {"token": token, "send_cohorts": ""})
    served = Served(
        {each["key"]: with_leaves(each, _leaf) for each in said["flags"]},
        {name: with_criteria(criteria, _leaf) for name, criteria in (said["cohorts"] or {}).items()},
    )
    if cap.flag not in served.flags or not served.flags[cap.flag]["active"]:
        return dict.fromkeys(persons, cap.fallback)
    found = {}
    for name, (properties, cohorts) in persons.items():
        person = Person(name, dict(properties), frozenset(cohorts))
        found[name] = cap.given(Asked(served, cap.flag, person).payload(person))
    return found


def _leaf(leaf: dict[str, Any]) -> dict[str, Any]:
    """Return a filter with the id of a cohort as text, which is how it is looked up."""
    if leaf.get("type") == "cohort":
        return {**leaf, "value": str(leaf["value"])}
    return {"type": "person", **leaf, "negation": leaf.get("negation", False)}
