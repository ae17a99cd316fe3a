"""Conditions that leave nobody out, and conditions that change places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai_admin.safety.applied import serves_alike
from ai_admin.safety.reach import Reach
from providers.posthog.kinds import Ref
from providers.posthog.kinds.flag import condition_property
from providers.posthog.shares import shares
from sandbox.evaluation.dates import Clock
from sandbox.evaluation.parsing import parse_filter
from sandbox.evaluation.properties import match_property
from tests.unit.safety.made import NOW, Made, applied, cohort, cohorts, flag, judged, on, split

REST = cohorts(20)
VALUES = {"channel": ("internal", "beta", "stable"), "trial": (True, False)}


def leaf(key: str, operator: str = "exact", value: Any = None) -> dict[str, Any]:
    return {"type": "person", "key": key, "operator": operator, **({} if value is None else {"value": value})}


def for_(*leaves: dict[str, Any], share: int = 100, **more: Any) -> dict[str, Any]:
    return {"properties": list(leaves), "rollout_percentage": share, **more}


def conditions(*written: dict[str, Any], **more: Any) -> Made:
    return flag("f", release_conditions=list(written), **more)


def codes(before: list[Made], after: list[Made]) -> list[str]:
    return [each.code for each in judged([*before, *REST], [*after, *REST], careful=True, values=VALUES)]


EVERYBODY = [
    leaf("version", "is_set"),
    leaf("version", "is_not_set"),
    leaf("channel", "exact", ["internal", "beta", "stable"]),
    leaf("channel", "is_not", "nightly"),
    leaf("channel", "is_not", "stable"),
    leaf("channel", "not_icontains", "stable"),
    leaf("trial", "is_not", True),
    leaf("plan", "is_not", "nobody"),
    leaf("plan", "is_not", "a"),
    leaf("plan", "not_icontains", "nobody"),
    leaf("plan", "not_regex", "^nobody$"),
    leaf("plan", "exact", "false"),
    leaf("usage", "gte", 0),
    leaf("usage", "gt", -1),
    leaf("usage", "lt", 10**12),
    leaf("version", "semver_gte", "0.0.1"),
    leaf("version", "semver_lt", "1000.0.0"),
    leaf("version", "semver_neq", "2.4.1"),
    leaf("version", "semver_wildcard", "*"),
    leaf("since", "is_date_after", "1970-01-01"),
    leaf("since", "is_date_after", "-90y"),
    leaf("since", "is_date_before", "2099-12-31T00:00:00Z"),
    {"type": "group", "group_type_index": 0, "key": "tier", "operator": "is_not", "value": "nobody"},
    {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "beta")},
    {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "all")},
    {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "none")},
    {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "static")},
    {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "active")},
    {"type": "flag", "key": Ref("flag", "all-on"), "operator": "flag_evaluates_to", "value": True},
    {"type": "flag", "key": Ref("flag", "off"), "operator": "flag_evaluates_to", "value": False},
    {"type": "flag", "key": Ref("flag", "tenth"), "operator": "flag_evaluates_to", "value": False},
]
SOMEBODY = [
    leaf("channel", "exact", ["internal", "beta"]),
    leaf("channel", "is_not", ["internal", "beta", "stable"]),
    leaf("channel", "not_regex", "."),
    leaf("trial", "exact", True),
    leaf("trial", "exact", [True, False]),  # PostHog takes it for false
    leaf("plan", "exact", "team"),
    leaf("plan", "icontains", "team"),
    leaf("plan", "regex", "@example[.]com$"),
    leaf("usage", "gte", 1000),
    leaf("usage", "lt", 1000),
    leaf("version", "semver_gte", "2.4.0"),
    leaf("version", "semver_caret", "2.4.0"),
    leaf("since", "is_date_after", "-30d"),
    leaf("since", "is_date_before", "2026-01-01"),
    leaf("since", "is_date_exact", "2026-01-01"),
    {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "beta")},
    {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "static")},
    {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "active")},
    {"type": "cohort", "key": "id", "operator": "in", "value": Ref("cohort", "none")},
    {"type": "cohort", "key": "id", "operator": "not_in", "value": Ref("cohort", "all")},
    {"type": "flag", "key": Ref("flag", "tenth"), "operator": "flag_evaluates_to", "value": True},
]
DID = {"type": "behavioral", "value": "performed_event", "event_type": "events", "key": "ran"}
OTHERS = [
    cohort("beta", leaf("channel", "exact", "beta")),
    cohort("all", {**leaf("channel", "exact", "nightly"), "negation": True}),
    cohort("none", leaf("channel", "exact", "nightly")),
    cohort("active", DID),
    Made("cohort", "static", {"name": "static", "is_static": True}),
    flag("all-on", 100),
    flag("tenth", 10),
    flag("off", 100, active=False),
]


@pytest.mark.parametrize("filter_", EVERYBODY, ids=str)
def test_a_new_condition_that_leaves_nobody_out_starts_small(filter_: dict[str, Any]) -> None:
    """D2: in whichever words, and beside another such filter."""
    before = [conditions(for_(share=10)), *OTHERS]
    after = [conditions(for_(filter_, leaf("seat", "is_set")), for_(share=10)), *OTHERS]
    assert codes(before, after) == ["rollout/f/10-100"]
    assert codes(before, [conditions(for_(filter_, share=35), for_(share=10)), *OTHERS]) == []
    assert codes(after, after) == []
    assert codes(OTHERS, [conditions(for_(filter_)), *OTHERS]) == ["rollout/f/0-100"]


@pytest.mark.parametrize("filter_", SOMEBODY, ids=str)
def test_a_new_condition_that_leaves_somebody_out_may_start_at_once(filter_: dict[str, Any]) -> None:
    before = [conditions(for_(share=10)), *OTHERS]
    after = [conditions(for_(filter_, leaf("seat", "is_set")), for_(share=10)), *OTHERS]
    assert codes(before, after) == []


@pytest.mark.parametrize("filter_", [each for each in [*EVERYBODY, *SOMEBODY] if each["type"] == "person"], ids=str)
def test_filters_are_read_as_posthog_evaluates_them(filter_: dict[str, Any]) -> None:
    """What made-up installations tell is what PostHog's own rules say of the same values."""
    name, clock = filter_["key"], Clock(NOW)
    if filter_["operator"] in ("is_set", "is_not_set"):
        return
    sorts = {"version": ("1.0.0", "99.0.0"), "usage": (0, 1, 10**6), "since": ("2015-01-01", NOW.isoformat())}
    texts = sorts.get(name) or VALUES.get(name) or ("b", "Z", "7", "x1")
    found = [match_property(parse_filter(condition_property(filter_)), {name: value}, clock) for value in texts]
    negated = filter_["operator"].startswith(("is_not", "not_", "semver_neq"))
    assert (any(found) if negated else all(found)) is (filter_ in EVERYBODY)


