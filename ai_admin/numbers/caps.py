"""The number that a flag's payload gives to many installations right now.

Computed here by PostHog's SDK from the definitions that PostHog serves to SDKs that evaluate themselves: one request,
where asking PostHog for each installation would be thousands, each of them billed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from providers.posthog.client import Client


def caps(
    client: Client, flag: str, persons: Mapping[str, tuple[Mapping[str, Any], Collection[str]]]
) -> dict[str, int | None]:
    """Return what a flag's payload gives each installation, None where that is no whole number.

    Args:
        client: the project. Its key needs the scopes ``project:read`` and ``feature_flag:read``.
        flag: the flag's key. Without such a flag nobody has a cap.
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
    if flag not in served.flags or not served.flags[flag]["active"]:
        return dict.fromkeys(persons)
    found = {}
    for name, (properties, cohorts) in persons.items():
        person = Person(name, dict(properties), frozenset(cohorts))
        payload = Asked(served, flag, person).payload(person)
        found[name] = payload if isinstance(payload, int) and not isinstance(payload, bool) else None
    return found


def _leaf(leaf: dict[str, Any]) -> dict[str, Any]:
    """Return a filter with the id of a cohort as text, which is how it is looked up."""
    if leaf.get("type") == "cohort":
        return {**leaf, "value": str(leaf["value"])}
    return {"type": "person", **leaf, "negation": leaf.get("negation", False)}
