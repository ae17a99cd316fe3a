"""CSV for spreadsheets, in which no cell is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet may compute, or send to somebody (OWASP, "CSV Injection")."""


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows, of which the first is the heading, as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def safe(cell: object) -> object:
    """Return a cell that a spreadsheet shows as text, whatever it begins with; a number stays a number.

    A fraction has twelve digits, without the rounding errors of sums (``0.30000000000000004``).
    """
    if isinstance(cell, float):
        return f"{cell:.12g}" if abs(cell) < 1e12 else cell
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell
