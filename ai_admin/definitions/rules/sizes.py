"""Sizes that PostHog accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from providers.posthog.kinds.normal import json_text

LARGEST = 512 * 1024
"""Bytes of a flag's filters, as JSON text: its conditions, variants and payloads (PostHog's FeatureFlagSerializer)."""


@rule("flag")
def fits(unit: Unit, _: Index) -> Iterator[Finding]:
    """Conditions, variants and payloads of a flag are not larger than what PostHog stores of one."""
    sizes = {path: len(json.dumps(part, separators=(",", ":"))) for path, part in _parts(unit)}
    total = sum(sizes.values())
    if total <= LARGEST:
        return
    path = max(sizes, key=lambda each: sizes[each])
    message = f"the flag's conditions and payloads are {total / 1024:,.0f} KB, and PostHog takes {LARGEST // 1024} KB"
    if path[-1] == "payload":
        fix = "keep the data elsewhere, and deliver where it is"
    else:
        fix = "put a long list of installations into a static cohort, and write cohort: <its key>"
    yield Finding(path, message, fix)


def _parts(unit: Unit) -> Iterator[tuple[Path, Any]]:
    """Yield what PostHog stores; a payload as JSON text inside of JSON."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        yield ("release_conditions", n), condition
    for n, variant in enumerate(unit.value.get("variants") or ()):
        yield ("variants", n), {name: item for name, item in variant.items() if name != "payload"}
        if "payload" in variant:
            yield ("variants", n, "payload"), json_text(variant["payload"])
    if "payload" in unit.value:
        yield ("payload",), json_text(unit.value["payload"])
