"""Insights and dashboards."""

from typing import Any

from sandbox.tests.running import Sandbox
from sandbox.tests.shapes import Api, name, refusal, trends


def _tiles(api: Api, dashboard: Any) -> list[Any]:
    return list(api.get(f"dashboards/{dashboard['id']}/")["tiles"])


def _place(x: int, y: int, w: int = 6, h: int = 5) -> dict[str, Any]:
    return {"sm": {"x": x, "y": y, "w": w, "h": h}}


def test_the_look_of_a_dashboard_is_read_elsewhere_than_it_is_sent(api: Api) -> None:
    path = f"dashboards/{api.dashboard()['id']}/"
    assert api.get(path)["customization"] == {}
    assert api.patch(path, {"grid_spacing": "wide"})["customization"] == {"tile_spacing": "wide"}
    shown = api.patch(path, {"layout_compaction": "stable"})
    assert shown["customization"] == {"tile_spacing": "wide", "layout_compaction": "stable"}
    assert "grid_spacing" not in shown
    assert refusal(api("PATCH", path, {"grid_spacing": "huge"})) == (
        400, "invalid_choice", '"huge" is not a valid choice.', "grid_spacing"
    )  # fmt: skip


def test_a_query_is_stored_verbatim_and_read_with_a_version(api: Api) -> None:
    source = {"kind": "TrendsQuery", "series": [], "trendsFilter": {"formula": None, "display": "BoldNumber"}}
    query = {"kind": "InsightVizNode", "source": source}
    insight = api.insight(query=query)
    expected = {**query, "source": {**source, "version": 5}}
    assert insight["query"] == expected
    assert api.get(f"insights/{insight['id']}/")["query"] == expected
    raw = api.insight(query={"kind": "TrendsQuery", "series": [{"event": "a"}]})
    assert raw["query"]["series"] == [{"event": "a", "kind": "EventsNode"}], "a migration adds the missing kind"


def test_a_sql_query_gains_no_version(api: Api) -> None:
    query = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}
    assert api.insight(query=query)["query"] == query


def test_a_query_is_an_object(api: Api) -> None:
    assert refusal(api("POST", "insights/", {"query": "select 1"}))[:2] == (400, "parse_error")
    assert refusal(api("POST", "insights/", {"query": []})) == (
        400,
        "invalid_input",
        "Query must be a valid JSON object",
        "query",
    )


def test_legacy_filters_are_refused(api: Api) -> None:
    assert refusal(api("POST", "insights/", {"filters": {"events": []}}))[:3] == (
        403,
        "permission_denied",
        "Creating or updating insights with legacy filters is not available for this user.",
    )


def test_a_result_is_computed_when_it_is_asked_for_and_kept(api: Api) -> None:
    query = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "SELECT 1 + 1 AS two"}}
    insight = api.insight(query=query)
    path = f"insights/{insight['id']}/"
    assert (insight["result"], insight["is_cached"], insight["filters"]) == (None, False, {})
    computed = api.get(f"{path}?refresh=blocking")
    assert (computed["result"], computed["columns"], computed["is_cached"]) == ([[2]], ["two"], False)
    kept = api.get(path)
    assert (kept["result"], kept["is_cached"], kept["last_refresh"]) == ([[2]], True, computed["last_refresh"])
    assert api.get(f"{path}?refresh=force_blocking")["is_cached"] is False
    dashboard = api.dashboard()
    api.patch(path, {"dashboards": [dashboard["id"]]})
    (tile,) = api.get(f"dashboards/{dashboard['id']}/?refresh=blocking")["tiles"]
    assert tile["insight"]["result"] == [[2]]


