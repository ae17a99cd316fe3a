"""How a flag goes: switched off first, and a new key is said to be one."""

from __future__ import annotations

import re
from pathlib import Path

from ai_admin import safety
from ai_admin.safety import applied as manifests
from ai_admin.safety.left_over import left_over
from providers.posthog.kinds import KINDS
from tests.unit.safety.made import applied, cohorts, flag, judged

REST = cohorts(20)


def test_a_flag_goes_after_it_was_applied_switched_off() -> None:
    [refusal] = judged([flag("f", 10), *REST], REST)
    assert "would be deleted while it is on" in refusal.what
    assert refusal.code == "remove/f"
    assert judged([flag("f", 10), *REST], REST, consent="remove/f") == []
    assert judged([flag("f", 10, active=False), *REST], REST) == []


def test_a_flag_that_goes_is_judged_by_what_posthog_holds() -> None:
    """Somebody may have switched it since: the preview says of it what `up` would meet."""
    off, on = [flag("f", 10, active=False), *REST], [flag("f", 10), *REST]
    [refusal] = judged(off, REST, leaving={"flag/f": True})
    assert "while it is on in PostHog, where somebody switched it on since" in refusal.what
    assert refusal.code == "remove/f"
    assert judged(off, REST, leaving={"flag/f": True}, consent="remove/f") == []
    assert judged(on, REST, leaving={"flag/f": False}) == []


def test_a_flag_that_only_one_stack_loses_goes_the_same_way() -> None:
    """`only:` and `stacks:` leave a definition out of what a stack loads; for that stack it is removed."""
    assert [refusal.code for refusal in judged([flag("f", 10), flag("g", 5), *REST], [flag("g", 5), *REST])] == [
        "remove/f"
    ]


def test_a_flag_that_gets_another_key_is_refused_also_when_more_of_it_changes() -> None:
    for renamed in (flag("fresh", 10), flag("old-model-2", 25, description="changed as well")):
        [refusal] = judged([flag("old-model", 10), *REST], [renamed, *REST])
        assert "SDKs that ask for the old key get nothing" in refusal.what
        assert "`renamed_from: old-model`" in refusal.what
        assert refusal.about == (f"flag/old-model to flag/{renamed.key}",)


def test_another_flag_is_not_taken_for_a_new_key() -> None:
    [refusal] = judged([flag("old-model", 10), *REST], [flag("token-budget", 50), *REST])
    assert "would be deleted while it is on" in refusal.what


RENAME = "rename/old-model/new-model"


def test_a_flag_that_is_on_gets_another_key_with_renamed_from_and_a_consent_to_that_alone() -> None:
    renamed = flag("new-model", 10, renamed_from="old-model")
    [refusal] = judged([flag("old-model", 10), *REST], [renamed, *REST])
    assert (refusal.code, refusal.about) == (RENAME, ("flag/old-model to flag/new-model",))
    assert "who asks for old-model gets nothing from then on" in refusal.what
    assert judged([flag("old-model", 10), *REST], [renamed, *REST], consent=RENAME) == []
    found = judged([flag("old-model", 10), flag("f", 1), *REST], [renamed, *REST], consent=RENAME)
    assert [each.code for each in found] == ["remove/f"]


def test_nobody_asks_for_the_old_key_of_a_flag_that_is_off() -> None:
    for before, after in (((10, False), (10, False)), ((10, True), (10, False)), ((10, False), (10, True))):
        was = flag("old-model", before[0], active=before[1])
        renamed = flag("new-model", after[0], active=after[1], renamed_from="old-model")
        assert judged([was, *REST], [renamed, *REST]) == []


def test_a_flag_that_was_renamed_or_switched_off_in_posthog_has_lost_its_callers_already() -> None:
    renamed = flag("new-model", 10, renamed_from="old-model")

    def asked(keys: dict[str, str]) -> list[str]:
        found = judged([flag("old-model", 10), *REST], [renamed, *REST], keys=keys)
        return [each.code for each in found]

    assert asked({"flag/new-model": "new-model"}) == asked({}) == []
    assert asked({"flag/new-model": "old-model"}) == asked({"flag/new-model": "a-third-one"}) == [RENAME]


