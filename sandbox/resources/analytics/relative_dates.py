"""Dates relative to now, as PostHog's parameters spell them (`relative_date_parse` in posthog/utils.py)."""

from datetime import UTC, datetime

from dateutil.relativedelta import relativedelta

from sandbox.query.dates import RELATIVE, UNITS
from sandbox.wire.errors import Invalid


def parse(text: str, now: datetime, ahead: bool = False) -> datetime:
    """The moment a text names: ISO 8601, or so many units before `now` (or ahead of it, cut to the hour or the day).

    The sign is ignored, the pattern is searched anywhere, other letters than `h d w m q y s` and `M` (minutes) move
    nothing, and what has no such pattern is now.

    Raises: Invalid: no calendar has that moment.
    """
    try:
        return _moment(text, now, ahead).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Invalid(f"There is no such time as {text}.") from error


def _moment(text: str, now: datetime, ahead: bool) -> datetime:
    try:
        absolute = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return absolute if absolute.tzinfo else absolute.replace(tzinfo=now.tzinfo)
    found = RELATIVE.search(text)
    if found is None:
        return now
    count, unit = int(found["number"] or 0) * (1 if ahead else -1), found["unit"]
    moment = now + count * UNITS.get(unit, relativedelta())
    if not ahead:
        return moment
    hour = moment.hour if unit == "h" and count else 0
    return moment.replace(hour=hour, minute=0, second=0, microsecond=0)
