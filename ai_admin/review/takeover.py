"""Taking over a live project: a file for every object that a file can express, so that nothing changes in PostHog.

What can't be expressed is left to PostHog, whole or in part, and the files say so. The result is judged as a person's
files are: it is checked in a copy of the checkout, and what its definitions say is compared with what PostHog holds.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ai_admin.definitions import Definition, load
from ai_admin.definitions.catalog import is_posthogs_own
from ai_admin.definitions.check import check
from ai_admin.definitions.contract import attempt, defined_at, expanded, fields_at, index_of
from ai_admin.definitions.document import Document
from ai_admin.definitions.file_text import dumped, text_of
from ai_admin.definitions.files import FOLDERS, File
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.forms.base import Gathered, Written
from ai_admin.definitions.index import Unit
from ai_admin.definitions.layout import COLUMNS
from ai_admin.definitions.model import Problem, Source
from ai_admin.definitions.places import INEXPRESSIBLE, inexpressible
from ai_admin.definitions.rules.catalogue import Use, property_uses
from ai_admin.definitions.spelling import listed
from ai_admin.definitions.stacks import OUTSIDE, counted_stacks, known_stacks, view
from ai_admin.review.comparison import LEAVES, Comparison, made_by_posthog
from ai_admin.review.live import PAGED, Object, Objects, title, way_of
from ai_admin.review.pull import patched, relocated
from ai_admin.review.splice import edited
from ai_admin.review.trial import trial
from providers.posthog.errors import NotEdited
from providers.posthog.inventory import Live
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.kinds.flag import NOT_MANAGED, is_encrypted
from providers.posthog.kinds.tiles import tile_name
from providers.posthog.reconcile import same
from providers.posthog.references import with_refs

ROUNDS = 30
"""How often what could not be expressed is taken out, and the rest tried again; each round takes something out."""

FAILS = 500
"""The status of what PostHog can't answer, however often it is asked."""

_NOWHERE = Source("", 1, 1)
_UNKNOWN = re.compile(r'the catalogue knows no (event|property) "(.+?)"(?: of .*)?$')
_HIDDEN = re.compile(r'the dashboard "(.+)" does not show the insight "(.+)"')
_NUMERIC = ("gt", "gte", "lt", "lte", "between", "not_between", "min", "max")


@dataclass(frozen=True)
class Left:
    """An object that stays in PostHog without a file."""

    kind: str
    id: str
    title: str
    reason: str
    page: str = ""
    """The address of its page; empty where it has none."""
    file: str = ""
    """The file that defines its key for other stacks only."""
    unread: bool = False
    """PostHog fails to answer with it."""

    @property
    def called(self) -> str:
        """What people find it by: its name, or its page where it has none."""
        named = repr(self.title) if self.title or not self.page else f"without a name ({self.page})"
        return f"{KINDS[self.kind].words} {self.id} {named}"

    def __str__(self) -> str:
        return f"{self.called}: {self.reason}"


@dataclass
class TakeOver:
    """The files of a project, and what is in none."""

    texts: dict[str, str] = field(default_factory=dict)
    """The text of each new file, by its path in the checkout."""
    left: list[Left] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)
    """What files leave to PostHog, a sentence each."""
    definitions: int = 0
    """How many objects the new files define."""
    others: tuple[str, ...] = ()
    """The stacks of other projects, which the new files leave out (``only:``)."""
    joined: dict[str, str] = field(default_factory=dict)
    """What those of the files said that are there already, and are for this stack as well from now on."""


def take_over(root: Path, stack: str, comparison: Comparison, join: bool = False) -> TakeOver:
    """Return files for what a project holds and no file defines yet.

    Args:
        root: the checkout.
        stack: the stack of the project.
        comparison: of the definitions of the checkout with what the project holds.
        join: files of the same keys that are for other stacks only are for this one as well from now on.

    An object that PostHog fails to answer with (500, such as for a dashboard with a filter that it does not know) is
    left to it.

    Raises :class:`NotEdited` when the files that are there have problems, so that the new ones can't be judged, and
    ``ApiError`` when something else could not be read: others may refer to it.
    """
    for (_, id_), unread in comparison.project.unread.items():
        if not id_ or unread.status != FAILS:
            raise unread
    checked = check(root, (stack,))
    if problems := checked.problems:
        raise NotEdited(f"the definitions have problems, correct them first (`ai-admin check`): {problems[0]}")
    return _TakeOver(root, stack, comparison, checked.indexes[stack].units, join).result()


