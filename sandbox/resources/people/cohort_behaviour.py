"""Who did what: the persons that an event-based leaf of a cohort means, from the stored events.

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
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.patterns import search
from sandbox.evaluation.properties import match_property
from sandbox.storage import jsontext
from sandbox.storage.store import Data, Store

SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gte": comparison.ge,
    "lte": comparison.le,
    "gt": comparison.gt,
    "lt": comparison.lt,
    "eq": comparison.eq,
    "exact": comparison.eq,
}
# What of an action's step looks at elements of a page, which nothing here keeps.
ELEMENTS = ("selector", "tag_name", "text", "href")
Members = set[int]
Times = dict[int, list[str]]  # when each person did it, oldest first, as events keep their time


class UncountableError(Exception):
    """The criteria can't be calculated. The text says why."""


@dataclass(frozen=True)
class Window:
    """From when to when, both included; texts like an event's timestamp."""

    start: str
    end: str = "~"

    def times(self, times: Iterable[str]) -> list[str]:
        """Those within."""
        return [time for time in times if self.start <= time <= self.end]


@dataclass(frozen=True)
class Question:
    """A leaf, asked of one project now."""

    store: Store
    project: int
    leaf: Data
    clock: Clock

    def number(self, name: str) -> int:
        """A positive number of the leaf. Raises `UncountableError`."""
        value = self.leaf.get(name)
        if value is None:
            raise UncountableError(f"{name} cannot be None")
        if value <= 0:
            raise UncountableError(f"{name} must be greater than 0, got {value}")
        return int(value)

    def interval(self, name: str) -> str:
        """The name of an interval of the leaf. Raises `UncountableError`."""
        if self.leaf.get(name) not in SECONDS:
            raise UncountableError(f"Invalid interval: {self.leaf.get(name)}")
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
            raise UncountableError(f"Invalid date: {date}")
        local = datetime.fromtimestamp(max(instant, 0) / 1e9, self.clock.zone)
        if whole_days:
            local = local.replace(hour=0, minute=0, second=0, microsecond=0)
            local += timedelta(days=1, microseconds=-1) if last else timedelta()
        return _stamp(local)

    def times(self, prefix: str = "", filtered: bool = True) -> Times:
        """When each person did what the leaf names; `seq_` names the second event of a sequence."""
        kind, key = self.leaf.get(f"{prefix}event_type"), self.leaf.get(f"{prefix}event" if prefix else "key")
        filters = [parse_filter(one) for one in (self.leaf.get("event_filters") or ()) if filtered and not prefix]
        if any(one.type != "event" for one in filters):
            raise UncountableError("Property type not supported")
        matches = self._of_action(key) if kind == "actions" else None
        event = "" if matches else " AND e.event = ?"
        rows = self.store.execute(
            "SELECT d.person, e.timestamp, e.event, e.data FROM events e JOIN distinct_ids d ON d.project = e.project"
            f" AND d.distinct_id = e.distinct_id WHERE e.project = ?{event} ORDER BY e.timestamp",
            (self.project, *(() if matches else (str(key),))),
        )
        found: Times = {}
        for person, time, name, data in rows:
            properties = jsontext.decode(data)["properties"] if filters or matches else {}
            if (matches is None or matches(name, properties)) and all(
                match_property(one, properties, self.clock) for one in filters
            ):
                found.setdefault(person, []).append(time)
        return found

    def _of_action(self, identifier: Any) -> Callable[[str, Data], bool]:
        """Whether an event is what an action means: what one of its steps says."""
        action = self.store.get("action", identifier, str(self.project))
        if action is None:
            raise UncountableError(f"Action {identifier} does not exist")
        if any(step.get(name) for step in action["steps"] for name in ELEMENTS):
            raise UncountableError(f"Action {identifier} looks at elements, which are not kept")
        return lambda name, properties: any(self._is_step(step, name, properties) for step in action["steps"])

    def _is_step(self, step: Data, name: str, properties: Data) -> bool:
        if step.get("event") and step["event"] != name:
            return False
        if step.get("url") and not _is_url(str(properties.get("$current_url", "")), step):
            return False
        return all(match_property(parse_filter(one), properties, self.clock) for one in step.get("properties") or ())


def members(store: Store, project: int, leaf: Data, clock: Clock) -> Members:
    """The persons (by number) whom an event-based leaf means, its negation aside.

    Raises: UncountableError.
    """
    if leaf["value"] not in BEHAVIOURS:
        raise UncountableError(f"Invalid behavioral property value for Cohort: {leaf['value']}")
    return BEHAVIOURS[leaf["value"]](Question(store, project, leaf, clock))


def _performed(asked: Question) -> Members:
    return _within(asked.times(), asked.window())


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
    window = asked.window(whole_days=False)
    counts = {person: len(window.times(own)) for person, own in asked.times().items()}
    return {person for person, count in counts.items() if count and holds(count, wanted)}


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
    times = asked.times()
    return _within(times, asked.window()) - _within(times, Window(asked.moment(asked.back("seq_"))))


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
        raise UncountableError(f"min_periods ({least}) cannot be greater than total_periods ({periods})")
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
        raise UncountableError("count_operator must be gt(e), lt(e), exact, or None")
    return COMPARE[name or "eq"]


def _period(time: str, start: str, interval: str, length: int) -> int:
    """The number of the period, counted from the start, in which something happened."""
    happened, first = _moment(time), _moment(start)
    if interval == "month":
        return ((happened.year - first.year) * 12 + happened.month - first.month) // length
    return int((happened - first).total_seconds() // (SECONDS[interval] * length))


def _is_url(url: str, step: Data) -> bool:
    wanted, matching = str(step["url"]), step.get("url_matching")
    if matching == "regex":
        return search(wanted, url) is True
    return url == wanted if matching == "exact" else wanted in url


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
