"""A dashboard's page in headless Chromium: every kind of chart, by day and by night, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_admin.charts import Place, Tile, figure, html, page, tile
from sandbox.tests.browser.chromium import Browser, running_browser
from sandbox.tests.browser.test_pages import CONTRAST
from tools.pictures.examples import EXAMPLES

DESK, TABLET, PHONE = 1400, 900, 400
SIZES = {"number": (4, 3), "pie": (4, 4), "funnel": (4, 5), "table": (12, 5), "hours": (8, 5)}

OVERLAPS = """
const found = [];
for (const drawing of document.querySelectorAll('svg')) {
  if (!drawing.getClientRects().length) continue;
  const texts = [...drawing.querySelectorAll('text')].filter((each) => each.textContent.trim())
    .map((each) => [each.textContent, each.getBoundingClientRect()]);
  texts.forEach(([name, a], n) => texts.slice(n + 1).forEach(([other, b]) => {
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (width > 1 && height > 3) found.push([drawing.getAttribute('aria-label'), name, other]);
  }));
}
return found;
"""
CUT = """
return [...document.querySelectorAll('svg text')].filter((each) => each.getClientRects().length).filter((each) => {
  const text = each.getBoundingClientRect(), tile = each.closest('.tile').getBoundingClientRect();
  return text.left < tile.left || text.right > tile.right || text.bottom > tile.bottom;
}).map((each) => each.textContent)"""
SMALLEST = """
return Math.min(...[...document.querySelectorAll('svg text')].filter((each) => each.getClientRects().length)
  .map((each) => parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    tiles = [Tile(html("## All kinds\n![a picture](https://example.com/x.png)"), Place(0, 0, 12, 1))]
    for name, (title, pair) in EXAMPLES.items():
        width, height = SIZES.get(name, (6, 5))
        drawn = tile(figure(*pair), title, width, height)
        tiles.append(Tile(drawn, Place(0, 0, width, height), title, "What it says, and which alert watches it."))
    path = tmp_path_factory.mktemp("page") / "all.html"
    path.write_text(page("All kinds", tiles, "Made up, 27 Nov 2026"), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, TABLET, PHONE])
def test_every_drawing_can_be_read(browser: Browser, address: str, tmp_path: Path, width: int, dark: bool) -> None:
    browser.show(width, dark=dark)
    browser.open(address)
    browser.photograph(tmp_path / "page.png")
    assert browser.complaints() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(OVERLAPS) == []
    assert browser.run(CUT) == []
    assert browser.run(SMALLEST) >= 9
    contrast, text = browser.run(CONTRAST)
    assert contrast >= 4.5, text
    shown = "return [...document.querySelectorAll('.chart')].map((each) => [...each.querySelectorAll('svg')]"
    assert set(browser.run(f"{shown}.filter((svg) => svg.getClientRects().length).length)")) == {1}


def test_it_asks_nobody(browser: Browser, address: str) -> None:
    browser.open(address)
    assert browser.run("return performance.getEntriesByType('resource').map((each) => each.name)") == []


def test_night_is_dark(browser: Browser, address: str) -> None:
    grounds = []
    for dark in (False, True):
        browser.show(DESK, dark=dark)
        browser.open(address)
        grounds.append(browser.run("return getComputedStyle(document.querySelector('svg rect')).fill"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(28, 31, 39)"]
