"""From canonical properties back to the author's form: the inverse of ``expand``, as short as it can be said.

``expand(contract(x)) == x``, for everything that can be said at all; what can't be is refused and never bent. So what
somebody made on PostHog's pages becomes a file that stands for exactly that.
"""

from __future__ import annotations

from collections.abc import Iterable

from ai_admin.definitions import explain, schemas
from ai_admin.definitions.contract import beside, boards, catalogue, flags
from ai_admin.definitions.contract.gather import Gathered, NotWritable, Written
from ai_admin.definitions.contract.gather import expanded as _expanded
from ai_admin.definitions.model import Definition

_FILES = (catalogue.events, flags.cohorts, flags.flags, boards.dashboards, boards.alerts, beside.files)


def contract(definitions: Iterable[Definition]) -> list[Written]:
    """Return the files that stand for these definitions, which must be whole: all that any of them refers to.

    Raises :class:`NotWritable` for the first definition that no file can stand for, with the reason.
    """
    gathered = Gathered(definitions)
    files = [file for make in _FILES for file in make(gathered)]
    for file in files:
        for finding in explain.findings(schemas.violations(file.kind, file.value, lambda _: None)):
            place = ".".join(map(str, finding.path))
            raise NotWritable(f"{file.kind}/{file.key}", f"{place}: {finding.message}")
    again = _expanded(files)
    for definition in gathered.definitions:
        name = (definition.kind, definition.key)
        there = again.get(name)
        if there != definition.properties:
            differing = sorted(
                field
                for field in {*definition.properties, *(there or {})}
                if (there or {}).get(field) != definition.properties.get(field)
            )
            raise NotWritable("/".join(name), f"no file can say what stands in {', '.join(differing)}")
    return files


__all__ = ["NotWritable", "Written", "contract"]
