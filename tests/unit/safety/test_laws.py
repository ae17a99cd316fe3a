"""What holds of the gates for whatever definitions."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from ai_admin.safety.applied import Manifest, manifest
from ai_admin.safety.following import Followed
from ai_admin.safety.gates import refusals
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from providers.posthog.consents import consents
from tests.unit.safety.made import Made, applied, flag, split

KEYS = ("kill-switch", "model", "model-2", "tokens")
CHANNELS: tuple[list[dict[str, str]], ...] = (
    [],
    [{"key": "channel", "value": "beta"}],
    [{"key": "channel", "value": "internal"}],
    [{"key": "channel", "operator": "is_not", "value": "internal"}],
    [{"key": "channel", "operator": "is_set"}],
)
SHARES = st.sampled_from([0, 10, 30, 50, 100])
CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {"rollout_percentage": SHARES, "properties": st.sampled_from(CHANNELS)},
        optional={"variant": st.sampled_from(["a", "b"])},
    ),
    max_size=3,
)


@st.composite
def flags(draw: st.DrawFn) -> list[Made]:
    """Some flags: on or off, for some or for everybody, with variants or without, and some with an early exit."""
    found = []
    for key in draw(st.lists(st.sampled_from(KEYS), unique=True)):
        share = draw(st.none() | SHARES)
        variants = [] if share is None else split(a=share, b=100 - share)
        conditions = draw(CONDITIONS)
        for condition in conditions if not variants else ():
            condition.pop("variant", None)
        on, early_exit = draw(st.booleans()), draw(st.booleans())
        found.append(flag(key, variants=variants, release_conditions=conditions, active=on, early_exit=early_exit))
    return found


def refused(
    then: Manifest, after: list[Made], there: list[Made], consent: Iterable[str] = (), careful: bool = True
) -> list[Refusal]:
    """Return what a run is refused after ``then``, in a stack that follows one which has ``there``."""
    followed = Followed("staging", applied(there))
    return refusals(then, manifest(after, then), consent, careful, followed, reach=Reach(after))


@given(flags(), flags(), flags(), st.booleans())
def test_a_run_passes_with_the_consents_that_its_refusals_name(
    before: list[Made], after: list[Made], there: list[Made], careful: bool
) -> None:
    then = applied(before)
    named = " ".join(refusal.code for refusal in refused(then, after, there, careful=careful))
    assert refused(then, after, there, consents(named), careful) == []


@given(flags(), flags(), st.data())
def test_nothing_stops_a_flag_from_being_switched_off(
    before: list[Made], there: list[Made], data: st.DataObject
) -> None:
    off = {each.key for each in before if data.draw(st.booleans())}
    after = [flag(**{**each.properties, "active": False}) if each.key in off else each for each in before]
    assert refused(applied(before), after, there) == []


@given(flags(), st.data())
def test_serving_fewer_is_never_refused(before: list[Made], data: st.DataObject) -> None:
    def less(made: Made) -> Made:
        conditions = [
            {**each, "rollout_percentage": each["rollout_percentage"] * data.draw(st.sampled_from([0, 0.5, 1]))}
            for each in made.properties.get("release_conditions", ())
        ]
        return flag(**{**made.properties, "release_conditions": conditions})

    assert refused(applied(before), [less(each) for each in before], []) == []


@given(flags(), flags(), flags())
def test_back_to_what_was_on_before_is_one_consent(
    before: list[Made], meanwhile: list[Made], there: list[Made]
) -> None:
    """However often a flag was changed while it was off, and whatever the followed stack has."""
    keys = {each.key for each in before}
    off = [flag(**{**each.properties, "active": False}) for each in before]
    changed = {each.key: flag(**{**each.properties, "active": False}) for each in meanwhile if each.key in keys}
    then = applied(before, off, [changed.get(each.key, each) for each in off])
    found = refused(then, before, there)
    assert {refusal.code for refusal in found} <= {f"on/{each.key}" for each in before}
    assert len(found) == len({refusal.about for refusal in found})


@given(flags(), flags(), flags())
def test_nothing_passes_for_having_been_off_in_between(
    before: list[Made], meanwhile: list[Made], after: list[Made]
) -> None:
    """Whatever was written into the files while the flags were off."""
    changed = {each.key: each for each in (*before, *meanwhile)}
    off = [flag(**{**changed[each.key].properties, "active": False}) for each in before]

    def asked(then: Manifest) -> dict[str, set[str]]:
        """Return by flag what is asked of whom it serves and how, without the figures of a growth."""
        found: dict[str, set[str]] = {}
        for refusal in refusals(then, manifest(after, then), (), True, reach=Reach(after)):
            rule = refusal.code.partition("/")[0]
            if rule in ("order", "redraw", "payload", "rollout", "on"):
                grows = rule in ("rollout", "on")
                found.setdefault(refusal.about[0], set()).add("growth" if grows else refusal.code)
        return found

    directly, later = asked(applied(before)), asked(applied(before, off))
    on = {f"flag/{each.key}" for each in before if each.properties["active"]}
    for name in on & directly.keys():
        assert directly[name] <= later.get(name, set())


def test_consents_stand_in_a_text_or_in_a_list() -> None:
    assert consents("a/1 b/2, c") == consents('["a/1","b/2","c"]') == {"a/1", "b/2", "c"}
    assert consents(None) == consents("") == frozenset()
