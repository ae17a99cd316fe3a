"""Dashboards, insights and tiles."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from providers.posthog.kinds import Ref
from tests.support.samples.base import Body, Sample, Samples, scalar, switch
from tests.support.samples.catalogue import DESCRIPTION, TAGS
from tests.support.samples.world import TREND
from tests.support.sandbox import Sandbox

LONG = {"date_from": "-30d", "properties": [{"key": "model", "type": "event", "operator": "exact", "value": "r1"}]}
_NAME = Sample("Named", changed=({"name": "By hand"},))
_TAGS_NOISE: Body = {"tags": ["Cost", "ai", "AI "]}


def _seen_by_posthog(live: dict[str, Any]) -> dict[str, Any]:
    """A dashboard is saved as it was read: PostHog's page does that with filters."""
    return {"filters": {"date_to": None, "explicitDate": False, **live["persisted_filters"]}}


DASHBOARDS = Samples(
    least=lambda name: {"name": name},
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "tags": TAGS,
        "pinned": switch("pinned"),
        "filters": Sample(
            LONG,
            changed=(
                {"filters": {**LONG, "date_from": "-7d"}},
                {"filters": {"date_from": "-30d"}},
                {"filters": {**LONG, "breakdown_filter": {"breakdown": "model"}}},
                {"filters": {"date_from": None, "properties": None}},
            ),
            added=({"filters": {"date_from": "-1d"}}, {"filters": {"properties": LONG["properties"]}}),
        ),
        "restriction_level": Sample(37, changed=({"restriction_level": 21},), added=({"restriction_level": 37},)),
        "grid_spacing": scalar("grid_spacing", "wide", "tight", "standard"),
        "layout_compaction": scalar("layout_compaction", "stable", "horizontal", "vertical"),
    },
    full={"description": "A description.", "tags": ["ai", "cost"], "filters": LONG, "pinned": True},
    noise={
        "the order and the case of tags": _TAGS_NOISE,
        "white space at the ends of a text": {"description": "A description. "},
        "filters that filter nothing": _seen_by_posthog,
        "an empty object, which PostHog ignores": {"filters": {}},
        "colours that people choose": {"breakdown_colors": [{"breakdownValue": "r1", "colorToken": "preset-1"}]},
    },
    file="dashboard",
    author={"key": "ai", "name": "AI"},
    needed={"name": ("name",)},
)


def _query(**source: Any) -> dict[str, Any]:
    query: dict[str, Any] = deepcopy(TREND)
    query["source"].update(source)
    return query


def _boards(live: dict[str, Any]) -> list[int]:
    return [tile["dashboard_id"] for tile in live["dashboard_tiles"]]


_COUNTED = _query(interval="hour", dateRange={"date_from": "-30d"}, trendsFilter={"display": "ActionsBar"})
_QUERIES: tuple[Body, ...] = (
    {"query": _query(interval="week")},
    {"query": _query(series=[*TREND["source"]["series"], {"kind": "EventsNode", "event": "more"}])},
    {"query": _query(properties=[{"key": "model", "type": "event", "operator": "exact", "value": "r1"}])},
    {"query": _query(breakdownFilter={"breakdowns": [{"property": "model", "type": "event"}]})},
    {"query": _query(trendsFilter={"formulaNodes": [{"formula": "A / 2"}]})},
    {"query": {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}},
)

