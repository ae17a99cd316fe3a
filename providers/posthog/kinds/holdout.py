"""Experiment holdouts: a share of everybody that is kept out of all experiments of the holdout, so that their joint
effect can be measured.

PostHog writes a holdout into the flags of its experiments, so these flags have ``unmanaged: [holdout]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.posthog.kinds.base import Field, Kind, Reading
from providers.posthog.kinds.normal import plain, text
from providers.posthog.kinds.phrases import plain_text
from providers.posthog.kinds.wording import SERVE, Wording


def _read_share(raw: Any, _: Reading) -> Any:
    """Return the share, or the whole filters where somebody made them more than that; PostHog names the variant."""
    filters = [{name: item for name, item in each.items() if name != "variant"} for each in plain(raw) or ()]
    alone = len(filters) == 1 and filters[0].keys() <= {"properties", "rollout_percentage"}
    return filters[0]["rollout_percentage"] if alone and not filters[0].get("properties") else filters


def written_share(filters: Any) -> float:
    """Return the share that PostHog writes into the flags of a holdout's experiments, by its ``filters``
    (experiment_holdouts.py).
    """
    return ((filters or [{}])[0].get("rollout_percentage")) or 0


def held_by(flag: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a flag's filters in PostHog say of a holdout; empty where they say nothing."""
    return (flag.get("filters") or {}).get("holdout") or {}


def excluded(holdout: Mapping[str, Any] | None) -> float:
    """Return the share in per cent that a holdout, or what a flag says of it, keeps out; 0 where that is no number."""
    share = (holdout or {}).get("exclusion_percentage")
    return share if isinstance(share, int | float) else 0


def _share_text(value: Any) -> str:
    return f"{plain_text(value)} %" if isinstance(value, int | float) else plain_text(value)


HOLDOUT = Kind(
    name="holdout",
    type="ExperimentHoldout",
    collection="experiment_holdouts",
    scope="experiment_holdout",
    pages=("experiments?tab=holdouts",),
    logged_as="Experiment",
    logged_type="holdout",
    folder="experiments/holdouts",
    natural_key=("name",),
    same_by=("name",),
    weight=SERVE,
    soft_delete=False,
    fields=(
        Field("name", normalise=text, required=True),
        Field("description", default="", normalise=text),
        Field(
            "exclusion_percentage",
            wording=Wording("share kept out", show=_share_text),
            path=("filters",),
            write=lambda value, _: [{"properties": [], "rollout_percentage": value}],
            read=_read_share,
            required=True,
        ),
    ),
)
