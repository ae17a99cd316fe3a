"""The JSON Schemas in ``schemas/``: read once, with ``$ref`` followed once, into validators that are reused.

A valid definition is accepted by jsonschema-rs, which is fast. Only where that refuses one, jsonschema is imported and
decides; it also reports the violations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ai_admin.definitions.model import Path
from providers.posthog.errors import SchemaError

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

FOLDER = FilePath(__file__).parents[2] / "schemas"
Schema = Any
ANNOTATIONS = frozenset(
    {"title", "description", "examples", "default", "errorMessage", "instead", "synonyms", "$comment"}
)
PROPOSALS = "local"
"""The folder of ``schemas/`` with the keys that editors propose. Its schemas accept every value."""
_DATA = ("const", "enum", "required", "dependentRequired", "type", "pattern")
_MAPS = ("properties", "patternProperties", "dependentSchemas")


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that does not follow its schema."""

    keyword: str
    """The keyword of the schema that it violates."""
    wanted: Any
    """The keyword's value."""
    found: Any
    """The value in the file."""
    schema: dict[str, Any]
    """The schema that has the keyword."""
    path: Path
    of_key: bool
    """A key is wrong, and not its value."""
    alternative: int
    """The number of the alternative that it is a violation of, among the ``parts`` of a union's."""
    parts: tuple[Violation, ...]
    """The violations of the alternatives, where the keyword is a union."""
    text: str | None
    """How a number is written in the file (``2.10`` for 2.1); for an empty value, the comment that seems to be meant as
    one."""
    selects: bool
    """The value decides which keys its mapping may have."""
    root: Schema
    """The schema of the whole file."""


def violations(kind: str, value: Any, written: Callable[[Path], str | None]) -> Iterator[Violation]:
    """Yield how an author's form breaks the schema of its kind of file.

    Args:
        kind: ``flag``, ``cohort`` ...
        value: the author's form.
        written: gives the text of the scalar at a path, as it is in the file.

    Raises SchemaError.
    """
    if not accepts(kind)(value):
        for error in _validator(kind).iter_errors(value):
            yield violation(error, written, schema(kind))


def violation(error: ValidationError, written: Callable[[Path], str | None], root: Schema) -> Violation:
    """Return the violation that an error of jsonschema means, with those of its alternatives.

    Args:
        error: as a validator yields it.
        written: gives the text of the scalar at a path, as it is in the file.
        root: the whole schema.
    """
    schema: Any = error.schema
    steps = list(error.relative_schema_path)
    path = tuple(error.absolute_path)
    is_number = isinstance(error.instance, int | float) and not isinstance(error.instance, bool)
    return Violation(
        keyword=str(error.validator),
        wanted=error.validator_value,
        found=error.instance,
        schema=schema if isinstance(schema, dict) else {},
        path=path,
        of_key="propertyNames" in steps,
        alternative=int(steps[0]) if steps and isinstance(steps[0], int) else 0,
        parts=tuple(violation(part, written, root) for part in error.context or ()),
        text=written(path) if is_number or error.instance is None else None,
        selects=error.validator in ("enum", "const") and _selects(root, list(error.absolute_schema_path)),
        root=root,
    )


def _selects(root: Schema, steps: list[Any]) -> bool:
    """Return whether a keyword's value decides which keys its mapping may have (``if``).

    Args:
        root: the whole schema.
        steps: from the root to the keyword, as jsonschema has them.
    """
    nodes, names = [root], [step for n, step in enumerate(steps) if (step, *steps[n + 1 : n + 2]) not in _BRANCHES]
    for name in names:
        nodes.append(nodes[-1][name])
    at = max((n for n, name in enumerate(names) if name == "properties"), default=None)
    if at is None or at + 3 != len(names):  # a keyword of something inside the value
        return False
    for n in range(at, -1, -1):  # the schemas of the mapping that the key is in
        parts = nodes[n] if isinstance(nodes[n], list) else [nodes[n], *nodes[n].get("allOf", ())]
        if any(names[at + 1] in part.get("if", {}).get("properties", ()) for part in parts):
            return True
        if n and names[n - 1] not in ("allOf", "then", "else") and not isinstance(names[n - 1], int):
            return False
    return False


_BRANCHES = {("if", "then"), ("if", "else")}
"""Steps that jsonschema has for one branch of a condition."""


def schema(kind: str, folder: FilePath = FOLDER) -> Schema:
    """Return the schema of a kind of file as one graph of dictionaries. Raises SchemaError."""
    with _READING:
        return _reader(folder).read(f"{kind}.schema.json")


