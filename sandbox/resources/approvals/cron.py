"""Cron expressions of five fields (minute hour day month weekday): whether one is valid, and when it is due next.

As in crontab(5): a day matches when either of day and weekday does, if both are restricted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: number for number, name in enumerate(MONTHS, 1)},
    {name: number for number, name in enumerate(WEEKDAYS)},
)
FURTHEST = timedelta(days=366 * 5)  # past a leap year, nothing new comes


@dataclass(frozen=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def matches_day(self, moment: datetime) -> bool:
        day, weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return moment.month in self.months and (day or weekday if self.either else day and weekday)

    def after(self, moment: datetime) -> datetime:
        """The first due minute after a moment, in the moment's own time zone.

        Raises:
            ValueError: there is none, such as on 30 February.
        """
        due, end = moment.replace(second=0, microsecond=0) + timedelta(minutes=1), moment + FURTHEST
        while due <= end:
            if not self.matches_day(due):
                due = due.replace(hour=0, minute=0) + timedelta(days=1)
            elif due.hour not in self.hours:
                due = due.replace(minute=0) + timedelta(hours=1)
            elif due.minute not in self.minutes:
                due += timedelta(minutes=1)
            else:
                return due
        raise ValueError("the expression is never due")


def parse(expression: str) -> Cron:
    """Read an expression. Raises `ValueError` for what isn't one."""
    parts = expression.lower().split()
    if len(parts) != len(BOUNDS):
        raise ValueError("five fields are needed")
    sets = [_field(part, *BOUNDS[index], NAMES[index]) for index, part in enumerate(parts)]
    weekdays = frozenset(number % 7 for number in sets[4])
    either = not parts[2].startswith("*") and not parts[4].startswith("*")
    return Cron(sets[0], sets[1], sets[2], sets[3], weekdays, either)


def _field(part: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, dash, last = span.partition("-")
        start, end = (low, high) if span == "*" else (_number(first, names), _number(last if dash else first, names))
        if step and not dash and span != "*":
            end = high
        width = int(step) if step else 1
        if width < 1 or not low <= start <= end <= high:
            raise ValueError(f"{piece} is out of range")
        found.update(range(start, end + 1, width))
    return frozenset(found)


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)
