"""Actions, annotations, subscriptions and experiments through the provider, and what each has of its own.

What holds for each of their fields stands in ``test_field_laws.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.errors import Refused
from providers.posthog.inputs import Metadata, to_inputs
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.notification import digest
from providers.posthog.settings import Settings
from tests.contract.provider.test_provider import applied, changes, flag, refused
from tests.support.plugin import Plugin, running_plugin
from tests.support.runs import Applied, Runs
from tests.support.sandbox import Sandbox

NO = provider_pb2.DiffResponse.DIFF_NONE
FAILED = [{"type": "event", "key": "success", "value": False}]
VARIANTS = [{"key": "control", "rollout_percentage": 50}, {"key": "retry", "rollout_percentage": 50}]
Form = dict[str, Any]


class Things:
    """What the objects of a test refer to, made by somebody else than the provider."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._numbers = count()

    def dashboard(self) -> int:
        return int(self._sandbox.call("POST", "dashboards/", {"name": "D"})["id"])

    def insight(self, *dashboards: int) -> int:
        query = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "e"}]}
        body = {"name": "I", "query": {"kind": "InsightVizNode", "source": query}, "dashboards": list(dashboards)}
        return int(self._sandbox.call("POST", "insights/", body)["id"])

    def action(self) -> int:
        return int(self._sandbox.call("POST", "actions/", {"name": self.name("A"), "steps": [{"event": "e"}]})["id"])

    def flag(self, active: bool = True) -> int:
        filters = {"groups": [{"rollout_percentage": 50}], "multivariate": {"variants": VARIANTS}}
        body = {"key": self.name("flag"), "active": active, "filters": filters}
        return int(self._sandbox.call("POST", "feature_flags/", body)["id"])

    def name(self, start: str) -> str:
        """Return a name that nothing has yet."""
        return f"{start}-{next(self._numbers)}"


@pytest.fixture(scope="module")
def things(sandbox: Sandbox) -> Things:
    return Things(sandbox)


def action(things: Things) -> tuple[Form, Form]:
    least = {"name": things.name("Run failed"), "steps": [{"event": "ai_used"}]}
    steps = [
        {"event": "ai_used", "properties": FAILED},
        {"event": "$autocapture", "text": "Again", "text_matching": "exact", "url": "/ai", "url_matching": "contains"},
    ]
    more = {"description": " What failed ", "tags": ["Ops", "ai"], "steps": steps, "post_to_slack": True}
    return least, {**more, "slack_message_format": "[event] failed"}


def annotation(things: Things) -> tuple[Form, Form]:
    least = {"content": things.name("Model changed"), "date_marker": "2026-09-07"}
    return least, {"hidden_in_user_interface": True, "date_marker": "2026-09-07T10:00:00+02:00"}


def subscription(things: Things) -> tuple[Form, Form]:
    dashboard = things.dashboard()
    insights = [things.insight(dashboard) for _ in range(2)]
    least = {
        "title": things.name("Cost"),
        "content_type": "dashboard",
        "dashboard": dashboard,
        "dashboard_export_insights": insights[:1],
        "target_type": "email",
        "target_value": "finance@example.com",
        "frequency": "monthly",
        "start_date": "2026-09-07T08:00:00Z",
    }
    times = {"interval": 2, "byweekday": ["tuesday", "monday"], "bysetpos": 1, "until_date": "2036-01-01"}
    return least, {**times, "enabled": False, "summary_prompt_guide": "g", "dashboard_export_insights": insights[::-1]}


def experiment(things: Things) -> tuple[Form, Form]:
    least = {"name": things.name("Retries"), "flag": things.flag()}
    ratio = {
        "kind": "ExperimentMetric",
        "name": "Worked",
        "metric_type": "ratio",
        "numerator": {"kind": "EventsNode", "event": "ai_used", "properties": FAILED},
        "denominator": {"kind": "EventsNode", "event": "ai_used", "math": "total"},
    }
    more = {
        "hypothesis": "One retry helps",
        "metrics": [ratio],
        "metrics_secondary": [mean(things.action())],
        "exposure_criteria": {
            "filterTestAccounts": False,
            "exposure_config": {"kind": "ExperimentEventExposureConfig", "event": "ai_used"},
        },
        "stats_config": {"method": "frequentist", "frequentist": {"alpha": 0.1}, "bayesian": {"ci_level": 0.95}},
        "only_count_matured_users": True,
        "start_date": "2026-09-07T08:00:00Z",
        "end_date": "2026-10-07",
        "conclusion": "won",
        "conclusion_comment": "It did",
        "archived": True,
    }
    return least, more


