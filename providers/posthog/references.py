"""Ids in the place of references. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from providers.posthog.kinds import KINDS, Ref


def with_ids(value: Any, id_of: Callable[[Ref], Any]) -> Any:
    """Return properties with what ``id_of`` says in the place of each reference."""
    if isinstance(value, Ref):
        return id_of(value)
    if isinstance(value, dict):
        return {name: with_ids(item, id_of) for name, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, id_of) for item in value]
    return value


def readable(ref: Ref, id_: str) -> int | str:
    """Return an id as PostHog's API has it where an object is referred to."""
    # A provisional id is text: what refers to it is left out until there is a real one.
    return int(id_) if KINDS[ref.kind].numeric_id and id_.isdigit() else id_
