"""`ai-admin history KEY --at DATE`: what a definition was then, in its file and in PostHog, and who had allowed it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ai_admin.review.history import Logs, Past, matches, read_log, with_former
from ai_admin.review.logged import not_told, undone
from ai_admin.review.sentences import Sentence, sentences
from ai_admin.review.timeline import Entry
from ai_admin.review.versions import Stated, changes
from providers.posthog import reconcile
from providers.posthog.advice import explained
from providers.posthog.errors import ApiError
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.phrases import key_text
from providers.posthog.references import with_refs

NOT_FOUND = 404

NOT_KNOWN = "what PostHog held is not known"


@dataclass(frozen=True)
class Differed:
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
    differences: tuple[Differed, ...] = ()
    unread: str = ""
    """What is not known of what PostHog held; empty where all is, or where nobody asked."""


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
        known = Then(ref, stated.get(ref), allowed, unread=NOT_KNOWN if logs and there is None else "")
        try:
            known = _then(known, about, there, time) if there else known
        except ApiError as problem:
            unread.append(f"{KINDS[ref.kind].words} {ref.key}: {explained(problem)}")
            known = replace(known, unread=NOT_KNOWN)
        else:
            if known.known and known.unread:
                unread.append(f"{KINDS[ref.kind].words} {ref.key}: {known.unread}")
        found.append(known)
    return tuple(found), tuple(unread)


def _then(found: Then, log: Sequence[Entry], logs: Logs, time: str) -> Then:
    """Return what a definition was, with what PostHog held of it. Raises ``ApiError``."""
    newest = sorted(log, key=lambda each: each.at, reverse=True)
    since, past = [each for each in newest if each.at > time], [each for each in newest if each.at <= time]
    now, changed = _now(found.ref, logs, log)
    live = [now, *undone(now, since)][-1]
    if past and past[0].values is None:
        live = None
    if live is None:
        return replace(found, known=True)
    # Of a deleted object only the changes in the log are left.
    unclear = not_told(since, () if now else [each.name for each in KINDS[found.ref.kind].fields])
    live = {name: value for name, value in live.items() if name not in unclear}
    differences = _differences(found.ref, found.stated, live, past, unclear) if found.stated else ()
    what = f"its {', '.join(map(key_text, sorted(unclear)))}" if now else "the rest of it" if live else "it"
    said = f"PostHog held one, and its log does not say what {what} was then" if unclear else ""
    if not past and not said and (not changed or changed > time):
        said = "PostHog's log has nothing of it from before, and may not go back so far"
    return replace(found, live=live, known=True, differences=tuple(differences), unread=said)


def _now(ref: Ref, logs: Logs, log: Sequence[Entry]) -> tuple[Properties | None, str]:
    """Return what PostHog holds of a definition now, and since when that is so (ISO 8601, UTC), empty where that is not
    known; what it deleted is still answered, of some kinds. Raises ``ApiError``.
    """
    kind, inventory = KINDS[ref.kind], logs.inventory
    called = {ref, *(each.ref for each in log)}
    ids = [id_ for (name, id_), known in logs.known.items() if name == ref.kind and known in called]
    if not ids and kind.unique:
        name = next(each for each in kind.fields if each.name == kind.natural_key[0]).api_path[0]
        ids = [id_ for id_, item in inventory.all(kind).items() if item.get(name) == ref.key]
    if not ids or (kind.unlisted_fails and ids[-1] not in inventory.all(kind)):
        return None, ""
    try:
        item: Mapping[str, Any] = inventory.client.get(
            inventory.client.project_path(f"{kind.collection}/{ids[-1]}")
        )
    except ApiError as problem:
        if problem.status == NOT_FOUND:
            return None, ""
        raise
    applied = logs.state.resources.get(ref)
    held = kind.project(item, applied.properties if applied else {}, logs.directory)
    changed = str(item.get("updated_at") or item.get("last_modified_at") or "").replace("Z", "+00:00")
    return with_refs(kind, held, logs.ref_of), changed


def _differences(
    ref: Ref, stated: Stated, live: Properties, past: Sequence[Entry], unclear: Collection[str]
) -> Iterator[Differed]:
    kind = KINDS[ref.kind]
    unmanaged = stated.properties.get("unmanaged", ())
    for field in reconcile.changed(kind, stated.properties, live):
        if field.secret or field.name in (*unmanaged, *unclear) or field.shared:
            continue
        change = next((each for each in past if each.values and field.name in each.values), None)
        for sentence in sentences(kind, field, stated.properties, live):
            yield Differed(sentence, change)
