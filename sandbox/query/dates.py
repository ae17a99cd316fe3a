"""Date ranges and their buckets, in the project's timezone.

Source: PostHog's posthog/utils.py and hogql_queries/utils/query_date_range.py. Traps: the sign of a relative date is
ignored; `m` are months and `M` minutes; seven days back and today are eight days; a quarter is 13 weeks. Where
clocks go back an hour comes twice: two buckets of one name; a range that starts or ends then does so in the first of
them, as PostHog writes its ends as local times.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.parser import ParserError, isoparse
from dateutil.parser import parse as parse_date
from dateutil.relativedelta import relativedelta

from sandbox.query.errors import QueryError
from sandbox.query.hogql import literal

RELATIVE = re.compile(r"-?(?P<number>[0-9]+)?(?P<unit>[hdwmqysHDWMQY])(?P<position>Start|End)?")
UNITS = {
    "s": relativedelta(seconds=1),
    "M": relativedelta(minutes=1),
    "h": relativedelta(hours=1),
    "d": relativedelta(days=1),
    "w": relativedelta(weeks=1),
    "m": relativedelta(months=1),
    "q": relativedelta(weeks=13),
    "y": relativedelta(years=1),
}
MIDNIGHT: dict[str, Any] = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
DAY_END: dict[str, Any] = {"hour": 23, "minute": 59, "second": 59, "microsecond": 999_999}
INTERVALS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
STEPS = {
    "second": relativedelta(seconds=1),
    "minute": relativedelta(minutes=1),
    "hour": relativedelta(hours=1),
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}
BUCKETS = {each: f"toStartOf{each.title()}" for each in INTERVALS}
SHORT = ("second", "minute", "hour")
MOST_BUCKETS = 50_000


def relative(text: str, now: datetime, week_start: int = 0) -> tuple[datetime, str | None]:
    """The moment that a date means, and the unit of a relative one, None for an absolute one. Raises QueryError."""
    absolute = _absolute(text, now)
    if absolute is not None:
        return absolute, None
    found = RELATIVE.search(text)
    if found is None:
        return now, ""
    unit, number, position = found["unit"], found["number"], found["position"]
    try:
        moment = now - int(number) * UNITS[unit] if number and unit in UNITS else now
    except (OverflowError, ValueError) as error:
        raise QueryError(f"The date {text} is before the first year") from error
    return (_position(moment, unit, position, week_start) if position else moment), unit


def _absolute(text: str, now: datetime) -> datetime | None:
    try:
        found = isoparse(text) if "T" in text or len(text) > 8 else parse_date(text) if text.count("-") == 2 else None
    except (ValueError, ParserError, OverflowError):
        try:
            found = parse_date(text) if re.match(r"\d{4}-\d{1,2}-\d{1,2}", text) else None
        except (ValueError, ParserError, OverflowError):
            return None
    if found is None:
        return None
    return found.astimezone(now.tzinfo) if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _position(moment: datetime, unit: str, position: str, week_start: int) -> datetime:
    end = position == "End"
    if unit == "h":
        return moment.replace(**(DAY_END if end else MIDNIGHT) | {"hour": moment.hour})
    if unit == "w":
        moment = start_of(moment, "week", week_start) + timedelta(days=6 if end else 0)
    elif unit == "m":
        moment += relativedelta(day=31 if end else 1)
    elif unit == "y":
        moment += relativedelta(day=31) if end else relativedelta(month=1, day=1)
    elif unit != "d":
        return moment
    return moment.replace(**(DAY_END if end else MIDNIGHT))


def start_of(moment: datetime, interval: str, week_start: int = 0) -> datetime:
    """The start of the bucket that a moment lies in."""
    if interval in SHORT:
        finer: dict[str, Any] = dict.fromkeys(("microsecond", "second", "minute")[: INTERVALS.index(interval) + 1], 0)
        return moment.replace(**finer)
    day = moment.replace(**MIDNIGHT)
    if interval == "week":
        return day - timedelta(days=(day.weekday() - (0 if week_start else 6)) % 7)
    if interval == "month":
        return day.replace(day=1)
    if interval == "quarter":
        return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    return day.replace(day=1, month=1) if interval == "year" else day


def later(moment: datetime, interval: str, steps: int = 1) -> datetime:
    """So many intervals later: of the clock for hours and less, of the calendar for days and more."""
    if interval in SHORT:
        return (moment.astimezone(UTC) + steps * STEPS[interval]).astimezone(moment.tzinfo)
    return moment + steps * STEPS[interval]


@dataclass(frozen=True)
class Range:
    """From when to when, both included, in buckets of an interval."""

    start: datetime
    end: datetime
    interval: str
    week_start: int = 0
    # Whether events count from the start of the first bucket; else the first bucket may be a part of one.
    widened: bool = True

    def __post_init__(self) -> None:
        for end in ("start", "end"):
            object.__setattr__(self, end, getattr(self, end).replace(fold=0))

    @cached_property
    def buckets(self) -> list[datetime]:
        """The starts of all buckets, by the project's clocks."""
        found, moment, end = [], start_of(self.start, self.interval, self.week_start), self.end.astimezone(UTC)
        while moment.astimezone(UTC) <= end:
            found.append(moment)
            moment = later(moment, self.interval)
            if len(found) > MOST_BUCKETS:
                raise QueryError(f"A range of more than {MOST_BUCKETS} intervals.")
        return found

    @cached_property
    def instants(self) -> list[datetime]:
        """The same in UTC, as `instant` has them: two local times are equal whichever of two hours they are in."""
        return [each.astimezone(UTC) for each in self.buckets]

    @cached_property
    def first(self) -> datetime:
        """From when events count."""
        return start_of(self.start, self.interval, self.week_start) if self.widened else self.start

    def condition(self, column: str = "timestamp", start: datetime | None = None) -> str:
        """What holds of events in the range, as HogQL."""
        return f"{column} >= {moment(start or self.first)} AND {column} <= {moment(self.end)}"

    def bucket(self, column: str = "timestamp") -> str:
        """The bucket of an event, as HogQL."""
        return f"{BUCKETS[self.interval]}({column})"

    @property
    def resolved(self) -> dict[str, str]:
        """The range as PostHog answers it."""
        return {"date_from": iso(self.start), "date_to": iso(self.end)}


