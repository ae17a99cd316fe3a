"""What follows from a change for who is served, where none of its sentences says that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ai_admin.definitions import Definition
from ai_admin.review.changes import Change
from providers.posthog.kinds import Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.early_access_feature import ENROLLING
from providers.posthog.kinds.phrases import moment_text
from providers.posthog.kinds.wording import SERVE

_MEASURING = ("metrics", "saved_metrics", "exposure_criteria", "stats_config")
"""The fields of an experiment that say what its results are."""


def running(definitions: Iterable[Definition]) -> dict[Ref, list[Definition]]:
    """Return the experiments that were started and have not ended, by the flag that they run on."""
    found: dict[Ref, list[Definition]] = {}
    for each in definitions:
        flag = each.properties.get("flag")
        if each.kind == "experiment" and isinstance(flag, Ref) and _runs(each.properties):
            found.setdefault(flag, []).append(each)
    return found


def effects(
    change: Change, live: Properties, wanted: Properties, experiments: Mapping[Ref, Iterable[Definition]]
) -> Iterator[str]:
    """Yield what follows from the change of an object that is there, a line each.

    Args:
        change: the change.
        live: what PostHog holds, with references in the place of ids.
        wanted: what the definition says, in the same form.
        experiments: those that run, by flag.
    """
    names = {each.name for each in change.fields}
    if change.ref.kind == "flag":
        if "key" in names and live.get("active", True):
            yield f"installations that ask for {live.get('key')} get nothing from then on"
        if any(change.kind.weighs(each) >= SERVE for each in change.fields):
            for each in experiments.get(change.ref, ()):
                yield f"experiment {each.key} has run on it since {_day(each.properties)}"
    if change.ref.kind == "experiment" and _runs(live) and names & {*_MEASURING}:
        yield f"the experiment has run since {_day(live)}"
    if change.ref.kind == "early_access_feature" and "stage" in names:
        yield _enrolled(live, wanted)


def _enrolled(live: Properties, wanted: Properties) -> str:
    """Return what a stage does to who opted in."""
    flag = getattr(wanted.get("flag"), "key", wanted.get("flag"))
    was, is_ = (each.get("stage") in ENROLLING for each in (live, wanted))
    verb = ("keeps", "loses") if was else ("gets", "gets no")
    return f"who opted in {verb[not is_]} flag {flag}"


def _runs(experiment: Properties) -> bool:
    return bool(experiment.get("start_date")) and not experiment.get("end_date")


def _day(experiment: Properties) -> str:
    return moment_text(experiment["start_date"]).partition(",")[0]
