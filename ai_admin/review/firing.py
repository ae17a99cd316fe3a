"""How often alerts that a plan changes would have fired as they are, and as the plan has them. Asks PostHog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ai_admin.definitions import Definition
from ai_admin.definitions.spelling import listed
from ai_admin.numbers.alerting import Rule
from ai_admin.numbers.backtest import DAYS, Backtest, NotTold, Watch, compared
from ai_admin.numbers.period import Period
from ai_admin.numbers.schedule import next_check
from ai_admin.review.changes import Action, Change
from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import refs

PATIENCE = 5.0
"""Seconds that a query waits for PostHog in all: a plan can be decided on without it."""

_UNSEEN = "its insight, or what that refers to, is new too"
"""Why PostHog is not asked."""

_STAYS = (Action.HOLD, Action.UNKNOWN)


@dataclass(frozen=True)
class _Moved:
    """An alert that would fire at other times."""

    change: Change
    place: Ref
    """Whose entry says so: the alert's, or that of its insight where only this changes."""
    before: Watch | None
    """What PostHog has; None where it has no such alert."""
    after: Watch | None
    """What it becomes; None where it is deleted."""
    now: bool = False
    """It is firing now, and is going to be off, or gone."""


def firing(changes: Iterable[Change], inventory: Inventory, now: datetime | None = None) -> dict[Ref, list[str]]:
    """Return by the object that changes how often alerts would have fired so far, and then, a line for each alert.

    A new alert whose insight PostHog does not have yet is not asked for, which a line says. Of others a query
    or a few (see ``Backtest.of``) are asked for what is watched so far, and as many for what is watched then, where
    that is something else; none where nothing changes when an alert fires. What PostHog does not answer is a line
    that says so; where it has too many requests, or fails, it is asked no further. Raises nothing.
    """
    every = tuple(changes)
    insights = [each for each in every if each.ref.kind == "insight"]
    alerts = [each for each in every if each.ref.kind == "alert"]
    moved = [each for alert in alerts if (each := _moved(alert, insights, inventory))]
    unseen = f"when it would have fired is not known: {_UNSEEN}"
    found = {each.ref: [unseen] for each in alerts if _unseen(each, insights)}
    if not moved:
        return found
    period = Period.of(f"-{DAYS}d", "now", now or datetime.now(UTC))
    test = Backtest(inventory.client.hurried(PATIENCE), period)
    silent: ApiError | None = None
    for each in moved:
        try:
            if silent:
                raise silent
            line = _said(test, each.before, each.after)
        except (NotTold, ApiError) as problem:
            if isinstance(problem, ApiError) and (problem.outcome_unknown or problem.status == 429):
                silent = problem
            line = f"when it would have fired is not known: {problem}"
        line += "; it is firing now" if each.now else ""
        who = "" if each.place == each.change.ref else f"alert {each.change.ref.key}: "
        found.setdefault(each.place, []).append(who + line)
    return found


def watched(definitions: Iterable[Definition]) -> dict[Ref, str]:
    """Return by alert, in a sentence, what it watches, when it fires and whom it tells; no address of a webhook. Pure.

    ``definitions``: all of the stack.
    """
    every = tuple(definitions)
    told: dict[Any, list[str]] = {}
    for each in every:
        if each.kind == "notification":
            channel = (each.properties.get("inputs") or {}).get("channel")
            told.setdefault(each.properties.get("alert"), []).append(f"{channel} in Slack" if channel else "a webhook")
    found = {}
    for each in every:
        if each.kind == "alert":
            alert, ref = each.properties, Ref(each.kind, each.key)
            whom = [*(alert.get("subscribed_users") or ()), *told.get(ref, ())]
            names = listed(whom, "and") if whom else "nobody"
            found[ref] = f"watches insight {alert['insight'].key}{_fires(alert)}, tells {names}"
    return found


def _fires(alert: Mapping[str, Any]) -> str:
    if not alert.get("threshold"):
        return ""
    rule = Rule.of(alert, "day")
    return f", fires {'' if rule.condition == 'absolute_value' else 'on '}{rule}"


def _said(test: Backtest, before: Watch | None, after: Watch | None) -> str:
    """Return how often an alert would have fired; for one that is off before or after, how often if it were on."""
    if before and before.is_on and not (after and after.is_on):
        return f"{compared(None, test.of(before), DAYS)} so far{'; it is switched off' if after else ''}"
    if after is None:
        return ""
    told = test.of(after)
    line = compared(test.of(before) if before and before.is_on == after.is_on else None, told, DAYS)
    if not after.is_on:
        return f"{line}, were it on; it is switched off"
    line += ", and it would be firing now" if told.outcome.is_firing else ""
    return f"{line}; so far it is switched off" if before and not before.is_on else line


def _moved(change: Change, insights: Iterable[Change], inventory: Inventory) -> _Moved | None:
    if change.refused or change.action in _STAYS:
        return None
    live, every = change.live or {}, tuple(insights)
    row = (inventory.get(KINDS["alert"], change.id) if change.live else None) or {}  # read already
    due, is_firing = next_check(row), row.get("state") == "Firing"
    seen = _insight(live.get("insight"), every)
    before = Watch(live, seen.live.get("query"), due) if seen and seen.live else None
    if change.wanted is None:
        goes = before and before.is_on and "threshold" in live
        return _Moved(change, change.ref, before, None, is_firing) if goes else None
    wanted = {**live, **change.wanted}
    insight = _insight(wanted.get("insight"), every)
    if insight is None or insight.live is None or insight.wanted is None or "threshold" not in wanted:
        return None
    query = {**insight.live, **insight.wanted}.get("query")
    if _refers(query):  # what it refers to is made together with it
        return None
    after = Watch(wanted, query, due)
    if before and before.same(after) and before.is_on == after.is_on:
        return None
    place = change.ref if change.action is not Action.NOTHING else insight.ref
    return _Moved(change, place, before, after, is_firing and not after.is_on)


def _unseen(change: Change, insights: Iterable[Change]) -> bool:
    """Return whether nobody has seen the values that an alert is going to watch."""
    if change.refused or change.action in _STAYS:
        return False
    watches = (change.wanted or {}).get("insight")
    seen = _insight(watches, insights) if change.action is Action.CREATE else None
    return isinstance(watches, Ref) or bool(seen and _refers((seen.wanted or {}).get("query")))


def _refers(query: Any) -> bool:
    return any(True for _ in refs(query))


def _insight(id_: Any, insights: Iterable[Change]) -> Change | None:
    return next((each for each in insights if id_ is not None and str(each.id) == str(id_)), None)