def test_a_query_that_cannot_be_computed_says_why(api: Api) -> None:
    wrong = {"kind": "HogQLQuery", "query": "SELECT nothing FROM events"}
    assert refusal(api("POST", "query/", {"query": wrong})) == (
        400, "invalid_input", "Unable to resolve field: nothing", None
    )  # fmt: skip
    insight = api.insight(query={"kind": "DataVisualizationNode", "source": wrong})
    assert refusal(api("GET", f"insights/{insight['id']}/?refresh=blocking"))[0] == 400
    paged = {"kind": "HogQLQuery", "query": "SELECT event FROM (SELECT event FROM events LIMIT 1 OFFSET 1)"}
    assert refusal(api("POST", "query/", {"query": paged}))[2].startswith("OFFSET is not supported on queries")
    insight = api.insight(query={"kind": "DataVisualizationNode", "source": paged})
    assert api.get(f"insights/{insight['id']}/?refresh=blocking")["result"] == []
    box = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode"}], "trendsFilter": {"display": "BoxPlot"}}
    insight = api.insight(query={"kind": "InsightVizNode", "source": box})
    shown = api.get(f"insights/{insight['id']}/?refresh=blocking")
    assert (shown["result"], shown["query_status"]["error"]) == (None, True)
    assert "does not compute trends shown as BoxPlot" in shown["query_status"]["error_message"]


TRENDS: dict[str, Any] = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "run"}]}
MALFORMED: list[dict[str, Any]] = [
    {**TRENDS, "dateRange": {"date_from": "-9999999y"}},
    {**TRENDS, "properties": ["x"]},
    {**TRENDS, "properties": {"type": "AND", "values": "x"}},
    {**TRENDS, "breakdownFilter": {"breakdown": ["abc"], "breakdown_type": "cohort"}},
    {**TRENDS, "breakdownFilter": {"breakdowns": [{}]}},
    {**TRENDS, "compareFilter": {"compare": True, "compare_to": "-9999999y"}},
    {"kind": "HogQLQuery", "query": "SELECT {variables.x}", "variables": {"1": "x"}},
    {"kind": "HogQLQuery", "query": "SELECT {variables.x}", "variables": {"1": {"code_name": ["x"]}}},
    {"kind": "RetentionQuery", "retentionFilter": {"totalIntervals": 10**30, "targetEntity": {"id": {}}}},
]


def test_a_malformed_query_spoils_nothing_but_its_own_insight(api: Api) -> None:
    dashboard = api.dashboard()["id"]
    path = f"dashboards/{dashboard}/"
    for source in MALFORMED:
        kind = "DataVisualizationNode" if source["kind"] == "HogQLQuery" else "InsightVizNode"
        insight = api.insight(query={"kind": kind, "source": source}, dashboards=[dashboard])
        assert refusal(api("POST", "query/", {"query": source}))[0] == 400, source
        assert refusal(api("GET", f"insights/{insight['id']}/?refresh=blocking"))[0] == 400, source
    api.insight(query={"kind": "HogQLQuery", "query": "SELECT 1"}, dashboards=[dashboard])
    api.patch(path, {"variables": {"1": "x", "2": {"code_name": "x", "value": 1}}})
    *bad, good = [tile["insight"]["result"] for tile in api.get(f"{path}?refresh=blocking")["tiles"]]
    assert (bad, good) == ([None] * len(MALFORMED), [[1]])


def test_only_a_name_or_a_description_counts_as_a_modification_of_an_insight(sandbox: Sandbox, api: Api) -> None:
    """Who changes its query alone, its tags or its dashboards, is in the activity log and nowhere else."""
    email = f"{name('user')}@example.com"
    other = Api(sandbox, sandbox.user(email))
    made = api.insight()
    path = f"insights/{made['id']}/"
    for change in ({"query": trends("other")}, {"tags": ["theirs"]}, {"last_modified_by": None}, {"favorited": True}):
        changed = other.patch(path, change)
        assert [changed[each] for each in ("last_modified_at", "last_modified_by")] == [
            made[each] for each in ("last_modified_at", "last_modified_by")
        ]
        assert changed["updated_at"] > made["updated_at"]
    assert api.get(path + "activity/")["results"][0]["user"]["email"] == email
    changed = other.patch(path, {"name": made["name"]})
    assert changed["last_modified_by"]["email"] == email
    assert changed["last_modified_at"] > made["last_modified_at"]


