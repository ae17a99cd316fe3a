"""The generated Python client and the example service, with PostHog's real SDK, against the sandbox."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from posthog import Posthog

from examples.ai_service.ai_admin_client import AiAdmin, Flags, InvalidEvent, Person
from examples.ai_service.budgets import Budgets
from examples.ai_service.deepseek import DeepSeek
from examples.ai_service.load import Load, drive
from examples.ai_service.load import Sandbox as LoadedSandbox
from examples.ai_service.service import AiService, Run, connected
from tests.support.applied import apply_flags
from tests.support.checkouts import sample_checkout
from tests.support.commands import run_script
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox

USUAL: Person = {"version": "2.4.0", "health_status": "healthy", "total_usage": 1000}
BETA: Person = {**USUAL, "channel": "beta"}
INTERNAL: Person = {**USUAL, "channel": "internal"}
POLL = 0.2
"""Seconds between two looks at the definitions."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def flag_ids(root: Path, sandbox: Sandbox) -> dict[str, int]:
    return apply_flags(root, sandbox)


@contextmanager
def sdk(sandbox: Sandbox) -> Iterator[Posthog]:
    posthog = connected(sandbox.project_api_key, sandbox.url, sandbox.api_key, POLL)
    try:
        yield posthog
    finally:
        posthog.shutdown()


@pytest.fixture
def posthog(sandbox: Sandbox, flag_ids: dict[str, int]) -> Iterator[Posthog]:
    with sdk(sandbox) as made:
        yield made


@pytest.fixture
def client(posthog: Posthog) -> AiAdmin:
    made = AiAdmin(posthog)
    assert made.ready(30)
    return made


def limits(flags: Flags) -> tuple[bool, str, int, int]:
    return (
        flags.ai_enhancement_enabled(),
        flags.ai_model_version(),
        flags.ai_max_daily_tokens(),
        flags.ai_max_request_tokens(),
    )


FALLBACKS = (False, "deepseek-chat-v3", 20_000, 4_096)


def until(done: Callable[[], bool]) -> None:
    """Wait for what comes with one of the next looks at the definitions."""
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_readers_give_what_the_conditions_say_and_nobody_is_asked(client: AiAdmin, sandbox: Sandbox) -> None:
    sandbox.requests()
    assert limits(client.flags("inst-2001", INTERNAL)) == (True, "deepseek-chat-r1", 5_000_000, 32_768)
    assert limits(client.flags("inst-1002", BETA)) == (True, "deepseek-chat-v3", 1_000_000, 8_192)
    assert limits(client.flags("inst-1001", {**USUAL, "channel": "stable"})) == (
        False,
        "deepseek-chat-v3",
        200_000,
        4_096,
    )
    assert client.flags("inst-1002", {**BETA, "version": "2.3.9"}).ai_retry_timeouts() is None
    assert limits(client.flags("inst-1004")) == (False, "deepseek-chat-v3", 200_000, 4_096)
    asked = {entry["path"].partition("?")[0] for entry in sandbox.requests()}
    assert asked <= {"/flags/definitions", "/flags/definitions/", "/batch/"}


def test_a_change_in_posthog_is_noticed_and_the_ceiling_holds(
    client: AiAdmin, sandbox: Sandbox, flag_ids: dict[str, int]
) -> None:
    """Somebody types zeros too many on PostHog's page; then a text; then a model that this client does not know."""
    place = f"feature_flags/{flag_ids['ai-max-daily-tokens']}/"
    filters = sandbox.call("GET", place)["filters"]

    def daily(payload: str) -> None:
        sandbox.call("PATCH", place, {"filters": {**filters, "payloads": {**filters["payloads"], "extended": payload}}})

    def now() -> int:
        return client.flags("inst-1002", BETA).ai_max_daily_tokens()

    for payload, given in (("70000", 70_000), ("7000000000", 5_000_000), ('"many"', 20_000), ("1000000", 1_000_000)):
        daily(payload)
        until(lambda given=given: now() == given)  # type: ignore[misc]
    place = f"feature_flags/{flag_ids['ai-model-version']}/"
    filters = sandbox.call("GET", place)["filters"]
    other = {"variants": [{"key": "deepseek-v9", "rollout_percentage": 100}]}
    groups = [{"properties": [], "rollout_percentage": 100}]
    assert client.flags("inst-2001", INTERNAL).ai_model_version() == "deepseek-chat-r1"
    sandbox.call("PATCH", place, {"filters": {**filters, "multivariate": other, "groups": groups}})
    until(lambda: client.flags("inst-2001", INTERNAL).ai_model_version() == "deepseek-chat-v3")
    sandbox.call("PATCH", place, {"filters": filters})


def test_an_event_is_sent_as_it_is_described_or_not_at_all(client: AiAdmin, posthog: Posthog, sandbox: Sandbox) -> None:
    good: dict[str, Any] = {
        "installation_id": "inst-7", "model": "deepseek-chat-v3", "prompt_tokens": 9, "completion_tokens": 1,
        "total_tokens": 10, "estimated_cost": 0.1, "success": True,
    }  # fmt: skip
    wrong = {**good, "model": "gpt", "total_tokens": float("nan"), "success": "yes", "estimated_cost": None}
    with pytest.raises(InvalidEvent) as refused:
        client.capture_ai_enhancement_used("inst-7", **wrong)
    assert str(refused.value).split(": ", 1)[1].split("; ") == [
        "model must be one of deepseek-chat-v3, deepseek-chat-r1",
        "total_tokens must be a finite number, not float",
        "estimated_cost is missing",
        "success must be true or false, not str",
    ]
    with pytest.raises(TypeError, match="tokens_total"):
        client.capture_ai_enhancement_used("inst-7", **{**good, "tokens_total": 10})
    assert client.capture_ai_enhancement_used("inst-7", **good)
    posthog.flush()
    [event] = sandbox.call("GET", "events/?distinct_id=inst-7&event=ai_enhancement_used")["results"]
    assert {name: event["properties"][name] for name in good} == good
    assert not [name for name in event["properties"] if name == "error" or name.startswith("$feature/")]