def mean(action_id: int, name: str = "Failures", **own: Any) -> Form:
    node = {"kind": "ActionsNode", "id": action_id}
    return {"kind": "ExperimentMetric", "name": name, "metric_type": "mean", "goal": "decrease", "source": node, **own}


MAKERS: dict[str, Callable[[Things], tuple[Form, Form]]] = {
    "action": action,
    "annotation": annotation,
    "subscription": subscription,
    "experiment": experiment,
}
"""What makes, for a kind, a definition with the least that it takes, and whatever else can be said."""

every_kind = pytest.mark.parametrize("kind", MAKERS)


@every_kind
def test_what_was_made_reads_as_it_was_written(plugin: Plugin, sandbox: Sandbox, things: Things, kind: str) -> None:
    least, more = MAKERS[kind](things)
    full = {**least, **more, KINDS[kind].natural_key[0]: things.name("Full")}
    made = [(wanted, *applied(plugin, kind, wanted)) for wanted in (least, full)]
    with running_plugin(sandbox.environ) as later:
        for wanted, id_, outs in made:
            _, read, _ = later.read(kind, id_, outs)
            assert read == outs
            assert changes(later, kind, id_, read, wanted).changes == NO


@every_kind
def test_a_change_sends_what_changed_and_no_change_sends_nothing(
    plugin: Plugin, sandbox: Sandbox, things: Things, kind: str
) -> None:
    least, more = MAKERS[kind](things)
    id_, outs = applied(plugin, kind, {**least, **more})
    sandbox.requests()
    plugin.update(kind, id_, outs, plugin.check(kind, {**least, **more}))
    assert sandbox.requests() == []
    name, value, sent = CHANGES[kind]
    plugin.update(kind, id_, outs, plugin.check(kind, {**least, **more, name: value}))
    path = f"/api/projects/{sandbox.project_id}/{KINDS[kind].collection}/{id_}/"
    assert sandbox.writes() == [("PATCH", path, sent)]


CHANGES: dict[str, tuple[str, Any, Form]] = {
    "action": ("description", "d", {"description": "d"}),
    "annotation": ("hidden_in_user_interface", False, {"hidden_in_user_interface": False}),
    "subscription": ("byweekday", ["friday"], {"byweekday": ["friday"], "send_test_now": False}),
    "experiment": ("hypothesis", "h", {"description": "h"}),
}


@every_kind
def test_what_is_there_already_is_taken_over_and_brought_into_line(
    plugin: Plugin, sandbox: Sandbox, things: Things, kind: str
) -> None:
    least, more = MAKERS[kind](things)
    id_, _ = applied(plugin, kind, least)
    like = {**least, **{name: value for name, value in more.items() if name not in KINDS[kind].natural_key}}
    with running_plugin(sandbox.environ) as later:
        again, outs = applied(later, kind, like)
        assert again == id_
        assert later.read(kind, id_, outs)[1] == outs


@every_kind
def test_what_is_deleted_is_gone_for_everybody(plugin: Plugin, sandbox: Sandbox, things: Things, kind: str) -> None:
    least, _ = MAKERS[kind](things)
    id_, outs = applied(plugin, kind, least)
    plugin.delete(kind, id_, outs)
    assert id_ not in [str(item["id"]) for item in sandbox.items(KINDS[kind].collection)]
    with running_plugin(sandbox.environ) as later:
        assert later.read(kind, id_, outs)[0] == ""
        assert applied(later, kind, least)[0] != id_


def live(sandbox: Sandbox, collection: str, id_: str) -> Form:
    found: Form = sandbox.call("GET", f"{collection}/{id_}/")
    return found


