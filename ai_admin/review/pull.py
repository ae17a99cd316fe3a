"""Changes on PostHog's pages, written into the files.

Only the differences are replaced, in the style of the file. A change is written into the place that sets the value for
this stack:

- the stack's own patch (``stacks:``), if that has the key;
- else the definition itself, if no other stack would change with it: there is none (that of `make demo` does not
  count), it does not have the definition, or its own patch has the whole key;
- else a patch of this stack: what somebody did in one project is no decision about another one.

An object that was deleted is removed from its file if no other stack has it, and else from this stack alone
(``only:``): the stack of `make demo` would otherwise lose what only one project deleted.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ai_admin.definitions import Definition, load
from ai_admin.definitions.contract import fields_at
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import FOLDERS, File
from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.forms.base import Gathered
from ai_admin.definitions.model import Problem
from ai_admin.definitions.places import inexpressible
from ai_admin.definitions.stacks import OUTSIDE, counted_stacks, known_stacks, view
from ai_admin.review.comparison import Comparison, Difference
from ai_admin.review.drift import by_whom, drifted
from ai_admin.review.live import title
from ai_admin.review.names import names
from ai_admin.review.sentences import to_keep
from ai_admin.review.splice import aligned, edited
from ai_admin.review.trial import trial
from providers.posthog.errors import NotEdited
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.flag import NOT_MANAGED, is_encrypted
from providers.posthog.reconcile import same
from providers.posthog.references import with_refs

Value = dict[str, Any]


class Wanted(dict[Ref, Properties | None]):
    """What definitions are to say; None: nothing more."""


@dataclass
class Pulled:
    """What is to be written, and what is not."""

    texts: dict[str, str | None] = field(default_factory=dict)
    """The new text of each file, by its path in the checkout; None: the file goes."""
    read: dict[str, str] = field(default_factory=dict)
    """What each file said, from which these texts are made."""
    written: list[Ref] = field(default_factory=list)
    """The definitions that these texts bring up to date."""
    refused: dict[Ref, str] = field(default_factory=dict)
    """Why nothing is written of a definition."""
    kept: dict[Ref, tuple[str, ...]] = field(default_factory=dict)
    """The fields of a definition that stay as its file says, since only that was changed since it was applied."""


def pull(root: Path, stack: str, comparison: Comparison, differing: Iterable[Difference], delete: bool) -> Pulled:
    """Return the texts of files that say what PostHog holds.

    Args:
        root: the checkout. Where files have problems, the comparison is of the others, and only these are written.
        stack: the stack of the project.
        comparison: of all definitions of the stack.
        differing: what to write back of what it found.
        delete: remove from the files what was removed in PostHog.

    What is returned was tried in a copy of the checkout: it passes every check, and the comparison finds nothing that
    differs in it.
    """
    result, wanted = Pulled(), Wanted()
    for each in differing:
        if each.unread:
            result.refused[each.ref] = f"it is not known what PostHog holds: {each.unread}"
        elif each.unclear or (each.there is None and not each.id):
            result.refused[each.ref] = each.unclear or "PostHog has no such object; `pulumi up` makes it"
        elif each.there is None and not delete:
            result.refused[each.ref] = "it was removed in PostHog; --delete removes it from its file, too"
        elif each.ref.kind == "flag" and is_encrypted(each.there or {}):
            result.refused[each.ref] = f"its payloads: {NOT_MANAGED}; write `unmanaged: [payloads]` into its file"
        elif each.there and (key := _other_key(each)):
            result.refused[each.ref] = key
        else:
            if each.only_in_file:
                result.kept[each.ref] = tuple(field.name for field in each.only_in_file)
            if not each.applied:
                wanted[each.ref] = _brought_back(each)
    return _Pull(root, stack, comparison, wanted, result).result()


def _other_key(difference: Difference) -> str:
    """Return what to write to keep a key that was changed in PostHog; empty where it was not.

    Other files may name it, in other stacks as well, and only a person knows what asks PostHog for it.
    """
    said, there = difference.definition, difference.there or {}
    found = [to_keep(field, said.properties, there, str(said.source)) for field in difference.by_hand]
    to_write = "".join(found)
    return f"its key was changed in PostHog from {said.key} to {there['key']}; {to_write}" if to_write else ""


def _brought_back(difference: Difference) -> Properties | None:
    """Return what PostHog holds, but with the file's values of fields that only the file changed."""
    if difference.there is None:
        return None
    said, names = difference.definition.properties, {each.name for each in difference.only_in_file}
    there = {name: item for name, item in difference.there.items() if name not in names}
    return {**there, **{name: said[name] for name in names if name in said}}


