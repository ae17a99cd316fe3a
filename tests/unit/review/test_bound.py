"""What a plan's file binds, and what is said of what moved since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ai_admin.definitions import Definition
from ai_admin.definitions.model import Source
from ai_admin.review.bound import Bound, left, moved, parse, text
from ai_admin.review.changes import Action, Change, Outlook
from ai_admin.review.plan import Planned
from ai_admin.review.report import Entry, Report
from ai_admin.review.stack import Reviewed
from ai_admin.review.state import State
from ai_admin.run import Plan
from providers.posthog import reconcile
from providers.posthog.errors import OutdatedPlan, UnreadablePlan, Unsafe
from providers.posthog.history import Author
from providers.posthog.kinds import KINDS, Field, Kind, Ref
from providers.posthog.reviewed import Reviewed as Provider
from providers.posthog.session import Session
from providers.posthog.settings import Settings

FLAG = KINDS["flag"]
WHO = "by grace@example.com on 12 Nov 2026, 09:00 UTC"
SECRET = "https://pager.example.com/hooks/a-secret"


def flag(share: int, **more: Any) -> dict[str, Any]:
    return FLAG.canonical({"key": "ai", "release_conditions": [{"rollout_percentage": share}], **more})


class Log:
    """PostHog's activity log: everything was grace."""

    def authors(self, kind: Kind, id_: str, fields: Sequence[Field]) -> dict[str, Author]:
        return {field.name: Author("grace@example.com", "2026-11-12T09:00:00Z") for field in fields}

    def deleted_by(self, kind: Kind, id_: str) -> str:
        return "(by grace@example.com on 12 Nov 2026, 09:00 UTC)"


def change(live: dict[str, Any] | None, wanted: dict[str, Any] | None, **more: Any) -> Change:
    """What the outlook makes of a flag."""
    if wanted is None:
        return Change(Ref("flag", "ai"), Action.DELETE, "7", live=live, **more)
    if live is None:
        return Change(Ref("flag", "ai"), Action.CREATE, wanted=wanted, **more)
    fields = tuple(reconcile.changed(FLAG, live, wanted))
    made = Change(Ref("flag", "ai"), Action.UPDATE, "7", live=live, wanted=wanted, fields=fields)
    return replace(made if fields else replace(made, action=Action.NOTHING), **more)


def definition(kind: str, key: str, properties: dict[str, Any]) -> Definition:
    return Definition(kind, key, properties, Source(f"{kind}s/{key}.yaml", 1, 1))


def planned(
    *changes: Change,
    defined: Sequence[Definition] | None = None,
    settings: Mapping[str, str] = {},
    environ: Mapping[str, str] = {},
    refused: tuple[str, ...] = (),
    **more: str,
) -> Planned:
    """A plan of these changes, of definitions that say so."""
    wanted = [each for each in changes if each.wanted is not None]
    if defined is None:
        defined = [definition(each.ref.kind, each.ref.key, dict(each.wanted or {})) for each in wanted]
    where = {"stack": "production", "host": "https://eu.posthog.com", "project": "1", **more}
    entries = tuple(Entry(each) for each in changes if each.action is not Action.NOTHING)
    return Planned(
        Reviewed(Path("/checkout"), where["stack"], Settings(settings, environ), State),
        Plan(tuple(defined), refused),
        Outlook(changes),
        cast(Session, SimpleNamespace(history=Log())),
        Report(where["stack"], where["host"], where["project"], entries, 0, refused, (), {}, 3),
    )


THEN = planned(change(flag(10), flag(50)))


def then_of(planned: Planned) -> Bound:
    return parse(text(planned), "plan.json")


def since(then: Planned, now: Planned) -> list[str]:
    return moved(then_of(then), now)


