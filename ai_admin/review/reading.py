"""A report's entries as lines, in the words that every form of a plan shares. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ai_admin.review.audience import Reach
from ai_admin.review.changes import Action
from ai_admin.review.report import ByHand, Entry, Report, some
from ai_admin.review.sentences import Sentence
from providers.posthog.history import Author, not_read
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.phrases import moment_text


class Look(NamedTuple):
    """How an action is shown."""

    sign: str
    colour: str
    words: str
    """What becomes of the object, in half a sentence; empty where the sentences say it."""


LOOKS = {
    Action.CREATE: Look("+", "green", "is new"),
    Action.ADOPT: Look("=", "cyan", "is adopted as it is in PostHog"),
    Action.UPDATE: Look("~", "yellow", ""),
    Action.REPLACE: Look("±", "magenta", "is replaced: a new object is made, and the one in PostHog deleted"),
    Action.DELETE: Look("-", "red", "is deleted"),
    Action.HOLD: Look("!", "red", "stays off"),
    Action.UNKNOWN: Look("?", "red", "is not known"),
}

SHOWN = 8
"""Most lines of what uses an object before the rest is counted, but for flags that serve by it."""


def title(report: Report) -> str:
    """Return what a report says in one line."""
    taken = len(taken_over(report))
    unknown = sum(each.change.action is Action.UNKNOWN for each in report.entries)
    held = sum(each.change.action is Action.HOLD for each in report.entries)
    refused = sum(bool(each.change.refused) for each in report.entries) - unknown
    unmet = sum(each.change.unmet for each in report.entries)
    number = len(report.entries) - taken - unknown - held - refused - unmet
    changes = counted(number, "object changes", "objects change") if number else "nothing changes"
    if taken:
        changes += f", {counted(taken, 'is adopted as it is', 'are adopted as they are')} (nothing is sent)"
    if unmet:
        changes += f", {counted(unmet, 'is', 'are')} not in PostHog yet (nothing is sent before)"
    if held:
        changes += f", {counted(held, 'stays off', 'stay off')}"
    if refused:
        changes += f", {counted(refused, 'is', 'are')} not applied"
    if unknown:
        changes += f", {counted(unknown, 'is', 'are')} not known"
    stay = f", {report.unchanged:,} as they are" if report.unchanged else ""
    took = f"; about {duration(report.seconds)} to apply" if report.entries else ""
    return f"{report.stack} (project {report.project} of {report.host}): {changes}{stay}{took}"


def name(entry: Entry) -> str:
    """Return the name of an entry's object, with the one it had before."""
    change = entry.change
    former = f" (so far {change.former.key})" if change.former else ""
    return f"{change.kind.words} {change.ref.key}{former}"


def about(entry: Entry) -> str:
    """Return what becomes of an entry's object, in half a sentence; empty where its sentences say it."""
    change = entry.change
    words = LOOKS[change.action].words
    if change.action is Action.ADOPT and entry.sentences:
        words = "is adopted from PostHog, and changed"
    if change.unmet:
        words = "is not in PostHog yet, which makes it when it first meets it in an event; nothing is sent before"
    if entry.deleted:
        words = f"was deleted in PostHog {entry.deleted}{'' if change.refused else ' and is made anew'}"
    return words


def is_left(entry: Entry) -> bool:
    """Return whether an object is left as it is in PostHog: a flag that stays off, or what is refused."""
    return entry.change.action is Action.HOLD or bool(entry.change.refused)


def stays(entry: Entry) -> Iterator[str]:
    """Yield what somebody changed in PostHog of an object that is left as it is."""
    if is_left(entry):
        yield from (f"in PostHog: {put_back(found)}" for found in entry.by_hand)


def intended(report: Report) -> list[Entry]:
    """Return the entries that the files change, or that an approval, a refusal or a hold is about, the most dangerous
    first.
    """
    apart = [*by_hand(report), *taken_over(report)]
    known = [each for each in report.entries if each.change.action is not Action.UNKNOWN]
    return sorted((each for each in known if each.sentences or each not in apart), key=_by_files)


