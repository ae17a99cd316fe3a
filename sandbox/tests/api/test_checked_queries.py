"""Insights' queries are validated; those written with `x-posthog-client: mcp` are rewritten too (section 1 of the query
reference; PostHog's QuerySchemaParser and MCPInsightSerializer).
"""

from typing import Any

import pytest

from sandbox.tests.shapes import Answer, Api, refusal

MCP = {"x-posthog-client": "mcp"}
EVENT = {"kind": "EventsNode", "event": "seen"}
BARE = {"kind": "TrendsQuery", "series": [EVENT]}


def _save(api: Api, query: Any, path: str = "insights/", method: str = "POST") -> Answer:
    return api(method, path, {"query": query}, headers=MCP)


def test_a_bare_query_gets_its_wrapper_and_its_defaults(api: Api) -> None:
    query = _save(api, {**BARE, "trendsFilter": {"formula": None}}).json()["query"]
    assert query["kind"] == "InsightVizNode"
    source = query["source"]
    assert (source["interval"], source["filterTestAccounts"], source["properties"]) == ("day", False, [])
    assert source["series"] == [EVENT]
    assert source["trendsFilter"]["display"] == "ActionsLineGraph"
    assert "formula" not in source["trendsFilter"], "nulls are dropped"
    table = _save(api, {"kind": "HogQLQuery", "query": "select 1"}).json()["query"]
    assert table == {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}


@pytest.mark.parametrize(
    ("query", "place", "detail"),
    [
        ({**BARE, "funnelsFilter": {}}, "TrendsQuery.funnelsFilter", "Extra inputs are not permitted"),
        ({"kind": "TrendsQuery"}, "TrendsQuery.series", "Field required"),
        (
            {**BARE, "interval": "decade"},
            "TrendsQuery.interval",
            "Input should be 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter' or 'year'",
        ),
        ({**BARE, "samplingFactor": "a"}, "TrendsQuery.samplingFactor", "Input should be a valid number"),
        ({**BARE, "series": [{"kind": "ActionsNode"}]}, "TrendsQuery.series.0.ActionsNode.id", "Field required"),
        (
            {"kind": "InsightVizNode", "source": {"kind": "StickinessQuery", "series": [EVENT], "breakdownFilter": {}}},
            "InsightVizNode.source.StickinessQuery.breakdownFilter",
            "Extra inputs are not permitted",
        ),
        (
            {"kind": "DataVisualizationNode", "source": BARE},
            "DataVisualizationNode.source",
            "Input tag 'TrendsQuery' found using 'kind' does not match any of the expected tags: 'HogQLQuery'",
        ),
        ({"kind": "Animal"}, "", "Input tag 'Animal' found using 'kind' is no query"),
        ({"series": []}, "", "Unable to extract tag using discriminator 'kind'"),
        ({"kind": "DateRange"}, "", "Input tag 'DateRange' found using 'kind' is no query"),
        (
            {
                "kind": "FunnelsQuery",
                "series": [EVENT, EVENT],
                "funnelsFilter": {"resultCustomizations": {"0": {"assignmentBy": "position"}}},
            },
            "FunnelsQuery.funnelsFilter.resultCustomizations.0.assignmentBy",
            "Input should be 'value'",
        ),
        (
            {"kind": "DataTableNode", "source": {"kind": "Animal"}},
            "",
            "Input tag 'Animal' found using 'kind' is no query",
        ),
        ("select 1", "", "Unable to extract tag using discriminator 'kind'"),
        ([1], "", "Unable to extract tag using discriminator 'kind'"),
    ],
)
@pytest.mark.parametrize("headers", [{}, MCP], ids=["anybody", "mcp"])
def test_a_query_that_the_schema_does_not_have_is_refused(
    api: Api, query: Any, place: str, detail: str, headers: dict[str, str]
) -> None:
    expected = (400, "parse_error", f"1 validation error for QuerySchemaRoot\n{place}\n  {detail}", None)
    assert refusal(api("POST", "insights/", {"query": query}, headers=headers)) == expected
    insight = api.insight()
    path = f"insights/{insight['id']}/"
    assert refusal(api("PATCH", path, {"query": query}, headers=headers)) == expected
    assert api.get(path)["query"] == insight["query"]


