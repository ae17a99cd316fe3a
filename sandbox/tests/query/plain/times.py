"""Ranges of dates and their buckets, by the calendar."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from sandbox.tests.query.plain.history import History

DAYS = ("-1d", "-3d", "-7d", "-14d", None, "mStart", "-2w")
HOURS = ("-5h", "-1d", "-2d")


def random_range(draw: Random, history: History, interval: str) -> dict[str, Any]:
    """A `dateRange` for an interval."""
    if interval == "hour":
        return {"date_from": draw.choice((*HOURS, f"{day(history, 1)}T10:20:00"))}
    return {
        "date_from": draw.choice((*DAYS, day(history, 13))),
        "date_to": draw.choice((None, None, None, day(history, 2), "-1d")),
    }


def day(history: History, ago: int) -> str:
    """The day so many days ago, as a date."""
    return str(history.now.date() - timedelta(days=ago))


def ends(history: History, given: dict[str, Any], interval: str) -> tuple[datetime, datetime]:
    """The first and the last moment of a range, in UTC."""
    local = history.local(history.now)
    start = _start(history, given.get("date_from"), local)
    if interval == "hour":
        end = local.replace(minute=59, second=59, microsecond=999_999)
    else:
        text = given.get("date_to")
        ago = {None: timedelta(), "-1d": timedelta(days=1)}.get(text)
        last = date.fromisoformat(str(text)) if ago is None else local.date() - ago
        end = datetime.combine(last, time(23, 59, 59, 999_999), history.zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def _start(history: History, text: str | None, local: datetime) -> datetime:
    if text is None:
        text = "-7d"
    if text == "mStart":
        return _midnight(history, local.date().replace(day=1))
    if text.endswith("h"):
        return (local.replace(tzinfo=None) - timedelta(hours=int(text[1:-1]))).replace(
            minute=0, second=0, microsecond=0, tzinfo=history.zone
        )
    if text.endswith("d"):
        return _midnight(history, local.date() - timedelta(days=int(text[1:-1])))
    if text.endswith("w"):
        return _midnight(history, local.date() - timedelta(weeks=int(text[1:-1])))
    return datetime.fromisoformat(text).replace(tzinfo=history.zone)


def _midnight(history: History, day: date) -> datetime:
    return datetime.combine(day, time(), history.zone)


def bucket(history: History, at: datetime, interval: str) -> datetime:
    """The start of the bucket, in UTC."""
    local = history.local(at)
    if interval == "hour":
        # Halves of an hour aside, every zone's hours start with UTC's.
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    day = local.date()
    if interval == "week":
        day -= timedelta(days=day.weekday() if history.monday else (day.weekday() + 1) % 7)
    if interval == "month":
        day = day.replace(day=1)
    return _midnight(history, day).astimezone(UTC)


def buckets(history: History, start: datetime, end: datetime, interval: str) -> list[datetime]:
    """All buckets from that of the start on, in UTC: those of every quarter of an hour up to the end."""
    found, at = set(), bucket(history, start, interval)
    while at <= end:
        found.add(bucket(history, at, interval))
        at += timedelta(minutes=15)
    return sorted(found)


def first(history: History, start: datetime, given: dict[str, Any], interval: str) -> datetime:
    """From when events count: from the bucket's start, but for so many hours or, in hours, for so many days ago."""
    text = str(given.get("date_from") or "")
    exact = text.startswith("-") and (interval == "hour" or text.endswith("h"))
    return start if exact else bucket(history, start, interval)


def named(history: History, at: datetime, interval: str) -> str:
    """A bucket as `days` names it."""
    return history.local(at).strftime("%Y-%m-%d %H:%M:%S" if interval == "hour" else "%Y-%m-%d")
