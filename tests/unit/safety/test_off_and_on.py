"""A flag that was off, for one run or for many, is compared with what it was when it was on last."""

from __future__ import annotations

from typing import Any

import pytest

from ai_admin.manifest import all_but_off
from ai_admin.safety.applied import Manifest
from providers.posthog.kinds import Ref
from tests.unit.safety.made import Made, applied, cohort, cohorts, flag, judged, on, split

REST = cohorts(20)
BETA = [{"type": "person", "key": "channel", "operator": "exact", "value": "beta"}]
SET = [{"type": "person", "key": "version", "operator": "is_set"}]
HALF: dict[str, Any] = {"variants": split(v3=50, r1=50)}


def for_(properties: list[dict[str, Any]], share: int, **more: Any) -> dict[str, Any]:
    return {"properties": properties, "rollout_percentage": share, **more}


def made(*conditions: dict[str, Any], key: str = "f", **more: Any) -> Made:
    return flag(key, release_conditions=list(conditions), **more)


def off(which: Made, **more: Any) -> Made:
    return flag(**{**which.properties, "active": False, **more}, renamed_from=which.renamed_from)


def codes(before: Manifest, after: Made, *others: Made, **options: Any) -> list[str]:
    found = judged(before, [after, *others, *REST], **{"careful": True, **options})
    digests = ("order/", "targeting/")
    return [each.code.rpartition("/")[0] if each.code.startswith(digests) else each.code for each in found]


THEN = made(for_(BETA, 10, variant="r1"), for_([], 20), payloads={"r1": "1"}, **HALF)


@pytest.mark.parametrize(
    ("then", "now", "asked"),
    [
        (THEN, THEN, []),
        (flag("f", 20), flag("g", 20, renamed_from="f"), ["redraw/g/f"]),
        (flag("f", 20), flag("f", 20, bucketing_identifier="device_id"), ["redraw/f/distinct_id-device_id"]),
        (THEN, made(for_([], 20), for_(BETA, 10, variant="r1"), payloads={"r1": "1"}, **HALF), ["order/f"]),
        (THEN, made(for_(BETA, 10, variant="r1"), for_([], 20), payloads={"r1": "11"}, **HALF), ["payload/f/r1/1-11"]),
        (made(for_(BETA, 10)), made(for_(BETA, 40)), ["rollout/f/0-40"]),
        (made(for_(BETA, 5), for_(SET, 40), early_exit=True), made(for_(SET, 40)), ["rollout/f/0-40"]),
    ],
)
def test_what_comes_back_is_what_was_on(then: Made, now: Made, asked: list[str]) -> None:
    """Whenever it was changed: with the switch, while it was off, or on its way back; beside the consent to return."""
    least = off(flag(then.key, 0, **HALF))
    for between in ([off(then)], [off(now)], [off(then), off(now)], [off(then), least, off(now)], [off(then), least]):
        runs = [[then, *REST], *([each, *REST] for each in between)]
        before = applied(*runs)
        back = flag(**now.properties, renamed_from=None if f"flag/{now.key}" in before else now.renamed_from)
        found = [each for each in codes(before, back) if not each.startswith(("on/", "rename/"))]
        assert found == asked, between
        every = " ".join(each.code for each in judged(before, [back, *REST], careful=True))
        assert codes(before, back, consent=every) == []
        assert codes(before, back, careful=False) == []


def test_a_refused_run_keeps_what_was_on_too() -> None:
    then = made(for_([], 20))
    before = all_but_off(applied([then, *REST]), {"flag/f": ("7", {"active": False})}, "2026-11-27T12:00:00+00:00")
    assert codes(before, made(for_([], 20), bucketing_identifier="device_id")) == ["redraw/f/distinct_id-device_id"]


def test_a_variant_returns_only_to_a_share_that_it_had_while_the_flag_was_on() -> None:
    then, other = flag("f", 100, variants=split(v3=100, r1=0)), flag("f", 100, variants=split(v3=0, r1=100))
    before = applied([then, *REST], [off(other), *REST], [then, *REST])
    assert codes(before, other) == ["rollout/f/r1/0-100"]


def test_a_cohort_that_changed_while_the_flag_was_off_is_told_when_it_returns() -> None:
    """Its change asked nobody then, as it was for no flag that is on."""

    def by(*values: str) -> Made:
        return cohort("beta", {"type": "person", "key": "channel", "value": list(values)})

    early = cohort("early", {"type": "cohort", "key": "id", "value": Ref("cohort", "beta")})
    for name in ("beta", "early"):
        then, rest = made(on(name, 100)), [early, *REST]
        before = applied([then, by("a"), *rest], [off(then), by("a"), *rest], [off(then), by("a", "b"), *rest])
        assert codes(before, then, by("a", "b"), early) == ["on/f", "targeting/beta"]
        other = made(on(name, 100), key="g")
        stood, changed = [other, by("a"), *rest], [other, by("b"), *rest]
        both = applied([then, *stood], [off(then), *stood], [off(then), *changed])
        found = judged(both, [then, other, by("b"), *rest], careful=True)
        assert [each.about for each in found] == [("flag/f",), ("flag/f (100 %)",)], "not the one that was on all along"
        assert codes(before, then, by("a"), early) == ["on/f", "targeting/beta"], "it changes in this run"
        before = applied([then, by("a"), *rest], [off(then), by("a", "b"), *rest], [off(then), by("a"), *rest])
        assert codes(before, then, by("a"), early) == ["on/f"]


def test_a_manifest_of_before_this_rule_says_whom_it_served() -> None:
    then = flag("f", 40)
    before = {
        name: {part: value for part, value in entry.items() if part != "last"}
        for name, entry in applied([then, *REST], [off(then), *REST]).items()
    }
    before["flag/f"]["served"] = applied([then])["flag/f"]["rollout"]
    assert codes(before, then) == ["on/f"]
    assert codes(before, flag("f", 50)) == ["rollout/f/0-50"]
    again = applied([then, *REST])
    again["flag/f"] = {**before["flag/f"]}  # type: ignore[index]
    assert codes(again, flag("f", 40, bucketing_identifier="device_id")) == ["on/f"]
