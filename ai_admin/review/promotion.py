"""`ai-admin promote`: gives one stack another one's version of a definition."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ai_admin.definitions import Definitions, load
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import find
from ai_admin.definitions.stacks import known_stacks, merge, view
from ai_admin.review.history import matches
from ai_admin.review.pull import relocated
from ai_admin.review.smaller_step import by_variant, losing, smaller, variants_written, varying, written
from ai_admin.review.splice import edited
from ai_admin.review.timeline import Line
from ai_admin.review.trial import failing, trial
from ai_admin.review.versions import lines
from ai_admin.safety.applied import manifest
from ai_admin.safety.following import Followed
from ai_admin.safety.gates import refusals
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from ai_admin.stackfile import settings
from providers.posthog.errors import NotEdited
from providers.posthog.kinds import Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.reconcile import same
from providers.posthog.settings import Settings

ROLLOUT = "rollout/"
"""How the consents to a rollout that grows too far begin."""

OWN = ("adopt", "renamed_from")
"""What a definition says of one project alone."""


@dataclass(frozen=True)
class Promotion:
    """What is to be written."""

    path: str
    read: str
    """What the file says."""
    text: str
    """The file's new text; the old one where nothing differs."""
    changes: Mapping[Ref, tuple[Line, ...]]
    """What changes in the stack that is promoted to, by definition."""
    refused: tuple[str, ...] = ()
    """Why an `up` of that stack would refuse it, a line each."""
    step: str | None = ""
    """The release conditions of a smaller step that it would not refuse, and that nobody loses anything by; None where
    there is none, and empty where none is needed."""
    variants: str = ""
    """Where there is none: the variants of a smaller step that it would not refuse, with the conditions of the whole
    one; else empty."""
    losing: tuple[str, ...] = ()
    """Who of those that have it in that stack may lose it, a line each."""
    failing: tuple[str, ...] = ()
    """The tests of the flags that it decides on, and fail in that stack then, a line each."""
    broken: tuple[str, ...] = ()
    """What is wrong with other files, a line each: an `up` applies nothing until they are corrected."""


def promote(root: Path, key: str, source: str, target: str) -> Promotion:
    """Return what to write so that a stack has of a definition what another one has, and other stacks what they had.

    Args:
        root: the checkout.
        key: the definition's key, or ``kind/key``.
        source: the stack that has it so.
        target: the stack that is to have it.

    The text was tried in a copy of the checkout: no check finds anything new. Raises :class:`NotEdited`.
    """
    document = _document(root, key)
    value = promoted(document, source, target, known_stacks(root))
    text = rewritten(document.text, document.value, value)
    before, after = load(root, target, partly=True), trial(root, target, {document.path: text}, partly=True)
    own = (each for each in after.problems if each.source.path == document.path or each not in before.problems)
    if problem := next(own, None):
        raise NotEdited(f"with that the definitions have problems: {problem}")
    was, is_ = (
        {Ref(each.kind, each.key): each.properties for each in found.resources if each.source.path == document.path}
        for found in (before, after)
    )
    said = {ref: tuple(lines(ref, was.get(ref), is_.get(ref))) for ref in dict.fromkeys([*was, *is_])}
    changes = {ref: found for ref, found in said.items() if found}
    if not changes:
        return Promotion(document.path, document.text, text, changes, broken=after.broken)
    judged = _Judged(root, target, document.path, text, before, after)
    flag = Ref(document.kind, document.key) if document.kind == "flag" and document.key else None
    old, new = (found.get(flag, {}) if flag else {} for found in (was, is_))
    tested = [] if after.broken else _flags(after, changes)
    step = judged.step(old, new) if flag else ""
    return Promotion(
        document.path,
        document.text,
        text,
        changes,
        tuple(map(str, judged.refusals(new))),
        step,
        judged.variants(old, new) if step is None else "",
        (*losing(old, new), *varying(old, new)) if old and new else (),
        tuple(failing(root, target, {document.path: text}, tested)),
        after.broken,
    )


def _flags(definitions: Definitions, changed: Iterable[Ref]) -> list[str]:
    """Return the keys of the flags among what changes, and of those that use it, also through others."""
    using = {Ref(each.kind, each.key): frozenset(refs(each.properties)) for each in definitions.resources}
    reached = set(changed)
    while more := {ref for ref, used in using.items() if not used.isdisjoint(reached)} - reached:
        reached |= more
    return sorted(ref.key for ref in reached if ref.kind == "flag" and ref in using)


def _document(root: Path, key: str) -> Document:
    """Return the file of a definition. Raises :class:`NotEdited` where none or several could be meant."""
    found = [each for each in map(Document, find(root)) if each.key and matches(Ref(each.kind, each.key), key)]
    if not found:
        raise NotEdited(f"no file defines {key}; an insight in a dashboard goes with the dashboard")
    if len(found) > 1:
        raise NotEdited(f"several files define {key}: say {' or '.join(f'{each.kind}/{each.key}' for each in found)}")
    return found[0]


