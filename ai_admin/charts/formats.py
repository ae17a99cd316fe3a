"""Numbers and moments as PostHog's pages write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_LARGE = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
HOURS = ("hour", "minute", "second")
"""Intervals whose starts have a time of day."""

_STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(7)}


@dataclass(frozen=True)
class Format:
    """How an insight writes its values (PostHog: ``aggregationAxisFormat.ts``, ``formatDataWithSettings``)."""

    prefix: str = ""
    suffix: str = ""
    style: str = "numeric"
    """An ``aggregationAxisFormat`` of PostHog's; what it does not name is written as ``numeric``."""
    most: int = 2
    """Decimal places at most."""
    least: int = 0
    """Decimal places at least."""

    def __call__(self, value: float | None) -> str:
        """Return a value in words; nothing is a dash."""
        if value is None:
            return "–"
        if self.style == "short":
            written = _compact(value)
        elif self.style in ("duration", "duration_ms"):
            written = duration(value / 1000 if self.style == "duration_ms" else value)
        elif self.style in ("percentage", "percentage_scaled"):
            written = self._number(value * 100 if self.style == "percentage_scaled" else value) + "%"
        else:
            written = self._number(value)
        return f"{self.prefix}{written}{self.suffix}".replace(f"{self.prefix}-", f"-{self.prefix}", 1)

    def finer(self, step: float) -> Format:
        """Return the format with as many decimal places as tell multiples of a step apart."""
        step *= 100 if self.style == "percentage_scaled" else 1
        need = next((places for places in range(9) if abs(round(step, places) - step) < step / 100), 9)
        return replace(self, most=max(self.most, need))

    def _number(self, value: float) -> str:
        written = f"{value:,.{max(self.most, self.least)}f}"
        whole, _, decimals = written.partition(".")
        decimals = decimals.rstrip("0").ljust(self.least, "0")
        written = f"{whole}.{decimals}" if decimals else whole
        return "0" if written == "-0" else written


PLAIN = Format()


def of_trends(settings: Mapping[str, Any]) -> Format:
    """Return the format that a ``trendsFilter`` asks for."""
    places, least = settings.get("decimalPlaces"), settings.get("minDecimalPlaces")
    style = settings.get("aggregationAxisFormat") or "numeric"
    return Format(
        settings.get("aggregationAxisPrefix") or ("$" if style == "currency" else ""),
        settings.get("aggregationAxisPostfix") or "",
        style,
        2 if places is None else int(places),
        (2 if style == "currency" else 0) if least is None else int(least),
    )


def of_column(axis: Mapping[str, Any]) -> Format:
    """Return the format that a column of an SQL insight asks for (``ChartAxis``)."""
    asked = (axis.get("settings") or {}).get("formatting") or {}
    places, style = asked.get("decimalPlaces"), asked.get("style") or "none"
    # PostHog writes so many places without a style and at most so many with one; its percent are not multiplied.
    most = (3 if style in ("number", "percent") else 6) if places is None else int(places)
    least = most if style == "none" and places else 0
    styles = {"short": "short", "percent": "percentage"}
    return Format(asked.get("prefix") or "", asked.get("suffix") or "", styles.get(style, "numeric"), most, least)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    if abs(seconds) < 1:
        return f"{round(seconds * 1000)}ms" if seconds else "0s"
    left, parts = round(abs(seconds)), []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        many, left = divmod(left, size)
        if many:
            parts.append(f"{many}{unit}")
    return ("-" if seconds < 0 else "") + " ".join(parts[:2])


def moment(day: str, interval: str) -> str:
    """Return the start of an interval, which PostHog writes in the project's timezone, as an axis shows it."""
    try:
        at = datetime.fromisoformat(day)
    except ValueError:
        return day
    if interval == "month":
        return f"{at:%b %Y}"
    return f"{at.day} {at:%b %H:%M}" if interval in HOURS else f"{at.day} {at:%b}"


def unfinished(days: list[str], interval: str, answer: Mapping[str, Any]) -> int:
    """Return how many of the last intervals were not over when PostHog computed the answer.

    Args:
        days: the starts of the intervals, in the project's timezone.
        interval: PostHog's name of it.
        answer: the query's answer; without ``last_refresh`` nothing counts as unfinished.
    """
    now = computed_at(answer)
    if now is None:
        return 0
    return sum(end > now for day in days if (end := _end(day, interval)) is not None)


def computed_at(answer: Mapping[str, Any]) -> datetime | None:
    """Return when PostHog computed an answer, in the project's timezone and without it."""
    try:
        zone = ZoneInfo(answer.get("timezone") or "UTC")
        return datetime.fromisoformat(answer["last_refresh"]).astimezone(zone).replace(tzinfo=None)
    except (KeyError, TypeError, ValueError):
        return None


def _end(day: str, interval: str) -> datetime | None:
    try:
        start = datetime.fromisoformat(day).replace(tzinfo=None)
    except ValueError:
        return None
    if interval == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + _STEPS.get(interval, timedelta(0))


def _compact(value: float) -> str:
    for size, letter in _LARGE:
        if abs(value) >= size * 0.9995:
            return f"{float(f'{value / size:.3g}'):g}{letter}"
    return f"{float(f'{value:.3g}'):g}"