def test_metrics_keep_their_results_when_others_come_change_and_go(
    plugin: Plugin, sandbox: Sandbox, things: Things
) -> None:
    """PostHog keeps a metric's results and its place by the uuid that it gave it."""
    least, _ = experiment(things)
    one, two, three = (mean(things.action(), name) for name in ("One", "Two", "Three"))
    id_, outs = applied(plugin, "experiment", {**least, "metrics": [one, two, three]})
    first = {metric["name"]: metric["uuid"] for metric in live(sandbox, "experiments", id_)["metrics"]}
    renamed, edited = {**three, "name": "Third"}, {**two, "goal": "increase"}
    new = mean(things.action(), "New")
    plugin.update("experiment", id_, outs, plugin.check("experiment", {**least, "metrics": [new, edited, renamed]}))
    after = live(sandbox, "experiments", id_)
    uuids = {metric["name"]: metric["uuid"] for metric in after["metrics"]}
    assert (uuids["Two"], uuids["Third"]) == (first["Two"], first["Three"])
    assert uuids["New"] not in first.values()
    assert after["primary_metrics_ordered_uuids"] == [first["Two"], first["Three"], uuids["New"]]


def test_an_event_that_posthog_has_not_met_can_be_measured(plugin: Plugin, sandbox: Sandbox, things: Things) -> None:
    least, _ = experiment(things)
    source = {"kind": "EventsNode", "event": "not_sent_yet"}
    metric = {"kind": "ExperimentMetric", "name": "M", "metric_type": "mean", "source": source}
    id_, outs = applied(plugin, "experiment", {**least, "metrics": [metric]})
    again = {**metric, "name": "N"}
    plugin.update("experiment", id_, outs, plugin.check("experiment", {**least, "metrics": [again]}))
    assert [each["name"] for each in live(sandbox, "experiments", id_)["metrics"]] == ["N"]


def test_an_archived_experiment_is_still_there(plugin: Plugin, sandbox: Sandbox, things: Things) -> None:
    least, more = experiment(things)
    id_, outs = applied(plugin, "experiment", {**least, **more})
    assert id_ not in [str(item["id"]) for item in sandbox.items("experiments")]
    with running_plugin(sandbox.environ) as later:
        sandbox.requests()
        assert later.read("experiment", id_, outs)[0] == id_


def test_the_flag_of_an_experiment_is_its_own_definition(plugin: Plugin, sandbox: Sandbox, things: Things) -> None:
    wanted = flag("flag-of-an-experiment", variants=VARIANTS, tags=["ai"])
    flag_id, outs = applied(plugin, "flag", wanted)
    form = {"name": "On a flag", "flag": int(flag_id), "start_date": "2026-09-07T08:00:00Z"}
    id_, made = applied(plugin, "experiment", form)
    assert live(sandbox, "experiments", id_)["feature_flag_key"] == "flag-of-an-experiment"
    with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as later:
        later.configure({"ai-admin:disposable": "true"})
        assert later.read("flag", flag_id, outs)[1] == outs
        with refused() as refusal:
            later.delete("flag", flag_id, outs)
        assert "linked to running experiment(s)" in refusal.text
        later.delete("experiment", id_, made)
        later.delete("flag", flag_id, outs)
    assert live(sandbox, "feature_flags", flag_id)["deleted"]


def test_another_flag_is_another_experiment(plugin: Plugin, things: Things, sandbox: Sandbox) -> None:
    least, _ = experiment(things)
    id_, outs = applied(plugin, "experiment", to_inputs(least, Metadata("experiment/e")))
    named = to_inputs({**least, "flag": things.flag()}, Metadata("experiment/e", "experiments/e.yaml:1:1"))
    answer = changes(plugin, "experiment", id_, outs, named)
    assert answer.replaces == ["flag"]
    assert not answer.deleteBeforeReplace, "PostHog allows two of a name"
    refusal_of_posthog = {"kind": "error_before", "status": 400, "methods": ["PATCH"], "path": f"/experiments/{id_}/"}
    with sandbox.faults(refusal_of_posthog), refused() as refusal:
        plugin.delete("experiment", id_, outs)
    assert "experiments/e.yaml:1:1: experiment/e: PostHog answered" in refusal.text


