"""The laws of reading and writing, on random definitions and random edits of both sides, against the sandbox.

A case is one object, which the provider makes of a definition; then in several rounds somebody changes it by hand, the
definition becomes another one, and is applied. In each round:

- what was written reads back as it was written;
- a change by hand shows, as exactly the fields that differ;
- the body of the PATCH has exactly the fields that the preview showed;
- after it nothing differs, whatever PostHog added;
- fields left to PostHog's pages are as somebody left them;
- the canonical form of a canonical form, of another spelling, and of what comes off Pulumi's wire is the same.

`python -m tests.campaigns.reconcile_laws [--cases N] [--seed N] [--newer]` runs 200 cases of every kind.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import Reading
from providers.posthog.reconcile import body, changed
from providers.posthog.settings import Settings
from tests.campaigns.cases import parser, say
from tests.campaigns.cases import run as run_cases
from tests.campaigns.generated import GENERATED, Properties, spelled
from tests.support.clocks import Leaping
from tests.support.runs import Applied, Runs, placed
from tests.support.sandbox import NEWER, Sandbox, running_sandbox

ROUNDS = 2
COUPLED = {
    "event": ({"verified", "hidden"},),
    "flag": (
        {"active", "archived"},
        {"variants", "payloads", "release_conditions"},
        {"bucketing_identifier", "ensure_experience_continuity"},
    ),
    "annotation": ({"scope", "insight", "dashboard"},),
    "subscription": (
        {"byweekday", "bysetpos", "frequency", "count", "until_date", "start_date"},
        {"target_type", "target_value", "workspace"},
    ),
}
"""What PostHog or the schema ties together: a change of one may be one of the other."""

OLDER: dict[str, Any] = {"gated_fields": "kept"}
"""The settings of a server of July 2026 whose plan has all that definitions can say."""

Row = dict[str, Any]


def world(sandbox: Sandbox) -> dict[Ref, Any]:
    """Make everything that random definitions refer to; return the ids by reference."""
    found: dict[Ref, Any] = {}

    def make(ref: Ref, collection: str, **row: Any) -> None:
        found[ref] = sandbox.call("POST", f"{collection}/", row)["id"]

    leaf = {"type": "person", "key": "7", "operator": "exact", "value": "x"}
    criteria = {"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}}
    shares = {"control": 50, "test": 30, "a": 20}
    variants = [{"key": key, "rollout_percentage": share} for key, share in shares.items()]
    series = [{"kind": "EventsNode", "event": event} for event in ("ai_failed", "ai_enhancement_used")]
    trend = {"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": series}}
    for n in (1, 2, 3):
        make(Ref("cohort", f"cohort-{n}"), "cohorts", name=f"Base {n}", filters=criteria)
        filters = {"groups": [{"properties": []}], "multivariate": {"variants": variants}}
        make(Ref("flag", f"flag-{n}"), "feature_flags", key=f"flag-{n}", filters=filters)
        make(Ref("action", f"action-{n}"), "actions", name=f"Base {n}", steps=[{"event": "ai_failed"}])
        make(Ref("dashboard", f"dashboard-{n}"), "dashboards", name=f"Base {n}")
        make(Ref("insight", f"insight-{n}"), "insights", name=f"Base {n}", query=trend)
    make(Ref("insight", "watched"), "insights", name="Watched", query=trend)
    limit = {"configuration": {"type": "absolute", "bounds": {"upper": 9}}}
    alert = {"condition": {"type": "absolute_value"}, "config": {"type": "TrendsAlertConfig", "series_index": 0}}
    watched = {"insight": found[Ref("insight", "watched")], "threshold": limit, "subscribed_users": [], **alert}
    make(Ref("alert", "alert-1"), "alerts", name="Base", **watched)
    approved = {"is_ai_data_processing_approved": True}  # without it no subscription has a summary
    sandbox.call("PATCH", f"/api/organizations/{sandbox.organization_id}/", approved)
    return found


@contextmanager
def running(data: Path, settings: dict[str, Any]) -> Iterator[Runs]:
    """Start a sandbox with these settings, in which all that random definitions refer to is there."""
    with running_sandbox(data, **settings) as sandbox:
        yield Runs(sandbox, world(sandbox), Leaping())  # this server's answers are never of before a write


class Case:
    """One object of a kind."""

    def __init__(self, runs: Runs, kind: Kind, chance: random.Random, number: int) -> None:
        self.runs, self.kind, self.chance = runs, kind, chance
        self.directory = PostHogDirectory(Client(resolve(Settings({}, runs.sandbox.environ))))
        self.key = chance.choice(_KEYS.get(kind.name, (f"{kind.name}-x{number}",))).format(n=number)
        self.immutable = {*(field.name for field in kind.fields if field.immutable), *_KEPT.get(kind.name, ())}
        self.counts: Counter[str] = Counter(cases=1)

    def run(self) -> Counter[str]:
        """Make the object and take it through the rounds; raises AssertionError for a law that does not hold."""
        state = self.make()
        self.canonical_laws(state)
        self.agrees(state, "what was written does not read back")
        for _ in range(ROUNDS):
            self.by_hand(state)
            new = self.definition(state)
            self.apply(state, new)
            state = new
        self.object.remove()
        return self.counts

    def make(self) -> Properties:
        """Make the object of a random definition, which is returned."""
        self.prepare()
        state = self.definition()
        self.object = Applied(self.runs, self.kind.name, state)
        return state

    # Definitions

    def prepare(self) -> None:
        """Make what an object stands on: a dashboard and insights for tiles, an event for a property."""
        sandbox = self.runs.sandbox
        if self.kind.name == "tiles":
            board = sandbox.call("POST", "dashboards/", {"name": self.key})["id"]
            names = {Ref("insight", f"{self.key}-{n}"): f"{self.key}-{n}" for n in range(3)}
            made = {ref: sandbox.call("POST", "insights/", {"name": name})["id"] for ref, name in names.items()}
            self.runs.world = {**self.runs.world, Ref("dashboard", self.key): board, **made}
        if self.kind.name == "property":
            owner, _, name = self.key.partition(".")
            met = {"$set": {name: 1}} if owner == "person" else {name: 1}
            sandbox.capture({"event": "met", "distinct_id": "met", "properties": met})

    def definition(self, before: Properties | None = None, whole: bool = False) -> Properties:
        """A random definition in canonical form; with one before it, a later one of the same object.

        A ``whole`` one leaves nothing to PostHog's pages.
        """
        while True:
            properties = placed(GENERATED[self.kind.name](self.chance, self.key), self.runs.world)
            if before is not None:
                properties["unmanaged"] = [] if whole else self.left_to_posthog()
            new = self.kind.canonical(properties)
            if before is None or all(new.get(name) == before.get(name) for name in self.immutable):
                return new

    def left_to_posthog(self) -> list[str]:
        manageable = [field.name for field in self.kind.fields if field.manageable]
        if not manageable or self.chance.random() < 0.7:
            return []
        left = self.with_coupled({self.chance.choice(manageable)})
        return sorted(left) if left <= set(manageable) else []

    def with_coupled(self, names: set[str]) -> set[str]:
        for group in COUPLED.get(self.kind.name, ()):
            if names & group:
                names = names | group
        return names

    def canonical_laws(self, definition: Properties) -> None:
        """One form for every spelling."""
        wire = json.loads(json.dumps(definition), parse_int=float)  # Pulumi's numbers are doubles
        for other in (definition, wire, spelled(self.chance, definition)):
            again = self.kind.canonical(other)
            assert again == definition, f"another form of the same: {again}"
            assert changed(self.kind, again, definition) == []

    # The rounds

    def by_hand(self, state: Properties) -> None:
        """Change some fields past the provider; what is owned then shows, and nothing else."""
        if self.kind.lifecycle == "tiles":
            self.object.by_hand({"tiles": [self.chance.choice(list(self.edits_of_tiles()))]})
            self.counts["edits"] += 1
            self.counts["seen"] += bool(self.object.shown(state))
            return
        chosen = _CHOSEN.get(self.kind.name, ())
        free = [field.name for field in self.kind.fields if field.name not in self.immutable]
        names = self.with_coupled(set(self.chance.sample(free, k=self.chance.randint(1, min(3, len(free))))))
        theirs = self.definition(state, whole=True)
        fields = [f for f in self.kind.fields if f.name in names and (f.clearable or f.name in theirs)]
        names = {field.name for field in fields}
        live = self.object.live()
        everything = {f.name: f.read(None, Reading(live, {}, self.directory)) for f in fields if f.shared}
        self.object.by_hand(body(self.kind, fields, theirs, self.directory, live, everything))
        unmanaged = state.get("unmanaged", [])
        expected = {n: (theirs if n in names else state).get(n) for n in free if n not in (*unmanaged, *chosen)}
        for field in fields:
            if field.shared and field.name in expected:  # what they add is theirs
                kept = [item for item in theirs.get(field.name) or () if item in (state.get(field.name) or ())]
                expected[field.name] = field.canonical(kept)
        differing = [name for name in expected if expected[name] != state.get(name)]
        shown = [name for name in self.object.shown(state) if name not in chosen]
        assert shown == differing, f"somebody changed {differing}, and {shown} shows"
        self.counts["edits"] += 1
        self.counts["seen"] += len(shown)

    def edits_of_tiles(self) -> Iterator[Row]:
        """What somebody may do on a dashboard."""
        place = {"sm": {"x": 0, "y": self.chance.randint(0, 40), "w": 12, "h": 2}}
        yield {"text": {"body": f"By hand {self.chance.random()}"}, "layouts": place}
        for tile in self.object.live()["tiles"]:
            for edit in ({"layouts": place}, {"color": "red"}, {"deleted": True}):
                yield {"id": tile["id"], **edit}
            if tile.get("text"):
                yield {"id": tile["id"], "text": {"id": tile["text"]["id"], "body": "Edited by hand"}}

    def apply(self, state: Properties, new: Properties) -> None:
        """A preview, and the run that follows: what the one shows is what the other sends."""
        announced, before = self.object.shown(new), self.object.live()
        left = self.left(new)
        self.runs.sandbox.requests()
        assert self.object.apply(new) == announced
        if self.kind.lifecycle != "tiles":
            sent = [sent for method, _, sent in self.runs.sandbox.writes() if method == "PATCH"]
            if "active" in announced and new.get("active") is False:
                assert sent.pop(0) == {"active": False}, "a flag that goes off is switched by itself before the rest"
                announced.remove("active")
            assert len(sent) == bool(announced), f"{announced} announced, {len(sent)} requests sent"
            fields = [field for field in self.kind.fields if field.name in announced]
            # What PostHog does not keep goes along with every write.
            fields += [field for field in self.kind.fields if not field.kept]
            along = {name for field in fields for name in (*field.sent_with, *field.again)}
            expected = {field.api_path for field in fields} | {(name,) for name in along}
            for each in sent:
                paths = set(_leaves(each, expected))
                changing = {path for path in paths if path in expected or not self.stood(path, each, before)}
                assert changing == expected, f"announced {announced}, sent {each}"
        self.counts["patches"] += bool(announced)
        self.agrees(new, f"after a change of {announced}")
        assert self.left(new) == left, "a field that is left to PostHog was written"

    def stood(self, path: tuple[str, ...], sent: Row, before: Row) -> bool:
        """Say whether a part of a body is there only because its column is sent whole, and is as it was."""
        column, *rest = path
        return column in self.kind.whole and bool(rest) and sent[column][rest[0]] == before[column].get(rest[0])

    def agrees(self, state: Properties, what: str) -> None:
        differing = self.object.shown(state)
        there = self.kind.canonical(self.object.state)
        found = [(name, there.get(name), state.get(name)) for name in differing]
        assert found == [], f"{what}: {found}"

    def left(self, state: Properties) -> dict[str, Any]:
        """What PostHog holds in the fields that are left to it."""
        reading = Reading(self.object.live(), state, self.directory)
        return {f.name: f.from_live(reading) for f in self.kind.fields if f.name in state.get("unmanaged", ())}


_KEYS: dict[str, tuple[str, ...]] = {
    "property": ("event.tokens-{n}", "person.version-{n}"),
    "notification": ("alert-1.slack", "alert-1.webhook"),
}
_KEPT: dict[str, tuple[str, ...]] = {
    # PostHog has an order of an experiment's life.
    "experiment": ("start_date", "end_date", "conclusion", "archived"),
    # Once PostHog has chosen that the running interval is looked at, it refuses conditions that this does not go with.
    "alert": ("condition", "threshold"),
}
"""Fields that stay as they were made. The field laws change each of them."""
_CHOSEN: dict[str, tuple[str, ...]] = {"alert": ("config",)}
"""Fields of which PostHog chooses a part: whether an alert looks at the running interval."""


def _leaves(sent: Any, ends: Iterable[tuple[str, ...]], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places in a body, down to where a field stands."""
    if path in ends or not isinstance(sent, dict) or not any(end[: len(path)] == path for end in ends):
        yield path
        return
    for name, item in sent.items():
        yield from _leaves(item, ends, (*path, name))


def run(runs: Runs, kind: str, cases: int, seed: int) -> Counter[str]:
    """Run so many cases of a kind; the error of the first that breaks a law says which seed repeats it."""
    return run_cases(kind, cases, seed, lambda chance, number: Case(runs, KINDS[kind], chance, number).run())


def main() -> int:
    """Run the campaign; the exit code is 0, as the first case that breaks a law ends it with an error."""
    options = parser("Random definitions and edits through the provider.", 200)
    options.add_argument("--newer", action="store_true", help="against a PostHog newer than that of July 2026")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), NEWER if asked.newer else OLDER) as runs:
        for kind in GENERATED:
            start = time.perf_counter()
            say(kind, run(runs, kind, asked.cases, asked.seed), start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
