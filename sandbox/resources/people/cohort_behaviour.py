"""Who did what: the persons that an event-based leaf of a cohort means, from the events that HogQL finds.

Source: PostHog's posthog/hogql_queries/hogql_cohort_query.py. Traps: all but `performed_event_multiple` count whole
days of the project's timezone; an interval is known by its first letter alone, so that minutes count as months.
"""

import operator as comparison
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.evaluation.dates import Clock, filter_instant
from sandbox.query.errors import QueryError
from sandbox.query.hogql import literal
from sandbox.query.tables import ProjectTables
from sandbox.storage.store import Data

SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gte": comparison.ge,
    "lte": comparison.le,
    "gt": comparison.gt,
    "lt": comparison.lt,
    "eq": comparison.eq,
    "exact": comparison.eq,
}
LAST = "2299-12-31T23:59:59.999999Z"  # of what ClickHouse knows
Members = set[int]
Times = dict[int, list[str]]  # when each person did it, oldest first, as events keep their time


@dataclass(frozen=True)
class Window:
    """From when to when, both included; texts like an event's timestamp."""

    start: str
    end: str = "~"

    def times(self, times: Iterable[str]) -> list[str]:
        """Those within."""
        return [time for time in times if self.start <= time <= self.end]

    @property
    def condition(self) -> str:
        """The events within, as HogQL."""
        bounds = {">=": self.start, "<=": self.end}
        return " AND ".join(
            f"timestamp {sign} parseDateTimeBestEffort({literal(min(bound, LAST))})" for sign, bound in bounds.items()
        )


@dataclass(frozen=True)
class Question:
    """A leaf, asked of one project at the moment of its tables."""

    tables: ProjectTables
    leaf: Data

    @property
    def clock(self) -> Clock:
        """When it is asked, in the project's timezone."""
        return Clock(self.tables.now, self.tables.now.tzinfo or UTC)

    def number(self, name: str) -> int:
        """A positive number of the leaf. Raises QueryError."""
        value = self.leaf.get(name)
        if value is None:
            raise QueryError(f"{name} cannot be None")
        if value <= 0:
            raise QueryError(f"{name} must be greater than 0, got {value}")
        return int(value)

    def interval(self, name: str) -> str:
        """The name of an interval of the leaf. Raises QueryError."""
        if self.leaf.get(name) not in SECONDS:
            raise QueryError(f"Invalid interval: {self.leaf.get(name)}")
        return str(self.leaf[name])

    def back(self, prefix: str = "") -> str:
        """How far the leaf looks back, as a relative date: `-30d`."""
        return f"-{self.number(prefix + 'time_value')}{self.interval(prefix + 'time_interval')[0]}"

    def window(self, whole_days: bool = True) -> Window:
        """What the leaf looks at: between two dates, or so far back."""
        if self.leaf.get("explicit_datetime"):
            end = self.leaf.get("explicit_datetime_to")
            start = self.moment(self.leaf["explicit_datetime"], whole_days)
            return Window(start, self.moment(end, whole_days, last=True) if end else "~")
        return Window(self.moment(self.back(), whole_days))

    def moment(self, date: str, whole_days: bool = True, last: bool = False) -> str:
        """A relative or absolute date as an event's timestamp; of whole days the first or the last instant."""
        instant = filter_instant(date, self.clock)
        if instant is None:
            raise QueryError(f"Invalid date: {date}")
        local = datetime.fromtimestamp(max(instant, 0) / 1e9, self.clock.zone)
        if whole_days:
            local = local.replace(hour=0, minute=0, second=0, microsecond=0)
            local += timedelta(days=1, microseconds=-1) if last else timedelta()
        return _stamp(local)

    def times(self, prefix: str = "", filtered: bool = True) -> Times:
        """When each person did what the leaf names; `seq_` names the second event of a sequence.

        Raises: QueryError.
        """
        found: Times = {}
        for person, at in self.tables.happened(self._which(prefix, filtered)):
            found.setdefault(person, []).append(_stamp(at))
        return found

    def counts(self, window: Window) -> dict[int, int]:
        """How often each person did it within; who did not isn't there.

        Raises: QueryError.
        """
        return self.tables.counted(f"{self._which()} AND {window.condition}")

    def _which(self, prefix: str = "", filtered: bool = True) -> str:
        kind, key = self.leaf.get(f"{prefix}event_type"), self.leaf.get(f"{prefix}event" if prefix else "key")
        filters = list(self.leaf.get("event_filters") or ()) if filtered and not prefix else []
        if any(each.get("type") != "event" for each in filters):
            raise QueryError("Property type not supported")
        which = self.tables.action(key) if kind == "actions" else f"event = {literal(str(key))}"
        return f"({which}) AND ({self.tables.where(filters)})"