def test_conditions_that_together_leave_nobody_out_start_small() -> None:
    """D2: each of them is for some."""
    new = [for_(leaf("channel", "exact", each)) for each in ("internal", "beta", "stable")]
    assert codes([], [conditions(*new)]) == ["rollout/f/0-100"]
    assert codes([], [conditions(*new[:2])]) == []
    assert codes([conditions(*new[:2])], [conditions(*new)]) == ["rollout/f/0-100"]


def test_a_variant_for_everybody_in_other_words_grows_in_steps() -> None:
    both = {"variants": split(v3=80, r1=20)}
    before = conditions(for_(), **both)
    forced = for_(leaf("version", "is_set"), variant="r1")
    [refusal] = judged([before, *REST], [conditions(forced, for_(), **both), *REST], careful=True)
    assert refusal.code == "rollout/f/r1/20-100"
    assert refusal.what == (
        "variant r1 would be served to 100 % of all installations instead of 20 %, since their filters may leave out "
        "nobody; 25 points may be in one run"
    )
    # Behind the one for everybody it is for nobody.
    assert codes([before], [conditions(for_(), forced, **both)]) == []


def test_what_shrinks_is_never_asked_about() -> None:
    """Others then get the variant of the next condition: so people get off a bad candidate at once."""
    both = {"variants": split(v3=100, r1=0)}
    wide = leaf("version", "is_set")
    before = conditions(for_(wide, variant="r1"), for_(variant="v3"), **both)
    assert codes([before], [conditions(for_(wide, share=1, variant="r1"), for_(variant="v3"), **both)]) == []
    assert codes([before], [conditions(for_(variant="v3"), **both)]) == []


def test_the_catalogue_changes_and_no_condition_does() -> None:
    """What stood before is measured with the same catalogue as what stands now."""
    standing = conditions(for_(leaf("channel", "is_not", "beta"), share=90), for_(share=10))
    raised = conditions(for_(leaf("channel", "is_not", "beta"), share=100), for_(share=10))
    for values in ({}, VALUES, {"channel": ("internal", "stable")}):
        assert judged([standing, *REST], [raised, *REST], careful=True, values=values) == []


BOTH = {"variants": split(v3=50, r1=50)}
BETA, INTERNAL = leaf("channel", "exact", "beta"), leaf("channel", "exact", "internal")


@pytest.mark.parametrize(
    ("one", "other", "more", "asked"),
    [
        (for_(BETA, variant="r1"), for_(share=10, variant="v3"), BOTH, True),
        (for_(BETA, variant="r1"), for_(leaf("plan", "exact", "team")), BOTH, True),
        (on("a"), on("b", 50), {**BOTH, "early_exit": True}, True),
        (on("a"), on("b", 50), {"early_exit": True}, True),
        (on("a"), on("b", 50), {}, False),  # no variant: the order is of no matter
        (on("a"), on("b", 50), BOTH, False),  # both split alike
        (for_(BETA, variant="r1"), for_(INTERNAL, variant="v3"), BOTH, False),  # nobody is in both
        ({**on("a"), "variant": "r1"}, {**on("a", operator="not_in"), "variant": "v3"}, BOTH, False),
        (for_(BETA, variant="r1"), for_(share=0, variant="v3"), BOTH, False),
    ],
)
def test_conditions_that_change_places_are_asked_about(
    one: dict[str, Any], other: dict[str, Any], more: dict[str, Any], asked: bool
) -> None:
    """D: the first condition that an installation is in decides; no figure changes."""
    last = for_(leaf("plan", "exact", "last"), share=5)
    before, after = conditions(one, other, last, **more), conditions(other, one, last, **more)
    found = codes([before], [after])
    assert [each.rpartition("/")[0] for each in found] == (["order/f"] if asked else [])
    assert codes([before], [before]) == []
    off = conditions(other, one, last, active=False, **more)
    assert codes([before], [off]) == []


