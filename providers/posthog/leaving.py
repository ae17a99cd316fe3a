"""What PostHog holds of objects that a run deletes or gives another key: the gates judge this, and not what was applied
last.

PostHog is asked only if a flag or a cohort is deleted or gets another key, or if a cohort is replaced because it
becomes another kind of cohort.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.errors import ApiError
from providers.posthog.kinds.base import Ref

Entry = Mapping[str, Any]


def leaving(client: Client, before: Mapping[str, Entry], after: Collection[str]) -> dict[str, bool]:
    """Return whether each flag that a run deletes (in ``before`` and not in ``after``) is on.

    Both are manifests by Pulumi name; the entries of ``before`` have the ids in PostHog. Raises ``ApiError``.
    """
    gone = [name for name in before if Ref.parse(name).kind == "flag" and name not in after and before[name].get("id")]
    return {name: bool(_there(client, f"feature_flags/{before[name]['id']}").get("active")) for name in gone}


def keys(client: Client, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that flags have in PostHog, by the names that their ids are given by; of those that are on there.

    Raises ``ApiError``.
    """
    found = {name: _there(client, f"feature_flags/{id_}") for name, id_ in ids.items()}
    return {name: str(flag["key"]) for name, flag in found.items() if flag.get("active")}


def lost_members(client: Client, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> dict[str, int]:
    """Return the number of members of each static cohort that this run deletes; empty cohorts are left out.

    Only PostHog has the members, and no file. Both are manifests by Pulumi name; the entries of ``before`` have the ids
    in PostHog. Raises ``ApiError``.
    """
    found = {}
    for name, entry in before.items():
        stays = name in after and after[name].get("static", False) == entry.get("static", after[name].get("static"))
        if Ref.parse(name).kind == "cohort" and entry.get("id") and entry.get("static", True) and not stays:
            cohort = _there(client, f"cohorts/{entry['id']}")
            if cohort.get("is_static") and cohort.get("count"):
                found[name] = int(cohort["count"])
    return found


def _there(client: Client, path: str) -> Entry:
    """Return an object as PostHog holds it; empty where it is gone."""
    try:
        found: Entry = client.get(client.project_path(path))
    except ApiError as error:
        if error.status == 404:
            return {}
        raise
    return {} if found.get("deleted") else found
