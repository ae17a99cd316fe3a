"""Formulas of trends: PostHog's small arithmetic over the letters of the series."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.query import formulas, query_of
from ai_admin.definitions.spelling import listed
from ai_admin.definitions.unreadable import UNREADABLE, is_readable

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPERATIONS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow, ast.UAdd, ast.USub)
_PARTS = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Load, *_OPERATIONS)


@rule("insight")
def computable(unit: Unit, _: Index) -> Iterator[Finding]:
    """A formula is arithmetic, and its letters are series (A the first, B the second); PostHog refuses others."""
    query = query_of(unit.value)
    if query is None:
        return
    nodes = query.node.get("series") or ()
    known = _LETTERS[: len(nodes)] if is_readable(*nodes) else ""
    for path, text in formulas(query):
        if text is UNREADABLE:
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield Finding(path, f'the formula "{text}" is not arithmetic', "write it like A / B * 100")
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                if known and (node.id.upper() not in known or len(node.id) != 1):
                    message = f'the formula names "{node.id}", and the series are {listed(known, "and")}'
                    yield Finding(path, message, f"write {listed(known)}, or add a series")
            elif isinstance(node, ast.Constant):
                if not isinstance(node.value, int | float) or isinstance(node.value, bool):
                    yield Finding(
                        path,
                        f"the formula holds {node.value!r}, which is no number",
                        "write numbers and letters",
                    )
            elif not isinstance(node, _PARTS):
                yield Finding(path, f'the formula "{text}" holds more than + - * / % ** and parentheses', "simplify it")
                break
