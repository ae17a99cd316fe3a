"""Points in time as people write and read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time


def moment(text: str, end: bool = False) -> str:
    """Return a day or a time as ISO 8601 in UTC; what has no zone is meant in UTC.

    Args:
        text: ``2026-11-12`` or ``2026-11-12T10:00:00+01:00``.
        end: a day means its end, and not its beginning.

    Raises ValueError.
    """
    found = datetime.fromisoformat(text)
    if len(text) <= len("2026-11-12") and end:
        found = datetime.combine(found, time.max)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
