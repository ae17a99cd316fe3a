"""What the provider itself refuses, whatever the program said."""

from __future__ import annotations

from typing import Any

import pytest

from providers.posthog.consents import CONSENTED, ON
from providers.posthog.errors import Unsafe
from providers.posthog.guard import Guard
from providers.posthog.kinds import KINDS
from providers.posthog.settings import Settings


def flag(share: int = 10, **properties: Any) -> dict[str, Any]:
    condition = {"rollout_percentage": share, "properties": []}
    return KINDS["flag"].canonical({"key": "f", "release_conditions": [condition], **properties})


def guard(careful: bool = False, consent: str = "", program: bool = True, disposable: bool = False) -> Guard:
    made = Guard()
    made.configure(Settings({"careful": str(careful), "consent": consent, "disposable": str(disposable)}, {}))
    if program:
        made.program_runs()
    return made


def never() -> bool:
    raise AssertionError("PostHog is asked only about a switch that is left to its UI")


def change(made: Guard, number: int = 0) -> None:
    made.change("cohort", str(number), {"name": "a"}, {"name": "b"})


@pytest.mark.parametrize("careful", [True, False])
def test_a_stack_is_destroyed_with_consent_for_its_project_only(careful: bool) -> None:
    """D5: a stack that is not careful as well."""
    for consent in ("", "destroy/2", "destroy"):
        with pytest.raises(Unsafe, match=r"without consent, unless .* add destroy/1 to ai-admin:consent"):
            guard(careful, consent, program=False).delete("cohort", "1", {}, "1", never)
    guard(careful, "destroy/1", program=False).delete("cohort", "1", {}, "1", never)


def test_the_whole_reason_is_said_once_and_each_object_named() -> None:
    made = guard(program=False)
    with pytest.raises(Unsafe, match="apply that with `pulumi up`"):
        made.delete("cohort", "1", {}, "1", never)
    with pytest.raises(Unsafe, match=r"^not destroyed without the consent destroy/1$"):
        made.delete("cohort", "2", {}, "1", never)


def test_a_disposable_stack_is_destroyed_without_further_ado() -> None:
    """D5: and one that says that it is careful too is not disposable."""
    made = guard(program=False, disposable=True)
    for number in range(30):
        made.delete("flag", str(number), flag(), "1", never)
    with pytest.raises(Unsafe):
        guard(careful=True, program=False, disposable=True).delete("flag", "1", flag(), "1", never)


def test_a_flag_that_is_on_in_posthog_is_not_deleted_without_consent() -> None:
    with pytest.raises(Unsafe, match="add remove/f to"):
        guard().delete("flag", "1", flag(), "1", never)
    guard(consent="remove/f").delete("flag", "1", flag(), "1", never)
    guard().delete("flag", "1", flag(active=False), "1", never)


@pytest.mark.parametrize(("consent", "most"), [("", 10), ("delete/12/0123456789ab", 12), ("delete/3/0123456789ab", 10)])
def test_a_run_deletes_no_more_than_it_may(consent: str, most: int) -> None:
    made = guard(consent=consent)
    for number in range(most):
        made.delete("cohort", str(number), {}, "1", never)
    with pytest.raises(Unsafe, match=f"{most} objects were deleted"):
        made.delete("cohort", "last", {}, "1", never)


def test_a_dashboard_with_its_tiles_is_one_deletion() -> None:
    made = guard()
    for number in range(10):
        made.delete("tiles", str(number), {}, "1", never)
        made.delete("dashboard", str(number), {}, "1", never)
    with pytest.raises(Unsafe, match="10 objects were deleted"):
        made.delete("dashboard", "last", {}, "1", never)


def test_what_is_replaced_is_no_deletion() -> None:
    made = guard()
    for number in range(20):
        made.replace("cohort", str(number), f"cohorts/c.yaml:{number}:1")
        made.delete("cohort", str(number), {}, "1", never)


@pytest.mark.parametrize(("consent", "most"), [("", 50), ("update/60/0123456789ab", 60), ("update/70", 70)])
def test_a_run_changes_no_more_than_it_may_whatever_made_the_difference(consent: str, most: int) -> None:
    made = guard(consent=consent)
    for number in range(most):
        change(made, number)
        change(made, number)  # asked twice, counted once
    with pytest.raises(Unsafe, match=f"more than {most} objects"):
        change(made, most)


def test_a_refresh_changes_nothing_and_is_not_counted() -> None:
    made = guard(program=False)
    for number in range(60):
        change(made, number)