def test_a_subscription_of_a_dashboard_cant_become_one_of_an_insight(plugin: Plugin, things: Things) -> None:
    least, _ = subscription(things)
    id_, outs = applied(plugin, "subscription", least)
    rest = {name: value for name, value in least.items() if name not in ("dashboard", "dashboard_export_insights")}
    wanted = {**rest, "content_type": "insight", "insight": things.insight()}
    assert changes(plugin, "subscription", id_, outs, wanted).replaces == ["content_type"]
    assert applied(plugin, "subscription", wanted)[0] != id_


def test_a_subscription_whose_insight_left_its_dashboard_in_the_same_run_is_deleted(
    sandbox: Sandbox, things: Things
) -> None:
    """The engine deletes at the end of a run, and PostHog pauses it when its last insight leaves the dashboard."""
    least, _ = subscription(things)
    made = Applied(Runs(sandbox, {}), "subscription", least)
    sandbox.call("PATCH", f"insights/{least['dashboard_export_insights'][0]}/", {"dashboards": []})
    assert made.live()["enabled"] is False
    made.runs.new_run("subscription").delete(made.id, made.state)
    assert made.live()["deleted"] is True


@pytest.mark.parametrize("kept", [0, 1])
def test_a_subscription_follows_the_insights_that_a_run_takes_off_and_puts_on_its_dashboard(
    sandbox: Sandbox, things: Things, kept: int
) -> None:
    """The insights are written first: PostHog has shortened what is sent, or paused it, when it is written itself."""
    least, _ = subscription(things)
    [one] = least["dashboard_export_insights"]
    stays, new = [things.insight(least["dashboard"])] * kept, things.insight(least["dashboard"])
    runs = Runs(sandbox, {})
    made = Applied(runs, "subscription", {**least, "dashboard_export_insights": [one, *stays]})
    provider = runs.new_run("subscription")
    sandbox.call("PATCH", f"insights/{one}/", {"dashboards": []})
    assert (made.live()["enabled"], made.live()["dashboard_export_insights"]) == (bool(kept), stays or [one])
    wanted = {**least, "dashboard_export_insights": [*stays, new]}
    provider.update(made.id, made.state, provider.check(made.state, wanted).inputs)
    assert (made.live()["enabled"], made.live()["dashboard_export_insights"]) == (True, [*stays, new])


def test_a_subscription_that_somebody_pauses_meanwhile_stays_paused(sandbox: Sandbox, things: Things) -> None:
    least, more = subscription(things)
    runs = Runs(sandbox, {})
    made = Applied(runs, "subscription", least)
    provider = runs.new_run("subscription")
    ana = sandbox.user("pausing@example.com")
    sandbox.call("PATCH", made.path, {"enabled": False}, key=ana)
    wanted = {**least, "dashboard_export_insights": more["dashboard_export_insights"]}
    inputs = provider.check(made.state, wanted).inputs
    with pytest.raises(Refused, match=r"enabled true -> false \(by pausing@example\.com"):
        provider.update(made.id, made.state, inputs)
    assert made.live()["enabled"] is False


def test_a_slack_workspace_is_named_and_not_numbered(plugin: Plugin, sandbox: Sandbox, things: Things) -> None:
    least, _ = subscription(things)
    wanted = {**least, "target_type": "slack", "target_value": "#ai", "workspace": "acme"}
    id_, outs = applied(plugin, "subscription", wanted)
    [slack] = [item for item in sandbox.items("integrations") if item["kind"] == "slack"]
    assert live(sandbox, "subscriptions", id_)["integration_id"] == slack["id"]
    with running_plugin(sandbox.environ) as later:
        assert later.read("subscription", id_, outs)[1] == outs
    with refused() as refusal:
        applied(plugin, "subscription", {**wanted, "title": "T", "workspace": "acmee"})
    assert "slack workspace 'acmee' is not connected; connected: acme" in refusal.text


TEAMS = "https://costs.webhook.office.com/webhookb2/c0ffee"