def told(comparison: Comparison, difference: Difference) -> list[str]:
    """Return what is written into a definition's file and who changed it, a line each. Asks PostHog's activity log."""
    named = names(comparison.owners, comparison.project.inventory)
    # A field that a file takes back from `unmanaged` is reported the other way round: the file gets PostHog's value.
    found = drifted(replace(difference, left=()), comparison.project.history, named)
    pages = dict.fromkeys((each.name for each in difference.left), ", which was left to PostHog's pages,")
    brought = [
        f"{said.sentence.text}{pages.get(said.sentence.field, '')} {by_whom(difference, said.author)}"
        for said in found.said
        if said.by_hand
    ]
    own = [said.sentence.text for said in found.said if said.overwritten]
    brought += [f"the file's own change, which is not applied yet, is overwritten: {each}" for each in own]
    return [found.whole, *brought] if found.whole else brought


class _Pull:
    def __init__(self, root: Path, stack: str, comparison: Comparison, wanted: Wanted, result: Pulled) -> None:
        self._root, self._stack = root, stack
        self._stacks = counted_stacks(root, stack)
        self._comparison = comparison
        self._every = {Ref(each.kind, each.key): each for each in comparison.definitions}
        self._differing = {each.ref for each in comparison.differences()}
        self._wanted, self._result = wanted, result
        self._whole: set[str] = set()
        self._problems = load(root, stack, partly=True).problems if comparison.broken else ()

    def result(self) -> Pulled:
        """Return the texts with all that can be written.

        Each definition is judged by itself: if all together fail, halves are tried until the failing one is found, and
        then the rest again, since a change may need another one.
        """
        left = [*self._wanted]
        while left and len(rest := self._tried(left)) < len(left):
            left = rest
        for ref in self._result.written:
            self._result.refused.pop(ref, None)
        return self._result

    def _tried(self, refs: Sequence[Ref]) -> list[Ref]:
        """Write these definitions in addition to those that are written; return what can't be."""
        reason = self._reason(refs)
        if not reason:
            return []
        if len(refs) > 1:
            half = len(refs) // 2
            return [*self._tried(refs[:half]), *self._tried(refs[half:])]
        path = self._every[refs[0]].source.path
        if path not in self._whole:
            # Whole fields of the file may succeed if parts fail.
            self._whole.add(path)
            reason = self._reason(refs)
            if not reason:
                return []
            self._whole.remove(path)
        self._result.refused[refs[0]] = reason
        return [*refs]

    def _reason(self, refs: Sequence[Ref]) -> str:
        """Return why these definitions can't be written in addition; empty where they are now."""
        together = [*self._result.written, *refs]
        wanted = {ref: self._wanted[ref] for ref in together}
        try:
            texts = {path: self._text(path, wanted) for path in {self._every[ref].source.path: 0 for ref in together}}
        except NotEdited as problem:
            return f"{self._every[refs[0]].source.path} was not edited: {problem}"
        reason = self._wrong(texts, together, refs[0])
        if not reason:
            self._result.texts, self._result.written = texts, together
        return reason

    def _text(self, path: str, wanted: Mapping[Ref, Properties | None]) -> str | None:
        mine = [each for each in self._every.values() if each.source.path == path]
        # Read once: every attempt is made from the same text.
        text = self._result.read.setdefault(path, (self._root / path).read_bytes().decode("utf-8"))
        document = Document(File(path, FOLDERS[_folder(path)], text))
        before, after = self._forms(document.kind, mine, wanted)
        if after is None:
            return self._without(document, text)
        old, whole = view(document, self._stack).value, path in self._whole
        new = _exchanged(document.kind, old, before, after) if whole else patched(old, before, after)
        goes = any(there is None for ref, there in wanted.items() if self._every[ref].source.path == path)
        stacks = known_stacks(self._root) if goes else self._stacks
        return edited(text, relocated(document, self._stack, stacks, new), whole)

    def _without(self, document: Document, text: str) -> str | None:
        """Return the text of a file whose definition is gone in this stack; None where no other stack has it."""
        others = [each for each in document.only or known_stacks(self._root) if each != self._stack]
        if not others:
            return None
        patches = {name: patch for name, patch in document.patches.items() if name != self._stack}
        rest = {name: item for name, item in document.value.items() if name not in OUTSIDE}
        return edited(text, {**rest, "only": others, **({"stacks": patches} if patches else {})}, False)

    def _forms(
        self, kind: str, mine: Sequence[Definition], wanted: Mapping[Ref, Properties | None]
    ) -> tuple[Value, Value | None]:
        """Return what a file says in the author's form, and what it would say; None: its definition is gone."""
        # What a subscription of a dashboard says depends on the tiles of that.
        others = [each for each in self._every.values() if each.kind == "tiles"] if kind == "subscription" else []
        after = [
            replace(each, properties=there)
            for each in mine
            if (there := wanted.get(Ref(each.kind, each.key), each.properties)) is not None
        ]
        gone = all(each.kind != kind for each in after) and any(each.kind == kind for each in mine)
        forms = [
            next((file.value for file in FORMS[kind].contract(Gathered([*each, *others]))), None) if each else None
            for each in (mine, [] if gone else after)
        ]
        assert forms[0] is not None
        return forms[0], forms[1]

    def _wrong(self, texts: Mapping[str, str | None], refs: Sequence[Ref], about: Ref) -> str:
        """Return why these texts are not to be written: with them something has problems, or differs."""
        loaded = trial(self._root, self._stack, texts, partly=True)
        new = (each for each in loaded.problems if each.source.path in texts or each not in self._problems)
        if problem := next(new, None):
            return f"{would_have(problem, texts)}{self._unowned(about)}"
        here = {Ref(each.kind, each.key) for each in loaded.resources}
        gone = {self._every[ref].source.path for ref in refs if self._wanted[ref] is None}
        for ref, definition in self._every.items():
            if ref not in here and definition.source.path not in gone:
                return f"{ref} would go from its file with it; name it, with --delete, if it is to go"
        for each in self._comparison.again(loaded.resources).differences():
            if each.ref in refs and not each.applied:
                fields = [field.name for field in each.by_hand]
                said = inexpressible(fields, each.definition.properties, each.there or {})
                return f"{said}{self._unowned(each.ref)}"
            if each.ref not in self._differing:
                return f"{each.ref} would change with it, and PostHog's has not"
        return ""

    def _unowned(self, ref: Ref) -> str:
        """Return in words what a definition would refer to that no file defines; empty where there is no such thing."""
        found: list[str] = []

        def look(kind: str, id_: Any) -> None:
            live = self._comparison.lives.get((kind, str(id_)))
            if live is not None and self._comparison.ref_of(kind, id_) is None:
                found.append(f"{KINDS[kind].words} {id_} {title(KINDS[kind], live)!r}")

        with_refs(KINDS[ref.kind], self._wanted[ref] or {}, look)
        named = ", ".join(dict.fromkeys(found))
        return f"; it refers to {named}, which no file defines: `ai-admin pull --all` makes one" if found else ""


