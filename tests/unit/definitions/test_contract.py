"""Canonical properties written back as files: exactly, shortly, or not at all."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ai_admin.definitions import Definition, load
from ai_admin.definitions.check import check
from ai_admin.definitions.contract import contract, expanded
from ai_admin.definitions.forms.base import Written
from ai_admin.definitions.model import Source
from providers.posthog.errors import NotWritable
from providers.posthog.kinds import KINDS, Ref
from tests.campaigns.contract_laws import run
from tests.campaigns.generated.checkouts import CHECKOUTS
from tests.support.checkouts import SAMPLES
from tests.support.sandbox import REPOSITORY


def definitions(*files: Written) -> list[Definition]:
    return [Definition(kind, key, item, Source("", 1, 1)) for (kind, key), item in expanded(files).items()]


@pytest.mark.parametrize("kind", CHECKOUTS)
def test_what_is_written_back_stands_for_what_it_came_from(kind: str) -> None:
    assert run(kind, 40, seed=2)["files"] >= 40


@pytest.mark.parametrize("stack", [None, "sandbox", "staging", "production"])
def test_the_samples_written_back_pass_every_check_and_are_the_same(
    stack: str | None, tmp_path: Path
) -> None:
    wanted = load(SAMPLES, stack)
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    for file in contract(wanted.resources):
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(yaml.safe_dump(file.value, sort_keys=False), encoding="utf-8")
    described = {"values", "payload_type"}  # what the files say to the checks alone, and PostHog does not hold
    assert [each for each in check(tmp_path).problems if not described & set(each.message.split())] == []
    again = load(tmp_path).resources
    assert {(d.kind, d.key): d.properties for d in again} == {(d.kind, d.key): d.properties for d in wanted.resources}


BOARD = {"key": "usage", "name": "Usage"}
SENT = {"key": "s", "title": "S", "frequency": "daily", "start_date": "2026-09-07T00:00:00Z"}
BRIEF: dict[str, tuple[str, dict[str, Any]]] = {
    "a flag for everybody": ("flag", {"key": "ai", "release_conditions": [{}]}),
    "a flag with payloads": (
        "flag",
        {
            "key": "ai",
            "variants": [
                {"key": "a", "rollout_percentage": 50, "payload": {"limit": 1}},
                {"key": "b", "rollout_percentage": 50},
            ],
            "release_conditions": [{"cohort": "beta", "variant": "a"}, {"rollout_percentage": 10}],
        },
    ),
    "a boolean flag's payload": ("flag", {"key": "ai", "payload": 200000, "release_conditions": [{}]}),
    "conditions by group": (
        "flag",
        {
            "key": "ai",
            "aggregation_group_type_index": 1,
            "release_conditions": [
                {"properties": [{"type": "group", "key": "plan", "value": "pro", "group_type_index": 1}]},
                {"rollout_percentage": 10},
            ],
        },
    ),
    "cohorts and flags in conditions": (
        "flag",
        {
            "key": "ai",
            "release_conditions": [
                {
                    "properties": [
                        {"key": "version", "operator": "semver_gte", "value": "2.4.0"},
                        {"type": "cohort", "operator": "not_in", "value": "beta"},
                        {"type": "flag", "key": "enabled", "value": True},
                    ]
                }
            ],
        },
    ),
    "a cohort of properties": (
        "cohort",
        {"key": "c", "name": "C", "properties": [{"key": "a", "value": "b"}, {"cohort": "beta", "negation": True}]},
    ),
    "a cohort of groups": (
        "cohort",
        {
            "key": "c",
            "name": "C",
            "filters": {"type": "AND", "values": [{"type": "OR", "values": [{"key": "a", "operator": "is_set"}]}]},
        },
    ),
    "tiles that flow": (
        "dashboard",
        {
            **BOARD,
            "tiles": [
                {"text": "# Cost", "layout": {"w": 12}},
                {"insight": {"key": "i", "name": "I", "trends": {"series": [{"event": "ai"}]}}},
                {"text": "Aside", "layout": {"x": 6, "y": 4}},
            ],
        },
    ),
    "a trend": (
        "dashboard",
        {
            **BOARD,
            "tiles": [
                {
                    "insight": {
                        "key": "i",
                        "name": "I",
                        "trends": {
                            "series": [{"event": "ai", "math": "dau"}, {"event": "ai"}],
                            "interval": "week",
                            "date_from": "-30d",
                            "breakdown": {"property": "model"},
                            "display": "ActionsBar",
                            "formula": "A / B",
                            "properties": [{"type": "cohort", "value": "beta"}],
                        },
                    }
                }
            ],
        },
    ),
    "retention": (
        "dashboard",
        {
            **BOARD,
            "tiles": [
                {"insight": {"key": "i", "name": "I", "retention": {"target": {"event": "ai"}, "period": "Week"}}}
            ],
        },
    ),
    "SQL": (
        "dashboard",
        {
            **BOARD,
            "tiles": [{"insight": {"key": "i", "name": "I", "sql": {"query": "select 1", "display": "BoldNumber"}}}],
        },
    ),
    "what PostHog's AI answers, in Teams": (
        "subscription",
        {
            **SENT,
            "prompt": "Which costs grew?",
            "target": {"teams": {"url": {"env": "TEAMS"}}},
            "delivery_config": {"include_images": False},
            "send_test_now": True,
        },
    ),
    "a dashboard's look": ("dashboard", {**BOARD, "grid_spacing": "wide", "layout_compaction": "stable"}),
    "tables": (
        "dashboard",
        {
            **BOARD,
            "tiles": [
                {"insight": {"key": "i", "name": "I", "query": {"kind": "DataTableNode", "source": source}}}
                for source in ({"kind": "ActorsQuery", "properties": [{"type": "cohort", "value": "beta"}]},)
            ],
        },
    ),
}


@pytest.mark.parametrize("name", BRIEF)
def test_what_is_written_briefly_comes_back_as_it_was_written(name: str) -> None:
    kind, value = BRIEF[name]
    [again] = contract(definitions(Written(kind, value["key"], value)))
    assert (again.kind, again.value) == (kind, value)


def test_an_alert_and_its_ways_of_telling_people_come_back_in_one_file() -> None:
    insight = {"key": "i", "name": "I", "trends": {"series": [{"event": "ai"}]}}
    board = Written("dashboard", "usage", {**BOARD, "tiles": [{"insight": insight}]})
    told = {"slack": {"workspace": "acme", "channel": "#ai"}, "webhook": {"url": {"env": "HOOK"}}}
    value = {
        "key": "a",
        "name": "A",
        "condition": "absolute_value",
        "threshold": {"upper": 5},
        "insight": "i",
        "notify": told,
    }
    assert contract(definitions(board, Written("alert", "a", value)))[-1].value == value


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        (
            "flag",
            {"key": "x", "release_conditions": [{}], "holdout": {"id": 3}},
            "flag/x: no key of a file says holdout",
        ),
        (
            "flag",
            {"key": "x", "release_conditions": [{}], "payloads": {"b": "1"}},
            "no file can express the value of payloads",
        ),
        ("flag", {"key": "x"}, "release_conditions"),
        (
            "cohort",
            {"name": "Made of groups, as old ones are"},
            "a cohort has either properties or filters, and PostHog holds nothing that a file could say there",
        ),
        (
            "insight",
            {"name": "I", "query": {"kind": "DataTableNode"}},
            "insight/x: query has no source in PostHog, and a file has to say it",
        ),
        ("property", {"name": "p", "type": "event"}, "property/event.p: no event is described that could have it"),
        ("event", {"name": " opened"}, "the name of an event is one line"),
        (
            "annotation",
            {"content": "x", "date_marker": "2026-01-01", "scope": "organization"},
            "annotation/x: no key of a file says scope: organization",
        ),
        ("insight", {"name": "I", "query": {}}, "insight/x: it has no query in PostHog, and a file has to say it"),
    ],
)
def test_what_no_file_can_say_is_refused_with_the_reason(kind: str, properties: dict[str, Any], reason: str) -> None:
    key = " opened" if kind == "event" else "x"
    with pytest.raises(NotWritable, match=re.escape(reason)):
        contract([Definition(kind, key, KINDS[kind].canonical(properties), Source("", 1, 1))])


def test_a_tile_that_a_file_can_not_describe_is_refused() -> None:
    tile = {"text": "x", "layout": {"x": 0, "y": 0, "w": 6, "h": 1}, "filters_overrides": {"date_from": "-1d"}}
    tiles = KINDS["tiles"].canonical({"dashboard": Ref("dashboard", "d"), "tiles": [tile]})
    board = KINDS["dashboard"].canonical({"name": "D"})
    with pytest.raises(NotWritable, match="filters_overrides"):
        contract(
            [Definition("dashboard", "d", board, Source("", 1, 1)), Definition("tiles", "d", tiles, Source("", 1, 1))]
        )
