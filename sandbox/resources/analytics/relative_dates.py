"""Dates relative to now, as PostHog's parameters spell them (`relative_date_parse` in posthog/utils.py)."""

import calendar
import re
from datetime import datetime, timedelta

RELATIVE = re.compile(r"-?(?P<count>[0-9]+)?(?P<unit>[hdwmqysHDWMQY])")
STEPS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "q": timedelta(weeks=13),
    "M": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
MONTHS = {"m": 1, "y": 12}


def parse(text: str, now: datetime, ahead: bool = False) -> datetime:
    """The moment a text names: ISO 8601, or so many units before `now` (or ahead of it, cut to the hour or the day).

    The sign is ignored, the pattern is searched anywhere, other letters than `h d w m q y s` and `M` (minutes) move
    nothing, and what has no such pattern is now.
    """
    try:
        absolute = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return absolute if absolute.tzinfo else absolute.replace(tzinfo=now.tzinfo)
    found = RELATIVE.search(text)
    if found is None:
        return now
    count, unit = int(found["count"] or 0) * (1 if ahead else -1), found["unit"]
    moment = add_months(now, count * MONTHS.get(unit, 0)) + count * STEPS.get(unit, timedelta())
    if not ahead:
        return moment
    hour = moment.hour if unit == "h" and count else 0
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)


def add_months(moment: datetime, months: int) -> datetime:
    """So many months later (or earlier); in a shorter month, on its last day."""
    total = moment.year * 12 + moment.month - 1 + months
    year, month = total // 12, total % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
