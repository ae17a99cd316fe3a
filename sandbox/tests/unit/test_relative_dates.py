"""Dates of parameters that no calendar has."""

from datetime import UTC, datetime

import pytest

from sandbox.resources.analytics import relative_dates
from sandbox.wire.errors import Invalid

NOW = datetime(2026, 3, 18, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ahead"),
    [("-2100y", False), ("8000y", True), (f"{'9' * 5000}d", False), (f"{'9' * 400}h", False),
     ("0001-01-01T00:00:00+14:00", False)],
)  # fmt: skip
def test_a_time_beyond_the_calendar_is_refused(text: str, ahead: bool) -> None:
    with pytest.raises(Invalid, match="There is no such time"):
        relative_dates.parse(text, NOW, ahead)


def test_the_same_moment_is_found_in_whatever_zone_it_is_written() -> None:
    found = relative_dates.parse("2026-03-18T00:30:00+02:00", NOW)
    assert found.isoformat() == "2026-03-17T22:30:00+00:00", "whose day is counted in UTC"