def moment(at: datetime) -> str:
    """A moment as HogQL, in the project's timezone."""
    text = f"toDateTime64({literal(at.strftime('%Y-%m-%d %H:%M:%S.%f'))}, 6)"
    # ClickHouse reads a local time that comes twice as the first one.
    again = int((at.astimezone(UTC) - at.replace(fold=0).astimezone(UTC)).total_seconds())
    return f"({text} + toIntervalSecond({again}))" if again > 0 else text


def iso(at: datetime) -> str:
    """A moment as PostHog answers it."""
    return at.isoformat().replace("+00:00", "Z")


def instant(text: str, zone: ZoneInfo) -> datetime:
    """A bucket as ClickHouse answered it, in UTC."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def date_range(
    given: Any,
    interval: str,
    now: datetime,
    *,
    week_start: int = 0,
    earliest: datetime | None = None,
    exact: bool = False,
) -> Range:
    """A query's `dateRange`; without one the seven days before today and today.

    Parameters: `now` in the project's timezone; `earliest` is what `all` means; an `exact` range without an end ends
    now, not with the day.
    """
    asked = given or {}
    explicit, date_from, date_to = bool(asked.get("explicitDate")), asked.get("date_from"), asked.get("date_to")
    if interval not in INTERVALS:
        raise QueryError(f"Unknown interval: {interval}")
    widened = not (explicit or exact)
    if date_from == "all":
        start = (earliest or now).astimezone(now.tzinfo).replace(**MIDNIGHT)
    elif date_from:
        start, unit = relative(str(date_from), now, week_start)
        if unit is not None and not explicit and interval not in ("minute", "second"):
            start = start.replace(**{**MIDNIGHT, "hour": start.hour if unit == "h" else 0})
        if unit is not None and (interval in SHORT or (interval == "day" and unit == "h")):
            widened = False
    else:
        start = now.replace(**MIDNIGHT) - timedelta(days=7)
    end, unit = relative(str(date_to), now, week_start) if date_to else (now, "")
    if not explicit and (date_to or not exact):
        if interval not in SHORT:
            end = end.replace(**DAY_END)
        elif unit is not None:
            end = end.replace(**{**DAY_END, "hour": end.hour, **({} if interval == "hour" else {"minute": end.minute})})
    return Range(start, end, interval, week_start, widened)


def compared(current: Range, given: Any, compare_to: str | None, exact: bool = False) -> Range:
    """The range that a comparison looks at: as long, so far back or right before."""
    if compare_to:
        found = RELATIVE.search(compare_to)
        if found is None or not found["number"] or found["unit"] not in UNITS:
            raise QueryError(f"Invalid compare_to: {compare_to}")
        back = int(found["number"]) * UNITS[found["unit"]]
        start = current.start - back
        return replace(current, start=start, end=start + (current.end - current.start))
    length = current.end - current.start
    start = current.start - length
    if current.interval in SHORT:
        start = start.replace(**{**MIDNIGHT, "hour": current.start.hour})
        end = (start + length).replace(**({} if exact else {**DAY_END, "hour": (start + length).hour}))
        return replace(current, start=start, end=end)
    start = start.replace(**MIDNIGHT)
    if current.interval == "day" and _whole_weeks(given or {}):
        start += timedelta(days=1)  # so that each day is compared with the same day of the week
    end = start + length
    return replace(current, start=start, end=end if exact else end.replace(**DAY_END))


def _whole_weeks(given: Any) -> bool:
    """Whether a range starts so many whole weeks of days ago, as the default does, and ends at no relative date."""
    date_to = given.get("date_to")
    if date_to and _absolute(str(date_to), datetime.now(UTC)) is None:
        return False
    found = RELATIVE.fullmatch(str(given.get("date_from") or "-7d"))
    return found is not None and found["unit"] == "d" and bool(found["number"]) and int(found["number"]) % 7 == 0
