"""What a schema finds wrong, in an author's words: what is wrong, and what to write instead.

A schema says much of it itself: ``errorMessage`` is the sentence for what a sub-schema demands, ``examples``
what to write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.nearest import listed, nearest
from ai_admin.definitions.schemas import Violation
from ai_admin.definitions.unions import meant

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
    """Return every violation of a schema, each once, in an author's words."""
    found: dict[Finding, None] = {}
    for error in violations:
        for finding in explain(error):
            found.setdefault(finding)
    return list(found)


def explain(error: Violation) -> Iterator[Finding]:
    """Yield the findings that one violation stands for."""
    path = error.path
    if error.of_key:
        fix = f"write {_example(error.schema)}" if _examples(error.schema) else "rename it"
        yield Finding(
            (*path, error.found), _said(error) or f"{_shown(error.found)} is no key here", fix, None, True
        )
        return
    yield from _EXPLAIN.get(error.keyword, _any_other)(error, path)


def describe(value: Any) -> str:
    """Return what a value is, for a sentence: ``the text "x"``, ``the number 5``, ``a list``, ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    if isinstance(value, int | float):
        return f"the number {_shown(value)}"
    return "a list" if isinstance(value, list) else "a mapping"


def _unknown_keys(error: Violation, path: Path) -> Iterator[Finding]:
    known = list(_known_keys(error.schema))
    for name in error.found:
        if name in known:
            continue
        near = nearest(name, known)
        here = f"known here: {listed(sorted(known), 'and')}" if known else "nothing may stand here"
        fix = f'write "{near}"' if near else f"remove it ({here})"
        yield Finding((*path, name), f'the key "{name}" is not known here', fix, None, True)


def _known_keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        if "additionalProperties" not in schema:  # unevaluatedProperties looks into the parts as well
            parts = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
            parts += [schema[name] for name in ("then", "else") if name in schema]
            for part in parts:
                yield from _known_keys(part)


def _missing(error: Violation, path: Path) -> Iterator[Finding]:
    for name in error.wanted:
        if name in error.found:
            continue
        said = _said(error)
        message = f'"{name}" is missing' + (f": {said}" if said else "")
        yield Finding(path, message, f"add {name}: {_example(_property(error, name), '…')}", name)


def _property(error: Violation, name: str) -> Any:
    return error.schema.get("properties", {}).get(name)


def _dependent(error: Violation, path: Path) -> Iterator[Finding]:
    for name, needs in error.wanted.items():
        for need in needs:
            if name in error.found and need not in error.found:
                fix = f"add {need}: {_example(_property(error, need), '…')}"
                yield Finding(path, _said(error) or f'"{name}" needs "{need}" beside it', fix, need)


def _type(error: Violation, path: Path) -> Iterator[Finding]:
    wanted = [error.wanted] if isinstance(error.wanted, str) else list(error.wanted)
    found = describe(error.found)
    said = _said(error)
    names = listed([_TYPE_NAMES[name] for name in wanted])
    message = f"{said}, not {found}" if said else f"expected {names}, found {found}"
    yield Finding(path, message, _type_fix(wanted, error))


def _type_fix(wanted: list[str], error: Violation) -> str:
    value = error.found
    if value is None:
        return f"write a value, such as {_example(error.schema, 'one of its kind')}, or remove the key"
    if "boolean" in wanted and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return f"write {_BOOLEAN_WORDS[value.lower()]}"
    if "string" in wanted and isinstance(value, bool | int | float):
        return f'put it in quotes: "{_shown(value)}"'
    if "array" in wanted and not isinstance(value, list | dict) and _fits(value, error.schema.get("items")):
        return f"write a list: [{_shown(value)}]"
    if {"number", "integer"} & set(wanted) and isinstance(value, str) and _numeric(value):
        return f"remove the quotes: {value}"
    return f"write {_example(error.schema, 'a value of that kind')}"


_BOOLEAN_WORDS = {
    "yes": "true",
    "on": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "false": "false",
}


def _fits(value: Any, items: Any) -> bool:
    kinds = items.get("type", ()) if isinstance(items, dict) else ()
    name = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    return value is not None and name in ([kinds] if isinstance(kinds, str) else kinds)


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _enum(error: Violation, path: Path) -> Iterator[Finding]:
    options = [error.wanted] if error.keyword == "const" else list(error.wanted)
    yield choice(error.found, options, path, _said(error))


def choice(value: Any, options: list[Any], path: Path, said: str = "") -> Finding:
    """Return the finding for a value that is none of the options, with the nearest one where there is one."""
    shown = listed([_plain(option) for option in options], most=40)
    near = nearest(value, options) if isinstance(value, str) else None
    if (
        isinstance(value, str)
        and value.lower() in _BOOLEAN_WORDS
        and set(map(str, options)) <= {"True", "False"}
    ):
        near = _BOOLEAN_WORDS[value.lower()]
    if len(options) == 1:
        return Finding(path, said or f"{_shown(value)} cannot stand here", f"write {shown}")
    message = said or f"{_shown(value)} is not one of the values that may stand here"
    return Finding(path, message, f"write {_plain(near)} (known: {shown})" if near else f"write {shown}")


def _not(error: Violation, path: Path) -> Iterator[Finding]:
    names = error.wanted.get("required") if isinstance(error.wanted, dict) else None
    if names:
        yield Finding(
            path, _said(error) or f"{listed(names, 'and')} exclude each other", "remove one of them"
        )
        return
    name = path[-1] if path else "it"
    if isinstance(name, int):
        yield Finding(path, _said(error) or "this may not stand here", "remove it")
    else:
        yield Finding(path, _said(error) or f'"{name}" may not stand here', f'remove "{name}"', None, True)


def _pattern(error: Violation, path: Path) -> Iterator[Finding]:
    message = f"{_shown(error.found)} does not have the right form"
    said = _said(error)
    yield Finding(
        path, f"{message}: {said}" if said else message, f"write {_example(error.schema, 'it differently')}"
    )


def _limit(error: Violation, path: Path) -> Iterator[Finding]:
    low = error.schema.get("minimum", error.schema.get("exclusiveMinimum"))
    high = error.schema.get("maximum", error.schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        fix = f"write a number from {_plain(low)} to {_plain(high)}"
    else:
        fix = f"write {_plain(low)} or more" if low is not None else f"write {_plain(high)} or less"
    side = "too small" if "inimum" in error.keyword else "too large"
    yield Finding(path, _said(error) or f"{_plain(error.found)} is {side}", fix)


def _size(error: Violation, path: Path) -> Iterator[Finding]:
    count, bound = len(error.found), error.wanted
    keyword = error.keyword
    noun = {"Items": "entries", "Length": "characters", "Properties": "keys"}[keyword[3:]]
    if keyword.startswith("max"):
        message, fix = f"{count} {noun} are too many", f"write at most {bound}"
    elif count == 0:
        message = {
            "Items": "the list is empty",
            "Length": "the text is empty",
            "Properties": "the mapping is empty",
        }[keyword[3:]]
        fix = f"write {_example(error.schema, f'at least {bound}')}, or remove the key"
    else:
        message, fix = f"{count} {noun} are too few", f"write at least {bound}"
    yield Finding(path, _said(error) or message, fix)


def _unique(error: Violation, path: Path) -> Iterator[Finding]:
    seen: list[Any] = []
    for n, item in enumerate(error.found):
        if item in seen:
            yield Finding((*path, n), f"{_shown(item)} stands twice in the list", "keep one of them")
        seen.append(item)


def _union(error: Violation, path: Path) -> Iterator[Finding]:
    branches = error.wanted
    keys = [
        branch["required"] for branch in branches if isinstance(branch, dict) and list(branch) == ["required"]
    ]
    if len(keys) == len(branches):
        names = ["+".join(each) for each in keys]
        there = [name for name in names if isinstance(error.found, dict) and name in error.found]
        if there:
            message = _said(error) or f"only one of {listed(names)} may stand here"
            yield Finding((*path, there[-1]), message, f"keep one of {listed(there)}", None, True)
        else:
            yield Finding(
                path, _said(error) or f"one of {listed(names)} is missing", f"add {listed(names)}", keys[0][0]
            )
        return
    if not error.parts:
        yield Finding(
            path, _said(error) or "this can be read in more than one way", "remove what is not meant"
        )
        return
    wanted = meant(error)
    if wanted.options:
        yield choice(wanted.value, wanted.options, wanted.path, _said(error))
    elif wanted.types:
        kinds = listed([_TYPE_NAMES[name] for name in wanted.types])
        message = _said(error) or f"expected {kinds}, found {describe(error.found)}"
        yield Finding(path, message, f"write {_example(error.schema, 'one of these')}")
    else:
        for inner in wanted.errors:
            yield from explain(inner)


def _any_other(error: Violation, path: Path) -> Iterator[Finding]:
    yield Finding(
        path, _said(error) or "this may not stand here", f"write {_example(error.schema, 'it differently')}"
    )


def _said(error: Violation) -> str:
    return str(error.schema.get("errorMessage", ""))


def _examples(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    examples = list(schema.get("examples", ()))
    if not examples and schema.get("enum"):
        examples = schema["enum"][:1]
    if not examples and "const" in schema:
        examples = [schema["const"]]
    return examples


def _example(schema: Any, otherwise: str = "it differently") -> str:
    examples = _examples(schema)
    return _plain(examples[0]) if examples else otherwise


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
    **dict.fromkeys(
        ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), _size
    ),
}
