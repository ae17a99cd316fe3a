"""Members of static cohorts that would go. They are people's data: PostHog has them, and no file.

Asked only when a cohort goes, or becomes another kind of cohort, which PostHog does by a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.client import Client
from providers.posthog.errors import ApiError

Entry = Mapping[str, Any]


def lost_members(client: Client, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> dict[str, int]:
    """Return how many members each static cohort has that this run deletes; cohorts without any are left out.

    Both are manifests by Pulumi name; the entries of ``before`` hold the ids in PostHog. Raises ``ApiError``.
    """
    found = {}
    for name, entry in before.items():
        stays = name in after and after[name].get("static", False) == entry.get("static", after[name].get("static"))
        if name.startswith("cohort/") and entry.get("id") and entry.get("static", True) and not stays:
            count = _members(client, str(entry["id"]))
            if count:
                found[name] = count
    return found


def _members(client: Client, id_: str) -> int:
    try:
        cohort = client.get(client.project_path(f"cohorts/{id_}"))
    except ApiError as error:
        if error.status == 404:  # it is gone already
            return 0
        raise
    return int(cohort.get("count") or 0) if cohort.get("is_static") and not cohort.get("deleted") else 0
