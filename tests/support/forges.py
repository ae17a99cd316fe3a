"""A GitHub of a test's own: the part of its API that CI uses, on loopback."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"
Answer = tuple[int, Any]


class FakeForge:
    """What a forge knows, and the requests that came."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, str, Any]] = []

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """Return status and JSON (bytes: as they are; a text: an address to go to)."""
        raise NotImplementedError


class FakeGitHub(FakeForge):
    """One repository on GitHub."""

    repository = "acme/ai-admin"

    def __init__(self) -> None:
        super().__init__()
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.pulls: dict[str, dict[str, Any]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.reviewers: set[str] = set()
        self.blobs: dict[int, bytes] = {}
        self.runs: dict[int, dict[str, str]] = {}

    @property
    def environ(self) -> dict[str, str]:
        here = {"GITHUB_REPOSITORY": self.repository, "GITHUB_REF_NAME": "main"}
        return {"GITHUB_API_URL": self.url, "GH_TOKEN": TOKEN, **here}

    def says(self, number: int, text: str, by: str = "Bot") -> dict[str, Any]:
        """Add a comment to a pull request."""
        made = {"id": 100 + sum(map(len, self.comments.values())), "body": text, "user": {"type": by}}
        self.comments.setdefault(number, []).append(made)
        return made

    def merges(self, commit: str, number: int, head: str, into: str = "main") -> None:
        """Let a commit be what merged a pull request."""
        merged = {"merged_at": "2026-11-27T12:00:00Z", "merge_commit_sha": commit, "base": {"ref": into}}
        self.pulls[commit] = {"number": number, "head": {"sha": head}, **merged}

    def keeps(
        self,
        name: str,
        head: str,
        files: dict[str, bytes],
        fork: bool = False,
        expired: bool = False,
        at: str = "2026-11-27T11:59:00Z",
        event: str = "pull_request",
        path: str = ".github/workflows/preview.yml",
    ) -> None:
        """Add an artifact that a run for this commit left."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for inside, content in files.items():
                archive.writestr(inside, content)
        id_ = len(self.artifacts) + 1
        run = {"id": 1000 + id_, "repository_id": 1, "head_repository_id": 2 if fork else 1, "head_sha": head}
        made = {"id": id_, "name": name, "expired": expired, "created_at": at, "workflow_run": run}
        self.artifacts.insert(0, made)
        self.runs[1000 + id_] = {"event": event, "path": path}
        self.blobs[id_] = packed.getvalue()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        base = f"/repos/{self.repository}/"
        if path.startswith("/blobs/"):
            return 200, self.blobs[int(path.rpartition("/")[2])]
        if not path.startswith(base):
            return 404, {"message": "Not Found"}
        for pattern, handler in self._routes():
            if match := re.fullmatch(pattern, f"{method} {path.removeprefix(base)}"):
                return handler(match.groups(), query, body)
        return 404, {"message": "Not Found"}

    def _routes(self) -> list[tuple[str, Callable[[Any, dict[str, str], Any], Answer]]]:
        return [
            (r"GET issues/(\d+)/comments", lambda at, query, _: (200, paged(self.comments.get(int(at[0]), []), query))),
            (r"POST issues/(\d+)/comments", lambda at, _, body: (201, self.says(int(at[0]), body["body"]))),
            (r"PATCH issues/comments/(\d+)", lambda at, _, body: (200, self._edited(int(at[0]), body["body"]))),
            (r"GET issues", lambda _, query, __: (200, paged(self._open(query["labels"]), query))),
            (r"POST issues", lambda _, __, body: (201, self._opened(body))),
            (r"PATCH issues/(\d+)", lambda at, _, body: (200, self.issues[int(at[0])].update(body))),
            (r"GET commits/(\w+)/pulls", lambda at, _, __: (200, [self.pulls[at[0]]] if at[0] in self.pulls else [])),
            (r"GET actions/artifacts", lambda _, query, __: (200, {"artifacts": self._named(query)})),
            (r"GET actions/artifacts/(\d+)/zip", lambda at, _, __: (302, f"{self.url}/blobs/{at[0]}")),
            (r"GET actions/runs/(\d+)", lambda at, _, __: (200, self.runs[int(at[0])])),
            (r"GET environments/([\w-]+)", lambda at, _, __: (200, {"protection_rules": self._rules(at[0])})),
        ]

    def _edited(self, id_: int, text: str) -> dict[str, Any]:
        [found] = [each for comments in self.comments.values() for each in comments if each["id"] == id_]
        found["body"] = text
        return found

    def _open(self, label: str) -> list[dict[str, Any]]:
        return [each for each in self.issues.values() if each["state"] == "open" and label in each["labels"]]

    def _opened(self, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.issues) + 1
        self.issues[number] = {"number": number, "state": "open", **body}
        return self.issues[number]

    def _named(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return paged([each for each in self.artifacts if each["name"] == query["name"]], query)

    def _rules(self, environment: str) -> list[dict[str, str]]:
        return [{"type": "required_reviewers"}] if environment in self.reviewers else [{"type": "branch_policy"}]


def paged(items: list[Any], query: dict[str, str]) -> list[Any]:
    """Return a page of a list."""
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return items[(page - 1) * size : page * size]


class FakeGitLab(FakeForge):
    """One project on GitLab, with the tables that a test fills."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[dict[str, Any]] = []
        self.issues: dict[int, dict[str, Any]] = {}
        self.tables: dict[str, Any] = {"user": {"id": 1}}
        """What reading a path gives: JSON, or a file's bytes."""

    @property
    def environ(self) -> dict[str, str]:
        here = {"CI_PROJECT_ID": "7", "CI_COMMIT_BRANCH": "main"}
        return {"GITLAB_CI": "true", "CI_API_V4_URL": self.url, "FORGE_TOKEN": TOKEN, **here}

    def says(self, text: str, by: int = 1) -> dict[str, Any]:
        """Add a note to the merge request."""
        self.notes.append({"id": len(self.notes) + 1, "body": text, "author": {"id": by}, "system": False})
        return self.notes[-1]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        path = path.removeprefix("/projects/7").strip("/")
        number = int(path.rpartition("/")[2]) if re.search(r"/\d+$", path) else 0
        if method == "GET" and path in self.tables:
            found = self.tables[path]
            return 200, paged(found, query) if isinstance(found, list) else found
        if path == "merge_requests/3/notes":
            return (200, paged(self.notes, query)) if method == "GET" else (201, self.says(body["body"]))
        if path.startswith("merge_requests/3/notes/"):
            return 200, self.notes[number - 1].update(body)
        if path == "issues" and method == "GET":
            found = [each for each in self.issues.values() if each["state"] == "opened"]
            return 200, paged([each for each in found if each["labels"] == query["labels"]], query)
        if path == "issues":
            iid = len(self.issues) + 1
            self.issues[iid] = {"iid": iid, "state": "opened", **body}
            return 201, self.issues[iid]
        if path.startswith("issues/"):
            closed = {"state": "closed"} if body.get("state_event") == "close" else {}
            return 200, self.issues[number].update({**body, **closed})
        return 404, {"message": "404 Not found"}


@contextmanager
def running(forge: FakeForge) -> Iterator[None]:
    """Answer on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            asked = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            told = self.headers.get("Authorization", "") + self.headers.get("PRIVATE-TOKEN", "")
            if told.removeprefix("Bearer ") != ("" if asked.path.startswith("/blobs/") else TOKEN):
                answer: Answer = 401, {"message": "Bad credentials"}
            else:
                query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                answer = forge.answer(self.command, asked.path, query, body)
                forge.calls.append((self.command, asked.path, body))
            status, found = answer
            self.send_response(status)
            if status == 302:
                self.send_header("Location", found)
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
