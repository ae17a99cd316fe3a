"""How PostHog's flag service reads a JSON value as text, as a number, and as true or false."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# What Rust's `f64::from_str` accepts: no blanks and no underscores, which Python's float() would take.
_NUMBER = re.compile(
    r"[+-]?(?:inf|infinity|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)", re.IGNORECASE | re.ASCII
)


def text(value: Any) -> str:
    """A string as it is, anything else as compact JSON text (`5`, `true`, `null`, `["a"]`, keys sorted)."""
    return value if isinstance(value, str) else _json_text(value)


def ascii_lower(value: Any) -> str:
    """The text of a value with A-Z lowered and every other letter kept ("É" stays "É")."""
    return text(value).translate(_ASCII_LOWER)


def number(value: Any) -> float | None:
    """The number a value is or spells, else None. A boolean is none; "inf" and "nan" are numbers, as in Rust."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _float(value)
    spelled = text(value)
    return _float(spelled) if _NUMBER.fullmatch(spelled) else None


def is_truth_value(value: Any) -> bool:
    """Whether a filter value asks for true or false: a boolean, "true"/"false" in any case, or an array of only these.

    An empty array is an array of only these, so that `exact []` asks for "true".
    """
    if isinstance(value, list):
        return all(is_truth_value(item) for item in value)
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))


def is_true(value: Any) -> bool:
    """Whether a value is true, "true" in any case, or an array of only these."""
    if isinstance(value, list):
        return all(is_true(item) for item in value)
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _float(value: int | float | str) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond the range of doubles
        return float("-inf") if str(value).startswith("-") else float("inf")


def _json_text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_json_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json_text(key)}:{_json_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, float):
        return _float_text(value)
    return json.dumps(value, ensure_ascii=False)


def _float_text(value: float) -> str:
    # Rust writes 0.00001 and 1e-6 where Python writes 1e-05 and 1e-06.
    spelled = repr(value)
    if "e" not in spelled:
        return spelled
    mantissa, exponent = spelled.split("e")
    power = int(exponent)
    if -6 < power < 0:
        return format(Decimal(spelled), "f")
    return f"{mantissa}e{'+' if power >= 0 else ''}{power}"


def first(data: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these names that has one."""
    return next((data[name] for name in names if data.get(name) is not None), None)


def as_object(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
