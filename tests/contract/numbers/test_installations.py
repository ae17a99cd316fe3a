"""``ai-admin installations`` and ``metrics``, against what was sent."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli.commands import cli
from ai_admin.cli.text import count
from ai_admin.numbers import Period, asking, installations, metrics
from ai_admin.simulation import Run, company, runs
from ai_admin.simulation.sending import send
from tests.campaigns.strangers import project_of
from tests.support.applied import apply_flags, client
from tests.support.checkouts import sample_checkout
from tests.support.clocks import leap
from tests.support.sandbox import Sandbox

END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = END - timedelta(days=4)
HOUR = timedelta(hours=1)
LONG_AGO = END - timedelta(days=20)
"""When somebody ran something who is no installation."""


ODD = ('say "hi"', "back\\slash", "tab\tand\nline")
"""Ids that JSON writes with escapes."""


def called(run: Run, names: Mapping[str, str]) -> Run:
    """Return a run of an installation that has another id."""
    name = names.get(run.installation.id, run.installation.id)
    properties = {**run.properties, "installation_id": name}
    if "$set" in properties:
        properties["$set"] = {**properties["$set"], "installation_id": name}
    return replace(run, installation=replace(run.installation, id=name), properties=properties)


def in_its_second(run: Run) -> Run:
    """Return a run that is shown in its second also where it is sent a little late."""
    return replace(run, when=run.when.replace(microsecond=500_000))


@pytest.fixture(scope="module")
def sent(sandbox: Sandbox) -> list[Run]:
    """What a company's installations ran in four days."""
    made = company(3, 40, 4, END)
    names = {each.id: odd for each, odd in zip(made.installations, ODD, strict=False)}
    found = [in_its_second(called(run, names)) for run in runs(3, made, 1500, [])]
    send(sandbox.url, sandbox.project_api_key, found, lambda _: None)
    used = {"success": True, "total_tokens": 7, "estimated_cost": 0.5}
    event = {"event": "ai_enhancement_used", "distinct_id": "nobody", "properties": used}
    event["timestamp"] = LONG_AGO.isoformat()
    sandbox.capture(event)
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, sent: list[Run]) -> Path:
    """A checkout of the samples, whose cohorts and flags PostHog has; it counted the cohorts when they were made."""
    made = sample_checkout(tmp_path_factory.mktemp("checkout"))
    for unread in ("alerts", "annotations", "dashboards", "insights", "subscriptions"):  # but checked by each command
        rmtree(made / unread)
    a_day_ago = "{key: last_active, operator: is_date_before, value: -1d}"
    silent = f"key: silent\nname: Silent installations\nproperties: [{a_day_ago}]\n"
    (made / "cohorts" / "silent.yaml").write_text(silent)
    apply_flags(made, sandbox, "production")
    return made


@pytest.fixture
def ai_admin(root: Path, sandbox: Sandbox, sent: list[Run], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(root)
    monkeypatch.setenv("POSTHOG_HOST", sandbox.url)
    monkeypatch.setenv("POSTHOG_PROJECT_ID", str(sandbox.project_id))
    monkeypatch.setenv("POSTHOG_API_KEY", sandbox.api_key)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [arguments[0], *arguments[1:], "--stack", "sandbox"])

    return run


