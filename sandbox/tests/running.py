"""A sandbox process of a test's own, and requests to it that share nothing with our client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from sandbox.__main__ import main
from sandbox.tests.forks import forked, imported_before

REPOSITORY = Path(__file__).parents[2]

NEWER: dict[str, Any] = {
    "filters": "merge",
    "experiment_lists": "whole",
    "insight_dashboards": "served",
    "gated_fields": "kept",
    "missing_event_definition": "not_found",
    "usage_dashboards": False,
}
"""The settings of a server newer than the sandbox's defaults, which are of July 2026 (sandbox/control/settings.py)."""


class Sandbox:
    """A running sandbox: where it is, how to be let in, and what was asked of it."""

    pid: int | None = None

    def __init__(self, ready: dict[str, Any]) -> None:
        self.url: str = ready["url"]
        self.project_id = str(ready["project_id"])
        self.organization_id: str = ready["organization_id"]
        self.api_key: str = ready["personal_api_key"]
        self.project_api_key: str = ready["project_api_key"]
        # Kept connections, and no session for each request: thousands of requests are most of what many tests do.
        self.pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=10)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that lead our tools to this sandbox."""
        return {
            "POSTHOG_HOST": self.url,
            "POSTHOG_PROJECT_ID": self.project_id,
            "POSTHOG_ORGANIZATION_ID": self.organization_id,
            "POSTHOG_API_KEY": self.api_key,
        }

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Send a request as somebody with this key would; ``path`` is below the project unless it starts with ``/``."""
        path = path if path.startswith("/") else f"/api/projects/{self.project_id}/{path}"
        return self._send(method, path, body, {"Authorization": f"Bearer {key or self.api_key}"})

    def items(self, collection: str) -> list[dict[str, Any]]:
        """Return what a collection lists."""
        return list(self.call("GET", f"{collection}/?limit=1000")["results"])

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that came since the last call, oldest first, without those of this class."""
        log = self._send("GET", "/_sandbox/requests")
        self._send("DELETE", "/_sandbox/requests")
        return list(log["results"] if isinstance(log, dict) else log)

    def capture(self, *events: Mapping[str, Any]) -> None:
        """Send events as an SDK does, each with its `event`, `distinct_id` and `properties`."""
        self._send("POST", "/batch/", {"api_key": self.project_api_key, "batch": events})

    def key(self, scopes: Sequence[str] | None = ("*",), **more: Any) -> str:
        """Make another personal API key with these scopes, the admin's unless ``user`` says whose."""
        return str(self._send("POST", "/_sandbox/keys", {"scopes": scopes, **more})["value"])

    def user(self, email: str, **more: Any) -> str:
        """Make another user, a member unless ``role`` says what else, and return a key of theirs."""
        return str(self._send("POST", "/_sandbox/users", {"email": email, **more})["personal_api_key"])

    def set_faults(self, *rules: Mapping[str, Any], seed: int = 1) -> None:
        """Let requests suffer these faults from now on (see sandbox/README.md); none, where there are no rules."""
        self._send("PUT", "/_sandbox/faults", {"seed": seed, "rules": rules})

    @contextmanager
    def faults(self, *rules: Mapping[str, Any]) -> Iterator[None]:
        """Let requests suffer these faults for a while."""
        self.set_faults(*rules)
        try:
            yield
        finally:
            self.set_faults()

    def strike(self, kind: str, method: str, path: str) -> None:
        """Let the next such request suffer a fault of this kind; ``path`` is a pattern."""
        self.set_faults({"kind": kind, "methods": [method], "path": path, "times": 1})

    @contextmanager
    def setting(self, **values: Any) -> Iterator[None]:
        """Have other settings (sandbox/control/settings.py) for a while."""
        before = self._send("GET", "/_sandbox/settings")
        self._send("PATCH", "/_sandbox/settings", values)
        try:
            yield
        finally:
            self._send("PATCH", "/_sandbox/settings", {name: before[name] for name in values})

    def writes(self) -> list[tuple[str, str, Any]]:
        """Return the writes to the API since the last look at the log: method, path and body."""
        return [
            (entry["method"], entry["path"], entry.get("body"))
            for entry in self.requests()
            if entry["method"] != "GET" and entry["path"].startswith("/api/")
        ]

    def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a request, which must succeed, and return what the answer's JSON says."""
        sent = {} if body is None else {"json": body}
        answer = self.pool.request(method, self.url + path, headers=headers, **sent)
        assert answer.status < 400, f"{method} {path}: {answer.status} {answer.data.decode()}"
        return json.loads(answer.data) if answer.data else None


@contextmanager
def running_sandbox(data: Path, *options: str, checkout: Path = REPOSITORY, **settings: Any) -> Iterator[Sandbox]:
    """Start a checkout's sandbox with these settings on a free port with its data in ``data``; stop it at the end."""
    chosen = ["--settings", json.dumps(settings)] if settings else []
    arguments = ["--port", "0", "--data", str(data), *chosen, *options]
    # Not in a script (`forked`).
    forks = checkout == REPOSITORY and "PYTEST_VERSION" in os.environ
    process = forked(main, ["sandbox", *arguments], REPOSITORY, os.environ) if forks else _started(arguments, checkout)
    with process as (pid, ready):
        sandbox = Sandbox(json.loads(ready))
        sandbox.pid = pid
        yield sandbox


@contextmanager
def _started(arguments: list[str], checkout: Path) -> Iterator[tuple[int, str]]:
    """A process of a checkout's sandbox: its id, and the line that it prints once it is ready."""
    command = [sys.executable, "-m", "sandbox", *arguments]
    process = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline()
    finally:
        process.terminate()
        process.wait(timeout=10)


# pandas, pyarrow: what chdb imports at its first query; itself has threads from its import on, and so can't be forked.
for _module in ("sandbox.__main__", "sandbox.tests.learnt", "pyarrow", "pandas"):
    imported_before(_module)