class _TakeOver:
    def __init__(
        self, root: Path, stack: str, comparison: Comparison, beside: Sequence[Unit], join: bool
    ) -> None:
        self._root, self._stack, self._comparison, self._beside = root, stack, comparison, beside
        self._join, self._unjoinable = join, set[str]()
        self._written: dict[str, list[Definition]] = defaultdict(list)
        for definition in load(root).resources:
            self._written[definition.source.path].append(definition)
        self._documents: dict[str, Document] = {}
        self._defined = {Ref(each.kind, each.key) for each in comparison.definitions}
        objects, self._every = self._named_apart()
        self._many_stacks = len(known_stacks(root)) > 1
        others = tuple(each for each in counted_stacks(root, stack) if each != stack)
        self._excluded: set[Ref] = set()
        self._leaving: set[Ref] = set()
        self._there: dict[Ref, str] = {}
        self._result = TakeOver(others=others)
        self._forms: dict[Ref, Properties] = {}
        self._unmanaged: dict[Ref, dict[str, str]] = defaultdict(dict)
        self._left_before: dict[Ref, set[str]] = {}
        self._notes: dict[Ref, list[str]] = defaultdict(list)
        self._invented: set[Ref] = set()
        self._narrow: list[tuple[Ref, str]] = []
        for ref, each in self._every.items():
            if ref not in self._defined and not _is_posthogs_own(each):
                self._forms[ref] = each.properties
        for kind, id_, live in objects.nameless:
            reason = "it has no name that a key could be made of"
            if kind.name == "notification":  # what listens to other things than alerts is no definition's
                if (alert := objects.told_of(live)) is None:
                    continue
                reason = self._no_notification(alert, way_of(live))
            self._result.left.append(self._left(kind.name, id_, live, reason))
        self._unread: set[tuple[str, str]] = set()
        for (collection, id_), problem in comparison.project.unread.items():
            kind = next(each for each in PAGED if each.collection == collection)
            live = comparison.project.inventory.all(kind)[id_]
            left = self._left(kind.name, id_, live, f"it can't be read: {problem}")
            self._result.left.append(replace(left, unread=True))
            self._unread.add((kind.name, id_))
        self._prepare()

    def _named_apart(self) -> tuple[Objects, dict[Ref, Object]]:
        """Return what the project holds, by the definition that it has or would have.

        An insight gets a key of its own, and not that of another project's, where its name does not tell which one it
        is, or where that other one is on its dashboard only.
        """
        seen, taken = self._comparison, set(self._defined)
        written = {Ref(each.kind, each.key): path for path, found in self._written.items() for each in found}
        inside = {ref for ref, path in written.items() if ref.kind == "insight" and path != _file_of(ref).path}
        while True:
            objects = Objects(seen.project, seen.lives, seen.owners, taken)
            every = {each.ref: each for each in objects.all()}
            twice = {ref for ref, _ in _ambiguous(every) if ref.kind == "insight" and self._exists(_file_of(ref))}
            shown = {ref for ref in every.keys() & inside if self._joins_with(every[ref], written[ref])}
            there = (every.keys() & inside - shown | twice) - taken
            if not there:
                return objects, every
            taken |= there

    def _joins_with(self, insight: Object, path: str) -> bool:
        """Return whether an insight is also here on the dashboard whose file defines it, and that file joins."""
        boards = map(_file_of, insight.properties.get("dashboards", ()))
        return any(board.path == path and self._joins(board) for board in boards)

    def _no_notification(self, alert: Ref, way: str | None) -> str:
        """Return why a file has no notification of an alert."""
        if way is None or Ref("notification", f"{alert.key}.{way}") in {*self._every, *self._defined}:
            return "a file has one Slack message and one webhook of an alert"
        name = f"{self._every[alert].title} ({'Slack' if way == 'slack' else way})"
        return f"a file has it by the alert's name: call it {name!r} in PostHog, and run this again"

    # What is known beforehand to be PostHog's.

    def _prepare(self) -> None:
        for ref in [*self._forms]:
            if (ref.kind, self._every[ref].id) in self._comparison.leaving:
                self._exclude(ref, f"it {LEAVES}")
                continue
            for name, what in KINDS[ref.kind].narrowed.items():  # by which PostHog decides whom it reaches
                if self._every[ref].live.get(name):
                    self._note(ref, f"Left to PostHog: {name}: {what}.")
                    self._narrow.append((ref, f"{name}: {what}"))
            if ref.kind == "flag" and is_encrypted(self._forms[ref]):
                self._leave_field(ref, "payloads", NOT_MANAGED)
            if ref.kind == "early_access_feature" and isinstance(flag := self._forms[ref].get("flag"), Ref):
                self._leave_field(flag, "feature_enrollment", "PostHog switches it with the early access feature")
            if ref.kind == "survey":
                for name in ("start_date", "end_date", "archived"):
                    self._leave_field(ref, name, "people launch, stop and archive it on PostHog's pages")
            if ref.kind == "notification":
                self._leave_inputs(ref)
            if ref.kind == "subscription" and isinstance(self._forms[ref].get("target_value"), dict):
                if (target := self._forms[ref].get("target_type")) == "teams":
                    advice = f"write a file with the variable that holds it, and adopt: {self._every[ref].id}"
                    self._exclude(ref, f"the address of its Teams channel is a secret; {advice}")
                else:
                    self._exclude(ref, f"no file can say that it goes to a {target}")

    def _leave_inputs(self, ref: Ref) -> None:
        """Leave a webhook to PostHog, and a text that is not what its blocks show: a file says both in one.

        Where the alert has a file already, it is a person who adds to that.
        """
        inputs, alert = self._forms[ref].get("inputs", {}), Ref("alert", ref.key.rpartition(".")[0])
        place = f"stacks: {self._stack}: notify:" if self._exists(_file_of(alert)) and self._many_stacks else "notify:"
        if "url" in inputs:
            name = re.sub(r"\W+", "_", f"{alert.key}_WEBHOOK_URL").upper()
            self._leave_webhook(ref, alert, f"{place} webhook: {{url: {{env: {name}}}, adopt: {self._every[ref].id}}}")
        elif alert in self._defined:
            said = {name: inputs[name] for name in ("workspace", "channel") if name in inputs}
            slack = dumped({**said, "adopt": self._every[ref].id}, flow=True)
            self._exclude(ref, f"to take it over, write in the file of {alert} under {place} slack: {slack}")
        elif "text" in inputs and "blocks" not in inputs:
            rest = {name: item for name, item in inputs.items() if name != "text"}
            self._forms[ref] = {**self._forms[ref], "inputs": rest}
            self._note(alert, "Left to PostHog: the text of the Slack message.")

    def _leave_webhook(self, ref: Ref, alert: Ref, said: str) -> None:
        reason = "the address of a webhook may be a secret"
        if not self._exists(_file_of(alert)):
            self._note(
                alert,
                "The webhook stays PostHog's: its address may be a secret, which is in no file. To take it over, put\n"
                f"the address into a variable, and write under {said}",
            )
            self._exclude(ref, f"{reason}, see the comment in the file of {alert}")
        else:
            advice = f"to take it over, put it into a variable, and write in the file of {alert} under {said}"
            self._exclude(ref, f"{reason}, which is in no file; {advice}")

    def _left(self, kind: str, id_: str, live: Live, reason: str = "") -> Left:
        return Left(kind, id_, title(KINDS[kind], live), reason, self._comparison.project.page(KINDS[kind], live))

    def _exclude(self, ref: Ref, reason: str, file: str = "") -> None:
        """Leave an object to PostHog; what names it can't be expressed then either, and is found in the next round.

        ``file`` is one that defines its key for other stacks only.
        """
        if self._forms.pop(ref, None) is None:
            return
        self._excluded.add(ref)
        if ref.kind == "tiles":
            self._forms[ref] = {"dashboard": Ref("dashboard", ref.key)}
            self._note(Ref("dashboard", ref.key), f"The tiles stay PostHog's: {reason}.")
        elif ref in self._every:
            each = self._every[ref]
            self._result.left.append(replace(self._left(ref.kind, each.id, each.live, reason), file=file))
        if ref.kind == "dashboard":
            self._forms.pop(Ref("tiles", ref.key), None)
        for way in ("slack", "webhook") if ref.kind == "alert" else ():  # they are in its file
            self._exclude(Ref("notification", f"{ref.key}.{way}"), f"{self._called(ref)} is left to PostHog", file)

    def _leave_field(self, ref: Ref, name: str, reason: str) -> None:
        if ref in self._forms:
            self._unmanaged[ref].setdefault(name, reason)

    def _note(self, ref: Ref, comment: str) -> None:
        if comment not in self._notes[ref]:
            self._notes[ref].append(comment)

    # The rounds.

    def result(self) -> TakeOver:
        """Return the files with all that they can express; what they can't is taken out, round by round."""
        problems: list[tuple[Ref, list[str], str]] = []
        for _ in range(ROUNDS):
            self._exclude_homeless()
            self._left_before = {ref: set(left) for ref, left in self._unmanaged.items()}
            files, refused = attempt(self._definitions(), self._beside)
            if refused:
                for each in refused:
                    self._take_out(each.ref, each.fields, str(each.problem).partition(": ")[2])
                continue
            if self._skip_existing(files) or self._describe_more(files):
                continue
            texts, odd = self._texts(files)
            problems = list(self._problems(texts))
            if not problems and not odd:
                return self._finished(texts)
            if not problems:
                self._unjoinable |= odd
            self._leaving = {ref for ref, _, _ in problems}
            for ref, fields, reason in problems:
                self._take_out(ref, fields, reason)
        why = "".join(f"; {ref}: {reason}" for ref, _, reason in problems[:3])
        raise NotEdited(f"the project could not be brought into files that pass `ai-admin check`{why}")

    def _exclude_homeless(self) -> None:
        """Leave properties of events to PostHog where no new file could describe them."""
        if any(ref.kind == "event" for ref in self._forms):
            return
        for ref in [each for each in self._forms if each.kind == "property" and each.key.startswith("event.")]:
            self._exclude(ref, "no new file describes an event that could have it")

    def _take_out(self, ref: Ref, fields: Iterable[str], reason: str) -> None:
        """Leave fields to PostHog where people can, and else the whole object."""
        table = {each.name: each for each in KINDS[ref.kind].fields}
        names = [name for name in fields if name in table]
        left, reason = self._left_before.get(ref, set()), self._nowhere(ref, names, reason) or reason
        if names and all(table[name].manageable and name not in left for name in names):
            for name in names:
                self._leave_field(ref, name, reason)
        else:
            self._exclude(ref, reason)

    def _nowhere(self, ref: Ref, fields: Sequence[str], reason: str) -> str:
        """Return in words what is named in fields (none: all of them) that no file defines, where a reason is about
        that: the key or number that it says is nothing that people know.
        """
        form, found = self._forms.get(ref, {}), list[str]()
        named = {name: value for name, value in form.items() if not fields or name in fields}

        def look(kind: str, id_: Any) -> None:
            if KINDS[kind].numeric_id and not str(id_)[:1].isdigit():  # "all" instead of cohorts
                return
            if reason.startswith(INEXPRESSIBLE) or re.search(rf"\b{re.escape(str(id_))}\b", reason):
                said = str(id_)
                more = "which can't be read" if (kind, said) in self._unread else "which is deleted"
                # With more than an id it says why it is none.
                found.append(f"{KINDS[kind].words} {said}" if " " in said else f"{KINDS[kind].words} {said}, {more}")

        with_refs(KINDS[ref.kind], named, look)
        there = {*self._forms, *self._defined} - self._leaving
        gone = self._every.keys() - there
        for each in refs(named):
            if each in gone and f'"{each.key}"' in reason:
                found.append(f"{self._called(each)}, which is left to PostHog")
        if unknown := _UNKNOWN.match(reason):
            kind, name = unknown.groups()
            left = (each for each in gone if each.kind == kind and self._every[each].title == name)
            if ref_left := next(left, None):
                found.append(f"{self._called(ref_left)}, which is left to PostHog")
            elif kind == "event":
                found.append(f'event "{name}", which PostHog has never met')
        if hidden := _HIDDEN.match(reason):  # by its file: PostHog's dashboard shows it
            tiles, insight = self._forms.get(Ref("tiles", hidden[1]), {}), Ref("insight", hidden[2])
            if tile := next((each for each in tiles.get("tiles", ()) if each.get("insight") == insight), None):
                found.append(f"{self._called(insight)}, whose tile is left to PostHog, since {self._unplaced(tile)}")
        return f"it names the {' and the '.join(dict.fromkeys(found))}" if found else ""

    def _called(self, ref: Ref) -> str:
        """Return what people find an object by."""
        each = self._every[ref]
        return self._left(ref.kind, each.id, each.live).called

    def _definitions(self) -> Iterator[Definition]:
        boards = self._boards()
        for ref, form in self._forms.items():
            kind, left = KINDS[ref.kind], sorted(self._unmanaged[ref])
            if ref.kind == "tiles":
                form = {**form, "tiles": self._placed(form)}
            if ref.kind == "insight":  # its files say the dashboards whose tiles they have
                form = {**form, "dashboards": boards[ref]}
            yield Definition(ref.kind, ref.key, kind.canonical({**form, "unmanaged": left}), _NOWHERE)

    def _boards(self) -> dict[Ref, list[Ref]]:
        """Return the dashboards whose files have a tile of each insight."""
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for ref, form in self._forms.items():
            for tile in self._placed(form) if ref.kind == "tiles" else ():
                if "insight" in tile:
                    found[tile["insight"]].append(Ref("dashboard", ref.key))
        return found

    def _placed(self, tiles: Properties) -> list[dict[str, Any]]:
        """Return the tiles that a file can express; the rest stay PostHog's, as the tiles of others do."""
        return [tile for tile in tiles.get("tiles", ()) if not self._unplaced(tile)]

    def _unplaced(self, tile: Mapping[str, Any]) -> str:
        layout, insight = tile.get("layout") or {}, tile.get("insight")
        if "widget" in tile:
            return "it is a widget"
        if insight is not None and insight not in self._forms and insight not in self._defined:
            there = self._there.get(insight)
            return f"{there} exists already" if there else "its insight is PostHog's alone"
        if layout.keys() != {"x", "y", "w", "h"}:
            return "it has no place of its own"
        if not all(isinstance(size, int) for size in layout.values()) or layout["x"] + layout["w"] > COLUMNS:
            return "its place is not one of the grid's"
        odd = sorted(tile.keys() - {"insight", "text", "button", "layout", "color", "show_description"})
        return f"no file can say its {' and '.join(odd)}" if odd else ""

    def _skip_existing(self, files: Iterable[Written]) -> bool:
        """Leave out what belongs into files that exist with something else in them; return whether there are some.

        An insight that its name does not tell stays, and gets a file of its own: that of its dashboard has other ones.
        """
        alike = {ref for ref, _ in _ambiguous(self._every) if ref.kind == "insight"}
        others = [file for file in files if self._exists(file) and not self._joins(file)]
        inside = {Ref(*each): file for file in others for each in expanded([file])}
        there = {ref: file for ref, file in inside.items() if ref not in alike}
        insights = {ref: _file_of(ref) for ref in self._forms if ref.kind == "insight"}  # on dashboards, too
        there |= {ref: file for ref, file in insights.items() if self._exists(file) and not self._joins(file)}
        for ref, file in there.items():
            self._there[ref] = file.path
            apart = self._is_for_others(file)
            reason = f"and not for {self._stack}" if apart else "with something else in it"
            if file.path in self._unjoinable:
                reason += ": it is written in a way that can't be edited, so add that to its `only:` by hand"
            self._exclude(ref, f"{file.path} exists already, {reason}", file.path if apart else "")
        return bool(there)

    def _exists(self, file: Written) -> bool:
        return (self._root / file.path).exists()

    def _document(self, file: Written) -> Document:
        """Return what a file that exists says; it is read once, as its new text is made of what it said."""
        if file.path not in self._documents:
            text = (self._root / file.path).read_bytes().decode("utf-8")
            self._documents[file.path] = Document(File(file.path, file.kind, text))
        return self._documents[file.path]

    def _is_for_others(self, file: Written) -> bool:
        """Return whether a file exists, with a definition of this key for other stacks than this one."""
        if not self._exists(file):
            return False
        document = self._document(file)
        return document.key == file.key and document.only is not None and self._stack not in document.only

    def _joins(self, file: Written) -> bool:
        """Return whether a file that exists becomes one for this stack, too."""
        return self._join and file.path not in self._unjoinable and self._is_for_others(file)

    def _joined(self, file: Written) -> str:
        """Return the text of a file that exists with this stack: what differs here goes into its patch.

        Raises :class:`NotEdited` where it is written in a way that can't be edited.
        """
        document = self._document(file)
        self._result.joined[file.path] = document.text
        here = {name: item for name, item in file.value.items() if name not in OUTSIDE}
        base = self._written[file.path]
        tiles = [each for found in self._written.values() for each in found if each.kind == "tiles"]
        gathered = Gathered([*base, *(tiles if file.kind == "subscription" else ())])
        before = next(each.value for each in FORMS[file.kind].contract(gathered) if each.path == file.path)
        new = patched(view(document, self._stack).value, before, here)
        value = relocated(document, self._stack, counted_stacks(self._root, self._stack), new)
        patches = dict(value.get("stacks") or {})
        if adopted := file.value.get("stacks"):
            patches[self._stack] = {**patches.get(self._stack, {}), **adopted[self._stack]}
        stacks = {"stacks": patches} if patches else {}
        return edited(document.text, {**value, "only": [*(document.only or ()), self._stack], **stacks})

    # The catalogue.

    def _describe_more(self, files: Iterable[Written]) -> bool:
        """Describe each property with the events that definitions look at it of; return whether some were unknown."""
        unknown = False
        for use in _uses(files):
            ref = Ref("property", f"{use.type}.{use.name}")
            if ref in {*self._forms, *self._defined, *self._excluded} or is_posthogs_own(use.name):
                continue
            if use.type == "event" and not any(each.kind == "event" for each in self._forms):
                continue
            self._invented.add(ref)
            guessed = KINDS["property"].canonical({"name": use.name, "type": use.type, "property_type": _guess(use)})
            self._forms[ref] = guessed
            unknown = True
        return unknown

    def _with_properties(self, files: list[Written]) -> list[Written]:
        """Return the files of events, each with the properties that definitions look at of it."""
        described = {
            name: about
            for file in files
            if file.kind == "event" and file.value.get("type") != "person"
            for name, about in file.value.get("properties", {}).items()
        }
        wanted: dict[str, dict[str, Any]] = defaultdict(dict)
        for use in _uses(files):
            for event in use.events if use.type == "event" and use.name in described else ():
                wanted[event][use.name] = described[use.name]
        for file in files:  # a file that joins has what it has for others
            if file.kind == "event" and file.value.get("type") != "person" and self._joins(file):
                there = self._document(file).value.get("properties") or {}
                wanted[file.key].update({name: described[name] for name in there if name in described})
        used = {name for names in wanted.values() for name in names}
        result = []
        for file in files:
            if file.kind == "event" and file.value.get("type") != "person":
                own = file.value.get("properties", {})
                rest = {name: about for name, about in own.items() if name not in used}
                both = {**wanted.get(file.key, {}), **rest}
                value = {name: item for name, item in file.value.items() if name != "properties"}
                file = replace(file, value={**value, "properties": both} if both else value)
            result.append(file)
        return result

    # The files.

    def _texts(self, files: list[Written]) -> tuple[dict[str, str], set[str]]:
        """Return the texts of files that are not there yet, or join, and which of the latter can't be edited so.

        These have a text as if they were new: what is wrong with what they would say may be why.
        """
        texts, odd = dict[str, str](), set[str]()
        self._result.joined.clear()
        for file in self._with_adoptions(self._with_properties(files)):
            try:
                texts[file.path] = self._joined(file) if self._joins(file) else text_of(file, self._comments(file))
            except NotEdited:
                odd.add(file.path)
                everywhere = {name: item for name, item in file.value.items() if name != "only"}
                texts[file.path] = text_of(replace(file, value=everywhere))
        return texts, odd

    def _comments(self, file: Written) -> Iterator[str]:
        inside = [Ref(file.kind, file.key)]
        tiles = [tile["insight"] for tile in file.value.get("tiles", ()) if "insight" in tile]
        inside += [Ref("insight", each["key"]) for each in tiles if isinstance(each, dict)]
        for ref in inside:
            about = "" if ref == inside[0] else f" of {ref}"
            for names, reason in _by_reason(self._unmanaged[ref]):
                yield f"Left to PostHog: {listed(names, 'and')}{about}, since {reason}."
            yield from self._notes[ref]
        for tile in self._forms.get(Ref("tiles", file.key), {}).get("tiles", ()) if file.kind == "dashboard" else ():
            if reason := self._unplaced(tile):
                yield f"Left to PostHog: the tile of {self._shown(tile)}, since {reason}."
        if file.kind == "event":
            kind = "person" if file.value.get("type") == "person" else "event"
            unmet = [n for n in file.value.get("properties", {}) if Ref("property", f"{kind}.{n}") in self._invented]
            if unmet:
                yield f"PostHog has met no {', '.join(unmet)} yet; the type is a guess of how definitions compare it."

    def _shown(self, tile: Mapping[str, Any]) -> str:
        """Return what a tile shows, as people find it on the dashboard."""
        insight = tile.get("insight")
        if isinstance(insight, Ref):
            return str(insight) if insight in {*self._forms, *self._defined, *self._there} else self._called(insight)
        kind, _, text = tile_name(tile).partition(" ")
        return f"the {kind} {text[:40]!r}"

    def _with_adoptions(self, files: list[Written]) -> list[Written]:
        """Return files that say which object they take over where its name alone would not tell."""
        adopt = dict(_ambiguous(self._every))
        result: list[Written] = []
        for file in files:
            value = self._adopting(file.value, adopt.get(Ref(file.kind, file.key)))
            slack = adopt.get(Ref("notification", f"{file.key}.slack")) if file.kind == "alert" else None
            if slack and "slack" in value["notify"]:
                value["notify"] = {**value["notify"], "slack": {**value["notify"]["slack"], "adopt": slack}}
            for n, tile in enumerate(value.get("tiles", ())):
                insight = tile.get("insight")
                ref = Ref("insight", insight["key"]) if isinstance(insight, dict) else None
                id_ = adopt.get(ref) if ref else None
                joins = ref is not None and self._joins(_file_of(ref))
                if ref is None or (id_ is None and not joins):
                    continue
                inside: Any = self._adopting(insight, id_)
                if self._many_stacks or joins:  # a patch of a stack can't reach into a list
                    result.append(Written("insight", ref.key, inside))
                    inside = ref.key
                value["tiles"] = [*value["tiles"][:n], {**tile, "insight": inside}, *value["tiles"][n + 1 :]]
            result.append(replace(file, value=value))
        return [replace(each, value=self._of_this_stack(each.value)) for each in result]

    def _of_this_stack(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return what a file says so that it gives nothing to the projects of other stacks."""
        if not self._result.others:
            return value
        stacks = {name: item for name, item in value.items() if name == "stacks"}
        return {**{name: item for name, item in value.items() if name != "stacks"}, "only": [self._stack], **stacks}

    def _adopting(self, value: Mapping[str, Any], id_: int | str | None) -> dict[str, Any]:
        if id_ is None:
            return dict(value)
        if self._many_stacks:  # ids differ per project
            return {**value, "stacks": {self._stack: {"adopt": id_}}}
        return {"key": value["key"], "adopt": id_, **value}

    # The judgement.

    def _problems(self, texts: Mapping[str, str]) -> Iterator[tuple[Ref, list[str], str]]:
        """Yield what is wrong with new files, in a copy of the checkout: definition, fields, and why."""
        loaded = trial(self._root, self._stack, texts)
        if loaded.problems:
            new = [each for each in loaded.problems if each.source.path in texts]
            found = (_located(each, texts, self._stack) for each in new)
            yield from found if new else self._spoiling(texts, loaded.problems[0])
            return
        wanted = {Ref(each.kind, each.key): each.properties for each in self._definitions()}
        for each in loaded.resources:
            ref = Ref(each.kind, each.key)
            if each.source.path in texts and ref in wanted and not same(each.properties, wanted[ref]):
                mine, theirs = each.properties, wanted[ref]
                fields = sorted(name for name in {*mine, *theirs} if not same(mine.get(name), theirs.get(name)))
                yield ref, fields, inexpressible(fields, mine, theirs)

    def _spoiling(self, texts: Mapping[str, str], problem: Problem) -> Iterator[tuple[Ref, list[str], str]]:
        """Yield what the new file defines with which files that were there before get a problem.

        That is first what a file has inside, such as the properties of an event: the rest may do without it.

        Raises :class:`NotEdited` where nothing of the new file can be left out.
        """
        paths = [*texts]

        def spoilt(last: int) -> bool:
            some = {path: texts[path] for path in paths[: last + 1]}
            return any(each.source.path not in texts for each in trial(self._root, self._stack, some).problems)

        path = paths[bisect_left(range(len(paths)), True, key=spoilt)]
        defined = trial(self._root, self._stack, texts, partly=True).resources
        refs = [Ref(each.kind, each.key) for each in defined if each.source.path == path]
        if not refs:
            raise NotEdited(f"with {path} as PostHog holds it, the definitions would have a problem: {problem}")
        inside = [ref for ref in refs if ref.kind != FOLDERS[str(PurePosixPath(path).parent)]]
        for ref in inside or refs:
            yield ref, [], f"with it, a file that is there would have a problem: {problem}"

    def _finished(self, texts: dict[str, str]) -> TakeOver:
        result = self._result
        result.texts = dict(sorted(texts.items()))
        result.definitions = sum(ref not in self._invented and ref.kind != "tiles" for ref in self._forms)
        result.partly = [
            f"{ref}: {listed(names, 'and')} {'is' if len(names) == 1 else 'are'} left to PostHog: {reason}"
            for ref, left in self._unmanaged.items()
            for names, reason in _by_reason(left)
            if ref in self._forms
        ]
        result.partly += [f"{ref}: left to PostHog: {what}" for ref, what in self._narrow if ref in self._forms]
        return result


def _located(problem: Problem, texts: Mapping[str, str], stack: str) -> tuple[Ref, list[str], str]:
    """Return which definition of a new text has a problem, in which fields, and why."""
    kind = FOLDERS[str(PurePosixPath(problem.source.path).parent)]
    document = Document(File(problem.source.path, kind, texts[problem.source.path]))
    path = document.path_at(problem.source.line, problem.source.column)
    here = path[2:] if path[:2] == ("stacks", stack) else path
    ref, inside = defined_at(Written(kind, document.key, view(document, stack).value), here)
    return ref, list(fields_at(ref.kind, inside)), problem.message


def _ambiguous(every: Mapping[Ref, Object]) -> Iterator[tuple[Ref, int | str]]:
    """Yield the objects, with their ids, that share what identifies them with others.

    What they refer to does not distinguish them: in a preview its id may not be known.
    """
    for kind in KINDS.values():
        if kind.unique:
            continue
        mine = {ref: each for ref, each in every.items() if ref.kind == kind.name}
        told = [each.name for each in kind.fields if each.name in kind.natural_key and not each.ref]
        names = {ref: repr([each.properties.get(name) for name in told]) for ref, each in mine.items()}
        counted = Counter(names.values())
        for ref, name in names.items():
            if counted[name] > 1:
                id_ = mine[ref].id
                yield ref, int(id_) if kind.numeric_id else id_


def _file_of(ref: Ref) -> Written:
    """Return the file that a definition would have for itself, with nothing in it."""
    return Written(ref.kind, ref.key, {})


def _is_posthogs_own(each: Object) -> bool:
    """Return whether an object describes an event or a property of PostHog's own, and nobody said anything of it."""
    return is_posthogs_own(each.title) and made_by_posthog(KINDS[each.ref.kind], each.live)


def _uses(files: Iterable[Written]) -> Iterator[Use]:
    for unit in index_of(files).units:
        yield from property_uses(unit)


def _guess(use: Use) -> str:
    """Return the type of a property as it is compared and computed on."""
    operator, value = str(use.compared.get("operator")), use.compared.get("value")
    if use.math or operator in _NUMERIC or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "Numeric"
    if operator.startswith("is_date"):
        return "DateTime"
    return "Boolean" if isinstance(value, bool) else "String"


def _by_reason(left: Mapping[str, str]) -> Iterator[tuple[list[str], str]]:
    """Yield fields together that are left to PostHog for the same reason, with that."""
    found: dict[str, list[str]] = {}
    for name, reason in left.items():
        found.setdefault(reason.rstrip("."), []).append(name)
    yield from ((names, reason) for reason, names in found.items())
