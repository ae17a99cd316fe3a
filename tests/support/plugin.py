"""The real dynamic-provider server of the Pulumi SDK, spoken to as the engine speaks to it."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from providers.posthog.inputs import PROBLEM
from providers.posthog.provider import PROVIDERS
from tests.support.sandbox import REPOSITORY, forked, imported_before

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is not known yet."""


class Plugin:
    """One provider process. Properties go in and come out as the engine's JSON: numbers are doubles."""

    urn = "u"
    """The resource's, which names the stack."""

    def __init__(self, port: int) -> None:
        self._stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def configure(self, config: Mapping[str, str]) -> None:
        self._stub.Configure(provider_pb2.ConfigureRequest(args=_struct(config)))

    def check(self, kind: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the checked inputs; ``olds`` are the last ones of a resource that stands in the state."""
        known = _struct({}) if olds is None else _properties(kind, olds)
        request = provider_pb2.CheckRequest(urn=self.urn, olds=known, news=_properties(kind, news))
        answer = self._stub.Check(request)
        assert not answer.failures, answer.failures
        return _plain(answer.inputs)

    def problems(self, kind: str, news: Mapping[str, Any]) -> list[str]:
        """Return why a definition that is new to the state can't be applied."""
        inputs = self.check(kind, news)
        return [inputs[PROBLEM]] if PROBLEM in inputs else []

    def diff(self, kind: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(id=id_, olds=_properties(kind, olds), news=_properties(kind, news))
        response: provider_pb2.DiffResponse = self._stub.Diff(request)
        return response

    def create(self, kind: str, news: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self._stub.Create(provider_pb2.CreateRequest(properties=_properties(kind, news)))
        return answer.id, _plain(answer.properties)

    def read(self, kind: str, id_: str, olds: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
        answer = self._stub.Read(provider_pb2.ReadRequest(id=id_, urn=self.urn, properties=_properties(kind, olds)))
        return answer.id, _plain(answer.properties), _plain(answer.inputs)

    def update(self, kind: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(id=id_, olds=_properties(kind, olds), news=_properties(kind, news))
        return _plain(self._stub.Update(request).properties)

    def delete(self, kind: str, id_: str, olds: Mapping[str, Any]) -> None:
        self._stub.Delete(provider_pb2.DeleteRequest(id=id_, properties=_properties(kind, olds)))


def _struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(value), struct_pb2.Struct())


def _properties(kind: str, value: Mapping[str, Any]) -> struct_pb2.Struct:
    return _struct({**value, "__provider": serialize_provider(PROVIDERS[kind]())})


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    return {name: value for name, value in json_format.MessageToDict(struct).items() if name != "__provider"}


class Engine(engine_pb2_grpc.EngineServicer):
    """Stands for the engine where providers speak to it; ``said`` is what its user would see."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:
        self.said.append(request.message)
        return empty_pb2.Empty()

    def stop(self) -> None:
        self._server.stop(None)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Start an engine for providers to speak to; stop it at the end."""
    engine = Engine()
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def running_plugin(
    environ: Mapping[str, str], engine: Engine | None = None, checkout: Path = REPOSITORY
) -> Iterator[Plugin]:
    """Start a provider process with these variables, for this engine, in a checkout; stop it at the end."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG_")}
    argv = ["pulumi.dynamic", *([engine.address] if engine else [])]
    with forked(_SERVER, argv, checkout, {**base, **environ}) as (_, port):
        yield Plugin(int(port))


_SERVER = partial(runpy.run_module, "pulumi.dynamic", run_name="__main__")
imported_before("pulumi.dynamic.dynamic")  # and nothing of ours, which looks at the arguments
