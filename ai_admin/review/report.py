"""A plan for people: what an `up` would do, in sentences, the most dangerous first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ai_admin.definitions import Definition
from ai_admin.review.approval import approval, unread
from ai_admin.review.audience import COUNTED, Audiences, Reach, says_who
from ai_admin.review.changes import THREADS, Action, Change, Outlook, whole
from ai_admin.review.coming import Flag, Told, told
from ai_admin.review.effects import (
    OptedIn,
    Running,
    begun,
    effects,
    ended,
    enrolment,
    launched,
    running,
    started,
    starts,
)
from ai_admin.review.firing import firing, watched
from ai_admin.review.live import BY_POSTHOG, PAGED
from ai_admin.review.names import names
from ai_admin.review.sentences import Sentence, of_new, options, sentences, to_keep
from ai_admin.review.uses import Use, users
from ai_admin.run import Plan
from providers.posthog.history import Author
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties, refs
from providers.posthog.kinds.tiles import described
from providers.posthog.kinds.wording import SERVE, TEXT
from providers.posthog.limits import Rate, rates
from providers.posthog.reconcile import same
from providers.posthog.references import RefOf, with_refs
from providers.posthog.session import Session

START, EACH = 3.0, 0.15
"""Seconds of a run without a change, and of a write (docs/benchmarks.md)."""

REQUESTS = 2
"""The requests of a change: one that looks whether the object is still as it was read, and the write."""

NAMED = 8
"""Most objects that are named where something is not known of them."""

_ABOUT = (Action.ADOPT, Action.UPDATE, Action.HOLD)
"""What a run does with a flag that is there and stays."""

_SERVED = ("flag", "survey")
"""The kinds of which a flag decides whom they serve. Experiments that run on one are said of those (``effects``)."""

_DANGER = {
    Action.UNKNOWN: 0,
    Action.NOTHING: 0,
    Action.CREATE: 1,
    Action.UPDATE: 2,
    Action.HOLD: 3,
    Action.ADOPT: 3,
    Action.REPLACE: 5,
    Action.DELETE: 6,
}
"""How much worse an action makes what depends on it."""


@dataclass(frozen=True)
class ByHand:
    """A field that somebody changed in PostHog and the files did not. An `up` puts it back, unless it is held."""

    sentence: Sentence
    """From what was applied to what somebody made of it."""
    author: Author | None
    """Who did, as far as PostHog's log says."""
    keep: str = ""
    """What to write to keep it, where that is more than the value; else empty."""


@dataclass(frozen=True)
class Entry:
    """What becomes of one object."""

    change: Change
    sentences: tuple[Sentence, ...] = ()
    """What the files change."""
    by_hand: tuple[ByHand, ...] = ()
    overwritten: tuple[ByHand, ...] = ()
    """What somebody changed in PostHog of fields that the files change as well, so that it is lost."""
    reach: Reach | None = None
    """How many persons a flag serves, or a cohort has, now and then; None where nothing of that changes."""
    flags: tuple[tuple[Ref, Reach], ...] = ()
    """Of a cohort, a holdout or an experiment, the flags that serve more or fewer for it; of an experiment that is
    started, its flag if that stays as it is."""
    effects: tuple[str, ...] = ()
    """What follows for who is served, or for when an alert fires, where no sentence says it."""
    uncounted: tuple[Ref, ...] = ()
    """Of a flag or a cohort, the flags that serve by it of which no number says how many then."""
    uses: tuple[Use, ...] = ()
    """What uses it, and how."""
    approval: str = ""
    """Which approval in PostHog it needs; empty where none."""
    deleted: str = ""
    """Who deleted in PostHog what would be made anew, and when; empty where nobody did."""

    @property
    def danger(self) -> int:
        """How much depends on the change, by files and by hand."""
        return self.danger_of([*self.sentences, *(each.sentence for each in self.by_hand)])

    def danger_of(self, sentences: Iterable[Sentence]) -> int:
        """Return how much depends on a part of the change; without sentences on all that its kind decides."""
        weight = max((each.weight for each in sentences), default=self.change.kind.weight)
        if self.change.action is Action.DELETE and (self.change.live or {}).get("active") is False:
            weight = TEXT  # it serves nobody
        counted = self.reach if self.change.action is not Action.CREATE else None  # of new ones only a few are
        grows = counted is not None and (counted.then or 0) > (counted.now or 0)
        return 10 * weight + _DANGER[self.change.action] + (4 if grows else 0)


