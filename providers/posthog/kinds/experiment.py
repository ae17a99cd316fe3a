"""Experiments. The flag that an experiment compares the variants of is a definition of its own.

PostHog makes an experiment's flag or links one that is there, and rewrites the flag from an experiment's parameters
only where parameters are sent. Here none are, so variants and release conditions belong to the flag alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import methodcaller
from typing import Any

from providers.posthog.kinds.base import Directory, Field, Json, Kind, Reading
from providers.posthog.kinds.insight import query
from providers.posthog.kinds.normal import each_item, instant, plain, text, unordered
from providers.posthog.kinds.phrases import choice_text
from providers.posthog.kinds.wording import (
    ARCHIVED,
    CHOICE,
    METRIC,
    MOMENT,
    NODE,
    SERVE,
    TEXT,
    VIEW,
    Wording,
    switchable,
)

# PostHog numbers the metrics, and hashes them with how they are analysed.
_ADDED_TO_METRIC = ("uuid", "fingerprint")
_INTERVALS = {"bayesian": {"ci_level": 0.95}, "frequentist": {"alpha": 0.05}}
_EVENT_EXPOSURE = "ExperimentEventExposureConfig"

# The product's events are described in this repository, and may be ahead of the first one that PostHog is sent.
_ANY_EVENT = {"allow_unknown_events": True}


NAMED = ("action", "cohort")
"""What a node of a metric may name."""


def _nodes(value: Any) -> Any:
    """Return a query's parts without the names of actions, which PostHog writes anew whenever they are read, and
    without an event's where PostHog's page repeats the event.
    """
    if isinstance(value, list):
        return [_nodes(item) for item in value]
    if not isinstance(value, dict):
        return value
    repeated = value.get("kind") == "EventsNode" and value.get("name") == value.get("event")
    left_out = "name" if value.get("kind") == "ActionsNode" or repeated else None
    return {name: _nodes(item) for name, item in value.items() if name != left_out}


def metric(value: Any) -> Any:
    """Return a metric without what PostHog adds to it, and without what it says by not saying it."""
    if not isinstance(value, dict):
        return value
    result = {name: item for name, item in _nodes(query(value)).items() if name not in _ADDED_TO_METRIC}
    if result.get("goal") == "increase":
        del result["goal"]
    if not result.get("name"):  # PostHog's pages call it after what it measures
        result.pop("name", None)
    return result


def _carry_metrics(new: Json, live: Json) -> Json:
    """Give metrics the uuids they had: PostHog keeps their order and their results by those.

    Metrics are paired by name, where they have one, and then what is left of them by all but the name.
    """
    known = [dict(each) for each in live or () if each.get("uuid")]
    metrics = [dict(each) for each in new]
    for mark in (methodcaller("get", "name"), _all_but_name):
        for wanted in (each for each in metrics if mark(each)):
            same = next((each for each in known if mark(each) == mark(wanted)), None)
            if same is not None and "uuid" not in wanted:
                wanted["uuid"] = same["uuid"]
                known.remove(same)
    return metrics


def _all_but_name(value: Json) -> Any:
    return {name: item for name, item in metric(value).items() if name != "name"}


def _exposure(value: Any) -> Any:
    if not isinstance(value, dict):
        return plain(value)
    result = _nodes(query(value))
    if result.get("filterTestAccounts") is True:
        del result["filterTestAccounts"]
    return result


def _write_exposure(value: dict[str, Any], _: Directory) -> Any:
    config = value.get("exposure_config")
    if config and config["kind"] == _EVENT_EXPOSURE:
        value = {**value, "exposure_config": {"properties": [], **config}}
    return {"filterTestAccounts": True, **value}


def _stats(value: Any) -> Any:
    """Return how results are computed, without the intervals that everybody gets."""
    if not isinstance(value, dict):
        return plain(value)
    result = {"method": "bayesian", **query(value)}
    result.pop("version", None)
    for method, usual in _INTERVALS.items():
        own = {name: item for name, item in result.pop(method, {}).items() if item != usual.get(name)}
        if own:
            result[method] = own
    return result


def _write_stats(value: dict[str, Any], _: Directory) -> Any:
    # Sent whole, or PostHog fills in the organisation's defaults.
    return {**value, **{method: {**usual, **value.get(method, {})} for method, usual in _INTERVALS.items()}}


def _write_saved(value: list[dict[str, Any]], _: Directory) -> Any:
    return [{"id": item["saved_metric"], "metadata": item["metadata"]} for item in value]


def _read_saved(raw: Any, _: Reading) -> Any:
    return [{"saved_metric": link["saved_metric"], "metadata": link.get("metadata")} for link in raw or ()]


def _saved_name(item: Mapping[str, Any]) -> str:
    return str(getattr(item["saved_metric"], "key", item["saved_metric"]))


def _read_holdout(raw: Any, reading: Reading) -> Any:
    """Return the holdout's id where the experiment's flag keeps its share out, and else what there is instead.

    The flag is what evaluation looks at. One of an experiment that ended may go on to another experiment.
    """
    filters = (reading.live.get("feature_flag") or {}).get("filters")
    if raw is None or filters is None or reading.live.get("end_date"):
        return raw
    return raw if (filters.get("holdout") or {}).get("id") == raw else f"{raw}, of which its flag knows nothing"


_EXPOSURE = Wording(
    "exposure",
    weight=VIEW,
    parts={
        "exposure_config": replace(NODE, noun="event"),
        "multiple_variant_handling": Wording("handling of several variants", show=choice_text),
        "filterTestAccounts": Wording(
            says={
                False: "test accounts are counted too",
                True: "test accounts are left out",
                None: "test accounts are left out",
            }
        ),
    },
)
_STATISTICS = Wording(
    "statistics",
    weight=VIEW,
    parts={
        "bayesian": Wording(inline=True, parts={"ci_level": Wording("level of confidence")}),
        "frequentist": Wording(inline=True, parts={"alpha": Wording("level of significance")}),
    },
)


def _metric_list(name: str, noun: str) -> Field:
    return Field(
        name,
        tree=NAMED,
        reader="metrics",
        default=[],
        normalise=each_item(metric),
        carry=_carry_metrics,
        sent_with=_ANY_EVENT,
        wording=Wording(weight=VIEW, each=replace(METRIC, noun=noun)),
    )


EXPERIMENT = Kind(
    name="experiment",
    type="Experiment",
    collection="experiments",
    scope="experiment",
    pages=("experiments/{id}",),
    logged_parts={"saved_metric_config": "saved_metrics"},
    folder="experiments",
    natural_key=("name", "flag"),
    same_by=("name", "flag"),
    weight=SERVE,
    needs=("feature_flag:read",),
    # A list has the archived ones or the others.
    lists=({"archived": "false"}, {"archived": "true"}),
    fields=(
        Field("name", normalise=text, required=True),
        # PostHog's column for the hypothesis is called `description`.
        Field("hypothesis", path=("description",), default="", normalise=text, wording=Wording(weight=TEXT)),
        Field(
            "flag",
            ref="flag",
            path=("feature_flag_key",),
            read_path=("feature_flag", "id"),
            write=lambda value, directory: directory.flag_key(int(value)),
            immutable=True,
            required=True,
        ),
        _metric_list("metrics", "metric"),
        _metric_list("metrics_secondary", "secondary metric"),
        Field(
            "saved_metrics",
            wording=Wording(
                weight=VIEW, each=Wording("saved metric", name=_saved_name, parts={"metadata": Wording(inline=True)})
            ),
            ref="saved_metric",
            ref_at="saved_metric",
            path=("saved_metrics_ids",),
            read_path=("saved_metrics",),
            default=[],
            normalise=each_item(lambda item: {"metadata": {"type": "primary"}, **plain(item)}),
            write=_write_saved,
            read=_read_saved,
        ),
        Field(
            "exposure_criteria",
            wording=_EXPOSURE,
            tree=NAMED,
            reader="exposure",
            default={},
            normalise=_exposure,
            write=_write_exposure,
        ),
        Field(
            "stats_config",
            default={"method": "bayesian"},
            normalise=_stats,
            write=_write_stats,
            required=True,
            wording=_STATISTICS,
        ),
        # By default it is the project's default.
        Field(
            "only_count_matured_users",
            default=False,
            required=True,
            wording=switchable(
                "counts a person only once the window of a conversion is over",
                "counts a person at once",
                weight=VIEW,
            ),
        ),
        # PostHog writes a holdout into a flag that it makes itself, and into one that was there with a change of the
        # experiment only; once that runs, only if it is asked to (experiment_service.py, create and update).
        Field(
            "holdout",
            ref="holdout",
            path=("holdout_id",),
            read=_read_holdout,
            again={"update_feature_flag_params": True},
        ),
        Field(
            "excluded_variants",
            default=[],
            normalise=unordered,
            wording=Wording("variants left out of the results", weight=VIEW),
        ),
        Field("start_date", normalise=instant, wording=MOMENT),
        Field("end_date", normalise=instant, wording=MOMENT),
        Field("conclusion", wording=replace(CHOICE, weight=VIEW)),
        Field("conclusion_comment", default="", normalise=text, wording=Wording(weight=TEXT)),
        Field("archived", default=False, wording=ARCHIVED),
    ),
    left={
        "parameters": "what would be written into the flag, which has its own file; excluded_variants had been there",
        "running_time_calculation": "the numbers that people put into PostHog's calculator of the running time",
        "type": "web experiments are made with PostHog's toolbar",
        "filters": "of experiments from before metrics; PostHog refuses new ones",
        "secondary_metrics": "the secondary metrics from before metrics_secondary",
        "scheduling_config": "when PostHog's pages remind people",
        "primary_metrics_ordered_uuids": "PostHog keeps it in step with the metrics, in the order of their ids",
        "secondary_metrics_ordered_uuids": "PostHog keeps it in step with the metrics, in the order of their ids",
        "allow_unknown_events": "how metrics are checked; sent along with them",
        "update_feature_flag_params": "goes with parameters, of which none are sent; sent along with a holdout",
        "feature_flag": "what a new flag would be made with; the flag has its own file",
        "repository": "where PostHog proposes to remove the flag's code when the experiment is over",
        "tags": "PostHog from before September 2026 keeps none, so that a definition's would be missing for ever",
        "version": "a condition on a write, not a part of the object",
        "original_experiment": "goes with version",
    },
)
