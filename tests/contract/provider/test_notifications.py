"""What a notification says is the definition's, and what it does not say is people's."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.support.runs import Applied, Runs
from tests.support.sandbox import Sandbox

BLOCK = {"type": "section", "text": {"type": "mrkdwn", "text": "By hand"}}


@pytest.fixture(scope="module")
def runs(sandbox: Sandbox) -> Runs:
    return Runs(sandbox, {Ref("alert", "a"): "0190a4c1-7e5b-0000-3b1f-2f6a9c8d7e10"})


def form(name: str, template: str, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "template": template, "alert": Ref("alert", "a"), "inputs": inputs}


def held(applied: Applied, sandbox: Sandbox) -> dict[str, Any]:
    live = sandbox.call("GET", f"hog_functions/{applied.id}/")["inputs"]
    return {name: item["value"] for name, item in live.items()}


def test_a_new_one_begins_with_a_message_about_the_alert(runs: Runs, sandbox: Sandbox) -> None:
    slack = Applied(runs, "notification", form("S", "template-slack", workspace="acme", channel="#ai"))
    webhook = Applied(runs, "notification", form("W", "template-webhook", url="https://hooks.example.com/w"))
    assert "{event.properties.alert_name}" in held(slack, sandbox)["text"]
    assert held(slack, sandbox)["blocks"][0]["text"]["text"] == held(slack, sandbox)["text"]
    assert (held(webhook, sandbox)["method"], held(webhook, sandbox)["body"]) == ("POST", {"event": "{event}"})


def test_what_no_file_mentions_stays_as_people_made_it(runs: Runs, sandbox: Sandbox) -> None:
    """Daily loop F2."""
    said = form("Said", "template-slack", workspace="acme", channel="#ai")
    slack = Applied(runs, "notification", said)
    live = sandbox.call("GET", f"hog_functions/{slack.id}/")["inputs"]
    made = {"username": {"value": "Bob"}, "icon_emoji": {"value": ":fire:"}, "blocks": {"value": [BLOCK]}}
    slack.by_hand({"inputs": {**live, **made}})
    assert slack.shown(said) == []
    said["inputs"]["channel"] = "#other"
    assert slack.shown(said) == ["inputs"]
    slack.apply(said)
    found = held(slack, sandbox)
    assert (found["channel"], found["username"], found["icon_emoji"]) == ("#other", "Bob", ":fire:")
    assert found["blocks"] == [BLOCK]
    assert slack.shown(said) == []


def test_what_a_file_mentions_is_put_back(runs: Runs, sandbox: Sandbox) -> None:
    said = form("Mine", "template-slack", workspace="acme", channel="#ai", username="AI", icon_emoji=":robot_face:")
    slack = Applied(runs, "notification", said)
    live = sandbox.call("GET", f"hog_functions/{slack.id}/")["inputs"]
    slack.by_hand({"inputs": {**live, "username": {"value": "Bob"}}})
    assert slack.shown(said) == ["inputs"]
    slack.apply(said)
    assert held(slack, sandbox)["username"] == "AI"


def test_what_a_file_mentions_no_more_is_people_s_as_it_is(runs: Runs, sandbox: Sandbox) -> None:
    slack = Applied(runs, "notification", form("Less", "template-slack", workspace="acme", channel="#a", username="AI"))
    less = form("Less", "template-slack", workspace="acme", channel="#a")
    slack.apply(less)
    assert held(slack, sandbox)["username"] == "AI"
    assert slack.shown(less) == []
