"""Where PostHog shows objects: its own addresses (frontend/src/scenes/urls.ts, products/*/manifest.tsx)."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import KINDS

PAGES: dict[str, tuple[dict[str, Any], str]] = {
    "action": ({"id": 7}, "data-management/actions/7"),
    "alert": ({"id": "u", "insight_short_id": "Ab"}, "insights/Ab/alerts?alert_id=u"),
    "annotation": ({"id": 7}, "data-management/annotations/7"),
    "cohort": ({"id": 7}, "cohorts/7"),
    "dashboard": ({"id": 7}, "dashboard/7"),
    "early_access_feature": ({"id": "u"}, "early_access_features/u"),
    "event": ({"id": "u"}, "data-management/events/u"),
    "experiment": ({"id": 7}, "experiments/7"),
    "flag": ({"id": 7}, "feature_flags/7"),
    "holdout": ({"id": 7}, "experiments?tab=holdouts"),
    "insight": ({"id": 7, "short_id": "Ab"}, "insights/Ab"),
    "insight_variable": ({"id": "u"}, "data-management/variables"),
    "notification": ({"id": "u"}, "functions/u"),
    "playlist": ({"id": 7, "short_id": "Ab"}, "replay/playlists/Ab"),
    "property": ({"id": "u"}, "data-management/properties/u"),
    "saved_metric": ({"id": 7}, "experiments/shared-metrics/7"),
    "subscription": ({"id": 7, "insight_short_id": "Ab", "dashboard": None}, "insights/Ab/subscriptions/7"),
    "survey": ({"id": "u"}, "surveys/u"),
    "tiles": ({"id": 7}, "dashboard/7"),
}


def test_every_kind_has_a_page() -> None:
    assert PAGES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", PAGES)
def test_an_object_has_an_address(kind: str) -> None:
    live, page = PAGES[kind]
    assert KINDS[kind].page_of(live) == page


def test_what_a_page_is_named_after_may_be_missing() -> None:
    of_dashboard = {"id": 7, "insight_short_id": None, "dashboard": 3}
    assert KINDS["subscription"].page_of(of_dashboard) == "dashboard/3/subscriptions/7"
    assert KINDS["alert"].page_of({"id": "u"}) == "insights?tab=alerts&alert_id=u"
    assert KINDS["insight"].page_of({"id": 7}) == ""
