"""The laws of the pure core, on random definitions and random edits of both sides, against a model of PostHog.

A case is one object: made from a definition, then several rounds in which somebody changes it by hand, PostHog shows
it in its own spelling, the definition becomes another one, and is applied. In each round:

- what was written reads back as it was written;
- a change by hand shows, as exactly the fields that differ;
- the body of the PATCH has exactly the fields that the preview showed;
- after it nothing differs, whatever PostHog added;
- fields left to PostHog's pages are as somebody left them;
- the canonical form of a canonical form, of another spelling, and of what comes off Pulumi's wire is the same.

`python -m tests.campaigns.reconcile_laws [--cases N] [--seed N]` runs 10,000 cases of every kind.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.kinds.base import OWN, Reading
from providers.posthog.kinds.tiles import ours, plan
from providers.posthog.reconcile import body, changed, create_body
from tests.campaigns.generated import GENERATED, Properties, spelled
from tests.campaigns.posthog_model import EMAILS, MODELS, OTHERS, Row, with_insights

ROUNDS = 2
# What PostHog or the schema ties together: a change of one may be one of the other.
COUPLED = {
    "event": ({"verified", "hidden"},),
    "flag": ({"active", "archived"},),
}


class Names:
    """Turns references into ids, and is the look-up of people, integrations and secrets."""

    def __init__(self) -> None:
        self._ids: dict[Ref, int] = {}

    def placed(self, value: Any) -> Any:
        """A value with an id in the place of each reference."""
        if isinstance(value, Ref):
            return self._ids.setdefault(value, len(self._ids) + 1)
        if isinstance(value, dict):
            return {name: self.placed(item) for name, item in value.items()}
        return [self.placed(item) for item in value] if isinstance(value, list) else value

    def user_id(self, email: str) -> int:
        return next(id_ for id_, each in EMAILS.items() if each == email)

    def user_email(self, user_id: int) -> str:
        return EMAILS[user_id]

    def integration_id(self, kind: str, name: str) -> int:
        return 7

    def integration_name(self, kind: str, integration_id: int) -> str:
        return "acme"

    def flag_key(self, flag_id: int) -> str:
        return f"flag-{flag_id}"

    def secret(self, variable: str) -> str:
        return f"secret of {variable}"


class Case:
    """One object of a kind, in a world of its own."""

    def __init__(self, kind: Kind, chance: random.Random) -> None:
        self.kind, self.chance, self.names = kind, chance, Names()
        self.model = chance.choice((MODELS[kind.name], OTHERS.get(kind.name, MODELS[kind.name])))
        self.key = chance.choice(_KEYS.get(kind.name, (f"{kind.name}-1",)))
        self.immutable = [field.name for field in kind.fields if field.immutable]
        self.row: Row = {}
        self.own: list[int] = []
        self.counts: Counter[str] = Counter(cases=1)

    def run(self) -> Counter[str]:
        """Make the object and take it through the rounds; raises AssertionError for a law that does not hold."""
        state = self.definition()
        self.canonical_laws(state)
        self.make(state)
        self.agrees(state, "what was written does not read back")
        for _ in range(ROUNDS):
            self.by_hand(state)
            new = self.definition(state)
            self.apply(state, new)
            state = new
        return self.counts

    # Definitions

    def definition(self, before: Properties | None = None) -> Properties:
        """A random definition in canonical form; with one before it, a later one of the same object."""
        while True:
            properties = self.names.placed(GENERATED[self.kind.name](self.chance, self.key))
            if before is not None:
                properties["unmanaged"] = self.left_to_posthog()
            new = self.kind.canonical(properties)
            if before is None or all(new.get(name) == before.get(name) for name in self.immutable):
                return new

    def left_to_posthog(self) -> list[str]:
        manageable = [field.name for field in self.kind.fields if field.manageable]
        if not manageable or self.chance.random() < 0.7:
            return []
        return sorted(self.with_coupled({self.chance.choice(manageable)}) & set(manageable))

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

    # PostHog

    def shown(self) -> Row:
        """The object as PostHog shows it now."""
        return self.model.show(self.chance, self.row)

    def refreshed(self, known: Properties) -> Properties:
        """What a refresh takes into the state, without the ids of what is the definition's."""
        found = self.kind.project(self.shown(), {**known, OWN: self.own}, self.names)
        return {name: value for name, value in found.items() if name != OWN}

    def make(self, state: Properties) -> None:
        """What the provider does with a definition that is new."""
        if self.kind.lifecycle in ("collection", "approved"):
            self.row = self.model.store(None, create_body(self.kind, state, self.names))
            return
        if self.kind.lifecycle == "tiles":
            self.row = {"id": state["dashboard"], "tiles": []}
        else:  # PostHog made the row when it met the first event
            self.row = self.model.store(None, {name: state[name] for name in self.immutable})
        self.send(changed(self.kind, self.refreshed(state), state), state)

    def send(self, fields: list[Field], new: Properties, before: Properties | None = None) -> None:
        """PATCH these fields; the body has nothing else in it."""
        if self.kind.lifecycle == "tiles":
            self.arrange(new)
        elif fields:
            shown = self.shown()
            sent = body(self.kind, fields, new, self.names, shown, before)
            self.row = self.model.store(self.row, sent)
            expected = {field.api_path for field in fields} | {(name,) for field in fields for name in field.sent_with}
            leaves = set(_leaves(sent, expected))
            changing = {path for path in leaves if path in expected or not self.stood(path, sent, shown)}
            assert changing == expected, f"announced {[f.name for f in fields]}, sent {sent}"
            self.counts["patches"] += 1

    def stood(self, path: tuple[str, ...], sent: Row, shown: Row) -> bool:
        """Say whether a part of a body is there only because its column is sent whole, and is as it was."""
        column, *rest = path
        return column in self.kind.whole and bool(rest) and sent[column][rest[0]] is shown[column].get(rest[0])

    def arrange(self, new: Properties) -> None:
        wanted = new.get("tiles", [])
        self.row = with_insights(self.row, [tile["insight"] for tile in wanted if "insight" in tile])
        alone = {"exclusive_tiles": new.get("exclusive_tiles", False)}
        items = plan(self.shown()["tiles"], wanted, {OWN: self.own, **alone})
        self.row = self.model.store(self.row, {"tiles": items})
        self.own = [tile["id"] for tile in ours(self.shown()["tiles"], {**new, OWN: self.own})]
        again = plan(self.shown()["tiles"], wanted, {OWN: self.own, **alone})
        assert again == [], "what was arranged would be arranged again"
        self.counts["patches"] += bool(items)

    # The rounds

    def by_hand(self, state: Properties) -> None:
        """Change some fields past the provider; what is owned then shows, and nothing else."""
        self.counts["edits"] += 1
        if self.kind.lifecycle == "tiles":
            self.edit_tiles()
            self.counts["seen"] += bool(changed(self.kind, self.refreshed(state), state))
            return
        free = [field.name for field in self.kind.fields if not field.immutable]
        names = self.with_coupled(set(self.chance.sample(free, k=self.chance.randint(1, min(3, len(free))))))
        theirs = self.theirs(state)
        fields = [f for f in self.kind.fields if f.name in names and (f.clearable or f.name in theirs)]
        names = {field.name for field in fields}
        live = self.shown()
        everything = {field.name: field.read(None, Reading(live, {}, self.names)) for field in fields if field.shared}
        self.row = self.model.store(self.row, body(self.kind, fields, theirs, self.names, live, everything))
        unmanaged = state.get("unmanaged", [])
        expected = {n: (theirs if n in names else state).get(n) for n in free if n not in unmanaged}
        for field in fields:
            if field.shared and field.name in expected:  # what they add is theirs
                kept = [item for item in theirs.get(field.name) or () if item in (state.get(field.name) or ())]
                expected[field.name] = field.canonical(kept)
        differing = [name for name in expected if expected[name] != state.get(name)]
        shown = [field.name for field in changed(self.kind, self.refreshed(state), state)]
        assert shown == differing, f"somebody changed {differing}, and {shown} shows"
        self.counts["seen"] += len(shown)

    def theirs(self, state: Properties) -> Properties:
        """What somebody makes of the object; whether an alert looks at the running interval PostHog may choose."""
        while True:
            theirs = self.names.placed(GENERATED[self.kind.name](self.chance, self.key))
            if "config" in theirs:
                chosen = {n: item for n, item in state.get("config", {}).items() if n == "check_ongoing_interval"}
                theirs["config"] = {"type": "TrendsAlertConfig", "series_index": self.chance.randint(0, 2), **chosen}
            theirs = self.kind.canonical(theirs)
            if all(theirs.get(name) == state.get(name) for name in self.immutable):
                return theirs

    def edit_tiles(self) -> None:
        tiles = self.row["tiles"]
        place = {"sm": {"x": 0, "y": self.chance.randint(0, 40), "w": 12, "h": 2}}
        edits: list[Row] = [{"text": {"body": f"By hand {self.chance.random()}"}, "layouts": place}]
        for tile in tiles:
            edits += [{"id": tile["id"], **edit} for edit in ({"layouts": place}, {"color": "red"}, {"deleted": True})]
            edits.append({"id": tile["id"], "filters_overrides": {"date_from": "-1d"}})
            if "text" in tile:
                edits.append({"id": tile["id"], "text": {"id": tile["text"]["id"], "body": "Edited by hand"}})
        self.row = self.model.store(self.row, {"tiles": [self.chance.choice(edits)]})

    def apply(self, state: Properties, new: Properties) -> None:
        """A preview, and the run that follows."""
        before = self.left(new)
        refreshed = self.refreshed(state)
        fields = changed(self.kind, refreshed, new)
        self.send(fields, new, refreshed)
        self.agrees(new, f"after a change of {[field.name for field in fields]}")
        assert self.left(new) == before, "a field that is left to PostHog was written"

    def agrees(self, state: Properties, what: str) -> None:
        refreshed = self.refreshed(state)
        fields = changed(self.kind, refreshed, state)
        assert fields == [], f"{what}: {[(f.name, refreshed.get(f.name), state.get(f.name)) for f in fields]}"
        assert refreshed == state

    def left(self, state: Properties) -> dict[str, Any]:
        """What PostHog holds in the fields that are left to it."""
        reading = Reading(self.shown(), state, self.names)
        return {f.name: f.from_live(reading) for f in self.kind.fields if f.name in state.get("unmanaged", ())}


