"""`ai-admin doctor`: what is left over or has no owner, each with what to do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.definitions.spelling import listed
from ai_admin.review.history import moment
from ai_admin.review.reading import counted, when
from ai_admin.review.uses import users
from providers.posthog.advice import explained
from providers.posthog.coming import Coming
from providers.posthog.errors import ApiError, Problem
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.preflight import given, lacking, needed

Live = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing to do."""

    check: str
    """The name of the check that found it."""
    subject: str
    """What it is about: ``flag/ai-model``, a consent, or the API key."""
    what: str
    fix: str
    source: str = ""
    """``flags/ai-model.yaml:1``; empty for what is in no file."""

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        return f"{place}{self.subject}: {self.what}; {self.fix}"


@dataclass(frozen=True)
class Facts:
    """What the checks look at."""

    definitions: tuple[Definition, ...]
    now: datetime
    written: Mapping[Ref, Mapping[str, Any]] = field(default_factory=dict)
    """What stands in the files, also what PostHog is not told."""
    committed: Mapping[str, str] = field(default_factory=dict)
    """When each file was changed last (ISO 8601); one that is not as it was committed, just now."""
    flags: Mapping[str, Live] | None = None
    """PostHog's flags by key; None where PostHog was not asked."""
    elsewhere: Callable[[Ref], Iterable[str]] = lambda _: ()
    """Says what in PostHog uses an object that no definition uses."""
    consents: Callable[[], Mapping[str, str]] = dict
    """Returns the consents of the stack that no change needs, each with its file and line. Raises ``Problem``."""
    key: Mapping[str, Any] | None = None
    """What PostHog says of the API key; None where it was not asked."""
    policies: Callable[[], object] = dict
    """Reads what in PostHog takes an approval. Raises ``Problem`` where the key may not."""
    coming: Callable[[Collection[str]], Iterable[Coming]] = lambda _: ()
    """Yields what changes flags (ids) in PostHog by itself. Raises ``Problem``."""
    days: int = 30
    """After how many days without a change or a call something counts as left over."""
    broken: tuple[str, ...] = ()
    """What is wrong with files that are not looked at, a line each."""

    def source(self, definition: Definition) -> str:
        """Return the file and line of a definition."""
        return f"{definition.source.path}:{definition.source.line}"

    def of(self, definition: Definition) -> Mapping[str, Any]:
        """Return the content of a definition's file."""
        return self.written.get(Ref(definition.kind, definition.key), {})

    def kind(self, name: str) -> Iterator[Definition]:
        """Yield the definitions of a kind."""
        return (each for each in self.definitions if each.kind == name)

    def long_ago(self, time: str) -> bool:
        """Return whether a time (ISO 8601) is :attr:`days` past."""
        return self.now - datetime.fromisoformat(time) >= timedelta(days=self.days)


Check = Callable[[Facts], Iterator[Finding]]


def owner(facts: Facts) -> Iterator[Finding]:
    """Flags without an owner."""
    for flag in facts.kind("flag"):
        if not facts.of(flag).get("owner"):
            yield _finding("owner", facts, flag, "has no owner", "write owner: and the team to ask")


def tests(facts: Facts) -> Iterator[Finding]:
    """Flags without a test."""
    for flag in facts.kind("flag"):
        if not facts.of(flag).get("tests"):
            yield _finding("tests", facts, flag, "has no test", "write tests: of who gets what")


def expired(facts: Facts) -> Iterator[Finding]:
    """Flags past their day."""
    for flag in facts.kind("flag"):
        until = facts.of(flag).get("expires")
        if isinstance(until, str) and moment(until, end=True) <= facts.now.isoformat():
            fix = "remove it from the product and then here, or move the day"
            yield _finding("expires", facts, flag, f"was to stay until {until}", fix)


def rolled_out(facts: Facts) -> Iterator[Finding]:
    """Flags that have long given everybody the same: the product needs no flag for that."""
    for flag in facts.kind("flag"):
        value = same_for_all(flag.properties)
        since = facts.committed.get(flag.source.path, "")
        meant = flag.properties.get("is_remote_configuration") or facts.of(flag).get("expires")
        if value is None or meant or (since and not facts.long_ago(since)):
            continue
        ago = f" since {when(since)}, {_days(facts, since)}" if since else ""
        fix = "remove it from the product and then here, or write expires: and the day until which it stays"
        yield _finding("rolled-out", facts, flag, f"gives everybody {value}{ago}", fix)


def stale(facts: Facts) -> Iterator[Finding]:
    """Flags that nobody has asked PostHog for in a long time, or that PostHog calls stale."""
    for flag, live in _live(facts):
        called = live.get("last_called_at")
        if called and facts.long_ago(str(called)):
            what = f"was evaluated last on {when(str(called))}, {_days(facts, str(called))}"
        elif called and live.get("status") == "STALE":
            what = "is stale, as PostHog says"
        else:
            continue
        yield _finding("stale", facts, flag, what, "remove it from the product and then here, if nothing asks for it")


def never_evaluated(facts: Facts) -> Iterator[Finding]:
    """Flags that have long been on, and that nobody ever asked PostHog for."""
    for flag, live in _live(facts):
        made = str(live.get("created_at") or "")
        counted_at_all = "last_called_at" in live  # an older PostHog does not
        if counted_at_all and not live["last_called_at"] and made and facts.long_ago(made):
            what = f"was never evaluated since it was made on {when(made)}, {_days(facts, made)}"
            yield _finding("never-evaluated", facts, flag, what, "remove it, or correct the key in the product")


