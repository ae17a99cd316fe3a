"""What a change means for those who are served, if none of its sentences says it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ai_admin.definitions import Definition
from ai_admin.review.changes import Change
from ai_admin.review.sentences import named_items, paired
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import Properties
from providers.posthog.kinds.early_access_feature import ENROLLING
from providers.posthog.kinds.flag import CONDITIONS
from providers.posthog.kinds.phrases import moment_text
from providers.posthog.kinds.wording import SERVE, Wording

_MEASURING = ("metrics", "saved_metrics", "exposure_criteria", "stats_config")
"""The fields of an experiment that say what its results are."""

_MEASURES = {
    each.name: each
    for each in KINDS["experiment"].fields
    if each.name in ("metrics", "metrics_secondary", "saved_metrics")
}
"""The fields of an experiment that list what it measures."""

_ANEW = {
    "survey": ("it is a draft again: nobody is asked", "it runs again: people are asked"),
    "experiment": ("it is a draft again: it measures nothing", "it runs again: its results go on changing"),
}
"""By kind, what follows where an object loses its start, and where it loses its end only."""

_BY_TYPE = {
    "api": " to whom the product's own page shows it",
    "widget": " who opens it by its button or tab",
    "external_survey": " who has its address",
}
"""By the type of a survey, who sees it, of those to whom PostHog shows it."""

DRAWS = {"key": "key", "bucketing_identifier": "kind of id"}
"""The fields of a flag from which PostHog computes who is in a percentage, with what they are called."""


OptedIn = Callable[[str], tuple[int, int] | None]
"""Returns how many opted in to a flag (its key), and how many persons there are; None where that is not known."""


class Running(NamedTuple):
    """An experiment that runs."""

    key: str
    since: str
    """The day; empty where the plan starts it."""


def running(definitions: Iterable[Definition], changes: Iterable[Change]) -> dict[Ref, list[Running]]:
    """Return the experiments that have started in PostHog and not ended, or that the plan starts, by the flag that they
    run on. Pure.
    """
    known = {each.ref: each for each in changes if each.ref.kind == "experiment"}
    found: dict[Ref, list[Running]] = {}
    for each in definitions:
        flag, change = each.properties.get("flag"), known.get(Ref(each.kind, each.key))
        if not isinstance(flag, Ref) or change is None:
            continue
        if _runs(change.live or {}):
            found.setdefault(flag, []).append(Running(each.key, _day(change.live or {})))
        elif _runs(each.properties) and not change.refused:
            found.setdefault(flag, []).append(Running(each.key, ""))
    return found


def effects(
    change: Change,
    live: Properties,
    wanted: Properties,
    experiments: Mapping[Ref, Iterable[Running]],
    opted_in: OptedIn = lambda _: None,
    left: Collection[str] = (),
    is_off: Callable[[Ref], bool] = lambda _: False,
) -> Iterator[str]:
    """Yield what follows from the change of an object that is there, a line each.

    Args:
        change: the change.
        live: what PostHog holds, with references in the place of ids.
        wanted: what the definition says, in the same form.
        experiments: those that run, by flag (:func:`running`).
        opted_in: as of :func:`enrolment`.
        left: what PostHog's pages alone say of whom the object reaches (a kind's ``narrowed``).
        is_off: whether a flag is off after the run.
    """
    names = {each.name for each in change.fields}
    if change.ref.kind == "flag":
        if "key" in names and live.get("active", True):
            yield f"installations that ask for {live.get('key')} get nothing from then on"
        yield from _drawn_anew(names, live, wanted)
        if any(change.kind.weighs(each) >= SERVE for each in change.fields):
            if wanted.get("active") is False and "active" in (change.wanted or {}).get("unmanaged", ()):
                yield "it is off, which is left to PostHog's pages: it serves nobody until it is switched on there"
            for each in experiments.get(change.ref, ()):
                since = f"has run on it since {each.since}{_paused(names, wanted)}"
                yield f"experiment {each.key} {since if each.since else 'is started on it by this plan'}"
        if "release_conditions" in names and wanted.get("active", True):
            yield from _served_first(live, wanted)
    if change.ref.kind == "experiment" and _runs(live) and names & {*_MEASURING}:
        yield f"the experiment has run since {_day(live)}"
    if change.ref.kind in _ANEW:
        draft, again = _ANEW[change.ref.kind]
        lost = {name for name in names if live.get(name) and not wanted.get(name)}
        yield from [draft] if "start_date" in lost else [again] if "end_date" in lost else []
    if change.ref.kind == "survey" and not live.get("start_date") and not change.refused:
        yield from launched(wanted, left)
    if change.ref.kind == "early_access_feature" and names & {"stage", "flag"}:
        yield from enrolment(live, wanted, opted_in, is_off) or ["who opted in gets nothing by it, as before"]


def launched(survey: Properties, left: Collection[str] = ()) -> Iterator[str]:
    """Yield whom a survey asks that did not run so far; nothing where it does not run with this either.

    PostHog takes one that has a start for launched, also before that (its SDKs, and the flags that it makes for it).
    """
    if not _runs(survey):
        return
    said, flag = survey.get("conditions") or {}, survey.get("flag")
    variant = said.get("linkedFlagVariant")
    of = f"variant {variant} of " if variant not in (None, "any") else ""
    who = "everybody" if flag is None else f"who gets {of}flag {getattr(flag, 'key', flag)}"
    wheres = [name for name in said if name != "linkedFlagVariant" and not name.endswith("MatchType")]
    wheres += [name for name in ("flag", "conditions") if name in survey.get("unmanaged", ())]
    only = f", where its conditions are met ({', '.join([*wheres, *left])})" if wheres or left else ""
    yield f"it is launched: {who}{_BY_TYPE.get(str(survey.get('type')), '')} is asked{only}"


def ended(kind: str, live: Properties) -> Iterator[str]:
    """Yield what goes with an experiment or a survey that is deleted, if it was started.

    ``live`` is what PostHog holds, also of what is left to its pages.
    """
    if kind not in _ANEW or not live.get("start_date"):
        return
    end = live.get("end_date")
    ran = f"ran from {_day(live)} to {_day(live, 'end_date')}" if end else f"has run since {_day(live)}"
    nobody = ": nobody is asked any more" if kind == "survey" and _runs(live) else ""
    yield f"it {ran}{nobody}, and its results go from PostHog's pages"


def starts(change: Change) -> bool:
    """Return whether a run starts an experiment: one that is new, or that did not run so far."""
    live, wanted = change.live or {}, change.wanted or {}
    return change.ref.kind == "experiment" and not (live.get("start_date") or change.refused) and _runs(wanted)


def started(wanted: Properties, flag: Properties, switched: bool) -> Iterator[str]:
    """Yield what follows from the start of an experiment that is there.

    Args:
        wanted: what the definition says, with references in the place of ids.
        flag: the flag that it runs on, after the run.
        switched: whether the flag is off in PostHog so far, which switches it on with the start.
    """
    on = "; PostHog switches the flag on with that" if switched else ""
    key = getattr(wanted.get("flag"), "key", wanted.get("flag"))
    yield f"it is started: whom its flag {key} serves comes into it{_split(flag, ' ({})')}{on}"


def begun(wanted: Properties, flag: Properties, is_off: bool) -> Iterator[str]:
    """Yield what there is to know of a new experiment, a line each.

    Args:
        wanted: what the definition says, with references in the place of ids.
        flag: the flag that it runs on, after the run.
        is_off: whether the flag is off then. With a new experiment PostHog leaves its flag off; of one that is there it
            would switch the flag on with the start, which the provider refuses.
    """
    key = getattr(wanted.get("flag"), "key", wanted.get("flag"))
    yield f"its flag is {key}{_split(flag, ': {}')}"
    for name, field in _MEASURES.items():
        each = field.wording.each or Wording()
        if found := named_items(each, wanted.get(name) or ()):
            yield f"{each.noun}{'s' if len(found) > 1 else ''}: {', '.join(found)}"
    if _runs(wanted):
        paused = f"it begins paused: nobody comes into it while its flag {key} is off"
        yield paused if is_off else "it begins at once: whom its flag serves comes into it"


def _split(flag: Properties, form: str) -> str:
    """Return the shares of a flag's variants in a form; empty where none are known."""
    shares = [f"{each['key']} {each['rollout_percentage']:g} %" for each in flag.get("variants") or ()]
    return form.format(", ".join(shares)) if shares else ""


