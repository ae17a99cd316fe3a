"""`ai-admin history KEY --at DATE`: what a definition was then, in its file and in PostHog, and who had allowed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_admin.review.history import Logs, Past, matches, read_log, with_former
from ai_admin.review.logged import undone
from ai_admin.review.sentences import Sentence, sentences
from ai_admin.review.timeline import Entry
from ai_admin.review.versions import Stated, changes
from providers.posthog import reconcile
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.references import with_refs


@dataclass(frozen=True)
class Difference:
    """What was otherwise in PostHog than in the file."""

    sentence: Sentence
    """From what the file said to what PostHog held."""
    change: Entry | None
    """What made it so; None where the log does not say."""


@dataclass(frozen=True)
class Then:
    """What a definition was."""

    ref: Ref
    stated: Stated | None
    """What its file said; None where no file defined it."""
    allowed: Entry | None
    """The commit that made it so."""
    live: Properties | None = None
    """What PostHog held; None where it held no such object, or is not known."""
    known: bool = False
    """Whether it is known what PostHog held."""
    differences: tuple[Difference, ...] = ()


def then(
    root: Path, key: str, time: str, stack: str | None = None, logs: Callable[[], Logs] | None = None
) -> tuple[tuple[Then, ...], tuple[str, ...]]:
    """Return what the definitions with a key were at a time, and what could not be read.

    Args:
        root: the checkout.
        key: ``kind/key``, or a key.
        time: ISO 8601, UTC.
        stack: the stack; None: as the files are written.
        logs: opens PostHog's log of the stack; None: it is not read.

    Raises ``NoHistory`` where Git has none.
    """
    past = Past(root)
    stacks = [stack] if stack else []
    entries = changes(past.commits, past.contents, stacks)
    wanted = with_former(entries, key)
    stated = past.at(time, stacks).stated(stack)
    unread: list[str] = []
    there, log = read_log(logs, unread, wanted, entries, key)
    refs = {each.ref for each in (*entries, *log) if each.ref in wanted or matches(each.ref, key)}
    found = []
    for ref in sorted([ref for ref in refs if ref in stated] or [ref for ref in refs if matches(ref, key)], key=str):
        before = [each for each in entries if each.ref == ref and each.at <= time]
        allowed = past.told(before[-1]) if before else None
        about = [each for each in log if each.ref == ref or each.ref in wanted]
        found.append(_then(ref, stated.get(ref), allowed, about, there, time))
    return tuple(found), tuple(unread)


def _then(
    ref: Ref, stated: Stated | None, allowed: Entry | None, log: Sequence[Entry], logs: Logs | None, time: str
) -> Then:
    if logs is None:
        return Then(ref, stated, allowed)
    newest = sorted(log, key=lambda each: each.at, reverse=True)
    now = _now(ref, logs, log)
    live = [now, *undone(now, (each for each in newest if each.at > time))][-1]
    past = [each for each in newest if each.at <= time]
    if past and past[0].values is None:
        live = None
    differences = _differences(ref, stated, live, past) if stated and live else ()
    return Then(ref, stated, allowed, live, True, tuple(differences))


def _now(ref: Ref, logs: Logs, log: Sequence[Entry]) -> Properties | None:
    """Return what PostHog holds of a definition now; what it deleted is still answered, of some kinds."""
    kind = KINDS[ref.kind]
    called = {ref, *(each.ref for each in log)}
    ids = [id_ for (name, id_), known in logs.known.items() if name == ref.kind and known in called]
    if not ids and kind.unique:
        name = next(each for each in kind.fields if each.name == kind.natural_key[0]).api_path[0]
        ids = [id_ for id_, item in logs.inventory.all(kind).items() if item.get(name) == ref.key]
    if not ids:
        return None
    try:
        item: Mapping[str, Any] = logs.inventory.client.get(
            logs.inventory.client.project_path(f"{kind.collection}/{ids[-1]}")
        )
    except ApiError:
        return None
    applied = logs.state.resources.get(ref)
    return with_refs(kind, kind.project(item, applied.properties if applied else {}, logs.directory), logs.ref_of)


def _differences(ref: Ref, stated: Stated, live: Properties, past: Sequence[Entry]) -> Iterator[Difference]:
    kind = KINDS[ref.kind]
    unmanaged = stated.properties.get("unmanaged", ())
    for field in reconcile.changed(kind, stated.properties, live):
        if field.secret or field.name in unmanaged or field.shared:
            continue
        change = next((each for each in past if each.values and field.name in each.values), None)
        for sentence in sentences(kind, field, stated.properties, live):
            yield Difference(sentence, change)
