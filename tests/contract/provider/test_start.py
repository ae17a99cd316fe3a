"""A provider process before its first request, and at that one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from tests.support.plugin import Engine, Plugin, running_engine, running_plugin
from tests.support.sandbox import REPOSITORY, Sandbox

ENGINE = "127.0.0.1:1"
COMMAND = (sys.executable, "-u", "-m", "pulumi.dynamic", ENGINE)


def test_it_ends_with_its_engine_though_none_asked_it_anything() -> None:
    provider = subprocess.Popen(COMMAND, stdout=subprocess.PIPE)
    assert provider.stdout
    assert int(provider.stdout.readline()) > 0
    provider.stdout.close()  # as when the engine ends
    try:
        provider.wait(timeout=20)
    finally:
        provider.kill()
        provider.wait()
    assert provider.returncode == 1


def test_it_stays_while_its_engine_does() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE) as provider:
        assert provider.stdout
        provider.stdout.readline()
        try:
            provider.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return
        finally:
            provider.kill()
    raise AssertionError("it has ended")


@contextmanager
def refreshing(sandbox: Sandbox, folder: Path, pulumi: str, environ: dict[str, str]) -> Iterator[tuple[Plugin, Engine]]:
    """Start the provider of a refresh, with the settings of an `up` whose API key was deleted since, and an engine.

    ``pulumi`` is what the CLI does that has the key of the stack's file.
    """
    (folder / "pulumi").write_text(f"#!/bin/sh\n{pulumi}\n")
    (folder / "pulumi").chmod(0o755)
    (folder / "providers").symlink_to(REPOSITORY / "providers")
    (folder / "Pulumi.production.yaml").write_text("config:\n  ai-admin:api_key:\n    secure: v1:abc\n")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environ = {"PULUMI_PROJECT": "ai-admin", "PATH": path, **environ}
    settings = {"host": sandbox.url, "project_id": sandbox.project_id, "api_key": "phx_deleted"}
    with running_engine() as engine, running_plugin(environ, engine, folder) as plugin:
        plugin.configure({f"ai-admin:{name}": value for name, value in settings.items()})
        plugin.urn = "urn:pulumi:production::ai-admin::pulumi-python:dynamic/posthog:FeatureFlag::flag/a"
        yield plugin, engine


def test_a_refresh_goes_on_with_the_newer_key_of_the_stacks_file_and_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    id_ = str(sandbox.call("POST", "feature_flags/", {"key": "rotated", "filters": {"groups": [{}]}})["id"])
    asked = 'test "$*" = "config get ai-admin:api_key --stack production --non-interactive --color never" || exit 1'
    with refreshing(sandbox, tmp_path, f"{asked}; echo {sandbox.api_key}", {}) as (plugin, engine):
        assert plugin.read("flag", id_, {"key": "rotated", "project_id": sandbox.project_id})[0] == id_
    assert engine.said == [
        "PostHog does not accept the API key of the last up any more; the one in Pulumi.production.yaml is used"
    ]


@pytest.mark.parametrize(
    ("pulumi", "environ", "said"),
    [
        ("echo 'no passphrase' >&2; exit 1", {}, "ai-admin:api_key of production can't be decrypted: no passphrase"),
        ("echo phx_deleted", {}, "put a valid one into POSTHOG_API_KEY"),
        ("exit 1", {"POSTHOG_API_KEY": "phx_wrong"}, "put a valid one into POSTHOG_API_KEY"),
    ],
)
def test_a_key_that_nothing_newer_replaces_is_refused(
    sandbox: Sandbox, tmp_path: Path, pulumi: str, environ: dict[str, str], said: str
) -> None:
    with refreshing(sandbox, tmp_path, pulumi, environ) as (plugin, engine), pytest.raises(grpc.RpcError) as refused:
        plugin.read("flag", "1", {"key": "rotated", "project_id": sandbox.project_id})
    details = str(refused.value.details())
    assert "does not accept this personal API key" in details
    assert details.endswith(said)
    assert engine.said == []
