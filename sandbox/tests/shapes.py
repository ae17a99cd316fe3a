"""The objects that tests make, and a client of nothing but raw HTTP."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import requests

from sandbox.tests.running import Sandbox

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An answer to :class:`Api`, by the names that `requests` has for the same."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Api:
    """Somebody with a key. Paths are below the project, unless they start with a slash.

    What is no JSON is sent by ``session``; it takes twice as long, which is much of what a test of small requests does.
    """

    def __init__(self, sandbox: Sandbox, key: str | None = None, project: str | None = None) -> None:
        self.sandbox, self.url, self.setting = sandbox, sandbox.url, sandbox.setting
        self.project = project or sandbox.project_id
        self.base = f"{sandbox.url}/api/projects/{self.project}/"
        self.session = requests.Session()
        self.session.trust_env = False  # else each request looks for proxies and a .netrc
        self.headers = {} if key == "" else {"Authorization": f"Bearer {key or sandbox.api_key}"}
        self.session.headers.update(self.headers)

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 10
    ) -> Answer:
        address = self.url + path if path.startswith("/") else self.base + path
        sent = {} if body is None else {"json": body}
        headers = {**self.headers, **(headers or {})}
        answer = self.sandbox.pool.request(method, address, headers=headers, timeout=timeout, **sent)
        return Answer(answer.status, answer.headers, answer.data)

    def get(self, path: str) -> Any:
        """The JSON of a successful GET."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        """The JSON of a successful POST."""
        answer = self("POST", path, body if body is not None else {})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def patch(self, path: str, body: Any) -> Any:
        """The JSON of a successful PATCH."""
        answer = self("PATCH", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def work(self, until: datetime | None = None) -> None:
        """Let the sandbox's workers look for what is due, now or as if it were later."""
        answer = self("POST", "/_sandbox/work", {"until": until.isoformat()} if until else {})
        assert answer.status_code == 204, answer.text

    def colleague(self) -> Api:
        """Another member, with a key of theirs."""
        return Api(self.sandbox, self.sandbox.user(f"{name('colleague')}@example.com"), self.project)

    def flag(self, **values: Any) -> Any:
        """A new flag; without filters it is on for half of everybody."""
        filters = {"groups": [{"rollout_percentage": 50}]}
        return self.post("feature_flags/", {"key": name("flag"), "filters": filters, **values})

    def cohort(self, *leaves: Any, **values: Any) -> Any:
        """A new dynamic cohort whose members match all leaves."""
        filters = members(*leaves or [person("plan", "pro")])
        return self.post("cohorts/", {"name": name("cohort"), "filters": filters, **values})

    def calculated(self, cohort: Any) -> Any:
        """A cohort, once its members are known."""

        def look() -> Any:
            now = self.get(f"cohorts/{cohort['id']}/")
            return None if now["is_calculating"] else now

        return eventually(look)

    def dashboard(self, **values: Any) -> Any:
        return self.post("dashboards/", {"name": name("dashboard"), **values})

    def insight(self, **values: Any) -> Any:
        """A new insight: trends of one event, by day."""
        return self.post("insights/", {"name": name("insight"), "query": trends(), **values})

    def alert(self, insight: int, **values: Any) -> Any:
        return self.post("alerts/", {**alert(insight), **values})


def name(kind: str) -> str:
    """A name that no other object of this run has."""
    return f"{kind}-{next(_numbers)}"


def person(key: str, value: Any, operator: str = "exact", **more: Any) -> dict[str, Any]:
    return {"type": "person", "key": key, "operator": operator, "value": value, **more}


def on_for(*leaves: Any) -> dict[str, Any]:
    """Filters of a flag that is on for everybody who matches."""
    return {"groups": [{"properties": list(leaves), "rollout_percentage": 100}]}


def in_cohort(identifier: int) -> dict[str, Any]:
    """Filters of a flag that is on for a cohort."""
    return on_for({"type": "cohort", "key": "id", "value": identifier, "operator": "in"})


def depending_on(identifier: int, value: Any = True) -> dict[str, Any]:
    """Filters of a flag that is on where another flag has a value."""
    return on_for({"type": "flag", "key": str(identifier), "operator": "flag_evaluates_to", "value": value})


def members(*leaves: Any) -> dict[str, Any]:
    """Filters of a cohort of everybody who matches."""
    return {"properties": {"type": "OR", "values": [{"type": "AND", "values": list(leaves)}]}}


def variants(**shares: float) -> dict[str, Any]:
    return {"variants": [{"key": key, "rollout_percentage": share} for key, share in shares.items()]}


def trends(*events: str, **more: Any) -> dict[str, Any]:
    series = [{"kind": "EventsNode", "event": event} for event in events or ("seen",)]
    return {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": series, **more}}


def alert(insight: int, **bounds: float) -> dict[str, Any]:
    return {
        "name": name("alert"),
        "insight": insight,
        "subscribed_users": [],
        "threshold": {"configuration": {"type": "absolute", "bounds": bounds or {"upper": 5}}},
        "condition": {"type": "absolute_value"},
        "config": {"type": "TrendsAlertConfig", "series_index": 0},
    }


def eventually(look: Callable[[], Any]) -> Any:
    """The first true answer of `look`; fails when there is none in time."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


class Answered(Protocol):
    """An answer, of ours or of `requests`."""

    @property
    def status_code(self) -> int: ...
    def json(self) -> Any: ...


def refusal(answer: Answered) -> tuple[int, str, str, str | None]:
    """Status, code, text and field of an error."""
    body = answer.json()
    assert list(body) == ["type", "code", "detail", "attr"], body
    return answer.status_code, body["code"], body["detail"], body["attr"]