def test_the_address_of_a_teams_channel_stays_out_of_the_state(
    sandbox: Sandbox, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAMS_URL", TEAMS)
    least, _ = subscription(things)
    target = {"env": "TEAMS_URL", "digest": digest(TEAMS)}
    wanted = {**least, "title": things.name("Teams"), "target_type": "teams", "target_value": target}
    runs = Runs(sandbox, {})
    made = Applied(runs, "subscription", wanted)
    assert made.live()["target_value"] == TEAMS
    assert TEAMS not in repr(made.state)
    assert made.shown(wanted) == []
    again = Applied(runs, "subscription", wanted)  # after a run that was killed before it could note down the id
    assert again.id == made.id
    made.by_hand({"target_value": TEAMS + "5"})
    assert made.apply(wanted) == ["target_value"]
    assert made.live()["target_value"] == TEAMS


def test_an_annotation_of_a_dashboard_is_no_annotation_of_the_project(
    plugin: Plugin, sandbox: Sandbox, things: Things
) -> None:
    form = {"content": "Prices rise", "date_marker": "2026-10-01"}
    project, _ = applied(plugin, "annotation", form)
    dashboard = things.dashboard()
    id_, _ = applied(plugin, "annotation", {**form, "scope": "dashboard", "dashboard": dashboard})
    assert id_ != project
    assert (live(sandbox, "annotations", id_)["scope"], live(sandbox, "annotations", id_)["dashboard_id"]) == (
        "dashboard",
        dashboard,
    )
    assert live(sandbox, "annotations", project)["scope"] == "project"


def test_an_event_that_is_met_while_the_list_is_read_is_skipped_in_no_page(sandbox: Sandbox) -> None:
    """What the list of events lacks counts as deleted."""
    names = [f"paged {each}" for each in "abc"]
    for name in names:
        sandbox.call("POST", "event_definitions/", {"name": name})
    number = len(sandbox.items("event_definitions"))
    client = Client(resolve(Settings({}, sandbox.environ)), page=number - 1)
    event = KINDS["event"]
    pages = client.pages(client.project_path(event.collection), event.lists[0])
    found = [next(pages)["name"]]
    sent = [{"event": names[-1], "properties": {"distinct_id": "i"}}]
    sandbox.capture(*sent)
    found += [each["name"] for each in pages]
    assert len(found) == len(set(found)) == number
    assert set(names) <= set(found)


def survey(things: Things, **more: Any) -> Form:
    return {
        "name": things.name("Any good?"),
        "type": "popover",
        "questions": [{"type": "open", "question": "Any good?"}],
        **more,
    }


def test_a_change_of_a_survey_leaves_what_is_left_to_posthogs_pages(sandbox: Sandbox, things: Things) -> None:
    """PostHog forgets the actions of a survey with a change that does not send its conditions."""
    wanted = survey(things, unmanaged=["conditions", "flag"])
    made = Applied(Runs(sandbox, {}), "survey", wanted)
    action, flag_id = things.action(), things.flag()
    conditions = {"actions": {"values": [{"id": action}]}, "url": "/ai"}
    made.by_hand({"conditions": conditions, "linked_flag_id": flag_id})
    assert made.apply({**wanted, "description": "Ours"}) == ["description"]
    live = made.live()
    assert (live["description"], live["linked_flag"]["id"], live["conditions"]["url"]) == ("Ours", flag_id, "/ai")
    assert live["conditions"]["actions"]["values"][0]["steps"], "PostHog still knows the action"


def test_another_number_of_rounds_leaves_the_time_between_them(sandbox: Sandbox, things: Things) -> None:
    wanted = survey(things, schedule="recurring", iteration_count=3, iteration_frequency_days=7)
    made = Applied(Runs(sandbox, {}), "survey", wanted)
    assert made.apply({**wanted, "iteration_count": 4}) == ["iteration_count"]
    assert (made.live()["iteration_count"], made.live()["iteration_frequency_days"]) == (4, 7)
    del wanted["iteration_frequency_days"]
    left = {**wanted, "iteration_count": 5, "unmanaged": ["iteration_frequency_days"]}
    assert "iteration_count" in made.apply(left)
    assert made.live()["iteration_frequency_days"] == 7
