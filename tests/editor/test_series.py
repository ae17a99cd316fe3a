"""Inside every `series:` an editor proposes, explains and underlines, as everywhere else. Daily loop G1."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent

import pytest

from tests.editor.language_server import LanguageServer

HEAD = """\
# yaml-language-server: $schema=../schemas/dashboard.schema.json
key: board
name: Board
tiles:
  - insight:
      key: runs
      name: Runs
"""
PLACES = {
    "trends": "trends:\n  series:\n",
    "funnel": "funnel:\n  series:\n    - event: ai_used\n",
    "stickiness": "stickiness:\n  series:\n",
    "lifecycle": "lifecycle:\n  series:\n",
    **{
        node: f"query:\n  kind: InsightVizNode\n  source:\n    kind: {node}\n    series:\n"
        for node in ("TrendsQuery", "FunnelsQuery", "StickinessQuery", "LifecycleQuery")
    },
    "a group's nodes": "trends:\n  series:\n    - kind: GroupNode\n      operator: OR\n      nodes:\n",
}
FILTERS = {
    "a list": "properties:\n  - ",
    "a tree": "properties:\n  type: AND\n  values:\n    - type: OR\n      values:\n        - ",
}


def series(place: str, item: str) -> str:
    """Return a dashboard with an item at the end of a series."""
    start = PLACES[place]
    last = next(line for line in reversed(start.splitlines()) if line.endswith(":"))
    depth = " " * (len(last) - len(last.lstrip()) + 2)
    return HEAD + indent(start + indent(item, depth), " " * 6)


def filter_is_completed(editor: LanguageServer, start: str, placed: Callable[[str], str]) -> None:
    """Assert that a property filter after ``start`` is proposed and checked; ``placed`` makes it a dashboard."""
    column = len(start.rsplit("\n", 1)[-1])

    def lines(*fields: str) -> str:
        return placed(start + ("\n" + " " * column).join(fields))

    assert editor.completions("dashboards", lines("type: ▮")).keys() >= {"event", "person", "cohort"}
    assert editor.completions("dashboards", lines("type: event", "▮")).keys() >= {"key", "operator", "value"}
    assert editor.completions("dashboards", lines("type: event", "key: model", "operator: ▮")).keys() >= {"icontains"}
    found = editor.problems("dashboards", lines("type: event", "key: model", "operator: contain", "value: r1"))
    assert any(problem.startswith("contain: ") for problem in found), found


@pytest.mark.parametrize("place", PLACES)
class TestSeries:
    def test_the_keys_are_proposed(self, editor: LanguageServer, place: str) -> None:
        proposed = editor.completions("dashboards", series(place, "- event: ai_used\n  ▮"))
        assert proposed.keys() >= {"math", "math_property", "properties", "custom_name"}
        assert proposed["math"].startswith("What is computed per interval")

    def test_a_key_is_explained(self, editor: LanguageServer, place: str) -> None:
        assert "The name of the event" in editor.hover("dashboards", series(place, "- eve▮nt: something"))

    def test_values_are_proposed(self, editor: LanguageServer, place: str) -> None:
        proposed = editor.completions("dashboards", series(place, "- event: ai_used\n  math: ▮"))
        assert proposed.keys() >= {"total", "dau", "sum"}

    def test_a_wrong_value_is_underlined(self, editor: LanguageServer, place: str) -> None:
        found = editor.problems("dashboards", series(place, "- event: ai_used\n  math: summ"))
        assert any(problem.startswith("summ: Value is not accepted") for problem in found), found

    def test_a_wrong_key_is_underlined(self, editor: LanguageServer, place: str) -> None:
        found = editor.problems("dashboards", series(place, "- event: ai_used\n  custom_nam: Runs"))
        assert "custom_nam: Property custom_nam is not allowed." in found

    def test_filters_inside_are_completed(self, editor: LanguageServer, place: str) -> None:
        start = "- event: ai_used\n" + indent(FILTERS["a list"], "  ")
        filter_is_completed(editor, start, lambda text: series(place, text))


@pytest.mark.parametrize("shape", FILTERS)
@pytest.mark.parametrize("kind", ["trends", "funnel", "stickiness", "lifecycle", "retention", "paths"])
def test_filters_of_the_whole_are_completed(editor: LanguageServer, kind: str, shape: str) -> None:
    start = f"{kind}:\n" + indent(FILTERS[shape], "  ")
    filter_is_completed(editor, start, lambda text: HEAD + indent(text, " " * 6))


def test_a_right_file_has_nothing_underlined(editor: LanguageServer) -> None:
    assert editor.problems("dashboards", series("trends", "- {event: ai_used, math: sum, math_property: tokens}")) == []


@pytest.mark.parametrize("kind", ["trends", "funnel", "stickiness", "lifecycle"])
def test_what_stands_beside_the_series_is_completed(editor: LanguageServer, kind: str) -> None:
    def proposed(field: str) -> set[str]:
        return {*editor.completions("dashboards", f"{HEAD}      {kind}:\n        {field}: ▮")}

    assert proposed("interval") >= {"day", "week"}
    assert proposed("filterTestAccounts") >= {"true", "false"}
