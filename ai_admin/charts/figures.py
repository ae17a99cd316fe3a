"""What a drawing shows, before it has a size and colours. Every figure can also be rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ai_admin.charts.formats import PLAIN, Format

Rows = list[list[Any]]
"""A heading and rows below it, with values as PostHog gave them."""


@dataclass(frozen=True)
class Series:
    """One line, or one colour of bars."""

    label: str
    values: tuple[float, ...]
    colour: int
    """Its place in the palette."""
    before: bool = False
    """Whether it is of the period that the other one is compared with."""


@dataclass(frozen=True)
class Goal:
    """A line to reach, or not to reach."""

    label: str
    value: float


@dataclass(frozen=True)
class Plot:
    """Values in the order of time, or of another scale."""

    points: tuple[str, ...]
    """As PostHog gives them: the starts of intervals, in the project's timezone, or other labels."""
    series: tuple[Series, ...]
    mark: str = "line"
    """``line``, ``area`` or ``bar``."""
    stacked: bool = False
    format: Format = PLAIN
    goals: tuple[Goal, ...] = ()
    unfinished: int = 0
    """How many of the last points are of intervals that were not over."""
    interval: str = ""
    """PostHog's name of the interval, where the points are moments."""
    zone: str = ""
    """The timezone of the points, where they have a time of day."""
    marked: tuple[tuple[int, int], ...] = ()
    """Where the ground is coloured: from one point to another one, by their places."""

    def rows(self) -> Rows:
        """Return a row for each point."""
        values = zip(*(each.values for each in self.series), strict=True)
        heading: list[Any] = ["", *(each.label for each in self.series)]
        return [heading, *([point, *row] for point, row in zip(self.points, values, strict=True))]


@dataclass(frozen=True)
class Bar:
    """One value with its name."""

    label: str
    value: float
    note: str
    """The value in words, and what else is to be said of it."""
    share: float
    """Its length, from 0 to 1."""
    colour: int = 0


@dataclass(frozen=True)
class Bars:
    """Values side by side: from the top, or as the slices of a pie."""

    bars: tuple[Bar, ...]
    pie: bool = False

    def rows(self) -> Rows:
        """Return a row for each bar."""
        return [["", "value"], *([bar.label, bar.value] for bar in self.bars)]


@dataclass(frozen=True)
class Number:
    """One number, as large as it fits."""

    text: str
    value: float | None
    note: str = ""
    """How it compares."""

    def rows(self) -> Rows:
        """Return the number in one row."""
        return [["value"], [self.value]]


@dataclass(frozen=True)
class Table:
    """Rows as they are."""

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    values: tuple[tuple[Any, ...], ...]
    numeric: tuple[bool, ...]
    """Of each column, whether it holds numbers."""

    def rows(self) -> Rows:
        """Return the rows with their values."""
        return [list(self.columns), *map(list, self.values)]


@dataclass(frozen=True)
class Cell:
    """A field of a grid."""

    text: str
    value: float
    shade: float
    """From 0 to 1."""
    unfinished: bool = False


@dataclass(frozen=True)
class Grid:
    """Shaded fields, such as retention's. A field that is not there yet is None."""

    columns: tuple[str, ...]
    """With a heading for the rows' names and one for their notes."""
    names: tuple[str, ...]
    notes: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]

    def rows(self) -> Rows:
        """Return the grid's values."""
        lines = zip(self.names, self.notes, self.cells, strict=True)
        return [list(self.columns), *([name, note, *(c and c.value for c in cells)] for name, note, cells in lines)]


@dataclass(frozen=True)
class Words:
    """A text instead of a drawing."""

    text: str
    failed: bool = False
    """Whether the query failed; else there is no data."""

    def rows(self) -> Rows:
        """Return no rows."""
        return []


Figure = Plot | Bars | Number | Table | Grid | Words