def test_an_insight_is_found_by_its_short_id_and_its_number(api: Api) -> None:
    insight = api.insight()
    assert len(insight["short_id"]) == 8
    found = api.get(f"insights/?short_id={insight['short_id']}")["results"]
    assert [each["id"] for each in found] == [insight["id"]]
    assert api.patch(f"insights/{insight['id']}/", {"name": "n"})["saved"] is True
    assert api.patch(f"insights/{insight['short_id']}/", {"name": "m"})["id"] == insight["id"]
    assert api.get(f"insights/{insight['short_id']}/")["name"] == "m"
    assert api("GET", "insights/nowhere1/").status_code == 404


def test_deleted_insights_are_gone_until_restored(api: Api) -> None:
    insight = api.insight()
    answer = api("DELETE", f"insights/{insight['id']}/")
    assert (answer.status_code, answer.content) == (405, b"")
    api.patch(f"insights/{insight['id']}/", {"deleted": True})
    assert api("GET", f"insights/{insight['id']}/").status_code == 404
    assert api("PATCH", f"insights/{insight['id']}/", {"name": "x"}).status_code == 404
    api.patch(f"insights/{insight['id']}/", {"deleted": False})
    assert api.get(f"insights/{insight['id']}/")["deleted"] is False


def test_dashboards_is_the_full_set(api: Api) -> None:
    first, second = api.dashboard(), api.dashboard()
    insight = api.insight(dashboards=[first["id"]])
    assert [tile["layouts"] for tile in _tiles(api, first)] == [{}]
    path = f"insights/{insight['id']}/?include_dashboards=true"
    moved = api.patch(path, {"dashboards": [second["id"]]})
    assert moved["dashboards"] == [second["id"]]
    assert moved["dashboard_tiles"][0]["dashboard_id"] == second["id"]
    assert _tiles(api, first) == []
    back = api.patch(path, {"dashboards": [first["id"], second["id"]]})
    assert sorted(back["dashboards"]) == [first["id"], second["id"]]
    assert len(_tiles(api, first)) == 1


def test_the_dashboards_of_an_insight_are_answered_on_request(api: Api) -> None:
    dashboard = api.dashboard()["id"]
    query = trends()
    made = api.post("insights/?include_dashboards=1", {"query": query, "dashboards": [dashboard]})
    assert made["dashboards"] == [dashboard]
    path, tile = f"insights/{made['id']}/", f"dashboards/{dashboard}/"
    lists = f"insights/?short_id={made['short_id']}", f"insights/?short_id={made['short_id']}&basic=true"

    def answers(asked: str) -> list[Any]:
        return [
            api.get(f"{path}?{asked}"),
            api.patch(f"{path}?{asked}", {"name": "n"}),
            api.get(f"{tile}?{asked}")["tiles"][0]["insight"],
            *(api.get(f"{each}&{asked}")["results"][0] for each in lists),
        ]

    for shown in answers(""):
        assert "dashboards" not in shown
        assert [each["dashboard_id"] for each in shown["dashboard_tiles"]] == [dashboard]
    assert [shown["dashboards"] for shown in answers("include_dashboards=true")] == [[dashboard]] * 5
    with api.setting(insight_dashboards="served"):
        assert [shown["dashboards"] for shown in answers("")] == [[dashboard]] * 5
        assert api.post("insights/", {"query": query, "dashboards": [dashboard]})["dashboards"] == [dashboard]


def test_an_unknown_or_deleted_dashboard_is_refused(api: Api) -> None:
    assert refusal(api("POST", "insights/", {"dashboards": [999999]}))[:2] == (400, "does_not_exist")
    dashboard = api.dashboard()
    api.patch(f"dashboards/{dashboard['id']}/", {"deleted": True})
    assert refusal(api("POST", "insights/", {"dashboards": [dashboard["id"]]}))[2] == "Dashboard not found"


def test_tiles_are_dropped_when_a_dashboard_is_made(api: Api) -> None:
    assert api.dashboard(tiles=[{"text": {"body": "x"}}])["tiles"] == []