@pytest.fixture(params=["Asia/Kolkata", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    """The project's time zone, which no number here depends on."""
    project = f"/api/projects/{sandbox.project_id}/"
    sandbox.call("PATCH", project, {"timezone": request.param})
    yield request.param
    sandbox.call("PATCH", project, {"timezone": "UTC"})


def asked(ai_admin: Any, *arguments: str) -> Any:
    done = ai_admin(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_each_installation_has_what_it_ran(ai_admin: Any, sent: list[Run], zone: str) -> None:
    since = END - timedelta(days=2)
    told = asked(ai_admin, "installations", "--from", since.isoformat(), "--to", END.isoformat())
    mine: dict[str, list[Run]] = defaultdict(list)
    for run in sent:
        mine[run.installation.id].append(run)
    assert {each["id"] for each in told["installations"]} == set(mine)
    midnight = (END - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    for each in told["installations"]:
        all_of_it = mine[each["id"]]
        counted = [run for run in all_of_it if run.when >= since]
        assert each["runs"] == len(counted)
        assert each["failed"] == sum(not run.properties["success"] for run in counted)
        assert each["tokens"] == sum(run.properties["total_tokens"] for run in counted)
        assert each["cost"] == pytest.approx(sum(run.properties["estimated_cost"] for run in counted))
        assert each["today"] == sum(run.properties["total_tokens"] for run in all_of_it if run.when >= midnight)
        last = max(run.when for run in all_of_it)
        assert abs(datetime.fromisoformat(each["last_seen"]) - last) < timedelta(seconds=1)
        quiet = END - last > timedelta(days=1)
        assert each["health"] == ("silent" if quiet else each["said"])
    assert any(each["health"] == "silent" and each["said"] == "healthy" for each in told["installations"])
    assert (set(ODD) <= set(mine), told["strangers"]) == (True, 0)


def test_each_has_the_cap_and_the_cohorts_that_posthog_gives_it(ai_admin: Any, sandbox: Sandbox) -> None:
    told = asked(ai_admin, "installations")["installations"]
    for each in told:
        asking = {"api_key": sandbox.project_api_key, "distinct_id": each["id"]}
        served = sandbox.call("POST", "/flags/?v=2", asking)["flags"]["ai-max-daily-tokens"]
        assert each["cap"] == json.loads(served["metadata"]["payload"])
    assert len({each["cap"] for each in told}) > 2
    [flag] = [
        each
        for each in sandbox.call("GET", "feature_flags/?limit=100")["results"]
        if each["key"] == "ai-max-daily-tokens"
    ]
    path = f"feature_flags/{flag['id']}/"
    for cap in (0, -5):  # spending is stopped
        payloads = dict.fromkeys(flag["filters"]["payloads"], str(cap))
        sandbox.call("PATCH", path, {"filters": {**flag["filters"], "payloads": payloads}})
        stopped = asked(ai_admin, "installations", "--sort", "cap")["installations"]
        used = [each["today"] for each in stopped]
        assert ({each["cap"] for each in stopped}, used) == ({cap}, sorted(used, reverse=True))
        over = count(sum(each > 0 for each in used), "installation")
        lines = [line for line in ai_admin("installations").stdout.splitlines() if "used more today" in line]
        assert lines == [f"{over} used more today than the flags give: --sort cap"] * any(used)
        for each in (stopped[0], stopped[-1]):
            line = f" tokens of {cap}  {'█' * 20} {'over' if each['today'] else '100 %'}\n"
            assert line in ai_admin("installations", "show", each["id"]).stdout
    sandbox.call("PATCH", path, {"filters": flag["filters"]})
    sandbox.call("PATCH", path, {"active": False})
    off = asked(ai_admin, "installations")["installations"]
    sandbox.call("PATCH", path, {"active": True})
    assert {each["cap"] for each in off} == {20_000}  # the fallback of its file
    beta = [each for each in told if "Beta installations" in each["cohorts"]]
    assert {each["channel"] for each in beta} == {"beta"}
    assert len(beta) == Counter(each["channel"] for each in told)["beta"]
    silent = {each["id"] for each in told if each["health"] == "silent"}
    assert silent == {each["id"] for each in told if "Silent installations" in each["cohorts"]}
    assert silent


def test_lists_are_sorted_and_filtered(ai_admin: Any) -> None:
    rows = list(
        csv.DictReader(io.StringIO(ai_admin("installations", "--csv", "--sort", "cost", "--limit", "7").stdout))
    )
    costs = [float(row["cost"]) for row in rows]
    assert len(rows) == 7
    assert costs == sorted(costs, reverse=True)
    beta = asked(ai_admin, "installations", "--channel", "beta", "--sort", "id")["installations"]
    assert {each["channel"] for each in beta} == {"beta"}
    assert [each["id"] for each in beta] == sorted(each["id"] for each in beta)
    inside = asked(ai_admin, "installations", "--cohort", "Beta installations")["installations"]
    assert {each["id"] for each in inside} == {each["id"] for each in beta}
    assert asked(ai_admin, "installations", "--cohort", "beta-installations", "--sort", "id")["installations"] == beta


def test_people_are_told_who_fell_silent_and_who_used_too_much(ai_admin: Any) -> None:
    text = ai_admin("installations").stdout
    assert "and ran nothing for a day: --health silent" in text
    heads = "installation channel version health runs failed tokens cost today of last seen"
    assert text.splitlines()[0].split() == heads.split()


def test_of_a_day_that_is_over_nothing_is_said_that_holds_today(ai_admin: Any, sent: list[Run]) -> None:
    period = ("--from", (LONG_AGO - timedelta(days=1)).isoformat(), "--to", (LONG_AGO + timedelta(days=1)).isoformat())
    told = asked(ai_admin, "installations", *period)
    assert (told["installations"], told["came_later"]) == ([], len({run.installation.id for run in sent}))
    assert (told["strangers"], told["strangers_used"]) == (1, {"runs": 1, "tokens": 7, "cost": 0.5, "odd": 0})
    text = ai_admin("installations", *period).stdout
    day = LONG_AGO + timedelta(days=1, microseconds=-1)
    assert f"{day:%d %b}  of  last seen" in text.splitlines()[0]
    assert "1 person ran something and is no installation, with 7 tokens, $0.50 more" in text
    assert f"{len({run.installation.id for run in sent})} installations came after the period's end" in text
    assert "--health silent" not in text
    assert text.rstrip().endswith("any health but silent are those of now.")
    shown = ai_admin("installations", "show", sent[-1].installation.id, *period).stdout
    assert f"  {day:%d %b}      0 tokens\n" in shown
    assert "  last seen   -\n" in shown
    assert "  health      unknown (" in shown


def test_an_hour_of_today_that_is_over_is_not_today(ai_admin: Any) -> None:
    to = datetime.now(UTC) - timedelta(minutes=1)
    told = asked(ai_admin, "installations", "--to", to.isoformat())["installations"]
    assert {each["cap"] for each in told} == {None}
    assert "  today  " not in ai_admin("installations", "--to", to.isoformat()).stdout.splitlines()[0]


def test_one_installation_is_shown_with_its_errors(ai_admin: Any, sent: list[Run]) -> None:
    failed = [run for run in sent if not run.properties["success"] and run.installation.id not in ODD]
    name = failed[-1].installation.id
    own = [run for run in failed if run.installation.id == name][::-1][:10]
    told = asked(ai_admin, "installations", "show", name)
    assert [each["error"] for each in told["errors"]] == [run.properties["error"] for run in own]
    text = ai_admin("installations", "show", name).stdout
    assert text.startswith(name)
    assert f"  last errors (UTC)\n    {own[0].when:%d %b %H:%M:%S}  {own[0].properties['error']}" in text
    missing = ai_admin("installations", "show", name.replace("inst", "isnt"))
    assert missing.exit_code == 4
    assert ai_admin("installations", "show", "").exit_code == 4
    assert f"did you mean {name}?" in missing.output


def test_metrics_of_a_few_hours_by_day_are_in_utc(ai_admin: Any, sent: list[Run], zone: str) -> None:
    since, until = (END - timedelta(hours=hours) for hours in (30, 3))
    inside = [run for run in sent if since <= run.when < until]
    bounds = ("--from", f"{since:%Y-%m-%dT%H:%M}", "--to", f"{until:%Y-%m-%dT%H:%M}")
    told = {each["day"]: each["runs"] for each in asked(ai_admin, "metrics", "--by", "day", *bounds)["figures"]}
    assert told == Counter(run.when.date().isoformat() for run in inside)


def test_metrics_add_up_whatever_they_are_told_apart_by(ai_admin: Any, sent: list[Run]) -> None:
    [whole] = asked(ai_admin, "metrics")["figures"]
    assert whole["runs"] == len(sent)
    assert whole["installations"] == len({run.installation.id for run in sent})
    assert whole["cost"] == pytest.approx(sum(run.properties["estimated_cost"] for run in sent))
    for by in ("model", "installation", "day", "channel", "version", "error", "day,model"):
        parts = asked(ai_admin, "metrics", "--by", by)["figures"]
        assert sum(each["runs"] for each in parts) == len(sent), by
        assert sum(each["tokens"] for each in parts) == pytest.approx(whole["tokens"]), by
    days = Counter((run.when.date().isoformat(), run.properties["model"]) for run in sent)
    told = {
        (each["day"], each["model"]): each["runs"]
        for each in asked(ai_admin, "metrics", "--by", "day,model")["figures"]
    }
    assert told == days


def test_what_is_waited_for_is_no_part_of_what_programs_read(
    ai_admin: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    leap(monkeypatch)
    rule = {"kind": "error_before", "status": 429, "retry_after": 12, "path": "/query/", "times": 1}
    with sandbox.faults(rule):
        done = ai_admin("metrics", "--json")
    assert json.loads(done.stdout)["figures"]
    assert done.stderr.startswith("waiting 12 s: ")


def test_of_one_installation_nothing_is_read_of_others(ai_admin: Any, sandbox: Sandbox) -> None:
    listed = {each["id"]: each for each in asked(ai_admin, "installations")["installations"]}
    for name in ("inst-0020", *ODD):
        told = asked(ai_admin, "installations", "show", name)
        assert {**told, "errors": None} == {**listed[name], "errors": None}
        report = installations(client(sandbox), Period(START, END), only=name)
        assert ([each.id for each in report.installations], report.strangers.persons) == ([name], 0)


NOW = datetime.now(UTC)


def person(name: str, hours: float = 0, **properties: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=hours)).isoformat()
    return {"event": "$set", "distinct_id": name, "timestamp": at, "properties": {"$set": properties}}


def ran(name: str, hours: float, tokens: int) -> dict[str, Any]:
    used = {"success": tokens != 7, "total_tokens": tokens, "error": "timeout"}
    at = (NOW - timedelta(hours=hours)).isoformat()
    return {"event": "ai_enhancement_used", "distinct_id": name, "timestamp": at, "properties": used}


@pytest.fixture
def odd(ai_admin: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in a project whose persons are installations in odd ways, or are none."""
    project = project_of(sandbox)
    monkeypatch.setenv("POSTHOG_PROJECT_ID", project.project_id)
    token = sandbox.call("GET", f"/api/projects/{project.project_id}/")["api_token"]
    merged = {"$anon_distinct_id": "m2-anon", "$set": {"installation_id": "m2", "channel": "stable"}}
    batch = [
        ran("m2-anon", 3, 7),
        {"event": "$identify", "distinct_id": "m2", "timestamp": NOW.isoformat(), "properties": merged},
        person("twin-1-restored", installation_id="twin-1", channel="beta"),
        ran("twin-1-restored", 2, 1000),
        person("twin-1", installation_id="twin-1", channel="stable"),
        ran("twin-1", 2, 10),
        *(person(f"copy-{n}", n, installation_id="moved", channel=f"{n} h ago") for n in range(5)),
        person("nameless", installation_id=""),
        ran("nameless", 2, 100),
        ran("x" * 190, 2, 100),
        person("long-ago", installation_id="long-ago"),
        ran("long-ago", 40 * 24, 1),
        person("ahead", installation_id="ahead", health_status="healthy", last_active=(NOW + 5 * HOUR).isoformat()),
        ran("ahead", -5, 1),
        person("stale", installation_id="stale", last_active=(NOW - 80 * HOUR).isoformat()),
        ran("stale", 50, 1),
        person("new", installation_id="new"),
    ]
    sandbox.call("POST", "/batch/", {"api_key": token, "batch": batch})
    return ai_admin


def test_one_rule_says_who_is_an_installation(odd: Any) -> None:
    told = asked(odd, "installations", "--from", "-30h")
    found = {each["id"]: each for each in told["installations"]}
    assert set(found) == {"m2", "twin-1", "moved", "long-ago", "ahead", "stale", "new"}
    assert (found["m2"]["runs"], found["m2"]["tokens"]) == (1, 7), "what the id ran that was merged into its person"
    twin = found["twin-1"]
    assert (twin["persons"], twin["channel"], twin["tokens"]) == (2, "stable", 10), "the one whose distinct id it is"
    moved = found["moved"]
    assert (moved["persons"], moved["channel"]) == (5, "4 h ago"), "where it is nobody's distinct id, the first"
    assert (told["strangers"], told["strangers_used"]["tokens"]) == (3, 1200)
    text = odd("installations", "--from", "-30h").stdout
    assert "several persons say that they are twin-1 and moved: counted is the one whose distinct id that is" in text
    assert "2 say that they are it" in odd("installations", "show", "twin-1").stdout
    shown = asked(odd, "installations", "show", "m2", "--from", "-30h")
    assert ([each["error"] for each in shown.pop("errors")], shown) == (["timeout"], found["m2"])
    by = {each["installation"]: each for each in asked(odd, "metrics", "--by", "installation")["figures"]}
    assert {name: each["tokens"] for name, each in by.items()} == {
        "m2": 7, "nameless": 100, "stale": 1, "twin-1": 10, "twin-1-restored": 1000, "x" * 190: 100
    }  # fmt: skip
    assert {each["installations"] for each in by.values()} == {1}
    assert max(map(len, odd("metrics", "--by", "installation").stdout.splitlines())) < 100


def test_what_no_run_has_used_is_counted_apart_and_in_no_sum(
    sandbox: Sandbox, ai_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_of(sandbox)
    monkeypatch.setenv("POSTHOG_PROJECT_ID", project.project_id)
    token = sandbox.call("GET", f"/api/projects/{project.project_id}/")["api_token"]
    wrong: list[dict[str, Any]] = [
        *({"total_tokens": each} for each in ("NaN", "Infinity", -5, 1e300)),
        {"total_tokens": 1000, "estimated_cost": "-inf"},
    ]
    said = [{"success": True, **each} for each in (*wrong, {"total_tokens": 10, "estimated_cost": 0.5}, {})]
    look_alike = "inst-1\N{CYRILLIC SMALL LETTER A}"
    runs = [
        {"event": "ai_enhancement_used", "distinct_id": name, "timestamp": NOW.isoformat(), "properties": properties}
        for name in ("inst-1 ", "stranger")
        for properties in said
    ]
    persons = [person(name, installation_id=name) for name in ("inst-1", "inst-1 ", look_alike)]
    sandbox.call("POST", "/batch/", {"api_key": token, "batch": [*persons, *runs]})
    told = asked(ai_admin, "installations", "--sort", "id")
    assert [each["id"] for each in told["installations"]] == ["inst-1", "inst-1 ", look_alike]
    figures = [[each[name] for name in ("runs", "odd", "tokens", "cost")] for each in told["installations"]]
    assert figures == [[0, 0, 0, 0], [7, 5, 1010, 0.5], [0, 0, 0, 0]]
    assert told["strangers_used"] == {"runs": 7, "odd": 5, "tokens": 1010, "cost": 0.5}
    text = ai_admin("installations", "--sort", "id").stdout
    assert [line.split("  ")[0] for line in text.splitlines()[1:4]] == ["inst-1", '"inst-1 "', '"inst-1\\u0430"']
    assert "\n10 runs say tokens or a cost that no run has (NaN, below 0, above 1.00B): in no sum\n" in text
    assert "  odd         5 runs say" in ai_admin("installations", "show", "inst-1 ").stdout
    [whole] = asked(ai_admin, "metrics")["figures"]
    assert [whole[name] for name in ("runs", "odd", "tokens", "cost")] == [14, 10, 2020, 1]
    by = ai_admin("metrics", "--by", "installation").stdout
    assert '\n"inst-1 "  ' in by
    assert "\n10 runs say" in by


def test_last_seen_is_the_last_that_was_seen_by_then(odd: Any) -> None:
    def seen(*period: str) -> dict[str, tuple[str | None, str, str]]:
        told = asked(odd, "installations", *period)["installations"]
        lines = odd("installations", *period).stdout.splitlines()
        last = {line.split()[0]: line.split("  ")[-1].strip() for line in lines[1 : len(told) + 1]}
        return {each["id"]: (each["last_seen"], each["health"], last[each["id"]]) for each in told}

    now = seen()
    ago = [now[name][2] for name in ("m2", "long-ago", "ahead", "stale", "new")]
    assert ago == ["3 h ago", "40 d ago", "-", "2 d ago", "never"]
    assert now["ahead"][:2] == (None, "silent"), "its clock is wrong"
    before = (NOW - 60 * HOUR).isoformat()
    then = seen("--from", "-9d", "--to", before)
    assert then["long-ago"][2] == "40 d ago", "from now"
    assert then["stale"] == ((NOW - 80 * HOUR).isoformat(), "unknown", "3 d ago")
    an_hour = seen("--from", (NOW - 21 * HOUR).isoformat(), "--to", (NOW - 20 * HOUR).isoformat())
    assert an_hour["stale"][2] == "3 d ago", "what it said: a run is looked for only where that says nothing"
    assert an_hour["long-ago"][2] == "40 d ago"


@pytest.mark.parametrize(("command", "query", "who"), [((), 4, "4 installations"), (("show", "long-ago"), 3, "1 inst")])
def test_who_can_not_be_looked_up_before_the_period_is_listed_all_the_same(
    odd: Any, sandbox: Sandbox, command: tuple[str, ...], query: int, who: str
) -> None:
    # The queries before say who is an installation, which of several with the same id, and what they used.
    rule = {"kind": "error_before", "status": 400, "path": "/query/", "nth": query}
    with sandbox.faults(rule):
        done = odd("installations", *command)
    assert done.exit_code == 0
    assert done.stderr.startswith(f"when {who}")
    assert " ran something last before the period is not known: " in done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(("long-ago  ", "  last seen "))]
    assert [line.split()[-1] for line in lines] == ["-"]


def test_pages_of_installations_are_one_list_and_strangers_take_none(
    odd: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = asked(odd, "installations")
    monkeypatch.setattr(asking, "MOST", 4)
    sandbox.requests()
    paged = asked(odd, "installations")
    assert [paged[name] for name in ("installations", "strangers_used")] == [
        whole[name] for name in ("installations", "strangers_used")
    ]
    number = len(sandbox.requests())
    project = sandbox.call("GET", f"/api/projects/{os.environ['POSTHOG_PROJECT_ID']}/")
    batch = [ran(f"anonymous-{n}", 1, 10) for n in range(20)]
    sandbox.call("POST", "/batch/", {"api_key": project["api_token"], "batch": batch})
    sandbox.requests()
    more = asked(odd, "installations")
    assert len(sandbox.requests()) == number
    assert more["installations"] == whole["installations"]
    assert more["strangers"] == whole["strangers"] + 20
    assert more["strangers_used"]["tokens"] == whole["strangers_used"]["tokens"] + 200

def test_every_day_has_a_line_from_the_first_with_runs(odd: Any) -> None:
    days = asked(odd, "metrics", "--by", "day", "--from", "2020-01-01")["figures"]
    first, last = (NOW - timedelta(days=40)).date(), datetime.now(UTC).date()
    assert [each["day"] for each in days] == [
        (first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)
    ]
    assert days[0]["runs"] == 1
    assert {0, 1} <= {each["runs"] for each in days[1:]}
    assert asked(odd, "metrics", "--by", "day", "--from", "2020-01-01", "--to", "2020-01-03")["figures"] == []


def test_distinct_ids_are_read_only_by_installation(sandbox: Sandbox, sent: list[Run]) -> None:
    for by in ("day", "installation"):
        sandbox.requests()
        metrics(client(sandbox), Period(START, END), [by])
        [query, *_] = (each["body"]["query"]["query"] for each in sandbox.requests())
        assert ("distinct_id" in query) == (by == "installation")


def test_a_few_queries_whatever_the_number(sandbox: Sandbox, sent: list[Run]) -> None:
    sandbox.requests()
    installations(client(sandbox), Period(START, END))
    assert len(sandbox.requests()) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("metrics", "--by", "modell"), 'instead of "modell"'),
        (("metrics", "--from", "yesterday"), 'instead of "yesterday"'),
        (("installations", "--csv", "--json"), "choose one of --csv and --json"),
        (("installations", "--health", "sielnt"), 'instead of "sielnt": did you mean silent?'),
        (("installations", "--version", "9.9"), '--version takes one of 2.2.9,'),
        (("installations", "--channel", "betaa"), 'instead of "betaa": did you mean beta?'),
        (("installations", "--cohort", "beta-instalations"), "did you mean beta-installations?"),
        (("installations", "--cohort", "nonsense"), 'instead of "nonsense"'),
        (("installations", "--cap", "ai-max-daily-token"), "did you mean ai-max-daily-tokens?"),
        (("installations", "--cap", "ai-model-version"), "takes a flag whose payload_type is integer or number"),
        (("installations", "--from", "2126-01-01", "--to", "2126-01-02"), "2126-01-01 is still to come"),
    ],
)
def test_wrong_use_is_said_with_what_to_write(ai_admin: Any, arguments: tuple[str, ...], said: str) -> None:
    done = ai_admin(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


@pytest.mark.parametrize("text", ["x: : :\n", "fallback: many\n"])
def test_a_cap_whose_file_has_problems_is_not_known_and_all_else_is(ai_admin: Any, root: Path, text: str) -> None:
    file = root / "flags" / "ai-max-daily-tokens.yaml"
    sound = file.read_text()
    [before, *_] = asked(ai_admin, "installations")["installations"]
    file.write_text(text + sound)
    done, one = ai_admin("installations", "--json"), ai_admin("installations", "show", before["id"])
    named = ai_admin("installations", "--cohort", "unheard-of")
    file.write_text(sound)
    assert [each.exit_code for each in (done, one, named)] == [3, 3, 3]
    assert "flags/ai-max-daily-tokens.yaml:" in done.stderr
    assert "caps are not known: no file without problems has the flag ai-max-daily-tokens" in done.stderr
    assert before["cap"]
    assert json.loads(done.stdout)["installations"][0] == {**before, "cap": None}
    assert "cap" not in one.stdout
    assert 'cohort "unheard-of" is neither in PostHog nor in the files that can be read' in named.stderr


def test_a_key_without_the_scope_is_said(ai_admin: Any, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", sandbox.key(["feature_flag:read"]))
    for command in ("installations", "metrics"):
        done = ai_admin(command)
        assert done.exit_code == 1
        assert "query:read" in done.output
