"""Shaded grids: retention, and hours by weekdays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ai_admin.charts.figures import Cell, Figure, Grid, Words
from ai_admin.charts.formats import PLAIN, Format, computed_at, moment

_PERIODS = {"Hour": "hour", "Day": "day", "Week": "week", "Month": "month"}
_LENGTHS = {"Hour": timedelta(hours=1), "Day": timedelta(1), "Week": timedelta(7)}


def grid(columns: Sequence[str], names: Sequence[str], values: Sequence[Sequence[float]], shape: Format) -> Grid:
    """Return values as a grid, shaded by their share of the largest."""
    top = max((value for row in values for value in row), default=0) or 1
    cells = tuple(tuple(Cell(shape(value), value, value / top) for value in row) for row in values)
    sums = tuple(shape(sum(row)) for row in values)
    return Grid(("", "sum", *columns), tuple(names), sums, cells)


def retention(source: Mapping[str, Any], answer: Mapping[str, Any]) -> Figure:
    """Return the figure of a RetentionQuery: of those who came in a period, who came again how many periods later.

    PostHog's answer has zeros for periods that are still to come; these are left out, as on its pages, and so are the
    shares of nobody.
    """
    settings = source.get("retentionFilter") or {}
    period, results = settings.get("period") or "Day", answer["results"]
    if not any(row["values"] and row["values"][0]["count"] for row in results):
        return Words("No data: nobody did the first step in this period.")
    now = computed_at(answer)
    measured = settings.get("aggregationType") in ("sum", "avg")
    lines = [_line(row, period, now, settings.get("retentionReference") == "previous", measured) for row in results]
    names = [_name(row, _PERIODS[period]) for row in results]
    notes = [f"{row['values'][0]['count']:,}" for row in results]
    mean = settings.get("meanRetentionCalculation") or "simple"
    if mean != "none" and not measured:
        weights = [row["values"][0]["count"] if mean == "weighted" else 1 for row in results]
        lines.insert(0, _mean(lines, weights))
        names.insert(0, "Mean")
        notes.insert(0, "")
    heading = tuple(str(value["label"]) for value in results[0]["values"])
    return Grid(("", "size", *heading), tuple(names), tuple(notes), tuple(tuple(line) for line in lines))


def _line(
    row: Mapping[str, Any], period: str, now: datetime | None, previous: bool, measured: bool
) -> list[Cell | None]:
    counts = [float(value["count"]) for value in row["values"]]
    line: list[Cell | None] = []
    for place, count in enumerate(counts):
        whole = counts[max(place - 1, 0)] if previous else counts[0]
        share = count / whole if whole else 0.0
        begins, ends = (_after(row["date"], period, steps) for steps in (place, place + 1))
        if not counts[0] or (now is not None and begins > now):
            line.append(None)
        elif measured:
            value = float(row["values"][place].get("aggregation_value") or 0)
            line.append(Cell(PLAIN(value), value, min(share, 1), now is not None and ends > now))
        else:
            line.append(Cell(f"{share:.1%}", share, min(share, 1), now is not None and ends > now))
    return line


def _mean(lines: list[list[Cell | None]], weights: list[float]) -> list[Cell | None]:
    """Return the mean of each column, without what is not over yet."""
    found: list[Cell | None] = []
    for column in zip(*lines, strict=True):
        full = [(cell.value, weight) for cell, weight in zip(column, weights, strict=True)
                if cell and not cell.unfinished]  # fmt: skip
        whole = sum(weight for _, weight in full)
        mean = sum(value * weight for value, weight in full) / whole if whole else None
        found.append(None if mean is None else Cell(f"{mean:.1%}", mean, min(mean, 1)))
    return found


def _name(row: Mapping[str, Any], interval: str) -> str:
    date = moment(str(row["date"]), interval)
    value = row.get("breakdown_value")
    return date if value is None else f"{date} · {value or 'none'}"


def _after(date: str, period: str, steps: int) -> datetime:
    start = datetime.fromisoformat(date).replace(tzinfo=None)
    if period in _LENGTHS:
        return start + _LENGTHS[period] * steps
    months = start.year * 12 + start.month - 1 + steps
    return start.replace(year=months // 12, month=months % 12 + 1, day=1)
