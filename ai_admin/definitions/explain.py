"""Violations of a schema, in words for the author: what is wrong, and what to write instead.

Much of this is in the schema itself: ``errorMessage`` is the sentence for what a sub-schema requires, ``examples`` are
what to write, ``instead`` has the reason why a value or key is not allowed and what to write instead, and ``synonyms``
map words that people use to those of the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from ai_admin.definitions.files import FOLDERS
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.schemas import Violation, fingerprint, schema, search
from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.unions import meant

MOST = 200
"""The most findings of one file that are reported; a file of a megabyte could have a hundred thousand."""

ADDED_BY_POSTHOG = frozenset(
    {
        *("bytecode", "bytecode_error", "conditionHash", "cohort_name", "selector_regex", "sort_key", "users_affected"),
        *("short_id", "derived_name", "created_at", "created_by", "updated_at", "last_modified_at", "last_modified_by"),
        *("last_refresh", "is_cached", "result", "timezone", "user_access_level", "effective_privilege_level"),
    }
)
"""Keys in the answers of PostHog's API that no definition has: compiled filters, names of what ids refer to, authors
and times. They are in an object that somebody copies from there."""
_REMOVE_ADDED = "remove these; PostHog adds them itself"

MOST_VIOLATIONS = 10 * MOST
"""The most violations of a schema in one file that are explained: several may be one finding."""

TOO_MANY = Finding((), f"more than {MOST} things are wrong in this file", "correct the others first")

_TYPE_NAMES = {
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
    "object": "a mapping",
    "array": "a list",
    "number": "a number",
    "integer": "a whole number",
}


def findings(violations: Iterable[Violation]) -> list[Finding]:
    """Return the findings of these violations, each once."""
    found: dict[Finding, None] = {}
    added: list[Finding] = []
    violations = list(islice(violations, MOST_VIOLATIONS))
    for finding in (each for error in _without_repetitions(violations) for each in explain(error)):
        if finding.fix == _REMOVE_ADDED:
            added.append(finding)
            continue
        found.setdefault(finding)
        if len(found) == MOST:
            break
    if len(found) == MOST or len(violations) == MOST_VIOLATIONS:
        found.setdefault(TOO_MANY)
    return [*found, *_added(added)]


def unchecked(violations: Iterable[Violation]) -> Iterator[Path]:
    """Yield the places, besides those of the findings, whose values may have types that rules do not expect.

    Where a value selects none of the alternatives for the other keys of its mapping, these are not checked. A finding
    of a union is about the alternative that is probably meant, while another one may require other types.
    """
    for each in violations:
        if each.parts:
            chosen = meant(each)
            yield from (each.path,) if chosen.options or chosen.types else _mistyped(each.parts)
        elif each.selects:
            yield each.path[:-1]


def _mistyped(violations: Iterable[Violation]) -> Iterator[Path]:
    for each in violations:
        if each.keyword == "type" and not each.of_key:
            yield each.path
        yield from _mistyped(each.parts)


def _added(findings: list[Finding]) -> Iterator[Finding]:
    """Yield one finding for all keys that PostHog added, since they are copied together."""
    if findings:
        names = list(dict.fromkeys(str(finding.path[-1]) for finding in findings))
        where = f" ({len(findings)} places in this file)" if len(findings) > len(names) else ""
        message = f"the keys {listed(names, 'and')} are PostHog's own additions{where}"
        fix = _REMOVE_ADDED
        if len(names) == 1:
            message, fix = f"the key {names[0]} is PostHog's own addition{where}", "remove it; PostHog adds it itself"
        yield Finding(findings[0].path, message, fix, None, True)


def _without_repetitions(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Yield violations without those that repeat another one, since a part of a schema refines another part.

    Of the violations about one value's type the one with most types remains, of those about its choices the one with
    fewest.
    """
    violations = list(violations)
    types: dict[Path, set[Any]] = {}
    choices: dict[Path, set[Any]] = {}
    for error in violations:
        if error.keyword == "type":
            types[error.path] = max(types.get(error.path, set()), _wanted(error), key=len)
        elif error.keyword == "enum":
            choices[error.path] = min(choices.get(error.path, _wanted(error)), _wanted(error), key=len)
    for error in violations:
        wider = error.keyword == "enum" and choices[error.path] < _wanted(error)
        narrower = error.keyword == "type" and _wanted(error) < types[error.path]
        if not wider and not narrower:
            yield error


def _wanted(error: Violation) -> set[Any]:
    wanted = error.wanted if isinstance(error.wanted, list) else [error.wanted]
    return {fingerprint(each) for each in wanted}


def explain(error: Violation) -> Iterator[Finding]:
    """Yield the findings of one violation."""
    if error.of_key:
        yield _of_key(error, str(error.found))
    else:
        yield from _EXPLAIN.get(error.keyword, _any_other)(error, error.path)


def _of_key(error: Violation, name: str) -> Finding:
    path = (*error.path, name)
    if error.keyword != "not":
        return _finding(error, f"{_shown(name)} is not an allowed key here", path, True)
    message = f'"{name}" is not allowed here'
    said = error.schema.get("errorMessage")
    return _elsewhere(error, name, path, message, True) or Finding(
        path, f"{message}: {said}" if said else message, f'remove "{name}"', None, True
    )


def _finding(
    error: Violation, message: str, path: Path, at_key: bool = False, fix: str = "", whole: bool = False
) -> Finding:
    """Return a finding in the schema's own words where it has some.

    An ``errorMessage`` says what is wrong; one that starts with "write", what to write instead.
    """
    said = str(error.schema.get("errorMessage", ""))
    if said.startswith("write "):
        return Finding(path, message, said, None, at_key, whole=whole)
    return Finding(path, said or message, fix or _like(error.schema), None, at_key, whole=whole)