def test_a_careful_stack_does_not_jump_from_what_posthog_holds() -> None:
    """Somebody turned it down, or off, in PostHog: the next run must not bring everything back at once."""
    for live in (flag(10), flag(100, active=False)):
        with pytest.raises(Unsafe, match=r"add rollout/f/\d+-100 to"):
            guard(careful=True).change("flag", "1", live, flag(100))
        guard().change("flag", "1", live, flag(100))
    guard(careful=True, consent="rollout/f/10-100").change("flag", "1", flag(10), flag(100))
    guard(careful=True).change("flag", "1", flag(80), flag(100))


def test_all_that_would_grow_is_said_at_once() -> None:
    live = served([BETA], variants=ONLY_A)
    file = served([BETA], [NEWER], variants=SPLIT)
    file["release_conditions"][1]["description"] = "Newer"
    with pytest.raises(Unsafe) as refusal:
        guard(careful=True).change("flag", "1", live, file, unchanged=True)
    assert str(refusal.value) == (
        "variant b in release condition 1 is at 0 % in PostHog and would grow to 40 %, "
        "release condition 2 (Newer) is at 0 % in PostHog and would grow to 80 %, "
        "variant a in release condition 2 (Newer) is at 0 % in PostHog and would grow to 40 %, "
        "variant b in release condition 2 (Newer) is at 0 % in PostHog and would grow to 40 %, "
        "25 points may be in one run; to consent, add rollout/f/b/0-40 and rollout/f/0-80 and rollout/f/a/0-40 to "
        "ai-admin:consent in the stack's configuration"
    )


NEWER = {"type": "person", "key": "version", "operator": "semver_gte", "value": "2.0.0"}
BETA = {"type": "person", "key": "channel", "operator": "exact", "value": "beta"}
SPLIT = [{"key": "a", "rollout_percentage": 50}, {"key": "b", "rollout_percentage": 50}]
ONLY_A = [{"key": "a", "rollout_percentage": 100}, {"key": "b", "rollout_percentage": 0}]


