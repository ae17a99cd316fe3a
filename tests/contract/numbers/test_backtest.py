"""``ai-admin backtest`` and ``alerts`` over a sandbox that computes, against the same worked out from what was sent."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ai_admin.cli import _interrupt
from ai_admin.cli.commands import cli
from ai_admin.definitions import load
from ai_admin.simulation import Run, company, incidents, runs
from ai_admin.simulation.sending import send
from providers.posthog.inventory import PostHogDirectory
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.limits import Clock
from providers.posthog.references import with_ids
from tests.support.applied import client, create_body
from tests.support.checkouts import sample_checkout
from tests.support.clocks import leap
from tests.support.sandbox import Sandbox

END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = END - timedelta(days=10)
HOUR = timedelta(hours=1)
COMPANY = company(3, 20, 11, END)
HAPPENED = incidents(COMPANY)


@pytest.fixture(scope="module")
def sent(sandbox: Sandbox) -> list[Run]:
    found = list(runs(3, COMPANY, 3000, HAPPENED))
    send(sandbox.url, sandbox.project_api_key, found, lambda _: None)
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Path:
    """A checkout of the samples, with alerts of a funnel and of SQL without time.

    PostHog has its alert of errors, with a bound of 20 %.
    """
    made = sample_checkout(tmp_path_factory.mktemp("checkout"))
    alert = "key: success\nname: Few succeed\ninsight: ai-success-funnel\ncondition: absolute_value\n"
    (made / "alerts" / "success.yaml").write_text(f"{alert}threshold: {{lower: 50}}\nnotify: {{}}\n")
    (made / "insights" / "three.yaml").write_text("key: three\nname: Three\nsql: {query: SELECT 3 AS three}\n")
    (made / "alerts" / "three.yaml").write_text(
        "key: three\nname: Always three\ninsight: three\ncondition: absolute_value\nthreshold: {upper: 2}\nnotify: {}\n"
    )
    directory = PostHogDirectory(client(sandbox))
    found = {Ref(each.kind, each.key): each.properties for each in load(made, "sandbox").resources}
    insight, alert_ref = Ref("insight", "ai-error-rate"), Ref("alert", "ai-error-rate")
    body = create_body(KINDS["insight"], {**found[insight], "dashboards": []}, directory)
    ids = {insight: sandbox.call("POST", "insights/", body)["id"]}
    whole = {**with_ids(found[alert_ref], ids.__getitem__), "subscribed_users": [],
             "threshold": {"type": "absolute", "upper": 0.2}}  # fmt: skip
    ids[alert_ref] = sandbox.call("POST", "alerts/", create_body(KINDS["alert"], whole, directory))["id"]
    hook = with_ids(found[Ref("notification", "ai-error-rate.webhook")], ids.__getitem__)
    sandbox.call("POST", "hog_functions/", create_body(KINDS["notification"], hook, directory))
    return made


@pytest.fixture
def ai_admin(root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(root)
    monkeypatch.setenv("POSTHOG_HOST", sandbox.url)
    monkeypatch.setenv("POSTHOG_PROJECT_ID", str(sandbox.project_id))
    monkeypatch.setenv("POSTHOG_API_KEY", sandbox.api_key)
    return lambda *arguments: CliRunner().invoke(cli, [*arguments, "--stack", "sandbox"])


@pytest.fixture
def backtest(ai_admin: Any, sent: list[Run]) -> Any:
    return lambda *arguments: ai_admin("backtest", *arguments, "--from", START.isoformat(), "--to", END.isoformat())


def told(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.output
    return {each["key"]: each for each in json.loads(done.stdout)["alerts"]}


def rate(sent: list[Run], hour: datetime) -> float:
    """The share of an hour's runs and of 20 more that failed, as the samples have it."""
    mine = [each.properties["success"] for each in sent if hour <= each.when < hour + HOUR]
    return mine.count(False) / (len(mine) + 20)


def spans(breaches: list[bool], checks: list[datetime]) -> Iterator[tuple[str, str | None]]:
    start = None
    for breach, at in zip(breaches, checks, strict=True):
        if breach and start is None:
            start = at
        elif not breach and start is not None:
            yield start.isoformat(), at.isoformat()
            start = None
    if start is not None:
        yield start.isoformat(), None


CHECKS = [START + n * HOUR for n in range(240)]


