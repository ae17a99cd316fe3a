"""The TypeScript service in a process of Node.js, asked as the one in Python is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any

from examples.ai_service.ai_admin_client import Person
from examples.ai_service.service import Run

_STRICT = ("--strict", "--noUnusedLocals", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes")
_MODULES = ("--target", "ES2022", "--module", "NodeNext", "--skipLibCheck", "--noEmitOnError")


class NotStarted(Exception):
    """The service can't be compiled or run. Its text says why."""


def compiled(folder: Path, modules: Path) -> Path:
    """Compile the TypeScript files of a folder in place; return it.

    Args:
        folder: where they are.
        modules: a ``node_modules`` with ``typescript`` and ``posthog-node``.

    Raises NotStarted without the compiler, or with what it finds wrong.
    """
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(modules.resolve())
    command = [str(folder / "node_modules" / ".bin" / "tsc"), *_STRICT, *_MODULES]
    files = [path.name for path in folder.glob("*.ts")]
    try:
        done = subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True, timeout=120)
    except OSError as problem:
        raise NotStarted(f"{modules} has no typescript: make editor installs it ({problem.strerror})") from None
    if done.returncode:
        raise NotStarted(f"service.ts can't be compiled: {done.stdout}{done.stderr}")
    return folder


class NodeService:
    """The TypeScript service. Any number of threads may use it."""

    def __init__(self, modules: Path, host: str, project_api_key: str, api_key: str, seed: int) -> None:
        """Compile and start it.

        Args:
            modules: a ``node_modules`` with ``typescript`` and ``posthog-node``.
            host: PostHog's address.
            project_api_key: to whose project events go.
            api_key: a key that may read the project's flags.
            seed: of the model's randomness.

        Raises NotStarted without Node.js, and as :func:`compiled`.
        """
        node = shutil.which("node")
        if node is None:
            raise NotStarted("the TypeScript service needs Node.js (20 or later): there is no node on the PATH")
        self._folder = TemporaryDirectory()
        here = Path(self._folder.name)
        for path in Path(__file__).parent.iterdir():
            if path.suffix in (".ts", ".mjs"):
                shutil.copy(path, here)
        keys = {"POSTHOG_HOST": host, "PROJECT_API_KEY": project_api_key, "POSTHOG_API_KEY": api_key}
        command = [node, str(compiled(here, modules) / "serve.mjs"), str(seed)]
        self._process = subprocess.Popen(
            command, env={**os.environ, **keys}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._numbers = count()
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = Lock()
        self._stopped = False
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def run(self, installation: str, person: Person, prompt_tokens: int) -> Run | None:
        """Run an AI enhancement: see ``AiService.run``."""
        found = self._ask("run", id=installation, person=person, prompt=prompt_tokens)
        return found and Run(found["promptTokens"], found["completionTokens"], found.get("error"))

    def caps(self, installation: str, person: Person) -> tuple[int, int]:
        """Return how many tokens an installation may use in a day and in a request."""
        of_day, of_request = self._ask("caps", id=installation, person=person)
        return of_day, of_request

    def close(self) -> None:
        """Send what is left, and stop. Raises RuntimeError where it failed."""
        assert self._process.stdin
        self._process.stdin.close()
        self._reader.join()
        failed = self._process.wait()
        self._folder.cleanup()
        if failed:
            raise RuntimeError(f"the service stopped with exit code {failed}")

    def _ask(self, what: str, **about: Any) -> Any:
        assert self._process.stdin
        answer: Future[Any] = Future()
        with self._lock:
            if self._stopped:
                raise RuntimeError("the service stopped")
            number = next(self._numbers)
            self._waiting[number] = answer
            self._process.stdin.write(json.dumps({"number": number, "ask": what, **about}) + "\n")
            self._process.stdin.flush()
        return answer.result()

    def _read(self) -> None:
        assert self._process.stdout
        try:
            for line in self._process.stdout:
                number, found = json.loads(line)
                self._waiting.pop(number).set_result(found)
        finally:
            with self._lock:  # nobody may wait forever, nor ask from now on
                self._stopped = True
                for answer in self._waiting.values():
                    answer.set_exception(RuntimeError("the service stopped"))