@dataclass(frozen=True)
class Report:
    """What an `up` would do to a stack."""

    stack: str
    host: str
    project: str
    entries: tuple[Entry, ...]
    """Of what changes, the most dangerous first."""
    unchanged: int
    """How many objects stay as they are."""
    refused: tuple[str, ...]
    """Why nothing but switch-offs would be applied; empty where it is."""
    warnings: tuple[str, ...]
    unowned: Mapping[str, int]
    """How many objects people made that no file owns, by kind, of the kinds that were read."""
    seconds: float
    """About how long the `up` takes."""
    coming: tuple[Told, ...] = ()
    """What will change flags in PostHog by itself, so that they differ from their files: flags that the plan is about,
    and those that are to be off."""

    @property
    def blocked(self) -> bool:
        """Whether anything would not be applied."""
        return bool(self.refused) or any(each.change.refused or each.change.unread for each in self.entries)

    @property
    def unread(self) -> tuple[str, ...]:
        """What is not known as PostHog could not be read, a line for each reason."""
        found: dict[str, list[Ref]] = {}
        for each in (each.change for each in self.entries if each.change.unread):
            found.setdefault(each.unread, []).append(each.ref)
        return tuple(not_known(about, reason) for reason, about in found.items())


def not_known(about: Sequence[Ref], reason: str) -> str:
    """Return what is not known for a reason."""
    return f"{some([f'{KINDS[ref.kind].words} {ref.key}' for ref in about])}: not known: {reason}"


