"""Paging, tags and the activity log, which all kinds share."""

from typing import Any

from sandbox.tests.shapes import Api, name


def _walk(api: Api, first: str) -> list[Any]:
    pages, address = [], api.base + first
    while address:
        page = api.session.get(address, timeout=10).json()
        pages.append(page)
        address = page["next"]
    return pages


def test_pages_are_joined_by_absolute_links(api: Api) -> None:
    made = [api.flag(tags=["paged"])["id"] for _ in range(5)]
    pages = _walk(api, 'feature_flags/?limit=2&tags=["paged"]')
    assert [len(page["results"]) for page in pages] == [2, 2, 1]
    assert {page["count"] for page in pages} == {5}
    assert sorted(flag["id"] for page in pages for flag in page["results"]) == sorted(made)
    assert pages[0]["previous"] is None
    assert pages[1]["previous"].startswith(api.base + "feature_flags/?")
    assert "offset" not in pages[1]["previous"]


def test_a_page_has_100_objects_by_default(api: Api) -> None:
    for _ in range(101):
        api.post("dashboards/", {"name": name("many")})
    page = api.get("dashboards/")
    assert len(page["results"]) == 100
    assert page["next"] == f"{api.base}dashboards/?limit=100&offset=100"


def test_tags_are_stripped_lowered_and_unordered(api: Api) -> None:
    tags = api.flag(tags=[" B", "a", "b", "C "])["tags"]
    assert sorted(tags) == ["a", "b", "c"]


def test_a_patch_without_tags_keeps_them_and_an_empty_list_clears(api: Api) -> None:
    flag = api.flag(tags=["kept"])
    assert api.patch(f"feature_flags/{flag['id']}/", {"name": "n"})["tags"] == ["kept"]
    assert api.patch(f"feature_flags/{flag['id']}/", {"tags": []})["tags"] == []


def test_timestamps_are_utc_with_microseconds(api: Api) -> None:
    created = api.flag()["created_at"]
    assert created.endswith("Z")
    assert len(created) == len("2026-09-01T12:00:00.123456Z")


def test_an_update_is_logged_with_before_and_after(api: Api) -> None:
    flag = api.flag(name="old")
    api.patch(f"feature_flags/{flag['id']}/", {"name": "new"})
    page = api.get(f"feature_flags/{flag['id']}/activity/")
    assert page["total_count"] == 2
    updated, created = page["results"]
    assert (created["activity"], updated["activity"]) == ("created", "updated")
    assert (updated["scope"], updated["item_id"]) == ("FeatureFlag", str(flag["id"]))
    assert updated["detail"]["name"] == flag["key"]
    change = {"type": "FeatureFlag", "action": "changed", "field": "name", "before": "old", "after": "new"}
    assert change in updated["detail"]["changes"]


def test_an_update_that_changes_nothing_is_not_logged(api: Api) -> None:
    dashboard = api.dashboard(name="same")
    api.patch(f"dashboards/{dashboard['id']}/", {"name": "same"})
    assert len(api.get(f"activity_log/?scope=Dashboard&item_id={dashboard['id']}")["results"]) == 1


def test_the_activity_log_is_filtered_by_scope_and_item(api: Api) -> None:
    cohort = api.cohort()
    page = api.get(f"activity_log/?scope=Cohort&item_id={cohort['id']}")
    assert [entry["activity"] for entry in page["results"]] == ["created"]


def test_the_activity_log_goes_by_cursor(api: Api) -> None:
    for _ in range(3):
        api.cohort()
    first = api.get("activity_log/?scope=Cohort&page_size=2")
    assert "cursor=" in first["next"]
    assert "count" not in first
    second = api.session.get(first["next"], timeout=10).json()
    assert not {entry["id"] for entry in first["results"]} & {entry["id"] for entry in second["results"]}