def taken_over(report: Report) -> list[Entry]:
    """Return the entries of what is adopted as it is: nothing is sent, so that it is counted and not listed."""
    return [each for each in report.entries if each.change.as_wanted and not (each.sentences or each.approval)]


def changing(report: Report) -> list[Entry]:
    """Return the entries of what changes, in PostHog or in who owns what: what is adopted as it is belongs to the
    stack from then on. A property that PostHog has not met yet is only entered into the state.
    """
    return [each for each in report.entries if not each.change.unmet]


def takes_over(report: Report, every: bool = False) -> Iterator[str]:
    """Yield what is adopted as it is, by kind, a line for all of it; with ``every`` the names, a line each."""
    found = taken_over(report)
    if not found:
        return
    kinds = Counter(each.change.ref.kind for each in found)
    yield f"adopted as they are in PostHog (nothing is sent): {', '.join(_by_kind(kinds))}"
    if every:
        yield from (f"  {name(each)}" for each in found)
    if not report.unchanged and all(each.change.applied is None for each in report.entries):
        yield "nothing is in the stack's state: it is new, or its state was lost"


def by_hand(report: Report) -> list[Entry]:
    """Return the entries in which something would be put back that somebody changed in PostHog, the most dangerous
    first.
    """
    return sorted((each for each in report.entries if each.by_hand and not is_left(each)), key=_by_hand)


def sections(report: Report) -> Iterator[tuple[bool, list[Entry]]]:
    """Yield what the files change and, apart from it, what would be put back (True), the most dangerous first.

    Each of the two is in as many sections as it takes that nothing stands behind what less depends on.
    """
    changed = ((_by_files(each), False, each) for each in intended(report))
    back = ((_by_hand(each), True, each) for each in by_hand(report))
    for is_back, found in groupby(merge(changed, back, key=itemgetter(0)), itemgetter(1)):
        yield is_back, [each for _, _, each in found]


def _by_files(entry: Entry) -> int:
    return -entry.danger_of(entry.sentences)


def _by_hand(entry: Entry) -> int:
    return -entry.danger_of(each.sentence for each in entry.by_hand)


def puts_back(entry: Entry) -> Iterator[str]:
    """Yield what would be put back of an object, and what follows from that where the files change nothing of it."""
    yield from map(put_back, entry.by_hand)
    if not entry.sentences:
        yield from _follows(entry)
        yield from filter(None, (entry.approval, entry.change.note))


def lines(entry: Entry) -> Iterator[str]:
    """Yield what there is to say of an intended change, a line each."""
    waits = "waits as well: " if entry.change.action is Action.HOLD else ""
    last = {_condition(sentence): sentence for sentence in entry.sentences}  # of each condition
    for sentence in entry.sentences:
        more = _more(_condition(sentence), entry.reach) if sentence is last[_condition(sentence)] else ""
        more += _payload(sentence, entry.reach)
        yield waits + sentence.text + more
    lost = "in PostHog" if is_left(entry) else "overwrites what was changed in PostHog"
    yield from (f"{lost}: {put_back(found)}" for found in entry.overwritten)
    yield from _follows(entry)
    yield from stays(entry)
    if entry.approval:
        yield entry.approval
    if entry.change.refused:
        yield f"not applied: {_without_place(entry.change.refused, entry)}"
    if entry.change.note:
        yield entry.change.note


