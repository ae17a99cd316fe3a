"""Secret addresses are held to what written ones are held to, and never shown."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.run import unset_secrets
from providers.posthog.kinds.address import wrong_with
from providers.posthog.settings import Settings

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
    """Daily loop E7."""
    assert wrong_with(value) == what
    assert "example" not in wrong_with(value)


def test_each_definition_that_takes_it_is_named() -> None:
    def using(kind: str, **properties: Any) -> Definition:
        return Definition(kind, "k", properties, Source("x.yaml", 1, 1))

    hook = using("notification", inputs={"url": {"env": "HOOK"}})
    teams = using("subscription", target_type="teams", target_value={"env": "TEAMS"})
    unset = using("notification", inputs={"url": {"env": "UNSET"}})
    environ = {"HOOK": f"{GOOD}\n", "TEAMS": "x", "OTHER": "y"}
    said = [line.split("; ")[0] for line in unset_secrets([hook, teams, unset], Settings({}, environ))]
    assert said == [
        f"x.yaml:1:1: notification/k: the value of the environment variable HOOK {wrong_with(environ['HOOK'])}",
        f"x.yaml:1:1: subscription/k: the value of the environment variable TEAMS {wrong_with('x')}",
        "x.yaml:1:1: notification/k: the environment variable UNSET is not set",
    ]
