"""Our language host, started as the engine starts it and spoken to over gRPC."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub

from tests.support.project import CLI
from tools.toolchain.pins import LANGUAGE_HOST, PROGRAM_RUNNER

BUILT = CLI.parent / LANGUAGE_HOST
# A built program names the modules that it was built from.
pytestmark = pytest.mark.skipif(
    b"ai-admin/pulumi-cli" not in BUILT.read_bytes(), reason="Pulumi's release is installed, with its own language host"
)

ENGINE = "127.0.0.1:1"
SECONDS = 30
# Stands in for Pulumi's program runner: records how it was called, then does what its program's name says.
RUNNER = """
import json, os, pathlib, sys, time
program = pathlib.Path(sys.argv[-2])
called = {"arguments": sys.argv[1:], "cwd": os.getcwd(), "python": sys.executable, "pid": os.getpid()}
for name in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "VIRTUAL_ENV"):
    called[name] = os.environ.get(name)
print("a line of the program")
(program / "called.tmp").write_text(json.dumps(called))
(program / "called.tmp").rename(program / "called.json")
if program.name == "endless":
    time.sleep(600)
sys.exit(int(program.name))
"""


class Host:
    """A running language host and a checkout around it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        bin_folder = root / ".toolchain" / "bin"
        bin_folder.mkdir(parents=True)
        (root / ".venv" / "bin").mkdir(parents=True)
        (bin_folder / PROGRAM_RUNNER).write_text(RUNNER)
        shutil.copy(BUILT, bin_folder / LANGUAGE_HOST)
        python = root / ".venv" / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (root / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.5\n")
        self.process = subprocess.Popen(
            [bin_folder / LANGUAGE_HOST, "-tracing=", ENGINE],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        limit = [("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=limit)
        self.stub = LanguageRuntimeStub(self.channel)

    def request(self, program: str, virtualenv: str = ".venv", **fields: object) -> messages.RunRequest:
        """What the engine asks for a program in the folder `program`."""
        folder = self.root / program
        folder.mkdir(exist_ok=True)
        options = Struct()
        options["virtualenv"] = virtualenv
        return messages.RunRequest(
            project="ai-admin",
            stack="sandbox",
            pwd=str(folder),
            program=".",
            args=["an argument"],
            dryRun=True,
            parallel=7,
            monitor_address="127.0.0.1:2",
            organization="organization",
            info=messages.ProgramInfo(
                root_directory=str(self.root),
                program_directory=str(folder),
                entry_point=".",
                options=options,
            ),
            **fields,  # type: ignore[arg-type]
        )

    def called(self, program: str) -> dict[str, object]:
        """How the program runner was called, once it has been."""
        path, deadline = self.root / program / "called.json", time.monotonic() + SECONDS
        while not path.exists():
            assert time.monotonic() < deadline, "the program never started"
            time.sleep(0.01)
        called: dict[str, object] = json.loads(path.read_text())
        return called

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """Sends a signal; returns the exit code and what else was printed, on stdout and stderr."""
        self.process.send_signal(how)
        stdout, stderr = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, stdout, stderr


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.channel.close()
    if host.process.poll() is None:
        host.end(signal.SIGKILL)


def gone(pid: object) -> bool:
    """Whether a process has ended, within the time that a test waits."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(int(str(pid)), 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_answers_what_a_preview_asks_before_the_program_runs(host: Host) -> None:
    shaken = host.stub.Handshake(messages.LanguageHandshakeRequest(engine_address=ENGINE))
    assert shaken == messages.LanguageHandshakeResponse()
    assert host.stub.GetPluginInfo(Empty()).version
    assert list(host.stub.GetRequiredPackages(messages.GetRequiredPackagesRequest()).packages) == []
    assert list(host.stub.GetRequiredPlugins(messages.GetRequiredPluginsRequest()).plugins) == []


def test_tells_pulumi_about_what_it_runs_on(host: Host) -> None:
    info = host.request("0").info
    about = host.stub.About(messages.AboutRequest(info=info))
    assert (about.executable, about.version) == (str(host.root / ".venv" / "bin" / "python"), "3.12.5")
    answer = host.stub.GetProgramDependencies(messages.GetProgramDependenciesRequest(info=info))
    assert "pulumi" in {dependency.name for dependency in answer.dependencies}


def test_runs_the_program_as_the_official_host_does(host: Host) -> None:
    request = host.request("0", config={"ai-admin:host": "x"}, configSecretKeys=["ai-admin:key"])
    assert host.stub.Run(request, timeout=SECONDS) == messages.RunResponse()
    called = host.called("0")
    arguments = called["arguments"]
    assert isinstance(arguments, list)
    assert arguments[-2:] == [str(host.root / "0"), "an argument"]
    flags = dict(zip(arguments[:-2:2], arguments[1:-2:2], strict=True))
    assert flags == {
        "--monitor": "127.0.0.1:2",
        "--engine": ENGINE,
        "--project": "ai-admin",
        "--root_directory": str(host.root),
        "--stack": "sandbox",
        "--pwd": str(host.root / "0"),
        "--dry_run": "true",
        "--parallel": "7",
        "--organization": "organization",
    }
    assert called["cwd"] == str(host.root / "0")
    assert called["VIRTUAL_ENV"] == str(host.root / ".venv")
    assert json.loads(str(called["PULUMI_CONFIG"])) == {"ai-admin:host": "x"}
    assert json.loads(str(called["PULUMI_CONFIG_SECRET_KEYS"])) == ["ai-admin:key"]
    assert host.process.stdout
    assert host.process.stdout.readline() == "a line of the program\n"


def test_a_program_that_has_shown_its_error_needs_no_second_one(host: Host) -> None:
    assert host.stub.Run(host.request("32"), timeout=SECONDS) == messages.RunResponse(bail=True)


def test_a_program_that_failed_without_a_word_gets_one(host: Host) -> None:
    answer = host.stub.Run(host.request("3"), timeout=SECONDS)
    assert (answer.error, answer.bail) == ("the program ended with exit status 3", False)


def test_a_missing_virtual_environment_says_what_to_do(host: Host) -> None:
    answer = host.stub.Run(host.request("0", virtualenv="elsewhere"), timeout=SECONDS)
    assert answer.error == f"there is no {host.root}/elsewhere/bin/python: run `make setup`"


def test_a_stacks_configuration_may_be_larger_than_grpcs_own_limit(host: Host) -> None:
    request = host.request("0", virtualenv="none", config={"k": "v" * (5 << 20)})
    assert "there is no" in host.stub.Run(request, timeout=SECONDS).error


def test_cancel_stops_the_program(host: Host) -> None:
    running = host.stub.Run.future(host.request("endless"), timeout=SECONDS)
    pid = host.called("endless")["pid"]
    host.stub.Cancel(Empty(), timeout=SECONDS)
    assert running.result() == messages.RunResponse(bail=True)
    assert gone(pid)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stops_quietly_and_takes_the_program_with_it(host: Host, how: signal.Signals) -> None:
    running = host.stub.Run.future(host.request("endless"), timeout=SECONDS)
    pid = host.called("endless")["pid"]
    code, stdout, stderr = host.end(how)
    assert (code, stdout.replace("a line of the program\n", ""), stderr) == (0, "", "")
    assert gone(pid)
    running.cancel()


def test_stops_when_the_engine_was_killed(tmp_path: Path) -> None:
    host = Host(tmp_path / "first")
    host.end(signal.SIGKILL)
    launcher = tmp_path / "first" / ".toolchain" / "bin" / LANGUAGE_HOST
    script = f'"{launcher}" {ENGINE} >"{tmp_path}/port" & echo $!; exec sleep 600'
    engine = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert engine.stdout
    pid = engine.stdout.readline()
    deadline = time.monotonic() + SECONDS
    while not ((tmp_path / "port").exists() and (tmp_path / "port").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    engine.kill()
    engine.wait()
    assert gone(pid)