def members(tables: ProjectTables, leaf: Data) -> Members:
    """The persons (by number) whom an event-based leaf means, its negation aside.

    Raises: QueryError.
    """
    if leaf["value"] not in BEHAVIOURS:
        raise QueryError(f"Invalid behavioral property value for Cohort: {leaf['value']}")
    return BEHAVIOURS[leaf["value"]](Question(tables, leaf))


def _performed(asked: Question) -> Members:
    return set(asked.counts(asked.window()))


def _within(times: Times, window: Window) -> Members:
    return {person for person, own in times.items() if window.times(own)}


def _first_time(asked: Question) -> Members:
    """The first such event ever, which is then asked for its properties."""
    window, filtered = asked.window(), asked.times()
    return {
        person
        for person, own in asked.times(filtered=False).items()
        if window.times(own[:1]) and own[0] in filtered.get(person, ())
    }


def _multiple(asked: Question) -> Members:
    wanted, holds = asked.number("operator_value"), _compare(asked.leaf.get("operator"))
    counts = asked.counts(asked.window(whole_days=False))
    return {person for person, count in counts.items() if holds(count, wanted)}


def _sequence(asked: Question) -> Members:
    """The second event after the first, no longer after than the second interval."""
    window = asked.window()
    longest = timedelta(seconds=asked.number("seq_time_value") * SECONDS[asked.interval("seq_time_interval")])
    later = asked.times("seq_")
    return {
        person
        for person, own in asked.times(filtered=False).items()
        if any(
            first < second and _moment(second) - _moment(first) <= longest
            for first in window.times(own)
            for second in window.times(later.get(person, ()))
        )
    }


def _stopped(asked: Question) -> Members:
    lately = Window(asked.moment(asked.back("seq_")))
    return set(asked.counts(asked.window())) - set(asked.counts(lately))


def _restarted(asked: Question) -> Members:
    """Did it lately, not in the time before that, and not for the first time."""
    times, turn = asked.times(filtered=False), asked.back("seq_")
    lately = Window(asked.moment(turn))
    before = Window(asked.moment(asked.back()), asked.moment(turn, last=True))
    new = {person for person, own in times.items() if lately.times(own[:1])}
    return _within(times, lately) - new - _within(times, before)


def _regularly(asked: Question) -> Members:
    """So often in at least so many of the last periods, of which yesterday is the last day."""
    interval, length = asked.interval("time_interval"), asked.number("time_value")
    wanted, holds = asked.number("operator_value"), _compare(asked.leaf.get("operator"))
    least, periods = asked.number("min_periods"), asked.number("total_periods")
    if least > periods:
        raise QueryError(f"min_periods ({least}) cannot be greater than total_periods ({periods})")
    if interval == "year":
        interval, length = "month", length * 12
    start = asked.moment(f"-{length * periods}{interval[0]}")
    window = Window(start, asked.moment("-1d", last=True))
    found = set()
    for person, own in asked.times(filtered=False).items():
        counts = Counter(_period(time, start, interval, length) for time in window.times(own))
        if sum(holds(count, wanted) for count in counts.values()) >= least:
            found.add(person)
    return found


BEHAVIOURS: dict[str, Callable[[Question], Members]] = {
    "performed_event": _performed,
    "performed_event_first_time": _first_time,
    "performed_event_multiple": _multiple,
    "performed_event_sequence": _sequence,
    "stopped_performing_event": _stopped,
    "restarted_performing_event": _restarted,
    "performed_event_regularly": _regularly,
}


def _compare(name: Any) -> Callable[[int, int], bool]:
    if name is not None and name not in COMPARE:
        raise QueryError("count_operator must be gt(e), lt(e), exact, or None")
    return COMPARE[name or "eq"]


def _period(time: str, start: str, interval: str, length: int) -> int:
    """The number of the period, counted from the start, in which something happened."""
    happened, first = _moment(time), _moment(start)
    if interval == "month":
        return ((happened.year - first.year) * 12 + happened.month - first.month) // length
    return int((happened - first).total_seconds() // (SECONDS[interval] * length))


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
