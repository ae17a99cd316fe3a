"""What results are called: days, their labels, and the event of a series."""

from datetime import datetime

from sandbox.query.asked import Asked
from sandbox.query.dates import SHORT, Range, later
from sandbox.storage.store import Data


def day(bucket: datetime, interval: str) -> str:
    """A bucket as `days` has it."""
    return bucket.strftime("%Y-%m-%d %H:%M:%S" if interval in SHORT else "%Y-%m-%d")


def label(bucket: datetime, range_: Range) -> str:
    """A bucket as people read it; a week clipped to the range."""
    if range_.interval == "week":
        return _week(max(bucket, range_.start), min(later(bucket, "day", 6), range_.end))
    if range_.interval in SHORT:
        seconds = ":%S" if range_.interval == "second" else ""
        return f"{bucket.day}-{bucket.strftime(f'%b %H:%M{seconds}')}"
    if range_.interval in ("month", "quarter", "year"):
        return bucket.strftime("%b %Y")
    return f"{bucket.day}-{bucket.strftime('%b-%Y')}"


def _week(start: datetime, end: datetime) -> str:
    if start.month == end.month:
        return f"{start.day}–{end.day} {start.strftime('%b')}"
    return f"{start.day}-{start.strftime('%b')} – {end.day}-{end.strftime('%b')}"


def event_of(asked: Asked, series: Data) -> str | None:
    """The event that a series is named by, an action's name, or None for all events."""
    kind = series.get("kind")
    if kind == "ActionsNode":
        return asked.tables.action_name(series["id"])
    if kind == "GroupNode":
        return series.get("name") or ", ".join(event_of(asked, each) or "All events" for each in series["nodes"])
    event = series.get("event")
    return None if event is None else str(event)


def legacy(asked: Asked) -> Data:
    """The query as PostHog echoes it with each result, in the spelling of before there were queries."""
    node = asked.node
    dates, trends, broken = asked.part("dateRange"), asked.part("trendsFilter"), asked.part("breakdownFilter")
    echo = {
        "insight": str(node["kind"]).removesuffix("Query").upper(),
        "properties": node.get("properties"),
        "filter_test_accounts": node.get("filterTestAccounts"),
        "date_from": dates.get("date_from"),
        "date_to": dates.get("date_to"),
        "interval": node.get("interval"),
        "display": trends.get("display"),
        "formula": trends.get("formula"),
        **{key: broken.get(key) for key in ("breakdown", "breakdown_type", "breakdowns")},
    }
    return {key: value for key, value in echo.items() if value is not None}
