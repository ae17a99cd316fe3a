"""A random project that somebody made through PostHog's API, who never saw this repository."""

from __future__ import annotations

import copy
import random
from itertools import count
from typing import Any

import requests

from providers.posthog import reconcile
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.errors import LookupProblem
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.settings import Settings
from tests.campaigns.generated import GENERATED
from tests.campaigns.generated.parts import EVENTS, NAMES, some, text
from tests.support.runs import placed
from tests.support.samples import SAMPLES
from tests.support.samples.world import VARIANTS
from tests.support.sandbox import Sandbox

MADE = tuple(kind for kind in KINDS.values() if kind.name not in ("property", "tiles", "event"))
"""The kinds that are made by a POST; events and properties come first, and tiles with dashboards."""

_NUMBERS = count(1)


def project_of(sandbox: Sandbox) -> Sandbox:
    """Return a sandbox's new, empty project."""
    path = f"/api/organizations/{sandbox.organization_id}/projects/"
    made = copy.copy(sandbox)
    made.project_id = str(sandbox.call("POST", path, {"name": f"Project {next(_NUMBERS)}"})["id"])
    return made


class Stranger:
    """Makes objects of all kinds, with a key of their own."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self.sandbox, self.chance = sandbox, chance
        self.key = sandbox.user(f"ana{next(_NUMBERS)}@example.com", role="admin")
        self.world: dict[Ref, Any] = {}
        self.refused: list[str] = []
        self._directory = PostHogDirectory(Client(resolve(Settings({}, sandbox.environ))))

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Make or change an object; None where PostHog refuses it."""
        address = f"{self.sandbox.url}/api/projects/{self.sandbox.project_id}/{path}/"
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(method, address, json=body, headers=headers, timeout=10)
        if not answer.ok:
            self.refused.append(f"{path}: {answer.text}"[:300])
            return None
        return dict(answer.json())

    def make_project(self, most: int) -> None:
        """Make some objects of every kind, and do to them what people do on PostHog's pages."""
        self._catalogue()
        for kind in MADE:
            for n in range(1, self.chance.randint(1, most) + 1):
                self._make(kind.name, f"{kind.name}-{n}")
        self._by_hand()

    def _catalogue(self) -> None:
        """Let PostHog meet most of the events and properties that definitions look at."""
        for name in (*EVENTS, "ai"):
            if self.chance.random() < 0.9:
                said = {"description": text(self.chance)} if self.chance.random() < 0.5 else {}
                self.send("POST", "event_definitions", {"name": name, **said})
        chosen = [name for name in (*NAMES, "success", "email", "$browser") if self.chance.random() < 0.7]
        values = {name: {"total_tokens": 5, "success": True}.get(name, "x") for name in chosen}
        event = {"event": "ai", "distinct_id": "somebody", "properties": {**values, "$set": values}}
        token = self.sandbox.call("GET", f"/api/projects/{self.sandbox.project_id}/")["api_token"]
        answer = requests.post(f"{self.sandbox.url}/capture/", json={"api_key": token, **event}, timeout=10)
        assert answer.ok, answer.text

    def _make(self, kind: str, key: str) -> None:
        """Make one object; a random one that PostHog refuses, or that refers to what is not there, is drawn again."""
        for _ in range(12):
            properties = self.drawn(kind, key)
            if properties is None or any(ref not in self.world for ref in refs(properties)):
                continue
            fields = reconcile.created(KINDS[kind], properties)
            body = self.body(KINDS[kind], fields, properties)
            made = self.send("POST", KINDS[kind].collection, body) if body is not None else None
            if made is not None:
                self.world[Ref(kind, key)] = made[KINDS[kind].id_name]
                return

    def body(
        self, kind: Kind, fields: list[Field], properties: Properties, live: Any = None, before: Any = None
    ) -> dict[str, Any] | None:
        """Return the body that sets fields of an object; None where they name what is not there."""
        if any(ref not in self.world for ref in refs(properties)):
            return None
        try:
            placed_ = placed(properties, self.world)
            return reconcile.body(kind, fields, placed_, self._directory, live, before)
        except LookupProblem:  # only the sandbox's own project has a Slack workspace
            return None

    def drawn(self, kind: str, key: str) -> dict[str, Any] | None:
        if kind == "notification":
            alerts = [ref for ref in self.world if ref.kind == "alert"]
            if not alerts:
                return None
            key = f"{self.chance.choice(alerts).key}.{self.chance.choice(('slack', 'webhook'))}"
        if kind in GENERATED:
            drawn = GENERATED[kind](self.chance, key)
            if kind == "alert":
                drawn["insight"] = self._some("insight", drawn["insight"])
            if kind == "experiment":
                drawn["flag"] = self._flag_to_compare(key)
        else:
            samples = SAMPLES[kind]
            sample = self.chance.choice([*samples.fields.values()])
            name = next(name for name, each in samples.fields.items() if each is sample)
            drawn = {**samples.least(f"{kind} {key}"), **sample.requires, **sample.with_it, name: sample.value}
            drawn |= {"flag": self._some("flag", None)} if kind == "early_access_feature" else {}
            drawn = _renamed(drawn, self)
        if self.chance.random() < 0.2:  # people give one name to several things
            drawn |= {"name": "Twice"} if kind in ("cohort", "dashboard", "insight", "alert", "experiment") else {}
        return KINDS[kind].canonical(drawn)

    def _flag_to_compare(self, key: str) -> Ref:
        """Make a flag that an experiment can run on."""
        ref = Ref("flag", f"on-{key}")
        filters = {"groups": [{"properties": []}], "multivariate": {"variants": VARIANTS}}
        if ref not in self.world:
            made = self.send("POST", "feature_flags", {"key": ref.key, "filters": filters})
            assert made is not None, self.refused[-1]
            self.world[ref] = made["id"]
        return ref

    def _some(self, kind: str, otherwise: Any) -> Any:
        found = [ref for ref in self.world if ref.kind == kind]
        return self.chance.choice(found) if found else otherwise

    # What people do on PostHog's pages.

    def _by_hand(self) -> None:
        for board in self._ids("dashboard"):
            self.arrange(board)
        for id_ in self._ids("insight"):
            if self.chance.random() < 0.15:
                self.send("PATCH", f"insights/{id_}", {"name": ""})
        for id_ in self._ids("cohort"):
            if self.chance.random() < 0.1:
                leaf = {"type": "person", "key": "7", "operator": "exact", "value": "x"}
                nested = {"type": "AND", "values": [{"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}]}
                self.send("PATCH", f"cohorts/{id_}", {"filters": {"properties": nested}})

    def _ids(self, kind: str) -> list[Any]:
        return [id_ for ref, id_ in self.world.items() if ref.kind == kind]

    def arrange(self, board: Any) -> None:
        """Put texts and buttons on a dashboard, and arrange some of its tiles."""
        items: list[dict[str, Any]] = []
        if self.chance.random() < 0.6:
            items.append({"text": {"body": f"## {text(self.chance)}"}, "layouts": {"sm": _place(0)}})
        if self.chance.random() < 0.3:
            items.append({"text": {"body": "Anywhere"}})
        if self.chance.random() < 0.3:
            button = {"url": "https://example.com", "text": "Runbook"}
            items.append({"button_tile": button, "layouts": {"sm": _place(1)}})
        tiles = self.sandbox.call("GET", f"dashboards/{board}/")["tiles"]
        for n, tile in enumerate(some(self.chance, tiles)):
            look = self.chance.choice(
                ({}, {"color": "blue"}, {"filters_overrides": {"date_from": "-1d"}}, {"transparent_background": True})
            )
            items.append({"id": tile["id"], "layouts": {"sm": _place(n + 2)}, **look})
        if items:
            self.send("PATCH", f"dashboards/{board}", {"tiles": items})


def _place(row: int) -> dict[str, int]:
    return {"x": 0, "y": row * 5, "w": 6, "h": 5}


def _renamed(value: Any, stranger: Stranger) -> Any:
    """Return a sample with references to what the stranger made."""
    if isinstance(value, Ref):
        return stranger._some(value.kind, value)
    if isinstance(value, dict):
        return {name: _renamed(item, stranger) for name, item in value.items()}
    return [_renamed(item, stranger) for item in value] if isinstance(value, list) else value
