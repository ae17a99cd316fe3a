"""The engine that this provider process works for.

A provider whose engine was killed would carry out every queued request, and the objects that it makes would be in no
state; without requests it would stay for ever. The engine passes its own address to the plugins that it starts, so a
provider can find out that the engine is gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

PATIENCE = 2.0
"""Seconds for a connection on loopback."""

ROUND = 2.0
"""Seconds between two looks while nothing is written: a wait for PostHog may be long."""


def engine_watch(arguments: Sequence[str]) -> Callable[[], None]:
    """Return a function to call before every write: it ends this process at once when the engine is gone.

    Between writes a thread of its own looks now and then.

    ``arguments`` are those of the plugin's process; the first one is the engine's address. Without one (a test that
    speaks to the server itself) there is no engine to watch.
    """
    address = _address(arguments)
    if address is None:
        return lambda: None

    def watch() -> None:
        try:
            socket.create_connection(address, timeout=PATIENCE).close()
        except ConnectionRefusedError:
            # Not an exception: nobody is there to hear of it, and the queued requests would still be carried out.
            os._exit(1)
        except OSError:
            return  # a busy machine, or one without free handles: that says nothing about the engine

    def go_rounds() -> None:
        while True:
            time.sleep(ROUND)
            watch()

    threading.Thread(target=go_rounds, daemon=True).start()
    return watch


def engine_log(arguments: Sequence[str]) -> Callable[[str], None]:
    """Return a function that shows the engine's user a message: among the diagnostics of previews and runs alike.

    ``arguments`` are those of the plugin's process. Without an engine the message goes nowhere, and an engine that
    does not take it is no reason to stop.
    """
    address = _address(arguments)
    if address is None:
        return lambda _: None
    # A proxy is for other hosts; the engine is on this machine.
    channel = grpc.insecure_channel("{}:{}".format(*address), options=[("grpc.enable_http_proxy", 0)])
    engine = engine_pb2_grpc.EngineStub(channel)

    def warn(message: str) -> None:
        # A warning, since people should look at each of these messages.
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message)
        try:
            engine.Log(request, timeout=PATIENCE)
        except grpc.RpcError:
            return

    return warn


def _address(arguments: Sequence[str]) -> tuple[str, int] | None:
    host, _, port = (arguments[0] if arguments else "").rpartition(":")
    return (host, int(port)) if host and port.isdigit() else None
