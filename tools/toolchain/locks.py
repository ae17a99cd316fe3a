"""One process at a time in a folder, among all checkouts and terminals of this user."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.toolchain.progress import say


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of `folder` (made when missing); waits, and says so, while somebody else holds it.

    The kernel frees the lock with the process that held it, however that ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another setup that works in {folder}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
