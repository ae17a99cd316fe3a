"""References between definitions lead somewhere, in every stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.files import FOLDERS
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.nearest import listed, suggestion
from ai_admin.definitions.nodes import nodes
from ai_admin.definitions.query import all_filters, all_nodes, breakdowns, property_filters, query_of
from ai_admin.definitions.world import Rule, Unit, World

_FOLDERS = {kind: folder for folder, kind in FOLDERS.items()} | {"insight": "dashboards"}


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
    """Yield path, kind and key of the cohorts and actions that a cohort's leaves name."""
    for path, leaf in cohort_leaves(unit):
        for kind in ("cohort", "action"):
            if kind in leaf:
                yield (*path, kind), kind, leaf[kind]


def cohort_leaves(unit: Unit) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every leaf of a cohort's criteria with its path."""
    for n, leaf in enumerate(unit.value.get("properties") or ()):
        yield ("properties", n), leaf
    for n, group in enumerate((unit.value.get("filters") or {}).get("values") or ()):
        for m, leaf in enumerate(group.get("values") or ()):
            yield ("filters", "values", n, "values", m), leaf


def insight_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of the actions that an insight counts, and the cohorts in its filters and breakdowns."""
    query = query_of(unit.value)
    if query is None:
        return
    for path, node in all_nodes(query):
        if "action" in node:
            yield (*path, "action"), "action", node["action"]
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


def plain_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of what an alert, an annotation or a subscription names under its kind's name."""
    for kind in ("insight", "dashboard"):
        if kind in unit.value:
            yield (kind,), kind, unit.value[kind]
    for n, key in enumerate(unit.value.get("insights") or ()):
        yield ("insights", n), "insight", key


def experiment_references(unit: Unit) -> Iterator[tuple[Path, str, Any]]:
    """Yield path, kind and key of an experiment's flag, and of the actions and cohorts in its metrics."""
    if "flag" in unit.value:
        yield ("flag",), "flag", unit.value["flag"]
    for path, node in nodes(unit):
        if "action" in node:
            yield (*path, "action"), "action", node["action"]
        for place, leaf in property_filters(node.get("properties"), (*path, "properties")):
            if leaf.get("type") == "cohort":
                yield (*place, "value"), "cohort", leaf.get("value")


_REFERENCES = {
    "flag": flag_references,
    "cohort": cohort_references,
    "insight": insight_references,
    "dashboard": dashboard_references,
    "alert": plain_references,
    "annotation": plain_references,
    "subscription": plain_references,
    "experiment": experiment_references,
}


SEEN = {
    "flag": ("cohort", "flag"),
    "cohort": ("cohort", "action"),
    "insight": ("cohort", "action"),
    "dashboard": ("insight", "cohort"),
    "alert": ("insight",),
    "annotation": ("insight", "dashboard"),
    "subscription": ("insight", "dashboard"),
    "experiment": ("flag", "action", "cohort"),
}


def exist(unit: Unit, world: World) -> Iterator[Finding]:
    """Every reference names a definition that exists in the stack."""
    for path, kind, key in _REFERENCES[unit.kind](unit):
        # What is no text is a hole, or stands under a misspelt name that only probably means a reference.
        if isinstance(key, str) and world.find(kind, key) is None and not world.may_exist(kind, key):
            own = unit.key if kind == unit.kind else ""
            yield missing(path, kind, key, world, own)


def missing(path: Path, kind: str, key: Any, world: World, own: str = "") -> Finding:
    """Return the finding for a reference that leads nowhere; ``own`` is the key of what refers, which is not meant."""
    written = world.written.find(kind, key) if world.written else None
    if written is not None and written.view.document.only is None:
        fix = f"keep it in the patch of {written.view.document.path}, or patch this reference as well"
        return Finding(path, f'the {kind} "{key}" is removed by a patch', fix)
    if written is not None:
        only = listed(written.view.document.only or (), "and")
        fix = "add the stack to its only, or restrict this definition with only as well"
        return Finding(path, f'the {kind} "{key}" exists on {only} only', fix)
    known = [each for each in world.keys(kind) if each != own]
    define = f"define it in {_FOLDERS[kind]}/"
    fix = suggestion(str(key), known, f"{define}, or write one of {listed(known)}" if known else define)
    return Finding(path, f'there is no {kind} "{key}"', fix)


RULES = tuple(Rule(kind, exist, sees=SEEN[kind]) for kind in _REFERENCES)
