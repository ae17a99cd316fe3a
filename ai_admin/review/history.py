"""`ai-admin history`: who changed what, when and why, from Git and from PostHog's activity log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path

from ai_admin.definitions.files import TOP_FOLDERS
from ai_admin.definitions.stacks import known_stacks
from ai_admin.review.changes import Warnings
from ai_admin.review.commits import Commit, Repository
from ai_admin.review.logged import Log
from ai_admin.review.names import names
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State
from ai_admin.review.timeline import Entry, joined, last, renamed
from ai_admin.review.versions import Versions, changes
from providers.posthog.errors import ApiError, NoHistory, Problem, UnreadableState
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Kind, Ref
from providers.posthog.kinds.flag import FLAG


@dataclass(frozen=True)
class History:
    """What happened."""

    entries: tuple[Entry, ...]
    """The newest first."""
    keys: frozenset[str]
    """The keys of everything that there ever was."""
    unread: tuple[str, ...] = ()
    """What could not be read, a line each: without it the history is not whole."""


class Past:
    """The commits of a checkout that changed definitions."""

    def __init__(self, root: Path) -> None:
        """Read them. Raises ``NoHistory``."""
        self.repository = Repository(root)
        self.commits = self.repository.commits(TOP_FOLDERS)
        ids = (id_ for each in self.commits for file in each.files for id_ in (file.before, file.after))
        self.contents = self.repository.contents(list(ids))
        self._brought: dict[str, list[Commit]] = {}

    def at(self, time: str, stacks: Sequence[str]) -> Versions:
        """Return the definitions as they were at a time (ISO 8601, UTC)."""
        versions = Versions(stacks, self.contents)
        for commit in self.commits:
            if commit.at <= time:
                list(versions.go(commit))
        return versions

    def told(self, entry: Entry) -> Entry:
        """Return an entry with all that Git knows of who made it: of a merge, what it brought."""
        if entry.commit is None:
            return entry
        if entry.commit.id not in self._brought:
            self._brought[entry.commit.id] = self.repository.merged(entry.commit)
        here = [
            each for each in self._brought[entry.commit.id] if any(file.path in entry.paths for file in each.files)
        ]
        authors = dict.fromkeys(name for each in here for name in (each.author, *each.told.authors))
        return replace(entry, by=tuple(authors), commit=_of_merge(entry.commit, here)) if here else entry


def _of_merge(merge: Commit, brought: Sequence[Commit]) -> Commit:
    """Return a merge with what the messages of its commits say, where its own does not."""
    told = [merge.told, *(each.told for each in brought)]
    titled = not merge.told.reason.startswith("Merge ")
    reasons = dict.fromkeys(each.told.reason.partition("\n")[0] for each in reversed(brought))
    return replace(
        merge,
        told=replace(
            merge.told,
            reason=merge.told.reason if titled else "; ".join(reasons),
            pull_request=next((each.pull_request for each in told if each.pull_request), ""),
            reviewers=tuple(dict.fromkeys(name for each in told for name in each.reviewers)),
        ),
    )


def history(
    root: Path, key: str = "", stack: str | None = None, since: str = "", logs: Callable[[], Logs] | None = None
) -> History:
    """Return what happened to definitions and to their objects in PostHog.

    Args:
        root: the checkout.
        key: ``kind/key``, or a key, of the only definition that is asked for, also by a key that it had; empty for all.
        stack: the stack; None for what all stacks' files said, without PostHog's log.
        since: when the oldest entry is that is asked for (ISO 8601, UTC); empty for all.
        logs: opens PostHog's log of the stack; None: it is not read.
    """
    unread: list[str] = []
    commits: list[Entry] = []
    past: Past | None = None
    try:
        past = Past(root)
        commits = changes(past.commits, past.contents, [stack] if stack else known_stacks(root))
        if past.repository.shallow:
            unread.append("this clone lacks older commits: run `git fetch --unshallow`")
    except NoHistory as problem:
        unread.append(str(problem))
    wanted = with_former(commits, key)
    _, log = read_log(logs, unread, wanted, commits, key, since)
    entries = joined(commits, log, stack or "")
    of = {ref for ref in (each.ref for each in entries) if not key or ref in wanted or matches(ref, key)}
    found = [each for each in entries if each.ref in of and each.at >= since]
    return History(
        tuple(past.told(each) if past else each for each in reversed(found)),
        frozenset(each.ref.key for each in entries),
        tuple(unread),
    )


def moment(text: str, end: bool = False) -> str:
    """Return a day or a time as ISO 8601 in UTC; what has no zone is meant in UTC.

    Args:
        text: ``2026-11-12`` or ``2026-11-12T10:00:00+01:00``.
        end: a day means its end, and not its beginning.

    Raises ValueError.
    """
    found = datetime.fromisoformat(text)
    if len(text) <= len("2026-11-12") and end:
        found = datetime.combine(found, time.max)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def read_log(
    logs: Callable[[], Logs] | None, unread: list[str], wanted: Collection[Ref], commits: Iterable[Entry], key: str,
    since: str = "",
) -> tuple[Logs | None, list[Entry]]:  # fmt: skip
    """Return PostHog's log of a stack, as ``logs`` opens it, with what :meth:`Logs.read` gives of it; None and nothing
    where it is not asked for, or can't be read. What could not be read is added to ``unread``.
    """
    if logs is None:
        return None, []
    try:
        opened = logs()
        unread += [opened.unread] if opened.unread else []
        return opened, opened.read(wanted, commits, key, since)
    except Problem as problem:
        unread.append(f"PostHog's activity log: {' '.join(str(problem).split())}")
        return None, []


def matches(ref: Ref, key: str) -> bool:
    """Return whether ``kind/key``, or a key, names a definition."""
    return key in (ref.key, str(ref))


def with_former(commits: Iterable[Entry], key: str) -> set[Ref]:
    """Return the definitions with a key (``kind/key``, or a key), and those that they were under former keys."""
    entries = list(commits)
    found = {each.ref for each in entries if matches(each.ref, key)}
    for each in reversed(entries):
        if each.ref in found and each.former:
            found.add(each.former)
    return found


class Named:
    """The names that commits gave the objects of definitions, and when the files had these definitions."""

    def __init__(self, commits: Iterable[Entry]) -> None:
        entries = sorted(commits, key=lambda each: each.at)
        later = renamed(entries)
        named: dict[tuple[str, str], set[Ref]] = {}
        self._stated: dict[Ref, list[tuple[str, bool]]] = {}
        for each in entries:
            ref, said = last(each.ref, later), [*filter(None, each.after.values())]
            self._stated.setdefault(ref, []).append((each.at, bool(said)))
            for name in filter(None, (properties.get("name") for properties in said)):
                named.setdefault((ref.kind, str(name)), set()).add(ref)
        self._refs = {name: next(iter(refs)) for name, refs in named.items() if len(refs) == 1}

    def ref(self, kind: str, name: str) -> Ref | None:
        """Return the definition whose object had a name, under the key that it has in the end; None where not just one
        ever had.
        """
        return self._refs.get((kind, name))

    def stated(self, ref: Ref, at: str) -> bool:
        """Return whether the files had a definition at a time (ISO 8601, UTC)."""
        return next((there for time, there in reversed(self._stated.get(ref, [])) if time <= at), False)


class Logs:
    """PostHog's activity log of a stack's project."""

    def __init__(self, stack: Reviewed) -> None:
        """Connect. Raises ``Unreachable``."""
        self.session = stack.session(Warnings())
        self.inventory = self.session.inventory
        self.directory = PostHogDirectory(self.inventory.client)
        self.state = State()
        self.unread = ""
        """Why it is not known which objects are whose; empty where it is."""
        try:
            self.state = stack.state
        except UnreadableState as problem:
            self.unread = f"what was applied to {stack.stack}, so that objects have PostHog's names: {problem}"
        standing = (*self.state.replaced, *self.state.resources.values())
        gone = {(ref.kind, id_): ref for ref, id_ in self.state.gone.items()}
        self.known = {**gone, **{(each.ref.kind, each.id): each.ref for each in standing}}
        self.ref_of = names(self.known, self.inventory)
        self._user = self.inventory.user_id()

    def read(self, wanted: Collection[Ref], commits: Iterable[Entry], key: str = "", since: str = "") -> list[Entry]:
        """Return what the log says of these definitions' objects; without a key, of all of our kinds.

        What this program made or deleted is the definition's that had its name in one of these commits, also where no
        state has it any more, and so is what somebody deleted while the definition had no other object; it is in
        ``known`` then. Raises ``ApiError``.
        """
        named = Named(commits)
        if not key:
            return self._read(named, KINDS.values(), "", since)
        asked = {*wanted, *(ref for ref in self.known.values() if matches(ref, key))}
        # The log can be asked for an id that is the one in the database.
        standing = [(KINDS[kind], id_) for (kind, id_), ref in self.known.items() if ref in asked]
        known = [(kind, id_) for kind, id_ in standing if kind.id_name == "id"]
        # An object that is in no state any more is known only by its name, so any unknown object may be it.
        lost = {ref.kind for ref in asked} - {kind.name for kind, _ in known} if asked else {*KINDS}
        # Several kinds may have one name in the log.
        filed = {(kind.log_scope, id_): kind for kind, id_ in known}
        found = [each for (_, id_), kind in filed.items() for each in self._read(named, [kind], id_, since)]
        # A created object may have replaced another one of the same name.
        made = {each.ref.kind for each in found if each.before is None and not KINDS[each.ref.kind].unique}
        found, lost = [each for each in found if each.ref.kind not in made], lost | made
        every = self._read(named, [KINDS[kind] for kind in sorted(lost)], "", since) if lost else []
        found += [each for each in every if each.ref.kind in lost]
        return [each for each in found if each.ref in asked or matches(each.ref, key)]

    def _sealed(self, id_: str) -> bool:
        """Return whether a flag's payloads are encrypted, also where that is not known."""
        try:
            return bool(self.inventory.all(FLAG).get(id_, {}).get("has_encrypted_payloads"))
        except ApiError:
            return True

    def _read(
        self, named: Named, kinds: Iterable[Kind], id_: str, since: str
    ) -> list[Entry]:
        scopes = dict.fromkeys(kind.log_scope for kind in kinds)
        logged = list(self.session.history.log(scopes, id_, since))
        log = Log(self.known, self.ref_of, self.directory, self._user, self._sealed)
        lost = [each for each in log.lost(logged, named.ref, named.stated) if each[0] not in self.known]
        # The newest comes last, and after it the present state, as what a definition's object is now.
        self.known = {**dict(reversed(lost)), **self.known}
        self.ref_of = names(self.known, self.inventory)
        return replace(log, names=self.known, ref_of=self.ref_of).entries(logged)
