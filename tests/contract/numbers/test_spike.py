"""A simulated spike of errors, from the simulation to the pager: back-tested, firing, told once, and over again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from ai_admin.simulation import company, incidents, runs
from ai_admin.simulation.sending import send
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.references import with_ids
from sandbox.tests.api.test_alert_messages import Pager, pager
from sandbox.tests.shapes import eventually
from tests.support.applied import client, create_body
from tests.support.checkouts import sample_checkout
from tests.support.sandbox import Sandbox, running_sandbox

HOUR = timedelta(hours=1)
SPIKE_ENDS = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 6 * HOUR
CHECKS = [SPIKE_ENDS + number * HOUR + timedelta(minutes=1) for number in range(-4, 5)]
DEFINED = (Ref("insight", "ai-error-rate"), Ref("alert", "ai-error-rate"), Ref("notification", "ai-error-rate.webhook"))

__all__ = ["pager"]  # a fixture


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox", delivery_pause=0.01) as running:
        yield running


@pytest.fixture
def root(tmp_path: Path, sandbox: Sandbox, pager: Pager) -> Path:
    """A checkout of the samples whose alert of errors calls this pager, applied."""
    (tmp_path / "checkout").mkdir()
    made = sample_checkout(tmp_path / "checkout")
    path = made / "alerts" / "ai-error-rate.yaml"
    path.write_text(path.read_text().replace("http://127.0.0.1:9", pager.url))
    found = {Ref(each.kind, each.key): each.properties for each in load(made, "sandbox").resources}
    ids: dict[Ref, Any] = {}
    for ref in DEFINED:
        alone: dict[str, Any] = {"insight": {"dashboards": []}, "alert": {"subscribed_users": []}}.get(ref.kind, {})
        body = create_body(
            KINDS[ref.kind], with_ids({**found[ref], **alone}, ids.__getitem__), PostHogDirectory(client(sandbox))
        )
        ids[ref] = sandbox.call("POST", f"{KINDS[ref.kind].collection}/", body)["id"]
    return made


@pytest.fixture(autouse=True)
def events(sandbox: Sandbox) -> None:
    """A day with errors in its last two hours, and the hours after that, without."""
    acme = company(5, 30, 1, SPIKE_ENDS)
    spike = [run for run in runs(5, acme, 6000, incidents(acme, ongoing=True)) if run.when >= SPIKE_ENDS - 8 * HOUR]
    later = company(6, 30, 1, SPIKE_ENDS + 5 * HOUR)
    calm = [run for run in runs(6, later, 6000, []) if run.when >= SPIKE_ENDS]
    send(sandbox.url, sandbox.project_api_key, [*spike, *calm], lambda _: None)


def test_a_spike_fires_once_reaches_the_pager_once_and_is_over(
    root: Path, sandbox: Sandbox, pager: Pager, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    for at in CHECKS:
        answer = requests.post(f"{sandbox.url}/_sandbox/work", json={"until": at.isoformat()}, timeout=60)
        assert answer.ok, answer.text
        [alert] = sandbox.items("alerts")
        states.append(alert["state"])
    assert states == ["Not firing"] * 3 + ["Firing"] * 2 + ["Not firing"] * 4
    eventually(lambda: pager.got)
    assert [each["path"] for each in pager.got] == ["/pager"]
    assert "AI error rate above 5 %" in pager.got[0]["body"]

    monkeypatch.chdir(root)
    for name, value in sandbox.environ.items():
        monkeypatch.setenv(name, value)
    period = ("--from", (CHECKS[0] - HOUR).isoformat(), "--to", (CHECKS[-1] + HOUR).isoformat())
    done = CliRunner().invoke(cli, ["backtest", "ai-error-rate", "--stack", "sandbox", *period, "--json"])
    assert done.exit_code == 0, done.output
    [told] = json.loads(done.stdout)["alerts"]
    [firing] = told["files"]["firings"]
    start, end = (datetime.fromisoformat(firing[name]) for name in ("start", "end"))
    fired = [at for at, state in zip(CHECKS, states, strict=True) if state == "Firing"]
    assert [at for at in CHECKS if start <= at.replace(minute=start.minute) < end] == fired