@pytest.mark.parametrize(("side", "bound"), [("files", 0.05), ("posthog", 0.2)])
def test_an_alert_fires_at_the_check_after_the_hour(backtest: Any, sent: list[Run], side: str, bound: float) -> None:
    found = told(backtest("ai-error-rate", "--json"))["ai-error-rate"][side]
    expected = list(spans([rate(sent, at - HOUR) > bound for at in CHECKS], CHECKS))
    assert [(each["start"], each["end"]) for each in found["firings"]] == expected
    assert found["upper"] == bound
    assert expected
    assert found["messages"] == sum(rate(sent, at - HOUR) > bound for at in CHECKS)


def test_the_day_that_is_not_over_has_what_was_spent_so_far(backtest: Any, sent: list[Run], root: Path) -> None:
    path = root / "alerts" / "ai-daily-cost-ceiling.yaml"
    days = [sum(run.properties["estimated_cost"] for run in sent if run.when.date() == at.date()) for at in CHECKS]
    bound = sorted(days)[len(days) // 2]
    path.write_text(path.read_text().replace("{upper: 2}", f"{{upper: {bound}}}"))

    def spent(at: datetime) -> float:
        midnight = at.replace(hour=0)
        return sum(float(run.properties["estimated_cost"]) for run in sent if midnight <= run.when < at)

    found = told(backtest("ai-daily-cost-ceiling", "--json"))["ai-daily-cost-ceiling"]
    expected = list(spans([spent(at) > bound * (1 + 1e-9) for at in CHECKS], CHECKS))
    assert [(each["start"], each["end"]) for each in found["files"]["firings"]] == expected
    assert len(expected) > 1
    assert found["posthog"] is None


def test_people_are_told_before_and_after_and_what_is_not_known(backtest: Any) -> None:
    done = backtest("ai-error-rate", "success", "three", "--last", "9")
    lines = done.stdout.splitlines()
    at = lines.index("AI error rate above 5 %  ai-error-rate")
    assert lines[at + 1] == "  in PostHog now:"
    assert lines[at + 2].startswith("    above 0.2: ")
    assert any(line.startswith("    above 0.05: ") and "messages to each that it tells" in line for line in lines)
    firings = [line for line in lines[at:] if line.startswith("      ")]
    assert firings
    assert all(re.match(r"      \d\d \w{3} \d\d:\d\d (to \d\d \w{3} \d\d:\d\d )?UTC ", line) for line in firings)
    assert lines[lines.index("Few succeed  success") + 2] == "  below 50 %: 0 times at the last 9 of 10 checks"
    assert done.stderr == "success: asks 9 queries, one for each of its last 9 of 10 checks\n"
    found = told(backtest("success", "--last", "1", "--json"))["success"]["files"]
    assert [found[name] for name in ("checks", "earlier", "failed", "firings")] == [1, 9, 0, []]
    assert lines[lines.index("Always three  three") + 2].startswith("  not told: its SQL has no time in it")


def test_hours_before_the_first_event_are_no_hours_without_usage(ai_admin: Any, sent: list[Run]) -> None:
    first = min(run.when for run in sent).replace(minute=0, second=0, microsecond=0)
    asked = ("backtest", "ai-no-usage", "--from", (first - 10 * HOUR).isoformat(), "--to", END.isoformat())
    found = told(ai_admin(*asked, "--json"))["ai-no-usage"]["files"]
    assert (found["checks"], found["early"]) == ((END - first) // HOUR - 1, 11)
    assert all(datetime.fromisoformat(each["start"]) > first for each in found["firings"])
    assert "  11 checks look at time before the project's first event: left out\n" in ai_admin(*asked).stdout


def test_one_that_is_off_or_tells_nobody_says_so_first(backtest: Any, sandbox: Sandbox) -> None:
    [path] = [f"alerts/{each['id']}/" for each in sandbox.items("alerts")]
    sandbox.call("PATCH", path, {"enabled": False})
    lines, found = backtest("ai-error-rate", "three").stdout.splitlines(), told(backtest("ai-error-rate", "--json"))
    sandbox.call("PATCH", path, {"enabled": True})
    at = lines.index("AI error rate above 5 %  ai-error-rate")
    assert lines[at + 1 : at + 3] == ["  switched off in PostHog: so it never fires", "  in PostHog now:"]
    assert lines[lines.index("Always three  three") + 1] == "  tells nobody, as the files have it"
    assert (found["ai-error-rate"]["off_in"], found["ai-error-rate"]["tells_nobody"]) == (["posthog"], False)


@pytest.fixture
def told_to_wait(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The waits of a PostHog that takes the third query only after a minute; a wait takes no time."""
    waits = leap(monkeypatch)
    rule = {"kind": "error_before", "status": 429, "retry_after": 60, "path": "/query/", "nth": 4}
    with sandbox.faults(rule):
        yield waits


def test_what_takes_longer_than_people_wait_at_the_screen_is_waited_for(
    backtest: Any, told_to_wait: list[float]
) -> None:
    done = backtest("success", "--last", "5", "--json")
    assert told(done)["success"]["files"]["checks"] == 5
    assert "\nwaiting 60 s: " in done.stderr
    assert round(sum(told_to_wait)) == 60


def test_who_interrupts_it_is_told_what_is_known(
    backtest: Any, told_to_wait: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Clock, "sleep", interrupt)
    before = signal.signal(signal.SIGINT, _interrupt)
    done = backtest("success", "ai-error-rate", "--last", "5")
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler, "it may take its time to tell"
    lines = done.stdout.splitlines()
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, "Aborted!")
    assert any(line.startswith("    above 0.05: ") for line in lines), "it takes one query, and so comes first"
    last = lines[lines.index("Few succeed  success") + 2]
    assert re.fullmatch(
        "  below 50 %: 0 times at 1 of the last 5 of 10 checks until .*; 4 later ones were not asked for any more", last
    )


def test_a_picture_has_the_bounds_before_and_after(backtest: Any, tmp_path: Path) -> None:
    svg, png = tmp_path / "alerts.svg", tmp_path / "alerts.png"
    assert backtest("ai-error-rate", "three", "--svg", str(svg), "--png", str(png)).exit_code == 0
    text = svg.read_text(encoding="utf-8")
    for each in ("(in PostHog now)<", "(in the files)<", "above: 0.2<", "above: 0.05<", " at 240 checks, "):
        assert each in text
    assert backtest("success", "--last", "9", "--svg", str(svg)).exit_code == 0
    text = svg.read_text(encoding="utf-8")
    assert ">0 times at the last 9 of 10 checks<" in text
    assert ">tells nobody, as the files have it<" in text
    assert "Always three" not in text
    assert png.read_bytes().startswith(b"\x89PNG")
    done = backtest("three", "--svg", str(tmp_path / "none.svg"))
    assert done.stderr == "nothing is drawn: of no alert it is told when it would have fired\n"
    assert not (tmp_path / "none.svg").exists()


def test_what_posthog_refuses_of_one_alert_is_no_matter_of_others(
    backtest: Any, sandbox: Sandbox, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = shutil.copytree(root, tmp_path / "theirs")
    series = "[{event: ai_enhancement_used, math: hogql, math_hogql: nosuchfn(1)}]"
    trends = f"key: bad\nname: Bad\ntrends: {{interval: hour, series: {series}}}\n"
    (theirs / "insights" / "bad.yaml").write_text(trends)
    watched = "key: bad\nname: Bad\ninsight: bad\ncondition: absolute_value\nthreshold: {upper: 1}\nnotify: {}\n"
    (theirs / "alerts" / "bad.yaml").write_text(watched)
    monkeypatch.chdir(theirs)
    [alert] = sandbox.items("alerts")
    gone = {"kind": "error_before", "status": 404, "path": f"/insights/{alert['insight']['id']}/"}
    with sandbox.faults(gone):
        found = told(backtest("ai-error-rate", "bad", "success", "--last", "1", "--json"))
    assert found["bad"]["files"]["reason"].startswith("PostHog refuses its query: ")
    assert found["success"]["files"]["checks"] == 1
    assert found["ai-error-rate"]["posthog"]["reason"].startswith("its insight is not there: ")
    assert found["ai-error-rate"]["files"]["firings"]


def test_a_misspelt_key_is_wrong_use(backtest: Any) -> None:
    done = backtest("ai-error-rat")
    assert done.exit_code == 2
    assert 'there is no alert "ai-error-rat" in stack sandbox: did you mean ai-error-rate?' in done.output


def test_alerts_are_listed_with_whom_they_tell(ai_admin: Any, sandbox: Sandbox) -> None:
    sandbox.call("POST", "/_sandbox/work", {})
    done = ai_admin("alerts", "--json")
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)["alerts"]
    assert (found["key"], found["upper"], found["interval"]) == ("ai-error-rate", 0.2, "hourly")
    assert found["tells"] == [{"name": "AI error rate above 5 % (webhook)", "way": "webhook", "enabled": True}]
    assert found["last_check"] < found["next_check"]
    assert "success: PostHog has no such alert yet; `pulumi up` makes it" in done.stderr
    heads, row, *_ = ai_admin("alerts").stdout.splitlines()
    heads = " ".join(heads.split())
    assert heads == "alert state value fires distance last check next check tells"
    assert row.startswith("ai-error-rate  ")
    assert "  above 0.2  " in row


def test_one_that_is_off_has_no_next_check(ai_admin: Any, sandbox: Sandbox) -> None:
    [path] = [f"alerts/{each['id']}/" for each in sandbox.items("alerts")]
    sandbox.call("PATCH", path, {"enabled": False})
    shown = ai_admin("alerts", "show", "ai-error-rate").stdout.splitlines()
    sandbox.call("PATCH", path, {"enabled": True})
    assert {"  state       off", "  next check  -"} <= {*shown}


def test_a_snoozed_one_says_until_when(ai_admin: Any, sandbox: Sandbox) -> None:
    [path] = [f"alerts/{each['id']}/" for each in sandbox.items("alerts")]
    until = datetime.fromisoformat(sandbox.call("PATCH", path, {"snoozed_until": "26h"})["snoozed_until"])
    shown = ai_admin("alerts", "show", "ai-error-rate").stdout.splitlines()
    sandbox.call("PATCH", path, {"snoozed_until": None})
    assert f"  state       Snoozed until {until:%d %b %H:%M} UTC" in shown
    assert any(re.fullmatch("  next check  in 2[56] h", each) for each in shown)


def test_a_broken_file_is_named_and_alerts_are_listed(
    ai_admin: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = shutil.copytree(root, tmp_path / "theirs")
    (theirs / "alerts" / "success.yaml").write_text("key: [")
    (theirs / "dashboards" / "theirs.yaml").write_text("key: theirs\nname: Theirs\ntiles: 5\n")
    monkeypatch.chdir(theirs)
    listed, shown, other = (ai_admin("alerts", *each) for each in ((), ("show", "ai-error-rate"), ("show", "success")))
    assert (listed.exit_code, shown.exit_code, other.exit_code) == (3, 0, 3)
    assert "\nai-error-rate  " in listed.stdout
    assert shown.stdout.startswith("AI error rate above 5 %\n")
    assert [each.stderr.splitlines()[0].split(":")[0] for each in (listed, shown, other)] == ["alerts/success.yaml"] * 3
    assert 'there is no alert "success" in the files that can be read' in other.stderr
    tested = ai_admin("backtest", "--last", "1")
    assert (tested.exit_code, tested.stderr.split(":")[0]) == (3, "alerts/success.yaml")
    assert "\nAI error rate above 5 %" in f"\n{tested.stdout}"
    assert "no file that can be read" not in tested.stdout, "the insights are in sound files"


def test_the_checks_of_an_alert_are_listed(ai_admin: Any, sandbox: Sandbox) -> None:
    sandbox.call("POST", "/_sandbox/work", {})
    [newest, *_] = json.loads(ai_admin("alerts", "show", "ai-error-rate", "--json").stdout)["checks"]
    lines = ai_admin("alerts", "show", "ai-error-rate").stdout.splitlines()
    assert lines[0] == "AI error rate above 5 %"
    at = datetime.fromisoformat(newest["at"])
    assert any(line.startswith(f"{at:%d %b %H:%M}  {newest['state']}") for line in lines)
    done = ai_admin("alerts", "show", "success")
    assert done.exit_code == 4
    assert 'has no alert "Few succeed"' in done.stderr


def test_a_test_message_that_reaches_nobody_is_said(ai_admin: Any) -> None:
    """The samples' webhook is at a port where nobody listens."""
    done = ai_admin("alerts", "test", "ai-error-rate")
    assert done.exit_code == 1
    assert done.stdout.startswith("AI error rate above 5 % (webhook): did not arrive: No answer: ")
    assert "127.0.0.1" not in done.stdout


def test_where_nobody_can_be_sent_a_message_the_exit_code_is_one_of_its_own(ai_admin: Any, sandbox: Sandbox) -> None:
    path = "hog_functions/?type=internal_destination"
    [hook] = [f"hog_functions/{each['id']}/" for each in sandbox.call("GET", path)["results"]]
    sandbox.call("PATCH", hook, {"deleted": True})
    done = ai_admin("alerts", "test", "ai-error-rate")
    sandbox.call("PATCH", hook, {"deleted": False})
    assert (done.exit_code, done.stdout, done.stderr) == (
        5,
        "ai-error-rate tells nobody\n",
        "no message was sent\n",
    )
