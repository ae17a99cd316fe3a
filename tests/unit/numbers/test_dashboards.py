"""What a dashboard's tiles are, from PostHog's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ai_admin.numbers.dashboards import Board, Wanted, boards
from providers.posthog.client import Client


class PostHog:
    """A dashboard with insights of these names, whose queries all have an answer."""

    def __init__(self, *names: str) -> None:
        insights = [{"name": name, "short_id": f"id{n}", "query": {"kind": "X"}} for n, name in enumerate(names)]
        self.dashboard = {"id": 1, "name": "Cost", "tiles": [{"insight": each} for each in insights]}

    def project_path(self, path: str) -> str:
        return path

    def pages(self, _path: str, _params: dict[str, str]) -> Iterator[dict[str, Any]]:
        yield self.dashboard

    def get(self, _path: str) -> dict[str, Any]:
        return self.dashboard

    def request(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"results": []}


def test_insights_of_one_name_are_told_apart() -> None:
    there = PostHog("Spend per day", "Spend per day", "spend/per day", "Runs")
    [board] = boards(cast(Client, there), [Wanted("dashboard", "cost", "Cost")], {"Spend per day": "ai-spend"}, {})
    assert isinstance(board, Board)
    assert [each.key for each in board.tiles] == ["ai-spend", "ai-spend-id1", "spend-per-day", "runs"]
