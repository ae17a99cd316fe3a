"""What a plan says of an alert's past is counted at the checks that PostHog makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.review.changes import Action, Change
from ai_admin.review.firing import firing, watched
from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import Kind, Ref

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
QUERY = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ran"}], "interval": "hour"}
ALERT = {"insight": 3, "calculation_interval": "hourly", "config": {"check_ongoing_interval": True}}
ALERTS, INSIGHTS = Ref("alert", "many"), Ref("insight", "runs")
HERE = Source("alerts/many.yaml", 1, 1)
NEVER = "it would have fired 0 times instead of 1 time, at 0 of 720 checks instead of 720"


class PostHog:
    """Something ran once in every minute. The alert is checked at twenty to."""

    @property
    def client(self) -> PostHog:
        return self

    def __init__(self, refusal: ApiError | None = None) -> None:
        self.refusal = refusal
        self.state = "Not firing"
        self.asked, self.last = 0, ""

    def get(self, kind: Kind, id_: str) -> dict[str, Any]:
        assert (kind.name, id_[0]) == ("alert", "7")
        return {"next_check_at": "2026-11-27T12:40:00Z", "state": self.state}

    def hurried(self, _: float) -> PostHog:
        return self

    def project_path(self, path: str) -> str:
        return path

    def request(self, _method: str, _path: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        self.asked, self.last = self.asked + 1, body["query"]["dateRange"]["date_to"]
        if self.refusal:
            raise self.refusal
        dates, fine = body["query"]["dateRange"], body["query"]["interval"] == "minute"
        start, end = (datetime.fromisoformat(dates[name]) for name in ("date_from", "date_to"))
        step = timedelta(minutes=1 if fine else 60)
        days = [(start + number * step).isoformat() for number in range((end - start) // step)]
        return {"timezone": "UTC", "results": [{"label": "ran", "days": days, "data": [1 if fine else 60] * len(days)}]}


def test_the_checks_are_at_the_minute_of_posthogs() -> None:
    live, wanted = ({**ALERT, "threshold": {"upper": upper}} for upper in (39, 41))
    changes = [
        Change(ALERTS, Action.UPDATE, "7", live=live, wanted=wanted),
        Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY}),
    ]
    said = firing(changes, cast(Inventory, PostHog()), NOW)
    assert said == {ALERTS: [f"over the last 30 days {NEVER}"]}


@pytest.mark.parametrize(
    ("was_on", "is_on", "said"),
    [
        (True, True, NEVER),
        (None, True, "it would have fired 0 times, at 0 of 720 checks (above 41)"),
        (True, False, "it would have fired 1 time, at 720 of 720 checks (above 39) so far; it is switched off"),
        (False, False, f"{NEVER}, were it on; it is switched off"),
        (False, True, "it would have fired 0 times, at 0 of 720 checks (above 41); so far it is switched off"),
        (None, False, "it would have fired 0 times, at 0 of 720 checks (above 41), were it on; it is switched off"),
    ],
)
def test_one_that_is_off_is_not_said_to_have_fired(was_on: bool | None, is_on: bool, said: str) -> None:
    live = None if was_on is None else {**ALERT, "threshold": {"upper": 39}, "enabled": was_on}
    wanted = {**ALERT, "threshold": {"upper": 41}, "enabled": is_on}
    changes = [
        Change(ALERTS, Action.CREATE if live is None else Action.UPDATE, "7", live=live, wanted=wanted),
        Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY}),
    ]
    assert firing(changes, cast(Inventory, PostHog()), NOW) == {ALERTS: [f"over the last 30 days {said}"]}


def test_the_period_is_that_of_a_back_test_up_to_now() -> None:
    """Rounded down, its first check looked at an hour that ``ai-admin backtest`` does not look at."""
    live, wanted = ({**ALERT, "threshold": {"upper": upper}} for upper in (39, 41))
    changes = [
        Change(ALERTS, Action.UPDATE, "7", live=live, wanted=wanted),
        Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY}),
    ]
    posthog, now = PostHog(), NOW + timedelta(minutes=47)
    firing(changes, cast(Inventory, posthog), now)
    assert posthog.last == now.isoformat()


@pytest.mark.parametrize("was_on", [True, False])
def test_one_that_would_be_firing_now_says_so(was_on: bool) -> None:
    live = {**ALERT, "threshold": {"upper": 41}, "enabled": was_on}
    wanted = {**ALERT, "threshold": {"upper": 39}, "enabled": True}
    changes = [
        Change(ALERTS, Action.UPDATE, "7", live=live, wanted=wanted),
        Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY}),
    ]
    [line] = firing(changes, cast(Inventory, PostHog()), NOW)[ALERTS]
    so_far = "; so far it is switched off" if not was_on else ""
    assert line.endswith(f", and it would be firing now{so_far}")


SO_FAR = "over the last 30 days it would have fired 1 time, at 720 of 720 checks (above 39) so far"
LOST = {"off": "; it is switched off", "gone": ""}


@pytest.mark.parametrize("loss", LOST)
def test_what_is_lost_with_an_alert_that_goes_off_or_is_deleted_is_said(loss: str) -> None:
    live = {**ALERT, "threshold": {"upper": 39}, "enabled": True}
    wanted = {**live, "enabled": False} if loss == "off" else None
    action = Action.UPDATE if wanted else Action.DELETE
    insight = Change(INSIGHTS, action, "3", live={"query": QUERY}, wanted={"query": QUERY} if wanted else None)
    changes = [Change(ALERTS, action, "7", live=live, wanted=wanted), insight]
    posthog = PostHog()
    assert firing(changes, cast(Inventory, posthog), NOW) == {ALERTS: [SO_FAR + LOST[loss]]}
    posthog.state = "Firing"
    assert firing(changes, cast(Inventory, posthog), NOW) == {ALERTS: [f"{SO_FAR}{LOST[loss]}; it is firing now"]}


def test_an_alert_that_is_off_already_loses_nothing() -> None:
    live = {**ALERT, "threshold": {"upper": 39}, "enabled": False}
    insight = Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY})
    posthog = cast(Inventory, PostHog())
    assert firing([Change(ALERTS, Action.DELETE, "7", live=live), insight], posthog, NOW) == {}
    assert firing([Change(ALERTS, Action.UPDATE, "7", live=live, wanted=live), insight], posthog, NOW) == {}


@pytest.mark.parametrize(
    ("refusal", "why", "asked"),
    [
        (ApiError("no answer"), "no answer", 1),
        (ApiError("it failed", 502), "it failed", 1),
        (ApiError("no such property", 400), "PostHog refuses its query: no such property", 3),
    ],
)
def test_what_refuses_a_query_is_asked_the_next_and_what_does_not_answer_is_not(
    refusal: ApiError, why: str, asked: int
) -> None:
    changes = [Change(INSIGHTS, Action.NOTHING, "3", live={"query": QUERY}, wanted={"query": QUERY})]
    for number in range(3):
        live, wanted = ({**ALERT, "threshold": {"upper": upper}} for upper in (39, 41))
        changes.append(Change(Ref("alert", f"many-{number}"), Action.UPDATE, f"7{number}", live=live, wanted=wanted))
    posthog = PostHog(refusal)
    said = firing(changes, cast(Inventory, posthog), NOW)
    assert [*said.values()] == [[f"when it would have fired is not known: {why}"]] * 3
    assert posthog.asked == asked


@pytest.mark.parametrize("query", [None, {**QUERY, "properties": [{"type": "cohort", "value": Ref("cohort", "new")}]}])
def test_a_new_alert_on_what_is_new_too_says_that_nothing_is_known(query: Any) -> None:
    changes = [
        Change(ALERTS, Action.CREATE, wanted={**ALERT, "insight": 3 if query else INSIGHTS, "threshold": {"lower": 1}}),
        Change(INSIGHTS, Action.CREATE, wanted={"query": QUERY}),
    ]
    if query:
        changes[1] = Change(INSIGHTS, Action.UPDATE, "3", live={"query": QUERY}, wanted={"query": query})
    posthog = PostHog()
    said = "when it would have fired is not known: its insight, or what that refers to, is new too"
    assert firing(changes, cast(Inventory, posthog), NOW) == {ALERTS: [said]}
    assert posthog.asked == 0


@pytest.mark.parametrize(
    ("alert", "notified", "said"),
    [
        ({"threshold": {"lower": 1}}, [], "fires below 1, tells nobody"),
        (
            {"threshold": {"lower": 0.5}, "config": {"type": "FunnelsAlertConfig"}, "subscribed_users": ["a@b.c"]},
            [{"workspace": "acme", "channel": "#ai"}, {"url": "https://example.com/secret"}],
            "fires below 0.5 %, tells a@b.c, #ai in Slack and a webhook",
        ),
        (
            {"threshold": {"upper": 3, "type": "percentage"}, "condition": "relative_increase"},
            [{"url": {"env": "PAGER"}}],
            "fires on an increase above 300 %, tells a webhook",
        ),
    ],
)
def test_what_an_alert_watches_and_whom_it_tells_is_one_sentence(
    alert: dict[str, Any], notified: list[dict[str, Any]], said: str
) -> None:
    definitions = [
        Definition("alert", "many", {"insight": INSIGHTS, **alert}, HERE),
        Definition("notification", "other", {"alert": Ref("alert", "other"), "inputs": {"channel": "#other"}}, HERE),
        *(Definition("notification", "many", {"alert": ALERTS, "inputs": each}, HERE) for each in notified),
    ]
    assert watched(definitions) == {ALERTS: f"watches insight runs, {said}"}