def test_items_without_a_known_tile_are_skipped_and_insight_is_ignored(api: Api) -> None:
    dashboard, insight = api.dashboard(), api.insight()
    sent = [{"id": 999999, "layouts": _place(0, 0)}, {"layouts": _place(0, 0)}, {"insight": {"id": insight["id"]}}]
    assert api.patch(f"dashboards/{dashboard['id']}/", {"tiles": sent})["tiles"] == []


def test_a_patch_of_tiles_leaves_the_others_alone(api: Api) -> None:
    dashboard = api.dashboard()
    for _ in range(2):
        api.insight(dashboards=[dashboard["id"]])
    first, second = _tiles(api, dashboard)
    after = api.patch(
        f"dashboards/{dashboard['id']}/", {"tiles": [{"id": first["id"], "layouts": _place(6, 0), "color": "blue"}]}
    )
    placed = {tile["id"]: tile for tile in after["tiles"]}
    assert (placed[first["id"]]["layouts"], placed[first["id"]]["color"]) == (_place(6, 0), "blue")
    assert placed[second["id"]] == second
    cleared = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"id": first["id"], "color": ""}]})
    assert {tile["id"]: tile["color"] for tile in cleared["tiles"]}[first["id"]] == ""


def test_a_text_without_a_tile_id_is_a_new_tile_each_time(api: Api) -> None:
    dashboard = api.dashboard()
    for _ in range(2):
        after = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"text": {"body": "## Hello"}}]})
    assert [tile["text"]["body"] for tile in after["tiles"]] == ["## Hello", "## Hello"]


def test_a_text_with_a_tile_id_only_gets_a_new_row(api: Api) -> None:
    dashboard = api.dashboard()
    body = {"tiles": [{"text": {"body": "one"}}]}
    tile = api.patch(f"dashboards/{dashboard['id']}/", body)["tiles"][0]
    kept = {"tiles": [{"id": tile["id"], "text": {"id": tile["text"]["id"], "body": "two"}}]}
    same = api.patch(f"dashboards/{dashboard['id']}/", kept)["tiles"][0]
    assert (same["text"]["id"], same["text"]["body"]) == (tile["text"]["id"], "two")
    fresh = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"id": tile["id"], "text": {"body": "three"}}]})
    assert fresh["tiles"][0]["id"] == tile["id"]
    assert fresh["tiles"][0]["text"]["id"] != tile["text"]["id"]


def test_a_text_with_an_unknown_tile_id_takes_that_id(api: Api) -> None:
    dashboard = api.dashboard()
    after = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"id": 777001, "text": {"body": "x"}}]})
    assert [tile["id"] for tile in after["tiles"]] == [777001]
    answer = api("PATCH", f"dashboards/{dashboard['id']}/", {"tiles": [{"text": {"id": 999999, "body": "x"}}]})
    assert refusal(answer)[2] == "Text tile not found in this team."


def test_tiles_come_in_the_order_of_the_page(api: Api) -> None:
    dashboard = api.dashboard()
    sent = [
        {"text": {"body": body}, "layouts": layout}
        for body, layout in (("low", _place(0, 5)), ("right", _place(6, 0)), ("left", _place(0, 0)))
    ]
    after = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": sent})
    assert [tile["text"]["body"] for tile in after["tiles"]] == ["left", "right", "low"]


def test_a_text_is_modified_by_somebody_where_its_author_is_sent(api: Api) -> None:
    dashboard = api.dashboard()
    path = f"dashboards/{dashboard['id']}/"
    tile = api.patch(path, {"tiles": [{"text": {"body": "a"}}]})["tiles"][0]
    assert tile["text"]["last_modified_by"] is None
    anew = api.patch(path, {"tiles": [{"id": tile["id"], "text": {"id": tile["text"]["id"], "body": "b"}}]})
    assert anew["tiles"][0]["text"]["last_modified_by"] is None
    whole = api.patch(path, {"tiles": [{**tile, "text": {**tile["text"], "body": "c"}}]})
    assert whole["tiles"][0]["text"]["last_modified_by"]["id"] == 1


