"""`ai-admin pull --all` of a project that holds what PostHog fails to answer with, or no file can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_admin.review.takeover import Left
from tests.campaigns.strangers import project_of
from tests.campaigns.takeover_laws import checkout, compare, taken_over
from tests.support.sandbox import Sandbox

TREND = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ai"}]}
SHOWN = {"kind": "InsightVizNode", "source": TREND}


def test_a_dashboard_that_posthog_fails_to_answer_with_stops_only_itself(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails with a filter that it does not know, as soon as the dashboard shows an insight."""
    monkeypatch.setattr("providers.posthog.client.ATTEMPTS", 1)
    project = project_of(sandbox)
    project.call("POST", "event_definitions/", {"name": "ai"})
    odd = project.call("POST", "dashboards/", {"name": "Odd", "filters": {"colour": "red"}})["id"]
    project.call("POST", "insights/", {"name": "Uses", "query": SHOWN, "dashboards": [odd]})
    noted = {"date_marker": "2026-10-01T00:00:00Z", "scope": "dashboard", "dashboard_id": odd}
    project.call("POST", "annotations/", {"content": "Since then", **noted})
    root = checkout(tmp_path / "co")
    result = taken_over(project, root)
    assert sorted(result.texts) == ["events/ai.yaml", "insights/uses.yaml"]
    failed, note = sorted(result.left, key=lambda left: not left.unread)
    assert failed == Left("dashboard", str(odd), "Odd", failed.reason, failed.page, unread=True)
    assert failed.reason.startswith("it can't be read: PostHog answered 500 to GET /api/projects/")
    assert note.reason == f"it names the dashboard {odd}, which can't be read"
    assert not [*compare(project, root).differences()]


def test_a_field_that_no_file_can_say_in_two_places_is_left_and_the_rest_is_not(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    project = project_of(sandbox)
    project.call("POST", "dashboards/", {"name": "Odd", "filters": {"colour": "red", "shape": "round"}})
    result = taken_over(project, checkout(tmp_path / "co"))
    assert not result.left
    assert "unmanaged: [filters]\n" in result.texts["dashboards/odd.yaml"]


def test_metrics_to_which_nobody_gave_a_name_are_in_the_files(sandbox: Sandbox, tmp_path: Path) -> None:
    """As those that are made on PostHog's pages, which call them after what they measure."""
    project = project_of(sandbox)
    project.call("POST", "event_definitions/", {"name": "ai"})
    counted = {"kind": "EventsNode", "event": "ai", "name": "ai"}  # these repeat it
    mean = {"kind": "ExperimentMetric", "metric_type": "mean", "source": counted}
    share = {"kind": "ExperimentMetric", "metric_type": "funnel", "series": [{"kind": "EventsNode", "event": "ai"}]}
    saved = project.call("POST", "experiment_saved_metrics/", {"name": "Shared", "query": mean})["id"]
    variants = {"variants": [{"key": key, "rollout_percentage": 50} for key in ("control", "test")]}
    filters = {"groups": [{"properties": []}], "multivariate": variants}
    project.call("POST", "feature_flags/", {"key": "compared", "filters": filters})
    shared = {"saved_metrics_ids": [{"id": saved, "metadata": {"type": "secondary"}}]}
    told = {"name": "Compare", "feature_flag_key": "compared", "metrics": [mean, share, mean], **shared}
    project.call("POST", "experiments/", told)
    root = checkout(tmp_path / "co")
    result = taken_over(project, root)
    assert not result.left
    assert not result.partly
    text = result.texts["experiments/compare.yaml"]
    assert text.count("  - metric_type: mean\n    source: {event: ai}\n") == 2
    assert "name" not in text.partition("metrics:")[2].partition("saved_metrics:")[0]
    assert not [*compare(project, root).differences()]
