"""From canonical properties back to the author's form: the inverse of ``expand``, as short as it can be said.

``expand(contract(x)) == x`` for everything that a file can express; anything else is refused, and never approximated.
So what somebody made on PostHog's pages becomes a file that defines exactly that.
"""

from __future__ import annotations

from collections.abc import Iterable

from ai_admin.definitions import explain, schemas
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.forms.base import Gathered, Value, Written
from ai_admin.definitions.index import Index, units
from ai_admin.definitions.model import Definition
from ai_admin.definitions.stacks import View
from providers.posthog.errors import NotWritable
from providers.posthog.kinds import Ref


def contract(definitions: Iterable[Definition]) -> list[Written]:
    """Return the files for these definitions, which must be whole: all that any of them refers to.

    Raises :class:`NotWritable` for the first definition that no file can express, with the reason.
    """
    gathered = Gathered(definitions)
    files = [file for form in FORMS.values() for file in form.contract(gathered)]
    for file in files:
        for finding in explain.findings(schemas.violations(file.kind, file.value, lambda _: None)):
            place = ".".join(map(str, finding.path))
            raise NotWritable(str(Ref(file.kind, file.key)), f"{place}: {finding.message}")
    again = expanded(files)
    for definition in gathered.definitions:
        name = (definition.kind, definition.key)
        there = again.get(name)
        if there != definition.properties:
            differing = sorted(
                field
                for field in {*definition.properties, *(there or {})}
                if (there or {}).get(field) != definition.properties.get(field)
            )
            raise NotWritable("/".join(name), f"no file can express the value of {', '.join(differing)}")
    return files


def expanded(files: Iterable[Written]) -> dict[tuple[str, str], Value]:
    """Return the resources that files define, by kind and key."""
    index = Index(None)
    for each in files:
        document = Document(File(each.path, each.kind, ""))
        for unit in units(View(document, None, each.value), ()):
            index.add(unit)
    resources = (resource for unit in index.units for resource in FORMS[unit.kind].expand(unit, index))
    return {(each.kind, each.key): each.properties for each in resources}


__all__ = ["NotWritable", "Written", "contract", "expanded"]
