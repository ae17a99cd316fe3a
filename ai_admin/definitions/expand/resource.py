"""What every expansion does: keep the fields that PostHog holds, say where they stand."""

from __future__ import annotations

from typing import Any

from ai_admin.definitions.model import Definition, Finding, Path
from ai_admin.definitions.world import Unit
from providers.posthog.kinds import KINDS


def resource(kind: str, key: str, unit: Unit, properties: dict[str, Any], path: Path = ()) -> Definition:
    """Return a resource with canonical properties; ``path`` leads from the unit to what stands for it.

    ``adopt`` and ``renamed_from`` among the properties are no fields of the object, but say which one it is.
    """
    source = unit.view.source(Finding((*unit.path, *path), "", ""))
    adopt = properties.get("adopt")
    return Definition(
        kind,
        key,
        KINDS[kind].canonical(properties),
        source,
        adopt=adopt if isinstance(adopt, str | None) else str(int(adopt)),
        renamed_from=properties.get("renamed_from"),
    )


def fields(unit: Unit, *left_out: str) -> dict[str, Any]:
    """Return the fields of a unit that are written as they are; Kind.canonical drops what PostHog does not
    know.
    """
    return {name: value for name, value in unit.value.items() if name not in left_out}