def _paused(names: Collection[str], wanted: Properties) -> str:
    if "active" not in names:
        return ""
    return ", and goes on" if wanted.get("active", True) else ", and pauses: nobody comes into it while the flag is off"


def _drawn_anew(names: Collection[str], live: Properties, wanted: Properties) -> Iterator[str]:
    """Yield what PostHog computes again for a flag that is on, if the key or the kind of id changes."""
    by = [words for name, words in DRAWS.items() if name in names]
    sides = (live, wanted)
    if not by or not all(each.get("active", True) for each in sides):
        return
    drawn = [f"who is in a percentage of {live.get('key')}"] * all(map(_is_partial, sides))
    drawn += ["who gets which variant"] * all(map(_is_split, sides))
    if drawn:
        yield f"{' and '.join(drawn)} is drawn anew, as PostHog computes that from the {' and the '.join(by)}"


def _is_partial(flag: Properties) -> bool:
    return any(0 < each.get("rollout_percentage", 100) < 100 for each in flag.get("release_conditions") or ())


def _is_split(flag: Properties) -> bool:
    several = any(0 < each.get("rollout_percentage", 0) < 100 for each in flag.get("variants") or ())
    return several and not all(each.get("variant") for each in flag.get("release_conditions") or ())


def _served_first(live: Properties, wanted: Properties) -> Iterator[str]:
    """Yield for each condition that now comes before others who gets its variant instead of theirs."""
    each = CONDITIONS.wording.each or Wording()
    was, is_ = (named_items(each, side.get("release_conditions") or ()) for side in (live, wanted))
    former = {new: old for old, new in paired(each, was, is_).items()}
    place = {name: number for number, name in enumerate(was)}
    stay = [name for name in is_ if name in former]
    for number, name in enumerate(stay):
        variant = is_[name].get("variant")
        passed = [
            f'"{other}"'
            for other in stay[number + 1 :]
            if place[former[name]] > place[former[other]] and is_[other].get("variant") != variant
        ]
        if passed:
            gets = f"variant {variant}" if variant else "the variant of their share"
            yield f'who matches "{name}" and {" or ".join(passed)} gets {gets} then, as "{name}" comes first'


