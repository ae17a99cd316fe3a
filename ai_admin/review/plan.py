"""`ai-admin plan`: opens a stack, works out what an `up` would do, and reports it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ai_admin.review.changes import Outlook, Warnings, outlook
from ai_admin.review.report import Report, report
from ai_admin.review.stack import Reviewed, reviewed
from ai_admin.run import Plan
from ai_admin.run import plan as plan_run
from providers.posthog.errors import Problem
from providers.posthog.session import Session


@dataclass(frozen=True)
class Planned:
    """A plan of a stack."""

    reviewed: Reviewed
    plan: Plan
    outlook: Outlook
    report: Report
    session: Session
    """What PostHog was asked with, and holds what it answered."""


def planned(root: Path, stack: str, count: bool = True) -> Planned | tuple[str, ...]:
    """Return the plan for a stack of the checkout ``root``, or why there is none, a line each.

    ``count``: whether PostHog is asked how many persons flags serve. Reads from PostHog, and writes nothing.
    """
    try:
        found = reviewed(root, stack)
        warnings = Warnings()
        run = found.run(warnings)
        decided = plan_run(run)
        if not decided.judged:
            return decided.refused
        session = Session(warnings)
        coming = outlook(run, decided, found.state, session, warnings)
        return Planned(found, decided, coming, report(stack, decided, coming, session, count), session)
    except Problem as problem:
        return tuple(str(problem).splitlines())