def test_nothing_moved() -> None:
    assert since(THEN, planned(change(flag(10), flag(50)))) == []


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            planned(change(flag(20), flag(50))),
            "flag/ai: was changed in PostHog since the plan was made: condition \"everybody\" from 10 % to 20 % " + WHO,
        ),
        (
            planned(change(None, flag(50), gone="7"), defined=THEN.plan.definitions),
            "flag/ai: was changed in PostHog since the plan was made: it was deleted (by grace@example.com on "
            "12 Nov 2026, 09:00 UTC)",
        ),
        (
            planned(change(flag(10), flag(50)), settings={"consent": "rollout/ai/10-50"}),
            "Pulumi.production.yaml: the settings are not those of the plan",
        ),
        (planned(change(flag(10), flag(50)), stack="staging"), "the plan is for stack production, and this is staging"),
        (planned(change(flag(10), flag(50)), project="2"), "the plan is for project 1, and this is 2"),
        (
            planned(change(flag(10), flag(50)), host="https://us.posthog.com"),
            "the plan is for host https://eu.posthog.com, and this is https://us.posthog.com",
        ),
        (
            planned(change(flag(10), flag(50)), defined=[definition("flag", "ai", flag(50, description="More."))]),
            "flags/ai.yaml:1:1: flag/ai: its definition is not the one of the plan",
        ),
        (
            planned(change(flag(10), flag(50)), defined=[]),
            "flag/ai: its definition is gone since the plan was made",
        ),
        (
            planned(
                change(flag(10), flag(50)), defined=[*THEN.plan.definitions, definition("flag", "new", flag(0))]
            ),
            "flags/new.yaml:1:1: flag/new: its definition is new since the plan was made",
        ),
        (
            planned(change(flag(10), None), defined=THEN.plan.definitions),
            "flag/ai: the plan says update, and now it would be delete",
        ),
    ],
    ids=lambda value: value.split(": ", 1)[-1][:40] if isinstance(value, str) else "",
)
def test_what_moved_is_said(now: Planned, said: str) -> None:
    assert since(THEN, now) == [said]


def test_what_was_changed_by_hand_and_is_not_in_the_plan_is_not_put_back_unreviewed() -> None:
    then, now = planned(change(flag(50), flag(50))), planned(change(flag(10), flag(50)))
    assert since(then, now) == [], "it is no reason to hold up the rest"
    assert list(left(then_of(then), now)) == ["flag/ai"]
    provider = Provider(text(now, ["flag/ai"]))
    assert provider.leaves("flag/ai")
    with pytest.raises(Unsafe, match="the reviewed plan does not change it"):
        provider.check("flag/ai", flag(10), flag(50))


def test_what_the_plan_is_about_is_never_left_alone() -> None:
    assert left(then_of(THEN), planned(change(flag(20), flag(50)))) == {}
    nothing = planned(change(flag(50), flag(50)))
    assert left(then_of(nothing), planned(change(flag(20), flag(50, active=False)))) == {}
    assert left(then_of(nothing), planned(change(flag(20), None), defined=nothing.plan.definitions)) == {}
    assert since(nothing, planned(change(flag(20), None), defined=nothing.plan.definitions)) == [
        "flag/ai: would be deleted, and the plan does not say so"
    ]


def test_what_could_not_be_read_was_changed_by_nobody() -> None:
    unread = planned(change(flag(20), flag(50), action=Action.UNKNOWN, fields=()))
    assert left(then_of(planned(change(flag(50), flag(50)))), unread) == {}


def test_what_could_not_be_read_for_the_plan_is_not_applied_unreviewed() -> None:
    """Nobody changed it since: the file did before, and the plan could not say so."""
    then = planned(change(flag(20), flag(50), action=Action.UNKNOWN, unread="403"))
    [line] = since(then, planned(change(flag(10), flag(50))))
    assert line == (
        "flag/ai: could not be read in PostHog when the plan was made, so that does not say what changes"
    )
    assert since(then, planned(change(flag(50), flag(50)))) == []
    off = flag(50, active=False)
    then = planned(change(flag(20), off, action=Action.UNKNOWN, unread="403"))
    assert since(then, planned(change(flag(50), off))) == [], "only its switch changes"
    assert since(then, planned(change(flag(10), off))) == [line]


