"""The gRPC side: answers what the engine asks of a language host."""

import os
import platform
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions, version

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto.language_pb2_grpc import (
    LanguageRuntimeServicer,
    add_LanguageRuntimeServicer_to_server,
)
from pulumi.runtime.proto.plugin_pb2 import PluginInfo

from toolchain.language_host.program import Programs

# As high as upstream's: the configuration of a stack travels in one message.
MESSAGE_BYTES = 400 * 1024 * 1024
THREADS = 8
ORPHAN_CHECK_SECONDS = 1.0


class LanguageHost(LanguageRuntimeServicer):
    """What a preview, an update and `pulumi about` need; gRPC answers the rest with "unimplemented".

    The methods' names and messages are Pulumi's (proto/pulumi/language.proto).
    """

    def __init__(self, programs: Programs) -> None:
        self.programs = programs

    def Handshake(
        self, request: messages.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> messages.LanguageHandshakeResponse:
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> PluginInfo:
        return PluginInfo(version=version("pulumi"))

    def GetRequiredPackages(
        self, request: messages.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPackagesResponse:
        return messages.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: messages.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> messages.GetRequiredPluginsResponse:
        return messages.GetRequiredPluginsResponse()

    def About(self, request: messages.AboutRequest, context: grpc.ServicerContext) -> messages.AboutResponse:
        return messages.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetProgramDependencies(
        self, request: messages.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> messages.GetProgramDependenciesResponse:
        installed = sorted((package.name, package.version) for package in distributions())
        return messages.GetProgramDependenciesResponse(
            dependencies=[messages.DependencyInfo(name=name, version=release) for name, release in installed]
        )

    def Run(self, request: messages.RunRequest, context: grpc.ServicerContext) -> messages.RunResponse:
        return self.programs.run(request)

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.programs.stop()
        return Empty()


def serve(runner: str, engine: str) -> int:
    """Serves on a free loopback port until SIGINT, SIGTERM or the engine's death; returns the exit code.

    Args:
        runner: the path of Pulumi's program runner.
        engine: the address of the engine, handed on to programs.
    """
    done = threading.Event()
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, lambda *_: done.set())
    parent = os.getppid()
    programs = Programs(runner, engine)
    limits = [(f"grpc.max_{way}_message_length", MESSAGE_BYTES) for way in ("receive", "send")]
    server = grpc.server(ThreadPoolExecutor(max_workers=THREADS), options=limits)
    add_LanguageRuntimeServicer_to_server(LanguageHost(programs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # A killed engine tells nobody: its children see that they have another parent.
    while not done.wait(ORPHAN_CHECK_SECONDS) and os.getppid() == parent:
        pass
    programs.stop()
    server.stop(grace=None).wait()
    return 0
