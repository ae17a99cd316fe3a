"""The keys, events and properties of a checkout, which editors propose as completions.

The schemas refer to ``schemas/local/``, one file for each kind of name. In git these files propose nothing and never
change, since an editor shows nothing at all for a schema that refers to a missing file. ``ai-admin check`` writes the
names of its checkout into them and tells git to ignore that (``--skip-worktree``). They accept every other name too, so
that an editor does not mark a name that is newer than the last check.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from ai_admin.definitions.index import Index, Unit
from ai_admin.definitions.schemas import PROPOSALS
from providers.posthog.kinds import KINDS

_EVENT, _OF_EVENTS, _OF_PERSONS = "event", "eventProperty", "personProperty"
Names = dict[str, str]
"""The descriptions that editors show, by name."""


def names(index: Index) -> dict[str, Names]:
    """Return the names to propose by the name of their file, each with its description."""
    named = {name for kind in KINDS.values() if kind.folder for name in kind.refers_to}
    result: dict[str, Names] = {file: {} for file in (*sorted(named), _EVENT, _OF_EVENTS, _OF_PERSONS)}
    for unit in index.units:
        if unit.kind in named and unit.key:
            result[unit.kind].setdefault(unit.key, _said(unit.written))
        elif unit.kind == "event":
            for file, name, description in _described(unit):
                result[file].setdefault(name, description)
    return result


def _described(unit: Unit) -> Iterator[tuple[str, str, str]]:
    of_persons = unit.written.get("type") == "person"
    if unit.key and not of_persons:
        yield _EVENT, unit.key, _said(unit.written)
    properties = unit.written.get("properties")
    for name, item in properties.items() if isinstance(properties, dict) else ():
        yield _OF_PERSONS if of_persons else _OF_EVENTS, name, _said(item)


def _said(written: Any) -> str:
    """Return the name and description of a definition, as far as it has them; it may be invalid."""
    said = [written.get(field) for field in ("name", "description")] if isinstance(written, dict) else []
    return "\n\n".join(text.strip() for text in said if isinstance(text, str) and text.strip())


def write(root: FilePath, index: Index) -> None:
    """Write the names of a checkout's definitions, as written, into its ``schemas/local/``.

    Nothing is written where nothing changed, where a file of definitions can't be read (its names would be lost), or
    where the folder is missing or can't be written: without completions everything else still works.
    """
    folder = root / "schemas" / PROPOSALS
    lent = folder.resolve() != root.resolve() / "schemas" / PROPOSALS  # a link to another checkout's
    if index.unreadable_files or lent or not folder.is_dir():
        return
    try:
        changed = {}
        for file, proposed in names(index).items():
            path = folder / f"{file}.schema.json"
            if not path.is_file():  # no schema asks for these names where they are referred to
                continue
            present, wanted = path.read_text("utf-8"), _schema(path, proposed)
            if present != wanted:
                changed[path] = wanted
        if changed and _passed_over(root, list(changed)):
            for path, text in changed.items():
                path.write_text(text, "utf-8")
    except (OSError, ValueError):
        return


def _schema(path: FilePath, proposed: Names) -> str:
    schema = json.loads(path.read_text("utf-8"))
    listed = [{"const": name, "description": said or name} for name, said in sorted(proposed.items())]
    # The last one allows what is not listed.
    schema["anyOf"] = [*listed, {}]
    return json.dumps(schema, ensure_ascii=False) + "\n"


def _passed_over(root: FilePath, files: list[FilePath]) -> bool:
    """Tell git to ignore changes of files; return whether they may be written: not while git itself runs here."""
    if not (root / ".git").exists():
        return True
    command = ["git", "-C", str(root), "update-index", "--skip-worktree", "--", *map(str, files)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
