"""What differs in PostHog from the files, by whom and since when; and what people made that is in no file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ai_admin.review import reading
from ai_admin.review.changes import THREADS
from ai_admin.review.coming import HEADING, Told, told
from ai_admin.review.comparison import LEAVES, Comparison, Difference, Unowned
from ai_admin.review.history import matches
from ai_admin.review.names import names
from ai_admin.review.report import not_known
from ai_admin.review.sentences import Sentence, sentences, to_keep
from ai_admin.review.text import Style, plain
from providers.posthog.advice import explained
from providers.posthog.history import Author, History, not_read
from providers.posthog.kinds import KINDS, Field, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.references import RefOf, with_refs

UNTOLD = "from the file to PostHog; without a state it is not known which of them was changed"
"""What is said in the place of an author where nothing was applied."""


@dataclass(frozen=True)
class Said:
    """One thing that differs."""

    sentence: Sentence
    """From what the file says to what PostHog holds, or back where the file was changed or takes the field back. Where
    both changed the field, its text says from where it was applied last, and its values are still those of the two."""
    by_hand: bool
    """Whether PostHog holds it otherwise than it was applied last; else the file was changed since."""
    overwritten: bool = False
    """Whether it is the file's change of a field that was changed in PostHog too: `ai-admin pull` takes the field over
    as it is in PostHog."""
    taken_back: bool = False
    """Whether the field was left to PostHog's pages, by hand then, and the file says it now."""
    author: Author | None = None
    """Who changed it in PostHog last; None where the log does not say, or nobody did."""
    keep: str = ""
    """What to write to keep it, where `ai-admin pull` can't; else empty."""


@dataclass(frozen=True)
class Drifted:
    """A definition that differs in PostHog, in words."""

    difference: Difference
    said: tuple[Said, ...] = ()
    whole: str = ""
    """What is to be said of the object as a whole."""


@dataclass(frozen=True)
class Drift:
    """What differs in a stack."""

    stack: str
    host: str
    project: str
    entries: tuple[Drifted, ...]
    same: int
    """How many definitions PostHog holds as the files say."""
    unowned: tuple[Unowned, ...]
    broken: tuple[str, ...] = ()
    """What is wrong with files that are left out, a line each."""
    unread: tuple[str, ...] = ()
    """What could not be read in PostHog, a line for each reason."""
    leaving: tuple[tuple[Ref, str], ...] = ()
    """What no file has any more and the next `up` deletes, with its id."""
    unknown: tuple[Ref, ...] = ()
    """The definitions of which it is not known for that whether PostHog holds them so, and what no file has any more
    and may be gone."""
    coming: tuple[Told, ...] = ()
    """What will change flags in PostHog by itself, so that they differ."""


def drift(stack: str, comparison: Comparison) -> Drift:
    """Return what differs. Asks PostHog's activity log once for each object that does."""
    every = list(comparison.differences())
    found = [each for each in every if not each.unread]
    history, connection = comparison.project.history, comparison.project.client.connection
    by_name = names(comparison.owners, comparison.project.inventory)
    with ThreadPoolExecutor(THREADS) as pool:
        entries = tuple(pool.map(lambda each: drifted(each, history, by_name), found))
    same = len(comparison.definitions) - len(every)
    unread: dict[str, list[Ref]] = {explained(each): [] for each in comparison.project.unread.values()}
    not_read = [(each.ref, each.unread) for each in every if each.unread] + [*comparison.perhaps_leaving()]
    for ref, reason in not_read:
        unread.setdefault(reason, []).append(ref)
    lines = [not_known(about, reason) if about else f"not known: {reason}" for reason, about in unread.items()]
    coming, perhaps = told(comparison.flags(), comparison.project, by_name)
    return Drift(
        stack,
        connection.host,
        connection.project_id,
        entries,
        same,
        tuple(comparison.unowned()),
        comparison.broken,
        (*lines, *perhaps),
        tuple((ref, id_) for (_, id_), ref in comparison.leaving.items()),
        tuple(ref for ref, _ in not_read),
        tuple(each for each in coming if each.differs),
    )


