"""What goes with converting: events and numbers of PostHog's own tests of its funnels' correlation."""

from collections.abc import Iterable
from typing import Any

import pytest

from sandbox.query.errors import NotComputedError, QueryError
from sandbox.tests.query.world import Project, World, event

Found = list[tuple[str, int, int, Any]]  # the odds ratio is compared with a tolerance


def _ask(project: Project, of: dict[str, Any] | None = None, **asked: Any) -> Any:
    """The results for a funnel from `user signed up` to `paid`; `of` are further fields of the funnel."""
    names = ("user signed up", "paid")
    funnel = {
        "kind": "FunnelsQuery",
        "series": [{"kind": "EventsNode", "event": name} for name in names],
        "dateRange": {"date_from": "2020-01-01", "date_to": "2020-01-14"},
        **(of or {}),
    }
    source = {"kind": "FunnelsActorsQuery", "source": funnel, **asked.pop("source", {})}
    return project.results(kind="FunnelCorrelationQuery", source=source, **{"funnelCorrelationType": "events", **asked})


def _found(project: Project, of: dict[str, Any] | None = None, **asked: Any) -> Found:
    """The names found, with how many of those who have it converted and how many did not, and the odds ratios."""
    results = _ask(project, of, **asked)["events"]
    for each in results:
        assert each["correlation_type"] == ("success" if each["odds_ratio"] > 1 else "failure")
    return [
        (each["event"]["event"], each["success_count"], each["failure_count"], pytest.approx(each["odds_ratio"]))
        for each in results
    ]


def _way(who: str, *between: dict[str, Any], paid: bool, **properties: Any) -> Iterable[dict[str, Any]]:
    yield event("user signed up", who, "2020-01-02T14:00:00Z", **properties)
    yield from between
    if paid:
        yield event("paid", who, "2020-01-04T14:00:00Z", **properties)


def _related(number: int, **properties: Any) -> list[dict[str, Any]]:
    """What every other of twenty actors does between the steps."""
    name = "positively_related" if number < 10 else "negatively_related"
    return [] if number % 2 else [event(name, f"user_{number}", "2020-01-03T14:00:00Z", **properties)]


@pytest.fixture(scope="module")
def twenty(world: World) -> Project:
    """Ten who paid and ten who did not."""
    project = world.project()
    for number in range(20):
        if number < 10:
            found = {"signup_source": "email" if number % 4 else "facebook", "blah": "value_bleh"}
        else:
            found = {"signup_source": "email" if number % 6 else "shazam"}
        project.capture(_way(f"user_{number}", *_related(number, **found), paid=number < 10))
    return project


def test_events_between_the_steps_go_with_success_or_failure(twenty: Project) -> None:
    negative = ("negatively_related", 0, 5, 1 / 11)
    assert _found(twenty) == [("positively_related", 5, 0, 11), negative]
    assert _found(twenty, funnelCorrelationExcludeEventNames=["positively_related"]) == [negative]


def test_values_that_fewer_than_three_have_are_left_out(twenty: Project) -> None:
    asked: dict[str, Any] = {
        "funnelCorrelationType": "event_with_properties",
        "funnelCorrelationEventNames": ["positively_related", "negatively_related"],
    }
    assert _found(twenty, **asked) == [
        ("positively_related::blah::value_bleh", 5, 0, 11),
        ("positively_related::signup_source::facebook", 3, 0, 5.5),
        ("negatively_related::signup_source::email", 0, 3, 2 / 11),
    ]
    assert _found(twenty, **asked, funnelCorrelationEventExcludePropertyNames=["signup_source"]) == [
        ("positively_related::blah::value_bleh", 5, 0, 11)
    ]


def test_the_source_says_whom_it_looks_at(twenty: Project) -> None:
    # Nobody converts of those who left after the first step, nobody fails of those who took the second.
    for chosen in ({"funnelStep": -2}, {"funnelStep": 2}, {"funnelCustomSteps": [1]}):
        assert _ask(twenty, source=chosen) == {"events": [], "skewed": True}
    assert len(_found(twenty, source={"funnelStep": 1})) == 2
    assert len(_found(twenty, source={"funnelCustomSteps": [1, 2]})) == 2


def test_events_of_groups_count_for_groups(world: World) -> None:
    project = world.project()
    for number in range(10, 20):
        organization = {"$group_0": f"org:{number}"}
        between = []
        if number % 2 == 0:
            between = [
                event("positively_related", f"user_{number}", "2020-01-03T14:00:00Z", **organization),
                event("positively_related_without_group", f"user_{number}", "2020-01-03T14:00:00Z"),
            ]
        project.capture(_way(f"user_{number}", *between, paid=True, **organization))
    for who, key, paid in (("user_fail", "org:5", False), ("user_succ", "org:7", True)):
        related = event("negatively_related", "user_19", "2020-01-03T14:00:00Z", **{"$group_0": key})
        project.capture(_way(who, related, paid=paid, **{"$group_0": key}))
    assert _found(project, {"aggregation_group_type_index": 0}) == [
        ("positively_related", 5, 0, 12 / 7),
        ("negatively_related", 1, 1, 1 / 11),
    ]