def test_what_somebody_deleted_is_left_with_who_did() -> None:
    gone = planned(change(None, flag(50), gone="7"))
    gone = replace(gone, report=replace(gone.report, entries=(replace(gone.report.entries[0], deleted="by grace"),)))
    assert left(then_of(planned(change(flag(50), flag(50)))), gone) == {"flag/ai": "was deleted in PostHog by grace"}


def test_what_somebody_deleted_and_made_again_is_another_object() -> None:
    made = planned(change(flag(10), flag(50), action=Action.ADOPT))
    assert left(then_of(planned(change(flag(50), flag(50)))), made) == {
        "flag/ai": "is another object in PostHog now, which has the id 7"
    }


def test_one_object_that_was_refused_then_is_not_applied_without_another_look() -> None:
    then = planned(change(flag(10), flag(50), refused="flag/ai: too much"))
    assert since(then, then) == [], "the provider refuses it as well, and the rest is applied"
    assert since(then, planned(change(flag(10), flag(50)))) == [
        "flag/ai: the plan did not apply it, so nobody agreed to it: flag/ai: too much"
    ]


def test_an_object_that_was_made_since_is_not_taken_for_the_new_one() -> None:
    then = planned(change(None, flag(50)))
    made = change(flag(10), flag(50), action=Action.ADOPT)
    assert since(then, planned(made)) == [
        "flag/ai: was changed in PostHog since the plan was made: it was made, and has the id 7"
    ]


def test_what_a_run_made_before_it_was_stopped_is_as_wanted() -> None:
    """Made and not in the state: it is taken over, and nothing is sent."""
    then = planned(change(None, flag(50)))
    assert since(then, planned(change(flag(50), flag(50), action=Action.ADOPT))) == []
    assert since(THEN, planned(change(flag(50), flag(50)))) == []


def test_what_is_still_to_be_deleted_after_a_replacement_is_part_of_it() -> None:
    """A run was stopped after it had made the new one; and then the new one is to change as well."""
    left = change(flag(10), None)
    then = planned(change(flag(10), flag(50), action=Action.REPLACE))
    assert since(then, planned(change(flag(50), flag(50)), left)) == []
    both = planned(change(flag(30), flag(50)), left)
    assert since(both, both) == []
    provider = Provider(text(both))
    for live in (flag(10), flag(30)):
        provider.check("flag/ai", live, flag(50))
    with pytest.raises(Unsafe, match="does not hold it as the reviewed plan has seen it"):
        provider.check("flag/ai", flag(20), flag(50))


def test_the_switch_of_a_flag_that_goes_off_is_not_held_up() -> None:
    off, nothing = flag(50, active=False), planned(change(flag(50, active=False), flag(50, active=False)))
    then = planned(change(flag(10), off))
    assert since(then, planned(change(flag(10, active=False), off))) == [], "it is off already, and the rest is left"
    assert since(nothing, planned(change(flag(50), off))) == [], "somebody switched it on"
    assert left(then_of(nothing), planned(change(flag(50), off))) == {}
    provider = Provider(text(then))
    for live in (flag(10), flag(10, active=False)):
        provider.check("flag/ai", live, off)
    provider.check("flag/other", flag(50), off)
    with pytest.raises(Unsafe, match="the reviewed plan does not change it"):
        provider.check("flag/other", flag(50), flag(50))


def test_what_somebody_changed_of_a_flag_that_is_to_be_off_is_not_overwritten_with_its_switch() -> None:
    off = flag(50, active=False)
    then, nothing = planned(change(flag(10), off)), planned(change(off, off))
    assert since(then, planned(change(flag(20, active=False), off))) == [
        f'flag/ai: was changed in PostHog since the plan was made: condition "everybody" from 10 % to 20 % {WHO}'
    ]
    changed = planned(change(flag(20, active=False), off))
    assert since(nothing, changed) == []
    assert list(left(then_of(nothing), changed)) == ["flag/ai"]
    gone = planned(change(None, off, gone="7"), defined=nothing.plan.definitions)
    assert left(then_of(nothing), gone) == {"flag/ai": "was deleted in PostHog"}
    with pytest.raises(Unsafe, match="does not hold it as the reviewed plan has seen it"):
        Provider(text(then)).check("flag/ai", flag(20), off)
    with pytest.raises(Unsafe, match="the reviewed plan does not change it"):
        Provider(text(nothing)).check("flag/ai", flag(20), off)


