"""The route that is found by a word of the path is the one that trying all of them finds."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.routing import BaseRoute, Match, Mount, Route

from sandbox.app import routes
from sandbox.wire.routing import ByWord

PROJECT = next(route for route in routes() if isinstance(route, Mount) and route.path == "/api/projects/{project}")
[MOUNTED] = PROJECT.routes
assert isinstance(MOUNTED, ByWord)


def tried(tables: Sequence[BaseRoute], scope: dict[str, Any]) -> BaseRoute | None:
    """The first route that takes the path and the method, else the first that takes the path."""
    found = [(route.matches(scope)[0], route) for route in tables]
    return next((route for wanted in (Match.FULL, Match.PARTIAL) for match, route in found if match is wanted), None)


@pytest.mark.parametrize(
    ("tables", "root"),
    [(routes(), ""), ([route for _, route in MOUNTED.routes], "/api/projects/1")],
    ids=["all", "of a project"],
)
def test_the_word_of_a_path_leads_where_trying_all_routes_does(tables: list[BaseRoute], root: str) -> None:
    known = [re.sub(r"\{\w+\}", "1", route.path) for route in tables if isinstance(route, Route)]
    assert len(known) > 75
    by_word = ByWord(tables)
    for path in (*known, "/api/projects/1/feature_flags/1/activity", "/api", "/nowhere", "/"):
        for method in ("GET", "POST", "DELETE"):
            scope = {"type": "http", "method": method, "path": root + path, "root_path": root}
            assert by_word.matches(scope)[1].get("sandbox.route") is tried(tables, scope), (method, path)
