"""Messages on their way: kept until they are delivered or given up, so that a kill loses none.

A message is tried three times, with a pause that doubles. What happened to it is its log. An attempt is stored before
it is made: one that a kill cut off may have been delivered, and its log says so. Times are the wall's, also where the
clock of the alerts was moved.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from sandbox.messages import transport
from sandbox.messages.transport import UndeliveredError
from sandbox.storage.store import Data, Store
from sandbox.wire.context import Services, timestamp

KIND = "delivery"
ATTEMPTS = 3
RETENTION = timedelta(days=14)
WAITING, SENDING, DELIVERED, FAILED, LOGGED = "waiting", "sending", "delivered", "failed", "logged"
CUT_OFF = UndeliveredError("Cut off; it may have been delivered.", again=True)


def put(store: Store, project: str, *, message: Data | None, about: Data) -> Data:
    """Take a message on.

    Args:
        store: where it is kept. project: whose it is. message: what `transport.send` sends; None when nothing is
            sent. about: what it is shown with: `channel`, `target`, and of what `alert` and `function` it is.
    """
    now = timestamp()
    row = {
        "id": str(uuid.uuid4()),
        "created_at": now,
        **about,
        "message": message,
        "state": WAITING,
        "attempts": 0,
        "due": now,
        "lines": [],
    }
    _save(store, project, row, "DEBUG", "Taken on.")
    return row


def conclude(store: Store, project: str, row: Data, state: str, level: str, text: str) -> None:
    """Note how a message ended, with a line in its log."""
    row.update(state=state, finished_at=timestamp())
    _save(store, project, row, level, text)


def _save(store: Store, project: str, row: Data, level: str, text: str) -> None:
    row["lines"].append({"timestamp": timestamp(), "level": level, "message": text})
    _store(store, project, row)


def _store(store: Store, project: str, row: Data) -> None:
    store.put(KIND, project, row, listed=row["state"] not in (WAITING, SENDING))


def of_function(store: Store, project: str, function: str) -> list[Data]:
    """All messages of a hog function, oldest first."""
    return store.select(KIND, project, "json_extract(data, '$.function') = ?", [function])


def send_due(services: Services) -> None:
    """Start to send what waits and is due, and forget what is old."""
    now, store = timestamp(), services.store
    for row in store.select(KIND, None, "listed = 0"):
        project = store.parent_of(KIND, row["id"])
        if project is None or row["due"] > now or row["id"] in services.sending:
            continue
        if row["state"] == SENDING:
            _undelivered(services, project, row, CUT_OFF)
            continue
        row.update(state=SENDING, attempts=row["attempts"] + 1)
        _store(store, project, row)
        services.sending.add(row["id"])
        services.start(_send(services, row))
    old = timestamp(datetime.now(UTC) - RETENTION)
    store.execute("DELETE FROM objects WHERE kind = ? AND listed = 1 AND created_at < ?", (KIND, old))


async def _send(services: Services, row: Data) -> None:
    smtp, store = services.settings.smtp, services.store
    problem = None
    try:
        text = await asyncio.to_thread(transport.send, row["message"], smtp, store.path.parent / "mail")
    except UndeliveredError as error:
        problem = error
    finally:
        services.sending.discard(row["id"])
    with store.transaction():
        project = store.parent_of(KIND, row["id"])
        if project is None:  # removed meanwhile
            return
        if problem is None:
            conclude(store, project, row, DELIVERED, "INFO", f"{_attempt(row)}: {text}")
        else:
            _undelivered(services, project, row, problem)


def _attempt(row: Data) -> str:
    return f"Attempt {row['attempts']} of {ATTEMPTS}"


def _undelivered(services: Services, project: str, row: Data, problem: UndeliveredError) -> None:
    """Let a message wait for another attempt, or give it up."""
    text = f"{_attempt(row)}: {problem.text}"
    if not problem.again or row["attempts"] >= ATTEMPTS:
        return conclude(services.store, project, row, FAILED, "ERROR", f"{text} Given up.")
    pause = services.settings.delivery_pause * 2 ** (row["attempts"] - 1)
    row.update(state=WAITING, due=timestamp(datetime.now(UTC) + timedelta(seconds=pause)))
    return _save(services.store, project, row, "WARN", f"{text} Tried again in {pause:g} s.")
