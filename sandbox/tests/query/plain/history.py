"""Random events, and the plain facts about them: who, when in the project's timezone, with which properties."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin")
NAMES = ("run", "stop", "$pageview")
MODELS = ("a", "b", "B+", "c", "d", "", None)
PLANS = ("free", "paid")
# In New York the clocks go forward on 8 March; in Berlin they go back on 25 October, in New York a week later.
BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)
NOWS = (datetime(2026, 3, 18, 12, 30, 15, tzinfo=UTC), datetime(2026, 11, 2, 12, 30, 15, tzinfo=UTC))


@dataclass(frozen=True)
class Happened:
    """An event and what its person was like then."""

    name: str
    person: str
    at: datetime
    properties: dict[str, Any]
    plan: str | None


@dataclass
class History:
    """All events of a project, oldest first."""

    zone: ZoneInfo
    monday: bool
    now: datetime
    events: list[Happened] = field(default_factory=list)

    def local(self, at: datetime) -> datetime:
        """A moment by the project's clocks."""
        return at.astimezone(self.zone)

    def first_seen(self, person: str) -> datetime:
        """When a person was created: with its first event."""
        return min(event.at for event in self.events if event.person == person)


def random_history(draw: Random, count: int = 160, people: int = 7, days: int = 24) -> History:
    """Events of a few people; some at midnight, some without properties."""
    history = History(ZoneInfo(draw.choice(ZONES)), draw.random() < 0.5, draw.choice(NOWS))
    # No two at once: what comes first then is up to nobody.
    moments = sorted({_moment(draw, history, days) for _ in range(count)})
    plans: dict[str, str] = {}
    for at in moments:
        person = f"p{min(int(draw.expovariate(0.4)), people - 1)}"
        if draw.random() < 0.2:
            plans[person] = draw.choice(PLANS)
        history.events.append(Happened(draw.choice(NAMES), person, at, _properties(draw), plans.get(person)))
    return history


def _moment(draw: Random, history: History, days: int) -> datetime:
    if history.now > BACK and draw.random() < 0.1:
        return BACK + timedelta(seconds=draw.randrange(-7200, 7200))
    at = history.now - timedelta(seconds=draw.randrange(days * 86_400))
    if draw.random() < 0.1:
        local = history.local(at).replace(hour=0, minute=0, second=0)
        return local.astimezone(UTC)
    return at.replace(minute=0, second=0) if draw.random() < 0.1 else at


def _properties(draw: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model = draw.choice(MODELS)
    if draw.random() < 0.8:
        found["model"] = model
    if draw.random() < 0.8:
        found["tokens"] = draw.choice((draw.randrange(100), draw.randrange(400) / 4, -3))
    if draw.random() < 0.8:
        found["ok"] = draw.random() < 0.6
    if draw.random() < 0.7:
        found["$session_id"] = f"s{draw.randrange(12)}"
    if draw.random() < 0.6:
        found["$current_url"] = draw.choice(("/", "/home", "/home/", "/price", "/price?a=1"))
    return found


def captured(history: History) -> list[dict[str, Any]]:
    """The events as they are sent."""
    sent: list[dict[str, Any]] = []
    plans: dict[str, str | None] = {}
    for event in history.events:
        properties = dict(event.properties)
        if event.plan != plans.get(event.person):
            properties["$set"] = {"plan": event.plan}
            plans[event.person] = event.plan
        sent.append(
            {
                "event": event.name,
                "distinct_id": event.person,
                "timestamp": event.at.isoformat(),
                "properties": properties,
            }
        )
    return sent
