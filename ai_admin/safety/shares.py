"""What one installation is served, given which of a flag's release conditions it matches. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from providers.posthog.safety import Rollout

Shares = dict[str, float]
"""Percent of the installations of one kind: under "" those that are served, and by variant."""


def shares(rollout: Rollout, matching: Collection[str], early_exit: bool = False) -> Shares:
    """Return the shares that installations are served which match these conditions.

    PostHog takes the conditions in their order, and the first one decides whose percentage an installation is in. It
    draws once for all of them, so a later condition adds only what it is wider by; with ``early_exit`` none is asked
    after the first that matches.
    """
    found: Shares = {"": 0}
    for condition, parts in rollout.items():
        share = parts.get("", 0)
        added = share - found[""]
        if condition in matching and added > 0:
            for variant, part in parts.items():
                found[variant] = found.get(variant, 0) + part * added / share
        if condition in matching and early_exit:
            break
    return {variant: round(share, 3) for variant, share in found.items()}


def at_least(rollout: Rollout, kinds: Iterable[Collection[str]], early_exit: bool = False) -> Shares:
    """Return the least shares that installations of any of these kinds are served."""
    found = [shares(rollout, matching, early_exit) for matching in kinds]
    return {variant: min(each.get(variant, 0) for each in found) for variant in found[0]} if found else {}
