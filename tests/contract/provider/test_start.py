"""A provider process of the checkout's `.venv`, before its first request."""

from __future__ import annotations

import subprocess
import sys

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