def _follows(entry: Entry) -> Iterator[str]:
    """Yield what follows from a change for who is served, and for what uses the object."""
    if entry.reach and (reach := reached(entry)):
        as_now = " and ".join(f"cohort {each.key}" for each in entry.reach.as_now)
        yield reach + (f"; counted with {as_now} as before, which changes in this plan as well" if as_now else "")
    if entry.reach and (held := _held(entry.reach)):
        yield held
    for flag, reach_of in entry.flags:
        if reach_of.now is not None:
            yield f"flag {flag.key} serves {_now_and_then(reach_of)}"
        if held := _held(reach_of):
            yield f"flag {flag.key}: {held}"
    yield from _percentages(entry)
    if entry.uncounted:
        flags = ", ".join(f"flag {flag.key}" for flag in entry.uncounted)
        yield f"more or fewer may get {flags} then; how many is not known"
    yield from entry.effects
    serving = sum(each.flag is not None for each in entry.uses)  # these are first, and always shown
    shown = max(SHOWN, serving)
    shown = shown if len(entry.uses) > shown + 1 else len(entry.uses)  # one more takes no more room than its count
    yield from (each.text for each in entry.uses[:shown])
    if len(entry.uses) > shown:
        yield f"and {len(entry.uses) - shown:,} more use it"


def _without_place(reason: str, entry: Entry) -> str:
    """Return a reason without the place and name that the entry has already."""
    return reason.removeprefix(f"{entry.change.source}: ").removeprefix(f"{entry.change.ref}: ")


def _condition(sentence: Sentence) -> str:
    """Return the name of the release condition that a sentence is about; empty for another one."""
    return sentence.path[0] if sentence.field == "release_conditions" and sentence.path else ""


def _more(condition: str, reach: Reach | None) -> str:
    """Return how many a condition serves now and then, or how many more or fewer."""
    served = reach.conditions.get(condition) if reach else None
    if not served or not reach:
        return ""
    if served.others and served.now:
        of = f" of {reach.total:,} {_who(reach)}"
        return f": serves about {served.now:,}{of} now, and about {served.then:,} then; not the same ones"
    if served.variant:
        return f": {served.then:,} of {reach.total:,} {_who(reach)} match it"
    change = "more" if served.then > served.now else "fewer"
    if not served.more:
        return f": nobody {change}, as other conditions serve the same {_who(reach)}"
    if abs(served.more) < 1:
        return f": less than one of {reach.total:,} {_who(reach)} {change}"
    return f": {_about(served.at_most)} {round(abs(served.more)):,} of {reach.total:,} {_who(reach)} {change}"


def _payload(sentence: Sentence, reach: Reach | None) -> str:
    """Return how many get the variant whose payload a sentence is about."""
    if reach is None or reach.total is None:  # a flag that is off has nobody counted
        return ""
    if sentence.field != "payloads" or not sentence.path or sentence.path[0] not in reach.variants:
        return ""
    return f": at most {reach.variants[sentence.path[0]]:,} of {reach.total:,} {_who(reach)} get that variant"


def reached(entry: Entry) -> str:
    """Return how many a flag serves, or a cohort has, now and then."""
    reach = entry.reach or Reach(None, None, None)
    verb = "serves" if entry.change.ref.kind == "flag" else "has"
    if reach.now is None or (reach.then is None and verb == "serves"):
        return ""
    if reach.then is None:
        return f"{verb} {reach.now:,} {_who(reach)} now"
    of = f" of {reach.total:,}" if reach.total is not None else ""
    if entry.change.action is Action.CREATE:
        return f"{verb} {_about(reach.at_most)} {reach.then:,}{of} {_who(reach)}" if reach.then else ""
    if any(each.field == "key" for each in entry.sentences):  # of whom most will not ask for the new one
        return f"{verb} {_about(reach.now_at_most)} {reach.now:,}{of} {_who(reach)} now"
    return f"{verb} {_now_and_then(reach)}"


