"""Subscriptions (PostHog's ee/api/subscription.py and models/subscription.py)."""

from typing import Any

import pytest

from sandbox.tests.shapes import Api, refusal


def _body(**values: Any) -> dict[str, Any]:
    return {
        "target_type": "email",
        "target_value": "a@example.com",
        "frequency": "weekly",
        "interval": 1,
        "start_date": "2026-01-01T00:00:00Z",
        **values,
    }


def _subscription(api: Api, **values: Any) -> Any:
    return api.post("subscriptions/", _body(**({"insight": api.insight()["id"]} | values)))


def _refused(api: Api, **values: Any) -> tuple[int, str, str, str | None]:
    return refusal(api("POST", "subscriptions/", _body(**values)))


def test_a_subscription_knows_what_it_is_of(api: Api) -> None:
    insight = api.insight(name="Tokens")
    made = _subscription(api, insight=insight["id"], invite_message="hello")
    assert (made["resource_type"], made["resource_name"], made["insight_short_id"]) == (
        "insight", "Tokens", insight["short_id"]
    )  # fmt: skip
    assert not {"invite_message", "send_test_now", "content_type"} & made.keys()
    assert made["next_delivery_date"] > "2026-01-01"


def test_what_is_subscribed_stays(api: Api) -> None:
    path = f"subscriptions/{_subscription(api)['id']}/"
    other = api.insight()["id"]
    assert api.patch(path, {"insight": other})["insight"] == other
    assert refusal(api("PATCH", path, {"dashboard": api.dashboard()["id"]})) == (
        400, "invalid_input", "Insight subscriptions cannot also set dashboard or prompt.", "insight"
    )  # fmt: skip


def test_subscriptions_are_deleted_softly(api: Api) -> None:
    path = f"subscriptions/{_subscription(api)['id']}/"
    answer = api("DELETE", path)
    assert (answer.status_code, answer.content) == (405, b"")
    api.patch(path, {"deleted": True})
    assert api.get(path)["deleted"] is True
    assert path not in [f"subscriptions/{each['id']}/" for each in api.get("subscriptions/?limit=1000")["results"]]
    assert path in [f"subscriptions/{each['id']}/" for each in api.get("subscriptions/?deleted=true")["results"]]
    assert api.patch(path, {"deleted": False})["deleted"] is False


def test_a_dashboards_subscription_delivers_insights_that_stand_on_it(api: Api) -> None:
    dashboard = api.dashboard()["id"]
    on, off = api.insight(dashboards=[dashboard])["id"], api.insight()["id"]
    attr = "dashboard_export_insights"
    assert _refused(api, dashboard=dashboard)[2:] == ("Select at least one insight for this subscription.", attr)
    assert _refused(api, dashboard=dashboard, dashboard_export_insights=[on, off])[2:] == (
        "1 invalid insight(s) selected.", attr
    )  # fmt: skip
    assert _refused(api, insight=on, dashboard_export_insights=[on])[2:] == (
        "Cannot set insights selection without a dashboard.", attr
    )  # fmt: skip
    made = api.post("subscriptions/", _body(dashboard=dashboard, dashboard_export_insights=[on]))
    assert (made["resource_type"], made["dashboard_export_insights"]) == ("dashboard", [on])
    path = f"subscriptions/{made['id']}/"
    assert api.patch(path, {"title": "kept"})["dashboard_export_insights"] == [on]
    assert refusal(api("PATCH", path, {"dashboard_export_insights": []}))[3] == attr


def test_an_insight_that_leaves_the_dashboard_leaves_its_subscription_and_the_last_one_pauses_it(api: Api) -> None:
    """Also where another key than the subscription's takes it off; nothing switches it on again."""
    dashboard = api.dashboard()["id"]
    one, two, three = (api.insight(dashboards=[dashboard])["id"] for _ in range(3))
    made = api.post("subscriptions/", _body(dashboard=dashboard, dashboard_export_insights=[one, two, three]))

    def found() -> tuple[bool, list[int]]:
        shown = api.get(f"subscriptions/{made['id']}/")
        return shown["enabled"], shown["dashboard_export_insights"]

    api.patch(f"insights/{one}/", {"dashboards": []})
    assert found() == (True, [two, three])
    tiles = {each["insight"]["id"]: each["id"] for each in api.get(f"dashboards/{dashboard}/")["tiles"]}
    api.patch(f"dashboards/{dashboard}/", {"tiles": [{"id": tiles[two], "deleted": True}]})
    assert found() == (True, [three])
    api.patch(f"insights/{three}/", {"deleted": True})
    assert found() == (False, [three])
    api.patch(f"insights/{three}/", {"deleted": False, "dashboards": [dashboard]})
    assert found() == (False, [three])


def test_a_deleted_dashboard_pauses_its_subscriptions(api: Api) -> None:
    dashboard = api.dashboard()["id"]
    insights = [api.insight(dashboards=[dashboard])["id"] for _ in range(2)]
    made = api.post("subscriptions/", _body(dashboard=dashboard, dashboard_export_insights=insights))
    for deleted in (True, False):
        api.patch(f"dashboards/{dashboard}/", {"deleted": deleted})
        shown = api.get(f"subscriptions/{made['id']}/")
        assert (shown["enabled"], shown["dashboard_export_insights"]) == (False, insights)