def coming_on(facts: Facts) -> Iterator[Finding]:
    """Flags that their files have off, and that PostHog is to switch on."""
    live = facts.flags or {}
    off = {
        str(live[flag.key]["id"]): flag
        for flag in facts.kind("flag")
        if flag.properties.get("active") is False and flag.key in live
    }
    for each in facts.coming(off):
        if each.switch:
            yield _finding("coming-on", facts, off[each.flag], f"is off in its file, and {each}", each.fix)


def unused(facts: Facts) -> Iterator[Finding]:
    """Cohorts and insights that no definition and nothing in PostHog uses; none if a file can't be read."""
    if facts.broken:
        return
    using = users(facts.definitions)
    for kind in ("cohort", "insight"):
        for each in facts.kind(kind):
            ref = Ref(kind, each.key)
            if ref not in using and not list(facts.elsewhere(ref)):
                yield _finding("unused", facts, each, "is used by nothing", "remove it, or use it")


def consents(facts: Facts) -> Iterator[Finding]:
    """Consents that have had their effect, and would consent to the same again."""
    for word, source in facts.consents().items():
        what = "is a consent that nothing needs now, and would consent to the same again"
        yield Finding("consents", word, what, "take it out of ai-admin:consent", source)


def scopes(facts: Facts) -> Iterator[Finding]:
    """An API key that may do less or more than these definitions need."""
    if facts.key is None:
        return
    kinds = [KINDS[name] for name in sorted({each.kind for each in facts.definitions})]
    have = given(facts.key)
    writing = "*" in have or any(scope.endswith(":write") for scope in have)
    every = {*needed(kinds, writing), *_READ}
    wanted = {scope for scope in every if scope.endswith(":write") or scope.replace(":read", ":write") not in every}
    if lacks := lacking(have, wanted):
        yield Finding("scopes", _KEY, f"lacks {', '.join(lacks)}", "add them to it in PostHog")
    if "*" in have:
        yield Finding("scopes", _KEY, "may do everything", f"limit it in PostHog to {', '.join(sorted(wanted))}")
    elif more := sorted(scope for scope in have - wanted - _OF_USE if scope.replace(":read", ":write") not in wanted):
        yield Finding("scopes", _KEY, f"does not need {', '.join(more)}", "take them from it in PostHog")
    facts.policies()  # last: where these can't be read, the check ends here and says so


_KEY = "the API key"
_READ = ("activity_log:read", "feature_flag:read")
"""What every plan and history reads."""
_OF_USE = {"approvals:read", "project:read"}
"""What is read where a project has approvals, or a stack does not name its organisation."""

CHECKS: Mapping[str, Check] = {
    "expires": expired,
    "rolled-out": rolled_out,
    "stale": stale,
    "never-evaluated": never_evaluated,
    "coming-on": coming_on,
    "owner": owner,
    "tests": tests,
    "unused": unused,
    "consents": consents,
    "scopes": scopes,
}
"""The checks by name, in the order in which they are shown."""

OFFLINE = ("expires", "rolled-out", "owner", "tests", "unused")
"""The checks that files and Git are enough for."""

ASKING = tuple(each for each in CHECKS if each not in OFFLINE or each == "unused")
"""The checks that say more, or say something at all, where PostHog is asked."""


def examine(facts: Facts, checks: Iterable[str] = CHECKS) -> tuple[list[Finding], list[str]]:
    """Return the findings of these checks, in their order, and the checks that PostHog did not let finish, with the
    reason.
    """
    findings: list[Finding] = []
    unread = []
    for name in checks:
        try:
            findings += CHECKS[name](facts)
        except Problem as problem:
            unread.append(unknown((name,), problem))
    return findings, unread


def unknown(checks: Iterable[str], problem: Problem) -> str:
    """Return that it is not known what these checks find, and why."""
    why = explained(problem) if isinstance(problem, ApiError) else problem
    return f"{listed(checks, 'and')}: not known: {why}"


def same_for_all(flag: Mapping[str, Any]) -> str | None:
    """Return what everybody gets from a flag (canonical properties): a variant, ``true`` or ``nothing``; None where
    not everybody gets the same.

    The first condition that an installation matches, and whose share has it, decides (docs/reference/flag.md). A group
    type's condition says nothing of those without a group, a holdout keeps some out, who opted in or out by an early
    access feature has what they chose, and what is left to PostHog's pages is not known.
    """
    if not flag.get("active", True):
        return "nothing"
    if flag.get("holdout") or flag.get("feature_enrollment") or not _DECIDING.isdisjoint(flag.get("unmanaged", ())):
        return None
    split = {each["key"]: each.get("rollout_percentage", 0) for each in flag.get("variants") or ()}
    whole = next((key for key, share in split.items() if share == 100), None)
    got: set[str | None] = set()
    for condition in flag.get("release_conditions") or ():
        share = condition.get("rollout_percentage", 100)
        if share:
            got.add(condition.get("variant") or (whole if split else "true"))
        everybody = not condition.get("properties") and condition.get("aggregation_group_type_index") is None
        if everybody and share == 100:
            return next(iter(got)) if len(got) == 1 else None
        if share != 100 and flag.get("early_exit"):
            return None
    return None if got else "nothing"


_DECIDING = {"active", "feature_enrollment", "release_conditions", "variants"}
"""The fields that decide what a flag gives."""


def _live(facts: Facts) -> Iterator[tuple[Definition, Live]]:
    """Yield the flags that are on, with what PostHog says of them."""
    for flag in facts.kind("flag"):
        live = (facts.flags or {}).get(flag.key)
        if live and live.get("active"):
            yield flag, live


def _finding(check: str, facts: Facts, definition: Definition, what: str, fix: str) -> Finding:
    return Finding(check, str(Ref(definition.kind, definition.key)), what, fix, facts.source(definition))


def _days(facts: Facts, since: str) -> str:
    return f"{counted((facts.now - datetime.fromisoformat(since)).days, 'day', 'days')} ago"
