"""An experiment's holdout works by its flag's filters, into which PostHog writes it in a change only."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from providers.posthog.kinds import Ref
from tests.support.runs import Applied, Runs
from tests.support.samples import SAMPLES

_NUMBERS = count(1)
STARTED = {"start_date": "2026-09-07T08:00:00Z"}
ENDED = {**STARTED, "end_date": "2026-10-07T08:00:00Z"}
HOLDOUT = Ref("holdout", "failed")
SAMPLE = SAMPLES["experiment"]


def experiment(runs: Runs, **more: Any) -> dict[str, Any]:
    """An experiment's definition, on a flag of its own that stands in PostHog already."""
    name = f"apart-{next(_NUMBERS)}"
    return {**SAMPLE.least(name), **SAMPLE.before(runs.sandbox, name), **more}


def kept_out(runs: Runs, definition: dict[str, Any]) -> Any:
    """What the filters of an experiment's flag say of a holdout."""
    return runs.sandbox.call("GET", f"feature_flags/{definition['flag']}/")["filters"].get("holdout")


def share(runs: Runs) -> dict[str, Any]:
    return {"id": runs.world[HOLDOUT], "exclusion_percentage": 5}


@pytest.mark.parametrize("state", [{}, STARTED], ids=["draft", "running"])
def test_a_new_experiments_holdout_is_on_its_flag(runs: Runs, state: dict[str, Any]) -> None:
    definition = experiment(runs, holdout=HOLDOUT, **state)
    made = Applied(runs, "experiment", definition)
    assert kept_out(runs, definition) == share(runs)
    assert made.shown(definition) == []


@pytest.mark.parametrize("state", [{}, STARTED], ids=["draft", "running"])
def test_a_holdout_that_a_killed_run_did_not_bring_to_the_flag_is_brought_there(
    runs: Runs, state: dict[str, Any]
) -> None:
    definition = experiment(runs, holdout=HOLDOUT, **state)
    key = runs.sandbox.call("GET", f"feature_flags/{definition['flag']}/")["key"]
    body = {"name": definition["name"], "feature_flag_key": key, "holdout_id": runs.world[HOLDOUT], **state}
    id_ = str(runs.sandbox.call("POST", "experiments/", body)["id"])
    assert Applied(runs, "experiment", definition).id == id_
    assert kept_out(runs, definition) == share(runs)


def test_a_holdout_that_somebody_took_off_the_flag_shows_and_is_put_back(runs: Runs) -> None:
    definition = experiment(runs, holdout=HOLDOUT, **STARTED)
    made = Applied(runs, "experiment", definition)
    path = f"feature_flags/{definition['flag']}/"
    filters = runs.sandbox.call("GET", path)["filters"]
    runs.sandbox.call("PATCH", path, {"filters": {**filters, "holdout": None}})
    assert made.shown(definition) == ["holdout"]
    made.apply(definition)
    assert kept_out(runs, definition) == share(runs)
    assert made.shown(definition) == []


def test_the_flag_of_an_experiment_that_ended_is_left_to_the_next_one(runs: Runs) -> None:
    first = experiment(runs, holdout=HOLDOUT, **STARTED)
    ended = Applied(runs, "experiment", first)
    ended.apply({**first, **ENDED})
    other = Ref("holdout", "other")
    Applied(runs, "experiment", {**first, "name": f"{first['name']} again", "holdout": other})
    assert ended.shown({**first, **ENDED}) == []
    assert kept_out(runs, first)["id"] == runs.world[other]