BETA_R1, BETA_V3 = for_(BETA, share=50, variant="r1"), for_(BETA, variant="v3")


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        ([BETA_V3, BETA_R1], [BETA_R1, BETA_V3], True),
        ([BETA_R1, BETA_V3], [BETA_V3, BETA_R1], True),
        ([BETA_V3, for_(share=5), BETA_R1], [BETA_R1, for_(share=5), BETA_V3], True),
        ([BETA_V3, BETA_R1], [for_(BETA, share=60, variant="r1"), BETA_V3], True),
        ([BETA_V3, for_(BETA)], [for_(BETA), BETA_V3], True),
        ([BETA_V3, BETA_R1], [BETA_V3, for_(BETA, share=40, variant="r1")], False),
        ([BETA_R1, for_(BETA, share=60, variant="r1")], [for_(BETA, share=60, variant="r1"), BETA_R1], False),
        ([BETA_V3, for_(BETA, share=0, variant="r1")], [for_(BETA, share=0, variant="r1"), BETA_V3], False),
        ([BETA_V3, BETA_R1], [BETA_R1], False),  # who gets something else by what goes is never asked about
        ([BETA_R1, BETA_V3], [for_(BETA, share=1, variant="r1"), BETA_V3], False),
    ],
)
def test_conditions_for_the_same_people_change_places(
    before: list[dict[str, Any]], after: list[dict[str, Any]], asked: bool
) -> None:
    """D: the first of them decides; neither their figures nor the order of those that differ changes."""
    was, now = conditions(*before, **BOTH), conditions(*after, **BOTH)
    found = judged([was, *REST], [now, *REST], careful=True)
    assert [each.code.rpartition("/")[0] for each in found] == (["order/f"] if asked else [])
    assert judged([was, *REST], [now, *REST], careful=True, consent=" ".join(each.code for each in found)) == []
    for refusal in found:
        assert refusal.what == (
            "who matches 'channel exact beta' several times would be served something else, as they change places"
        )
        assert len(judged([now, *REST], [was, *REST], careful=True, consent=refusal.code)) >= 1, "not the way back"
    assert judged([was, *REST], [conditions(*after, active=False, **BOTH), *REST], careful=True) == []
    back = applied([was, *REST], [conditions(*before, active=False, **BOTH), *REST])
    assert len(judged(back, [now, *REST], careful=True)) == 1 + asked, "beside the consent to return"


def test_another_order_is_another_audience() -> None:
    """So that what somebody put into another order in PostHog is known as that."""
    first, second = conditions(BETA_R1, for_(share=5), **BOTH), conditions(for_(share=5), BETA_R1, **BOTH)
    then, now = (applied([each])["flag/f"] for each in (first, second))
    assert not serves_alike("flag/f", then, now)
    kept = json.loads(json.dumps({**then, "digest": "other"}).replace("5.0", "5"))
    assert serves_alike("flag/f", then, kept)


def test_another_order_says_who_gets_something_else() -> None:
    wide, narrow = for_(share=50, description="Everybody else"), for_(BETA, variant="r1")
    before, after = conditions(narrow, wide, **BOTH), conditions(wide, narrow, **BOTH)
    [refusal] = judged([before, *REST], [after, *REST], careful=True)
    assert refusal.what == (
        "who matches both 'channel exact beta' and 'Everybody else' would be served something else, as they change "
        "places"
    )
    assert judged([before, *REST], [after, *REST], careful=True, consent=refusal.code) == []
    assert judged([before, *REST], [after, *REST]) == []


def test_the_first_condition_that_an_installation_is_in_decides() -> None:
    rollout = {"a": {"": 20.0, "r1": 20.0}, "b": {"": 60.0, "v3": 30.0, "r1": 30.0}, "c": {"": 50.0, "v3": 50.0}}
    assert shares(rollout, "abc") == {"": 60, "r1": 40, "v3": 20}
    assert shares(rollout, "c") == {"": 50, "v3": 50}
    assert shares(rollout, "ab", early_exit=True) == {"": 20, "r1": 20}
    assert shares(rollout, "") == {"": 0}


def test_very_many_values_are_looked_at_in_no_time() -> None:
    """PostHog takes conditions of 500 KB; combinations of many properties are not all tried."""
    ids = leaf("id", "exact", [f"inst-{n}" for n in range(40_000)])
    many = [leaf(f"p{n}", "is_not", "x") for n in range(12)]
    assert all(Reach([conditions(for_(ids), for_(*many))], {}, NOW).kinds("f"))
