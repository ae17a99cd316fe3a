"""What an alert would have done over past values of its insight. Pure.

Source: PostHog's products/alerts/backend/evaluation (trends.py, comparator.py, contract.py) and
insight_alert_state_machine.py, 2026-11. A check looks at the last interval that is over, or at the one that is not
where the alert says so. While checks find a breach, each sends a message; the one that finds it over sends none.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_FINENESS = {"real_time": 0, "every_15_minutes": 1, "hourly": 2, "daily": 3, "weekly": 4, "monthly": 5}
_OF_INSIGHTS = {"second": 0, "minute": 0, "hour": 2, "day": 3, "week": 4, "month": 5}

_ASKED = {"absolute_value": 3}
"""How many intervals PostHog asks for at a check, the one that is not over among them; else one more."""


@dataclass(frozen=True)
class Rule:
    """What an alert compares: the value and the bounds."""

    condition: str
    """``absolute_value``, ``relative_increase`` or ``relative_decrease``: of the interval, or since the one before."""
    lower: float | None
    upper: float | None
    share: bool = False
    """Whether a change is a share of the value before."""
    series: int = 0
    ongoing: bool = False
    """Whether the interval that is not over is looked at."""
    percent: bool = False
    """Whether the values are per cent, as those of funnels are."""

    @classmethod
    def of(cls, alert: Mapping[str, Any], interval: str) -> Rule:
        """Return the rule of an alert in canonical form, on an insight with this interval."""
        threshold, config = alert["threshold"], alert.get("config") or {}
        condition, upper = alert.get("condition") or "absolute_value", threshold.get("upper")
        ongoing = config.get("check_ongoing_interval")
        if ongoing is None:  # PostHog's own choice
            finer = _FINENESS[alert.get("calculation_interval") or "daily"] < _OF_INSIGHTS.get(interval, 3)
            ongoing = finer and upper is not None and condition != "relative_decrease"
        return cls(
            condition,
            threshold.get("lower"),
            upper,
            threshold.get("type") == "percentage",
            config.get("series_index") or 0,
            bool(ongoing),
            config.get("type") == "FunnelsAlertConfig",
        )

    def __str__(self) -> str:
        """Return when the alert fires, in words."""
        what = {"relative_increase": "an increase ", "relative_decrease": "a decrease "}.get(self.condition, "")
        sides = (("below", self.lower), ("above", self.upper))
        said = [f"{word} {self.written(bound)}" for word, bound in sides if bound is not None]
        return what + " or ".join(said) if said else "by anomaly detection"

    def written(self, value: float | None) -> str:
        """Return a value as it is compared: shares in per cent, as few digits as say it.

        None is the share of nothing, as :attr:`Firing.worst` has it.
        """
        if value is None:
            return "from nothing"
        if self.share:
            return f"{value * 100:,.4g} %"
        unit = " %" if self.condition == "absolute_value" else " points"
        return f"{value:,.6g}{unit if self.percent else ''}"

    def distance(self, value: float) -> float:
        """Return how far a value is beyond a bound; negative for one that is within, by how far it is from the next."""
        below = self.lower - value if self.lower is not None else -math.inf
        above = value - self.upper if self.upper is not None else -math.inf
        return max(below, above)

    def compared(self, now: float | None, before: float | None) -> float | None:
        """Return what is compared with the bounds: a value, or its change; None where that is not known."""
        if now is None or self.condition == "absolute_value":
            return now
        return None if before is None else self.change(now, before)

    def change(self, now: float, before: float) -> float:
        """Return the change from one interval to the next, in the direction that the condition names."""
        moved = now - before if self.condition == "relative_increase" else before - now
        if not self.share:
            return moved
        if before == 0:
            return 0 if now == 0 else math.inf
        return moved / before


@dataclass(frozen=True)
class Line:
    """The values of a series, or of a value of its breakdown."""

    label: str
    values: Sequence[float | None]
    key: str = ""
    """What tells it apart from the others of the same answer; labels may be the same."""


@dataclass(frozen=True)
class Past:
    """What an insight's query answered for a period."""

    starts: Sequence[datetime]
    """When each interval begins."""
    lines: Sequence[Line]
    broken_down: bool = False
    finer: Past | None = None
    """The same in shorter intervals, whose values add up to those of the longer ones."""
    step: timedelta = timedelta(0)
    """How long each interval is, where that is the same for all."""

    def value(self, line: Line, place: int, moment: datetime) -> float | None:
        """Return a line's value in an interval as it was at a moment: of one that is not over, what was there so far.

        Seen are the shorter intervals that are over. Raises ValueError where an interval is not over and there are no
        shorter ones.
        """
        over = place + 1 < len(self.starts) and self.starts[place + 1] <= moment
        if over:
            return line.values[place]
        if self.finer is None:
            raise ValueError("an interval that is not over has no value without shorter ones")
        finer = self.finer
        parts = next((each.values for each in finer.lines if each.key == line.key), ())
        first, end = bisect_left(finer.starts, self.starts[place]), bisect_right(finer.starts, moment - finer.step)
        return sum(each or 0 for each in parts[first:end])