def _now_and_then(reach: Reach) -> str:
    about, of = _about(reach.now_at_most), f" of {reach.total:,}" if reach.total is not None else ""
    another = ""
    if reach.another_variant:
        most = reach.at_most or reach.now_at_most or reach.another_at_most
        another = f"; {_about(most)} {reach.another_variant:,} of these get another variant than now"
    if reach.now == reach.then and any(each.others for each in reach.conditions.values()):
        return f"{about} {reach.now:,}{of} {_who(reach)} now and then, but not the same ones{another}"
    if reach.now == reach.then and not reach.rounded:
        return f"{about} {reach.now:,}{of} {_who(reach)}, as before{another}"
    return f"{about} {reach.now:,}{of} {_who(reach)} now, and {_about(reach.at_most)} {reach.then:,} then{another}"


def _held(reach: Reach) -> str:
    """Return how many get a holdout's variant, which its SDKs take for a flag that is on; empty where nobody does."""
    was, is_ = reach.held
    if reach.total is None or not (was or is_):
        return ""
    then = ", as before" if was == is_ else f", and about {is_:,} then"
    who = f"about {was:,} of {reach.total:,} {_who(reach)}"
    return f"{who} get holdout-… instead of what its conditions give{then}"


def _percentages(entry: Entry) -> Iterator[str]:
    """Yield the percentages that a holdout keeps out of flags of which it is not said how many that are."""
    flags: dict[tuple[float, float], list[str]] = {}
    for flag, reach in entry.flags:
        if reach.total is None and reach.held_percent[0] != reach.held_percent[1]:
            flags.setdefault(reach.held_percent, []).append(f"flag {flag.key}")
    for (was, is_), found in flags.items():
        yield f"{some(found)}: a holdout keeps out {is_:g} % of all instead of {was:g} %"


def _about(at_most: bool) -> str:
    return "at most" if at_most else "about"


def _who(reach: Reach) -> str:
    return "groups" if reach.groups else "persons"


def put_back(found: ByHand) -> str:
    """Return what somebody changed in PostHog, who and when, and what to write to keep it."""
    return changed(found) + (f"; {found.keep}" if found.keep else "")


def changed(found: ByHand) -> str:
    """Return what somebody changed in PostHog, who and when."""
    return f"{found.sentence.text} {written(found.author)}"


def written(author: Author | None) -> str:
    """Return who did something and when."""
    if author is None:
        return "by somebody (PostHog's log does not say who)"
    if author.unread:
        return f"by somebody ({not_read(author.unread)})"
    return f"by {author.email} on {when(author.at)}"


def as_data(author: Author | None) -> dict[str, str | None]:
    """Return who did something and when as JSON data; None where it is not known."""
    known = author if author and not author.unread else None
    return {"by": known.email if known else None, "at": known.at if known else None}


def when(time: str) -> str:
    """Return a time (ISO 8601) as people read it."""
    return moment_text(time) if time else "an unknown day"


def unowned(counts: Mapping[str, int]) -> str:
    """Return how many objects no file owns, in words; empty where there are none."""
    parts = _by_kind(counts)
    return f"in no file, and left alone: {', '.join(parts)}" if parts else ""


def unowned_of_plan(counts: Mapping[str, int]) -> str:
    """Return how many objects no file owns of the kinds that a plan read; empty where there are none."""
    found = unowned(counts)
    return f"{found} (of the kinds that the plan reads; ai-admin drift counts all)" if found else ""


def _by_kind(counts: Mapping[str, int]) -> list[str]:
    return [_of_kind(KINDS[kind].words, number) for kind, number in sorted(counts.items())]


def _of_kind(words: str, number: int) -> str:
    if words == "tiles":  # all those of a dashboard are one object
        return f"the tiles of {counted(number, 'dashboard', 'dashboards')}"
    return counted(number, words, plural(words))


def plural(noun: str) -> str:
    """Return the plural of a kind's name."""
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun != "survey" else noun if noun.endswith("s") else f"{noun}s"


def counted(number: int, one: str, several: str) -> str:
    """Return a number with the noun that goes with it."""
    return f"{number:,} {one if number == 1 else several}"


def duration(seconds: float) -> str:
    """Return a time span in words."""
    minutes = seconds / 60
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
