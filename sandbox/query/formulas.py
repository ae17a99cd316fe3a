"""Formulas over series: A and B are the first and the second; + - * / % **, parentheses and numbers.

Source: PostHog's hogql_queries/utils/formula_ast.py. Trap: a division by zero is 0, as is what has no value.
"""

import ast
import operator
from collections.abc import Callable, Sequence

from sandbox.query.errors import QueryError

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def evaluate(formula: str, series: Sequence[Sequence[float]]) -> list[float]:
    """The formula's value in each bucket.

    Parameters: `series` has each series' values, as many each.
    Raises: QueryError.
    """
    try:
        tree = ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise QueryError(f"Invalid formula: {formula}") from error
    length = len(series[0]) if series else 0
    return [_value(tree, [each[index] for each in series]) for index in range(length)]


def _value(node: ast.expr, values: list[float]) -> float:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        try:
            found = _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
        except (ZeroDivisionError, OverflowError):
            return 0
        return found if isinstance(found, int | float) else 0  # a root of what is negative is complex
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, values)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.Name):
        index = ord(node.id.upper()) - ord("A") if len(node.id) == 1 and node.id.isalpha() else -1
        if not 0 <= index < len(values):
            raise QueryError(f"Formula refers to series {node.id}, which doesn't exist")
        return values[index] or 0
    raise QueryError("A formula may have series' letters, numbers, + - * / % ** and parentheses")
