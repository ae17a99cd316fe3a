"""What a dashboard's tiles are, from PostHog's answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from ai_admin.numbers.dashboards import Board, Wanted, boards
from ai_admin.numbers.drawing import write
from providers.posthog.client import Client
from providers.posthog.errors import ApiError


class PostHog:
    """A dashboard with insights of these names, whose queries all have an answer."""

    def __init__(self, *names: str) -> None:
        insights = [{"name": name, "short_id": f"id{n}", "query": {"kind": "X"}} for n, name in enumerate(names)]
        self.fails = False
        self.dashboard = {"id": 1, "name": "Cost", "tiles": [{"insight": each} for each in insights]}

    def project_path(self, path: str) -> str:
        return path

    def pages(self, _path: str, _params: dict[str, str]) -> Iterator[dict[str, Any]]:
        yield self.dashboard

    def get(self, _path: str) -> dict[str, Any]:
        return self.dashboard

    def request(self, _method: str, _path: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.refresh = body["refresh"]
        if self.fails:
            raise ApiError("no", 500)
        return {"results": [], "last_refresh": "2026-11-27T23:34:00Z", "is_cached": True, "timezone": "Asia/Kolkata"}


def test_insights_of_one_name_are_told_apart() -> None:
    there = PostHog("Spend per day", "Spend per day", "spend/per day", "Runs")
    [board] = boards(cast(Client, there), [Wanted("dashboard", "cost", "Cost")], {"Spend per day": "ai-spend"}, {})
    assert isinstance(board, Board)
    assert [each.key for each in board.tiles] == ["ai-spend", "ai-spend-id1", "spend-per-day", "runs"]


@pytest.mark.parametrize(("later", "told"), [(20, True), (900, True), (0, False)])
def test_numbers_that_posthog_has_kept_say_when_they_were_computed(tmp_path: Path, later: int, told: bool) -> None:
    computed = datetime(2026, 11, 27, 23, 34, tzinfo=UTC)
    [board] = boards(cast(Client, PostHog("Runs")), [Wanted("dashboard", "cost", "Cost")], {}, {})
    assert isinstance(board, Board)
    asked = computed + timedelta(minutes=later)
    written = write(board, tmp_path, ["html"], None, "stack sandbox", asked)
    assert (written.kept_since == computed.isoformat()) is told
    assert [each.computed for each in written.insights] == [computed.isoformat()]
    page = (tmp_path / "cost.html").read_text("utf-8")
    assert ("computed on 27 Nov 2026 23:34 UTC" in page) is told
    assert '<p class="chart-note">stack sandbox, days and hours of Asia/Kolkata</p>' in page


def test_numbers_are_computed_anew_where_that_is_asked_for() -> None:
    there = PostHog("Runs")
    for fresh, refresh in ((True, "force_blocking"), (False, "blocking")):
        [*boards(cast(Client, there), [Wanted("dashboard", "cost", "Cost")], {}, {}, fresh)]
        assert there.refresh == refresh


def test_numbers_of_an_earlier_run_do_not_stay_where_a_query_fails(tmp_path: Path) -> None:
    there, asked = PostHog("Runs"), datetime(2026, 11, 28, tzinfo=UTC)
    (tmp_path / "cost").mkdir()
    files = {name: tmp_path / "cost" / name for name in ("runs.csv", "runs.svg", "runs-dark.svg", "others.csv")}
    for there.fails, stay in ((False, [*files]), (True, ["others.csv"])):
        for each in files.values():
            each.write_text("old")
        [board] = boards(cast(Client, there), [Wanted("dashboard", "cost", "Cost")], {}, {})
        assert isinstance(board, Board)
        write(board, tmp_path, ["csv", "svg"], None, "stack sandbox", asked)
        assert [name for name, path in files.items() if path.exists()] == stay
