"""Adoption: what a preview says of objects that are in PostHog and not in the state, and what an `up` then does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import grpc
import pytest
from pulumi.runtime.proto.provider_pb2 import DiffResponse

from ai_admin.adopted import live_as_written, live_audiences
from ai_admin.definitions import Definition, Source
from ai_admin.safety.applied import manifest
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.consents import ON
from providers.posthog.inputs import HOST, NAME, PROBLEM, PROJECT, Metadata, to_inputs
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.settings import Settings
from tests.support.plugin import UNKNOWN, Engine, Plugin, running_engine, running_plugin
from tests.support.runs import Applied, Runs, placed
from tests.support.samples import SAMPLES
from tests.support.samples.experiments import MEAN, RATIO
from tests.support.samples.world import CRITERIA, TREND
from tests.support.sandbox import Sandbox

_NUMBERS = count(1)
HERE = Source("cohorts/c.yaml", 1, 1)
OTHER = {**TREND, "source": {**TREND["source"], "interval": "week"}}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with running_engine() as running:
        yield running


@pytest.fixture
def plugin(sandbox: Sandbox, engine: Engine) -> Iterator[Plugin]:
    engine.said.clear()
    with running_plugin(sandbox.environ, engine) as running:
        yield running


def flag(key: str, rollout: int = 50, **more: Any) -> dict[str, Any]:
    conditions = [{"properties": [], "rollout_percentage": rollout}]
    return {"key": key, "active": True, "release_conditions": conditions, **noted(f"flag/{key}", key), **more}


def cohort(key: str, name: str, adopt: str | None = None) -> dict[str, Any]:
    return {"name": name, "filters": CRITERIA, **noted(f"cohort/{key}", key, adopt)}


def noted(name: str, file: str, adopt: str | None = None, **more: Any) -> dict[str, Any]:
    """What the program sends along with a definition's properties."""
    return to_inputs({}, Metadata(name, f"files/{file}.yaml:1:1", adopt, **more))


def theirs(sandbox: Sandbox, key: str, rollout: int = 50, **more: Any) -> str:
    """A flag that somebody made in PostHog; returns its id."""
    groups = [{"properties": [], "rollout_percentage": rollout}]
    return str(sandbox.call("POST", "feature_flags/", {"key": key, "filters": {"groups": groups}, **more})["id"])


def namesakes(sandbox: Sandbox, times: int) -> tuple[str, list[str]]:
    """Cohorts of one name that somebody made in PostHog; returns the name and their ids."""
    name = f"Namesake {next(_NUMBERS)}"
    body = {"name": name, "filters": {"properties": CRITERIA}}
    return name, [str(sandbox.call("POST", "cohorts/", body)["id"]) for _ in range(times)]


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        call(*arguments)
    return cast(grpc.Call, raised.value).details() or ""