INSIGHTS = Samples(
    least=lambda name: {"name": name, "query": TREND},
    fields={
        "name": _NAME,
        "description": DESCRIPTION,
        "tags": TAGS,
        "favorited": switch("favorited"),
        "query": Sample(_COUNTED, changed=_QUERIES, added=_QUERIES),
        "dashboards": Sample(
            [Ref("dashboard", "first"), Ref("dashboard", "second")],
            changed=({"dashboards": [Ref("dashboard", "second")]}, {"dashboards": []}),
            theirs=(lambda live: {"dashboards": [*_boards(live), Ref("dashboard", "delivered")]},),
        ),
    },
    full={"description": "A description.", "tags": ["ai", "cost"], "query": _COUNTED},
    noise={
        "the order and the case of tags": _TAGS_NOISE,
        "the versions of PostHog's schema": lambda live: {"query": {**live["query"], "version": 99}},
        "nulls and empty parts, as a dashboard shows them": {
            "query": _query(
                interval="hour",
                dateRange={"date_from": "-30d", "date_to": None},
                trendsFilter={"display": "ActionsBar", "formula": None},
                breakdownFilter={},
                properties=[],
                series=[{**TREND["source"]["series"][0], "math": "total", "properties": []}],
            )
        },
        "a name that PostHog's page derives": {"derived_name": "Count of ai"},
    },
    file="dashboard",
    author={
        "key": "ai",
        "name": "AI",
        "tiles": [{"insight": {"key": "uses", "name": "Uses", "trends": {"series": [{"event": "ai"}]}}}],
    },
    needed={"name": ("tiles", 0, "insight", "name"), "query": ("tiles", 0, "insight", "trends")},
)

HEADING = {"text": "## Cost", "layout": {"x": 0, "y": 0, "w": 12, "h": 1}}
BUTTON = {
    "button": {"url": "https://example.com/runbook", "text": "Runbook"},
    "layout": {"x": 6, "y": 1, "w": 6, "h": 2},
}
NOTE = {"text": "In US dollars.", "color": "blue", "layout": {"x": 0, "y": 1, "w": 6, "h": 2}}


def _board(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """A dashboard of its own, whose tiles these are."""
    return {"dashboard": sandbox.call("POST", "dashboards/", {"name": f"Board {name}"})["id"]}


def _on_tile(number: int, **change: Any) -> Body:
    return lambda live: {"tiles": [{"id": live["tiles"][number]["id"], **change}]}


def _edited_text(live: dict[str, Any]) -> dict[str, Any]:
    tile = live["tiles"][0]
    return {"tiles": [{"id": tile["id"], "text": {"id": tile["text"]["id"], "body": "## By hand"}}]}


_NEW_TEXT: Body = {"tiles": [{"text": {"body": "By hand"}, "layouts": {"sm": {"x": 0, "y": 9, "w": 6, "h": 1}}}]}
_NEW_BUTTON: Body = {"tiles": [{"button_tile": {"url": "https://example.com", "text": "More"}}]}

TILES = Samples(
    least=lambda name: {},
    before=_board,
    fields={
        "dashboard": Sample(Ref("dashboard", "first")),
        "tiles": Sample(
            [HEADING, NOTE, BUTTON],
            changed=(
                _edited_text,
                _on_tile(0, layouts={"sm": {"x": 0, "y": 0, "w": 6, "h": 1}}),
                _on_tile(0, color="green"),
                _on_tile(1, color=""),
                _on_tile(0, transparent_background=True),
                _on_tile(0, show_description=True),
                _on_tile(0, filters_overrides={"date_from": "-1d"}),
                _on_tile(0, deleted=True),
                _on_tile(2, button_tile={"url": "https://example.com/other", "text": "Runbook"}),
            ),
            theirs=(_NEW_TEXT, _NEW_BUTTON),
        ),
    },
    full={"tiles": [HEADING, NOTE]},
    noise={
        "the narrow grid, and bounds of the wide one": _on_tile(
            0, layouts={"sm": {"x": 0.0, "y": 0, "w": 12, "h": 1, "minW": 2}, "xs": {"x": 0, "y": 0, "w": 1, "h": 1}}
        ),
        "a look that is the default's": _on_tile(0, transparent_background=False, filters_overrides={}, color=""),
        "a tile that is gone already": _on_tile(0, show_description=None),
    },
    fixed=("dashboard",),
    given=("dashboard",),
)

SAMPLES = {"dashboard": DASHBOARDS, "insight": INSIGHTS, "tiles": TILES}
