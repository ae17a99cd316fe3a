"""What a program gets: resources in order, or problems and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ai_admin.definitions import Definitions, Problem, Source, load
from ai_admin.definitions.files import FOLDERS, find
from ai_admin.definitions.yaml_text import parse
from providers.posthog.kinds.base import refs
from tests.support.checkouts import SAMPLES, sample_checkout
from tests.unit.definitions.checkouts import Checkout
from tests.unit.definitions.test_accepts import places_of

ROOT = Path(__file__).parents[3]


def test_referenced_resources_come_first(checkout: Checkout) -> None:
    checkout.write("cohorts/a.yaml", "key: a\nname: A\nproperties: [{cohort: z}]\n")
    checkout.write("cohorts/z.yaml", "key: z\nname: Z\nproperties: [{key: version, value: a}]\n")
    on = "{type: flag, key: y, value: true}"
    checkout.write("flags/x.yaml", f"key: x\nrelease_conditions: [{{cohort: a, properties: [{on}]}}]\n")
    checkout.write("flags/y.yaml", "key: y\nrelease_conditions: [{}]\n")
    seen: set[tuple[str, str]] = set()
    for resource in checkout.load().resources:
        assert {(ref.kind, ref.key) for ref in refs(resource.properties)} <= seen
        seen.add((resource.kind, resource.key))
    assert {("cohort", "a"), ("flag", "x"), ("alert", "spike"), ("tiles", "usage")} <= seen


def test_the_order_does_not_depend_on_the_names_of_files(checkout: Checkout) -> None:
    before = [(each.kind, each.key) for each in checkout.load().resources]
    (checkout.root / "flags/enabled.yaml").rename(checkout.root / "flags/zzz.yaml")
    (checkout.root / "cohorts/internal.yaml").rename(checkout.root / "cohorts/000.yml")
    assert [(each.kind, each.key) for each in checkout.load().resources] == before


def test_with_a_problem_there_are_no_resources(checkout: Checkout) -> None:
    checkout.write("flags/broken.yaml", "key: broken\n")
    loaded = checkout.load()
    assert loaded.resources == ()
    assert len(loaded.problems) == 1


def test_a_broken_dashboard_takes_no_insight_of_another_file_from_who_only_reads_its_numbers(
    checkout: Checkout,
) -> None:
    before = {each.key for each in checkout.load().resources if each.kind == "insight"}
    checkout.write("dashboards/theirs.yaml", "key: theirs\nname: Theirs\ntiles: 5\n")

    def insights(placed: bool) -> set[str]:
        found = load(checkout.root, partly=True, placed=placed).resources
        return {each.key for each in found if each.kind == "insight"}

    assert before
    assert insights(placed=False) == before
    assert insights(placed=True) == set(), "a plan can't tell on which dashboards they are"


def test_a_problem_of_any_stack_stops_every_stack(checkout: Checkout) -> None:
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{}]\nstacks: {production: {active: 1}}\n")
    assert checkout.load("staging").problems == checkout.load("production").problems != ()


def test_a_problem_reads_as_one_line() -> None:
    source = Source("flags/x.yaml", 3, 7)
    assert str(Problem(source, "flag/x", "it is wrong", "write it right")) == (
        "flags/x.yaml:3:7: flag/x: it is wrong; write it right"
    )
    assert str(Problem(source, "", "it is wrong", "write it right", ("staging",))) == (
        "flags/x.yaml:3:7: in stack staging: it is wrong; write it right"
    )


def test_a_checkout_without_definitions_is_empty(tmp_path: Path) -> None:
    assert load(tmp_path) == load(tmp_path, "staging") == Definitions((), ())


def test_loading_needs_neither_pulumi_nor_a_network_client() -> None:
    code = (
        "import sys; from pathlib import Path; from ai_admin.definitions import load; load(Path('docs/samples'));"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"pulumi", "requests", "urllib3", "grpc", "posthog", "starlette", "jsonschema"}
    assert not heavy & set(run.stdout.split())


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
WORDS = (
    "key name type value operator properties values kind series event tiles insight layout x y w h text trends "
    "funnel formula formulas breakdown breakdownFilter trendsFilter retention target sql query filters cohort "
    "variants payload release_conditions rollout_percentage stacks staging only unmanaged threshold notify webhook url "
    "condition math math_property funnelsFilter exclusions source is_static negation "
    "flag metrics metric_type action steps numerator start_date end_date exposure_criteria stats_config target insights"
)
KEYS = st.sampled_from(WORDS.split())
ANYTHING = st.recursive(
    SCALARS
    | st.sampled_from(["cohort", "event", "person", "ai_used", "internal", "runs", "TrendsQuery", "A / B", "is_set"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
SAMPLE_FILES = list(find(SAMPLES))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_checkout(tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize("folder", ["experiments", "experiments/saved_metrics"])
@pytest.mark.parametrize("fields", [{"series": True}, {"series": [3]}, {"numerator": "x"}, {"source": True}])
def test_fields_of_a_metric_without_a_type_may_be_anything(tmp_path: Path, folder: str, fields: dict[str, Any]) -> None:
    root = sample_checkout(tmp_path)
    what: dict[str, Any] = {"flag": "ai-retry-timeouts", "metrics": [fields]} if folder == "experiments" else fields
    (root / folder / "x.yaml").write_text(json.dumps({"key": "x", "name": "X", **what}))
    assert any("metric_type" in str(each) for each in load(root).problems)


@settings(max_examples=50)
@given(data=st.data())
def test_no_damaged_definition_makes_it_raise(samples: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(FOLDERS.values())))
    file = data.draw(st.sampled_from([each for each in SAMPLE_FILES if each.kind == kind]))
    value = parse(file.text or "").value
    for _ in range(data.draw(st.integers(1, 3))):
        places = places_of(value)
        if places:
            container, step = places[data.draw(st.integers(0, len(places) - 1))]
            container[step] = data.draw(ANYTHING)
    stack = data.draw(st.sampled_from([None, "staging", "production"]))
    (samples / file.path).write_text(json.dumps(value))  # JSON is YAML
    try:
        loaded = load(samples, stack)
    finally:
        (samples / file.path).write_text(file.text or "")
    for problem in loaded.problems:
        assert problem.message
        assert problem.fix
        assert problem.source.line >= 1
    assert bool(loaded.resources) is not bool(loaded.problems)


def _any_of(condition: dict[str, Any]) -> dict[str, Any]:
    return {"type": "OR", "values": [condition]}


LEAF = {"type": "events", "properties": [{"key": "success", "operator": []}]}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FOLDERS)), ANYTHING)
@example("flags", {"key": "f", "stacks": {"staging": {"stacks": {"staging": {}}}}})
@example("dashboards", {"key": "d", "name": "D", "tiles": {"insight": {}}})
@example("insights/playlists", {"key": "p", "name": "P", "filters": {"a": [{"key": "a", "operator": []}]}})
@example("insights/playlists", {"key": "p", "name": "P", "filters": {"filter_group": _any_of(_any_of(LEAF))}})
def test_no_data_at_all_makes_it_raise(checkout: Checkout, folder: str, value: Any) -> None:
    checkout.write(f"{folder}/any.yaml", json.dumps(value))  # JSON is YAML
    loaded = checkout.load("staging")
    (checkout.root / folder / "any.yaml").unlink()
    assert bool(loaded.resources) is not bool(loaded.problems)
