"""A JSON Schema (2020-12, without references) as one function that says yes or no, some twenty times as fast
as jsonschema.

Only a yes is final: on a no, and for a schema with a keyword that is not known here, jsonschema is asked.
Conditions on one key's text (``if`` operator is ``gt`` ``then`` ...) become a table look-up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

Check = Callable[[Any], bool]
_IGNORED = frozenset(
    {
        "$schema",
        "$id",
        "$comment",
        "title",
        "description",
        "examples",
        "default",
        "errorMessage",
        "format",
        "instead",
        "synonyms",
        "then",
        "else",
    }
)


class _Unknown(Exception):
    """A keyword that only jsonschema knows."""


def compile(schema: Any) -> Check:
    """Return a check that is true for valid values only; one that is never true for a schema it cannot read.

    Args:
        schema: a schema of JSON Schema 2020-12 in which references are followed already; it may contain itself.
    """
    try:
        return _Compiler().check(schema)
    except _Unknown:
        return lambda _: False


def fingerprint(value: Any) -> Any:
    """Return something hashable that two values share if they are the same JSON: 1 and 1.0 do, true and 1 do not."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return (list, *map(fingerprint, value))
    if isinstance(value, dict):
        return (dict, frozenset((name, fingerprint(item)) for name, item in value.items()))
    return value


_TYPES: dict[str, Check] = {
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "number": lambda value: type(value) is int or type(value) is float,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
}


class _Compiler:
    def __init__(self) -> None:
        self._done: dict[int, Check] = {}
        self._kept: list[Any] = []  # ids stay taken while their schemas live

    def check(self, schema: Any) -> Check:
        """Return the check of a schema, made once. Raises _Unknown for one with a keyword that is not known here."""
        if isinstance(schema, bool):
            return lambda _: schema
        mark = id(schema)
        if mark not in self._done:
            self._kept.append(schema)
            # A schema inside itself is looked up when it is used, not when it is built.
            self._done[mark] = lambda value: self._done[mark](value)
            self._done[mark] = self._every(list(self._parts(schema)))
        return self._done[mark]

    @staticmethod
    def _every(checks: list[Check]) -> Check:
        if len(checks) == 1:
            return checks[0]
        if len(checks) == 2:
            first, second = checks
            return lambda value: first(value) and second(value)

        return lambda value: all(check(value) for check in checks)

    def _parts(self, schema: dict[str, Any]) -> Iterable[Check]:
        for keyword, item in schema.items():
            if keyword in _IGNORED:
                continue
            if keyword in ("properties", "additionalProperties"):
                if keyword == "properties" or "properties" not in schema:
                    yield self._properties(schema)
            elif keyword == "allOf":
                yield from self._all_of(item)
            elif keyword == "if":
                yield self._if(schema)
            elif keyword == "type":
                yield _type(item)
            elif keyword in _LIMITS:
                yield _LIMITS[keyword](item)
            elif keyword in ("items", "contains", "propertyNames", "not", "anyOf", "oneOf"):
                yield getattr(self, f"_{keyword}")(item)
            else:
                raise _Unknown(keyword)

    def _properties(self, schema: dict[str, Any]) -> Check:
        if "patternProperties" in schema:
            raise _Unknown("patternProperties")
        known = {name: self.check(each) for name, each in schema.get("properties", {}).items()}
        other = schema.get("additionalProperties", True)
        rest = None if other is True else self.check(other)

        def properties(value: Any) -> bool:
            if type(value) is not dict:
                return True
            for name, item in value.items():
                check = known.get(name, rest)
                if check is not None and not check(item):
                    return False
            return True

        return properties

    def _all_of(self, branches: list[Any]) -> Iterable[Check]:
        tables: dict[str, dict[str | None, list[Check]]] = {}
        for branch in branches:
            found = _condition(branch)
            if found is None:
                yield self.check(branch)
                continue
            key, texts = found
            for text in texts:
                tables.setdefault(key, {}).setdefault(text, []).append(self.check(branch["then"]))
        for key, table in tables.items():
            yield _switch(key, {text: self._every(checks) for text, checks in table.items()})

    def _if(self, schema: dict[str, Any]) -> Check:
        condition = self.check(schema["if"])
        then, otherwise = self.check(schema.get("then", True)), self.check(schema.get("else", True))
        return lambda value: then(value) if condition(value) else otherwise(value)

    def _items(self, item: Any) -> Check:
        check = self.check(item)
        return lambda value: type(value) is not list or all(map(check, value))

    def _contains(self, item: Any) -> Check:
        check = self.check(item)
        return lambda value: type(value) is not list or any(map(check, value))

    def _propertyNames(self, item: Any) -> Check:
        check = self.check(item)
        return lambda value: type(value) is not dict or all(map(check, value))

    def _not(self, item: Any) -> Check:
        check = self.check(item)
        return lambda value: not check(value)

    def _anyOf(self, item: list[Any]) -> Check:
        checks = [self.check(each) for each in item]
        return lambda value: any(check(value) for check in checks)

    def _oneOf(self, item: list[Any]) -> Check:
        checks = [self.check(each) for each in item]
        return lambda value: sum(check(value) for check in checks) == 1