@cache
def accepts(kind: str) -> Callable[[Any], bool]:
    """Return a check that is true only for valid values, and false for some of them: numbers that JSON does not have.

    Args:
        kind: ``flag``, ``cohort`` ...

    Raises SchemaError.
    """
    import jsonschema_rs

    try:
        file = {"$ref": f"file:///{kind}.schema.json"}
        is_valid = jsonschema_rs.Draft202012Validator(file, retriever=_retrieve).is_valid
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        if KeyboardInterrupt.__name__ in str(error):  # jsonschema_rs makes such an error of it
            raise KeyboardInterrupt from None
        schema(kind)  # says what is wrong
        raise

    def accepted(value: Any) -> bool:
        try:
            return is_valid(value)
        except ValueError:  # no JSON, such as a mapping with a number for a key
            return False

    return accepted


def _retrieve(uri: str) -> Schema:
    """Return the schema file at an address below that of the folder; one that only editors read accepts everything."""
    file = PurePosixPath(unquote(uri.removeprefix("file:///")))
    return True if file.parent.name == PROPOSALS else json.loads((FOLDER / file).read_text("utf-8"))


@cache
def _validator(kind: str) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # jsonschema compares every item with every other: minutes for a long list of mappings.
    own = {"uniqueItems": _unique, "pattern": _pattern}
    validator: type[Validator] = extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]
    return validator(schema(kind))


def _unique(_: Any, wanted: bool, value: Any, __: Schema) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if wanted and isinstance(value, list) and len({*map(fingerprint, value)}) < len(value):
        yield ValidationError("an item is twice")


def _pattern(_: Any, wanted: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and not search(wanted)(value):
        yield ValidationError("the text has another form")


def fingerprint(value: Any) -> Any:
    """Return something hashable that two values share if they are the same JSON: 1 and 1.0 do, true and 1 do not."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return (list, *map(fingerprint, value))
    if isinstance(value, dict):
        return (dict, frozenset((name, fingerprint(item)) for name, item in value.items()))
    return value


@cache
def search(pattern: str) -> Callable[[str], Any]:
    """Return a function that searches a text for a pattern. ``$`` is the end of the text, as in JSON Schema."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern).search


class _Reader:
    """Reads schema files; a schema that refers to itself becomes a cycle."""

    def __init__(self, folder: FilePath) -> None:
        self._folder = folder
        self._files: dict[PurePosixPath, Schema] = {}
        self._done: dict[tuple[PurePosixPath, str], Schema] = {}

    def read(self, file: str | PurePosixPath, pointer: str = "") -> Schema:
        """Return the schema at a JSON pointer of a file, given relative to the folder."""
        place = (PurePosixPath(file), pointer)
        if place not in self._done:
            raw = self._raw(*place)
            self._done[place] = {} if isinstance(raw, dict) else raw  # known already while its own parts are read
            if isinstance(raw, dict):
                try:
                    self._done[place].update(self._read(raw, place[0]))
                except BaseException:
                    self._done.clear()  # what was read meanwhile may refer to it
                    raise
        return self._done[place]

    def _raw(self, file: PurePosixPath, pointer: str) -> Schema:
        if file not in self._files:
            try:
                self._files[file] = json.loads((self._folder / file).read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise SchemaError(f"schemas/{file} cannot be read: {error}") from error
        node = self._files[file]
        for step in filter(None, pointer.split("/")):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(name) if isinstance(node, list) else name]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise SchemaError(f"schemas/{file} has nothing at #{pointer}") from error
        return node

    def _read(self, raw: dict[str, Any], file: PurePosixPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for keyword, item in raw.items():
            if keyword == "allOf":
                item = [each for each in item if not _is_proposal(each)]
            if keyword in ("$schema", "$id", "$defs", "$ref") or (keyword == "allOf" and not item):
                continue
            if keyword in _MAPS:
                # jsonschema forgets the place of what `false` refuses.
                parts = ((name, {"not": {}} if each is False else each) for name, each in item.items())
                result[keyword] = {name: self._part(each, file) for name, each in parts}
            else:
                result[keyword] = item if keyword in ANNOTATIONS or keyword in _DATA else self._part(item, file)
        return self._refer(raw["$ref"], result, file) if "$ref" in raw else result

    def _part(self, item: Any, file: PurePosixPath) -> Any:
        if isinstance(item, list):
            return [self._part(each, file) for each in item]
        return self._read(item, file) if isinstance(item, dict) else item

    def _refer(self, reference: str, siblings: dict[str, Any], file: PurePosixPath) -> dict[str, Any]:
        name, _, pointer = reference.partition("#")
        target = self.read(_resolved(file.parent / name) if name else file, pointer)
        if target and isinstance(target, dict) and siblings.keys() <= ANNOTATIONS:
            return {**target, **siblings}
        return {**siblings, "allOf": [target, *siblings.get("allOf", ())]}


_READING = Lock()
"""Until a schema is read as a whole, what it refers to is not."""


@cache
def _reader(folder: FilePath) -> _Reader:
    return _Reader(folder)


def _is_proposal(part: Any) -> bool:
    """Return whether part of a schema refers to what only editors read (:mod:`ai_admin.definitions.proposals`)."""
    return isinstance(part, dict) and PurePosixPath(part.get("$ref", "")).parent.name == PROPOSALS


def _resolved(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)