def test_an_event_says_what_the_flags_gave(client: AiAdmin, posthog: Posthog, sandbox: Sandbox) -> None:
    """So that errors and costs can be compared by variant; what was read is told to PostHog beside it."""
    flags = client.flags("inst-8", BETA)
    variant = flags.ai_retry_timeouts()
    run: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "estimated_cost": 0.1}
    about: dict[str, Any] = {**run, "installation_id": "inst-8", "model": "deepseek-chat-v3", "success": True}
    client.capture_ai_enhancement_used("inst-8", flags, **about)
    client.capture_ai_enhancement_used("inst-8", AiAdmin(Posthog("phc_x", send=False)).flags("inst-8"), **about)
    posthog.flush()
    said = sandbox.call("GET", "events/?distinct_id=inst-8&event=ai_enhancement_used")["results"]
    given = [{name: value for name, value in each["properties"].items() if "$feature/" in name} for each in said]
    unknown, known = sorted(given, key=len)
    assert (unknown, len(known)) == ({}, 7)
    assert {"$feature/ai-retry-timeouts": variant, "$feature/ai-answers-in-search": False}.items() <= known.items()
    [called] = sandbox.call("GET", "events/?distinct_id=inst-8&event=%24feature_flag_called")["results"]
    assert called["properties"]["$feature_flag_response"] == variant in ("control", "retry")


def test_the_service_works_on_while_posthog_is_down(root: Path, tmp_path: Path) -> None:
    """It keeps the last definitions and its events; one that starts meanwhile has AI off, until PostHog is back."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = ("--port", str(free.getsockname()[1]))
    with ExitStack() as before:
        first = before.enter_context(running_sandbox(tmp_path, *port))
        apply_flags(root, first)
        with ExitStack() as after:
            posthog = after.enter_context(sdk(first))
            client = AiAdmin(posthog)
            assert client.ready(30)
            service = AiService(posthog, client, DeepSeek(1, timeouts=0), Budgets())
            assert isinstance(service.run("inst-1002", BETA, 100), Run)
            before.close()
            late = AiAdmin(after.enter_context(sdk(first)))
            assert limits(late.flags("inst-1002", BETA)) == FALLBACKS
            assert all(isinstance(service.run("inst-1002", BETA, 100), Run) for _ in range(5))
            again = before.enter_context(running_sandbox(tmp_path, *port))
            until(lambda: late.flags("inst-1002", BETA).ai_enhancement_enabled())
            until(lambda: len(again.call("GET", "events/?event=ai_enhancement_used")["results"]) == 6)
            again.call("PATCH", f"feature_flags/{_enabled(again)}/", {"active": False})
            until(lambda: service.run("inst-1002", BETA, 100) is None)


def _enabled(sandbox: Sandbox) -> int:
    return next(int(each["id"]) for each in sandbox.items("feature_flags") if each["key"] == "ai-enhancement-enabled")


def test_a_load_loses_no_event_and_breaks_no_cap(sandbox: Sandbox, flag_ids: dict[str, int]) -> None:
    """A small part of `python -m examples.ai_service.load`."""
    place = LoadedSandbox(sandbox.url, sandbox.project_id, sandbox.api_key)
    found = drive(place, Load(installations=12, rate=300, seconds=2, seed=121))
    assert found.is_good, found
    assert found.errors["budget_exceeded"] > 10
    assert 100 < found.sent < found.requests == 600
    persons = sandbox.call("GET", "persons/?limit=100")["results"]
    said = {each["properties"].get("installation_id"): each["properties"].get("channel") for each in persons}
    ran = {name: channel for name, channel in said.items() if str(name).startswith("load-121-")}
    assert ran
    assert set(ran.values()) <= {"stable", "beta", "internal"}
    active = [each["properties"].get("last_active") for each in persons if each["properties"].get("channel")]
    assert all(datetime.now(UTC) - datetime.fromisoformat(each) < timedelta(hours=2) for each in active)
    events = sandbox.call("GET", "events/?event=%24set&limit=100")["results"]
    assert len([each for each in events if each["distinct_id"].startswith("load-121-")]) < 2 * len(ran)


def test_the_commands_of_the_page_work_as_they_stand(
    root: Path, sandbox: Sandbox, flag_ids: dict[str, int], tmp_path: Path
) -> None:
    """docs/clients.md; the load is sent to a sandbox with the samples' flags, as after `make demo`."""
    page = blocks(REPOSITORY / "docs" / "clients.md")
    script = "".join(block.text for block in page if block.language == "sh")
    done = run_script(script, root, {**os.environ, **sandbox.environ}, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{root}/clients/ai_admin_client.ts" in done.stdout
    assert "250 requests of 1,000 installations" in done.stdout
    assert " 0 lost, 0 that nobody sent" in done.stdout