@pytest.mark.parametrize(
    ("values", "detail", "attr"),
    [
        ({"target_type": "slack"}, "A Slack integration is required for Slack subscriptions.", "integration_id"),
        ({"target_type": "slack", "integration_id": 9999},
         "This integration does not exist or does not belong to your team.", "integration_id"),
        ({"frequency": "hourly"}, '"hourly" is not a valid choice.', "frequency"),
        ({"interval": 0}, "Ensure this value is greater than or equal to 1.", "interval"),
        ({"until_date": "2026-01-02T00:00:00Z"},
         "Subscription schedule has reached its end date. Extend until_date or remove count.", "start_date"),
        ({"count": 1}, "Subscription schedule has reached its end date. Extend until_date or remove count.",
         "start_date"),
        ({"insight": 9999}, 'Invalid pk "9999" - object does not exist.', "insight"),
        ({"insight": None}, "A subscription must have an insight, a dashboard, or a prompt.", None),
        ({"target_type": "webhook"}, '"webhook" is not a valid choice.', "target_type"),
        ({"byweekday": ["friday", "someday"]}, '"someday" is not a valid choice.', "byweekday__1"),
        ({"byweekday": ["someday"]}, '"someday" is not a valid choice.', "byweekday__0"),
        ({"byweekday": "friday"}, 'Expected a list of items but got type "str".', "byweekday"),
    ],
)  # fmt: skip
def test_subscriptions_are_checked(api: Api, values: dict[str, Any], detail: str, attr: str | None) -> None:
    assert _refused(api, **{"insight": api.insight()["id"], **values})[2:] == (detail, attr)


def test_an_interval_is_required_when_it_is_made(api: Api) -> None:
    body = _body(insight=api.insight()["id"])
    del body["interval"]
    assert refusal(api("POST", "subscriptions/", body)) == (400, "required", "This field is required.", "interval")
    made = _subscription(api)
    assert api.patch(f"subscriptions/{made['id']}/", {"title": "t"})["interval"] == 1


def test_a_dashboards_subscription_has_ten_insights_at_most(api: Api) -> None:
    dashboard = api.dashboard()["id"]
    many = [api.insight(dashboards=[dashboard])["id"] for _ in range(11)]
    assert _refused(api, dashboard=dashboard, dashboard_export_insights=many)[2] == (
        "Cannot select more than 10 insights."
    )
    api.post("subscriptions/", _body(dashboard=dashboard, dashboard_export_insights=many[:10]))


def _deliveries(api: Api, subscription: Any) -> list[str]:
    found = api.get(f"subscriptions/{subscription['id']}/deliveries/")["results"]
    return [each["trigger_type"] for each in found]


def test_a_new_subscription_is_delivered_at_once(api: Api) -> None:
    made = _subscription(api)
    found = api.get(f"subscriptions/{made['id']}/deliveries/")["results"]
    assert [(each["trigger_type"], each["target_value"], each["status"]) for each in found] == [
        ("target_change", "a@example.com", "completed")
    ]
    assert _deliveries(api, _subscription(api, send_test_now=False)) == []
    assert _deliveries(api, _subscription(api, enabled=False)) == []


def test_a_change_of_what_is_delivered_is_delivered_at_once(api: Api) -> None:
    made = _subscription(api, send_test_now=False)
    path = f"subscriptions/{made['id']}/"
    api.patch(path, {"title": "t", "interval": 2})
    api.patch(path, {"target_value": "b@example.com", "send_test_now": False})
    assert _deliveries(api, made) == []
    api.patch(path, {"target_value": "c@example.com"})
    api.patch(path, {"enabled": False})
    api.patch(path, {"enabled": True})
    assert _deliveries(api, made) == ["target_change", "target_change"]
    api.patch(path, {"deleted": True})
    assert _deliveries(api, made) == ["target_change", "target_change"]


def test_a_guide_for_summaries_is_for_some_organisations(api: Api) -> None:
    made = _subscription(api, summary_prompt_guide="cost first")
    assert made["summary_prompt_guide"] == ""
    path = f"subscriptions/{made['id']}/"
    with api.setting(gated_fields="refused"):
        expected = (
            403, "permission_denied", "Setting AI summary context is not enabled for this organization.", None
        )  # fmt: skip
        assert _refused(api, insight=made["insight"], summary_prompt_guide="cost first") == expected
        assert refusal(api("PATCH", path, {"summary_prompt_guide": "cost first"})) == expected
        assert api.patch(path, {"summary_prompt_guide": ""})["summary_prompt_guide"] == ""
    with api.setting(gated_fields="kept"):
        assert api.patch(path, {"summary_prompt_guide": "cost first"})["summary_prompt_guide"] == "cost first"


