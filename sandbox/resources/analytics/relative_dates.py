"""Dates relative to now, as PostHog's parameters spell them (`relative_date_parse` in posthog/utils.py)."""

import re
from datetime import datetime

from dateutil.relativedelta import relativedelta

RELATIVE = re.compile(r"-?(?P<count>[0-9]+)?(?P<unit>[hdwmqysHDWMQY])")
STEPS = {
    "h": relativedelta(hours=1),
    "d": relativedelta(days=1),
    "w": relativedelta(weeks=1),
    "m": relativedelta(months=1),
    "q": relativedelta(weeks=13),
    "y": relativedelta(years=1),
    "M": relativedelta(minutes=1),
    "s": relativedelta(seconds=1),
}


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
    moment = now + count * STEPS.get(unit, relativedelta())
    if not ahead:
        return moment
    hour = moment.hour if unit == "h" and count else 0
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)