def served(*conditions: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return flag(release_conditions=[{"properties": each, "rollout_percentage": 80} for each in conditions], **more)


@pytest.mark.parametrize(
    ("live", "file", "code"),
    [
        (served([BETA]), served([BETA], [NEWER]), "rollout/f/0-80"),
        (served([NEWER, BETA]), served([NEWER]), "rollout/f/0-80"),
        (served([], variants=ONLY_A), served([], variants=SPLIT), "rollout/f/b/0-40"),
        (served([]), served([NEWER]), ""),
        (served([NEWER]), served([NEWER, BETA]), ""),
        (served([NEWER], description="x"), served([NEWER]), ""),
    ],
    ids=["condition removed", "filter added", "variant to 0", "for everybody", "filter removed", "something else"],
)
def test_what_somebody_narrowed_in_posthog_is_not_put_back_at_once(
    live: dict[str, Any], file: dict[str, Any], code: str
) -> None:
    """Where no file means it: what was widened by hand is put back, and a change of the file is for the program."""
    if code:
        with pytest.raises(Unsafe, match=f"in PostHog and would grow to .* add {code} to"):
            guard(careful=True).change("flag", "1", live, file, unchanged=True)
    guard(careful=True, consent=code).change("flag", "1", live, file, unchanged=True)
    guard(careful=True).change("flag", "1", live, file)
    guard().change("flag", "1", live, file, unchanged=True)


@pytest.mark.parametrize("unchanged", [True, False])
def test_whom_an_early_exit_stops_in_posthog_is_not_let_through_at_once(unchanged: bool) -> None:
    """Whether somebody set it there, or the file takes away what it said itself."""
    few = {"properties": [BETA], "rollout_percentage": 5}
    every = {"properties": [], "rollout_percentage": 100}
    live = flag(release_conditions=[few, every], early_exit=True)
    for file in (flag(release_conditions=[few, every]), flag(release_conditions=[every], early_exit=True)):
        with pytest.raises(Unsafe, match=r"is at 5 % in PostHog and would grow to 100 %.* add rollout/f/5-100 to"):
            guard(careful=True).change("flag", "1", live, file, unchanged)
        guard(careful=True, consent="rollout/f/5-100").change("flag", "1", live, file, unchanged)
        guard().change("flag", "1", live, file, unchanged)
    guard(careful=True).change("flag", "1", flag(release_conditions=[few, every]), live, unchanged)


@pytest.mark.parametrize("unchanged", [True, False])
def test_of_equal_conditions_the_widest_counts_where_posthog_may_keep_no_early_exit(unchanged: bool) -> None:
    conditions: list[dict[str, Any]] = [{"rollout_percentage": each, "properties": []} for each in (10, 100)]
    live, wanted = (flag(early_exit=True, release_conditions=some) for some in (conditions[:1], conditions))
    with pytest.raises(Unsafe, match=r"^release condition 1 is at 10 % in PostHog and would grow to 100 %, 25 points"):
        guard(careful=True).change("flag", "1", live, wanted, unchanged)
    guard(careful=True, consent="rollout/f/10-100").change("flag", "1", live, wanted, unchanged)
    guard(careful=True).change("flag", "1", wanted, live, unchanged)
    with pytest.raises(Unsafe, match="is off in PostHog"):
        guard(consent="rollout/f/0-10").adopt("flag", {**wanted, "active": False}, wanted)


def test_whom_a_holdout_keeps_out_in_posthog_is_not_served_in_passing() -> None:
    """A flag's file that does not leave the holdout to PostHog takes it out."""
    live = flag(holdout={"id": 1, "exclusion_percentage": 5})
    with pytest.raises(Unsafe, match=r"keeps 5 % of all out of it in PostHog, .* add withhold/f/5-0 to"):
        guard(careful=True).change("flag", "1", live, flag())
    guard(careful=True, consent="withhold/f/5-0").change("flag", "1", live, flag())
    guard().change("flag", "1", live, flag())
    guard(careful=True, consent="on/f").change("flag", "1", {**live, "active": False}, flag())
    guard(careful=True).change("flag", "1", flag(), live)


def test_a_cohort_that_flags_serve_by_is_not_put_back() -> None:
    def cohort(value: str, **more: Any) -> dict[str, Any]:
        filters = {"properties": {"type": "OR", "values": [{**BETA, "value": value}]}}
        return KINDS["cohort"].canonical({"name": "C", "filters": filters, **more})

    with pytest.raises(Unsafe, match=r"^its criteria were changed in PostHog, .*: why$"):
        guard(careful=True).change("cohort", "1", cohort("alpha"), cohort("beta"), targeting="why")
    guard(careful=True).change("cohort", "1", cohort("beta", description="x"), cohort("beta"), targeting="why")
    guard(careful=True).change("cohort", "1", cohort("alpha"), cohort("beta"))


@pytest.mark.parametrize(
    ("consent", "passes"),
    [("", False), ("on/f", True), ("rollout/f/0-100", True), ("rollout/f/0-10", False), ("rollout/f/0-1000", False)],
)
def test_what_is_taken_over_is_switched_on_by_a_consent_to_just_that(consent: str, passes: bool) -> None:
    live, wanted = flag(5, active=False), flag(100)
    if passes:
        guard(consent=consent).adopt("flag", live, wanted)
    else:
        with pytest.raises(Unsafe, match="adopting it would switch it on"):
            guard(consent=consent).adopt("flag", live, wanted)


def test_a_flag_is_always_switched_off() -> None:
    made = guard(careful=True)
    for number in range(400):
        made.change("flag", str(number), flag(10), flag(100, active=False))


@pytest.mark.parametrize(
    ("olds", "news", "switch", "consent", "held"),
    [
        ({"active": False}, {}, ON, "", True),
        ({"active": False}, {"description": "Changed as well."}, ON, "on/other", True),
        ({"active": False}, {}, ON, "on/f", False),
        ({"active": False}, {}, CONSENTED, "on/f", True),
        ({"active": False}, {}, CONSENTED, "", True),
        ({"active": False}, {}, "", "", False),
        ({"active": False}, {}, "2026-09-01", "", True),
        ({"active": False}, {}, "2026-09-03", "", False),
        ({"active": False}, {}, "2026-09-01", "on/f", False),
        ({}, {"description": "x"}, ON, "", False),
        ({"active": False}, {"unmanaged": ["active"]}, ON, "", False),
    ],
)
def test_a_flag_that_somebody_switched_off_is_held(
    olds: dict[str, Any], news: dict[str, Any], switch: str, consent: str, held: bool
) -> None:
    """C3: unless its definition means to switch it on, or somebody consents; it was on on the second last."""
    made = guard(consent=consent)
    assert made.holds("flag", flag(**olds), flag(**news), switch, lambda when: when < "2026-09-02") is held


def test_what_was_on_comes_back_with_one_consent_and_what_is_more_does_not() -> None:
    """C4, C6: up to the conditions that PostHog kept while the flag was off."""
    made = guard(careful=True, consent="on/f")
    made.change("flag", "1", flag(100, active=False), flag(100))
    with pytest.raises(Unsafe, match="add rollout/f/10-100 to"):
        made.change("flag", "1", flag(10, active=False), flag(100))
    with pytest.raises(Unsafe, match="add rollout/f/0-100 to"):
        guard(careful=True).change("flag", "1", flag(100, active=False), flag(100))
