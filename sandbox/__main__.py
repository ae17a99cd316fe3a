"""`python -m sandbox`: serve until SIGTERM or SIGINT; say where and with which keys in one JSON line once ready."""

import argparse
import asyncio
import fcntl
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.app import create_app
from sandbox.control.faultlayer import from_options
from sandbox.control.settings import from_option
from sandbox.seed import seeds

HOST = "127.0.0.1"


def main() -> int:
    """Run the server. Returns the exit code: 0 after a signal, 2 when it can't start: it says why."""
    arguments = _arguments()
    data: Path = arguments.data
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("a")  # held until the process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"another sandbox runs with the folder {data}", file=sys.stderr)
        return 2
    lock.truncate(0)
    print(os.getpid(), file=lock, flush=True)
    try:
        listener = _listen(arguments.port, data / "port")
    except OSError as error:
        print(f"cannot listen on {HOST}:{arguments.port}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        settings = from_option(arguments.settings)
    except ValueError as error:
        print(f"cannot read --settings: {error}", file=sys.stderr)
        return 2
    app = create_app(data, settings)
    try:
        from_options(app.state.services, arguments.faults, arguments.limits)
    except ValueError as error:
        print(f"cannot read --faults or --limits: {error}", file=sys.stderr)
        return 2
    port = listener.getsockname()[1]
    url = app.state.services.url = f"http://{HOST}:{port}"
    ready = {"url": url, **seeds(app.state.services.store)}
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=75,  # as a proxy before PostHog: a request may hold up the others for longer than 5 s
        ),
        ready,
    )
    server.run(sockets=[listener])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local PostHog-compatible server.")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("PORT") or 0),
        help="port on 127.0.0.1; 0 (the default) is a free one, the same as last time if possible",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("DATA") or ".sandbox/data"),
        help="folder that holds everything (default: .sandbox/data)",
    )
    parser.add_argument(
        "--faults",
        default=os.environ.get("SANDBOX_FAULTS") or "",
        metavar="JSON",
        help='a plan of faults, such as {"seed": 7, "rules": [{"kind": "error_after", "probability": 0.1}]}',
    )
    parser.add_argument(
        "--limits",
        default=os.environ.get("SANDBOX_LIMITS") or "",
        metavar="SPEED",
        help="switch PostHog's rate limits on; their clock runs SPEED times as fast as the wall's (1: as PostHog's)",
    )
    parser.add_argument(
        "--settings",
        default=os.environ.get("SANDBOX_SETTINGS") or "",
        metavar="JSON",
        help='how PostHog servers differ, such as {"filters": "merge"} (sandbox/control/settings.py)',
    )
    return parser.parse_args()


def _listen(port: int, remembered: Path) -> socket.socket:
    """A listening socket on the asked port; for 0 on the remembered one if it is free, else on any free one."""
    if port:
        return _bind(port)
    try:
        return _bind(int(remembered.read_text()))
    except (OSError, ValueError):
        listener = _bind(0)
    remembered.write_text(str(listener.getsockname()[1]))
    return listener


def _bind(port: int) -> socket.socket:
    # The protocol has to be named: asyncio switches Nagle's algorithm off only where it reads TCP, and with
    # it on every second answer on a connection waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


class _Protocol(H11Protocol):
    """Lets the application see its connection, which the faults have to cut (`strikes.py`)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = transport
            await inner(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """Prints the ready line when requests are accepted, and ends quietly on a signal."""

    def __init__(self, config: uvicorn.Config, ready: dict[str, object]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps(self.ready), flush=True)


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 0
    sys.exit(code)
