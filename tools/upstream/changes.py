"""What changed between the stored facts and new ones, as a list that somebody can work through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.upstream.facts import Facts


def api(old: Facts, new: Facts, root: Path) -> Iterator[str]:
    """Yield a line for every change of a body, with the files that may have to follow."""
    for collection in sorted({*old, *new}):
        before, after = old.get(collection, {}), new.get(collection, {})
        lines = [*_fields(_all(before), _all(after)), *_required(before, after)]
        if lines:
            yield f"{collection}  ({', '.join(files(root, collection))})"
            yield from (f"  {line}" for line in lines)


def queries(old: Facts, new: Facts, places: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for every change of a query node, with the schema that may have to follow."""
    for node in sorted({*old, *new}):
        before, after = old.get(node, {}), new.get(node, {})
        lines = [*_fields(before.get("fields", {}), after.get("fields", {})), *_required(before, after)]
        if lines:
            schemas = [f"schemas/shared/{places[each]}" for each in places if each.split("/")[0] == node]
            yield f"{node}  ({', '.join(schemas) or 'no schema: see tests/upstream/places.json'})"
            yield from (f"  {line}" for line in lines)


def _all(collection: Mapping[str, Any]) -> dict[str, Any]:
    return {**collection.get("create", {}), **collection.get("update", {})}


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            values = f" ({', '.join(map(str, after[name]))})" if after[name] else ""
            yield f"new   {name}{values}"
        elif name not in after:
            yield f"gone  {name}"
        elif before[name] != after[name]:
            come = [f"+{value}" for value in after[name] if value not in before[name]]
            went = [f"-{value}" for value in before[name] if value not in after[name]]
            yield f"enum  {name}: {' '.join(come + went)}"


def _required(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was, now = set(before.get("required", ())), set(after.get("required", ()))
    yield from (f"required now      {name}" for name in sorted(now - was))
    yield from (f"no more required  {name}" for name in sorted(was - now))


def files(root: Path, collection: str) -> list[str]:
    """Return what a change of a collection may concern: field table (and its `left`), schema, the sandbox's fields."""
    found = []
    for path in sorted((root / "providers/posthog/kinds").glob("*.py")):
        if f'collection="{collection}"' in path.read_text("utf-8"):
            schema = root / "schemas" / f"{path.stem}.schema.json"
            found += [path, *([schema] if schema.exists() else [])]
    declared = re.compile(rf'\bcollection\b[^)]*"{collection}"')
    sandbox = sorted((root / "sandbox/resources").rglob("*.py"))
    found += [path for path in sandbox if declared.search(path.read_text("utf-8"))]
    return [path.relative_to(root).as_posix() for path in found]