def drifted(each: Difference, history: History, by_name: RefOf) -> Drifted:
    """Return a difference in words, with who made it; ``by_name`` says what an id is called that no file has."""
    kind = KINDS[each.ref.kind]
    if each.unclear:
        return Drifted(each, whole=each.unclear)
    if each.there is None and not each.id:
        return Drifted(each, whole="is not in PostHog: it was never applied, or its state is lost")
    if each.there is None:
        return Drifted(each, whole=f"was removed in PostHog {history.deleted_by(kind, each.id)}".rstrip())
    authors = history.authors(kind, each.id, each.by_hand) if each.live and each.by_hand else {}
    file, there = each.definition.properties, with_refs(kind, each.there, by_name)
    source = str(each.definition.source)
    said = tuple(
        replace(
            part, author=authors.get(field.name) if part.by_hand else None, keep=to_keep(field, file, there, source)
        )
        for field in each.fields
        for part in _parts(each, field, file, there)
    )
    unapplied = "PostHog holds what was applied last: the file was changed since"
    met = "PostHog has met it since the last `pulumi up`: the next one describes it"
    return Drifted(each, said, (unapplied if each.last is not None else met) if each.applied else "")


def _parts(each: Difference, field: Field, file: Properties, there: Properties) -> Iterator[Said]:
    """Yield what differs in a field, without who changed it.

    Where both changed the field, of each part it is looked at who did, and each change is said from where it began.
    """
    kind = KINDS[each.ref.kind]
    in_posthog, in_file = sentences(kind, field, file, there), sentences(kind, field, there, file)
    if field not in each.by_hand:
        yield from (Said(sentence, by_hand=False) for sentence in in_file)
        return
    if field in each.left:
        yield from (Said(sentence, by_hand=True, taken_back=True) for sentence in in_file)
        return
    if field not in each.edited or each.last is None:
        yield from (Said(sentence, by_hand=True) for sentence in in_posthog)
        return
    theirs, ours = (sentences(kind, field, each.last, now) for now in (there, file))
    for sentence in _since(theirs, in_posthog, ours):
        yield Said(sentence, by_hand=True)
    for sentence in in_posthog:
        if not any(_meet(sentence, change) for change in (*theirs, *ours)):  # nobody knows by whom
            yield Said(sentence, by_hand=True)
    for sentence in _since(ours, in_file, theirs):
        yield Said(sentence, by_hand=False, overwritten=True)


def _since(
    changes: Sequence[Sentence], differing: Sequence[Sentence], others: Sequence[Sentence]
) -> Iterator[Sentence]:
    """Yield the changes of one side that show in what differs, each from the value that the other side has.

    Args:
        changes: from what was applied last to what this side has.
        differing: from what the other side has to that.
        others: from what was applied last to what the other side has.
    """
    for change in changes:
        if any(_meet(change, each) for each in differing):
            there = [each.before for each in differing if each.path == change.path]
            there += [each.after for each in others if each.path == change.path]
            yield replace(change, before=[*there, change.before][0])


def _meet(one: Sentence, other: Sentence) -> bool:
    """Return whether two sentences are about the same, or one about a part of the other.

    Where the items of a list have sentences of their own, that of the list is about their order, and they are no part.
    """
    short, long = sorted((one, other), key=lambda each: len(each.path))
    of_order = isinstance(short.before, list) and isinstance(short.after, list)
    return short.path == long.path or (not of_order and short.path == long.path[: len(short.path)])


def text(found: Drift, every: bool, style: Style = plain) -> str:
    """Return what differs for people; ``every``: name each object that is in no file."""
    return "\n".join(_lines(found, every, style))


