"""What installations read: the real posthog SDK, asking the server and evaluating by itself, for every condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from posthog import Posthog

from tests.support.project import Project
from tests.support.sandbox import Sandbox

ENABLED, MODEL, DAILY, REQUEST = (
    "ai-enhancement-enabled", "ai-model-version", "ai-max-daily-tokens", "ai-max-request-tokens",
)  # fmt: skip
V3, R1 = "deepseek-chat-v3", "deepseek-chat-r1"

# Installation, its properties, and what it gets: on or off, the model, the tokens per day and per request. Where a
# condition has a share, PostHog's hash of flag key and distinct id decides: inst-1004, 1005, 1008, 1009, 1011 and 1014
# are inside the half of everybody with AI, inst-1001 is not, and of the beta inst-1003 is in the fifth that tries r1.
CASES: list[tuple[str, dict[str, Any], tuple[bool, str, int, int]]] = [
    ("inst-2001", {"channel": "internal", "version": "2.5.0"}, (True, R1, 5_000_000, 32_768)),
    ("inst-2002", {"channel": "internal", "version": "1.0.0"}, (True, R1, 5_000_000, 32_768)),
    ("inst-2003", {"channel": "internal", "health_status": "error"}, (True, R1, 5_000_000, 32_768)),
    ("inst-1002", {"channel": "beta", "version": "2.4.0"}, (True, V3, 1_000_000, 8_192)),
    ("inst-1003", {"channel": "beta", "version": "2.4.0"}, (True, R1, 1_000_000, 8_192)),
    ("inst-1006", {"channel": "beta", "version": "2.3.9"}, (True, V3, 1_000_000, 4_096)),
    ("inst-1007", {"channel": "beta", "version": "2.2.9"}, (False, V3, 1_000_000, 4_096)),
    ("inst-1004", {"channel": "stable", "version": "2.4.0"}, (True, V3, 200_000, 4_096)),
    ("inst-1005", {"channel": "stable", "version": "2.4.0", "health_status": "error"}, (False, V3, 20_000, 4_096)),
    ("inst-1001", {"channel": "stable", "version": "2.4.0"}, (False, V3, 200_000, 4_096)),
    ("inst-1008", {"channel": "stable", "version": "2.3.9"}, (False, V3, 200_000, 4_096)),
    ("inst-1009", {"channel": "stable", "version": "2.4.0", "total_usage": 5_000_000}, (True, V3, 1_000_000, 8_192)),
    ("inst-1011", {"channel": "stable", "version": "2.3.9", "total_usage": 5_000_000}, (False, V3, 1_000_000, 4_096)),
    ("inst-1014", {"channel": "stable", "version": "2.4.0", "total_usage": 4_999_999}, (True, V3, 200_000, 4_096)),
]
# A property that an installation has not sent yet is unknown to local evaluation, which then gives no answer.
USUAL = {"version": "2.4.0", "health_status": "healthy", "total_usage": 1000}


@pytest.fixture(scope="module")
def installations(applied: Project, sandbox: Sandbox) -> None:
    client = Posthog(sandbox.project_api_key, host=sandbox.url, sync_mode=True)
    for distinct_id, properties, _ in CASES:
        client.set(distinct_id=distinct_id, properties={**USUAL, **properties})
    client.shutdown()


@pytest.fixture(scope="module")
def remote(installations: None, sandbox: Sandbox) -> Iterator[Posthog]:
    client = Posthog(sandbox.project_api_key, host=sandbox.url, sync_mode=True)
    yield client
    client.shutdown()


@pytest.fixture(scope="module")
def local(installations: None, sandbox: Sandbox) -> Iterator[Posthog]:
    client = Posthog(sandbox.project_api_key, host=sandbox.url, sync_mode=True, secret_key=sandbox.api_key)
    client.load_feature_flags()  # type: ignore[no-untyped-call]
    yield client
    client.shutdown()


def answers(client: Posthog, distinct_id: str, **options: Any) -> tuple[bool, str, int, int]:
    flags = client.evaluate_flags(distinct_id, **options)
    return (
        bool(flags.get_flag(ENABLED)),
        str(flags.get_flag(MODEL)),
        int(flags.get_flag_payload(DAILY) or 0),
        int(flags.get_flag_payload(REQUEST) or 0),
    )


@pytest.mark.parametrize(("distinct_id", "properties", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_installation_gets_what_its_conditions_say_remotely_and_locally(
    remote: Posthog,
    local: Posthog,
    distinct_id: str,
    properties: dict[str, Any],
    expected: tuple[bool, str, int, int],
) -> None:
    assert answers(remote, distinct_id) == expected
    known = {**USUAL, **properties}
    assert answers(local, distinct_id, person_properties=known, only_evaluate_locally=True) == expected


def test_switched_off_is_off_for_everybody(applied: Project, remote: Posthog, installations: None) -> None:
    path = "flags/ai-enhancement-enabled.yaml"
    applied.edit(path, "key: ai-enhancement-enabled\n", "key: ai-enhancement-enabled\nactive: false\n")
    applied.up()
    assert {answers(remote, distinct_id)[0] for distinct_id, _, _ in CASES} == {False}
