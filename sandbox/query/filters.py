"""Property filters as HogQL conditions.

Source: PostHog's posthog/hogql/property.py. Traps: a filter without a value is ignored, not refused; an empty list
holds of everything; a negation holds where there is no value.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from sandbox.query import dates
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import bracketed, expression, literal, name
from sandbox.storage.store import Data

_SEMVER = r"^v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"
_ALWAYS = ("empty", "flag", "meta")
# What filters of other tables than events may look at, besides HogQL.
_WITHIN = {"persons": ("person", "person_metadata", "cohort"), "groups": ("group",), "sessions": ("session",)}
_NEGATIVE = ("is_not", "not_icontains", "not_regex")
_COMPARED = {"gt": ">", "gte": ">=", "min": ">=", "lt": "<", "lte": "<=", "max": "<="}


class Types(Protocol):
    """What filters have to know of a project."""

    def property_type(self, of: str, index: int | None, key: str) -> str | None:
        """What its definition says a property is."""


def condition(types: Types, given: Any, now: datetime, scope: str = "events") -> str:
    """A list of filters, a group of them or one, as HogQL; `true` where nothing is asked.

    Parameters: `now` in the project's timezone; `scope` is the table that it is asked of: events, persons, groups or
    sessions.
    Raises: QueryError.
    """
    if not given:
        return "true"
    if not isinstance(given, list | dict):
        raise QueryError(f"A filter is an object with a key and a value, not {given!r}")
    if isinstance(given, list):
        return _joined("AND", [condition(types, each, now, scope) for each in given])
    if given.get("type") in ("AND", "OR") and "values" in given:
        return _joined(given["type"], [condition(types, each, now, scope) for each in given["values"]])
    return _filter(types, given, now, scope)


def _joined(word: str, parts: list[str]) -> str:
    if word == "OR" and "true" in parts:
        return "true"
    parts = [each for each in parts if each != "true"]
    if not parts:
        return "true"
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(map(bracketed, parts)) + ")"


def _filter(types: Types, given: Data, now: datetime, scope: str) -> str:
    kind, key, value = given.get("type") or "event", given.get("key"), given.get("value")
    operator = str(given.get("operator") or ("in" if kind == "cohort" else "exact"))
    if kind in _ALWAYS:
        return "true"
    if kind == "hogql":
        return expression(str(key))
    if kind not in _WITHIN.get(scope, (kind,)):
        raise QueryError(f"The '{kind}' property filter does not work in '{scope.removesuffix('s')}' scope")
    if kind == "cohort":
        person = "id" if scope == "persons" else "person_id"
        outside = bool(given.get("negation")) or operator == "not_in"
        return f"{person} {'NOT ' if outside else ''}IN COHORT {literal(_number(value))}"
    if value is None and operator not in ("is_set", "is_not_set"):
        return "true"
    if kind == "group" and given.get("group_type_index") is None:
        return "true"
    field = column(kind, str(key), given.get("group_type_index"), scope)
    of = {"feature": "event"}.get(kind, kind)
    defined = types.property_type(of, given.get("group_type_index"), str(key)) if of in ("event", "person", "group") \
        else _OF_SESSIONS.get(str(key)) if kind == "session" else None  # fmt: skip
    return holds(field, operator, value, defined, now)


_OF_SESSIONS = {"$is_bounce": "Boolean"}


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def column(kind: str, key: str, index: int | None = None, scope: str = "events") -> str:
    """What a filter or a breakdown looks at, as HogQL. Raises QueryError."""
    if kind in ("event", "feature"):
        return name("properties", key)
    if kind == "person":
        if key == "distinct_id":
            return "distinct_id" if scope == "events" else "pdi.distinct_id"
        return name("properties", key) if scope == "persons" else name("person", "properties", key)
    if kind == "person_metadata":
        return name(key) if scope == "persons" else name("person", key)
    if kind == "event_metadata":
        return name(key)
    if kind == "session":
        return name(key) if scope == "sessions" else name("session", key)
    if kind == "group" and index is not None:
        return name("properties", key) if scope == "groups" else name(f"group_{index}", "properties", key)
    raise NotComputedError(f"filters and breakdowns of the type {kind}")


def holds(field: str, operator: str, value: Any, defined: str | None, now: datetime) -> str:
    """What an operator asks of a field, as HogQL; `defined` is the type that the definition gives the property."""
    if isinstance(value, list) and operator not in ("between", "not_between", "icontains_multi", "not_icontains_multi"):
        if not value and operator not in ("icontains", "not_icontains"):
            return "true"
        if len(value) > 1 or operator in ("in", "not_in"):
            return _listed(field, operator, value, defined, now)
        value = value[0] if value else ""
    if operator in _SCALAR:
        return _SCALAR[operator](field, value, defined)
    if operator in _COMPARED:
        return f"{field} {_COMPARED[operator]} {_constant(value, defined)}"
    if operator.startswith("is_date_"):
        return _date(field, operator, str(value), now)
    if operator.startswith("semver_"):
        return _semver(field, operator.removeprefix("semver_"), str(value))
    raise NotComputedError(f"the operator {operator}")


def _listed(field: str, operator: str, values: list[Any], defined: str | None, now: datetime) -> str:
    if operator in ("exact", "in", "is_not", "not_in"):
        negation = "NOT " if operator in ("is_not", "not_in") else ""
        return f"{field} {negation}IN ({', '.join(_constant(each, defined) for each in values)},)" if len(values) == 1 \
            else f"{field} {negation}IN ({', '.join(_constant(each, defined) for each in values)})"  # fmt: skip
    if operator in ("icontains", "not_icontains"):
        return _search(field, values, found=operator == "icontains")
    parts = [holds(field, operator, each, defined, now) for each in values]
    return _joined("AND" if operator in _NEGATIVE else "OR", parts)


def _search(field: str, values: list[Any], found: bool) -> str:
    needles = literal([str(each) for each in values])
    return f"multiSearchAnyCaseInsensitive(toString({field}), {needles}) {'>' if found else '='} 0"


def _constant(value: Any, defined: str | None) -> str:
    """A value to compare with: `true` and `false` are booleans only where the property is defined as one."""
    if isinstance(value, bool) or value in ("true", "false"):
        text = str(value).lower()
        return text if defined == "Boolean" else literal(text)
    return literal(value)


def _between(field: str, value: Any, inside: bool) -> str:
    try:
        first, second = (float(each) for each in value)
    except (TypeError, ValueError) as error:
        raise QueryError("The between operator needs two numbers") from error
    if first > second:
        raise QueryError("The between operator needs its smaller number first")
    low, high = map(literal, value)  # as they are sent: texts, too, which only a numeric property makes numbers of
    return f"({field} >= {low} AND {field} <= {high})" if inside else f"({field} < {low} OR {field} > {high})"


def _multi(field: str, value: Any, found: bool) -> str:
    values = value if isinstance(value, list) else [value]
    return _joined("OR", [_search(field, [each], found) for each in values])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# What has many brackets is read alone (`expression`): a query with all of them would get a parser of its own.
_SCALAR: dict[str, Callable[[str, Any, str | None], str]] = {
    "exact": lambda field, value, defined: f"{field} = {_constant(value, defined)}",
    "is_not": lambda field, value, defined: f"{field} != {_constant(value, defined)}",
    "is_set": lambda field, _value, _defined: f"{field} IS NOT NULL",
    "is_not_set": lambda field, _value, _defined: f"{field} IS NULL",
    "icontains": lambda field, value, _: f"toString({field}) ILIKE {literal(f'%{_text(value)}%')}",
    "not_icontains": lambda field, value, _: f"toString({field}) NOT ILIKE {literal(f'%{_text(value)}%')}",
    "icontains_multi": lambda field, value, _: _multi(field, value, True),
    "not_icontains_multi": lambda field, value, _: _multi(field, value, False),
    "regex": lambda field, value, _: expression(f"ifNull(match(toString({field}), {literal(_regex(value))}), false)"),
    "not_regex": lambda field, value, _: expression(
        f"ifNull(not(match(toString({field}), {literal(_regex(value))})), true)"
    ),
    "between": lambda field, value, _: _between(field, value, True),
    "not_between": lambda field, value, _: _between(field, value, False),
}


def _regex(value: Any) -> str:
    pattern = str(value)
    try:
        re.compile(pattern)
    except re.error as error:
        raise QueryError(f"Invalid regular expression: {error}") from error
    return pattern


def _date(field: str, operator: str, value: str, now: datetime) -> str:
    moment, _ = dates.relative(value, now)
    compare = {"is_date_exact": "=", "is_date_before": "<", "is_date_after": ">"}.get(operator)
    if compare is None:
        raise NotComputedError(f"the operator {operator}")
    return f"toDateTime({field}) {compare} {dates.moment(moment)}"


def _semver(field: str, operator: str, value: str) -> str:
    """Versions are compared number by number, and only where the field is a whole one.

    As JSON, since that of NULL is a text.
    """
    valid = f"ifNull(match(toString({field}), {literal(_SEMVER)}), false)"
    found = f"""extract(toJSONString({field}), '^"?v?([0-9]+[.][0-9]+[.][0-9]+)')"""
    numbers = f"arrayMap(part -> toIntOrZero(part), splitByChar('.', {found}))"
    compare = {"eq": "=", "neq": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}.get(operator)
    if compare:
        return expression(f"{valid} AND {numbers} {compare} {literal(_version(value))}")
    low, high = _bounds(operator, value)
    return expression(f"{valid} AND {numbers} >= {literal(low)} AND {numbers} < {literal(high)}")


def _version(text: str) -> list[int]:
    found = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?", text.strip())
    if found is None:
        raise QueryError(f"Invalid semver value: {text}")
    return [int(each or 0) for each in found.groups()]


def _bounds(operator: str, value: str) -> tuple[list[int], list[int]]:
    if operator == "wildcard":
        parts = [int(each) for each in value.split(".") if each.isdecimal()]
        if not parts or not re.fullmatch(r"(\d+\.)+\*", value):
            raise QueryError(f"Invalid semver value: {value}")
        return [*parts, *[0] * (3 - len(parts))], [*parts[:-1], parts[-1] + 1, *[0] * (3 - len(parts))]
    major, minor, patch = _version(value)
    if operator == "tilde":
        bare = re.fullmatch(r"v?\d+", value.strip())
        return [major, minor, patch], [major + 1, 0, 0] if bare else [major, minor + 1, 0]
    if operator == "caret":
        high = [major + 1, 0, 0] if major else [0, minor + 1, 0] if minor else [0, 0, patch + 1]
        return [major, minor, patch], high
    raise NotComputedError(f"the operator semver_{operator}")


def action_matches(types: Types, action: Data, now: datetime) -> str:
    """What an action matches, as HogQL: any of its steps."""
    return _joined("OR", [_step(types, step, now) for step in action["steps"]]) if action["steps"] else "false"


def _step(types: Types, step: Data, now: datetime) -> str:
    if any(step.get(each) for each in ("selector", "tag_name", "text", "href")):
        raise NotComputedError("actions that look at elements, which are not kept")
    parts = [f"event = {literal(step['event'])}"] if step.get("event") else []
    if step.get("url"):
        parts.append(_url("properties.$current_url", str(step["url"]), step.get("url_matching")))
    parts.append(condition(types, step.get("properties"), now))
    return _joined("AND", parts)


def _url(field: str, url: str, matching: Any) -> str:
    if matching == "regex":
        return f"ifNull(match({field}, {literal(_regex(url))}), false)"
    if matching == "exact":
        return f"{field} = {literal(url)}"
    return f"{field} LIKE {literal(f'%{url}%')}"