@dataclass(frozen=True)
class Check:
    """What a check finds."""

    at: datetime
    value: float | None
    """What is compared; of several values of a breakdown the first that breaches, and None where none does."""
    label: str = ""
    """The value of the breakdown that breaches."""
    breach: bool = False
    seen: float | None = None
    """Of all values that are compared the one that is farthest beyond a bound, or nearest to one; None without any."""
    error: str = ""
    """Why it fails, and finds nothing; empty where it does not."""
    early: bool = False
    """Whether it looks at time before the project's first event, and so finds nothing."""


@dataclass(frozen=True)
class Firing:
    """A time during which an alert fires."""

    start: datetime
    """The check that found it."""
    end: datetime | None
    """The check that found that it is over; None where none did."""
    checks: int
    """How many checks found it, and so how many messages PostHog sends."""
    worst: float | None
    """The value that is farthest beyond the bound; None for a share of nothing, which is no number."""
    label: str


@dataclass(frozen=True)
class Outcome:
    """What an alert would have done."""

    rule: Rule
    checks: tuple[Check, ...]
    firings: tuple[Firing, ...]

    @classmethod
    def of(cls, rule: Rule, checks: Iterable[Check]) -> Outcome:
        """Return what an alert would have done by its checks, which are in the order of time."""
        found = tuple(checks)
        return cls(rule, found, tuple(_firings(rule, found)))

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that fail."""
        return tuple(each for each in self.checks if each.error)

    @property
    def early(self) -> int:
        """How many checks, the first ones, look at time before the project's first event."""
        return sum(each.early for each in self.checks)

    @property
    def size(self) -> int:
        """How many checks look at time after that."""
        return len(self.checks) - self.early

    @property
    def is_firing(self) -> bool:
        """Whether the last check finds a breach."""
        return bool(self.checks) and self.checks[-1].breach

    @property
    def messages(self) -> int:
        """How many messages PostHog would have sent to each destination of the alert."""
        return sum(each.checks for each in self.firings)


def outcome(rule: Rule, past: Past, times: Iterable[datetime]) -> Outcome:
    """Return what an alert would have done at these checks.

    Raises ValueError with a reason for people where the rule does not fit the values.
    """
    if past.lines and not past.broken_down and rule.series >= len(past.lines):
        raise ValueError(f"it watches series {rule.series}, and the insight has {len(past.lines)}")
    return Outcome.of(rule, (check(rule, past, moment) for moment in times))


def check(rule: Rule, past: Past, moment: datetime) -> Check:
    """Return what a check finds at a moment."""
    current = bisect_right(past.starts, moment) - 1
    place = current if rule.ongoing else current - 1
    if past.broken_down:
        # PostHog asks only for the last intervals, and gets no series that is empty in them.
        first = max(0, current + 1 - _ASKED.get(rule.condition, 4))
        lines = [
            each
            for each in past.lines
            if any(each.values[first:current]) or (rule.ongoing and past.value(each, current, moment))
        ]
    else:
        lines = list(past.lines[rule.series : rule.series + 1])
    values = [(line.label, _compared(rule, past, line, place, moment)) for line in lines]
    return concluded(rule, moment, values, past.broken_down)


def concluded(rule: Rule, moment: datetime, values: Sequence[tuple[str, float | None]], several: bool) -> Check:
    """Return what a check finds in the values that it compares.

    Args:
        rule: the alert's.
        moment: when it is.
        values: their labels and values, None where that is not known; none where the insight has no result.
        several: none of them stands for all, as of a breakdown.
    """
    if not values:  # no result counts as nothing at all
        return Check(moment, 0.0, "", rule.distance(0) > 0, 0.0)
    compared = [(label, value) for label, value in values if value is not None]
    seen = max((value for _, value in compared), key=rule.distance, default=None)
    for label, value in compared:
        if rule.distance(value) > 0:
            return Check(moment, value, label if several else "", True, seen)
    return Check(moment, None if several else seen, seen=seen)


def _compared(rule: Rule, past: Past, line: Line, place: int, moment: datetime) -> float | None:
    if place < 0:
        return None
    before = past.value(line, place - 1, moment) if place else None
    return rule.compared(past.value(line, place, moment), before)


def _firings(rule: Rule, checks: Sequence[Check]) -> Iterable[Firing]:
    run: list[Check] = []
    for each in checks:
        if each.breach:
            run.append(each)
        elif run:
            yield _firing(rule, run, each.at)
            run = []
    if run:
        yield _firing(rule, run, None)


def _firing(rule: Rule, run: Sequence[Check], end: datetime | None) -> Firing:
    worst = max(run, key=lambda each: rule.distance(each.value or 0))
    value = worst.value or 0.0
    return Firing(run[0].at, end, len(run), value if math.isfinite(value) else None, worst.label)
