"""A plan's comment in headless Chromium, as a pull request shows it: what people read, and nothing that runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ai_admin.review.markdown import markdown
from ai_admin.review.report import Report
from sandbox.tests.browser.chromium import Browser, running_browser
from tests.unit.review.test_forms import NASTY, by_hand, entry, report

STYLE = "body{font:14px sans-serif;width:760px;margin:2em} blockquote{border-left:4px solid #c33;padding-left:1em}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def shown(browser: Browser, found: Report) -> str:
    """Show a report's comment, and return what a person reads."""
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown(found))
    page = f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{html}"
    browser.open(f"data:text/html;base64,{b64encode(page.encode()).decode()}")
    browser.show(800)
    return browser.text()


def example() -> Report:
    return report(
        entry(1, 'condition "Everybody else, by and by" from 50 % to 100 %: about 1,240 of 5,000 persons more'),
        *(entry(n, "description from Before to After") for n in range(2, 30)),
        by_hand(40, 'condition "Everybody" from 50 % to 10 %'),
        refused=("flag/flag-1: goes from 50 % to 100 %; add rollout/flag-1/50-100 to ai-admin:consent",),
        unowned={"flag": 3, "insight": 12},
    )


def test_a_comment_is_read_from_the_refusals_to_what_is_folded(browser: Browser, tmp_path: Path) -> None:
    text = shown(browser, example())
    browser.photograph(tmp_path / "comment.png")
    order = ["Refused, so that", "rollout/flag-1/50-100", "Changed on PostHog's pages", "by ana@example.com on 12 Nov",
             '"Everybody else, by and by" from 50 % to 100 %', "19 more", "3 flags, 12 insights"]  # fmt: skip
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "flag-29" not in text
    browser.run("document.querySelector('details').open = true")
    assert "flag-29" in browser.text()
    assert browser.run("return document.querySelectorAll('li').length") == 60


def test_what_people_wrote_is_shown_as_they_wrote_it(browser: Browser) -> None:
    text = shown(browser, report(entry(1, NASTY), by_hand(2, NASTY), warnings=(NASTY,), refused=(NASTY,)))
    assert text.count(" ".join(NASTY.split())) == 4
    made = "return [...document.querySelectorAll('script, img, a, h1, em, del')].map(each => each.outerHTML)"
    assert browser.run(made) == []
    assert browser.complaints() == []
