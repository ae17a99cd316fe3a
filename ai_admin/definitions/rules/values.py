"""Operators that fit their value and the type of their property."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ai_admin.definitions.catalog import Property
from ai_admin.definitions.explain import describe
from ai_admin.definitions.filters import FILTERED, Filter, described, filters
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.unreadable import UNREADABLE, is_readable

_NUMERIC = ("gt", "gte", "lt", "lte", "between", "not_between")
_ENDS = ("starts_with", "not_starts_with", "ends_with", "not_ends_with")
_TEXTUAL = ("icontains", "not_icontains", "icontains_multi", "not_icontains_multi", *_ENDS, "regex", "not_regex")
_DATES = ("is_date_exact", "is_date_before", "is_date_after")
_EQUAL = ("exact", "is_not", "in", "not_in")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LOOK_AROUND = re.compile(r"\(\?<?[=!]|\\[1-9]")
# What the engines of PostHog accept and Python's does not: no reason to call a pattern wrong.
_ONLY_OURS = ("bad escape", "global flags not at the start", "unknown extension")


@rule(*FILTERED)
def fits_value(unit: Unit, _: Index) -> Iterator[Finding]:
    """Regular expressions compile, bounds are in order, dates exist."""
    for each in filters(unit):
        operator, value = each.leaf.get("operator", "exact"), each.leaf.get("value")
        path = (*each.path, "value")
        if operator in ("regex", "not_regex") and isinstance(value, str):
            wrong = _regex_problem(value, flag=unit.kind == "flag")
            if wrong:
                fix = r'correct it; "\." is a dot, "\(" a parenthesis'
                yield Finding(path, f"the regular expression {wrong}", fix)
        elif operator in ("exact", "is_not") and unit.kind == "flag" and _both(value):
            message = "PostHog's flags read a list of true and false as false"
            yield Finding(path, message, "write one of them, or operator: is_set, without value, for both")
        elif operator in ("between", "not_between") and isinstance(value, list) and not _in_order(value):
            low, high = value
            yield Finding(path, f"the lower bound {low} is above the upper one", f"write [{high}, {low}]")
        elif operator in _DATES and isinstance(value, str) and _DATE.match(value):
            if not _is_date(value[:10]):
                fix = "write a day that exists, or how long ago, such as -30d"
                yield Finding(path, f"there is no day {value[:10]}", fix)
            elif not _is_date(value):
                yield Finding(path, f"there is no time {value[11:]}", f"write a time such as {value[:10]}T08:00:00Z")


@rule(*FILTERED, sees=("event",))
def fits_type(unit: Unit, index: Index) -> Iterator[Finding]:
    """The operator fits the type of the property in the catalogue, and the values are ones that it can have."""
    for each in filters(unit):
        known = described(each, index)
        found = _fits(each, known, unit) if known and known.type and is_readable(each.leaf.get("operator")) else ()
        yield from list(found) or _no_number(each)


def _no_number(each: Filter) -> Iterator[Finding]:
    operator, value = each.leaf.get("operator"), each.leaf.get("value")
    if operator in _ORDER and isinstance(value, str) and not _NUMBER.fullmatch(value):
        message = f"{operator} compares with a number, not {describe(value)}"
        yield Finding(
            (*each.path, "value"),
            message,
            f"write operator: semver_{operator}" if _VERSION.fullmatch(value) else "write a number, such as 1000000",
        )


def _fits(each: Filter, known: Property, unit: Unit) -> Iterator[Finding]:
    targeting = unit.kind in ("flag", "cohort")
    operator = each.leaf.get("operator", "exact")
    fitting = [name for name in _OPERATORS[known.type] if not (targeting and name in _INSIGHTS_ONLY)]
    if operator not in fitting:
        message = f'the operator {operator} does not fit "{known.name}", which is of type {known.type}'
        meant = _counterpart(operator, known, each.leaf.get("value"))
        yield Finding((*each.path, "operator"), message, f"write {meant or listed(fitting)}")
        return
    value = each.leaf.get("value")
    if known.type == "String" and (numbers := list(_numbers(value))):
        for step, number in numbers:
            path = (*each.path, "value", *step)
            written = unit.view.written((*unit.path, *path)) or str(number)
            message = f'"{known.name}" is text, and {written} is a number to YAML'
            yield Finding(path, message, f'put it in quotes: "{written}"')
        return
    if operator not in _EQUAL:
        return
    for item in value if isinstance(value, list) else [value]:
        if item is UNREADABLE:
            continue
        if not _has_type(item, known.type):
            message = f'"{known.name}" is of type {known.type} and is never {describe(item)}'
            yield Finding((*each.path, "value"), message, f"write {_SAMPLES[known.type]}")
        elif known.values and not any(_same(item, option) for option in known.values):
            options = listed(map(str, known.values))
            near = closest(str(item), map(str, known.values))
            message = f'"{known.name}" is never {describe(item)} (values in the catalogue: {options})'
            yield Finding((*each.path, "value"), message, f'write "{near}"' if near else f"write {options}")


_INSIGHTS_ONLY = (*_ENDS, "between", "not_between", "in", "not_in", "is_cleaned_path_exact")
_SET = ("is_set", "is_not_set")
_VERSIONS = tuple(f"semver_{name}" for name in ("eq", "neq", "gt", "gte", "lt", "lte", "tilde", "caret", "wildcard"))
_OPERATORS = {
    "String": (*_EQUAL, *_TEXTUAL, *_VERSIONS, *_DATES, *_SET, "is_cleaned_path_exact"),
    "Numeric": (*_EQUAL, *_NUMERIC, *_SET),
    "Duration": (*_EQUAL, *_NUMERIC, *_SET),
    "Boolean": (*_EQUAL, *_SET),
    "DateTime": (*_EQUAL, *_DATES, *_SET),
}
_SAMPLES = {"Numeric": "a number", "Duration": "a number (seconds)", "Boolean": "true or false"}


_ORDER = ("gt", "gte", "lt", "lte")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_VERSION = re.compile(r"v?[0-9]+(\.[0-9]+)+.*")


def _counterpart(operator: str, known: Property, value: Any) -> str:
    """Return the operator that compares values of this type in the same way; empty where there is none."""
    name = operator.removeprefix("semver_")
    if name in _ORDER:
        later = "is_date_after" if name.startswith("g") else "is_date_before"
        is_version = "version" in known.name.lower() or _VERSION.fullmatch(str(value))
        version = f"semver_{name}, and the version as text" if is_version else ""
        return {"String": version, "DateTime": later, "Numeric": name}.get(known.type or "", "")
    return {"is_date_after": "gt", "is_date_before": "lt"}.get(operator, "") if known.type == "Numeric" else ""


def _has_type(value: Any, kind: str) -> bool:
    if kind in ("Numeric", "Duration"):
        return _is_numeric(value)
    if kind == "Boolean":
        return isinstance(value, bool) or str(value).lower() in ("true", "false")
    return True


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _both(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return {str(item).lower() for item in value if item is not UNREADABLE} == {"true", "false"}


def _numbers(value: Any) -> Iterator[tuple[Path, Any]]:
    for step, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
        if isinstance(item, int | float) and not isinstance(item, bool):
            yield (() if step is None else (step,)), item


def _same(value: Any, option: Any) -> bool:
    """PostHog compares the texts of values. Flags do not tell case apart, and all else does: its counts of persons,
    insights, cohorts, actions.
    """
    return value == option or _text(value) == _text(option)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_order(bounds: list[Any]) -> bool:
    return len(bounds) != 2 or not all(map(_is_numeric, bounds)) or float(bounds[0]) <= float(bounds[1])


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _regex_problem(pattern: str, flag: bool) -> str:
    """Return what is wrong with a pattern.

    Look-around works in flags alone: insights and cohorts run on RE2. On the other hand PostHog's API compiles the
    patterns of flags with Python, and refuses what that does not know.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        if flag or not str(error).startswith(_ONLY_OURS):
            return f"is not valid: {error}"
    except (OverflowError, RecursionError):
        return "is too large"
    if not flag and _LOOK_AROUND.search(pattern.replace("\\\\", "")):
        return "uses look-around or back references, which ClickHouse does not have"
    return ""
