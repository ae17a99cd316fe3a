"""``ai-admin dashboards``: the samples' dashboards over a company's events, computed by the sandbox and drawn."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from ai_admin.simulation import Run, company, runs
from ai_admin.simulation.sending import send
from providers.posthog.kinds import Ref
from tests.support.checkouts import SAMPLES, sample_checkout
from tests.support.commands import ai_admin
from tests.support.sandbox import Sandbox

END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
BROKEN = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "SELECT * FROM nowhere"}}


@pytest.fixture(scope="module")
def sent(sandbox: Sandbox) -> list[Run]:
    found = list(runs(3, company(3, 40, 10, END), 2000, []))
    send(sandbox.url, sandbox.project_api_key, found, lambda _: None)
    said = {"installation_id": 'say "hi"', "total_usage": 1e12, "last_active": "2026-11-27T18:31:07.545607Z"}
    event = {"event": "$set", "distinct_id": 'say "hi"', "properties": {"$set": said}}
    sandbox.capture(event)
    return found


@pytest.fixture(scope="module")
def applied(sandbox: Sandbox, sent: list[Run]) -> None:
    """The samples' dashboards in PostHog, and what somebody added to one of them: a query that fails."""
    definitions = load(SAMPLES, "sandbox").resources
    insights = {Ref(each.kind, each.key): each.properties for each in definitions if each.kind == "insight"}
    names = {Ref(each.kind, each.key): each.properties for each in definitions if each.kind == "dashboard"}
    for each in definitions:
        if each.kind == "tiles":
            dashboard = sandbox.call("POST", "dashboards/", names[each.properties["dashboard"]])
            tiles = []
            for tile in each.properties["tiles"]:
                content: dict[str, Any] = {"text": {"body": tile.get("text")}}
                if "insight" in tile:
                    content = {"insight": _insight(sandbox, insights[tile["insight"]], dashboard["id"])}
                tiles.append({**content, "layouts": {"sm": tile["layout"]}})
            _lay_out(sandbox, dashboard["id"], tiles)
            if each.key == "ai-cost":
                _insight(sandbox, {"name": "Not so good", "query": BROKEN}, dashboard["id"])


def _insight(sandbox: Sandbox, properties: Any, dashboard: int) -> int:
    identifier: int = sandbox.call("POST", "insights/", {**properties, "dashboards": [dashboard]})["id"]
    return identifier


def _lay_out(sandbox: Sandbox, dashboard: int, tiles: list[dict[str, Any]]) -> None:
    ids = {tile["insight"]["id"]: tile["id"] for tile in sandbox.call("GET", f"dashboards/{dashboard}/")["tiles"]}
    body = [{"id": ids[tile["insight"]], "layouts": tile["layouts"]} if "insight" in tile else tile for tile in tiles]
    sandbox.call("PATCH", f"dashboards/{dashboard}/", {"tiles": body})


@pytest.fixture
def dashboards(tmp_path: Path, sandbox: Sandbox, applied: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(sample_checkout(tmp_path))
    for name, value in sandbox.environ.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["dashboards", *arguments, "--stack", "sandbox"])

    return run