def describe(value: Any, text: str | None = None) -> str:
    """Return what a value is, for a sentence: ``the text "x"``, ``the number 5``, ``a list``, ``nothing``.

    ``text`` is how a number is written in the file.
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    if isinstance(value, int | float):
        return f"the number {text or _shown(value)}"
    return "a list" if isinstance(value, list) else "a mapping"


def _unknown_keys(error: Violation, path: Path) -> Iterator[Finding]:
    known = list(_known_keys(error.schema))
    for name in error.found:
        if name in known:
            continue
        if name in ADDED_BY_POSTHOG:
            yield Finding((*path, name), "", _REMOVE_ADDED, None, True)
            continue
        message = f'the key "{name}" is not known here'
        elsewhere = _elsewhere(error, name, (*path, name), message, True)
        if elsewhere:
            yield elsewhere
            continue
        near = _synonym(error.schema, name) or closest(name, known)
        here = f"known here: {listed(sorted(known), 'and')}" if known else "no keys are allowed here"
        fix = f'write "{near}"' if near else f"{_home(error, name)}remove it ({here})"
        if near in error.found:
            near, fix = None, f'remove it, "{near}" is here already'
        yield Finding((*path, name), message, fix, None, True, near)


def _elsewhere(error: Violation, name: str, path: Path, message: str, at_key: bool = False) -> Finding | None:
    """Return the finding for a word for which the schema has an ``instead``; None for others.

    An ``instead`` without a reason is for a word that people use and that PostHog calls by another name.
    """
    said = error.schema.get("instead", {}).get(name)
    if said is None:
        return None
    because = said.get("because")
    what = f"{message}: {because}" if because else f"{_shown(name)} is not PostHog's name for it"
    return Finding(path, what, said["write"], None, at_key)


def _home(error: Violation, name: str) -> str:
    """Return where a key belongs, for an advice that goes on: the top of the file, or of files of the only kind that
    knows it; nothing where it belongs nowhere.
    """
    if error.path:
        inside = name in error.root.get("properties", ()) and name not in error.root.get("required", ())
        return "move it to the top level of the file, without indent, or " if inside else ""
    knowing = [folder for folder, kind in FOLDERS.items() if name in schema(kind)["properties"]]
    return f"move it to a file in {knowing[0]}/, or " if len(knowing) == 1 else ""


def _synonym(schema: dict[str, Any], name: str) -> str | None:
    """Return the word of a schema of which a name is a synonym."""
    found: str | None = schema.get("synonyms", {}).get(name.lower())
    return found


def _known_keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        if "additionalProperties" not in schema:  # unevaluatedProperties looks into the parts as well
            parts = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
            parts += [schema[name] for name in ("then", "else") if name in schema]
            for part in parts:
                yield from _known_keys(part)


def _missing(error: Violation, path: Path) -> Iterator[Finding]:
    said = error.schema.get("errorMessage")
    for name in error.wanted:
        if name not in error.found:
            message = f'"{name}" is missing' + (f": {said}" if said else "")
            yield Finding(path, message, f"add {_entry(error, name)}", name)


def _dependent(error: Violation, path: Path) -> Iterator[Finding]:
    for name, needs in error.wanted.items():
        for need in needs:
            if name in error.found and need not in error.found:
                yield Finding(path, f'"{name}" needs "{need}" as well', f"add {_entry(error, need)}", need)


def _entry(error: Violation, name: str) -> str:
    examples = _examples(error.schema.get("properties", {}).get(name))
    return f"{name}: {_plain(examples[0])}" if examples else name


def _type(error: Violation, path: Path) -> Iterator[Finding]:
    wanted = [error.wanted] if isinstance(error.wanted, str) else list(error.wanted)
    found = describe(error.found, error.text)
    said = str(error.schema.get("errorMessage", ""))
    if error.found is None and error.text and error.text.startswith("#"):  # and not a `null` that somebody wrote
        yield Finding(path, "`#` begins a comment, so there is no value here", f'quote it: "{error.text}"')
        return
    fix = _type_fix(wanted, error)
    if said.startswith("write "):
        said, fix = "", fix if fix.startswith(("put", "remove", "write -")) else said
    message = f"{said}, not {found}" if said else f"expected {_kinds(wanted)}, found {found}"
    yield Finding(path, message, fix)


def _kinds(names: Iterable[str]) -> str:
    return listed([_TYPE_NAMES[name] for name in names])


def _type_fix(wanted: list[str], error: Violation) -> str:
    value = error.found
    if value is None:
        return f"{_like(error.schema, wanted)}, or remove the key"
    if "boolean" in wanted and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return f"write {_BOOLEAN_WORDS[value.lower()]}"
    if "string" in wanted and isinstance(value, bool | int | float):
        return _quoted(error.text or _shown(value), str(error.schema.get("pattern", "")), error)
    if "array" in wanted and not isinstance(value, list | dict) and _fits(value, error.schema.get("items")):
        return f"write a list: [{_shown(value)}]"
    if "string" in wanted and isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"remove the brackets: {_plain(value[0])}"
    if {"number", "integer"} & set(wanted) and isinstance(value, str):
        digits = plain_number(value) or plain_number(_LOOKS_LIKE_NUMBER.sub("", value))
        if digits and value.endswith("%") and error.schema.get("maximum") != 100:
            return f"write {_hundredth(digits)} where the values are fractions, {digits} where they are per cent"
        if digits:
            return f"remove the quotes: {value}" if digits == value else f"write {digits}"
    return _like(error.schema, wanted)


def _hundredth(digits: str) -> str:
    return f"{Decimal(digits).scaleb(-2).normalize():f}"


_WORDS = re.compile(r"[a-z0-9_]+")

_LOOKS_LIKE_NUMBER = re.compile(r"(?<=[0-9])[_' ](?=[0-9])|\s*%$")
"""Parts of numbers that YAML does not know: marks between digits, and the sign for per cent."""


def _quoted(text: str, pattern: str, error: Violation) -> str:
    """Return how to write a number where a text belongs: in quotes, or as days if the quoted text is not valid."""
    if not pattern or search(pattern)(text):
        return f'put it in quotes: "{text}"'
    days = f"-{text.lstrip('-')}d"
    return f"write {days}" if search(pattern)(days) else _like(error.schema, ["string"])


_BOOLEAN_WORDS = {
    **dict.fromkeys(("yes", "on", "true"), "true"),
    **dict.fromkeys(("no", "off", "false"), "false"),
}


def _fits(value: Any, items: Any) -> bool:
    kinds = items.get("type", ()) if isinstance(items, dict) else ()
    name = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    return value is not None and name in ([kinds] if isinstance(kinds, str) else kinds)


def plain_number(text: str) -> str:
    """Return the digits that YAML reads as the number that a text means (``200000`` for ``200,000``), or nothing."""
    if _PLAIN.fullmatch(text):
        return text
    if _GROUPED.fullmatch(text) or _UNDERSCORED.fullmatch(text):
        return re.sub(r"[^0-9-]", "", text)
    if _POWER.fullmatch(text):
        value = float(text)
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else ""
    return ""


_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_GROUPED = re.compile(r"-?[1-9][0-9]{0,2}([,. '’_][0-9]{3})+")
_UNDERSCORED = re.compile(r"-?[1-9][0-9]*(_[0-9]+)+")
_POWER = re.compile(r"-?[1-9][0-9]*(\.[0-9]+)?[eE]\+?[0-9]{1,2}")


def _enum(error: Violation, path: Path) -> Iterator[Finding]:
    options = [error.wanted] if error.keyword == "const" else list(error.wanted)
    if isinstance(error.found, str):
        elsewhere = _elsewhere(error, error.found, path, f"{_shown(error.found)} is not allowed here")
        if elsewhere:
            yield elsewhere
            return
        meant_value = _synonym(error.schema, error.found)
        if meant_value:
            message = f"{_shown(error.found)} is not one of the values allowed here"
            yield Finding(path, message, f"write {meant_value}")
            return
    yield choice(error.found, options, path, str(error.schema.get("errorMessage", "")))


def choice(value: Any, options: list[Any], path: Path, said: str = "") -> Finding:
    """Return the finding for a value that is none of the options, with the closest one where there is one."""
    near = closest(value, options) if isinstance(value, str) else None
    if isinstance(value, str) and value.lower() in _BOOLEAN_WORDS and set(options) <= {True, False}:
        near = _BOOLEAN_WORDS[value.lower()]
    known = listed(map(_plain, options), most=12 if near else 60)
    if len(options) == 1:
        return Finding(path, said or f"{_shown(value)} is not allowed here", f"write {known}")
    message = said or f"{_shown(value)} is not one of the values allowed here"
    return Finding(path, message, f"write {near} (known: {known})" if near else f"write one of {known}")


def _not(error: Violation, path: Path) -> Iterator[Finding]:
    name = path[-1] if path else ""
    if isinstance(name, str) and error.wanted in ({}, True):
        yield _finding(error, f'"{name}" is not allowed here', path, True, f'remove "{name}"')
    else:
        yield _finding(error, "this is not allowed here", path, fix="remove it")


def _pattern(error: Violation, path: Path) -> Iterator[Finding]:
    message = f"{_shown(error.found)} does not have the right form"
    said = str(error.schema.get("errorMessage", ""))
    if path[-1:] == ("key",) and not search(error.wanted)("a b"):  # an example would be the key of something else
        slug = "-".join(_WORDS.findall(error.found.lower()))
        fits = slug and search(error.wanted)(slug)
        yield Finding(path, f"{message}: {said}", f"write {slug}" if fits else "write another one")
    elif said and not said.startswith("write "):
        yield Finding(path, f"{message}: {said}", _like(error.schema))
    else:
        yield _finding(error, message, path)


def _limit(error: Violation, path: Path) -> Iterator[Finding]:
    low = error.schema.get("minimum", error.schema.get("exclusiveMinimum"))
    high = error.schema.get("maximum", error.schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        fix = f"write a number from {_plain(low)} to {_plain(high)}"
    else:
        fix = f"write {_plain(low)} or more" if low is not None else f"write {_plain(high)} or less"
    side = "too small" if "inimum" in error.keyword else "too large"
    yield _finding(error, f"{error.text or _plain(error.found)} is {side}", path, fix=fix)


def _size(error: Violation, path: Path) -> Iterator[Finding]:
    count, bound = len(error.found), error.wanted
    many, whole = _SIZES[error.keyword[3:]]
    if error.keyword.startswith("max"):
        message, fix = f"{count} {many} are too many", f"write at most {bound}"
    elif count == 0:
        message, fix = f"the {whole} is empty", f"{_like(error.schema)}, or remove the key"
    else:
        message, fix = f"{count} {many} are too few", f"write at least {bound}"
    yield _finding(error, message, path, fix=fix, whole=count > 0 and not isinstance(error.found, str))


_SIZES = {
    "Items": ("entries", "list"),
    "Length": ("characters", "text"),
    "Properties": ("keys", "mapping"),
}


def _unique(error: Violation, path: Path) -> Iterator[Finding]:
    seen: set[Any] = set()
    for n, item in enumerate(error.found):
        mark = fingerprint(item)
        if mark in seen:
            yield Finding((*path, n), f"{_shown(item)} is twice in the list", "keep one of them")
        seen.add(mark)


def _union(error: Violation, path: Path) -> Iterator[Finding]:
    keys = [part["required"] for part in error.wanted if isinstance(part, dict) and list(part) == ["required"]]
    if len(keys) == len(error.wanted) and isinstance(error.found, dict):
        yield _one_of_keys(error, path, ["+".join(each) for each in keys])
        return
    if not error.parts:
        message = "this can be read in more than one way"
        yield _finding(error, message, path, fix="remove what is not intended", whole=True)
        return
    wanted = meant(error)
    if wanted.options:
        said = str(error.schema.get("errorMessage", ""))
        yield choice(wanted.value, wanted.options, wanted.path, said)
    elif wanted.types:
        message = f"expected {_kinds(wanted.types)}, found {describe(error.found, error.text)}"
        yield _finding(error, message, path)
    else:
        for inner in wanted.errors:
            yield from explain(inner)


def _one_of_keys(error: Violation, path: Path, names: list[str]) -> Finding:
    there = [name for name in names if name in error.found]
    said = error.schema.get("errorMessage")
    if there:
        fix = f"keep one of {listed(there, 'and')}"
        return Finding((*path, there[-1]), said or f"only one of {listed(names)} is allowed here", fix, None, True)
    return Finding(path, said or f"one of {listed(names)} is missing", f"add one of {listed(names)}", names[0])


def _any_other(error: Violation, path: Path) -> Iterator[Finding]:
    yield _finding(error, "this is not allowed here", path)


def _examples(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    if "const" in schema:
        return [schema["const"]]
    return list(schema.get("examples") or schema.get("enum") or ())


def _like(schema: Any, kinds: Iterable[str] = ()) -> str:
    """Return what to write where a schema is not followed: a value of the right type, with the schema's example."""
    examples = _examples(schema)
    named = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", ())
    what = _kinds(kinds or named) if kinds or named else ""
    if not examples or what == _TYPE_NAMES["boolean"]:
        return f"write {what}" if what else "correct it"
    return f"write {what}, such as {_plain(examples[0])}" if what else f"write something like {_plain(examples[0])}"


def _plain(value: Any) -> str:
    """Return a value as an author writes it in YAML."""
    if isinstance(value, str):
        return (
            value
            if value and value.replace("_", "").replace("-", "").isalnum()
            else json.dumps(value, ensure_ascii=False)
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_plain(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


_EXPLAIN: dict[str, Callable[[Violation, Path], Iterator[Finding]]] = {
    "additionalProperties": _unknown_keys,
    "unevaluatedProperties": _unknown_keys,
    "required": _missing,
    "dependentRequired": _dependent,
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "not": _not,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "oneOf": _union,
    "anyOf": _union,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _limit),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), _size),
}