def _lines(found: Drift, every: bool, style: Style) -> Iterator[str]:
    number = len(found.entries) + len(found.leaving)
    counted = reading.counted(number, "differs", "differ") if number else "nothing differs"
    unknown = f", of {len(found.unknown):,} it is not known" if found.unknown else ""
    unknown += ", and files with problems are left out" if found.broken else ""
    where = f"{found.stack} (project {found.project} of {found.host})"
    yield f"{where}: {counted}, {found.same:,} as the files say{unknown}"
    for each in found.entries:
        yield ""
        sign, colour = ("-", "red") if each.difference.there is None else ("~", "yellow")
        path, line, _ = each.difference.definition.source
        place = style(f"{path}:{line}", "bright_black")
        named = style(f"{KINDS[each.difference.ref.kind].words} {each.difference.ref.key}", "bold")
        yield f"{style(sign, colour)} {named}  {place}"
        if each.whole:
            yield f"    {each.whole}"
        applied = each.difference.applied
        yield from (
            f"    {said.sentence.text}{'' if applied else f' {_by(each.difference, said)}'}" for said in each.said
        )
    for ref, _ in found.leaving:
        yield ""
        yield f"{style('-', 'red')} {style(f'{KINDS[ref.kind].words} {ref.key}', 'bold')}"
        yield f"    {LEAVES}"
    if found.coming:
        yield ""
        yield style(HEADING, "yellow")
        yield from (f"  {each.named}" for each in found.coming)
    counts = Counter(each.kind.name for each in found.unowned)
    if counts:
        yield ""
        yield reading.unowned(counts)
    for unowned in found.unowned if every else ():
        yield f"  {unowned.kind.words} {unowned.id}: {unowned.title or unowned.page}"
    if not all(each.difference.applied for each in found.entries):
        yield ""
        yield f"to write into the files what PostHog holds: ai-admin pull --stack {found.stack}"


def by_whom(difference: Difference, author: Author | None) -> str:
    """Return who made a difference and when; where nothing was applied and the log names nobody, that nobody may have
    changed PostHog.
    """
    if difference.last is None and (author is None or author.unread):
        return f"({UNTOLD}{f'; {not_read(author.unread)}' if author else ''})"
    return reading.written(author)


def _by(difference: Difference, said: Said) -> str:
    if not said.by_hand:
        return "(changed in the file since it was applied)"
    back = "in the file, which takes it back from PostHog's pages, where it was set " if said.taken_back else ""
    return back + by_whom(difference, said.author) + (f"; {said.keep}" if said.keep else "")


def as_json(found: Drift) -> str:
    """Return what differs as JSON; references are ``kind/key``, and secrets are left out."""
    return json.dumps(
        {
            "stack": found.stack,
            "host": found.host,
            "project": found.project,
            "differing": [*map(_entry, found.entries), *(_leaving(ref, id_) for ref, id_ in found.leaving)],
            "same": found.same,
            "unknown": [str(each) for each in found.unknown],
            "coming": [each.as_data() for each in found.coming],
            "broken": list(found.broken),
            "unread": list(found.unread),
            "unowned": [{"kind": each.kind.name, "id": each.id, "name": each.title} for each in found.unowned],
        },
        indent=2,
        ensure_ascii=False,
        default=str,
    )


def _entry(each: Drifted) -> dict[str, Any]:
    difference = each.difference
    state = "removed" if difference.removed else "missing" if difference.there is None else "changed"
    return {
        "name": str(difference.ref),
        "id": difference.id or None,
        "source": str(difference.definition.source),
        "state": "unclear" if difference.unclear else "not applied" if difference.applied else state,
        "message": each.whole or None,
        "fields": [_said(said) for said in each.said],
    }


def _leaving(ref: Ref, id_: str) -> dict[str, Any]:
    return {"name": str(ref), "id": id_, "source": None, "state": "in no file", "message": LEAVES, "fields": []}


def _said(said: Said) -> dict[str, Any]:
    sides = said.sentence.before, said.sentence.after
    file, there = sides if said.by_hand and not said.taken_back else sides[::-1]
    return {
        "field": said.sentence.field,
        "path": list(said.sentence.path),
        "sentence": said.sentence.text,
        "file": file,
        "posthog": there,
        "by_hand": said.by_hand,
        "taken_back": said.taken_back,
        **reading.as_data(said.author),
    }


def concerning(found: Sequence[Difference], keys: Sequence[str]) -> list[Difference]:
    """Return the differences of these definitions, by key or ``kind/key``; all of them where none is named."""
    return [each for each in found if not keys or any(matches(each.ref, key) for key in keys)]
