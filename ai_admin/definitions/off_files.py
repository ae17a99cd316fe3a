"""The flags that their own, valid files switch off, whatever is wrong with other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from ai_admin.definitions import schemas
from ai_admin.definitions.check import Checked
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.index import Index, Unit, units
from ai_admin.definitions.model import Definition, Source
from ai_admin.definitions.rules import RULES
from ai_admin.definitions.rules.identity import takes_over_a_free_key
from ai_admin.definitions.rules.patches import patch_findings
from ai_admin.definitions.stacks import known_stacks, view


def off_by_file(checked: Checked, root: FilePath, stack: str | None) -> Iterator[Definition]:
    """Yield the flags whose own files are valid and have ``active: false`` for a stack.

    They have only the property ``active``: the rest of a file is not applied while other files are refused. Two files
    with one key count only if both switch the flag off.
    """
    stacks = tuple(dict.fromkeys([*known_stacks(root), *((stack,) if stack else ())]))
    index = checked.indexes[stack]
    by_key: dict[str, list[Unit]] = {}
    on: set[str] = set()
    for unit in index.units:
        if unit.kind == "flag" and unit.key:
            by_key.setdefault(unit.key, []).append(unit)
            if unit.view.value.get("active") is not False:
                on.add(unit.key)
    for key, found in by_key.items():
        if key not in on and all(_says_off(unit.view.document, stack, stacks) for unit in found):
            unit, properties = found[0], {"key": key, "active": False}
            # Whether it was renamed depends on other files, too.
            former = None if any(takes_over_a_free_key(unit, index)) else unit.value.get("renamed_from")
            yield Definition("flag", key, properties, Source(unit.view.document.path, 1, 1), renamed_from=former)


def _says_off(document: Document, stack: str | None, stacks: tuple[str, ...]) -> bool:
    """Return whether a file, read again by itself, is valid and switches its flag off."""
    alone = Document(File(document.path, document.kind, document.text))
    if alone.flaws or any(patch_findings(alone, stacks)):
        return False
    for here in dict.fromkeys((None, stack)):
        seen = view(alone, here)
        if any(schemas.violations(alone.kind, alone.value if here is None else seen.value, seen.written)):
            return False
        index = Index(here)
        for unit in units(seen, ()):
            index.add(unit)
            # A rule that looks at other units is about them as well, and a switch needs none of them.
            if any(any(rule.check(unit, index)) for rule in RULES["flag"] if not rule.sees):
                return False
    return view(alone, stack).value.get("active") is False
