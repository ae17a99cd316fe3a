"""Secret addresses are held to what written ones are held to, and never shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from providers.posthog.kinds.address import wrong_with
from providers.posthog.resources import wrong_variables

GOOD = "https://me:secret@hooks.example.com/T0/B1?x=1"


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (GOOD, ""),
        ("http://127.0.0.1:9/pager", ""),
        (f"{GOOD}\n", "begins or ends with a blank or a line break"),
        (f" {GOOD}", "begins or ends with a blank or a line break"),
        ("https://hooks.example.com/a b", "has a blank or a line break inside"),
        ("hooks.example.com/a", "is no web address that starts with https://"),
        ("ftp://hooks.example.com/a", "is no web address that starts with https://"),
        ("https://", "is no web address that starts with https://"),
        ("https://[::1", "is no web address that starts with https://"),
        ("http://hooks.example.com/a", "starts with http://, which sends what it carries in the clear"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(value: str, what: str) -> None:
    assert wrong_with(value) == what
    assert "example" not in wrong_with(value)


def test_each_definition_that_takes_it_is_named() -> None:
    def using(kind: str, **properties: Any) -> Any:
        return SimpleNamespace(kind=kind, key="k", properties=properties)

    hook = using("notification", inputs={"url": {"env": "HOOK"}})
    teams = using("subscription", target_type="teams", target_value={"env": "TEAMS"})
    unset = using("notification", inputs={"url": {"env": "UNSET"}})
    found = wrong_variables([hook, teams, unset], {"HOOK": f"{GOOD}\n", "TEAMS": "x", "OTHER": "y"})
    assert [(each.kind, name) for each, name, _ in found] == [("notification", "HOOK"), ("subscription", "TEAMS")]