def some(names: Sequence[str]) -> str:
    """Return names as one text; of many some, and how many more there are."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def report(stack: str, planned: Plan, found: Outlook, session: Session, count: bool = True) -> Report:
    """Return the report of an outlook. Asks PostHog who changed what, how many persons flags serve, when alerts fired.

    ``count``: whether PostHog is asked how many persons release conditions match, for the past of alerts, and for what
    will change flags by itself.
    """
    changes = [whole(each, session) for each in found.changes]
    moving = [each for each in changes if each.action is not Action.NOTHING]
    connection = session.inventory.client.connection
    held = Audiences(session, changes, count)
    audiences = held if count else None
    by_name = names(found.names, session.inventory)
    defined = with_left(planned.definitions, changes, by_name)
    using = users(defined)
    served = users(each for each in defined if each.kind in _SERVED)
    experiments = running(planned.definitions, changes)
    flags = {each.ref: each for each in changes if each.ref.kind == "flag"}

    def run_on(change: Change, flag: Change) -> tuple[str, ...]:
        """Return what follows from the start of an experiment, and what a new one measures."""
        if change.refused:
            return ()
        wanted = with_refs(change.kind, change.wanted or {}, by_name)
        stays = flag.refused or flag.action is Action.HOLD
        said = {**(flag.live or {}), **({} if stays else flag.wanted or {})}
        if change.action is Action.CREATE:
            return tuple(begun(wanted, said, not _active(flag, session)))
        switched = bool(flag.id) and not (session.inventory.get(flag.kind, flag.id) or {}).get("active", True)
        return tuple(started(wanted, said, switched)) if starts(change) else ()

    watching = watched(planned.definitions)
    on_flag = {each.id or str(each.ref): each for each in flags.values()}
    new = sum(each.ref.kind == "flag" and each.action is Action.CREATE for each in moving)
    stay = [each for each in flags.values() if _serves_the_same(each)]

    def is_off(flag: Ref) -> bool:
        return flag in flags and not _active(flags[flag], session)

    def entry(sides: tuple[Change, Change]) -> Entry:
        change, complete = sides
        needs = served if change.ref.kind == "flag" else using
        counted = audiences if change.action is not Action.CREATE or new <= COUNTED else None
        uses = needs.get(change.ref, ())
        made = _entry(complete, by_name, session, counted, uses, experiments, is_off)
        known = audiences.through(change.id, stay) if audiences and change.ref.kind == "cohort" and made.reach else []
        moved = [(ref, reach) for ref, reach in known if reach.now != reach.then or reach.another_variant]
        uncounted = _uncounted(made, {ref for ref, _ in known}, flags, is_off) if audiences else ()
        made = replace(made, change=change, flags=tuple(moved), uncounted=tuple(uncounted))
        if audiences and change.ref.kind == "early_access_feature":
            made = replace(made, flags=tuple(audiences.enrolled(change, stay)))
        if change.ref in watching and change.action is Action.CREATE:
            made = replace(made, effects=(watching[change.ref], *made.effects))
        if change.ref.kind in ("experiment", "holdout"):
            made = replace(made, flags=tuple(held.held(change.ref, flags.values())))
        flag = on_flag.get(str((change.wanted or {}).get("flag"))) if change.ref.kind == "experiment" else None
        if flag:
            made = replace(made, effects=(*made.effects, *run_on(change, flag)))
            if audiences and starts(change) and not made.flags:
                made = replace(made, flags=tuple(audiences.stay(flag)))
        if change.ref.kind == "experiment" and change.action is Action.DELETE:
            made = replace(made, effects=(*made.effects, *held.outlasting(change)))
        return made

    with ThreadPoolExecutor(THREADS) as pool:
        fires = pool.submit(firing, found.changes, session.inventory) if count else None
        comes = pool.submit(_coming, found.changes, session, by_name) if count else None
        both = zip(found.changes, changes, strict=True)
        entries = [*pool.map(entry, [each for each in both if each[0].action is not Action.NOTHING])]
    fired = fires.result() if fires else {}
    coming, unsaid = comes.result() if comes else ([], [])
    entries = [replace(each, effects=(*each.effects, *fired.get(each.change.ref, ()))) for each in entries]
    return Report(
        stack,
        connection.host,
        connection.project_id,
        tuple(sorted(entries, key=lambda each: (-each.danger, str(each.change.ref)))),
        len(found.changes) - len(moving),
        planned.refused,
        (*found.warnings, *filter(None, [unread(moving, session)]), *unsaid),
        _unowned(found, session),
        seconds(moving),
        tuple(coming),
    )


def _coming(changes: Iterable[Change], session: Session, by_name: RefOf) -> tuple[list[Told], list[str]]:
    """Return what makes flags differ from what the run leaves, and what is not known of that.

    What waits for an approval and would switch on a flag that its file has off is left out: the run takes it back,
    which is said.
    """
    flags: dict[Ref, Flag] = {}
    for each in changes:
        wanted = {**(each.wanted or {}), **({"active": False} if each.action is Action.HOLD else {})}
        about = each.action in _ABOUT or (each.action is Action.NOTHING and wanted.get("active") is False)
        if each.ref.kind == "flag" and about:
            flags[each.ref] = Flag(each.ref, each.id, wanted)
    found, unsaid = told(flags.values(), session, by_name)
    off = {each.ref for each in changes if (each.wanted or {}).get("active") is False}

    def is_taken_back(each: Told) -> bool:
        return each.coming.waits and bool(each.coming.switch) and each.ref in off

    return [each for each in found if each.differs and not is_taken_back(each)], unsaid


def _entry(
    change: Change,
    by_name: RefOf,
    session: Session,
    audiences: Audiences | None,
    uses: Sequence[Use],
    experiments: Mapping[Ref, Sequence[Running]],
    is_off: Callable[[Ref], bool],
) -> Entry:
    kind = change.kind
    sides = ({**(each or {}), "unmanaged": []} for each in (change.live, change.wanted, change.applied))
    live, wanted, applied = (with_refs(kind, each, by_name) for each in sides)
    put_back = {each.name for each in change.put_back}
    enrols = kind.name == "early_access_feature"
    opted_in: OptedIn = audiences.opted_in if audiences else lambda _: None
    if change.action is Action.UNKNOWN:
        return Entry(change)
    if change.action is Action.DELETE:
        reach = audiences.reach(change, live, {}) if audiences else None
        reach = reach if reach and reach.now else None
        dated = kind.name in ("experiment", "survey") and not change.refused
        there = (session.inventory.get(kind, change.id) or {}) if dated else {}
        opted = enrolment(live, {}, opted_in, is_off) if enrols else ()
        follows = (*_shown(change, session), *ended(kind.name, there), *opted)
        return Entry(change, reach=reach, effects=follows, uses=tuple(uses))
    if change.action is Action.CREATE:
        deleted = session.history.deleted_by(kind, change.gone) or "(nobody knows who)" if change.gone else ""
        survey = kind.name == "survey" and not change.refused
        began = launched(wanted) if survey else ()
        follows = tuple(enrolment({}, wanted, opted_in, is_off) if enrols else began)
        told = tuple(of_new(kind, wanted))
        reach = audiences.reach(change, live, wanted) if audiences and kind.name == "flag" else None
        reach = replace(reach, conditions={}) if reach else None
        return Entry(change, told, reach=reach, effects=follows, approval=approval(change, session), deleted=deleted)
    held = {"active"} if change.action is Action.HOLD else set()
    fields = [each for each in change.fields if each.name not in put_back | held]
    said = [text for field in fields for text in sentences(kind, field, live, wanted)]
    said += options(kind, change.live or {}, change.wanted or {})
    said += _anew(change, live, wanted)
    lost = [each for each in fields if each in change.by_hand]
    authors = session.history.authors(kind, change.id, [*change.put_back, *lost]) if put_back or lost else {}
    by_hand, overwritten = (
        tuple(
            ByHand(each, authors.get(field.name), to_keep(field, applied, live, change.source))
            for field in some
            for each in sentences(kind, field, applied, live)
        )
        for some in (change.put_back, lost if change.action is not Action.HOLD else ())
    )
    reach = audiences.reach(change, live, wanted) if audiences and change.action is not Action.HOLD else None
    there = (session.inventory.get(kind, change.id) or {}) if kind.narrowed else {}
    left = [name for name in kind.narrowed if there.get(name)]
    affects = effects(change, live, wanted, experiments, opted_in, left, is_off)
    follows = () if change.action is Action.HOLD else tuple(affects)
    uses = tuple(uses) if _matters(change) else ()
    needs = approval(change, session)
    return Entry(change, tuple(said), by_hand, overwritten, reach, effects=follows, uses=uses, approval=needs)


def _serves_the_same(flag: Change) -> bool:
    """Return whether nothing that a run does with a flag itself is about whom it serves."""
    applied = flag.action in (Action.UPDATE, Action.ADOPT) and not flag.refused
    return flag.action is Action.NOTHING or (applied and not says_who(flag))


def _uncounted(
    entry: Entry, known: Collection[Ref], flags: Mapping[Ref, Change], is_off: Callable[[Ref], bool]
) -> Iterator[Ref]:
    """Yield the flags that serve by a changed flag or cohort, of which neither ``known`` numbers nor their own entries
    say how many then. On who gets a flag PostHog counts no condition.
    """
    change = entry.change
    if change.ref.kind not in ("flag", "cohort") or change.refused:
        return
    if change.ref.kind == "flag" and (change.live or {}).get("active") is False and is_off(change.ref):
        return
    for flag in (each.flag for each in entry.uses if each.flag and each.flag not in known):
        own = flags.get(flag)
        told = own is not None and not own.refused and says_who(own) and not _by_flags(own.wanted or {})
        if not told and not is_off(flag):
            yield flag


def _by_flags(flag: Properties) -> bool:
    leaves = (leaf for each in flag.get("release_conditions") or () for leaf in each.get("properties") or ())
    return any(leaf.get("type") == "flag" for leaf in leaves)


def _active(flag: Change, session: Session) -> bool:
    """Return whether a flag is on after the run, as far as that is known."""
    active = (flag.wanted or {}).get("active")  # not there where it is left to PostHog's pages
    if active is False or not flag.id or flag.action is Action.UNKNOWN:
        return active is not False
    stays = active is None or flag.refused or flag.action is Action.HOLD
    live = session.inventory.get(flag.kind, flag.id) if stays else None
    return bool((live or {}).get("active", True))


def _matters(change: Change) -> bool:
    """Return whether a change means something to what uses the object: being called otherwise does not, and what uses
    a flag minds who is served.
    """
    least = SERVE if change.ref.kind == "flag" else TEXT + 1
    about = [each for each in change.fields if each.name != "payloads" and change.kind.weighs(each) >= least]
    return change.action is not Action.HOLD and bool(about)


def _shown(change: Change, session: Session) -> Iterator[str]:
    """Yield what a dashboard shows that is deleted, whoever put it there."""
    if change.ref.kind == "dashboard":
        live = session.inventory.get(change.kind, change.id) or {}
        tiles = [each for each in live.get("tiles") or () if not each.get("deleted")]
        more = [f"and {len(tiles) - NAMED:,} more"] * (len(tiles) > NAMED)
        if tiles:
            yield f"shows {', '.join([*map(described, tiles[:NAMED]), *more])}"


def _anew(change: Change, live: Properties, wanted: Properties) -> Iterator[Sentence]:
    """Yield a sentence for each object that a definition names as before, and that is made anew.

    ``live`` and ``wanted`` are the two sides of the change in the form of the sentences. Under one key both the object
    that is gone and the new one look the same there.
    """
    for field in change.fields:
        if same(live.get(field.name), wanted.get(field.name)):
            for ref in dict.fromkeys(refs((change.wanted or {}).get(field.name))):
                words = f"names the new {KINDS[ref.kind].words} {ref.key} in the place of the deleted one"
                yield Sentence(words, field.name, change.kind.weighs(field))


def with_left(definitions: Iterable[Definition], changes: Iterable[Change], by_name: RefOf) -> list[Definition]:
    """Return definitions with what they leave to PostHog's pages, which ``changes`` say (:func:`whole`)."""
    there = {each.ref: each.wanted for each in changes if each.wanted and each.wanted.get("unmanaged")}

    def left(definition: Definition) -> Properties:
        wanted = there.get(Ref(definition.kind, definition.key), {})
        held = with_refs(KINDS[definition.kind], {**wanted, "unmanaged": []}, by_name) if wanted else {}
        return {name: held[name] for name in wanted.get("unmanaged", ()) if name in wanted and name in held}

    return [replace(each, properties={**each.properties, **left(each)}) for each in definitions]


def _unowned(found: Outlook, session: Session) -> dict[str, int]:
    """Return how many live objects that people made belong to no definition, by kind."""
    owned = {*found.names, *((each.ref.kind, each.id) for each in found.changes)}
    counted = Counter(
        kind.name
        for kind, live in session.inventory.read_so_far(PAGED)
        if kind.name not in BY_POSTHOG
        for id_, item in live.items()
        if (kind.name, id_) not in owned and not item.get("deleted")
    )
    return dict(counted)


def seconds(changes: Iterable[Change]) -> float:
    """Return about how many seconds the changes take, on a PostHog with rate limits."""
    writes = Counter[tuple[Rate, ...]]()
    applied = [each for each in changes if each.action not in (Action.HOLD, Action.UNKNOWN)]
    for change in applied:
        if not change.as_wanted:
            writes[rates(f"/api/projects/1/{KINDS[change.ref.kind].collection}/")] += 1
    work = START + EACH * len(applied)
    return work + max((_waits(REQUESTS * count, limits) for limits, count in writes.items()), default=0.0)


def _waits(requests: int, limits: tuple[Rate, ...]) -> float:
    """Return how many seconds the last of so many requests waits for these limits."""
    return max((requests - 1) // rate.requests * rate.seconds for rate in limits)