def test_subscriptions_are_filtered(api: Api) -> None:
    made = _subscription(api)
    me = api.get("/api/users/@me/")["uuid"]

    def found(query: str) -> bool:
        return made["id"] in [each["id"] for each in api.get(f"subscriptions/?limit=1000&{query}")["results"]]

    assert [found(f"resource_type={kind}") for kind in ("insight", "dashboard")] == [True, False]
    assert [found(f"created_by={who}") for who in (me, "00000000-0000-0000-0000-000000000000")] == [True, False]
    assert [found(f"target_type={kind}") for kind in ("email", "slack")] == [True, False]
    assert refusal(api("GET", "subscriptions/?created_by=1"))[2:] == ("Not a valid UUID.", "created_by")
    assert refusal(api("GET", "subscriptions/?target_type=pigeon"))[2:] == (
        "Must be one of: email, slack, teams.",
        "target_type",
    )


TEAMS = "https://costs.webhook.office.com/webhookb2/c0ffee"
ONE_MESSAGE = {"delivery_config": {"post_all_insights_in_main_message": True}}
NO_CHARTS = {"delivery_config": {"include_images": False}}


def test_a_prompt_goes_to_teams(api: Api) -> None:
    asked = {"prompt": "Which costs grew?", "target_type": "teams", "target_value": TEAMS, **NO_CHARTS}
    made = api.post("subscriptions/", _body(**asked, send_test_now=False))
    assert {name: made[name] for name in asked} == asked
    assert (made["resource_type"], made["ai_prompt_config"]) == ("ai_prompt", {})
    assert "send_test_now" not in made


def test_a_prompt_looks_back_as_far_as_it_says(api: Api) -> None:
    window = {"window": {"mode": "last_n_days", "start_days_ago": 7, "end_days_ago": None}}
    made = api.post("subscriptions/", _body(prompt="Which costs grew?", ai_prompt_config=window))
    assert made["ai_prompt_config"] == window
    path = f"subscriptions/{made['id']}/"
    assert api.patch(path, {"title": "Costs"})["ai_prompt_config"] == window
    assert api.patch(path, {"ai_prompt_config": {}})["ai_prompt_config"] == {}


@pytest.mark.parametrize(
    ("values", "attr"),
    [
        ({"target_type": "teams", "target_value": "https://evilpowerautomate.com/x"}, "target_value"),
        ({"target_type": "teams", "target_value": "http://a.webhook.office.com/webhookb2/1"}, "target_value"),
        (ONE_MESSAGE, "delivery_config"),
        (NO_CHARTS, "delivery_config"),
        ({"delivery_config": {"other": True}}, "delivery_config"),
        ({"ai_prompt_config": {"window": {"mode": "for_ever"}}}, "ai_prompt_config"),
        ({"ai_prompt_config": {"days": 7}}, "ai_prompt_config"),
    ],
)
def test_what_does_not_go_together_is_refused(api: Api, values: dict[str, Any], attr: str) -> None:
    status, code, _, place = _refused(api, **{"insight": api.insight()["id"], **values})
    assert (status, code, place) == (400, "invalid_input", attr)


def test_ai_summaries_need_the_organisations_approval(api: Api) -> None:
    assert _refused(api, insight=api.insight()["id"], summary_enabled=True)[:3] == (
        403,
        "permission_denied",
        "AI data processing must be approved by your organization before enabling AI summaries",
    )


@pytest.mark.parametrize(
    ("values", "summary"),
    [
        ({}, "sent every week"),
        ({"interval": 2, "frequency": "daily"}, "sent every 2 days"),
        ({"frequency": "monthly", "byweekday": ["friday"], "bysetpos": -1}, "sent every month on the last Friday"),
        ({"frequency": "monthly", "byweekday": ["monday", "sunday"], "bysetpos": 1},
         "sent every month on the first day"),
    ],
)  # fmt: skip
def test_the_schedule_in_words(api: Api, values: dict[str, Any], summary: str) -> None:
    assert _subscription(api, **values)["summary"] == summary


def test_the_next_delivery_moves_with_the_schedule_only(api: Api) -> None:
    made = _subscription(api, start_date="2099-01-01T08:00:00Z")
    path = f"subscriptions/{made['id']}/"
    assert made["next_delivery_date"] == "2099-01-01T08:00:00Z"
    assert api.patch(path, {"title": "t"})["next_delivery_date"] == "2099-01-01T08:00:00Z"
    assert api.patch(path, {"byweekday": ["monday"]})["next_delivery_date"] == "2099-01-05T08:00:00Z"


def test_the_log_hides_the_recipients(api: Api) -> None:
    made = _subscription(api)
    api.patch(f"subscriptions/{made['id']}/", {"target_value": "b@example.com"})
    entry = api.get(f"activity_log/?scope=Subscription&item_id={made['id']}")["results"][0]
    change = entry["detail"]["changes"][0]
    assert (change["field"], change["before"], change["after"]) == ("target_value", "masked", "masked")
    assert entry["detail"]["name"] == made["resource_name"]