def test_properties_of_persons(world: World) -> None:
    project = world.project()
    for number in range(22):
        paid = number < 10 or number == 21
        browser = "Positive" if number < 10 or number == 20 else "Negative"
        project.capture(_way(f"user_{number}", paid=paid, **{"$set": {"browser": browser, "same": 1}}))
    asked: dict[str, Any] = {"funnelCorrelationType": "properties"}
    wanted = [("browser::Positive", 10, 1, 121 / 4), ("browser::Negative", 1, 10, 4 / 121)]
    assert _found(project, **asked, funnelCorrelationNames=["browser"]) == wanted
    every: dict[str, Any] = {**asked, "funnelCorrelationNames": ["$all"]}
    assert _found(project, **every, funnelCorrelationExcludeNames=["same"]) == wanted
    assert ("same::1", 11, 11, 1) in _found(project, **every)


def test_properties_of_groups(world: World) -> None:
    project = world.project()
    for number in range(22):
        paid = number < 10 or number == 21
        key = f"org:{number}"
        if number != 5:  # of one group nothing is known
            industry = "positive" if number < 10 or number == 20 else "negative"
            known = {"$group_type": "organization", "$group_key": key, "$group_set": {"industry": industry}}
            project.capture([event("$groupidentify", f"user_{number}", "2020-01-01T14:00:00Z", **known)])
        project.capture(_way(f"user_{number}", paid=paid, **{"$groups": {"organization": key}}))
    asked: dict[str, Any] = {"funnelCorrelationType": "properties", "funnelCorrelationNames": ["industry"]}
    assert _found(project, {"aggregation_group_type_index": 0}, **asked) == [
        ("industry::positive", 9, 1, 10 * 11 / (3 * 2)),
        ("industry::", 1, 0, 2 * 12 / 11),
        ("industry::negative", 1, 10, 4 / 121),
    ]


def test_steps_of_actions_are_left_out_under_their_events_names(world: World) -> None:
    project = world.project()
    for number in range(3):
        who = f"user_{number}"
        again = event("user signed up", who, "2020-01-02T14:10:00Z")  # no step, as it lacks the property
        related = [event("positively_related", who, "2020-01-03T14:00:00Z")] if number % 2 == 0 else []
        project.capture(_way(who, again, *related, paid=True, key="val"))
    project.capture(_way("failure", paid=False, key="val"))
    filters = [{"key": "key", "type": "event", "value": ["val"], "operator": "exact"}]
    actions = [project.put("action", name=name, steps=[{"event": name, "properties": filters}])
               for name in ("user signed up", "paid")]  # fmt: skip
    series = [{"kind": "ActionsNode", "id": each} for each in actions]
    assert _found(project, {"series": series}) == [("positively_related", 2, 0, 3)]


def test_only_what_happens_in_the_window_counts_for_who_fails(world: World) -> None:
    project = world.project()
    project.capture(
        [
            event("user signed up", "successful", "2020-01-02T14:00:00Z"),
            event("positively_related", "successful", "2020-01-02T14:02:00Z"),
            event("paid", "successful", "2020-01-02T14:06:00Z"),
            event("user signed up", "dropoff", "2020-01-02T14:00:00Z"),
            event("NOT_negatively_related", "dropoff", "2020-01-02T14:15:00Z"),
        ]
    )
    window = {"funnelWindowInterval": 10, "funnelWindowIntervalUnit": "minute"}
    assert _found(project, {"funnelsFilter": window}) == [("positively_related", 1, 0, 4)]


def test_a_skewed_funnel_says_so_and_rare_events_are_left_out(world: World) -> None:
    project = world.project()
    for number in range(52):
        who = f"user_{number}"
        names = ("rare",) if number == 0 else ("common",) if number < 3 else ()
        project.capture(_way(who, *(event(name, who, "2020-01-03T14:00:00Z") for name in names), paid=number < 50))
    results = _ask(project)
    assert results["skewed"] is True
    # Two per cent of 52 are more than one actor.
    assert [each["event"]["event"] for each in results["events"]] == ["common"]


@pytest.mark.parametrize("kind", ["properties", "event_with_properties"])
def test_what_to_look_at_must_be_named(twenty: Project, kind: str) -> None:
    with pytest.raises(QueryError, match="Correlation expects atleast one"):
        _ask(twenty, funnelCorrelationType=kind)


def test_elements_are_not_correlated(twenty: Project) -> None:
    with pytest.raises(NotComputedError, match="does not compute the correlation of elements"):
        _ask(twenty, funnelCorrelationType="event_with_properties", funnelCorrelationEventNames=["$autocapture"])
