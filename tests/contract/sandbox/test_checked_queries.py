"""Insights written with `x-posthog-client: mcp`: their queries are validated (section 1 of the query reference)."""

from typing import Any

import pytest
import requests

from tests.contract.sandbox.shapes import Api, refusal, trends

MCP = {"x-posthog-client": "mcp"}
EVENT = {"kind": "EventsNode", "event": "seen"}
BARE = {"kind": "TrendsQuery", "series": [EVENT]}


def _save(api: Api, query: Any, path: str = "insights/", method: str = "POST") -> requests.Response:
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
    ("query", "detail"),
    [
        ({**BARE, "funnelsFilter": {}}, "source.TrendsQuery.funnelsFilter: Extra inputs are not permitted"),
        ({"kind": "TrendsQuery"}, "source.TrendsQuery.series: Field required"),
        (
            {**BARE, "interval": "decade"},
            "source.TrendsQuery.interval: Input should be 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter'"
            " or 'year'",
        ),
        (
            {**BARE, "filterTestAccounts": 3, "samplingFactor": "a"},
            "source.TrendsQuery.filterTestAccounts: Input should be a valid boolean; "
            "source.TrendsQuery.samplingFactor: Input should be a valid number",
        ),
        (
            {**BARE, "series": [{"kind": "ActionsNode"}]},
            "source.TrendsQuery.series.0.ActionsNode.id: Field required",
        ),
        (
            {**BARE, "series": [{"event": "seen"}]},
            "source.TrendsQuery.series.0: Unable to extract tag using discriminator 'kind'",
        ),
        (
            {"kind": "StickinessQuery", "series": [EVENT], "breakdownFilter": {}},
            "source.StickinessQuery.breakdownFilter: Extra inputs are not permitted",
        ),
        (
            {"kind": "DataTableNode", "source": {"kind": "EventsQuery", "select": ["*"]}},
            "source: Input tag 'DataTableNode' found using 'kind' does not match any of the expected tags: "
            "'TrendsQuery', 'FunnelsQuery', 'RetentionQuery', 'PathsQuery', 'StickinessQuery', 'LifecycleQuery'",
        ),
    ],
)
def test_what_can_not_be_saved(api: Api, query: Any, detail: str) -> None:
    expected = (400, "invalid_input", f"This query can't be saved: {detail}", "query")
    assert refusal(_save(api, query)) == expected
    insight = api.insight()
    assert refusal(_save(api, query, f"insights/{insight['id']}/", "PATCH")) == expected
    assert api.patch(f"insights/{insight['id']}/", {"query": query})["id"] == insight["id"], (
        "unchecked without the header"
    )


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
    wrong = trends("a", interval="fortnight")
    assert api.insight(query=wrong)["query"]["source"]["interval"] == "fortnight"