def _condition(branch: Any) -> tuple[str, list[str | None]] | None:
    """Return key and texts (None: or missing) of ``if`` one key is one of these texts ``then``; None for
    other schemas.
    """
    if not isinstance(branch, dict) or branch.keys() - _IGNORED != {"if"} or "then" not in branch or "else" in branch:
        return None
    condition = branch["if"]
    properties = condition.get("properties") if isinstance(condition, dict) else None
    if not isinstance(properties, dict) or len(properties) != 1 or condition.keys() - {"properties", "required"}:
        return None
    ((key, test),) = properties.items()
    if not isinstance(test, dict) or condition.get("required", [key]) != [key]:
        return None
    named = test.keys() - _IGNORED
    texts = [test["const"]] if named == {"const"} else test["enum"] if named == {"enum"} else []
    if not texts or not all(isinstance(text, str) for text in texts):
        return None
    return key, texts if "required" in condition else [*texts, None]


def _switch(key: str, table: dict[str | None, Check]) -> Check:
    absent = table.get(None)

    def switch(value: Any) -> bool:
        if type(value) is not dict:
            return False  # such a condition holds for other values, whatever they are: jsonschema decides
        if key not in value:
            return absent is None or absent(value)
        item = value[key]
        check = table.get(item) if type(item) is str else None
        return check is None or check(value)

    return switch


def _type(names: str | list[str]) -> Check:
    if isinstance(names, str):
        return _TYPES[names]
    checks = [_TYPES[name] for name in names]
    return lambda value: any(check(value) for check in checks)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _enum(options: list[Any]) -> Check:
    known = frozenset(map(fingerprint, options))
    return lambda value: fingerprint(value) in known


def search(pattern: str) -> Callable[[str], Any]:
    """Return what looks for a schema's pattern in a text; ``$`` is its end, as in JSON Schema, line break or not."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern).search


def _pattern(pattern: str) -> Check:
    found = search(pattern)
    return lambda value: type(value) is not str or found(value) is not None


def _required(names: list[str]) -> Check:
    wanted = frozenset(names)
    return lambda value: type(value) is not dict or wanted <= value.keys()


def _dependent(needs: dict[str, list[str]]) -> Check:
    return lambda value: (
        type(value) is not dict
        or all(name not in value or all(need in value for need in names) for name, names in needs.items())
    )


def _unique(wanted: bool) -> Check:
    return lambda value: type(value) is not list or not wanted or len({*map(fingerprint, value)}) == len(value)


def _sized(kind: type[Any], holds: Callable[[int, int], bool]) -> Callable[[int], Check]:
    return lambda bound: lambda value: type(value) is not kind or holds(len(value), bound)


def _bounded(holds: Callable[[float, float], bool]) -> Callable[[float], Check]:
    return lambda bound: lambda value: not _is_number(value) or holds(value, bound)


_LIMITS: dict[str, Callable[[Any], Check]] = {
    "const": lambda wanted: _enum([wanted]),
    "enum": _enum,
    "pattern": _pattern,
    "required": _required,
    "dependentRequired": _dependent,
    "uniqueItems": _unique,
    "minLength": _sized(str, lambda size, bound: size >= bound),
    "maxLength": _sized(str, lambda size, bound: size <= bound),
    "minItems": _sized(list, lambda size, bound: size >= bound),
    "maxItems": _sized(list, lambda size, bound: size <= bound),
    "minProperties": _sized(dict, lambda size, bound: size >= bound),
    "maxProperties": _sized(dict, lambda size, bound: size <= bound),
    "minimum": _bounded(lambda value, bound: value >= bound),
    "maximum": _bounded(lambda value, bound: value <= bound),
    "exclusiveMinimum": _bounded(lambda value, bound: value > bound),
    "exclusiveMaximum": _bounded(lambda value, bound: value < bound),
}