_KEYS: dict[str, tuple[str, ...]] = {
    "property": ("event.tokens", "person.version"),
    "notification": ("alert-1.slack", "alert-1.webhook"),
}


def _leaves(sent: Any, ends: Iterable[tuple[str, ...]], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places in a body, down to where a field stands."""
    if path in ends or not isinstance(sent, dict) or not any(end[: len(path)] == path for end in ends):
        yield path
        return
    for name, item in sent.items():
        yield from _leaves(item, ends, (*path, name))


def run(kind: str, cases: int, seed: int) -> Counter[str]:
    """Run so many cases of a kind; the error of the first that breaks a law says which seed repeats it."""
    counts: Counter[str] = Counter()
    for number in range(cases):
        name = f"{kind}-{seed}-{number}"
        try:
            counts += Case(KINDS[kind], random.Random(name)).run()
        except AssertionError as broken:
            raise AssertionError(f"case {name}: {broken}") from broken
    return counts


def main() -> int:
    """Run the campaign; the exit code is 0, as the first case that breaks a law ends it with an error."""
    parser = argparse.ArgumentParser(description="Random definitions and edits against the laws of the pure core.")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for kind in GENERATED:
        start = time.perf_counter()
        counts = run(kind, arguments.cases, arguments.seed)
        took = time.perf_counter() - start
        figures = ", ".join(f"{counts[name]} {name}" for name in ("cases", "edits", "seen", "patches"))
        print(f"{kind}: {figures}; {took:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
