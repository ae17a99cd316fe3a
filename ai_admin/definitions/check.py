"""Everything that can be said about a checkout's definitions without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path as FilePath

from ai_admin.definitions import explain, schemas
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import find, passed_over
from ai_admin.definitions.index import Index, Unit, units
from ai_admin.definitions.model import Finding, Path, Problem, Source
from ai_admin.definitions.rules import RULES
from ai_admin.definitions.rules.identity import duplicates
from ai_admin.definitions.rules.patches import patch_findings
from ai_admin.definitions.schemas import Violation
from ai_admin.definitions.stacks import View, known_stacks, unsure, view
from ai_admin.definitions.unreadable import is_unreadable_at
from ai_admin.definitions.unreadable_files import unreadable_files
from providers.posthog.kinds import Ref

_ENDS = 400

YAML, SCHEMA, UNIQUE = "yaml", "schema", "keys/unique"
"""The names of what finds problems beside the rules."""


@dataclass
class Checked:
    """The result of a check."""

    indexes: dict[str | None, Index]
    """The definitions by stack; None is all of them as written."""
    problems: tuple[Problem, ...]
    """In the order of the files."""
    files: int
    """How many files there are."""
    notes: tuple[Problem, ...] = ()
    """What prevents nothing, in the order of the files."""

    @property
    def definitions(self) -> int:
        """How many definitions there are: one per readable file, and one per insight in a dashboard."""
        return len(self.indexes[None].units)


def check(root: FilePath, more_stacks: Iterable[str] = ()) -> Checked:
    """Check every definition below a root, as written and in every stack.

    Args:
        root: the checkout, the folder with ``Pulumi.yaml``.
        more_stacks: stacks to check in addition to those that have a ``Pulumi.<stack>.yaml``.

    Returns every problem of every file; never raises for anything that a file can contain. Raises
    schemas.SchemaError when the checkout's own schemas are broken.
    """
    documents = [Document(file) for file in find(root)]
    stacks = tuple(dict.fromkeys([*known_stacks(root), *more_stacks]))
    collector = _Collector()
    for document in documents:
        collector.flaws(document)
    for path in passed_over(root):
        collector.unread(path)
    indexes: dict[str | None, Index] = {None: Index(None, unreadable_files=unreadable_files(documents))}
    for document in documents:
        if document.readable:
            _add_written(document, stacks, indexes[None], collector)
    if any(document.patches or document.only is not None for document in documents):
        for stack in stacks:
            indexes[stack] = _in_stack(stack, indexes[None], collector)
    else:
        indexes.update(dict.fromkeys(stacks, indexes[None]))
    for index in {id(index): index for index in indexes.values()}.values():
        for unit, finding in duplicates(index):
            collector.add(unit.view, finding, unit, index.stack, UNIQUE)
        _run_rules(index, indexes[None], collector)
    found = collector.problems()
    problems, notes = (tuple(each for each in found if each.note is note) for note in (False, True))
    return Checked(indexes, problems, len(documents), notes)


def _add_written(document: Document, stacks: tuple[str, ...], index: Index, collector: _Collector) -> None:
    """Add a definition as written, with misspelt keys corrected, so that what they mean is not reported as missing."""
    misspelt: list[Finding] = []
    while True:
        violations = _violations(document, document)
        found = explain.findings(violations)
        respelt = [finding for finding in found if finding.meant is not None]
        if not respelt or len(misspelt) >= explain.MOST:
            break
        for finding in respelt:
            document.respell(finding.path, str(finding.meant))
        misspelt += respelt
    found += patch_findings(document, stacks)
    if unsure(document, found):
        index.unsure.add(id(document))
    seen = view(document, None)
    there = _add(seen, found, violations, index, collector)
    for finding in misspelt:
        collector.add(seen, finding, _innermost(there, finding.path))


def _in_stack(stack: str, written: Index, collector: _Collector) -> Index:
    """Return a stack's index, which shares what no patch of this stack changes with the index as written."""
    index = Index(stack, unreadable_files=written.unreadable_files, written=written, unsure=written.unsure)
    seen: set[int] = set()
    for unit in written.units:
        document = unit.view.document
        there = document.only is None or stack in document.only or id(document) in written.unsure
        if there and stack not in document.patches:
            index.add(unit)
            continue
        index.changed.add(unit.kind)
        if not there or id(document) in seen:
            continue
        seen.add(id(document))
        patched = view(document, stack)
        violations = _violations(document, patched)
        inside = _add(patched, explain.findings(violations), violations, index, collector)
        index.changed.update(each.kind for each in inside)
    return index


def _violations(document: Document, seen: Document | View) -> list[Violation]:
    """Return how a definition breaks its schema, at most as often as is reported."""
    return list(islice(schemas.violations(document.kind, seen.value, seen.written), explain.MOST_VIOLATIONS))