def test_an_unknown_filter_breaks_a_dashboard_once_it_shows_an_insight(api: Api) -> None:
    dashboard = api.dashboard(filters={"date_from": "-7d"})
    path = f"dashboards/{dashboard['id']}/"
    assert api.patch(path, {"filters": {"colour": "red"}})["persisted_filters"] == {"colour": "red"}
    assert api.get(path)["filters"] == {"colour": "red"}, "it shows nothing yet"
    insight = api.insight(dashboards=[dashboard["id"]])
    failed = (500, "error", "A server error occurred.", None)
    assert refusal(api("GET", path)) == failed
    assert refusal(api("PATCH", path, {"name": "written"})) == failed
    assert refusal(api("GET", f"{path}run_insights/")) == failed
    assert dashboard["id"] in [each["id"] for each in api.get("dashboards/")["results"] if each["name"] == "written"]
    shown = api.get(f"insights/{insight['id']}/")["dashboard_tiles"]
    assert [tile["dashboard_id"] for tile in shown] == [dashboard["id"]], "the insight itself is read"
    assert len(api.patch(path, {"filters": {"date_from": "-1d"}})["tiles"]) == 1, "what is written then is known again"


def test_the_insights_of_a_dashboard_are_run(api: Api) -> None:
    dashboard = api.dashboard()
    api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"text": {"body": "no insight"}}]})
    query = {"kind": "HogQLQuery", "query": "SELECT 2"}
    insight = api.insight(query=query, dashboards=[dashboard["id"]])
    run = api.get(f"dashboards/{dashboard['id']}/run_insights/")["results"]
    assert [each["insight"] for each in run] == [
        {"id": insight["id"], "short_id": insight["short_id"], "name": insight["name"], "derived_name": None,
         "result": [[2]]}
    ]  # fmt: skip


def test_filters_of_the_dashboard_are_merged_into_the_tiles_queries(api: Api) -> None:
    dashboard = api.dashboard(filters={"date_from": "-30d", "properties": [{"key": "a", "value": 1, "type": "event"}]})
    own = [{"key": "b", "value": 2, "type": "event"}]
    insight = api.insight(query=trends(properties=own), dashboards=[dashboard["id"]])
    source = _tiles(api, dashboard)[0]["insight"]["query"]["source"]
    assert source["dateRange"] == {"date_from": "-30d", "date_to": None, "explicitDate": None}
    assert [group["values"] for group in source["properties"]["values"]] == [
        own,
        [{"key": "a", "value": 1, "type": "event"}],
    ]
    assert source["breakdownFilter"] is None, "every known field is there, as null"
    assert source["series"][0]["math"] is None
    assert api.get(f"insights/{insight['id']}/")["query"]["source"]["properties"] == own


def test_without_filters_a_tile_shows_the_query_as_it_is(api: Api) -> None:
    dashboard = api.dashboard()
    insight = api.insight(dashboards=[dashboard["id"]])
    assert _tiles(api, dashboard)[0]["insight"]["query"] == insight["query"]


def test_empty_filters_are_ignored_and_nulls_clear(api: Api) -> None:
    dashboard = api.dashboard(filters={"date_from": "-30d"})
    path = f"dashboards/{dashboard['id']}/"
    assert api.patch(path, {"filters": {}})["persisted_filters"] == {"date_from": "-30d"}
    nulls = {"date_from": None, "date_to": None, "properties": None}
    assert api.patch(path, {"filters": nulls})["persisted_filters"] == nulls
    assert api.dashboard()["persisted_filters"] is None


def test_a_filters_override_shows_in_filters_only(api: Api) -> None:
    dashboard = api.dashboard(filters={"date_from": "-30d"})
    shown = api.get(f"dashboards/{dashboard['id']}/" + '?filters_override={"date_from":"-7d"}')
    assert (shown["filters"], shown["persisted_filters"]) == ({"date_from": "-7d"}, {"date_from": "-30d"})