def test_every_dashboard_is_a_page_and_a_query_that_fails_costs_its_tile_only(
    dashboards: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    done = dashboards("--json")
    assert done.exit_code == 1
    assert done.stderr == "ai-cost/not-so-good: The query failed: Unknown table `nowhere`.\n"
    said = json.loads(done.stdout)
    assert (said["stack"], said["missing"]) == ("sandbox", [])
    states = {each["key"]: each["state"] for board in said["boards"] for each in board["insights"]}
    assert len(states) == 19
    assert [key for key, state in states.items() if state != "drawn"] == ["not-so-good"]
    assert [board["files"] for board in said["boards"]] == [
        [f"drawn/{key}.html"] for key in ("ai-cost", "ai-installations", "ai-reliability", "ai-usage")
    ]
    page = (tmp_path / "drawn" / "ai-cost.html").read_text("utf-8")
    for text in ("<h2>This month</h2>", "Spend per day", "Daily ceiling: $2", "Unknown table `nowhere`"):
        assert text in page
    assert "Daily ceiling: $200" not in page, "where the alert of this stack fires"
    assert sandbox.api_key not in page
    assert 'style="grid-column: 5 / span 4; grid-row: 2 / span 3"' in page


def test_who_waits_at_a_terminal_is_told_how_many_are_done(
    dashboards: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_admin.cli.text.PATIENCE", 0.02)
    rule = {"kind": "latency", "seconds": 0.2, "path": "/dashboards/"}
    with sandbox.faults(rule):
        asked = ("dashboards", "ai-usage", "--stack", "sandbox")
        done = {here: ai_admin(tmp_path, dict(os.environ), *asked, terminal=here) for here in (True, False)}
    [first, *_] = done[True].stderr.splitlines()
    assert re.fullmatch(r"drawing 1 board, of which 0 are done: \d+ s so far", first)
    assert done[False].stderr == "", "nobody waits for what goes into a log"


def test_the_numbers_are_those_that_were_sent(dashboards: Any, sent: list[Run], tmp_path: Path) -> None:
    done = dashboards("ai-usage", "--format", "csv", "--out", "numbers")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "AI usage: 4 insights"
    with (tmp_path / "numbers" / "ai-usage" / "ai-uses-per-day.csv").open(encoding="utf-8") as file:
        heading, *rows = csv.reader(file)
    assert heading == ["", "Runs"]
    assert sum(float(runs) for _, runs in rows) == len(sent)
    assert rows[-1][0] == f"{datetime.now(UTC):%Y-%m-%d}"


def test_what_posthog_has_kept_is_said_and_computed_anew_where_that_is_asked_for(
    dashboards: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=2)

    def told(*arguments: str) -> tuple[str, float]:
        period = ("--from", "2020-01-01", "--to", "2020-01-02")
        done = dashboards("ai-uses-per-day", "--format", "csv", *period, *arguments)
        assert done.exit_code == 0, done.output
        with (tmp_path / "drawn" / "ai-uses-per-day.csv").open(encoding="utf-8") as file:
            return done.stdout, sum(float(runs) for _, runs in [*csv.reader(file)][1:])

    def run(at: str) -> None:
        event = {"event": "ai_enhancement_used", "distinct_id": "old", "timestamp": at, "properties": {"success": True}}
        sandbox.capture(event)

    run("2020-01-01T10:00:00Z")
    assert told()[1] == 1
    run("2020-01-01T11:00:00Z")
    monkeypatch.setattr("ai_admin.cli.dashboards.datetime", Later)
    said, kept = told()
    assert (kept, "UTC, 2 min ago: --fresh computes them anew" in said) == (1, True)
    said, anew = told("--fresh")
    assert (anew, "--fresh" in said) == (2, False)


def test_a_day_as_the_end_is_all_of_it_and_of_an_hour_tiles_by_the_day_say_what_they_count(
    dashboards: Any, sent: list[Run], tmp_path: Path
) -> None:
    day = END - timedelta(days=2)
    asked = ("ai-uses-per-hour", "--from", f"{day:%Y-%m-%d}", "--to", f"{day:%Y-%m-%d}", "--format", "csv")
    assert "whole" not in dashboards(*asked).stdout
    with (tmp_path / "drawn" / "ai-uses-per-hour.csv").open(encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    assert (len(rows), sum(float(each) for _, each in rows)) == (24, sum(run.when.date() == day.date() for run in sent))
    done = dashboards("ai-usage", "--from", f"{day:%Y-%m-%dT09:00}", "--to", f"{day:%Y-%m-%dT12:00}")
    [said] = [line for line in done.stdout.splitlines() if "whole" in line]
    assert said.startswith("  whole days are counted, whatever --from and --to say, by ai-")
    assert "ai-uses-per-day" in said
    assert "ai-uses-per-hour" not in said
    assert '<p class="about">counts whole days</p>' in (tmp_path / "drawn" / "ai-usage.html").read_text("utf-8")


def test_one_insight_of_a_period_as_pictures_and_as_posthog_answers(dashboards: Any, tmp_path: Path) -> None:
    start = f"{END - timedelta(days=4):%Y-%m-%d}"
    formats = ("--format", "png", "--format", "svg", "--format", "json")
    done = dashboards("ai-uses-per-day", "--from", start, "--theme", "both", "--out", ".", *formats)
    assert done.exit_code == 0, done.output
    made = {path.name for path in tmp_path.glob("ai-uses-per-day*")}
    assert made == {f"ai-uses-per-day{each}" for each in (".json", ".png", "-dark.png", ".svg", "-dark.svg")}
    whole = json.loads((tmp_path / "ai-uses-per-day.json").read_text("utf-8"))
    assert (whole["key"], whole["answer"]["results"][0]["days"][0]) == ("ai-uses-per-day", start)
    light, dark = ((tmp_path / f"ai-uses-per-day{each}.svg").read_text("utf-8") for each in ("", "-dark"))
    assert "#ffffff" in light
    assert "#ffffff" not in dark


def test_a_success_after_a_failure_is_another_run(dashboards: Any, sent: list[Run], tmp_path: Path) -> None:
    start = (END - timedelta(days=6)).replace(hour=0)
    done = dashboards("ai-success-funnel", "--from", f"{start:%Y-%m-%d}", "--format", "json", "--out", ".")
    assert done.exit_code == 0, done.output
    times: dict[tuple[str, bool], list[datetime]] = defaultdict(list)
    for run in sent:
        if run.when >= start:
            times[run.installation.id, run.properties["success"]].append(run.when)
    failed = {name for name, success in times if not success}
    day = timedelta(days=1)
    recovered = {
        name
        for name in failed
        if any(timedelta() < good - bad <= day for bad in times[name, False] for good in times[name, True])
    }
    steps = json.loads((tmp_path / "ai-success-funnel.json").read_text("utf-8"))["answer"]["results"]
    assert [step["count"] for step in steps] == [len(failed), len(recovered)]


def test_consumers_are_called_what_they_are(dashboards: Any, tmp_path: Path) -> None:
    done = dashboards("ai-top-consumers", "--format", "csv", "--out", ".")
    assert done.exit_code == 0, done.output
    with (tmp_path / "ai-top-consumers.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert (first["installation"], first["last active (UTC)"]) == ('say "hi"', "2026-11-27 18:31")


def test_what_is_not_in_posthog_is_said(dashboards: Any) -> None:
    done = dashboards("ai-longest-prompts", "ai-usage", "--format", "csv")
    assert done.exit_code == 1
    assert "AI usage: 4 insights" in done.stdout
    assert done.stderr.startswith(
        'insight/ai-longest-prompts: no insight "Longest prompts, by installation" is in Post'
    )


def test_wrong_use_is_said_before_anything_is_asked(dashboards: Any, sandbox: Sandbox) -> None:
    sandbox.requests()
    for arguments, message in (
        (["ai-usagee"], 'there is no dashboard or insight "ai-usagee": did you mean ai-usage?'),
        (["--from", "yesterday"], "write a date such as"),
        (["--to", "all"], "write a date such as"),
        (["--from", "2026-02-30"], 'there is no date "2026-02-30"'),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "a period begins before it ends"),
        (["--format", "gif"], "'gif' is not one of"),
    ):
        done = dashboards(*arguments)
        assert done.exit_code == 2
        assert message in " ".join(done.stderr.split())
    assert sandbox.requests() == []


def test_where_posthog_lists_nothing_it_is_said(dashboards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_wrong")
    done = dashboards()
    assert done.exit_code == 1
    assert "PostHog can't be asked for dashboards in stack sandbox" in done.stderr
