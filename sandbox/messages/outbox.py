"""Messages on their way: kept until they are delivered or given up, so that a kill loses none.

A message is tried three times, with a pause that doubles. What happened to it is its log. Times are the wall's, also
where the clock of the alerts was moved.
"""

import asyncio
import sys
import traceback
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.messages import transport
from sandbox.messages.transport import UndeliveredError
from sandbox.storage.store import Data, Store
from sandbox.wire.context import Services, timestamp

KIND = "delivery"
ATTEMPTS = 3
RETENTION = timedelta(days=14)
WAITING, DELIVERED, FAILED, LOGGED = "waiting", "delivered", "failed", "logged"


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
    store.put(KIND, project, row, listed=row["state"] != WAITING)


def of_function(store: Store, project: str, function: str) -> list[Data]:
    """All messages of a hog function, oldest first."""
    return store.select(KIND, project, "json_extract(data, '$.function') = ?", [function])


def send_due(services: Services) -> None:
    """Start to send what waits and is due, and forget what is old."""
    now = timestamp()
    for row in services.store.select(KIND, None, "listed = 0"):
        if row["due"] <= now and row["id"] not in services.sending:
            services.sending.add(row["id"])
            services.start(_send(services, row))
    old = timestamp(datetime.now(UTC) - RETENTION)
    services.store.execute("DELETE FROM objects WHERE kind = ? AND listed = 1 AND created_at < ?", (KIND, old))


async def _send(services: Services, row: Data) -> None:
    smtp, mailbox = services.settings.smtp, services.store.path.parent / "mail"
    try:
        ending: Any = await asyncio.to_thread(transport.send, row["message"], smtp, mailbox)
    except UndeliveredError as error:
        ending = error
    except Exception as error:  # noqa: BLE001 - else it would wait, and be tried, for ever
        traceback.print_exception(error, file=sys.stderr)
        ending = UndeliveredError(f"The sandbox failed: {type(error).__name__}.")
    finally:
        services.sending.discard(row["id"])
    store = services.store
    with store.transaction():
        project = store.parent_of(KIND, row["id"])
        if project is None:  # removed meanwhile
            return
        row["attempts"] += 1
        number = f"Attempt {row['attempts']} of {ATTEMPTS}"
        if isinstance(ending, str):
            conclude(store, project, row, DELIVERED, "INFO", f"{number}: {ending}")
        elif ending.again and row["attempts"] < ATTEMPTS:
            pause = services.settings.delivery_pause * 2 ** (row["attempts"] - 1)
            row["due"] = timestamp(datetime.now(UTC) + timedelta(seconds=pause))
            _save(store, project, row, "WARN", f"{number}: {ending.text} Tried again in {pause:g} s.")
        else:
            conclude(store, project, row, FAILED, "ERROR", f"{number}: {ending.text} Given up.")
