"""Two definitions of one thing."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.model import Finding
from providers.posthog.kinds import KINDS


def duplicates(index: Index) -> Iterator[tuple[Unit, Finding]]:
    """Yield the later of two units of a kind with the same key, even if ``only`` puts them on different stacks."""
    for unit in index.units:
        first = index.find(unit.kind, unit.key)
        if first is not None and first is not unit:
            place = first.view.source(Finding((*first.path, "key"), "", ""))
            message = f'the {KINDS[unit.kind].words} key "{unit.key}" is taken ({place})'
            fix = "choose another key, or write what differs per stack under stacks of the one definition"
            yield unit, Finding((*unit.path, "key"), message, fix)
