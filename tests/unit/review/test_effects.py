"""What follows from a change, which its own fields do not say."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.definitions import Definition, Source
from ai_admin.review.changes import Action, Change
from ai_admin.review.effects import Running, begun, effects, ended, enrolment, launched, running, started, starts
from ai_admin.review.uses import Use, users
from providers.posthog.kinds import KINDS, Ref

FLAG = Ref("flag", "search")
STARTED = {"flag": FLAG, "start_date": "2026-09-14T08:00:00Z"}


def followed(ref: Ref, live: dict[str, Any], wanted: dict[str, Any], *experiments: dict[str, Any]) -> list[str]:
    names = [name for name in live.keys() | wanted.keys() if live.get(name) != wanted.get(name)]
    fields = tuple(each for each in KINDS[ref.kind].fields if each.name in names)
    source = Source("experiments/e.yaml", 1, 1)
    said = [Definition("experiment", f"e{n}", each, source) for n, each in enumerate(experiments)]
    there = [Change(Ref("experiment", each.key), Action.NOTHING, live=each.properties) for each in said]
    return list(effects(Change(ref, Action.UPDATE, fields=fields), live, wanted, running(said, there)))


def test_a_flag_under_a_new_key_serves_nobody_who_asks_for_the_old_one() -> None:
    new = {"key": "search"}
    told = ["installations that ask for find get nothing from then on"]
    assert followed(FLAG, {"key": "find", "active": True}, {**new, "active": True}) == told
    assert followed(FLAG, {"key": "find", "active": False}, {**new, "active": False}) == []


def test_what_posthog_draws_by_a_key_is_drawn_anew_with_another() -> None:
    half, forced = {"rollout_percentage": 50}, {"rollout_percentage": 100, "variant": "a"}
    split = [{"key": name, "rollout_percentage": 50} for name in "ab"]

    def told(*conditions: dict[str, Any], **more: Any) -> list[str]:
        both = {"release_conditions": [*conditions], **more}
        return followed(FLAG, {"key": "find", **both}, {"key": "search", **both})[1:]

    anew = "drawn anew, as PostHog computes that from the key"
    assert told(half) == [f"who is in a percentage of find is {anew}"]
    assert told(half, variants=split) == [f"who is in a percentage of find and who gets which variant is {anew}"]
    assert told({}, variants=split) == [f"who gets which variant is {anew}"]
    assert told({}) == told(forced, variants=split) == told(half, active=False) == []
    was, is_ = ({"key": "find", "release_conditions": [half], "bucketing_identifier": by} for by in ("a", "b"))
    assert followed(FLAG, was, is_) == [told(half)[0].replace("the key", "the kind of id")]


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [("beta", "concept", "loses"), ("concept", "beta", "gets"), ("alpha", "general-availability", "keeps")],
)
def test_a_stage_decides_on_who_opted_in(was: str, is_: str, said: str) -> None:
    [line] = followed(Ref("early_access_feature", "s"), {"stage": was, "flag": FLAG}, {"stage": is_, "flag": FLAG})
    assert line == f"who opted in {said} flag search"


def test_an_early_access_feature_that_comes_goes_or_gets_another_flag_decides_on_who_opted_in() -> None:
    feature = {"stage": "beta", "flag": FLAG}
    assert enrolment({}, feature) == ["who opts in gets flag search"]
    assert enrolment(feature, {}) == ["who opted in loses flag search"]
    assert enrolment({}, {**feature, "stage": "draft"}) == enrolment({**feature, "stage": "archived"}, {}) == []
    other = {**feature, "flag": Ref("flag", "find")}
    lost, gets = followed(Ref("early_access_feature", "s"), feature, other)
    assert (lost, gets) == ("who opted in loses flag search", "who opts in gets flag find")


def test_an_experiment_that_runs_is_named_where_its_flag_changes() -> None:
    ended, draft = {**STARTED, "end_date": "2026-10-01T08:00:00Z"}, {"flag": FLAG}
    other = {**STARTED, "flag": Ref("flag", "other")}
    on, off = {"active": True}, {"active": False}
    told = "experiment e0 has run on it since 14 Sep 2026"
    pauses = f"{told}, and pauses: nobody comes into it while the flag is off"
    assert followed(FLAG, on, off, STARTED, ended, draft, other) == [pauses]
    assert followed(FLAG, off, on, STARTED) == [f"{told}, and goes on"]
    assert followed(FLAG, {"release_conditions": []}, {"release_conditions": [{}]}, STARTED) == [told]
    assert followed(FLAG, {"description": "a"}, {"description": "b"}, STARTED) == []


def test_an_experiment_has_run_only_if_it_has_in_posthog() -> None:
    ref, draft, ended = Ref("experiment", "e"), {"flag": FLAG}, {**STARTED, "end_date": "2026-10-01T08:00:00Z"}

    def told(live: dict[str, Any] | None, said: dict[str, Any], refused: str = "") -> list[tuple[str, ...]]:
        known = Change(ref, Action.UPDATE, live=live, wanted=said, refused=refused)
        definition = Definition("experiment", "e", said, Source("experiments/e.yaml", 1, 1))
        return [tuple(each) for each in running([definition], [known]).get(FLAG, ())]

    assert told(draft, STARTED) == told(None, STARTED) == told(ended, STARTED) == [("e", "")]
    assert told(draft, STARTED, refused="it has no metric") == []
    assert told(STARTED, ended) == told(STARTED, draft) == [("e", "14 Sep 2026")]
    assert told(ended, ended) == told(draft, draft) == []
    starts = [Running("e", "")]
    change = Change(FLAG, Action.UPDATE, fields=tuple(each for each in KINDS["flag"].fields if each.name == "active"))
    on, off = {"active": True}, {"active": False}
    assert [*effects(change, off, on, {FLAG: starts})] == ["experiment e is started on it by this plan"]


@pytest.mark.parametrize("kind", ["survey", "experiment"])
def test_what_was_started_or_ended_says_what_becomes_of_it(kind: str) -> None:
    ended = {**STARTED, "end_date": "2026-10-01T08:00:00Z", "archived": True}
    [draft] = followed(Ref(kind, "s"), ended, {"flag": FLAG})
    assert draft.startswith("it is a draft again: ")
    [again] = followed(Ref(kind, "s"), ended, {**STARTED, "archived": True})
    assert again.startswith("it runs again: ")
    assert followed(Ref(kind, "s"), ended, {**ended, "archived": False}) == []
    assert followed(Ref(kind, "s"), STARTED, ended) == []


def test_a_survey_that_is_launched_says_whom_it_asks() -> None:
    ref, started = Ref("survey", "s"), {"type": "popover", "start_date": "2026-09-14T08:00:00Z"}

    def told(*left: str, **said: Any) -> str:
        return "; ".join(launched({**started, **said}, left))

    assert followed(ref, {"type": "popover"}, started) == ["it is launched: everybody is asked"] == [told()]
    assert followed(ref, started, {**started, "start_date": "2026-09-15T08:00:00Z"}) == []
    assert told(end_date=started["start_date"]) == told(archived=True) == told(start_date=None) == ""
    flag = {"flag": FLAG, "conditions": {"linkedFlagVariant": "a"}}
    assert told(**flag) == "it is launched: who gets variant a of flag search is asked"
    assert told(flag=FLAG, conditions={"linkedFlagVariant": "any"}) == "it is launched: who gets flag search is asked"
    where = {"url": "/a", "urlMatchType": "exact", "events": {"values": [{"name": "ran"}]}}
    met = "it is launched: everybody is asked, where its conditions are met"
    assert told("targeting_flag", conditions=where) == f"{met} (url, events, targeting_flag)"
    assert told(unmanaged=["conditions", "end_date"]) == f"{met} (conditions)"
    assert told(type="api") == "it is launched: everybody to whom the product's own page shows it is asked"


def test_what_was_started_and_is_deleted_loses_its_results() -> None:
    over = {**STARTED, "end_date": "2026-10-01T08:00:00Z"}
    goes = "its results go from PostHog's pages"
    assert [*ended("experiment", STARTED)] == [f"it has run since 14 Sep 2026, and {goes}"]
    assert [*ended("survey", STARTED)] == [f"it has run since 14 Sep 2026: nobody is asked any more, and {goes}"]
    assert [*ended("survey", over)] == [f"it ran from 14 Sep 2026 to 1 Oct 2026, and {goes}"]
    assert [*ended("experiment", {"flag": FLAG})] == [*ended("subscription", STARTED)] == []


def test_an_experiment_that_is_measured_otherwise_says_since_when_it_runs() -> None:
    ref, changed = Ref("experiment", "e"), {"metrics": [{"name": "other"}]}
    assert followed(ref, STARTED, {**STARTED, **changed}) == ["the experiment has run since 14 Sep 2026"]
    assert followed(ref, {"flag": FLAG}, {"flag": FLAG, **changed}) == []
    assert followed(ref, STARTED, {**STARTED, "name": "b"}) == []


SPLIT = {"variants": [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]}


def test_a_new_experiment_names_its_flag_and_what_it_measures() -> None:
    saved = [{"saved_metric": Ref("saved_metric", "cost"), "metadata": {"type": "primary"}}]
    runs = {"kind": "EventsNode", "event": "ran"}
    unnamed = {"metric_type": "mean", "source": runs}
    new = {"flag": FLAG, "metrics": [{"name": "Given"}, unnamed], "metrics_secondary": [{"name": "B"}]}
    flag, *measured = begun({**new, "saved_metrics": saved}, SPLIT, is_off=False)
    assert flag == "its flag is search: control 50 %, test 50 %"
    assert measured == ["metrics: Given, mean: ran", "secondary metric: B", "saved metric: cost"]
    assert list(begun({"flag": FLAG}, {}, is_off=True)) == ["its flag is search"]


def test_an_experiment_that_is_started_says_on_which_flag_and_a_new_one_whose_flag_is_off_begins_paused() -> None:
    def last(is_off: bool) -> str:
        return list(begun(STARTED, SPLIT, is_off))[-1]

    assert last(is_off=True) == "it begins paused: nobody comes into it while its flag search is off"
    assert last(is_off=False) == "it begins at once: whom its flag serves comes into it"
    comes = "it is started: whom its flag search serves comes into it (control 50 %, test 50 %)"
    assert list(started(STARTED, SPLIT, switched=False)) == [comes]
    assert list(started(STARTED, SPLIT, switched=True)) == [f"{comes}; PostHog switches the flag on with that"]

    def has_begun(live: dict[str, Any], wanted: dict[str, Any], refused: str = "") -> bool:
        return starts(Change(Ref("experiment", "e"), Action.UPDATE, live=live, wanted=wanted, refused=refused))

    over = {**STARTED, "end_date": STARTED["start_date"]}
    assert has_begun({}, STARTED)
    assert not any([has_begun(STARTED, STARTED), has_begun({}, over), has_begun({}, STARTED, "it is off")])


def test_of_conditions_in_another_order_the_variant_that_comes_first_is_said() -> None:
    ours, beta = {"description": "Ours", "variant": "a"}, {"description": "Beta", "variant": "b"}
    rest = {"description": "Rest", "variant": "b"}
    before, after = ({"release_conditions": some} for some in ([ours, beta, rest], [rest, beta, ours]))
    told = [
        f'who matches "{name}" and "Ours" gets variant b then, as "{name}" comes first' for name in ("Rest", "Beta")
    ]
    assert followed(FLAG, before, after) == told
    assert followed(FLAG, {**before, "active": False}, {**after, "active": False}) == []


def test_a_dashboards_own_tiles_show_the_insight_and_are_no_use_of_the_dashboard() -> None:
    source, insight = Source("dashboards/d.yaml", 1, 1), Ref("insight", "i")
    tiles = Definition("tiles", "d", {"dashboard": Ref("dashboard", "d"), "tiles": [{"insight": insight}]}, source)
    assert users([tiles]) == {insight: [Use("dashboard d shows it")]}
    drawn = Definition("insight", "i", {"dashboards": [Ref("dashboard", "d")]}, source)
    assert [each.text for each in users([tiles, drawn])[Ref("dashboard", "d")]] == ["insight i is on it"]


def test_a_flag_that_is_off_serves_nobody_by_what_it_depends_on() -> None:
    on = {"type": "flag", "key": Ref("flag", "ai"), "value": True}
    conditions = [{"properties": [on], "rollout_percentage": 50}]
    for active, serves in ((False, "is off, and would serve by it"), (True, "serves by it")):
        said = {"active": active, "release_conditions": conditions}
        flag = Definition("flag", "x", said, Source("flags/x.yaml", 1, 1))
        [use] = users([flag])[Ref("flag", "ai")]
        assert use == (f'flag x {serves}: condition "flag ai is on" at 50 %', Ref("flag", "x") if active else None)


def test_flags_that_serve_by_something_come_first_also_behind_others() -> None:
    """A cohort is in a flag, and in one that is off: what depends on the first serves by it as well."""
    source = Source("f.yaml", 1, 1)

    def flag(key: str, needs: Ref, active: bool = True) -> Definition:
        on = {"type": needs.kind, "key": needs, "value": needs}
        return Definition("flag", key, {"active": active, "release_conditions": [{"properties": [on]}]}, source)

    base, on, off = Ref("cohort", "base"), Ref("flag", "on"), Ref("flag", "off")
    insight = Definition("insight", "i", {"query": {"cohort": base}}, source)
    defined = [insight, flag("off", base, active=False), flag("behind-off", off), flag("on", base), flag("far", on)]
    found = users(defined)[base]
    assert [each.flag and each.flag.key for each in found] == ["on", "far", None, None, None]
    assert found[1].text.endswith(", through flag on")


def test_a_property_names_what_filters_splits_and_adds_up_by_it() -> None:
    source = Source("f.yaml", 1, 1)
    failed = {"type": "event", "key": "success", "value": False}
    trend = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ran", "properties": [failed]}]}
    split = {"kind": "TrendsQuery", "breakdownFilter": {"breakdowns": [{"property": "model", "type": "event"}]}}
    old = {"kind": "FunnelsQuery", "breakdownFilter": {"breakdown": ["model", "plan"], "breakdown_type": "person"}}
    added = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "ran", "math_property": "cost"}]}
    sql = {"kind": "HogQLQuery", "query": "SELECT properties.cost, person.properties.plan FROM events"}
    beta = {"type": "person", "key": "plan", "operator": "exact", "value": "beta"}
    flag = {"release_conditions": [{"description": "Beta", "properties": [beta], "rollout_percentage": 10}]}
    said: dict[tuple[str, str], dict[str, Any]] = {
        ("insight", "failures"): {"query": {"kind": "InsightVizNode", "source": trend}},
        ("alert", "many"): {"insight": Ref("insight", "failures")},
        ("action", "failed"): {"steps": [{"event": "ran", "properties": [failed]}]},
        ("insight", "split"): {"query": split},
        ("insight", "old"): {"query": old},
        ("insight", "added"): {"query": added},
        ("insight", "sql"): {"query": sql},
        ("insight", "persons"): {"query": {"kind": "HogQLQuery", "query": "SELECT properties.plan\nFROM persons AS p"}},
        ("flag", "search"): flag,
    }
    using = users([Definition(kind, key, properties, source) for (kind, key), properties in said.items()])
    found = {ref.key: [each.text for each in uses] for ref, uses in using.items() if ref.kind == "property"}
    assert found == {
        "event.success": [
            "insight failures reads it",
            "action failed reads it",
            "alert many watches it, through insight failures",
        ],
        "event.model": ["insight split reads it"],
        "person.model": ["insight old reads it"],
        "person.plan": [
            'flag search serves by it: condition "Beta" at 10 %',
            "insight old reads it",
            "insight sql reads it",
            "insight persons reads it",
        ],
        "event.cost": ["insight added reads it", "insight sql reads it"],
    }
