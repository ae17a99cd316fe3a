"""Many objects made under PostHog's rate limits, on a clock twenty times as fast as the wall's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from providers.posthog.provider import PostHogProvider
from tests.campaigns.rate_limits import limits
from tests.support.clocks import Fast, Leaping
from tests.support.plugin import running_engine, running_plugin
from tests.support.runs import Runs
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox, running_sandbox

SPEED = 20.0
THREADS = 4
"""As many as the SDK's provider server has."""
FLAGS, INSIGHTS = 500, 250
"""A few more than a minute takes: 480, and 240 of insights."""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, "--limits", str(SPEED), usage_dashboards=False) as running:
        yield running


@pytest.fixture
def unlimited(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, usage_dashboards=False) as running:
        yield running


def make(provider: PostHogProvider, definitions: list[dict[str, Any]]) -> None:
    """Check and create as the engine does: one check after the other, creations at the same time."""
    checked = [provider.check({}, properties) for properties in definitions]
    assert not any(each.failures for each in checked)
    with ThreadPoolExecutor(THREADS) as threads:
        for created in threads.map(provider.create, (each.inputs for each in checked)):
            assert created.id


def test_more_objects_than_a_minute_takes_are_made_with_one_request_each(limited: Sandbox) -> None:
    runs = Runs(limited, {}, Fast(SPEED))
    make(runs.new_run("flag"), [{"key": f"flag-{number}"} for number in range(FLAGS)])
    assert limits(limited)["refused"] == 0
    make(runs.new_run("insight"), [{"name": f"Insight {number}", "query": TREND} for number in range(INSIGHTS)])
    # The second run counts from nothing: it is refused where the first one's requests still count.
    assert limits(limited)["refused"] <= 4 * THREADS
    log = [entry for entry in limited.requests() if entry["status"] != 429]
    asked = Counter((entry["method"], entry["path"].split("?")[0].rstrip("/").split("/")[-1]) for entry in log)
    assert asked[("POST", "feature_flags")] == FLAGS
    assert asked[("POST", "insights")] == INSIGHTS
    assert asked.total() <= FLAGS + INSIGHTS + 2 * 6
    limited.call("DELETE", "/_sandbox/limits")
    assert len({item["key"] for item in limited.items("feature_flags")}) == FLAGS
    assert len({item["name"] for item in limited.items("insights")}) == INSIGHTS


def test_where_there_are_no_limits_nobody_waits(unlimited: Sandbox) -> None:
    clock = Leaping()
    make(Runs(unlimited, {}, clock).new_run("flag"), [{"key": f"flag-{number}"} for number in range(FLAGS)])
    assert clock.waits == []
    log = unlimited.requests()
    assert [entry["path"] for entry in log].count("/_preflight/") == 1
    assert [entry["method"] for entry in log].count("POST") == FLAGS


def test_a_small_run_does_not_ask_whether_there_are_limits(unlimited: Sandbox) -> None:
    make(Runs(unlimited, {}).new_run("flag"), [{"key": "flag"}])
    assert "/_preflight/" not in [entry["path"] for entry in unlimited.requests()]


def test_limits_hold_where_it_can_not_be_told_whether_there_are_any(unlimited: Sandbox) -> None:
    rule = {"kind": "error_before", "status": 404, "path": "^/_preflight"}
    unlimited.set_faults(rule)
    clock = Leaping()
    make(Runs(unlimited, {}, clock).new_run("flag"), [{"key": f"flag-{number}"} for number in range(FLAGS)])
    assert clock.waits


def test_a_server_of_ones_own_with_limits_refuses_no_more_than_was_on_the_way(limited: Sandbox) -> None:
    slower = SPEED / 2  # in a minute of it a busy machine makes more objects than that takes
    limits(limited, self_hosted=True, speed=slower)
    make(Runs(limited, {}, Fast(slower)).new_run("flag"), [{"key": f"flag-{number}"} for number in range(FLAGS)])
    assert 1 <= limits(limited)["refused"] <= THREADS
    log = [entry for entry in limited.requests() if entry["status"] != 429]
    assert [entry["method"] for entry in log].count("POST") == FLAGS


def test_what_another_run_used_up_is_waited_for(limited: Sandbox) -> None:
    limits(limited, speed=1)
    for _ in range(478):
        limited.call("GET", "cohorts/?limit=1")
    limits(limited, speed=SPEED)
    runs = Runs(limited, {}, Fast(SPEED))
    make(runs.new_run("cohort"), [{"name": f"Cohort {n}", "filters": CRITERIA} for n in range(20)])
    assert 1 <= limits(limited)["refused"] <= 4 * THREADS
    limited.call("DELETE", "/_sandbox/limits")
    assert sorted(item["name"] for item in limited.items("cohorts")) == sorted(f"Cohort {n}" for n in range(20))


def test_the_engines_user_is_told_of_a_long_wait(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox, running_engine() as engine:
        rule = {"kind": "error_before", "status": 429, "retry_after": 6, "methods": ["POST"], "nth": 1}
        sandbox.set_faults(rule)
        with running_plugin(sandbox.environ, engine) as plugin:
            plugin.create("flag", plugin.check("flag", {"key": "late"}))
        assert [item["key"] for item in sandbox.items("feature_flags")] == ["late"]
    [told] = engine.said
    assert told.startswith("waiting 6 s: PostHog has had too many requests with this key")


CRITERIA = {"type": "OR", "values": [{"type": "AND", "values": [
    {"type": "person", "key": "channel", "operator": "exact", "value": "beta", "negation": False}]}]}  # fmt: skip
