"""A virtual environment whose Python is forked from a process that has imported what it needs.

A run of the engine starts three: the program, a provider for the refresh and one for the update. To start Python and to
import Pulumi's SDK is most of what they do, and half of the run.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import marshal
import os
import runpy
import shutil
import socket
import sys
import tempfile
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock, Thread

from tests.support.sandbox import FORKS, REPOSITORY, imported_before
from tools.toolchain.pins import PROGRAM_RUNNER

OURS = REPOSITORY / ".venv"
# It needs only what is built in, so no site. All else that somebody runs is for the real Python, with the code of the
# checkout that has the environment.
_PYTHON = """\
#!{python} -IS
import _signal, _socket, marshal, os, struct, sys

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # by which the engine ends a provider
asked = sys.argv[2:] if sys.argv[1:2] == ["-u"] else sys.argv[1:]
if asked[:2] != ["-m", "pulumi.dynamic"] and not "".join(asked[:1]).endswith({scripts!r}):
    root = os.path.abspath(sys.argv[0] + "/../../..")
    if os.path.isdir(root + "/tools"):
        os.environ["PYTHONPATH"] = ":".join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
sent = marshal.dumps((asked, os.getcwd(), dict(os.environ)))
streams = struct.pack("3i", 0, 1, 2)
server.sendmsg([len(sent).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(sent)
os._exit(server.recv(1)[0])
"""
_AI_ADMIN = """\
#!/bin/sh
exec {bin}/python {script} "$@"
"""
# Of two threads that ask multiprocessing how a process ended, one would be told wrongly.
_LOCK = Lock()


@cache
def virtualenv() -> Path:
    """Return a virtual environment with the checkout's commands; its Python and its `ai-admin` are forked.

    It ends with this process. Only for pytest (`forked`).
    """
    root = Path(tempfile.mkdtemp(prefix="venv-"))
    atexit.register(shutil.rmtree, root)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "server"))
    listener.listen()
    Thread(target=_serve, args=(listener,), daemon=True).start()
    (root / "bin").mkdir()
    (root / "pyvenv.cfg").symlink_to(OURS / "pyvenv.cfg")
    python = str(OURS / "bin" / "python")
    texts = {
        "python": _PYTHON.format(python=python, scripts=(PROGRAM_RUNNER, "ai-admin"), address=str(root / "server")),
        "ai-admin": _AI_ADMIN.format(bin=root / "bin", script=OURS / "bin" / "ai-admin"),
    }
    for name, text in texts.items():
        (root / "bin" / name).write_text(text)
        (root / "bin" / name).chmod(0o755)
    return root


def _serve(listener: socket.socket) -> None:
    while True:
        Thread(target=_run_for, args=(listener.accept()[0],), daemon=True).start()


def _run_for(client: socket.socket) -> None:
    """Fork what a client asks for, end it when the client ends, and tell the client how it ended."""
    with client, client.makefile("rb") as stream:
        length, handles, _, _ = socket.recv_fds(client, 4, 3)
        asked = marshal.loads(stream.read(int.from_bytes(length, "big")))
        streams = [Connection(handle) for handle in handles]
        process = FORKS.Process(target=_run, args=(*asked, streams), daemon=True)
        with _LOCK:
            process.start()
        for each in streams:
            each.close()
        ended = wait([client, process.sentinel])
        with _LOCK:
            process.kill()
            process.join()
        code = process.exitcode or 0
        if client not in ended:
            client.sendall(bytes([code if code >= 0 else 128 - code]))


def _run(asked: list[str], folder: str, environ: dict[str, str], streams: list[Connection]) -> None:
    """Be the process that was asked for: a script, or ``-m`` and a module, and the arguments."""
    gc.freeze()  # else each full collection would look through, and copy, what is shared
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "wb", closefd=False), write_through=True) for number in (1, 2)
    )
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    try:
        if asked[0] == "-m":
            importlib.import_module("ai_admin_provider_start")
            sys.orig_argv = sys.argv = asked[1:]
            sys.path.insert(0, folder)
            runpy.run_module(asked[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = asked
            sys.path.insert(0, str(Path(asked[0]).parent))
            runpy.run_path(asked[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out


for _module in (
    "pulumi.dynamic.dynamic",
    "grpc._channel",
    "ai_admin.cli.apply",
    "ai_admin.cli.commands",
    "ai_admin.cli.plan",
    "ai_admin.cli.pull",
    "ai_admin.run",
    "providers.posthog.lifecycle",
    "providers.posthog.session",
    "providers.posthog.registrations",
    "providers.posthog.transport",
    "tests.support.learnt",
):
    imported_before(_module)  # and not the provider, which looks at the arguments