def test_a_preview_says_what_is_adopted_and_what_that_changes(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    id_ = theirs(sandbox, "known", tags=["theirs"])
    sandbox.requests()
    inputs = plugin.check("flag", flag("known", rollout=60))
    assert engine.said == [
        f"files/known.yaml:1:1: flag/known: adopts FeatureFlag {id_}, which exists in PostHog; "
        'would change: tags ["theirs"] -> null, release_conditions '
        '[{"properties": [], "rollout_percentage": 50}] -> [{"properties": [], "rollout_percentage": 60}]'
    ]
    assert sandbox.writes() == []
    assert plugin.create("flag", inputs)[0] == id_
    [(method, _, body)] = sandbox.writes()
    assert (method, set(body)) == ("PATCH", {"tags", "filters"})
    assert len(engine.said) == 1


def test_what_is_adopted_as_it_is_gets_no_request(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    id_ = theirs(sandbox, "the-same")
    sandbox.requests()
    assert plugin.create("flag", plugin.check("flag", flag("the-same")))[0] == id_
    assert engine.said[0].endswith(f"adopts FeatureFlag {id_}, which exists in PostHog; as it is")
    assert sandbox.writes() == []


def test_nothing_is_said_of_what_has_to_be_made(plugin: Plugin, engine: Engine) -> None:
    plugin.create("flag", plugin.check("flag", flag("brand-new")))
    assert engine.said == []


def test_nothing_is_asked_when_nothing_is_new(plugin: Plugin, sandbox: Sandbox) -> None:
    sandbox.requests()
    plugin.check("flag", flag("in-state"), olds=flag("in-state"))
    assert sandbox.requests() == []


def test_of_several_somebody_has_to_choose_and_can(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    name, (first, second) = namesakes(sandbox, 2)
    [problem] = plugin.problems("cohort", cohort("twins", name))
    assert problem.startswith("files/twins.yaml:1:1: cohort/twins: 2 objects in PostHog could be this one: ")
    for id_ in (first, second):
        assert f"Cohort {id_} (by admin@example.com, 20" in problem
    assert f"`adopt: {first}`" in problem
    refusal = refused(plugin.create, "cohort", cohort("twins", name))
    assert first in refusal
    assert second in refusal
    inputs = plugin.check("cohort", cohort("twins", name, adopt=second))
    assert f"adopts Cohort {second}," in engine.said[0]
    assert plugin.create("cohort", inputs)[0] == second


INSIGHT = {"name": "Weekly retention", "query": TREND}


def of_somebody(sandbox: Sandbox, **more: Any) -> tuple[str, int]:
    """An insight on a dashboard, both made by somebody else: the insight's id and the dashboard's."""
    key = sandbox.user(f"ana{next(_NUMBERS)}@example.com")
    board = sandbox.call("POST", "dashboards/", {"name": "Marketing"}, key=key)["id"]
    body = {**INSIGHT, "dashboards": [board], "name": f"Weekly retention {next(_NUMBERS)}", **more}
    return str(sandbox.call("POST", "insights/", body, key=key)["id"]), board


def insight(sandbox: Sandbox, id_: str, adopt: str | None = None, **more: Any) -> dict[str, Any]:
    name = sandbox.call("GET", f"insights/{id_}/")["name"]
    return {"name": name, "query": OTHER, **more, **noted("insight/retention", "retention", adopt)}


def test_what_somebody_else_made_is_not_taken_by_its_name(plugin: Plugin, sandbox: Sandbox) -> None:
    """B3."""
    id_, board = of_somebody(sandbox)
    [problem] = plugin.problems("insight", insight(sandbox, id_))
    assert f"has this name in PostHog, so it is not adopted: Insight {id_} (by ana" in problem
    assert f"on the dashboard 'Marketing' ({board})" in problem
    assert f"`adopt: {id_}`" in problem
    assert "give one of the two another name" in problem
    sandbox.requests()
    assert "not adopted" in refused(plugin.create, "insight", plugin.check("insight", insight(sandbox, id_)))
    assert sandbox.writes() == []


QUESTIONS = [{"type": "open", "question": "Theirs?"}]
NAMED_BY_PEOPLE = [
    ("survey", {"type": "popover", "questions": QUESTIONS}, {"questions": [{"type": "open", "question": "Ours?"}]}),
    ("insight_variable", {"type": "String", "default_value": "theirs"}, {"default_value": "ours"}),
    ("saved_metric", {"query": MEAN}, {"query": RATIO}),
    ("holdout", {"filters": [{"rollout_percentage": 5}]}, {"exclusion_percentage": 10}),
    ("playlist", {"type": "filters", "filters": {"date_from": "-7d"}}, {"filters": {"date_from": "-30d"}}),
]


@pytest.mark.parametrize(("kind", "body", "wanted"), NAMED_BY_PEOPLE, ids=[kind for kind, *_ in NAMED_BY_PEOPLE])
def test_a_name_that_people_give_takes_over_nothing_of_another_person(
    plugin: Plugin, sandbox: Sandbox, runs: Runs, kind: str, body: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """B3. Also where PostHog lets a name stand only once."""
    email, name = f"ana{next(_NUMBERS)}@example.com", f"Of somebody {next(_NUMBERS)}"
    key = sandbox.user(email)
    body = placed({"name": name, **body}, runs.world)
    id_ = str(sandbox.call("POST", f"{KINDS[kind].collection}/", body, key=key)[KINDS[kind].id_name])
    given = {"name": name, **({"type": body["type"]} if kind != "playlist" and "type" in body else {})}
    definition = placed({**given, **wanted}, runs.world)
    [problem] = plugin.problems(kind, {**definition, **noted(f"{kind}/x", "x")})
    assert f"not adopted: {KINDS[kind].type} {id_} (by {email}, 20" in problem
    assert f"`adopt: {id_}`" in problem
    chosen = plugin.check(kind, {**definition, **noted(f"{kind}/x", "x", adopt=id_)})
    assert plugin.create(kind, chosen)[0] == id_


def test_an_early_access_feature_of_another_person_is_not_taken_by_its_name(plugin: Plugin, sandbox: Sandbox) -> None:
    """B3."""
    email, body = f"ana{next(_NUMBERS)}@example.com", {"name": "Sneak preview", "stage": "draft"}
    key = sandbox.user(email)
    made = sandbox.call("POST", "early_access_feature/", {**body, "description": "Theirs"}, key=key)
    wanted = {**body, "flag": made["feature_flag"]["id"], "description": "Ours"}
    [problem] = plugin.problems("early_access_feature", {**wanted, **noted("early_access_feature/x", "x")})
    assert f"not adopted: EarlyAccessFeature {made['id']} (by {email}, 20" in problem


def test_it_is_said_in_a_preview_too_where_its_flag_is_adopted(sandbox: Sandbox) -> None:
    """B3: the id of the flag is not known then."""
    email = f"ana{next(_NUMBERS)}@example.com"
    key = sandbox.user(email)
    for name, adopted in (("Alike", True), ("Other", False)):
        body = {"name": name, "stage": "draft", "description": "Theirs"}
        made = sandbox.call("POST", "early_access_feature/", body, key=key)
        wanted = {"name": name, "stage": "draft", "flag": UNKNOWN}
        with running_plugin(sandbox.environ) as preview:
            theirs(sandbox, f"of-{name.lower()}", active=False)
            key_of_flag = made["feature_flag"]["key"] if adopted else f"of-{name.lower()}"
            preview.check("flag", flag(key_of_flag, active=False))
            note = noted("early_access_feature/x", "x", named={"flag": f"flag/{key_of_flag}"})
            problems = preview.problems("early_access_feature", {**wanted, **note})
        assert ["not adopted" in each for each in problems] == [True] * adopted


def test_of_several_of_one_name_a_preview_finds_the_one_with_the_flag_that_is_adopted(
    sandbox: Sandbox, engine: Engine
) -> None:
    """PostHog makes the flags with their experiments."""
    keys = [f"of-experiment-{next(_NUMBERS)}" for _ in range(2)]
    made = [sandbox.call("POST", "experiments/", {"name": "Alike", "feature_flag_key": each})["id"] for each in keys]
    engine.said.clear()
    with running_plugin(sandbox.environ, engine) as preview:
        for key, id_ in zip(keys, made, strict=True):
            preview.check("flag", flag(key))
            note = noted(f"experiment/{key}", key, named={"flag": f"flag/{key}"})
            assert preview.problems("experiment", {"name": "Alike", "flag": UNKNOWN, **note}) == []
            assert f"adopts Experiment {id_}," in engine.said[-1]
        new = noted("experiment/new", "new", named={"flag": "flag/new"})
        assert preview.problems("experiment", {"name": "Alike", "flag": UNKNOWN, **new}) == [], "it is made"


def test_a_subscription_that_says_the_same_is_taken_though_its_insights_are_not_known_yet(
    sandbox: Sandbox, runs: Runs
) -> None:
    """B3: in the preview after a lost state, with another person's key."""
    insights = [sandbox.call("POST", "insights/", {"name": str(n), "query": OTHER}) for n in range(2)]
    board = sandbox.call("POST", "dashboards/", {"name": "Of the subscription"})["id"]
    for each in insights:
        sandbox.call("PATCH", f"insights/{each['id']}/", {"dashboards": [board]})
    ids = [each["id"] for each in insights]
    content = {"content_type": "dashboard", "dashboard": board, "dashboard_export_insights": ids}
    least = {name: value for name, value in SAMPLES["subscription"].least("Weekly").items() if name != "insight"}
    made = Applied(runs, "subscription", {**least, **content})
    key = sandbox.user(f"ana{next(_NUMBERS)}@example.com")
    wanted = {**made.state, **noted("subscription/weekly", "weekly")}
    del wanted[PROJECT], wanted[HOST]
    unknown = {"dashboard": UNKNOWN, "dashboard_export_insights": [UNKNOWN, UNKNOWN]}
    with running_plugin({**sandbox.environ, "POSTHOG_API_KEY": key}) as preview:
        assert preview.problems("subscription", {**wanted, **unknown}) == []
        [problem] = preview.problems("subscription", {**wanted, **unknown, "dashboard_export_insights": [UNKNOWN]})
    assert "somebody else made or changed" in problem


def test_what_is_taken_over_stays_on_other_peoples_dashboards(plugin: Plugin, sandbox: Sandbox) -> None:
    """B3."""
    id_, board = of_somebody(sandbox)
    ours = sandbox.call("POST", "dashboards/", {"name": "Ours"})["id"]
    wanted = insight(sandbox, id_, adopt=id_, dashboards=[ours])
    assert plugin.create("insight", plugin.check("insight", wanted))[0] == id_
    shown_on = [tile["dashboard_id"] for tile in sandbox.call("GET", f"insights/{id_}/")["dashboard_tiles"]]
    assert sorted(shown_on) == sorted([board, ours])


def test_what_somebody_else_made_and_says_the_same_is_taken(plugin: Plugin, sandbox: Sandbox) -> None:
    id_, _ = of_somebody(sandbox, query=OTHER)
    sandbox.requests()
    assert plugin.create("insight", plugin.check("insight", insight(sandbox, id_)))[0] == id_
    assert sandbox.writes() == []


def test_what_a_killed_run_made_is_found_though_the_definition_has_changed(plugin: Plugin, sandbox: Sandbox) -> None:
    id_ = str(sandbox.call("POST", "insights/", {**INSIGHT, "name": "Of a killed run"})["id"])
    assert plugin.create("insight", plugin.check("insight", insight(sandbox, id_)))[0] == id_


@pytest.mark.parametrize(
    ("collection", "kind", "body", "edit"),
    [
        ("insights", "insight", {"query": TREND}, {"description": "By hand"}),
        ("cohorts", "cohort", {"filters": {"properties": CRITERIA}}, {"description": "By hand"}),
    ],
)
def test_what_somebody_else_changed_meanwhile_is_not_taken(
    plugin: Plugin, sandbox: Sandbox, collection: str, kind: str, body: dict[str, Any], edit: dict[str, Any]
) -> None:
    """B3."""
    key = sandbox.user(f"ana{next(_NUMBERS)}@example.com")
    name = f"Touched {next(_NUMBERS)}"
    id_ = sandbox.call("POST", f"{collection}/", {**body, "name": name})["id"]
    sandbox.call("PATCH", f"{collection}/{id_}/", edit, key=key)
    wanted = {"name": name, "query": TREND} if kind == "insight" else {"name": name, "filters": CRITERIA}
    [problem] = plugin.problems(kind, {**wanted, **noted(f"{kind}/touched", "touched")})
    assert "is not adopted" in problem


def test_what_nobody_else_changed_as_far_as_is_known_is_not_taken_where_the_log_can_not_be_read(
    sandbox: Sandbox,
) -> None:
    name = f"Unlogged {next(_NUMBERS)}"
    sandbox.call("POST", "insights/", {**INSIGHT, "name": name})
    scopes = ["insight:write", "dashboard:read", "project:read", "user:read"]
    key = sandbox.key(scopes)
    wanted = {"name": name, "query": OTHER, **noted("insight/unlogged", "unlogged")}
    with running_plugin({**sandbox.environ, "POSTHOG_API_KEY": key}) as preview:
        [problem] = preview.problems("insight", wanted)
    assert (
        "it is not known whether only this key changed what has this name in PostHog (PostHog's activity log could not "
        "be read: the API key lacks the scope activity_log:read), so it is not adopted: " in problem
    )


def test_a_live_flag_is_the_base_that_a_careful_stack_measures_by(sandbox: Sandbox) -> None:
    """B1, B2."""
    theirs(sandbox, "at-ten", rollout=10)
    theirs(sandbox, "at-all", rollout=100)
    with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as plugin:
        plugin.configure({"ai-admin:careful": "true"})
        [problem] = plugin.problems("flag", flag("at-ten", rollout=100))
        assert "release condition 1 is at 10 % in PostHog and would grow to 100 %" in problem
        assert "rollout/at-ten/10-100" in problem
        sandbox.requests()
        assert "would grow to 100 %" in refused(
            plugin.create, "flag", plugin.check("flag", flag("at-ten", rollout=100))
        )
        assert sandbox.writes() == []
        plugin.create("flag", plugin.check("flag", flag("at-all", rollout=100)))
        assert sandbox.writes() == []


def test_a_flag_that_is_off_is_not_switched_on_by_taking_it_over(sandbox: Sandbox) -> None:
    """C3."""
    theirs(sandbox, "off-at-half", active=False)
    with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as plugin:
        [problem] = plugin.problems("flag", flag("off-at-half"))
        assert "it is off in PostHog, and adopting it would switch it on" in problem
    for consent, rollout, given in (
        ("on/off-at-half", 50, True),
        ("rollout/off-at-half/0-50", 50, True),
        ("rollout/off-at-half/0-70", 50, False),
        ("rollout/off-at-half/0-50", 51, False),
        ("rollout/off-at-half/0-5", 50, False),
        ("rollout/off-at-half/10-50", 50, False),
        ("rollout/other/0-50 on/other", 50, False),
    ):
        with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as plugin:
            plugin.configure({"ai-admin:consent": consent})
            problems = plugin.problems("flag", flag("off-at-half", rollout=rollout))
            assert (problems == []) is given, (consent, rollout)


def test_dashboards_that_are_not_there_yet_are_no_certain_change(
    plugin: Plugin, sandbox: Sandbox, engine: Engine
) -> None:
    id_, _ = of_somebody(sandbox)
    plugin.check("insight", insight(sandbox, id_, adopt=id_, dashboards=[UNKNOWN]))
    assert engine.said[0].endswith("perhaps dashboards")


def test_what_is_not_there_is_not_adopted(plugin: Plugin, sandbox: Sandbox) -> None:
    _, [deleted] = namesakes(sandbox, 1)
    sandbox.call("PATCH", f"cohorts/{deleted}/", {"deleted": True})
    for id_ in ("999999", "an-insight-perhaps", deleted):
        [problem] = plugin.problems("cohort", cohort("lost", "Nobody has this name", adopt=id_))
        assert problem.endswith(f"there is no Cohort {id_} in this project; correct or remove `adopt`")


def test_an_object_of_another_definition_is_not_adopted(plugin: Plugin, sandbox: Sandbox) -> None:
    name, [id_] = namesakes(sandbox, 1)
    plugin.read("cohort", id_, cohort("owner", name))
    [problem] = plugin.problems("cohort", cohort("thief", "Another name", adopt=id_))
    assert f"Cohort {id_} (" in problem
    assert "belongs to cohort/owner of this stack" in problem


def test_an_object_of_another_definition_is_not_adopted_by_a_process_that_did_not_refresh(
    plugin: Plugin, sandbox: Sandbox
) -> None:
    id_, owned = plugin.create("flag", plugin.check("flag", flag("owned")))
    taken = {"1234567": "flag/other", id_: "flag/owned"}
    thief = flag("owned", **noted("flag/thief", "thief", taken=taken))
    by_number = flag("owned", **noted("flag/thief", "thief", adopt=id_, taken=taken))
    with running_plugin(sandbox.environ) as later:
        [problem] = later.problems("flag", by_number)
        assert problem.endswith("belongs to flag/owned of this stack; remove `adopt`")
        with pytest.raises(grpc.RpcError, match="There is already a feature flag with this key"):
            later.create("flag", later.check("flag", thief))
    with running_plugin(sandbox.environ) as later:
        later.check("flag", thief)
        assert later.problems("flag", flag("owned")) == [], "it was restored: the state has lost it, and it is its own"
        assert later.create("flag", later.check("flag", flag("owned")))[0] == id_
    thief = flag("owned", **noted("flag/thief", "thief"))
    with running_plugin(sandbox.environ) as later:
        later.diff("flag", id_, owned, later.check("flag", flag("owned"), olds=owned))
        with pytest.raises(grpc.RpcError, match="There is already a feature flag with this key"):
            later.create("flag", later.check("flag", thief))


def test_what_cannot_become_the_definition_is_not_adopted(plugin: Plugin, sandbox: Sandbox) -> None:
    static = str(sandbox.call("POST", "cohorts/", {"name": "A list", "is_static": True})["id"])
    [problem] = plugin.problems("cohort", cohort("dynamic", "A list", adopt=static))
    assert "has is_static True, which can't become" in problem


def test_a_variable_of_another_type_is_not_adopted_and_not_replaced_by_itself(
    plugin: Plugin, sandbox: Sandbox
) -> None:
    """PostHog tells who made a variable by the id alone. What is refused ends no plan: only the run refuses it."""
    id_ = sandbox.call("POST", "insight_variables/", {"name": "Whose", "type": "String"})["id"]
    kept = {"name": "Whose", "type": "String", **noted("insight_variable/whose", "whose", adopt=id_)}
    edited = {**kept, "type": "Number"}
    refusal = "has type String, which can't become Number; adopt another one, or remove `adopt`"
    [problem] = plugin.problems("insight_variable", edited)
    assert problem.startswith(f"files/whose.yaml:1:1: insight_variable/whose: InsightVariable {id_} (")
    assert problem.endswith(refusal)
    _, outs = plugin.create("insight_variable", plugin.check("insight_variable", kept))
    inputs = plugin.check("insight_variable", edited, outs)
    assert inputs[PROBLEM] == problem
    assert list(plugin.diff("insight_variable", id_, outs, inputs).replaces) == []
    assert refusal in refused(plugin.update, "insight_variable", id_, outs, inputs)
    without = {**edited, **noted("insight_variable/whose", "whose")}
    assert PROBLEM not in plugin.check("insight_variable", without, outs)


def test_two_definitions_do_not_adopt_the_same(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    name, [id_] = namesakes(sandbox, 1)
    one, two = (plugin.check("cohort", cohort(key, name)) for key in ("one", "two"))
    assert [line.split(": ")[1] for line in engine.said] == ["cohort/one"]
    assert plugin.create("cohort", one)[0] == id_
    assert plugin.create("cohort", two)[0] != id_


def test_a_stack_can_forbid_it(sandbox: Sandbox) -> None:
    id_ = theirs(sandbox, "not-to-be-touched")
    with running_plugin({**sandbox.environ, "PULUMI_PROJECT": "ai-admin"}) as plugin:
        plugin.configure({"ai-admin:adoption": "forbidden"})
        sandbox.requests()
        [problem] = plugin.problems("flag", flag("not-to-be-touched", rollout=60))
        assert f"FeatureFlag {id_} (by admin@example.com, " in problem
        assert "ai-admin:adoption forbids this stack to adopt it" in problem
        assert "forbids" in refused(plugin.create, "flag", flag("not-to-be-touched", rollout=60))
        assert sandbox.writes() == []
        assert plugin.problems("flag", flag("to-be-made")) == []


def test_a_reference_that_is_not_known_yet_agrees_with_anything(
    plugin: Plugin, sandbox: Sandbox, engine: Engine
) -> None:
    group = {"properties": [{"key": "id", "type": "cohort", "value": namesakes(sandbox, 1)[1][0]}]}
    theirs_id = sandbox.call("POST", "feature_flags/", {"key": "refers", "filters": {"groups": [group]}})["id"]
    condition = {"properties": [{"type": "cohort", "key": "id", "operator": "in", "value": UNKNOWN}]}
    plugin.check("flag", flag("refers", release_conditions=[condition], description="Theirs has none."))
    assert engine.said[0].endswith(
        f"adopts FeatureFlag {theirs_id}, which exists in PostHog; "
        'would change: description null -> "Theirs has none.", perhaps release_conditions'
    )


def test_a_natural_key_that_is_not_known_whole_is_matched_by_what_is_known(
    plugin: Plugin, sandbox: Sandbox, engine: Engine, runs: Runs
) -> None:
    samples = SAMPLES["notification"]
    made = Applied(runs, "notification", {**samples.least("Telling"), **samples.before(sandbox, "Telling")})
    wanted = {name: value for name, value in made.state.items() if name not in (PROJECT, HOST)}
    engine.said.clear()
    plugin.check("notification", {**wanted, **noted("notification/telling", "telling"), "alert": UNKNOWN})
    assert f"adopts HogFunction {made.id}, which exists in PostHog; would change: perhaps alert" in engine.said[0]


def test_what_only_points_at_a_definition_is_no_part_of_what_stays_as_it_is(plugin: Plugin, sandbox: Sandbox) -> None:
    id_, outs = plugin.create("flag", plugin.check("flag", flag("moved")))
    assert outs[NAME] == "flag/moved"
    assert {name for name in outs if name.startswith("__")} == {NAME, HOST}
    _, _, inputs = plugin.read("flag", id_, outs)
    assert NAME not in inputs, "they are what PostHog holds"
    moved = flag("moved", **noted("flag/moved", "elsewhere", adopt="12"))
    assert plugin.check("flag", moved, olds=inputs) == inputs
    with running_plugin(sandbox.environ) as later:  # Pulumi starts it after a changed setting
        assert later.check("flag", moved, olds=inputs) == inputs, "or the state is written once for each flag"


def test_it_goes_along_with_what_changes_and_the_next_refresh_does_not_compare_with_it(
    plugin: Plugin, sandbox: Sandbox
) -> None:
    """A flag that somebody switched off is left off by an `up`, and shown as drift by a refresh."""
    id_, outs = plugin.create("flag", plugin.check("flag", flag("along")))
    _, outs, inputs = plugin.read("flag", id_, outs)
    wanted = flag("along", 60, **noted("flag/along", "along", switch=ON, id=id_))
    news = plugin.check("flag", wanted, olds=inputs)
    assert "files/along.yaml:1:1" in news[NAME]
    outs = plugin.update("flag", id_, outs, news)
    assert outs[NAME] == "flag/along"
    sandbox.call("PATCH", f"feature_flags/{id_}/", {"active": False})
    with running_plugin(sandbox.environ) as later:
        _, outs, inputs = later.read("flag", id_, outs)
        assert {**inputs, NAME: news[NAME]} == {**news, "active": False}
        assert later.diff("flag", id_, outs, news).changes == DiffResponse.DIFF_UNKNOWN
        left_off = later.check("flag", wanted, inputs)
        assert later.diff("flag", id_, outs, left_off).changes == DiffResponse.DIFF_NONE
    for olds in (left_off, {**left_off, NAME: "flag/along"}):  # the state's inputs by now, and in one from before
        with running_plugin(sandbox.environ) as later:  # of `up --refresh=false`
            news = later.check("flag", wanted, olds)
            assert later.diff("flag", id_, outs, news).changes == DiffResponse.DIFF_NONE


@pytest.mark.parametrize("kind", SAMPLES)
def test_who_lost_the_state_makes_nothing_twice(sandbox: Sandbox, runs: Runs, kind: str) -> None:
    samples, name = SAMPLES[kind], f"lost {kind}".replace(" ", "-")
    definition = {**samples.least(name), **samples.before(sandbox, name), **samples.full}
    first = Applied(runs, kind, definition)
    sandbox.requests()
    again = Applied(runs, kind, definition)
    assert again.id == first.id
    assert sandbox.writes() == []
    assert again.shown(definition) == []


def test_what_adopting_a_dashboard_does_to_its_tiles_is_said(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    id_ = sandbox.call("POST", "dashboards/", {"name": "Theirs"})["id"]
    sandbox.call("PATCH", f"dashboards/{id_}/", {"tiles": [{"text": {"body": "Their text."}, "layouts": {}}]})
    plugin.check("dashboard", {"name": "Theirs", **noted("dashboard/ours", "ours")})
    tiles = [{"text": "Our text.", "layout": {"x": 0, "y": 0, "w": 6, "h": 1}}]
    plugin.check("tiles", {"dashboard": UNKNOWN, "tiles": tiles, **noted("tiles/ours", "ours")})
    assert [line.partition("adopts ")[2] for line in engine.said] == [
        f"Dashboard {id_}, which exists in PostHog; as it is",
        f"DashboardTiles {id_}, which exists in PostHog; would change: tiles come: text Our text.",
    ]


def test_tiles_of_insights_that_are_adopted_are_no_certain_change(
    plugin: Plugin, sandbox: Sandbox, engine: Engine
) -> None:
    """The ids of the insights are not known in the preview after a take-over."""
    board = sandbox.call("POST", "dashboards/", {"name": "Taken over"})["id"]
    ids = [of_somebody(sandbox, dashboards=[board])[0] for _ in range(2)]
    places = [{"x": 0, "y": row, "w": 6, "h": 5} for row in (0, 5)]
    there = sandbox.call("GET", f"dashboards/{board}/")["tiles"]
    laid = [{"id": each["id"], "layouts": {"sm": place}} for each, place in zip(there, places, strict=True)]
    sandbox.call("PATCH", f"dashboards/{board}/", {"tiles": laid})

    def said(*layouts: dict[str, int]) -> str:
        tiles = [{"insight": UNKNOWN, "layout": place} for place in layouts]
        plugin.check("tiles", {"dashboard": UNKNOWN, "tiles": tiles, **noted("tiles/taken", "taken")})
        return engine.said[-1].partition(" exists in PostHog; ")[2]

    plugin.check("dashboard", {"name": "Taken over", **noted("dashboard/taken", "taken")})
    assert said(*places) == "would change: tiles come: insight that is new, insight that is new", "none is adopted"
    for id_ in ids:
        wanted = insight(sandbox, id_, dashboards=[UNKNOWN])
        plugin.check("insight", {**wanted, **noted(f"insight/number-{id_}", "number", adopt=id_)})
    assert said(*places) == "would change: perhaps tiles"
    moved = {**places[0], "y": 11}
    assert "would change: tiles" in said(places[1], moved)


def test_a_static_cohort_is_not_taken_over_by_a_definition_with_criteria(runs: Runs, sandbox: Sandbox) -> None:
    name = f"Static {next(_NUMBERS)}"
    static = str(sandbox.call("POST", "cohorts/", {"name": name, "is_static": True})["id"])
    applied = Applied(runs, "cohort", {"name": name, "filters": CRITERIA})
    assert applied.id != static
    assert sandbox.call("GET", f"cohorts/{static}/")["is_static"] is True


def test_a_choice_that_comes_too_late_is_said(plugin: Plugin, sandbox: Sandbox, engine: Engine) -> None:
    name, [first, second] = namesakes(sandbox, 2)
    _, outs = plugin.create("cohort", plugin.check("cohort", cohort("chosen", name, adopt=first)))
    engine.said.clear()
    for chosen in (first, second):
        later = cohort("chosen", name) | noted("cohort/chosen", "chosen", adopt=chosen, id=first)
        plugin.diff("cohort", first, outs, plugin.check("cohort", later, olds=outs))
    assert engine.said == [
        f"files/chosen.yaml:1:1: cohort/chosen: is Cohort {first} already, "
        f"so `adopt: {second}` has no effect; remove it"
    ]


def test_a_choice_of_what_replaces_it_is_not_said_to_have_no_effect(
    plugin: Plugin, sandbox: Sandbox, engine: Engine
) -> None:
    made = [sandbox.call("POST", "experiments/", {"name": "C", "feature_flag_key": f"c-{each}"}) for each in range(2)]

    def chosen(number: int) -> dict[str, Any]:
        note = noted("experiment/c", "c", adopt=str(made[number]["id"]), id=str(made[0]["id"]))
        return {"name": "C", "flag": made[number]["feature_flag"]["id"], **note}

    id_, outs = plugin.create("experiment", plugin.check("experiment", chosen(0)))
    engine.said.clear()
    inputs = plugin.check("experiment", chosen(1), olds=outs)
    assert plugin.diff("experiment", id_, outs, inputs).replaces == ["flag"]
    assert engine.said == []


def test_what_a_live_cohort_says_is_the_base_of_who_is_served(sandbox: Sandbox) -> None:
    """D1: references are told from ids, and one of several of a name from no other."""
    action = sandbox.call("POST", "actions/", {"name": "Ran well", "steps": [{"event": "ran"}]})["id"]
    did = {"type": "behavioral", "value": "performed_event", "event_type": "actions", "time_value": 7}
    did |= {"time_interval": "day", "negation": False}

    def criteria(*leaves: dict[str, Any]) -> dict[str, Any]:
        return {"type": "OR", "values": [{"type": "AND", "values": list(leaves)}]}

    def made(name: str, *leaves: dict[str, Any], **more: Any) -> int:
        filters = {} if more else {"filters": {"properties": criteria(*leaves)}}
        return int(sandbox.call("POST", "cohorts/", {"name": name, **filters, **more})["id"])

    inner = made("Inner", {**did, "key": action})
    made("Outer", {"type": "cohort", "key": "id", "value": inner, "negation": False})
    made("Static one", is_static=True)
    for _ in range(2):
        made("Twice", {**did, "key": action})
    wanted = {
        "inner": ("Inner", {**did, "key": Ref("action", "ran-well")}),
        "outer": ("Outer", {"type": "cohort", "value": Ref("cohort", "inner"), "negation": False}),
        "static": ("Static one", {**did, "key": Ref("action", "ran-well")}),
        "twice": ("Twice", {**did, "key": Ref("action", "ran-well")}),
        "new": ("New", {**did, "key": Ref("action", "ran-well")}),
    }
    definitions = [Definition("action", "ran-well", {"name": "Ran well"}, HERE)]
    for key, (name, leaf) in wanted.items():
        properties = KINDS["cohort"].canonical({"name": name, "filters": criteria(leaf)})
        definitions.append(Definition("cohort", key, properties, HERE))
    client = Client(resolve(Settings({}, sandbox.environ)), warn=print)
    live, now = live_audiences(client, definitions, {}), manifest(definitions, {})
    assert live == {name: now[name] for name in ("cohort/inner", "cohort/outer")}
    assert live_audiences(client, definitions, {name: {"id": "1"} for name in now}) == {}


def test_what_was_done_by_hand_and_is_then_in_the_file_is_the_base(sandbox: Sandbox) -> None:
    def cohort_of(value: str) -> Definition:
        leaf = {"type": "person", "key": "channel", "operator": "exact", "value": [value]}
        filters = {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}
        return Definition("cohort", "hand", KINDS["cohort"].canonical({"name": "By hand", "filters": filters}), HERE)

    def flag_at(share: int) -> Definition:
        leaf = {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "hand")}
        conditions = [{"properties": [leaf], "rollout_percentage": share}]
        properties = {"key": "by-hand", "active": True, "release_conditions": conditions}
        return Definition("flag", "by-hand", KINDS["flag"].canonical(properties), HERE)

    cohort_id = str(sandbox.call("POST", "cohorts/", placed_filters(cohort_of("beta")))["id"])
    leaf = {"type": "cohort", "key": "id", "operator": "in", "value": int(cohort_id)}
    flag_id = theirs(sandbox, "by-hand")
    groups = [{"properties": [leaf], "rollout_percentage": 80}]
    sandbox.call("PATCH", f"feature_flags/{flag_id}/", {"filters": {"groups": groups}})
    ids = {"cohort/hand": cohort_id, "flag/by-hand": flag_id}
    applied = manifest([cohort_of("stable"), flag_at(10)], {})
    before = {name: {**entry, "id": ids[name]} for name, entry in applied.items()}
    client = Client(resolve(Settings({}, sandbox.environ)))

    def base(*files: Definition) -> dict[str, Any]:
        return dict(live_as_written(client, files, before, manifest(files, before)))

    found = base(cohort_of("beta"), flag_at(80))
    after = manifest([cohort_of("beta"), flag_at(80)], {})
    assert found["cohort/hand"]["targeting"] == after["cohort/hand"]["targeting"]
    assert found["flag/by-hand"]["rollout"] == after["flag/by-hand"]["rollout"]
    assert found["flag/by-hand"]["id"] == flag_id
    assert base(cohort_of("everybody"), flag_at(90)) == {}
    sandbox.requests()
    assert base(cohort_of("stable"), flag_at(10)) == {}
    assert sandbox.requests() == []


def placed_filters(cohort: Definition) -> dict[str, Any]:
    """The body that makes this cohort."""
    return {"name": cohort.properties["name"], "filters": {"properties": cohort.properties["filters"]}}
