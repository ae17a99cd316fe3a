"""Actions, annotations, subscriptions and experiments: every spelling, and what PostHog makes of it, come out alike."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.posthog.kinds import KINDS, Field, Ref
from providers.posthog.kinds.normal import instant

NOBODY: Any = None  # what is read in these tests is looked up nowhere


def canonical(kind: str, **properties: Any) -> dict[str, Any]:
    return KINDS[kind].canonical(properties)


def field(kind: str, name: str) -> Field:
    [found] = [each for each in KINDS[kind].fields if each.name == name]
    return found


@pytest.mark.parametrize(
    ("written", "posthogs"),
    [
        ("2026-09-07", "2026-09-07T00:00:00Z"),
        ("2026-09-07T10:00:00+02:00", "2026-09-07T08:00:00Z"),
        ("2026-09-07 08:00", "2026-09-07T08:00:00Z"),
        ("2026-09-07T08:00:00.000000Z", "2026-09-07T08:00:00Z"),
        ("2026-09-07T08:00:00.120Z", "2026-09-07T08:00:00.120000Z"),
        ("not a time", "not a time"),
        (Ref("flag", "a"), Ref("flag", "a")),
    ],
)
def test_a_time_has_one_spelling(written: Any, posthogs: Any) -> None:
    assert instant(written) == posthogs
    assert instant(instant(written)) == posthogs


@given(st.datetimes(timezones=st.timezones()))
def test_every_zone_of_a_moment_is_the_same_moment(moment: datetime) -> None:
    elsewhere = moment.astimezone(UTC)
    assert instant(moment.isoformat()) == instant(elsewhere.isoformat())


@pytest.mark.parametrize(("way", "read"), [("email", True), ("slack", True), ("webhook", False), ("teams", False)])
def test_an_address_that_lets_who_knows_it_post_there_is_read_as_a_digest(way: str, read: bool) -> None:
    live = {"title": "T", "target_type": way, "target_value": "https://hooks.example.com/s3cret"}
    assert ("s3cret" in str(KINDS["subscription"].project(live, {}, NOBODY))) is read


def test_a_step_reads_with_all_its_keys_and_is_the_one_that_was_written() -> None:
    """Daily loop B10: url_matching without a url says nothing."""
    ours = canonical("action", name="A", steps=[{"event": "e"}, {"text": "Again", "text_matching": "contains"}])
    blank = dict.fromkeys(("event", "properties", "selector", "selector_regex", "tag_name", "text", "href", "url"))
    theirs = [
        {**blank, "event": "e", "text_matching": None, "href_matching": None, "url_matching": "contains"},
        {**blank, "text": "Again", "text_matching": "contains", "selector_regex": "x", "url_matching": "contains"},
    ]
    assert canonical("action", name="A", steps=theirs) == ours
    edited = [theirs[0], {**theirs[1], "text_matching": "exact"}]
    assert canonical("action", name="A", steps=edited) != ours


@pytest.mark.parametrize("spelling", ["b@x.com,a@x.com", " A@x.com, b@x.com ", "a@x.com,b@x.com,a@x.com,"])
def test_addresses_are_a_set_without_case(spelling: str) -> None:
    assert canonical("subscription", target_value=spelling)["target_value"] == "a@x.com,b@x.com"


def test_a_channel_is_kept_as_it_is() -> None:
    assert canonical("subscription", target_value="C123|#AI")["target_value"] == "C123|#AI"


AI = {"kind": "EventsNode", "event": "ai"}
MEAN = {"kind": "ExperimentMetric", "name": "M", "metric_type": "mean", "source": {"kind": "ActionsNode", "id": 3}}
RATIO = {"kind": "ExperimentMetric", "name": "R", "metric_type": "ratio", "numerator": AI, "denominator": AI}


def test_what_posthog_writes_into_metrics_is_no_difference() -> None:
    theirs: list[dict[str, Any]] = deepcopy([MEAN, RATIO])
    for number, metric in enumerate(theirs):
        metric.update(uuid=f"u{number}", fingerprint="f", goal="increase", version=2)
    theirs[0]["source"].update(name="Its action's name", math="total")
    assert canonical("experiment", metrics=theirs) == canonical("experiment", metrics=[MEAN, RATIO])


@pytest.mark.parametrize(
    "edited",
    [
        {**MEAN, "goal": "decrease"},
        {**MEAN, "source": AI},
        {**MEAN, "source": {"kind": "ActionsNode", "id": 3, "math": "dau"}},
        {**MEAN, "lower_bound_percentile": 0.1},
    ],
)
def test_what_people_do_to_a_metric_is_one(edited: dict[str, Any]) -> None:
    assert canonical("experiment", metrics=[edited]) != canonical("experiment", metrics=[MEAN])


METRICS = st.lists(
    st.builds(lambda name, kind: {**kind, "name": name}, st.sampled_from("abcd"), st.sampled_from([MEAN, RATIO])),
    unique_by=lambda metric: metric["name"],
    max_size=4,
)


@given(METRICS, METRICS)
def test_metrics_that_stay_keep_their_ids_and_none_is_given_twice(
    new: list[dict[str, Any]], old: list[dict[str, Any]]
) -> None:
    live = [{**metric, "uuid": f"u-{metric['name']}", "fingerprint": "f"} for metric in old]
    sent = field("experiment", "metrics").carry(new, live)
    assert [{name: value for name, value in metric.items() if name != "uuid"} for metric in sent] == new
    uuids = [metric["uuid"] for metric in sent if "uuid" in metric]
    assert len(uuids) == len(set(uuids))
    names = {metric["name"] for metric in old}
    assert all(metric["uuid"] == f"u-{metric['name']}" for metric in sent if metric["name"] in names)


def test_a_metric_without_a_name_keeps_its_id_by_what_it_measures() -> None:
    first, second = ({name: item for name, item in each.items() if name != "name"} for each in (MEAN, RATIO))
    live = [{**first, "uuid": "u-1"}, {**second, "name": "", "uuid": "u-2"}]
    carry = field("experiment", "metrics").carry
    assert carry([second, first], live) == [{**second, "uuid": "u-2"}, {**first, "uuid": "u-1"}]
    assert carry([second], live) == [{**second, "uuid": "u-2"}]
    named = {**second, "name": "Rate"}
    assert carry([named, first], live) == [{**named, "uuid": "u-2"}, {**first, "uuid": "u-1"}]
    assert canonical("experiment", metrics=live) == canonical("experiment", metrics=[first, second])


def test_how_results_are_computed_is_always_said_whole() -> None:
    stats = field("experiment", "stats_config")
    whole = {"method": "bayesian", "bayesian": {"ci_level": 0.95}, "frequentist": {"alpha": 0.05}}
    assert stats.to_api(None, NOBODY) == whole
    assert stats.canonical({**whole, "version": 2}) is None
    chosen = stats.canonical({"method": "frequentist", "frequentist": {"alpha": 0.1}})
    assert stats.to_api(chosen, NOBODY) == {**whole, "method": "frequentist", "frequentist": {"alpha": 0.1}}


def test_an_exposure_is_sent_with_what_posthog_asks_for() -> None:
    exposure = field("experiment", "exposure_criteria")
    event = {"kind": "ExperimentEventExposureConfig", "event": "ai"}
    sent = exposure.to_api(exposure.canonical({"exposure_config": event}), NOBODY)
    assert sent == {"filterTestAccounts": True, "exposure_config": {**event, "properties": []}}
    assert exposure.canonical(sent) == {"exposure_config": event}
    assert exposure.to_api(None, NOBODY) == {"filterTestAccounts": True}