def would_have(problem: Problem, texts: Mapping[str, str | None]) -> str:
    """Return what would be wrong with new texts of files. Their lines can't be looked up, so no line and no fix is
    named.
    """
    path, line, _ = problem.source
    place = path if path in texts else f"{path}:{line}"
    return f"with it, {problem.subject} in {place} would not pass `ai-admin check`: {problem.message}"


def _folder(path: str) -> str:
    return next(str(above) for above in PurePosixPath(path).parents if str(above) in FOLDERS)


def patched(written: Any, before: Any, after: Any) -> Any:
    """Return an author's text with the change from one author's form of it to another one.

    What does not change stays as it is written, even if it is longer than necessary.
    """
    if same(before, after):
        return written
    if isinstance(written, dict) and isinstance(before, dict) and isinstance(after, dict):
        gone = before.keys() - after.keys()
        kept = {
            name: patched(item, before.get(name), after.get(name, before.get(name)))
            for name, item in written.items()
            if name not in gone
        }
        moved = {name: item for name, item in after.items() if name not in kept and not same(before.get(name), item)}
        return _in_order(kept, moved, [*after])
    lists = isinstance(written, list) and isinstance(before, list) and isinstance(after, list)
    if lists and len(written) == len(before):
        return [
            after[j] if i is None else patched(written[i], before[i], after[j])
            for i, j in aligned(before, after)
            if j is not None
        ]
    return after


