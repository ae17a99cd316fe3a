"""Specifications that draw what a figure shows, SVG that says it, and HTML that is safe."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from ai_admin.charts import (
    DARK,
    LIGHT,
    Figure,
    NotInstalled,
    Place,
    Tile,
    figure,
    html,
    page,
    place,
    png,
    rendering,
    spec,
    style,
    svg,
    tile,
)
from ai_admin.charts.figures import Bar, Bars, Goal, Plot, Series, Table
from ai_admin.charts.plots import LETTER, ticks
from tests.support.sandbox import REPOSITORY
from tools.pictures.examples import EXAMPLES

EVIL = '<img src=x onerror="alert(1)"><script>alert(1)</script>\'"&amp;</svg>\\'


def of(name: str) -> Figure:
    query, answer = EXAMPLES[name][1]
    return figure(query, answer)


def rows(drawn: dict[str, Any], layer: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drawn["layer"][layer]["data"]["values"]
    return found


def texts(drawing: str) -> list[str]:
    return [unescape(each) for each in re.findall(r"<text[^>]*>([^<]*)</text>", drawing)]


def test_a_line_is_dashed_where_the_interval_is_not_over() -> None:
    drawn = spec(of("line"), LIGHT)
    encoding = drawn["layer"][0]["encoding"]
    assert encoding["strokeDash"]["scale"] == {"domain": ["whole", "open"], "range": [[1, 0], [4, 4]]}
    median = [row for row in rows(drawn) if row["series"] == 0]
    assert [row["at"] for row in median if row["part"] == "whole"] == list(range(29))
    assert [row["at"] for row in median if row["part"] == "open"] == [28, 29]
    assert encoding["color"]["scale"] == {"domain": [0, 1], "range": list(LIGHT.series[:2])}


def test_the_period_before_is_whole_and_fainter() -> None:
    drawn = spec(of("comparison"), DARK)
    assert {row["part"] for row in rows(drawn) if row["series"] == 1} == {"whole"}
    assert drawn["layer"][0]["encoding"]["color"]["scale"]["range"] == [DARK.colour(0), DARK.colour(0, before=True)]


def test_bars_are_stacked_or_side_by_side_and_weak_while_the_interval_is_not_over() -> None:
    stacked = spec(of("stacked-bar"), LIGHT)
    assert stacked["layer"][0]["encoding"]["y"]["stack"] == "zero"
    assert {row["at"] for row in rows(stacked) if row["strength"] < 1} == {29}
    plot = Plot(("1", "2"), (Series("A", (1, 2), 0), Series("B", (3, 4), 1)), "bar")
    assert spec(plot, LIGHT)["layer"][0]["encoding"]["xOffset"]["field"] == "series"


def zeros(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: zeros(item) for name, item in value.items()}
    if isinstance(value, list):
        return [*map(zeros, value)]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_but_zeros_is_drawn_as_well(name: str) -> None:
    query, answer = EXAMPLES[name][1]
    nothing = {part: zeros(value) if part == "results" else value for part, value in answer.items()}
    shown = tile(figure(query, nothing), "x")
    assert "NaN" not in shown


def test_the_axis_reaches_the_goal_and_below_zero() -> None:
    assert spec(of("line"), LIGHT)["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 5000]
    plot = Plot(("1", "2"), (Series("Spend", (1, 3), 0),), "bar", goals=(Goal("Most", 30), Goal("Ceiling", 200)))
    drawn = spec(plot, LIGHT)
    assert drawn["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 30], "nothing is seen of bars below 200"
    named = [layer["mark"]["text"] for layer in drawn["layer"] if layer["mark"]["type"] == "text"]
    assert named == ["Most: 30", "Ceiling: 200 ↑"]
    assert svg(drawn).count('<text paint-order="stroke"') == 2, "a ground below the letters of both"
    assert spec(of("lifecycle"), LIGHT)["layer"][0]["encoding"]["y"]["scale"]["domain"] == [-50, 200]


@pytest.mark.parametrize(
    ("low", "high", "whole", "found"),
    [
        (0, 0, True, [0, 1]),
        (0, 3, True, [0, 1, 2, 3]),
        (0, 0.13, False, [0, 0.05, 0.1, 0.15]),
        (-7, 0, True, [-8, -6, -4, -2, 0]),
        (0, 1e9, True, [0, 2e8, 4e8, 6e8, 8e8, 1e9]),
        (1e-7, 5e-7, False, [0, 1e-7, 2e-7, 3e-7, 4e-7, 5e-7]),
    ],
)
def test_ticks_are_round(low: float, high: float, whole: bool, found: list[float]) -> None:
    assert ticks(low, high, whole) == pytest.approx(found)


def test_labels_are_as_far_apart_as_they_are_long() -> None:
    for width in (380, 640, 1300):
        axis = spec(of("hours"), LIGHT, width)["layer"][0]["encoding"]["x"]["axis"]
        assert axis["values"][-1] == 71
        gap = min(later - earlier for earlier, later in pairwise(axis["values"]))
        assert gap * (width - 50) / 72 > len("26 Nov 02:00") * 7 * 1.5


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_kind_is_drawn_with_its_texts(name: str) -> None:
    drawing = svg(spec(of(name), LIGHT, 640, 220), EXAMPLES[name][0])
    said = texts(drawing)
    for wanted in SAID[name]:
        assert wanted in said
    assert f'<svg role="img" aria-label="{EXAMPLES[name][0]}" ' in drawing
    assert " id=" not in drawing, "two drawings on a page may not share ids"
    assert len(drawing) < 60_000


SAID = {
    "line": ["5,000", "27 Nov", "Median", "95th percentile", "Standard limit: 4,096"],
    "hours": ["0%", "15%", "Alert: 5%", "27 Nov 11:00", "Europe/Berlin"],
    "comparison": ["Runs", "Runs (before)"],
    "area": ["2M", "deepseek-chat-v3", "none"],
    "bar": ["$200", "Daily ceiling: $200", "27 Nov"],
    "stacked-bar": ["500K", "deepseek-chat-r1"],
    "bar-value": ["deepseek-chat-v3", "$1,840.5"],
    "pie": ["deepseek-chat-v3  $1,840.5 (65.9%)"],
    "number": ["$2,792.75", "up 14.0% from $2,450 before"],
    "table": ["installation", "inst-0003", "3.29M", "$270.80"],
    "funnel": ["2. Ran again", "176 (95.7%), 3s"],
    "funnel-trends": ["100%", "27 Nov"],
    "retention": ["Week 0", "Mean", "9 Oct  120", "75.0%", "33.3%*"],
    "stickiness": ["1 day", "7 days", "40"],
    "lifecycle": ["-50", "returning", "dormant", "27 Nov"],
    "paths": ["1. Search → Answer", "640, 4s"],
    "failed": ["The query failed: Unknown table `evnts`. Did you mean `events`?"],
}


def test_a_picture_is_a_png_of_twice_the_pixels() -> None:
    picture = png(svg(spec(of("number"), LIGHT, 400)))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == 800


def test_a_tile_has_a_drawing_for_each_width_with_colours_that_follow_the_theme() -> None:
    made = tile(of("line"), "Tokens per run")
    assert made.count("<svg ") == 2
    assert "var(--chart-0)" in made
    assert re.findall(r'="#[0-9a-f]{6}"', made) == []
    assert tile(of("pie"), "Spend", columns=3).count("<svg ") == 1
    used = set(re.findall(r"var\((--chart-[\w-]+)\)", "".join(tile(of(name), name) for name in EXAMPLES)))
    assert used <= set(re.findall(r"(--chart-[\w-]+):", style()))


@pytest.mark.parametrize("name", ["#abcdef", LIGHT.ink])
def test_an_insight_may_be_called_as_a_colour_is_written(name: str) -> None:
    assert f'aria-label="{name}"' in tile(of("line"), name)


def test_tables_grids_numbers_and_failures_are_html() -> None:
    assert '<td class="number">$812.40</td>' in tile(of("table"), "Top")
    assert '<td class="open" style="--shade: 21%">33.3%</td>' in tile(of("retention"), "Weekly")
    assert tile(of("number"), "Spend").startswith('<p class="chart-number">$2,792.75</p>')
    assert tile(of("failed"), "x").startswith('<p class="chart-failed">The query failed: Unknown table')


def test_a_long_text_leaves_room_for_the_other_columns() -> None:
    name = "n" * 200
    table = Table(("installation", "tokens"), ((name, "1,234,567"), ("b", "2")), (), (False, True))
    cells = [row for layer in range(2) for row in rows(spec(table, LIGHT, 480), layer)]
    limits = {row["text"]: row["limit"] for row in cells}
    assert limits["1,234,567"] >= len("1,234,567") * LETTER
    assert 200 < limits[name] < 480
    assert f'<td title="{name}">{name}</td><td class="number">1,234,567</td>' in tile(table, "Top")


def test_names_cannot_break_out() -> None:
    plot = Plot((EVIL, "2"), (Series(EVIL, (1, 2), 0), Series("B", (3, 4), 1)))
    for made in (
        tile(plot, EVIL),
        tile(Bars((Bar(EVIL, 1, "1", 1),)), EVIL),
        tile(Bars((Bar(EVIL, 1, "1", 1),), pie=True), EVIL),
    ):
        assert re.findall(r"<(?:img|script)", made) == []
        assert any(text.startswith(EVIL[:40]) for text in texts(made))
    whole = page(EVIL, [Tile(html(EVIL), Place(0, 0, 6, 5), EVIL, EVIL)], EVIL)
    assert re.findall(r"<(?:img|script)", whole) == []


def test_texts_are_markdown_without_requests() -> None:
    made = html(
        "## Cost\n**bold** [docs](https://posthog.com) [bad](javascript:alert(1)) ![x](https://x.example/y.png)"
    )
    assert "<h2>Cost</h2>" in made
    assert '<a href="https://posthog.com">docs</a>' in made
    assert "<img" not in made
    assert 'href="javascript' not in made


def test_a_page_asks_nobody_and_has_its_tiles_in_their_places() -> None:
    made = page("AI usage", [Tile("x", Place(1, 2, 6, 5), "Runs"), Tile("<h2>T</h2>", Place(0, 0, 12, 1))], "from here")
    assert "default-src 'none'" in made
    assert re.findall(r"(?:src|href|url)\W+(?!data:)https?:", made) == []
    assert 'style="grid-column: 1 / span 6; grid-row: 2 / span 5"' in made
    assert 'style="grid-column: span 12; grid-row: span 1"' in made
    assert "prefers-color-scheme: dark" in made
    assert "prefers-color-scheme" not in page("AI usage", [], "", DARK)


def test_layouts_that_are_no_layouts_have_a_place_too() -> None:
    assert place({"sm": {"x": 6, "y": 3, "w": 6, "h": 4}}) == Place(7, 4, 6, 4)
    odds: tuple[Any, ...] = (
        None,
        [],
        {"sm": None},
        {"sm": {"x": 9, "y": 0, "w": 6}},
        {"sm": {"x": "1", "y": True, "w": None}},
    )
    for odd in odds:
        assert place(odd) == Place(0, 0, 6, 5)
    assert place({"sm": {"w": 99, "h": 0}}) == Place(0, 0, 12, 1)


@pytest.mark.parametrize(
    ("package", "draw"), [("vl_convert", lambda: tile(of("line"), "x")), ("markdown_it", lambda: html("x"))]
)
def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, package: str, draw: Callable[[], str]) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(rendering, "_converter", rendering._converter.__wrapped__)
    rendering._drawn.cache_clear()
    with pytest.raises(NotInstalled, match="make setup FOR=sandbox"):
        draw()


def test_the_documentation_has_a_small_picture_of_every_kind() -> None:
    pictures = {path.stem: path.stat().st_size for path in (REPOSITORY / "docs" / "pictures").iterdir()}
    shown = (REPOSITORY / "docs" / "numbers.md").read_text("utf-8")
    assert set(pictures) == set(EXAMPLES) == set(re.findall(r"\(pictures/([\w-]+)\.svg\)", shown))
    assert max(pictures.values()) < 60_000
