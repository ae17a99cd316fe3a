"""Which PostHog a run talks to."""

from __future__ import annotations

import pytest

from providers.posthog.connection import Connection, resolve
from providers.posthog.errors import ConnectionProblem
from providers.posthog.settings import Settings

CONFIG = {"host": "https://eu.posthog.com", "project_id": "42", "organization_id": "org", "api_key": None}
KEY = {"POSTHOG_API_KEY": "phx_secret"}


def test_the_stack_says_where_and_the_environment_who() -> None:
    connection = resolve(Settings(CONFIG, KEY))
    assert (connection.host, connection.project_id) == ("https://eu.posthog.com", "42")
    assert connection.api_key == "phx_secret"


def test_the_environment_fills_in_what_the_stack_leaves_open() -> None:
    connection = resolve(Settings({}, {**KEY, "POSTHOG_HOST": "http://127.0.0.1:8000/", "POSTHOG_PROJECT_ID": "1"}))
    assert (connection.host, connection.project_id) == ("http://127.0.0.1:8000", "1")


def test_another_spelling_is_no_contradiction() -> None:
    again = {**KEY, "POSTHOG_HOST": "https://EU.posthog.com:443/", "POSTHOG_PROJECT_ID": "042"}
    assert resolve(Settings(CONFIG, again)).host == "https://eu.posthog.com"


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("https://EU.i.posthog.com:443/", "https://eu.posthog.com"),
        ("https://us.i.posthog.com", "https://us.posthog.com"),
        ("https://app.posthog.com", "https://us.posthog.com"),
        ("https://PostHog.example.com:8443", "https://posthog.example.com:8443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://localhost:80", "http://localhost"),
    ],
)
def test_one_project_has_one_address_whatever_it_is_called(host: str, meant: str) -> None:
    """That of the API and the pages: links and messages are made of it, and plans compared by it."""
    connection = resolve(Settings({**CONFIG, "host": host, "project_id": "042"}, KEY))
    assert (connection.host, connection.project_id) == (meant, "42")


@pytest.mark.parametrize(
    ("variable", "value", "ours"),
    [
        ("POSTHOG_HOST", "https://us.posthog.com", "https://eu.posthog.com"),
        ("POSTHOG_PROJECT_ID", "43", "42"),
        ("POSTHOG_ORGANIZATION_ID", "other", "org"),
    ],
)
def test_a_contradiction_is_refused_with_both_values(variable: str, value: str, ours: str) -> None:
    with pytest.raises(ConnectionProblem) as problem:
        resolve(Settings(CONFIG, {**KEY, variable: value}))
    assert f"{variable}={value}" in str(problem.value)
    assert ours in str(problem.value)


def test_the_key_in_the_environment_wins_over_the_stacks() -> None:
    assert resolve(Settings({**CONFIG, "api_key": "phx_stack"}, KEY)).api_key == "phx_secret"
    assert resolve(Settings({**CONFIG, "api_key": "phx_stack"}, {})).api_key == "phx_stack"


def test_the_key_is_in_no_representation() -> None:
    assert "phx_secret" not in repr(resolve(Settings(CONFIG, KEY)))


def test_everything_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(ConnectionProblem) as problem:
        resolve(Settings({}, {}))
    text = str(problem.value)
    assert all(word in text for word in ("POSTHOG_HOST", "POSTHOG_PROJECT_ID", "POSTHOG_API_KEY"))


def test_variables_of_other_names_are_named_where_something_is_missing() -> None:
    others = {"POSTHOG_PERSONAL_API_KEY": "phx_secret", "POSTHOG_URL": "https://eu.posthog.com", "OTHER": "1"}
    with pytest.raises(ConnectionProblem) as problem:
        resolve(Settings({}, {**others, "POSTHOG_PROJECT_ID": "1"}))
    assert str(problem.value).endswith(
        "\nPOSTHOG_PERSONAL_API_KEY, POSTHOG_URL is read by nobody; ours are POSTHOG_API_KEY, POSTHOG_HOST, "
        "POSTHOG_PROJECT_ID, POSTHOG_ORGANIZATION_ID"
    )
    assert "phx_secret" not in str(problem.value)
    assert resolve(Settings(CONFIG, {**KEY, **others})).api_key == "phx_secret"


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "eu.posthog.com"},
        {"host": "https://eu.posthog.com/project/42"},
        {"host": "http://eu.posthog.com"},
        {"host": "https://user@eu.posthog.com"},
        {"project_id": "@current"},
        {"api_key": "phx with space"},
    ],
)
def test_what_would_lead_astray_is_refused(changes: dict[str, str]) -> None:
    environ = {} if "api_key" in changes else KEY
    with pytest.raises(ConnectionProblem):
        resolve(Settings({**CONFIG, **changes}, environ))


HERE = Connection("https://eu.posthog.com", "42", None, "phx_secret")


@pytest.mark.parametrize("host", ["", "https://eu.posthog.com/", "https://EU.posthog.com:443", "https://eu.i.posthog.com"])
def test_objects_of_the_same_posthog_are_the_connections_however_it_is_spelled(host: str) -> None:
    assert HERE.misses(host, "042") == HERE.misses(host, "") == ""


def test_objects_of_another_project_or_another_posthog_are_not() -> None:
    said = HERE.misses("https://eu.posthog.com", "43")
    assert "live in PostHog project 43, but the connection is to project 42" in said
    said = HERE.misses("https://us.posthog.com", "42")
    assert "live in the PostHog at https://us.posthog.com, but the connection is to https://eu.posthog.com" in said
    assert "`pulumi config set ai-admin:moved_from https://us.posthog.com`" in said


def test_a_posthog_that_moved_is_said_to_be_the_one_of_before() -> None:
    config = {**CONFIG, "host": "https://posthog.example.com", "moved_from": "https://Old.example.com/ "}
    moved = resolve(Settings(config, KEY))
    assert moved.misses("https://old.example.com", "42") == ""
    assert moved.misses("https://eu.posthog.com", "42") != ""
    assert moved.misses("https://old.example.com", "43") != ""


def test_the_sandbox_is_the_same_on_another_port() -> None:
    local = Connection("http://127.0.0.1:8000", "1", None, "phx_secret")
    assert local.misses("http://localhost:50123", "1") == ""
    assert local.misses("https://eu.posthog.com", "1") != ""
    assert HERE.misses("http://127.0.0.1:8000", "42") != ""
