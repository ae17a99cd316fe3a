"""What the definitions said at each commit: files are read as everywhere, out of trees that Git keeps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ai_admin.definitions import explain, schemas
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File, kind_at
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index, Unit, units
from ai_admin.definitions.stacks import View, view
from ai_admin.review.commits import ABSENT, Commit
from ai_admin.review.sentences import of_new, options, sentences
from ai_admin.review.timeline import NEW, Entry, How, Line
from providers.posthog import reconcile
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.references import with_ids


@dataclass(frozen=True)
class Stated:
    """What a definition says in a stack."""

    path: str
    """Its file."""
    properties: Properties
    own: Mapping[str, Any]
    """What stands in the file, also what PostHog is not told."""
    renamed_from: str | None = None


_LOOKED_AT = ("dashboard", "event", "insight")
"""The kinds of file that the forms of other kinds look at: an alert at its insight, an insight at its dashboards."""


class Versions:
    """The definitions of a checkout, commit after commit."""

    def __init__(self, stacks: Sequence[str], contents: Mapping[str, bytes]) -> None:
        """Begin with no file.

        Args:
            stacks: the stacks that are looked at; none: the definitions as they are written.
            contents: what files held, by the ids that commits have.
        """
        self._stacks: tuple[str | None, ...] = tuple(stacks) or (None,)
        self._contents = contents
        self._documents: dict[str, Document] = {}
        self._units: dict[tuple[Document, str | None], list[Unit]] = {}
        self._stated: dict[str | None, dict[Ref, Stated]] = {stack: {} for stack in self._stacks}

    def stated(self, stack: str | None) -> Mapping[Ref, Stated]:
        """Return what the definitions of a stack say now; of a file that is broken, what it said before."""
        return self._stated[stack]

    def go(self, commit: Commit) -> Iterator[Entry]:
        """Go on to a commit, and yield what it changes: one entry for each definition."""
        paths = tuple(each.path for each in commit.files if kind_at(each.path))
        for file in commit.files:
            self._documents.pop(file.path, None)
            if file.path in paths and file.after != ABSENT:
                content = self._contents[file.after].decode("utf-8", "replace")
                self._documents[file.path] = Document(File(file.path, kind_at(file.path), content))
        changes = {stack: self._changes(stack, paths) for stack in self._stacks}
        for ref in dict.fromkeys(ref for found in changes.values() for ref in found):
            said = {stack: found[ref] for stack, found in changes.items() if ref in found}
            lines = tuple(_merged({stack or "": change.lines for stack, change in said.items()}))
            if lines:
                yield Entry(
                    commit.at,
                    ref,
                    How.COMMIT,
                    (commit.author, *commit.told.authors),
                    lines,
                    commit,
                    tuple(dict.fromkeys(path for change in said.values() for path in change.paths)),
                    {stack or "": change.after for stack, change in said.items()},
                    former=next((change.former for change in said.values() if change.former), None),
                )

    def _changes(self, stack: str | None, paths: Sequence[str]) -> dict[Ref, _Change]:
        """Take in what files say in a stack, and return what changes by that."""
        known, touched = self._stated[stack], frozenset(paths)
        before = {ref: each for ref, each in known.items() if each.path in touched}
        after, broken = self._read(stack, paths)
        renamed = {ref: Ref(ref.kind, each.renamed_from) for ref, each in after.items() if each.renamed_from}
        former = {ref: was for ref, was in renamed.items() if ref not in known and was in before and was not in after}
        new_keys = {was: ref for ref, was in former.items()}
        found: dict[Ref, _Change] = {}
        for path, (named, problem) in broken.items():
            line = Line(f"its file does not pass `ai-admin check`: {problem}")
            for ref in [ref for ref, stated in before.items() if stated.path == path] or [named]:
                found[ref] = _Change([line], known[ref].properties if ref in known else None, (path,))
        for ref in dict.fromkeys([*before, *after]):
            if ref in found or ref in former.values():
                continue
            old, new = known.get(former.get(ref, ref)), after.get(ref)
            there = tuple(dict.fromkeys(stated.path for stated in (old, new) if stated))
            was, is_ = (stated.properties if stated else None for stated in (old, new))
            # A reference by a new key alone changes nothing that PostHog gets.
            said = [*lines(ref, with_ids(was, lambda each: new_keys.get(each, each)), is_)]
            if ref in former and "key" not in (each.sentence and each.sentence.field for each in said):
                said.insert(0, Line(f"key from {former[ref].key} to {ref.key}, which PostHog is not told"))
            found[ref] = _Change(said, is_, there, former.get(ref))
        silent = {path for path in paths if not any(each.lines for each in found.values() if path in each.paths)}
        for ref, stated in after.items():
            if stated.path in silent and ref in before and (aside := _aside(before[ref].own, stated.own)):
                found[ref].lines.append(Line(f"changes in its file alone: {', '.join(aside)}"))
        for ref, stated in before.items():
            if stated.path not in broken:
                del known[ref]
        known.update(after)
        return found

    def _read(self, stack: str | None, paths: Iterable[str]) -> tuple[dict[Ref, Stated], dict[str, tuple[Ref, str]]]:
        """Return what files say in a stack, and by path what one that can't be read is about and what is wrong with it.
        """
        stated: dict[Ref, Stated] = {}
        broken: dict[str, tuple[Ref, str]] = {}
        index: Index | None = None
        for path in paths:
            document = self._documents.get(path)
            if document is None or (stack and document.only is not None and stack not in document.only):
                continue
            seen = view(document, stack)
            if problem := _problem(document, seen):
                broken[path] = Ref(document.kind, document.key or PurePosixPath(path).stem), problem
                continue
            index = index or self._index(stack, paths)
            for unit in self._units_of(document, stack):
                for each in FORMS[unit.kind].expand(unit, index):
                    own = unit.written if (each.kind, each.key) == (unit.kind, unit.key) else {}
                    stated[Ref(each.kind, each.key)] = Stated(path, each.properties, own, each.renamed_from)
        return stated, broken

    def _index(self, stack: str | None, paths: Iterable[str]) -> Index:
        """Return an index of what these files define, and of what the forms of others look at."""
        index = Index(stack)
        looked_at = (path for path, each in self._documents.items() if each.kind in _LOOKED_AT)
        for path in dict.fromkeys([*paths, *looked_at]):
            document = self._documents.get(path)
            if document and (document.only is None or stack is None or stack in document.only):
                for unit in self._units_of(document, stack):
                    index.add(unit)
        return index

    def _units_of(self, document: Document, stack: str | None) -> list[Unit]:
        name = (document, stack if stack in document.patches else None)
        if name not in self._units:
            seen = view(document, name[1])
            self._units[name] = [] if _problem(document, seen) else list(units(seen, ()))
        return self._units[name]


@dataclass(frozen=True)
class _Change:
    """What changes of a definition in a stack."""

    lines: list[Line]
    after: Properties | None
    paths: tuple[str, ...]
    former: Ref | None = None


def _problem(document: Document, seen: View) -> str:
    """Return the first thing that is wrong with a file; empty where it can be read."""
    if document.flaws:
        return f"{document.path}:{document.flaws[0].line}: {document.flaws[0].message}"
    if schemas.accepts(document.kind)(seen.value):
        return ""
    found = explain.findings(schemas.violations(document.kind, seen.value, seen.written))
    return f"{document.path}:{seen.source(found[0]).line}: {found[0].message}" if found else ""


def lines(ref: Ref, old: Properties | None, new: Properties | None) -> Iterator[Line]:
    """Yield what changes of a definition, given what it said and says (canonical); None: there is none."""
    kind = KINDS[ref.kind]
    if new is None:
        yield Line("its definition is deleted")
    elif old is None:
        yield Line(NEW)
        yield from (Line(each.text, sentence=each) for each in of_new(kind, new))
    else:
        told = [each for field in reconcile.changed(kind, old, new) for each in sentences(kind, field, old, new)]
        yield from (Line(each.text, sentence=each) for each in (*told, *options(kind, old, new)))


def _aside(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return which keys of a file differ."""
    return [key for key in dict.fromkeys([*old, *new]) if not reconcile.same(old.get(key), new.get(key))]


def _merged(lines: Mapping[str, Sequence[Line]]) -> Iterator[Line]:
    """Yield the lines of several stacks, each once, with the stacks that have it unless all have."""
    for text in dict.fromkeys(each.text for found in lines.values() for each in found):
        having = [stack for stack, found in lines.items() if any(each.text == text for each in found)]
        line = next(each for found in lines.values() for each in found if each.text == text)
        yield line if len(having) == len(lines) else Line(line.text, tuple(having), line.sentence)


def changes(commits: Iterable[Commit], contents: Mapping[str, bytes], stacks: Sequence[str]) -> list[Entry]:
    """Return what commits changed of definitions, the oldest first.

    Args:
        commits: the oldest first, from the first one on.
        contents: what files held, by the ids that the commits have.
        stacks: the stacks that are looked at; none: the definitions as they are written.
    """
    versions = Versions(stacks, contents)
    return [entry for commit in commits for entry in versions.go(commit)]