def test_every_get_moves_last_accessed_at(api: Api) -> None:
    dashboard = api.dashboard()
    first = api.get(f"dashboards/{dashboard['id']}/")["last_accessed_at"]
    assert api.get(f"dashboards/{dashboard['id']}/")["last_accessed_at"] > first


def test_the_list_has_no_details_and_pinned_first(api: Api) -> None:
    pinned = api.dashboard(name="ZZZ", pinned=True)
    first = api.get("dashboards/?limit=1")["results"][0]
    assert first["id"] == pinned["id"]
    assert not {"tiles", "filters", "variables", "persisted_filters", "breakdown_colors", "quick_filter_ids"} & set(
        first
    )


def test_deleting_a_dashboard_takes_its_tiles_and_restoring_brings_all_back(api: Api) -> None:
    dashboard = api.dashboard()
    insight = api.insight(dashboards=[dashboard["id"]])
    removed = api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"text": {"body": "removed before"}}]})["tiles"]
    text = next(tile for tile in removed if tile["text"])
    api.patch(f"dashboards/{dashboard['id']}/", {"tiles": [{"id": text["id"], "deleted": True}]})
    api.patch(f"dashboards/{dashboard['id']}/", {"deleted": True, "delete_insights": True})
    assert api("GET", f"dashboards/{dashboard['id']}/").status_code == 404
    assert api("GET", f"insights/{insight['id']}/").status_code == 404
    restored = api.patch(f"dashboards/{dashboard['id']}/", {"deleted": False})
    assert {bool(tile["text"]) for tile in restored["tiles"]} == {True, False}
    assert api.get(f"insights/{insight['id']}/?include_dashboards=true")["dashboards"] == [dashboard["id"]]


def test_delete_insights_spares_those_on_another_dashboard(api: Api) -> None:
    dashboard, other = api.dashboard(), api.dashboard()
    insight = api.insight(dashboards=[dashboard["id"], other["id"]])
    api.patch(f"dashboards/{dashboard['id']}/", {"deleted": True, "delete_insights": True})
    assert api.get(f"insights/{insight['id']}/?include_dashboards=true")["dashboards"] == [other["id"]]


def test_a_restricted_dashboard_refuses_other_members(api: Api) -> None:
    dashboard = api.dashboard(restriction_level=37)
    assert api.colleague()("PATCH", f"dashboards/{dashboard['id']}/", {"name": "x"}).status_code == 403


def test_both_prefixes_show_the_same(api: Api) -> None:
    insight = api.insight()
    older = f"/api/environments/{api.sandbox.project_id}/insights/{insight['id']}/"
    assert api.get(older)["query"] == insight["query"]
    assert api("GET", f"/api/environments/{api.sandbox.project_id}/feature_flags/").status_code == 404


def test_insight_lists_are_filtered(api: Api) -> None:
    dashboard = api.dashboard()
    insight = api.insight(dashboards=[dashboard["id"]], tags=["rare"], favorited=True)
    for query in ("tags=rare", f"dashboards=[{dashboard['id']}]", f"search={insight['name']}", "favorited=true"):
        found = api.get(f"insights/?basic=true&{query}")["results"]
        assert insight["id"] in [each["id"] for each in found], query
    assert "hogql" not in found[0]


def test_pages_of_insights_are_in_no_order_unless_asked_for(api: Api) -> None:
    """They are by a column that is null: nothing says that what one page left out is on the next."""
    made = [api.insight()["id"] for _ in range(3)]

    def paged(query: str) -> list[int]:
        path, found = f"insights/?limit=1{query}", []
        while path:
            page = api.get(path)
            found += [each["id"] for each in page["results"]]
            path = (page["next"] or "").removeprefix(api.url)
        return found

    assert sorted(set(made) - set(paged(""))) != []
    assert [each for each in paged("&order=id") if each in made] == made
    assert [each for each in paged("&order=-id") if each in made] == made[::-1]
