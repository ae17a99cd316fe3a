"""Preview and apply agree, through the real engine: random checkouts, random edits of both sides, the real CLI.

A round: somebody changes objects by hand in PostHog, files change, appear and go, and then

- what the preview announces, field by field, is exactly what the `up` after it sends;
- `ai-admin plan`, which has no engine, announces the same: object by object, action by action, field by field;
- after the `up` a preview is empty, and so is the next `up`.

Every object of a checkout is a case, so few runs of the CLI make many.

`python -m tests.campaigns.engine_laws [--objects N] [--rounds N] [--seed N]` takes 60 files of each kind through 4
rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from ai_admin.definitions import Definition
from ai_admin.definitions.check import check
from ai_admin.definitions.contract import contract
from ai_admin.definitions.files import TOP_FOLDERS
from ai_admin.definitions.forms.base import Written
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.base import UNKEPT
from providers.posthog.reconcile import with_always_sent
from tests.campaigns.generated.checkouts import CHECKOUTS, definition
from tests.campaigns.generated.parts import EVENTS, NAMES
from tests.support.project import Project, changed_fields
from tests.support.runs import placed
from tests.support.sandbox import NEWER, Sandbox, running_sandbox

_TYPES = {"type": "String"}
_UNFIT = re.compile(r"flag/([^:\s]+): it does not fit what is left to PostHog's pages")


def _standing(n: int) -> dict[str, dict[str, Any]]:
    """One of the three of each kind that others refer to; flags are such that experiments can run on them."""
    shares = {"control": 50, "test": 30, "a": 20}
    trend = {"key": f"insight-{n}", "name": f"Base {n}", "trends": {"series": [{"event": "ai_failed"}]}}
    return {
        "cohort": {"name": f"Base {n}", "properties": [{"key": "7", "value": "x"}]},
        "flag": {
            "variants": [{"key": key, "rollout_percentage": share} for key, share in shares.items()],
            "release_conditions": [{}],
        },
        "action": {"name": f"Base {n}", "steps": [{"event": "ai_failed"}]},
        "dashboard": {"name": f"Base {n}", "tiles": [{"insight": trend}]},
    }


BASE = [
    *(
        Written("event", name, {"key": name, "properties": dict.fromkeys(NAMES, _TYPES)})
        for name in EVENTS
        if name[0] != "$"
    ),
    Written("event", "people", {"key": "people", "type": "person", "properties": dict.fromkeys(NAMES, _TYPES)}),
    *(
        Written(kind, f"{kind}-{n}", {"key": f"{kind}-{n}", **value})
        for n in (1, 2, 3)
        for kind, value in _standing(n).items()
    ),
]
"""What random definitions refer to; it stays as it is."""

# The collection that a PATCH goes to, and the body's keys by the field that they stand for, are the tables' own words.
_BY_COLLECTION = {kind.collection: kind for kind in KINDS.values() if kind.lifecycle != "tiles"}


_ASKING = ("/user_blast_radius/", "/query/")
"""The ends of the paths to which a plan sends its questions: these POSTs write nothing."""


class Checkout:
    """A project whose files are random, and which PostHog's pages change as well."""

    def __init__(self, project: Project, sandbox: Sandbox, chance: random.Random) -> None:
        self.project, self.sandbox, self.chance = project, sandbox, chance
        self.groups: dict[tuple[str, str], list[Definition]] = {}
        self.counts: Counter[str] = Counter()
        self.adopted: dict[str, set[str]] = {}
        """What the last plan takes over from PostHog, with the fields that it changes there."""

    # The files

    def write(self, changes: dict[tuple[str, str], list[Definition] | None]) -> None:
        """Change some files; what the checks refuse, as they refuse much of what chance brings, stays as it was."""
        wanted = {**self.groups, **{name: group for name, group in changes.items() if group is not None}}
        for name in [name for name, group in changes.items() if group is None]:
            wanted.pop(name, None)
        while True:
            written = self._written(wanted)
            refused = {written[problem.source.path] for problem in check(self.project.folder).problems}
            if not refused:
                break
            assert None not in refused, "a file that everything stands on is refused"
            for name in refused:
                before = self.groups.get(name) if wanted[name] is not self.groups.get(name) else None
                wanted.pop(name)
                if before is not None:
                    wanted[name] = before
        self.groups = wanted

    def definitions(self) -> Iterator[Definition]:
        """What the files say now."""
        for group in self.groups.values():
            yield from group

    def _written(self, groups: dict[tuple[str, str], list[Definition]]) -> dict[str, Any]:
        """Write all files anew; return to which group each belongs."""
        belongs: dict[str, Any] = {}
        for folder in TOP_FOLDERS:
            shutil.rmtree(self.project.folder / folder)
            (self.project.folder / folder).mkdir()
        files = [(file, None) for file in BASE] + [(f, name) for name, group in groups.items() for f in contract(group)]
        for file, name in files:
            if file.path in belongs:  # the file of persons, of which there is one for each event
                file = Written(file.kind, f"{file.key}-{len(belongs)}", {**file.value, "key": f"p-{len(belongs)}"})
            belongs[file.path] = name
            self.project.write(file.path, yaml.safe_dump(file.value, sort_keys=False, allow_unicode=True))
        return belongs

    # By hand

    def by_hand(self, share: float) -> None:
        """Change some objects on PostHog's side, past everything of ours: a few fields of each."""
        outputs = self.project.outputs()
        world = {Ref(*name.split("/", 1)): _id(name, each["id"]) for name, each in outputs.items()}
        world |= {Ref("user", "oncall@example.com"): 2}
        for name, each in sorted(outputs.items()):
            kind_name, key = name.split("/", 1)
            kind, path = KINDS[kind_name], f"{KINDS[kind_name].collection}/{each['id']}/"
            body = self._edit(kind, key, each, world) if self.chance.random() < share else {}
            if body:
                # PostHog's pages send a column of several fields whole, as servers of July 2026 need it.
                live = self.sandbox.call("GET", path) if any(column in kind.whole for column in body) else {}
                whole = {column: {**live[column], **body[column]} for column in kind.whole if column in body}
                self.sandbox.call("PATCH", path, {**body, **whole})
                self.counts["edits by hand"] += 1

    def fit_by_hand(self, key: str) -> None:
        """Change of a flag what is left to PostHog's pages, so that it fits what its file says."""
        id_ = self.project.outputs().get(f"flag/{key}", {}).get("id") or self._id_of(key)
        live = self.sandbox.call("GET", f"feature_flags/{id_}/")
        [file] = (each.properties for each in self.definitions() if (each.kind, each.key) == ("flag", key))
        left = set(file["unmanaged"])
        filters = {**live["filters"], **({"payloads": {}} if "payloads" in left else {})}
        if "variants" in left:
            # What is served now needs its variants as well: PostHog looks at each write by itself.
            conditions = [*filters["groups"], *file.get("release_conditions", ())]
            named = {each["variant"] for each in conditions if each.get("variant")}
            shares = [{"key": each, "rollout_percentage": 0 if n else 100} for n, each in enumerate(sorted(named))]
            filters["multivariate"] = {"variants": shares} if shares else None
        elif "release_conditions" in left:
            filters["groups"] = [_by_hand(each) for each in filters["groups"]]
        plain = {"archived": False, "bucketing_identifier": "distinct_id", "ensure_experience_continuity": False}
        body = {name: value for name, value in plain.items() if name in left and live[name] != value}
        self.sandbox.call("PATCH", f"feature_flags/{id_}/", {"filters": filters, **body})
        self.counts["fits by hand"] += 1

    def _id_of(self, key: str) -> Any:
        return next(each["id"] for each in self.sandbox.items("feature_flags") if each["key"] == key)

    def delete_by_hand(self, share: float) -> None:
        """Delete some annotations on PostHog's side, which nothing refers to."""
        for name, each in sorted(self.project.outputs().items()):
            if name.startswith("annotation/") and self.chance.random() < share:
                self.sandbox.call("PATCH", f"annotations/{each['id']}/", {"deleted": True})
                self.counts["deletions by hand"] += 1

    def make_by_hand(self, number: int) -> dict[tuple[str, str], list[Definition] | None]:
        """Make flags on PostHog's side; return definitions that adopt them."""
        made: dict[tuple[str, str], list[Definition] | None] = {}
        for key in (f"by-hand-{number}-{letter}" for letter in "ab"):
            filters = {"groups": [{"properties": [], "rollout_percentage": 10}]}
            self.sandbox.call("POST", "feature_flags/", {"key": key, "name": "By hand", "filters": filters})
            made["flag", key] = _made(self.chance, "flag", key)
        return made

    def _edit(self, kind: Kind, key: str, state: dict[str, Any], world: dict[Ref, Any]) -> dict[str, Any]:
        """What somebody sends from PostHog's pages; nothing for kinds and fields that take more thought."""
        if str(state["id"]).startswith("pending:"):
            return {}
        plain = {
            "flag": ("description", "tags", "release_conditions", "evaluation_runtime", "early_exit"),
            "cohort": ("description",) if state.get("is_static") else ("description", "filters"),
            "event": ("description", "tags"),
            "property": ("description", "tags"),
            "dashboard": ("description", "tags", "pinned", "filters"),
            "insight": ("description", "tags", "favorited"),
            "alert": ("enabled", "skip_weekend", "schedule_restriction"),
            "notification": ("enabled", "description"),
            "action": ("description", "tags", "steps", "post_to_slack", "slack_message_format"),
            "annotation": ("date_marker", "scope", "insight", "dashboard", "hidden_in_user_interface", "emoji"),
            "subscription": (
                *("frequency", "interval", "byweekday", "bysetpos", "count", "start_date", "until_date"),
                *("enabled", "summary_enabled"),
            ),
            "experiment": (
                *("hypothesis", "metrics", "metrics_secondary", "exposure_criteria", "stats_config"),
                *("only_count_matured_users", "start_date", "end_date", "conclusion", "conclusion_comment", "archived"),
            ),
        }
        if kind.name == "tiles":
            low = {"sm": {"x": 0, "y": self.chance.randint(30, 60), "w": 6, "h": 2}}
            standing = self.sandbox.call("GET", f"dashboards/{state['id']}/")["tiles"]
            moved = [{"id": tile["id"], "layouts": low} for tile in standing[:1]]
            return {"tiles": [*moved, {"text": {"body": f"By hand {self.chance.random()}"}, "layouts": low}]}
        theirs = definition(self.chance, kind.name, key, unmanaged=[]).properties
        if kind.name == "annotation":
            theirs = {**theirs, "emoji": "🚀"}  # which no file can say
        if key in ("cohort-1", "cohort-2", "cohort-3"):
            plain["cohort"] = ("description",)  # flags use it, so that PostHog takes no events in it
        names = self.chance.sample(plain[kind.name], k=self.chance.randint(1, min(2, len(plain[kind.name]))))
        body: dict[str, Any] = {}
        for field in kind.fields:
            if field.name not in names or not (field.clearable or field.name in theirs):
                continue
            place = body
            for step in field.api_path[:-1]:
                place = place.setdefault(step, {})
            value = placed(theirs.get(field.name, field.default), world)
            if field.name == "release_conditions":
                value = [_by_hand(condition) for condition in value]
            if field.name == "exposure_criteria" and "exposure_config" in (value or {}):
                value = {**value, "exposure_config": {"properties": [], **value["exposure_config"]}}
            place[field.api_path[-1]] = value
            body |= field.sent_with
        return body

    # The engine

    def consented(self, *arguments: str) -> str:
        """Run the CLI. As people do in a review, what the safety gates ask to consent to is consented to, and what does
        not fit is changed on PostHog's pages, where it was left to these.
        """
        for _ in range(4):
            done = self.project.run(*arguments, "--stack", "sandbox")
            codes = re.findall(r"add (\w+/[^\s,]+)[^\n]*? to ai-admin:consent", done.stdout + done.stderr)
            if done.returncode == 0:
                return done.stdout
            unfit = sorted(set(_UNFIT.findall(done.stdout + done.stderr)))
            assert codes or unfit, f"pulumi {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
            for key in unfit:
                self.fit_by_hand(key)
            config = self.project.run("config", "get", "ai-admin:consent", "--stack", "sandbox").stdout.split()
            codes = [code.replace("NUMBER", "10000") for code in codes]  # of the provider, which has no figures before
            words = " ".join(dict.fromkeys([*config, *codes]))
            self.project.configure("consent", words)
        raise AssertionError(f"the safety gates refuse what they were consented to:\n{done.stdout}")

    def announced(self) -> dict[str, set[str]]:
        """What a preview shows: the fields of an object that change, ``+`` for a new one, ``-`` for one that goes."""
        steps = json.loads(self.consented("preview", "--json"))["steps"]
        found: dict[str, set[str]] = {}
        for step in steps:
            name, op = step["urn"].split("::")[-1], step["op"]
            if op in ("same", "refresh", "read") or "/" not in name:
                continue
            if "replace" in op:
                op = "delete"  # and made again, which is no PATCH either
            assert op in ("create", "update", "delete"), f"{op} of {name}"
            found[name] = {"create": {"+"}, "delete": {"-"}}.get(op, changed_fields(step))
        return found

    def planned(self) -> dict[str, set[str]]:
        """What `ai-admin plan` announces, in the same words."""
        done = self.project.ai_admin("plan", "--format", "json")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        whole = {"create": {"+"}, "adopt": {"+"}, "delete": {"-"}, "replace": {"-"}}
        changes = [each for each in json.loads(done.stdout)["changes"] if each["action"] != "hold"]
        self.counts["planned"] += len(changes)
        fields = {each["name"]: {part["field"] for part in (*each["fields"], *each["by_hand"])} for each in changes}
        self.adopted = {each["name"]: fields[each["name"]] for each in changes if each["action"] == "adopt"}
        self.counts["adopted"] += len(self.adopted)
        return {each["name"]: whole.get(each["action"]) or fields[each["name"]] for each in changes}

    def columns(self, before: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The live objects of kinds with columns that are sent whole, by name."""
        found = {}
        for name, each in before.items():
            kind = KINDS[name.split("/")[0]]
            if kind.whole:
                found[name] = self.sandbox.call("GET", f"{kind.collection}/{each['id']}/")
        return found

    def sent(self, before: dict[str, dict[str, Any]], live: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
        """What was written to the objects that stood before, in the same words.

        A part of a column that is sent whole is no change where it is as it was in the ``live`` object.
        """
        after = {name: each for name, each in self.project.outputs().items() if name in self.adopted}
        names = {(name.split("/")[0], str(each["id"])): name for name, each in {**before, **after}.items()}
        found: dict[str, set[str]] = {}
        for method, path, body in self.sandbox.writes():
            collection, id_ = path.split("/")[4], path.split("/")[5]
            kind = "tiles" if "tiles" in (body or {}) else _BY_COLLECTION[collection].name
            name = names.get((kind, id_))
            if name is None:
                self.counts["creating requests"] += 1
                continue
            gone = method == "DELETE" or body == {"deleted": True}
            changing = _fields(KINDS[kind], body, live.get(name, {}))
            fields = {"-"} if gone else {"tiles"} if kind == "tiles" else set(changing)
            # An insight whose dashboards are left to PostHog's pages gets its tile on one as a part of the tiles.
            attached = body == {"dashboards": (body or {}).get("dashboards")}
            apart = fields if attached and "dashboards" in before.get(name, {}).get("unmanaged", ()) else set()
            found.setdefault(name, set()).update(fields - apart)
        return {name: fields for name, fields in found.items() if fields}

    def round(self) -> None:
        """A preview and an `up`; what the one announces is what the other sends, and nothing is left."""
        before = self.project.outputs()
        announced = self.announced()
        live = self.columns(before)
        self.sandbox.requests()
        planned = self.planned()
        written = [path for _, path, _ in self.sandbox.writes() if not path.endswith(_ASKING)]
        assert written == [], f"a plan wrote: {written}"
        left = {name: set(each.get("unmanaged") or ()) for name, each in before.items()}
        for each in self.definitions():
            left.setdefault(f"{each.kind}/{each.key}", set()).update(each.properties.get("unmanaged", ()))
        assert not (differing := _differing(planned, announced, left)), differing
        self.consented("up", "--yes", "--skip-preview")
        sent = self.sent(before, live)
        for name, fields in self.adopted.items():
            # A flag's filters are one column, which is sent whole.
            changed = sent.pop(name, set())
            assert fields <= changed, f"{name}: {fields} planned, {changed} sent"
            assert bool(fields) == bool(changed), f"{name}: {fields} planned, {changed} sent"
        self.agree(planned, sent, before)
        self.settled()
        assert self.planned() == {}
        self.counts["objects"] += len(before)
        self.counts["announced"] += len(announced)

    def settled(self) -> None:
        """After an `up` a preview is empty."""
        left = self.announced()
        states = self.project.outputs()
        assert left == {}, f"left to do after an up: {[(name, left[name], states.get(name)) for name in left]}"

    def agree(self, announced: dict[str, set[str]], sent: dict[str, set[str]], before: dict[str, Any]) -> None:
        # Nothing is sent for a field that a file now leaves to PostHog's pages, which leaves the state as well, nor for
        # what a definition says of how it is applied.
        left = {
            f"{d.kind}/{d.key}": {"unmanaged", *KINDS[d.kind].options, *d.properties.get("unmanaged", ())}
            for d in self.definitions()
        }
        changed = {
            name: fields - left.get(name, {"unmanaged"}) for name, fields in announced.items() if fields != {"+"}
        }
        for name, fields in changed.items():
            if name.startswith("property/") and str(before[name]["id"]).startswith("pending:"):
                continue  # there is nothing to write to yet
            if fields == {"-"} and name.startswith("tiles/"):
                continue  # an insight's tile goes with the insight or the dashboard
            # A field that is taken back from PostHog's pages is sent, and shows as the change of `unmanaged`.
            taken_back = set(before[name].get("unmanaged") or ()) if "unmanaged" in announced[name] else set()
            # What PostHog did not keep reads as it was applied, and what is sent in its place may be what PostHog has.
            unkept = set(before[name].get(UNKEPT) or ())
            kind = KINDS[name.split("/", 1)[0]]
            along = {each.name for each in with_always_sent(kind, (f for f in kind.fields if f.name in fields))}
            assert fields - unkept <= sent.get(name, set()) <= fields | along | taken_back, (
                f"{name}: {fields} announced, {sent.get(name)} sent"
            )
        assert sent.keys() <= announced.keys(), f"never announced: {sent.keys() - announced.keys()}"


def _differing(
    planned: dict[str, set[str]], announced: dict[str, set[str]], left: dict[str, set[str]]
) -> list[str]:
    """What a plan and a preview announce differently, but for fields ``left`` to PostHog's pages before or after.

    A preview shows these beside ``unmanaged``: one that comes there leaves the state, and one that is taken back is
    sent in any case. A plan shows them where PostHog's value changes.
    """
    return [
        f"{name}: planned {planned.get(name)}, announced {announced.get(name)}"
        for name in sorted({*planned, *announced})
        if name not in planned
        or name not in announced
        or (planned[name] ^ announced[name]) - left.get(name, set())
    ]


def _fields(kind: Kind, body: dict[str, Any], live: dict[str, Any]) -> Iterator[str]:
    """The fields of a table that a body changes."""
    for field in kind.fields:
        sent = _at(body, field.api_path)
        as_it_was = field.api_path[0] in kind.whole and sent == _at(live, field.api_path)
        if sent is not _MISSING and not as_it_was and field.kept:
            yield field.name


def _at(body: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        body = body.get(step, _MISSING) if isinstance(body, dict) else _MISSING
    return body


_MISSING = object()


def _by_hand(condition: dict[str, Any]) -> dict[str, Any]:
    """A condition as PostHog's pages send it: with an index, and no variant or flag that may not be there."""
    sent = {name: value for name, value in condition.items() if name != "variant"}
    properties = [each for each in condition["properties"] if each["type"] != "flag"]
    return {"aggregation_group_type_index": None, **sent, "properties": properties}


def _id(name: str, id_: str) -> Any:
    return int(id_) if KINDS[name.split("/", 1)[0]].numeric_id else id_


def _made(chance: random.Random, kind: str, name: str) -> list[Definition]:
    """Random definitions that PostHog can make: some of what they need may be left to its pages only later."""
    while True:
        group = CHECKOUTS[kind](chance, name)
        if not any(_lacking(each) for each in group):
            return group


def _lacking(each: Definition) -> bool:
    """Whether a definition leaves to PostHog's pages what an object can't be made without."""
    left = each.properties.get("unmanaged", ())
    if each.kind == "flag":
        named = any("variant" in condition for condition in each.properties.get("release_conditions") or ())
        return "variants" in left and named
    return each.kind == "alert" and "threshold" in left


def run(
    folder: Path, objects: int, rounds: int, seed: int, kinds: Iterable[str] = CHECKOUTS, **settings: Any
) -> Counter[str]:
    """Take a checkout with so many random files of each kind through the rounds. Returns what was counted, and
    says it after each round on standard error: many rounds take hours.

    ``settings`` are the sandbox's: which version of PostHog it is.
    """
    chance = random.Random(f"engine-{seed}")
    with running_sandbox(folder / "sandbox", **settings) as sandbox:
        approved = {"is_ai_data_processing_approved": True}  # without it no subscription has a summary
        sandbox.call("PATCH", f"/api/organizations/{sandbox.organization_id}/", approved)
        checkout = Checkout(Project(folder / "project", sandbox), sandbox, chance)
        names = [(kind, f"{kind}-x{n}") for kind in kinds for n in range(objects)]
        checkout.write({name: _made(chance, *name) for name in names})
        checkout.consented("up", "--yes", "--skip-preview")
        for number in range(rounds):
            checkout.by_hand(0.4)
            checkout.delete_by_hand(0.1)
            some = [name for name in names if chance.random() < 0.4]
            gone = [name for name in names if chance.random() < 0.03 and name[0] not in ("flag",)]
            again = {name: _made(chance, *name) for name in some}
            checkout.write({**again, **checkout.make_by_hand(number), **dict.fromkeys(gone)})
            checkout.round()
            print(f"round {number + 1}: {_figures(checkout.counts)}", file=sys.stderr, flush=True)
        return checkout.counts


def _figures(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


def main() -> int:
    """Run the campaign; a law that does not hold ends it with an error."""
    parser = argparse.ArgumentParser(description="Random checkouts and edits through the real engine.")
    parser.add_argument("--objects", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--newer", action="store_true", help="against a PostHog newer than that of July 2026")
    arguments = parser.parse_args()
    start = time.perf_counter()
    settings: dict[str, Any] = NEWER if arguments.newer else {}
    with tempfile.TemporaryDirectory() as folder:
        counts = run(Path(folder), arguments.objects, arguments.rounds, arguments.seed, **settings)
    print(f"{arguments.rounds} rounds: {_figures(counts)}; {time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