def enrolment(
    live: Properties,
    wanted: Properties,
    opted_in: OptedIn = lambda _: None,
    is_off: Callable[[Ref], bool] = lambda _: False,
) -> list[str]:
    """Return what an early access feature's stage, flag, creation or deletion (an empty side) does to who opted in, a
    line each. PostHog asks people for their flag, and takes it back with the feature.
    """
    was, is_ = (each.get("flag") if each.get("stage") in ENROLLING else None for each in (live, wanted))
    again = live.get("flag") == wanted.get("flag")

    def flag(ref: Any, so_far: str = "") -> str:
        counted = opted_in(ref.key) if isinstance(ref, Ref) else None
        number = f" ({counted[0]:,} of {counted[1]:,} persons{so_far})" if counted else ""
        off = ", which is off then" if isinstance(ref, Ref) and is_off(ref) else ""
        return f"flag {getattr(ref, 'key', ref)}{number}{off}"

    if was and was == is_:
        return [f"who opted in keeps {flag(is_)}"]
    lost = [f"who opted in loses {flag(was)}"] if was else []
    gets = f"who opted in gets {flag(is_)}" if again else f"who opts in gets {flag(is_, ' so far')}"
    return [*lost, *([gets] if is_ else [])]


def _runs(experiment: Properties) -> bool:
    """Return whether an experiment or a survey runs."""
    return bool(experiment.get("start_date")) and not (experiment.get("end_date") or experiment.get("archived"))


def _day(experiment: Properties, field: str = "start_date") -> str:
    return moment_text(experiment[field]).partition(",")[0]
