"""A folder of definitions that changes at random, and a look at whether a sandbox holds exactly what it says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.project import Project
from tests.support.sandbox import Sandbox

EVENT = "key: event_{n}\ndescription: Version {v}.\nproperties: {{p_{n}: {{type: Numeric, description: Size {v}.}}}}\n"
COHORT = "key: cohort-{n}\nname: Cohort {n}\nproperties: [{{key: channel, value: beta-{v}}}]\n"
FLAG = "key: flag-{n}\ndescription: Version {v}.\nactive: false\nrelease_conditions:\n  - rollout_percentage: {p}\n"
DASHBOARD = """\
key: board-{n}
name: Board {n}
description: Version {v}.
tiles:
  - text: "## About {n}, version {v}"
    layout: {{w: 12, h: 1}}
  - insight:
      key: trend-{n}
      name: Trend {n}
      description: Version {v}.
      trends: {{series: [{{event: event_0}}]}}
  - text: Below
    layout: {{w: {w}, h: 1}}
"""
ALERT = """\
key: alert-{n}
name: Alert {n}
insight: trend-{n}
condition: absolute_value
threshold: {{upper: {p}}}
notify:
  webhook: {{url: "http://127.0.0.1:9/{v}"}}
"""
# The folder, the template, and how many there are at the start.
KINDS = {
    "event": ("events", EVENT, 3),
    "cohort": ("cohorts", COHORT, 5),
    "flag": ("flags", FLAG, 6),
    "dashboard": ("dashboards", DASHBOARD, 3),
    "alert": ("alerts", ALERT, 2),
}
FIXED = "key: installation\ntype: person\nproperties: {channel: {type: String}}\n"


class World:
    """Definitions of every kind: by kind, the version of each number."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self.project = project
        self.chance = chance
        self.versions: dict[str, dict[int, int]] = {kind: {} for kind in KINDS}
        project.write("events/installation.yaml", FIXED)
        for kind, (_, _, count) in KINDS.items():
            for number in range(count):
                self._write(kind, number)

    def change(self) -> None:
        """Make, change and remove some definitions: few enough to need nobody's consent."""
        kinds = [kind for kind in KINDS if kind != "alert"]  # an alert's insight might not be there
        for kind in self.chance.sample(kinds, self.chance.randint(1, 3)):
            self._write(kind, max(self.versions[kind], default=-1) + 1)
        for kind in self.chance.sample(list(KINDS), self.chance.randint(2, 5)):
            self._write(kind, self.chance.choice(list(self.versions[kind])))
        for kind in self.chance.sample(kinds, 2):
            newest = max(self.versions[kind])
            if len(self.versions[kind]) > KINDS[kind][2] + 1:
                del self.versions[kind][newest]
                (self.project.folder / KINDS[kind][0] / f"{kind}-{newest}.yaml").unlink()

    def _write(self, kind: str, number: int) -> None:
        folder, template, _ = KINDS[kind]
        version = self.versions[kind][number] = self.versions[kind].get(number, 0) + 1
        text = template.format(n=number, v=version, p=version % 100 + 1, w=6 + version % 2 * 6)
        self.project.write(f"{folder}/{kind}-{number}.yaml", text)

    def differences(self, sandbox: Sandbox) -> list[str]:
        """Return what the sandbox holds otherwise than the definitions say: lost, doubled, left over or not up to date.

        Reads PostHog's API, and shares nothing with the code that is tested.
        """
        found: list[str] = []
        for kind, (collection, described) in SHOWN.items():
            live = Counter(map(described, sandbox.items(collection)))
            wanted = Counter(described(body) for body in self._wanted(kind))
            found += [f"{kind}: {what} is there {live[what]} times, not {wanted[what]}" for what in live | wanted
                      if live[what] != wanted[what]]  # fmt: skip
        return found + self._texts(sandbox)

    def _texts(self, sandbox: Sandbox) -> list[str]:
        found = []
        for item in sandbox.items("dashboards"):
            board = sandbox.call("GET", f"dashboards/{item['id']}/")
            number = int(board["name"].split()[-1])
            texts = sorted(tile["text"]["body"] for tile in board["tiles"] if tile.get("text"))
            wanted = [f"## About {number}, version {self.versions['dashboard'].get(number)}", "Below"]
            if texts != wanted:
                found.append(f"texts of board {number} are {texts}, not {wanted}")
        return found

    def _wanted(self, kind: str) -> list[dict[str, Any]]:
        source = "dashboard" if kind == "insight" else "alert" if kind == "notification" else kind
        return [_body(kind, number, version) for number, version in self.versions[source].items()]


def _body(kind: str, n: int, v: int) -> dict[str, Any]:
    """What PostHog's API is to show of a definition, as far as :data:`SHOWN` looks."""
    p, leaf = v % 100 + 1, {"values": [{"values": [{"key": "channel", "value": f"beta-{v}"}]}]}
    bodies: dict[str, dict[str, Any]] = {
        "event": {"name": f"event_{n}", "description": f"Version {v}."},
        "cohort": {"name": f"Cohort {n}", "filters": {"properties": leaf}},
        "flag": {"key": f"flag-{n}", "name": f"Version {v}.", "filters": {"groups": [{"rollout_percentage": p}]}},
        "dashboard": {"name": f"Board {n}", "description": f"Version {v}."},
        "insight": {"name": f"Trend {n}", "description": f"Version {v}."},
        "alert": {"name": f"Alert {n}", "threshold": {"configuration": {"bounds": {"upper": p}}}},
        "notification": {"name": f"Alert {n} (webhook)"},
    }
    return bodies[kind]


def _described(*names: str) -> Callable[[dict[str, Any]], str]:
    return lambda body: ", ".join(str(body.get(name)) for name in names)


def _cohort(body: dict[str, Any]) -> str:
    return f"{body['name']}, {body['filters']['properties']['values'][0]['values'][0]['value']}"


def _flag(body: dict[str, Any]) -> str:
    return f"{body['key']}, {body['name']}, {body['filters']['groups'][0]['rollout_percentage']}"


def _alert(body: dict[str, Any]) -> str:
    return f"{body['name']}, {body['threshold']['configuration']['bounds']['upper']:.0f}"


SHOWN: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "event": ("event_definitions", _described("name", "description")),
    "cohort": ("cohorts", _cohort),
    "flag": ("feature_flags", _flag),
    "dashboard": ("dashboards", _described("name", "description")),
    "insight": ("insights", _described("name", "description")),
    "alert": ("alerts", _alert),
    "notification": ("hog_functions", _described("name")),
}
