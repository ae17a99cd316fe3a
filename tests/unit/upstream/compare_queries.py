"""Net two: the query schemas beside PostHog's own query nodes, as its packages publish them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.unit.upstream import schema_values
from tests.unit.upstream.settled import Finding

ADDED = {"kind", "version"}  # what expansion writes; a shorthand has neither
FILTER, FILTERS = "filter ", "shared/property-filters.schema.json#/$defs/filter"


def findings(nodes: Mapping[str, Any], places: Mapping[str, str]) -> Iterator[Finding]:
    """Yield every difference; `places` says where the schema of a node stands (`Node`, or `Node/where` for more)."""
    refused = schema_values.instead(schema_values.fields(FILTERS)["type"])
    for node in nodes:
        known = any(place.split("/")[0] == node for place in places)
        if not known and not (node.startswith(FILTER) and refused.issuperset(node.removeprefix(FILTER).split("|"))):
            yield Finding(f"{node} nowhere", "name the schema of this query node in tests/upstream/places.json")
    for place, address in places.items():
        name = place.split("/")[0]
        if name in nodes:
            yield from _differences(place, nodes[name], f"shared/{address}")
        else:
            yield Finding(f"{place} gone", "no package publishes this node any more: take it out of places.json")


def _differences(place: str, node: Mapping[str, Any], address: str) -> Iterator[Finding]:
    ours = schema_values.fields(address)
    theirs: dict[str, Any] = node["fields"]
    skipped = ADDED if "/" in place else set()
    for name in sorted(theirs.keys() - ours.keys() - skipped):
        yield Finding(f"{place} lacks {name}", f"new in PostHog: describe the field in schemas/{address}")
    for name in sorted(ours.keys() - theirs.keys()):
        yield Finding(f"{place} has {name}", f"no package publishes this field: take it out of schemas/{address}")
    for name in sorted(set(node["required"]) - schema_values.required(address) - skipped):
        if name in ours:
            yield Finding(f"{place} asks not for {name}", f"PostHog requires the field: schemas/{address} must too")
    for name in sorted(theirs.keys() & ours.keys()):
        mine = schema_values.values(ours[name])
        if theirs[name] and not mine:
            yield Finding(f"{place} leaves {name} free", f"PostHog knows some values: name them in schemas/{address}")
        if not theirs[name] or not mine:
            continue
        for value in sorted(set(theirs[name]) - mine - schema_values.instead(ours[name]), key=str):
            yield Finding(f"{place} lacks {name}={value}", f"new in PostHog: add the value in schemas/{address}")
        for value in sorted(mine - set(theirs[name]), key=str):
            yield Finding(f"{place} has {name}={value}", f"PostHog has no such value: take it out of schemas/{address}")