def test_a_renamed_flag_is_known_under_its_new_key() -> None:
    wider = flag("new-model", 90, renamed_from="old-model")
    found = judged([flag("old-model", 10), *REST], [wider, *REST], careful=True)
    assert [refusal.code for refusal in found] == [RENAME, "rollout/new-model/10-90", "redraw/new-model/old-model"]


def test_renamed_from_may_stay_in_the_file() -> None:
    renamed = flag("new-model", 10, renamed_from="old-model")
    assert judged([renamed, *REST], [renamed, *REST]) == []
    assert [each.code for each in judged([renamed, *REST], REST)] == ["remove/new-model"]


def test_a_rename_that_came_to_nothing_leads_back() -> None:
    """A held flag has its old key and stands under the new one: back in the files, it is neither made nor deleted."""
    held = manifests.renamed(applied([flag("old", 10)]), [flag("new", 10, renamed_from="old")])
    assert held["flag/new"]["former"] == "old"
    for then in (flag("old", 10), flag("third", 10, renamed_from="old")):
        then.renamed_from = manifests.unfinished(held, [then])[f"flag/{then.key}"]
        [(name, entry)] = manifests.renamed(held, [then]).items()
        assert (name, entry.get("former")) == (f"flag/{then.key}", None if then.key == "old" else "old")
    assert manifests.unfinished(held, [flag("new", 10, renamed_from="old"), flag("old", 5)]) == {}
    assert manifests.unfinished(applied([flag("old", 10)]), [flag("other", 10)]) == {}


def test_a_consent_that_nothing_needs_any_more_is_left_over() -> None:
    """It would consent to the same again, once a flag of that key is on."""
    on, renamed = [flag("f", 10), *REST], [flag("new-model", 10, renamed_from="old-model"), *REST]
    given = ["remove/f", RENAME, "members/beta/2", "rollout/f/0-50", "delete/2/abc"]
    assert list(left_over(given, judged(on, REST))) == ["members/beta/2", RENAME]
    assert list(left_over(given, judged(REST, REST))) == ["members/beta/2", "remove/f", RENAME]
    needed = judged([flag("old-model", 10), *REST], renamed, keys={"flag/new-model": "old-model"})
    assert RENAME not in list(left_over(given, needed))


def test_a_consent_about_what_does_not_change_is_left_over() -> None:
    """A rollout that somebody lowers in PostHog later would return at once by the consent to its former growth."""
    of_objects = {
        *("ahead/f/50-10", "on/f/12", "order/f/1a", "payload/f/true.max/1-99", "redraw/f/1a", "reset/survey/f"),
        *("resume/f", "rollout/f/b/0-50", "targeting/f/1a", "remove/f", "rename/e/f", "members/f/2"),
    }
    of_runs = {"delete/2/1a", "update/9/1a", "unfollowed/staging"}
    given = [*of_objects, *of_runs, "destroy/1"]
    assert set(left_over(given, (), ())) == of_objects | of_runs
    assert set(left_over(given, (), {"other"})) == of_objects
    repeatable = {"remove/f", "rename/e/f", "members/f/2"}
    assert set(left_over(given, (), {"f"})) == set(left_over(given, ())) == repeatable
    assert list(left_over(["remove/f"], judged([flag("f", 10), *REST], REST), ())) == [], "a gate needs it"


def test_each_consent_that_a_rule_gives_is_documented_and_can_be_left_over() -> None:
    """A rule whose consent is in no list of those that remain would have it for ever, and nobody would be told."""
    root = Path(safety.__file__).parents[2]
    provider = root / "providers" / "posthog"
    sources = [*(root / "ai_admin" / "safety").glob("*.py"), provider / "guard.py", provider / "consents.py"]
    code = "".join(each.read_text() for each in sources)
    given = {*re.findall(r'f"([a-z]+)/\{', code), *re.findall(r'\("([a-z]+)", flag_key', code)} - KINDS.keys()
    documented = set(re.findall(r"`([a-z]+)/<", (root / "docs" / "safety.md").read_text()))
    assert documented == given
    remain = {f"{each}/f" for each in documented - {"destroy"}}
    assert set(left_over([f"{each}/f" for each in documented], (), ())) == remain
