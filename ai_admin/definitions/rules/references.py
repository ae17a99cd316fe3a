"""References between definitions lead somewhere, in every stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.holes import HOLE
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.nearest import listed, suggestion
from ai_admin.definitions.query import all_filters, breakdowns, property_filters, query_of
from ai_admin.definitions.world import Rule, Unit, World

_FOLDERS = {"flag": "flags", "cohort": "cohorts", "insight": "dashboards", "event": "events"}


def flag_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of what a flag's release conditions name."""
    for n, condition in enumerate(unit.value.get("release_conditions") or ()):
        path: Path = ("release_conditions", n)
        if "cohort" in condition:
            yield (*path, "cohort"), "cohort", condition["cohort"]
        for m, leaf in enumerate(condition.get("properties") or ()):
            if leaf.get("type") == "cohort":
                yield (*path, "properties", m, "value"), "cohort", leaf.get("value")
            elif leaf.get("type") == "flag":
                yield (*path, "properties", m, "key"), "flag", leaf.get("key")


def cohort_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of the cohorts that a cohort's leaves name."""
    for path, leaf in cohort_leaves(unit):
        if "cohort" in leaf:
            yield (*path, "cohort"), "cohort", leaf["cohort"]


def cohort_leaves(unit: Unit) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every leaf of a cohort's criteria with its path."""
    for n, leaf in enumerate(unit.value.get("properties") or ()):
        yield ("properties", n), leaf
    for n, group in enumerate((unit.value.get("filters") or {}).get("values") or ()):
        for m, leaf in enumerate(group.get("values") or ()):
            yield ("filters", "values", n, "values", m), leaf


def insight_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of the cohorts that an insight's filters and breakdowns name."""
    query = query_of(unit.value)
    if query is None:
        return
    for path, leaf, _ in all_filters(query):
        if leaf.get("type") == "cohort":
            yield (*path, "value"), "cohort", leaf.get("value")
    for path, kind, name in breakdowns(query):
        if kind == "cohort" and isinstance(name, str) and name != "all":
            yield path, "cohort", name


def dashboard_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of the insights that a dashboard's tiles name, and of the cohorts in its
    filters.
    """
    for n, tile in enumerate(unit.value.get("tiles") or ()):
        if isinstance(tile, dict) and isinstance(tile.get("insight"), str):
            yield ("tiles", n, "insight"), "insight", tile["insight"]
    filters = (unit.value.get("filters") or {}).get("properties")
    for path, leaf in property_filters(filters, ("filters", "properties")):
        if leaf.get("type") == "cohort":
            yield (*path, "value"), "cohort", leaf.get("value")


def alert_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of the insight that an alert watches."""
    if "insight" in unit.value:
        yield ("insight",), "insight", unit.value["insight"]


_REFERENCES = {
    "flag": flag_references,
    "cohort": cohort_references,
    "insight": insight_references,
    "dashboard": dashboard_references,
    "alert": alert_references,
}


SEEN = {
    "flag": ("cohort", "flag"),
    "cohort": ("cohort",),
    "insight": ("cohort",),
    "dashboard": ("insight", "cohort"),
    "alert": ("insight",),
}


def exist(unit: Unit, world: World) -> Iterator[Finding]:
    """Every reference names a definition that exists in the stack."""
    for path, kind, key in _REFERENCES[unit.kind](unit):
        if key is not HOLE and world.find(kind, key) is None and not world.may_exist(kind, key):
            yield missing(path, kind, key, world)


def missing(path: Path, kind: str, key: Any, world: World) -> Finding:
    """Return the finding for a reference that leads nowhere."""
    written = world.written.find(kind, key) if world.written else None
    if written is not None and written.view.document.only is None:
        fix = f"keep it in the patch of {written.view.document.path}, or patch this reference as well"
        return Finding(path, f'the {kind} "{key}" is removed by a patch', fix)
    if written is not None:
        only = listed(written.view.document.only or (), "and")
        fix = "add the stack to its only, or restrict this definition with only as well"
        return Finding(path, f'the {kind} "{key}" exists on {only} only', fix)
    known = list(world.keys(kind))
    define = f"define it in {_FOLDERS[kind]}/"
    fix = suggestion(str(key), known, f"{define}, or write one of {listed(known)}" if known else define)
    return Finding(path, f'there is no {kind} "{key}"', fix)


RULES = tuple(Rule(kind, exist, sees=SEEN[kind]) for kind in _REFERENCES)
