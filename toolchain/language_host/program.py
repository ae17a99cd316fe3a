"""Runs one Pulumi program for the engine."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from pulumi.runtime.proto.language_pb2 import ProgramInfo, RunRequest, RunResponse

# The program runner exits with this when it has already shown the user what is wrong.
SHOWN = 32
STOP_SECONDS = 5.0


def program_python(info: ProgramInfo) -> Path:
    """The Python of the virtual environment that Pulumi.yaml names; our own when it names none."""
    named = dict(info.options).get("virtualenv")
    if not isinstance(named, str) or not named:
        return Path(sys.executable)
    return Path(info.root_directory, named, "bin", "python")


def run_command(request: RunRequest, python: Path, runner: str, engine: str) -> list[str]:
    """The command line of Pulumi's program runner for a request of the engine.

    Args:
        request: the engine's request.
        python: the interpreter to run the program with.
        runner: the path of `pulumi-language-python-exec`.
        engine: the address of the engine.
    """
    info = request.info
    flags = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    program = info.program_directory if info.entry_point in ("", ".") else info.entry_point
    named = [part for flag, value in flags.items() if value for part in (f"--{flag}", value)]
    return [str(python), "-u", runner, *named, program, *request.args]


def run_environment(request: RunRequest, python: Path) -> dict[str, str]:
    """Our environment, with the program's virtual environment active and its configuration in it."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    env["VIRTUAL_ENV"] = str(python.parent.parent)
    env["PATH"] = f"{python.parent}{os.pathsep}{env.get('PATH', '')}"
    env["PULUMI_CONFIG"] = json.dumps(dict(request.config))
    env["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
    return env


@dataclass
class Programs:
    """The programs that run now, so that they can be stopped together."""

    runner: str
    engine: str
    running: set["subprocess.Popen[bytes]"] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: bool = False

    def run(self, request: RunRequest) -> RunResponse:
        """Runs a program to its end. Its output goes where ours goes, which is to the engine."""
        python = program_python(request.info)
        if not python.exists():
            return RunResponse(error=f"there is no {python}: run `make setup`")
        with self.lock:
            if self.stopped:
                return RunResponse(bail=True)
            process = subprocess.Popen(
                run_command(request, python, self.runner, self.engine),
                cwd=request.pwd or None,
                env=run_environment(request, python),
                stdin=subprocess.DEVNULL,
            )
            self.running.add(process)
        code = process.wait()
        with self.lock:
            self.running.discard(process)
            stopped = self.stopped
        if code == 0:
            return RunResponse()
        if code == SHOWN or stopped:
            return RunResponse(bail=True)
        ending = f"exit code {code}" if code > 0 else f"signal {-code}"
        return RunResponse(error=f"the program ended with {ending}")

    def stop(self) -> None:
        """Stops what runs and lets nothing new start."""
        with self.lock:
            self.stopped = True
            processes = list(self.running)
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
