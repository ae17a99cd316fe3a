"""A shell that is set up, on a machine whose way out is a proxy."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from tools.toolchain.shell import environment


def test_processes_of_this_machine_talk_without_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi's engine, program and providers by gRPC, which is not told by HTTP libraries' rules what is local."""
    proxy = {"http_proxy": "http://127.0.0.1:1", "PATH": ""}
    ours = environment(tmp_path, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("http_proxy", "no_grpc_proxy"):
        monkeypatch.setenv(name, ours[name])
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
    server.stop(None)
