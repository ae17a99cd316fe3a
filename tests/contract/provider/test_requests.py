"""What is sent: what a definition says and nothing else, what changed and nothing else, and nothing for nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from providers.posthog.kinds import KINDS, Kind
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES
from tests.support.sandbox import Sandbox

# Kinds that a POST makes: PostHog makes properties itself, and tiles are a part of their dashboard.
MADE = [kind.name for kind in KINDS.values() if kind.lifecycle in ("collection", "approved")]


def least(runs: Runs, kind: str, name: str) -> dict[str, Any]:
    """The smallest definition of a kind."""
    samples = SAMPLES[kind]
    return {**samples.least(name), **samples.before(runs.sandbox, name)}


def paths(kind: Kind, names: set[str]) -> set[str]:
    """The top-level names under which a request carries these fields."""
    fields = [field for field in kind.fields if field.name in names or field.always or not field.kept]
    return {field.api_path[0] for field in fields}.union(*(field.sent_with for field in fields))


@pytest.mark.parametrize("name", MADE)
def test_a_creation_says_nothing_that_the_definition_does_not(runs: Runs, sandbox: Sandbox, name: str) -> None:
    kind, definition = KINDS[name], least(runs, name, f"silent {name}".replace(" ", "-"))
    sandbox.requests()
    Applied(runs, name, definition)
    [(method, _, body)] = sandbox.writes()
    assert method == "POST"
    required = {field.name for field in kind.fields if field.required}
    said = paths(kind, {*definition, *required})
    assert set(body) <= {*said, *kind.constants}


def test_a_flag_that_is_not_said_to_be_on_is_made_as_posthog_makes_it(runs: Runs, sandbox: Sandbox) -> None:
    applied = Applied(runs, "flag", {"key": "left-open", "unmanaged": ["active"]})
    assert "active" not in sandbox.writes()[-1][2]
    assert applied.live()["active"] is True  # PostHog's own default


def single_changes() -> list[tuple[str, str]]:
    """A field of each kind that can be set on the smallest definition by itself."""
    found = []
    for kind in KINDS.values():
        if kind.lifecycle not in ("collection", "approved"):
            continue
        samples = SAMPLES[kind.name].fields
        alone = (field.name for field in kind.fields if field.clearable and not field.immutable)
        names = [name for name in alone if not samples[name].requires and not samples[name].with_it]
        found += [(kind.name, name) for name in names[:2]]
    return found


@pytest.mark.parametrize(("name", "field"), single_changes())
def test_a_change_sends_what_changed_and_nothing_else(runs: Runs, sandbox: Sandbox, name: str, field: str) -> None:
    definition = least(runs, name, f"changed {name} {field}".replace(" ", "-"))
    applied = Applied(runs, name, definition)
    sandbox.requests()
    assert applied.apply({**definition, field: SAMPLES[name].fields[field].value}) == [field]
    [(method, path, body)] = sandbox.writes()
    assert (method, path.split("/", 4)[4]) == ("PATCH", applied.path)
    along = {each.name for each in KINDS[name].fields if field in each.along}
    assert set(body) == paths(KINDS[name], {field, *along})


@pytest.mark.parametrize("name", KINDS)
def test_what_is_as_it_should_be_gets_no_write(runs: Runs, sandbox: Sandbox, name: str) -> None:
    definition = {**least(runs, name, f"same {name}".replace(" ", "-")), **SAMPLES[name].full}
    applied = Applied(runs, name, definition)
    sandbox.requests()
    assert applied.apply(definition) == []
    assert sandbox.writes() == []


def test_a_cohort_is_not_calculated_anew_for_nothing(runs: Runs, sandbox: Sandbox) -> None:
    definition = least(runs, "cohort", "Calculated once")
    applied = Applied(runs, "cohort", definition)
    while applied.live()["is_calculating"]:
        time.sleep(0.05)
    before = applied.live()
    applied.apply(definition)
    assert not applied.live()["is_calculating"]
    assert applied.live()["last_calculation"] == before["last_calculation"]
    assert applied.live()["version"] == before["version"]


def test_an_alert_that_fires_goes_on_firing_when_it_is_renamed(runs: Runs, sandbox: Sandbox) -> None:
    definition = least(runs, "alert", "Firing")
    applied = Applied(runs, "alert", definition)
    sandbox.requests()
    applied.apply({**definition, "name": "Still firing"})
    # Condition, threshold and insight in a request make PostHog forget what the alert knows.
    assert [body for _, _, body in sandbox.writes()] == [{"name": "Still firing"}]


def test_an_alert_may_lose_the_bound_by_which_posthog_looks_at_what_still_runs(runs: Runs, sandbox: Sandbox) -> None:
    definition = least(runs, "alert", "Both ways")
    often = {**definition, "calculation_interval": "hourly"}
    applied = Applied(runs, "alert", {**often, "threshold": {"type": "absolute", "lower": 1, "upper": 9}})
    assert applied.live()["config"]["check_ongoing_interval"] is True
    assert applied.apply({**often, "threshold": {"type": "absolute", "lower": 1}}) == ["threshold"]
    assert "check_ongoing_interval" not in applied.live()["config"]
