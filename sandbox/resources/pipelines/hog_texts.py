"""Templates in a hog function's inputs: `{event.properties.breaches}` and other paths.

Hog, the language of these templates, has expressions too. The sandbox runs none of them, and says so.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.storage.store import Data

PART = re.compile(r"\\([{}])|\{([^{}]*)\}")
PATH = re.compile(r"[A-Za-z_$][\w$]*(\.[\w$]+)*")


class NotRenderedError(Exception):
    """A template that is more than a path; the text says which."""


def render(value: Any, scope: Mapping[str, Any]) -> Any:
    """A value with its templates filled in, also within lists and objects; one that is a template alone is its value.

    Raises:
        NotRenderedError: an expression.
    """
    if isinstance(value, dict):
        return {name: render(each, scope) for name, each in value.items()}
    if isinstance(value, list):
        return [render(each, scope) for each in value]
    if not isinstance(value, str):
        return value
    whole = PART.fullmatch(value)
    if whole is not None and whole[1] is None:
        return _look_up(whole[2], scope)
    return PART.sub(lambda part: part[1] or _text(_look_up(part[2], scope)), value)


def inputs(function: Data, scope: Mapping[str, Any]) -> Data:
    """A function's inputs, secret ones included, in the order in which they speak of each other.

    Raises: NotRenderedError.
    """
    given = {**(function["inputs"] or {}), **function["encrypted_inputs"]}
    found: Data = {}
    for name, each in sorted(given.items(), key=lambda item: item[1].get("order", 0)):
        value, templating = each.get("value"), each.get("templating")
        if templating == "liquid":
            raise NotRenderedError(f"The input {name} is written in Liquid, which the sandbox doesn't run.")
        found[name] = value if templating is False else render(value, {**scope, "inputs": found})
    return found


def _look_up(path: str, scope: Mapping[str, Any]) -> Any:
    """The value at a path; null where there is none."""
    if PATH.fullmatch(path.strip()) is None:
        raise NotRenderedError(f"The sandbox fills in paths such as {{event.properties.x}}, not {{{path}}}.")
    found: Any = scope
    for name in path.strip().split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
