"""`ai-admin plan`: opens a stack, works out what an `up` would do, and reports it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ai_admin.definitions import Definitions, load
from ai_admin.review.changes import Outlook, Warnings, outlook, read_lists
from ai_admin.review.report import Report, report
from ai_admin.review.stack import BROKEN, Reviewed, Waiting, reviewed
from ai_admin.run import Plan, connected
from ai_admin.run import plan as plan_run
from ai_admin.safety.applied import Manifest
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.errors import ConnectionProblem, Problem
from providers.posthog.kinds import Ref
from providers.posthog.session import Session


@dataclass(frozen=True)
class Planned:
    """A plan of a stack."""

    reviewed: Reviewed
    plan: Plan
    outlook: Outlook
    session: Session
    report: Report


def planned(
    root: Path, stack: str, count: bool = True, waiting: Waiting = lambda _: None, partly: bool = False
) -> Planned | tuple[str, ...]:
    """Return the plan for a stack of the checkout ``root``, or why there is none, a line each.

    ``count``: whether PostHog is asked how many persons flags serve; ``waiting`` shows that it is waited for. Reads
    from PostHog, and writes nothing. ``partly``: where files have problems, what the others say is planned, to look at.
    """
    try:
        return planned_for(reviewed(root, stack, waiting), count, partly)
    except Problem as problem:
        return tuple(str(problem).splitlines())


def planned_for(found: Reviewed, count: bool = True, partly: bool = False) -> Planned | tuple[str, ...]:
    """Return the plan for an opened stack, or why there is none, as :func:`planned` does."""
    warnings = Warnings()
    try:
        session = found.session(warnings)
        definitions = load(found.root, found.stack, partly)
        broken = BROKEN if partly and definitions.problems else ""
        if partly:
            definitions = replace(definitions, problems=())
        kinds = {each.kind for each in definitions.resources}
        with ThreadPoolExecutor(2) as pool:  # PostHog is asked while Pulumi reads the state
            if not definitions.problems:
                pool.submit(read_lists, session, kinds)
                # If the key may not read another kind than flags, its objects say so.
                first = {"flag"} & kinds or kinds
                client = pool.submit(connected, found.run(found.waiting, {}), first)
            last = found.state.manifest or {}
            run = found.run(warnings, _of_these(last, definitions) if broken else last)
            decided = plan_run(run, definitions, lambda *_: _client(found, client))
        if not decided.judged:
            return decided.refused
        coming = outlook(run, decided, found.state, session, warnings, broken)
        return Planned(found, decided, coming, session, report(found.stack, decided, coming, session, count))
    except Problem as problem:
        return tuple(str(problem).splitlines())


def _client(found: Reviewed, client: Future[Client]) -> Client:
    """Return the client, of the project that the state is of. Raises ``ConnectionProblem``."""
    if problem := found.state.misses(resolve(found.settings)):
        raise ConnectionProblem(problem)  # whatever another PostHog has answered
    return client.result()


def _of_these(last: Manifest, definitions: Definitions) -> Manifest:
    """Return what was applied of these definitions: of the others it is not known whether they go."""
    keys = ((each.kind, key) for each in definitions.resources for key in (each.key, each.renamed_from) if key)
    names = {str(Ref(kind, key)) for kind, key in keys}
    return {name: entry for name, entry in last.items() if name in names}
