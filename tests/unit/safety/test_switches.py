"""What the next run must know of a flag's switch."""

from __future__ import annotations

from ai_admin.safety.applied import Manifest, manifest, switch_known, switch_left, switches
from ai_admin.safety.gates import refusals
from providers.posthog.consents import CONSENTED, ON
from tests.unit.safety.made import Made, applied, cohorts, flag

NOW, ON_F = "2026-09-01T02:45:10+00:00", {"on/f"}


def after_up(*definitions: Made, given: set[str] | None = None) -> Manifest:
    entries = applied([*definitions])
    return {name: switch_known(name, entry, NOW, given or ()) for name, entry in entries.items()}


def test_what_was_applied_last_is_told_of_flags_that_are_to_be_on() -> None:
    on, off = flag("f", 10), flag("f", 10, active=False)
    for before, switch in (
        (after_up(on, *cohorts(1)), ON),
        (after_up(on, given=ON_F), CONSENTED),
        (after_up(on, given={"on/other"}), ON),
        (after_up(off, given=ON_F), NOW),
    ):
        assert switches(before, applied([on, flag("new", 5)])) == {"flag/f": switch}
        assert switches(before, applied([off])) == {}
    assert switches(applied([off]), applied([on])) == {}, "an older manifest does not say since when"


def test_a_consent_that_was_taken_out_can_be_given_anew() -> None:
    """Also where the flag was held in between, so that its last entry stayed."""
    [(name, entry)] = after_up(flag("f", 10), given=ON_F).items()
    assert switch_left(name, entry, ON_F) == entry
    left = {name: switch_left(name, entry, ())}
    assert switches(left, applied([flag("f", 10)])) == {name: ON}


def test_what_is_kept_of_the_switch_is_no_change() -> None:
    before = after_up(flag("f", 10), flag("g", 5, active=False), given=ON_F)
    now = [flag("f", 10), flag("g", 5, active=False)]
    assert refusals(before, manifest(now, before), (), careful=True) == []
    assert {name: entry["digest"] for name, entry in before.items()} == {
        name: entry["digest"] for name, entry in applied(now).items()
    }