def promoted(document: Document, source: str, target: str, stacks: Sequence[str]) -> dict[str, Any]:
    """Return what a file is to say so that a stack has what another one has, and every other one what it had. Pure.

    What both then say alike, and no other stack has otherwise, is said once, in the definition itself.

    Args:
        document: the file.
        source: the stack that has it so.
        target: the stack that is to have it.
        stacks: all stacks of the checkout.

    Raises :class:`NotEdited` where the definition does not exist in the first stack.
    """
    only = document.only
    if only is not None and source not in only:
        raise NotEdited(f"{document.path} does not define it in {source}")
    here, there = (view(document, stack).value for stack in (source, target))
    wanted = {name: item for name, item in here.items() if name not in OWN}
    wanted |= {name: there[name] for name in OWN if name in there}
    value = relocated(document, target, stacks, wanted)
    if only is not None and target not in only:
        value = {**value, "only": [*only, target]}
    names = [name for name in dict.fromkeys([*here, *there]) if not same(here.get(name), there.get(name))]
    others = [each for each in stacks if each not in (source, target) and (only is None or each in only)]
    return _said_once(value, [name for name in names if name not in OWN], (source, target), others)


def rewritten(text: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return the text of a file with another value: only what changes in a key, or else the whole key, is written anew.

    Raises :class:`NotEdited`.
    """
    if same(old, new):
        return text
    try:
        return edited(text, new)
    except NotEdited:
        return edited(text, new, whole=True)


def _said_once(
    value: dict[str, Any], names: Sequence[str], alike: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    """Return a file's value with what two stacks say alike in the definition itself, if no other has that from it.

    Args:
        value: what the file says.
        names: the keys that may be said elsewhere than now.
        alike: the two stacks.
        others: all other stacks in which the definition exists.
    """
    base = {name: item for name, item in value.items() if name != "stacks"}
    patches = {stack: dict(patch or {}) for stack, patch in (value.get("stacks") or {}).items()}
    for name in names:
        said = [patches.get(each, {}).get(name, _UNSAID) for each in alike]
        apart = all(not isinstance(patches.get(each, {}).get(name, {}), dict) for each in others)
        if apart and _UNSAID not in said and not isinstance(said[0], dict) and same(*said):
            base = merge(base, {name: said[0]})
        for patch in (patches[each] for each in alike if name in patches.get(each, {})):
            if same(merge(base, {name: patch[name]}), base):
                del patch[name]
    left = {stack: patch for stack, patch in patches.items() if patch or not value["stacks"][stack]}
    # The block of the stacks stays in its place.
    return {name: left if name == "stacks" else base[name] for name in _order(value, base) if name != "stacks" or left}


_UNSAID = object()


def _order(value: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """Return the keys of a file in their order, with those that the definition has now."""
    new = [name for name in base if name not in value]
    kept = [name for name in value if name in base or name == "stacks"]
    at = next((n for n, name in enumerate(kept) if name in _LAST), len(kept))
    return [*kept[:at], *new, *kept[at:]]


_LAST = ("stacks", "only", "tests")
"""What says where a definition applies, or what is expected of it: it comes last."""


class _Judged:
    """What an `up` of a stack would refuse in definitions, if the former ones were applied."""

    def __init__(
        self, root: Path, target: str, path: str, text: str, before: Definitions, after: Definitions
    ) -> None:
        self._given = Settings(settings(root, target), os.environ)
        self._before, self._after = manifest(before.resources, {}), after
        self._path = path
        follows = self._given.follows
        there = manifest(trial(root, follows, {path: text}, partly=True).resources, {}) if follows else None
        self._followed = Followed(follows, there) if follows else None

    def refusals(self, flag: Properties) -> list[Refusal]:
        """Return the refusals with this in the place of the flag in the file."""
        resources = [
            replace(each, properties=flag) if each.kind == "flag" and each.source.path == self._path else each
            for each in self._after.resources
        ]
        wanted, reach = manifest(resources, self._before), Reach(resources, self._after.values)
        given = self._given
        return refusals(self._before, wanted, given.consents, given.careful, self._followed, reach=reach)

    def step(self, was: Properties, wanted: Properties) -> str | None:
        """Return the conditions of a smaller step, where the one to what is wanted is too big; None if there is none.

        Conditions that are there already are no step: whoever wrote them would be told the same again.
        """
        if not any(each.code.startswith(ROLLOUT) for each in self.refusals(wanted)):
            return ""
        steps = [smaller(was, wanted, every) for every in (False, True)]
        ahead = (step for step in steps if not same(step["release_conditions"], was.get("release_conditions")))
        return next((written(step) for step in ahead if not self.refusals(step)), None)

    def variants(self, was: Properties, wanted: Properties) -> str:
        """Return the variants of a smaller step that is not refused; "" where there is none."""
        step = by_variant(was, wanted)
        return "" if same(step, wanted) or self.refusals(step) else variants_written(step)
