"""What a program gets: resources in order, or problems and nothing else."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ai_admin.definitions import Definitions, Problem, Source, load
from ai_admin.definitions.files import FOLDERS
from providers.posthog.kinds import KINDS
from providers.posthog.kinds.base import refs
from tests.unit.definitions.checkouts import Checkout

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
WHOLE: dict[str, Any] = {
    "insight": {
        "key": "i",
        "name": "I",
        "owner": "ai",
        "trends": {"series": [{"event": "ai_used"}], "date_from": "-7d"},
        "stacks": {"staging": {"trends": {"interval": "week"}}},
        "unmanaged": ["tags"],
    },
    "flag": {
        "key": "f",
        "variants": [{"key": "a", "rollout_percentage": 100, "payload": 1}],
        "release_conditions": [
            {"cohort": "internal", "variant": "a", "properties": [{"key": "usage", "operator": "gt", "value": 1}]},
            {"properties": [{"type": "flag", "key": "enabled", "value": True}]},
            {"properties": [{"type": "cohort", "value": "internal"}]},
        ],
        "stacks": {"staging": {"description": None, "variants": [{"key": "a", "rollout_percentage": 100}]}},
        "only": ["staging"],
        "unmanaged": ["tags"],
    },
    "cohort": {
        "key": "c",
        "name": "C",
        "filters": {
            "type": "OR",
            "values": [{"type": "AND", "values": [{"cohort": "internal"}, {"key": "usage", "value": 1}]}],
        },
    },
    "dashboard": {
        "key": "d",
        "name": "D",
        "filters": {"properties": [{"type": "event", "key": "model", "operator": "exact", "value": "r1"}]},
        "tiles": [
            {"insight": {"key": "t", "name": "T", "trends": {
                "series": [{"event": "ai_used", "math": "sum", "math_property": "tokens"}], "formula": "A * 2",
                "breakdown": {"property": "model"}, "properties": [{"type": "cohort", "value": "internal"}]}}},
            {"insight": {"key": "u", "name": "U", "query": {"kind": "InsightVizNode", "source": {
                "kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "ai_used"}] * 2,
                "funnelsFilter": {"exclusions": [{"event": "ai_used", "funnelFromStep": 0, "funnelToStep": 1}]},
                "properties": {"type": "AND", "values": [{"type": "AND", "values": [
                    {"type": "event", "key": "model", "value": ["r1"]}]}]}}}}},
            {"insight": {"key": "v", "name": "V", "retention": {"target": {"event": "ai_used"}}}},
            {"insight": {"key": "w", "name": "W", "sql": {"query": "select 1", "display": "BoldNumber"}}},
            {"insight": "runs", "layout": {"x": 0, "y": 30, "w": 6, "h": 4}},
            {"text": "a"},
        ],
    },
    "alert": {
        "key": "a",
        "name": "A",
        "insight": "runs",
        "series": 0,
        "condition": "absolute_value",
        "threshold": {"lower": 1, "upper": 5},
        "notify": {"email": ["a@example.com"], "slack": {"workspace": "a", "channel": "#a"}, "webhook": {"url": "https://a"}},
    },
    "action": {
        "key": "n",
        "name": "N",
        "steps": [{"event": "ai_used", "properties": [{"type": "event", "key": "success", "value": True}]}],
    },
    "experiment": {
        "key": "x",
        "name": "X",
        "flag": "ab",
        "metrics": [
            {"name": "M", "metric_type": "mean", "threshold": 5,
             "source": {"event": "ai_used", "math": "sum", "math_property": "tokens"}},
            {"name": "R", "metric_type": "ratio",
             "numerator": {"action": "failed"}, "denominator": {"event": "ai_used"}},
        ],
        "metrics_secondary": [
            {"name": "F", "metric_type": "funnel", "series": [{"event": "ai_used"}]},
            {"name": "B", "metric_type": "retention", "start_event": {"event": "ai_used"},
             "completion_event": {"event": "ai_used"}, "retention_window_start": 1, "retention_window_end": 7,
             "retention_window_unit": "day"},
        ],
        "exposure_criteria": {"exposure_config": {
            "event": "ai_used", "properties": [{"type": "cohort", "value": "internal"}]}},
        "stats_config": {"baseline_variant_key": "control"},
        "start_date": "2026-09-07",
        "end_date": "2026-10-07",
        "conclusion": "won",
    },
    "subscription": {
        "key": "s",
        "title": "S",
        "dashboard": "usage",
        "insights": ["runs"],
        "target": {"slack": {"workspace": "a", "channel": "#a"}},
        "frequency": "monthly",
        "byweekday": ["monday"],
        "bysetpos": 1,
        "start_date": "2026-09-07T08:00:00Z",
        "until_date": "2027-09-07",
    },
    "annotation": {"key": "o", "content": "O", "date_marker": "2026-09-07", "insight": "runs"},
    "event": {"key": "e", "properties": {"p": {"type": "String", "values": ["a"]}, "model": {"type": "String"}}},
}  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        found += [(value, step), *_places(item)]
    return found


def _yaml(value: Any) -> str:
    import json

    return json.dumps(value)  # JSON is YAML


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damaged_definition_makes_it_raise(checkout: Checkout, data: st.DataObject) -> None:
    checkout.with_flag_and_action()
    kind = data.draw(st.sampled_from(sorted(WHOLE)))
    value = copy.deepcopy(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(value)
        if places:
            container, step = places[data.draw(st.integers(0, len(places) - 1))]
            container[step] = data.draw(ANYTHING)
    folder = next(folder for folder, each in FOLDERS.items() if each == kind)
    checkout.write(f"{folder}/damaged.yaml", _yaml(value))
    loaded = checkout.load(data.draw(st.sampled_from([None, "staging", "production"])))
    for problem in loaded.problems:
        assert problem.message
        assert problem.fix
        assert problem.source.line >= 1
    assert bool(loaded.resources) is not bool(loaded.problems)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FOLDERS)), ANYTHING)
@example("flags", {"key": "f", "stacks": {"staging": {"stacks": {"staging": {}}}}})
@example("dashboards", {"key": "d", "name": "D", "tiles": {"insight": {}}})
def test_no_data_at_all_makes_it_raise(checkout: Checkout, folder: str, value: Any) -> None:
    checkout.write(f"{folder}/any.yaml", _yaml(value))
    loaded = checkout.load("staging")
    assert bool(loaded.resources) is not bool(loaded.problems)


def test_whole_definitions_are_good(checkout: Checkout) -> None:
    checkout.with_flag_and_action()
    for kind, value in WHOLE.items():
        checkout.write(f"{KINDS[kind].folder}/whole.yaml", _yaml(value))
    assert checkout.problems() == []