def _exchanged(kind: str, written: Value, before: Value, after: Value) -> Value:
    """Return what an author wrote with each field anew that changes, whichever of its keys says it."""
    differing = {name for name in {*before, *after} if not same(before.get(name), after.get(name))}
    fields = {field for name in differing for field in fields_at(kind, (name,))}
    keys = {key for each in KINDS[kind].fields if each.name in fields for key in each.written or (each.name,)}
    kept = {name: item for name, item in written.items() if name not in differing | keys}
    return _in_order(kept, {name: after[name] for name in after if name in differing | keys}, [*after])


def _in_order(kept: Value, new: Value, order: Sequence[str]) -> Value:
    """Return a mapping with new keys, each behind the one that is before it in an order."""
    names = [*kept]
    for name in new:
        before = [each for each in order[: order.index(name)] if each in names]
        names.insert(names.index(before[-1]) + 1 if before else len(names), name)
    return {name: new[name] if name in new else kept[name] for name in names}


def relocated(document: Document, stack: str, stacks: Iterable[str], new: Value) -> Value:
    """Return what a file is to say so that its definition is a given one in a stack, and the same as before in others.

    Args:
        document: the file as it is.
        stack: the stack in which the definition changes.
        stacks: all stacks of the checkout.
        new: the definition in that stack.
    """
    old, result = view(document, stack).value, copy.deepcopy(document.value)
    patch = copy.deepcopy(document.patches.get(stack))
    patch = patch if isinstance(patch, dict) else {}
    order = [*new]
    for name in dict.fromkeys([*old, *new]):
        if same(old.get(name), new.get(name)):
            continue
        if name in patch or _is_said_to_others(document, stack, stacks, name):
            said = _difference(result.get(name), new.get(name))
            if said is _NOTHING:
                patch.pop(name, None)
            else:
                patch[name] = said
        elif name in new:
            base = {each: item for each, item in result.items() if each not in OUTSIDE}
            rest = {each: item for each, item in result.items() if each in OUTSIDE}
            changed = {**base, name: new[name]} if name in base else _in_order(base, {name: new[name]}, order)
            result = {**changed, **rest}
        else:
            del result[name]
    return _with_patch(document, result, stack, patch)


def _is_said_to_others(document: Document, stack: str, stacks: Iterable[str], name: str) -> bool:
    """Return whether another stack uses what the definition itself says under a key, at least in part: a mapping in a
    patch is merged into it.
    """
    others = [each for each in stacks if each != stack and (document.only is None or each in document.only)]
    patches = [document.patches.get(each) or {} for each in others]
    return any(name not in patch or isinstance(patch[name], dict) for patch in patches)


def _with_patch(document: Document, value: Value, stack: str, patch: Value) -> Value:
    patches = {**(value.get("stacks") or {}), stack: patch}
    if not patch:
        del patches[stack]
    if patches:
        return {**value, "stacks": patches}
    return {name: item for name, item in value.items() if name != "stacks"}


_NOTHING = object()


def _difference(base: Any, wanted: Any) -> Any:
    """Return the merge patch from one value to another (RFC 7396), ``_NOTHING`` where they are equal."""
    if same(base, wanted):
        return _NOTHING
    if not (isinstance(base, dict) and isinstance(wanted, dict)):
        return wanted
    said = {name: _difference(base.get(name), wanted.get(name)) for name in {**base, **wanted}}
    return {name: item for name, item in said.items() if item is not _NOTHING}
