"""From canonical properties to the author's form: the inverse of ``expand``, as short as possible.

``expand(contract(x)) == x`` for everything that a file can express; anything else is refused, and never approximated.
So an object that somebody made on PostHog's pages becomes a file that defines exactly that object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ai_admin.definitions import explain, schemas
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.forms.base import Gathered, Value, Written
from ai_admin.definitions.index import Index, Unit, units
from ai_admin.definitions.model import Definition, Finding, Path
from ai_admin.definitions.places import inexpressible
from ai_admin.definitions.stacks import View
from providers.posthog.errors import NotWritable
from providers.posthog.kinds import KINDS, Ref


@dataclass(frozen=True)
class Refusal:
    """A definition that no file can express."""

    ref: Ref
    """The definition: of a file with several the one that is in the way."""
    fields: tuple[str, ...]
    """Its fields that are in the way, as far as they are known."""
    problem: NotWritable
    """Why, in words."""


def contract(definitions: Iterable[Definition]) -> list[Written]:
    """Return the files for these definitions, which must be whole: all that any of them refers to.

    Raises :class:`NotWritable` for the first definition that no file can express, with the reason.
    """
    files, refused = attempt(definitions)
    if refused:
        raise refused[0].problem
    return files


def attempt(
    definitions: Iterable[Definition], beside: Iterable[Unit] = ()
) -> tuple[list[Written], list[Refusal]]:
    """Return the files for these definitions, and which of them no file can express.

    Args:
        definitions: whole with what files that are there define.
        beside: what these files define. What a file says may depend on what it refers to, as an alert's does on the
            kind of its insight's query.

    Raises :class:`NotWritable` for properties of events where there is no event.
    """
    gathered = Gathered(definitions)
    files = [file for form in FORMS.values() for file in form.contract(gathered)]
    refused = [each for file in files for each in _violating(file)]
    if refused:
        return files, refused
    again = expanded(files, beside)
    return files, [each for definition in gathered.definitions for each in _bent(definition, again)]


def _violating(file: Written) -> Iterator[Refusal]:
    for finding in explain.findings(schemas.violations(file.kind, file.value, lambda _: None)):
        problem = NotWritable(str(Ref(file.kind, file.key)), _why(file, finding))
        ref, path = defined_at(file, (*finding.path, *([finding.absent] if finding.absent else ())))
        yield Refusal(ref, tuple(fields_at(ref.kind, path)), problem)


def _why(file: Written, finding: Finding) -> str:
    """Return why a file can't say what PostHog holds, given what is wrong with one that does."""
    place = ".".join(map(str, finding.path))
    if len(finding.path) == 1 and place not in schemas.schema(file.kind)["properties"]:
        value = file.value.get(place)
        return f"no key of a file says {place}{f': {value}' if isinstance(value, str | int) else ''}"
    if finding.absent:
        _, missing, more = finding.message.partition(f'"{finding.absent}" is missing')
        if missing and file.value.get(place) == {}:
            return f"it has no {place} in PostHog, and a file has to say it"
        if missing:
            return f"{place or 'it'} has no {finding.absent} in PostHog, and a file has to say it{more}"
        where = f"{place}: " if place else ""
        return f"{where}{finding.message}, and PostHog holds nothing that a file could say there"
    return f"{place}: {finding.message}"


def defined_at(file: Written, path: Path) -> tuple[Ref, Path]:
    """Return which definition of a file a place belongs to, and the place in that."""
    match file.kind, path:
        case "dashboard", ("tiles", int(n), "insight", *rest) if isinstance(file.value["tiles"][n]["insight"], dict):
            return Ref("insight", file.value["tiles"][n]["insight"]["key"]), tuple(rest)
        case "dashboard", ("tiles" | "exclusive_tiles", *_):
            return Ref("tiles", file.key), path
        case "event", ("properties", str(name), *rest):
            return Ref("property", f"{file.value.get('type', 'event')}.{name}"), tuple(rest)
        case "alert", ("notify", "slack" | "webhook" as way, *rest):
            return Ref("notification", f"{file.key}.{way}"), tuple(rest)
    return Ref(file.kind, file.key), path


def fields_at(kind: str, path: Path) -> Iterator[str]:
    """Yield the fields that a key of a file says."""
    if kind == "flag" and path[0:1] == ("variants",) and path[2:3] == ("payload",):
        path = ("payload",)
    for field in KINDS[kind].fields if path else ():
        if path[0] in (field.written or (field.name,)):
            yield field.name


def _bent(definition: Definition, again: dict[tuple[str, str], Value]) -> Iterator[Refusal]:
    """Yield that the files define something other than a definition, if they do."""
    there, wanted = again.get((definition.kind, definition.key)) or {}, definition.properties
    if there != wanted:
        fields = sorted(field for field in {*wanted, *there} if there.get(field) != wanted.get(field))
        ref = Ref(definition.kind, definition.key)
        yield Refusal(ref, tuple(fields), NotWritable(str(ref), inexpressible(fields, there, wanted)))


def index_of(files: Iterable[Written], beside: Iterable[Unit] = ()) -> Index:
    """Return what files define, as the rules look at it, and after that what stands beside them."""
    index = Index(None)
    for each in files:
        document = Document(File(each.path, each.kind, ""))
        for unit in units(View(document, None, each.value), ()):
            index.add(unit)
    for unit in beside:
        index.add(unit)
    return index


def expanded(files: Iterable[Written], beside: Iterable[Unit] = ()) -> dict[tuple[str, str], Value]:
    """Return the resources that files define, and those beside them, by kind and key."""
    index = index_of(files, beside)
    resources = (resource for unit in index.units for resource in FORMS[unit.kind].expand(unit, index))
    return {(each.kind, each.key): each.properties for each in resources}
