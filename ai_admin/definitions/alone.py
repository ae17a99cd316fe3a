"""What one flag's file says by itself, whatever is wrong with the others: that the flag is off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from ai_admin.definitions import schemas
from ai_admin.definitions.check import Checked
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.model import Definition, Source
from ai_admin.definitions.rules import RULES
from ai_admin.definitions.rules.patches import patch_findings
from ai_admin.definitions.stacks import known_stacks, view
from ai_admin.definitions.world import World, units


def off_alone(checked: Checked, root: FilePath, stack: str | None) -> Iterator[Definition]:
    """Yield the flags whose own files are sound and say ``active: false`` for a stack.

    They have no other property than their switch: what else a file says is not applied while others are refused. Of
    two files with one key neither counts, unless both say the same: nobody can tell which of them is meant.
    """
    stacks = tuple(dict.fromkeys([*known_stacks(root), *((stack,) if stack else ())]))
    with_problems = {problem.source.path for problem in checked.problems}
    by_key: dict[str, list[Document]] = {}
    on: set[str] = set()
    for unit in checked.worlds[stack].units:
        if unit.kind == "flag" and unit.key:
            by_key.setdefault(unit.key, []).append(unit.view.document)
            if unit.view.value.get("active") is not False:
                on.add(unit.key)
    for key, documents in by_key.items():
        if key not in on and all(_says_off(document, stack, stacks) for document in documents):
            document = documents[0]
            # Which flag it was before is told by what other files say, too.
            renamed = None if document.path in with_problems else document.value.get("renamed_from")
            properties = {"key": key, "active": False}
            yield Definition("flag", key, properties, Source(document.path, 1, 1), renamed_from=renamed)


def _says_off(document: Document, stack: str | None, stacks: tuple[str, ...]) -> bool:
    """Say whether a file, read again by itself, is sound and says that its flag is off."""
    alone = Document(File(document.path, document.kind, document.text))
    if alone.flaws or any(patch_findings(alone, stacks)):
        return False
    for here in dict.fromkeys((None, stack)):
        seen = view(alone, here)
        if any(schemas.violations(alone.kind, alone.value if here is None else seen.value, seen.written)):
            return False
        world = World(here)
        for unit in units(seen, ()):
            world.add(unit)
            # A rule that looks at other units is about them as well, and a switch needs none of them.
            if any(any(rule.check(unit, world)) for rule in RULES["flag"] if not rule.sees):
                return False
    return view(alone, stack).value.get("active") is False
