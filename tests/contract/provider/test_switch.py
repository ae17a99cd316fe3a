"""What is asked of PostHog about a flag's switch, past the engine."""

from __future__ import annotations

from providers.posthog.client import Client
from providers.posthog.connection import Connection
from providers.posthog.leaving import leaving
from tests.support.sandbox import Sandbox


def test_whether_flags_that_go_are_on_is_what_posthog_says(sandbox: Sandbox) -> None:
    def made(key: str, **more: object) -> dict[str, str]:
        flag = sandbox.call("POST", "feature_flags/", {"key": key, "filters": {"groups": [{}]}, **more})
        return {"id": str(flag["id"])}

    client = Client(Connection(sandbox.url, sandbox.project_id, sandbox.organization_id, sandbox.api_key))
    before = {
        "flag/on": made("on"),
        "flag/off": made("off", active=False),
        "flag/deleted": made("deleted"),
        "flag/never-there": {"id": "999999"},
        "flag/waits": {"id": "waiting:0191d3f5-0000-7000-8000-000000000000"},
        "flag/stays": made("stays"),
        "cohort/other": {"id": "1"},
    }
    sandbox.call("PATCH", f"feature_flags/{before['flag/deleted']['id']}/", {"deleted": True})
    sandbox.requests()
    found = leaving(client, before, {"flag/stays"})
    assert found == {
        "flag/on": True,
        "flag/off": False,
        "flag/deleted": False,
        "flag/never-there": False,
        "flag/waits": False,
    }
    assert len(sandbox.requests()) == 5