@pytest.mark.parametrize("kind", ["EventsNode", "GroupNode"])
def test_a_math_that_posthog_does_not_have_is_refused(api: Api, kind: str) -> None:
    series = {"kind": kind, "math": "sums", **({"operator": "OR", "nodes": [EVENT]} if kind == "GroupNode" else {})}
    status, code, detail, _ = refusal(api("POST", "insights/", {"query": {**BARE, "series": [series]}}))
    assert (status, code) == (400, "parse_error")
    assert f"TrendsQuery.series.0.{kind}.math\n  Input should be 'total', 'dau', " in detail


def test_what_is_wrong_is_counted(api: Api) -> None:
    wrong = {**BARE, "filterTestAccounts": 3, "samplingFactor": "a"}
    assert refusal(api("POST", "insights/", {"query": wrong}))[2] == (
        "2 validation errors for QuerySchemaRoot\n"
        "TrendsQuery.filterTestAccounts\n  Input should be a valid boolean\n"
        "TrendsQuery.samplingFactor\n  Input should be a valid number"
    )


def test_kinds_that_are_no_insight_are_refused_to_mcp_only(api: Api) -> None:
    table = {"kind": "DataTableNode", "source": {"kind": "EventsQuery", "select": ["*"]}}
    assert refusal(_save(api, table)) == (
        400,
        "invalid_input",
        "This query can't be saved: source: Input tag 'DataTableNode' found using 'kind' does not match any of the "
        "expected tags: "
        "'TrendsQuery', 'FunnelsQuery', 'RetentionQuery', 'PathsQuery', 'StickinessQuery', 'LifecycleQuery'",
        "query",
    )
    assert api.insight(query=table)["query"] == table


def test_a_new_insight_needs_a_query_then(api: Api) -> None:
    assert refusal(api("POST", "insights/", {"name": "n"}, headers=MCP))[1:] == (
        "required", "This field is required.", "query",
    )  # fmt: skip
    insight = api.insight()
    renamed = api("PATCH", f"insights/{insight['id']}/", {"name": "n"}, headers=MCP)
    assert renamed.json()["query"] == insight["query"], "a PATCH may leave it as it is"


@pytest.mark.parametrize(
    "source",
    [
        {**BARE, "trendsFilter": {"display": "BoldNumber", "formulaNodes": [{"formula": "A"}]}, "compareFilter": {}},
        {"kind": "FunnelsQuery", "series": [EVENT, EVENT], "funnelsFilter": {"funnelVizType": "trends"}},
        {"kind": "RetentionQuery", "retentionFilter": {"period": "Week", "totalIntervals": 4}},
        {"kind": "PathsQuery", "pathsFilter": {"stepLimit": 3}},
        {"kind": "LifecycleQuery", "series": [EVENT], "lifecycleFilter": {"toggledLifecycles": ["new"]}},
        {"kind": "StickinessQuery", "series": [EVENT], "stickinessFilter": {"computedAs": "cumulative"}},
    ],
)
def test_every_kind_of_query_is_known(api: Api, source: dict[str, Any]) -> None:
    saved = _save(api, {"kind": "InsightVizNode", "source": source})
    assert saved.status_code == 201, saved.text
    again = _save(api, saved.json()["query"])
    assert again.json()["query"] == saved.json()["query"], "what was saved may be saved again"


def test_other_clients_queries_are_stored_verbatim(api: Api) -> None:
    bare = {**BARE, "trendsFilter": {"formula": None}}
    assert api.insight(query=bare)["query"] == {**bare, "version": 5}