def _add(
    seen: View, found: list[Finding], violations: list[Violation], index: Index, collector: _Collector
) -> list[Unit]:
    """Add what a view defines to an index, and what is wrong with it to the problems; return what it defines."""
    value = seen.document.value if seen.stack is None else seen.value
    found = [finding for finding in found if not is_unreadable_at(value, finding.path)]
    broken = [path for finding in found for path in finding.broken()]
    there = list(units(seen, [*broken, *explain.unchecked(violations)]))
    for unit in there:
        index.add(unit)
    for finding in found:
        collector.add(seen, finding, _innermost(there, finding.path))
    return there


def _innermost(there: list[Unit], path: Path) -> Unit:
    inside = path[2:] if path[:1] == ("stacks",) else path
    return max((unit for unit in there if inside[: len(unit.path)] == unit.path), key=lambda unit: len(unit.path))


def _run_rules(index: Index, written: Index, collector: _Collector) -> None:
    for unit in index.units:
        if index is not written and id(unit.view.document) in index.unsure:
            continue
        for rule in RULES.get(unit.kind, ()):
            # What no patch touches is the same in every stack, and so is what is said of it, unless the rule sees
            # something that is not.
            if index is not written and unit.view.stack is None and index.changed.isdisjoint(rule.sees):
                continue
            for finding in _most(rule.check(unit, index)):
                collector.add(unit.view, _placed(finding, unit.path), unit, index.stack, rule.name)


def _most(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield as many findings as are worth a person's while, and one that says that there are more.

    All findings of a rule are notes, or none is.
    """
    yield from islice(findings, explain.MOST)
    if (more := next(findings, None)) is not None and not more.note:
        yield explain.TOO_MANY


def _placed(finding: Finding, path: Path) -> Finding:
    if not path:
        return finding
    return replace(finding, path=(*path, *finding.path))


@dataclass
class _Collector:
    """Gathers problems: the same one in several stacks once, and none where the text has a flaw already."""

    _fixes: dict[tuple[Source, str, str], str] = field(default_factory=dict)
    _rules: dict[tuple[Source, str, str], str] = field(default_factory=dict)
    _stacks: dict[tuple[Source, str, str], set[str | None]] = field(default_factory=dict)
    _notes: set[tuple[Source, str, str]] = field(default_factory=set)
    _flawed: set[Source] = field(default_factory=set)

    def flaws(self, document: Document) -> None:
        """Add what is wrong with a document's text."""
        subject = str(Ref(document.kind, document.key)) if document.key else ""
        for flaw in document.flaws:
            source = Source(document.path, flaw.line, flaw.column)
            self._flawed.add(source)
            self._take((source, subject, flaw.message), flaw.fix, None, YAML)

    def unread(self, path: str) -> None:
        """Add a note about a file that looks like a definition and is not read."""
        stem = path.removesuffix(FilePath(path).suffix).removesuffix(".yaml").removesuffix(".yml")
        fix = f"rename it to {stem}.yaml if it is meant as a definition, else move it elsewhere"
        self._take((Source(path, 1, 1), "", "only *.yaml and *.yml are read"), fix, None, YAML, True)

    def add(self, seen: View, finding: Finding, unit: Unit, stack: str | None = None, rule: str = SCHEMA) -> None:
        """Add what is wrong with a unit, in a stack or in that of its view."""
        source = seen.source(finding)
        if source not in self._flawed:
            stack = stack if stack is not None else seen.stack
            self._take((source, unit.name, finding.message), finding.fix, stack, rule, finding.note)

    def _take(self, place: tuple[Source, str, str], fix: str, stack: str | None, rule: str, note: bool = False) -> None:
        source, subject, message = place
        place = (source, subject, _brief(message))
        self._fixes.setdefault(place, _brief(fix))
        self._rules.setdefault(place, rule)
        self._stacks.setdefault(place, set()).add(stack)
        if note:
            self._notes.add(place)

    def problems(self) -> tuple[Problem, ...]:
        """Return the problems and notes in the order of the files, each with the stacks that have it."""
        return tuple(
            Problem(*place, fix, self._named(place), self._rules[place], place in self._notes)
            for place, fix in sorted(self._fixes.items())
        )

    def _named(self, place: tuple[Source, str, str]) -> tuple[str, ...]:
        """Return the stacks that have a problem; none where the definition has it as written."""
        stacks = self._stacks[place]
        return () if None in stacks else tuple(sorted(stack for stack in stacks if stack is not None))


def _brief(text: str) -> str:
    """Return a sentence without its middle where a value of the file makes it very long."""
    return text if len(text) <= 2 * _ENDS else f"{text[:_ENDS]} … {text[-_ENDS:]}"
