"""Experiments."""

from __future__ import annotations

from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Body, Sample, Samples, scalar, switch
from tests.support.samples.other_kinds import FAILED
from tests.support.samples.world import VARIANTS
from tests.support.sandbox import Sandbox

_AI: dict[str, Any] = {"kind": "EventsNode", "event": "ai"}
_FAILURES: dict[str, Any] = {"kind": "ActionsNode", "id": Ref("action", "failed")}
MEAN = {"kind": "ExperimentMetric", "name": "Failures", "metric_type": "mean", "goal": "decrease", "source": _FAILURES}
RATIO = {
    "kind": "ExperimentMetric",
    "name": "Worked",
    "metric_type": "ratio",
    "numerator": {**_AI, "properties": [FAILED]},
    "denominator": _AI,
}
FUNNEL = {"kind": "ExperimentMetric", "name": "Steps", "metric_type": "funnel", "series": [_AI, _AI]}
BACK = {
    "kind": "ExperimentMetric",
    "name": "Back",
    "metric_type": "retention",
    "start_event": _AI,
    "completion_event": _AI,
    "retention_window_start": 0,
    "retention_window_end": 7,
    "retention_window_unit": "day",
    "start_handling": "first_seen",
}
_STARTED: dict[str, Any] = {"start_date": "2026-09-07T08:00:00Z"}
_ENDED: dict[str, Any] = {**_STARTED, "end_date": "2026-10-07T08:00:00Z"}
_EXPOSURE = {"exposure_config": {"kind": "ExperimentEventExposureConfig", "event": "ai", "properties": []}}


def _flag(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """A flag of its own, on which the experiment is."""
    filters = {"groups": [{"rollout_percentage": 50}], "multivariate": {"variants": VARIANTS}}
    return {"flag": sandbox.call("POST", "feature_flags/", {"key": name, "filters": filters})["id"]}


def _metrics(name: str) -> Sample:
    def edit(*metrics: Any) -> Body:
        return {name: list(metrics), "allow_unknown_events": True}

    edits = (
        edit(MEAN),
        edit(MEAN, RATIO, {**MEAN, "name": "Added"}),
        edit(RATIO, MEAN),
        edit({**MEAN, "goal": "increase"}, RATIO),
        edit(MEAN, {**RATIO, "denominator": {**_AI, "math": "dau"}}),
        edit(MEAN, {**RATIO, "numerator": _AI}),
        edit({**MEAN, "source": {**_FAILURES, "id": Ref("action", "other")}}, RATIO),
        edit({**MEAN, "conversion_window": 7, "conversion_window_unit": "day"}, RATIO),
        edit(),
    )
    return Sample([MEAN, RATIO], changed=edits, added=(edit(FUNNEL), edit(BACK)))


def _saved(kind: str) -> dict[str, Any]:
    return {"saved_metrics_ids": [{"id": Ref("saved_metric", "costs"), "metadata": {"type": kind}}]}


EXPERIMENTS = Samples(
    least=lambda name: {"name": name},
    before=_flag,
    fields={
        "name": Sample("Named", changed=({"name": "By hand"},)),
        "hypothesis": Sample(
            "One retry helps",
            changed=({"description": "By hand"}, {"description": ""}),
            added=({"description": "New"},),
        ),
        "flag": Sample(Ref("flag", "ab")),
        "metrics": _metrics("metrics"),
        "metrics_secondary": _metrics("metrics_secondary"),
        "saved_metrics": Sample(
            [{"saved_metric": Ref("saved_metric", "costs")}],
            changed=(_saved("secondary"), {"saved_metrics_ids": []}),
            added=(_saved("primary"),),
        ),
        "exposure_criteria": Sample(
            {"filterTestAccounts": False, **_EXPOSURE},
            changed=(
                {"exposure_criteria": {"filterTestAccounts": True, **_EXPOSURE}},
                {"exposure_criteria": {"filterTestAccounts": False}},
                {"exposure_criteria": {"exposure_config": _FAILURES, "filterTestAccounts": False}},
                {"exposure_criteria": {}},
            ),
            added=({"exposure_criteria": {"multiple_variant_handling": "first_seen"}},),
        ),
        "stats_config": Sample(
            {"method": "frequentist", "frequentist": {"alpha": 0.1}},
            changed=(
                {"stats_config": {"method": "bayesian"}},
                {"stats_config": {"method": "frequentist"}},
                {
                    "stats_config": {
                        "method": "frequentist",
                        "frequentist": {"alpha": 0.1},
                        "bayesian": {"ci_level": 0.5},
                    }
                },
            ),
            added=({"stats_config": {"method": "bayesian", "baseline_variant_key": "test"}},),
        ),
        "only_count_matured_users": switch("only_count_matured_users"),
        "holdout": scalar("holdout_id", Ref("holdout", "failed"), Ref("holdout", "other"), None),
        "excluded_variants": scalar("excluded_variants", ["other"], ["test"], []),
        "start_date": scalar("start_date", "2026-09-07T08:00:00Z", "2026-09-07T08:00:01Z", None),
        "end_date": scalar("end_date", "2026-10-07T08:00:00Z", "2026-10-07T08:00:01Z", None, **_STARTED),
        "conclusion": scalar("conclusion", "won", "lost", None, **_ENDED),
        "conclusion_comment": scalar("conclusion_comment", "It did", "By hand", "", **_ENDED, conclusion="won"),
        "archived": switch("archived", **_ENDED),
    },
    full={"metrics": [MEAN, RATIO], "exposure_criteria": _EXPOSURE, **_STARTED},
    noise={
        "metrics with their ids and fingerprints, as they are read": lambda live: {
            "metrics": live["metrics"],
            "allow_unknown_events": True,
        },
        "what means nothing in a metric": {
            "metrics": [{**MEAN, "source": {**_FAILURES, "math": "total"}}, {**RATIO, "goal": "increase"}],
            "allow_unknown_events": True,
        },
        "the defaults of how it is counted and computed": {
            "exposure_criteria": {**_EXPOSURE, "filterTestAccounts": True},
            "stats_config": {"method": "bayesian", "bayesian": {"ci_level": 0.95}, "frequentist": {"alpha": 0.05}},
        },
        "numbers of PostHog's calculator": {"running_time_calculation": {"minimum_detectable_effect": 5}},
    },
    fixed=("flag",),
    file="experiment",
    author={"key": "retries", "name": "Retries", "flag": "retries"},
    needed={"name": ("name",), "flag": ("flag",)},
)

SAMPLES = {"experiment": EXPERIMENTS}