@pytest.mark.parametrize(
    "now",
    [
        change(flag(20), flag(50, active=False)),
        change(flag(20), flag(50, active=False), action=Action.ADOPT),
        change(flag(20, active=False), flag(50, active=False), note="it would be switched on by a change that waits"),
    ],
)
def test_a_flag_that_is_to_be_off_and_would_stay_or_come_on_is_not_left_alone(now: Change) -> None:
    """The provider refuses what else changes of it, and sends the switch all the same."""
    off = flag(50, active=False)
    assert left(then_of(planned(change(off, off))), planned(now)) == {}


def test_where_nothing_is_sent_the_files_may_say_in_other_words_what_the_plan_does_not_change() -> None:
    other = definition("flag", "other", flag(10, description="In other words."))
    assert since(THEN, planned(change(flag(50), flag(50)), defined=[*THEN.plan.definitions, other])) == []


@pytest.mark.parametrize(
    ("defined", "said"),
    [
        ([definition("flag", "ai", flag(10))], "flags/ai.yaml:1:1: flag/ai: its definition is not the one of the plan"),
        ([], "flag/ai: its definition is gone since the plan was made"),
    ],
)
def test_a_plan_of_another_branch_is_not_taken_for_applied(defined: list[Definition], said: str) -> None:
    """Nothing is to be sent for the files of this one, and nothing of the plan would be."""
    assert since(THEN, planned(change(flag(10), flag(10)), defined=defined)) == [said]
    gone = planned(change(flag(10), None), defined=[])
    [line] = since(gone, planned(change(flag(10), flag(10))))
    assert line == "flags/ai.yaml:1:1: flag/ai: its definition is new since the plan was made"


def test_what_was_refused_then_is_not_applied_without_another_look() -> None:
    then = planned(change(flag(10), flag(50)), refused=("production: one flag would be deleted",))
    [line] = since(then, planned(change(flag(10), flag(50))))
    assert line == "the plan was refused, so nobody agreed to it: production: one flag would be deleted"
    assert since(then, then) == [], "it is refused as it was, which the plan itself says"


def pager(variable: str) -> Definition:
    return definition("notification", "pager", {"key": "pager", "inputs": {"url": {"env": variable}}})


def test_a_secrets_value_is_bound_and_not_written() -> None:
    defined = [pager("PAGER_WEBHOOK_URL")]
    then = planned(defined=defined, environ={"PAGER_WEBHOOK_URL": SECRET})
    now = planned(change(flag(10), flag(50)), defined=defined, environ={"PAGER_WEBHOOK_URL": f"{SECRET}2"})
    assert SECRET not in text(then)
    assert since(then, now)[0] == (
        "notifications/pager.yaml:1:1: notification/pager: its definition, or the value of PAGER_WEBHOOK_URL, is not "
        "the one of the plan"
    )


GOOD = json.loads(text(THEN))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "null",
        json.dumps({"stack": "production"}),
        *(json.dumps({**GOOD, name: 1}) for name in GOOD if name != "version"),
        *(json.dumps({**GOOD, name: [[]]}) for name in GOOD if name != "version"),
        json.dumps({**GOOD, "changes": {"flag/ai": {"action": "update"}}}),
    ],
)
def test_what_is_no_plan_is_no_plan(content: str) -> None:
    with pytest.raises(UnreadablePlan, match=r"plan\.json is no plan of `ai-admin plan --out`"):
        parse(content, "plan.json")


def test_a_plan_of_another_version_says_so() -> None:
    with pytest.raises(OutdatedPlan, match="another version of ai-admin; make the plan again"):
        parse(json.dumps({**GOOD, "version": 1}), "plan.json")
