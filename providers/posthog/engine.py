"""The engine that this provider process works for.

A provider whose engine was killed goes on with every request that was queued, and what it makes then stands in no
state. The engine passes its own address to the plugins it starts, so a provider can see that it is gone.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

PATIENCE = 2.0
"""Seconds for a connection on loopback."""


def engine_watch(arguments: Sequence[str]) -> Callable[[], None]:
    """Return a function to call before every write: it ends this process at once when the engine is gone.

    ``arguments`` are those of the plugin's process; the first one is the engine's address. Without one (a test that
    speaks to the server itself) there is no engine to watch.
    """
    host, _, port = (arguments[0] if arguments else "").rpartition(":")
    if not host or not port.isdigit():
        return lambda: None

    def watch() -> None:
        try:
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        except OSError:
            # Not an exception: nobody is there to hear of it, and the queued requests would still be carried out.
            os._exit(1)

    return watch
