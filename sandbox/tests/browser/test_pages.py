"""The sandbox's pages in a real browser: readable at a desk and on a phone, by day and by night, and safe."""

from typing import Any

import pytest
from urllib3.exceptions import ProtocolError

from sandbox.tests.browser.chromium import Browser
from sandbox.tests.browser.content import EVIL, Content
from sandbox.tests.running import Sandbox

DESK, PHONE = 1300, 390

# The least contrast of any text with the nearest background that is painted behind it (WCAG 2.2, 1.4.3).
CONTRAST = """
const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number)
  .map((part, n) => text.startsWith('color(srgb') && n < 3 ? part * 255 : part);
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let worst = [21, ''];
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
  if (!text || !element.getClientRects().length) continue;
  const ink = getComputedStyle(element)[element.closest('svg') ? 'fill' : 'color'];
  const [a, b] = [light(parse(ink)), light(behind(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < worst[0]) worst = [contrast, text];
}
return worst;
"""


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox, content: Content) -> Any:
    """Opens a page by its path; the console is silent about it."""

    def open_page(path: str, width: int = DESK, dark: bool = False) -> Browser:
        browser.show(width, dark=dark)
        browser.open(sandbox.url + path)
        assert browser.complaints() == [], path
        return browser

    return open_page


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_every_page_fits_the_screen(page: Any, content: Content, width: int) -> None:
    for path in content.paths:
        shown = page(path, width)
        assert shown.run("return document.documentElement.scrollWidth") <= width, path
        beyond = """return [...document.querySelectorAll('main *:not(thead *):not(.chart-table *)')].filter(
            (each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML)"""
        assert shown.run(beyond) == [], path


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_is_readable(page: Any, content: Content, dark: bool) -> None:
    for path in content.paths:
        contrast, text = page(path, dark=dark).run(CONTRAST)
        assert contrast >= 4.5, f"{path}: {text}"


def test_night_is_dark(page: Any) -> None:
    by_day = page("/").run("return getComputedStyle(document.body).backgroundColor")
    assert page("/", dark=True).run("return getComputedStyle(document.body).backgroundColor") != by_day


def test_nothing_comes_from_outside_and_no_script_runs(page: Any, content: Content) -> None:
    for path in content.paths:
        loaded = page(path).run("return performance.getEntriesByType('resource').map((each) => each.name)")
        assert [each for each in loaded if not each.startswith("data:")] == [], path


def test_a_name_cannot_break_out(page: Any, content: Content) -> None:
    shown_on = 0
    for path in content.paths:
        shown = page(path)
        shown.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert shown.run("return window.broken || null") is None, path
        made = "return [...document.querySelectorAll('script, img, b, [onerror]')].map((each) => each.outerHTML)"
        assert shown.run(made) == [], path
        shown_on += EVIL.split(">")[0] in shown.text()
    assert shown_on >= 10, "the name is there to be read"


def test_every_page_is_plain_html_that_a_screen_reader_can_use(page: Any, content: Content) -> None:
    for path in content.paths:
        shown = page(path)
        assert shown.run("return document.documentElement.lang") == "en"
        assert shown.run("return document.querySelectorAll('h1').length") == 1, path
        assert shown.run("return document.querySelectorAll('main').length") == 1, path
        assert shown.run("return document.querySelectorAll('nav [aria-current=page]').length") == 1, path
        assert shown.run("return document.querySelectorAll('table:not(:has(th))').length") == 0, path
        assert shown.run("return [...document.querySelectorAll('input')].every((each) => each.ariaLabel)"), path


def test_a_person_finds_a_flag_and_its_history(page: Any, content: Content) -> None:
    shown = page("/")
    shown.click("Flags")
    assert "where in “Pro clinics” → deepseek-chat-r1" in shown.text()
    assert "25 % where version semver_gte 2.4.0" in shown.text()
    shown.click("ai-model-version")
    text = shown.text()
    assert '"max_tokens": 2048' in text
    assert "Which model serves AI enhancements → Which model serves enhancements" in text
    assert 'tags: [] → ["ai"]' in text


def test_a_person_searches(page: Any, content: Content) -> None:
    shown = page(f"{content.base}/persons?search=Clinic+3")
    assert shown.run("return document.querySelectorAll('tbody tr').length") == 1
    shown.click("Clinic 3")
    assert "ai_enhancement_used" in shown.text()
    assert "2.3.0" in shown.text()
    assert "No flags with “nothing of the kind”." in page(f"{content.base}/flags?search=nothing+of+the+kind").text()


def test_a_cohort_shows_its_members(page: Any, content: Content) -> None:
    shown = page(f"{content.base}/cohorts")
    shown.click("Pro clinics")
    assert "version semver_gte 2.1.0" in shown.text()
    shown.click("inst-0003")
    assert shown.run("return document.querySelector('h1').innerText") == "Clinic 3"


def test_a_dashboard_lies_as_it_is_laid_out(page: Any, content: Content) -> None:
    places = """return [...document.querySelectorAll('.tile')].map((each) => {
        const box = each.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; })"""
    text, first, second, third, _ = page(f"{content.base}/dashboards/{content.dashboard['id']}").run(places)
    assert text[2] > first[2] * 2 - 1, "twelve columns against six"
    assert first[1] == second[1] > text[1], "side by side, below the text"
    assert second[0] > first[0] + first[2] - 1
    assert third[1] > first[1] + first[3] - 1
    assert first[3] > text[3] * 2, "five rows against one, which its text makes higher"
    tops = [each[1] for each in page(f"{content.base}/dashboards/{content.dashboard['id']}", PHONE).run(places)]
    assert tops == sorted(set(tops)), "one below the other"


def test_a_dashboard_shows_numbers_and_why_there_are_none(page: Any, content: Content) -> None:
    path = f"{content.base}/dashboards/{content.dashboard['id']}"
    words = "return [...document.querySelectorAll('.tile')].map((each) => each.innerText)"
    text, drawn, failed, table, empty = page(path).run(words)
    assert text.startswith("Cost and volume\n")
    assert "The query failed: Unknown table `nowhere`" in failed
    assert "SELECT * FROM nowhere" in failed
    assert "ai_enhancement_used\t7" in table
    assert "No data" in empty
    labels = "return [...document.querySelectorAll('svg text')].map((each) => each.textContent)"
    assert any("deepseek-chat-v3" in label for label in page(path).run(labels))
    assert "deepseek-chat-v3" in drawn


def test_alerts_show_their_checks(page: Any, content: Content) -> None:
    texts = "return [...document.querySelectorAll('tbody tr')].map(row => row.innerText)"
    snoozed, firing = page(f"{content.base}/alerts").run(texts)
    assert "Too many tokens" in snoozed
    assert "not from 22:00 to 06:00" in snoozed
    assert snoozed.count("Snoozed") == 2, "the state, and the check that it came with"
    until = snoozed.partition("until ")[2][:16]
    assert f"next {until}" in snoozed
    assert "Firing at 0" in firing
    assert "is less than lower threshold (1) (told admin@example.com)" in firing
    assert "next 20" in firing


def test_deliveries_say_what_became_of_them(page: Any, content: Content) -> None:
    [row] = page(f"{content.base}/deliveries").run(
        "return [...document.querySelectorAll('tbody tr')].map(row => row.innerText)"
    )
    for text in ("admin@example.com", "email, of <img src=x", "delivered", "Attempt 1 of 3: Put into the mailbox as"):
        assert text in row


def test_an_experiment_leads_to_its_flag(page: Any, content: Content) -> None:
    shown = page(f"{content.base}/experiments")
    rows = shown.run("return [...document.querySelectorAll('tbody tr')].map((each) => each.innerText)")
    [row] = [each for each in rows if "A shorter prompt" in each]
    for text in ("running", "ai-short-prompt", "control 50 %", "test 50 %", "Tokens, A shorter prompt"):
        assert text in row
    shown.click("ai-short-prompt")
    assert shown.run("return document.querySelector('h1').innerText") == "ai-short-prompt"


def test_a_long_change_is_folded_with_before_and_after_whole(page: Any, content: Content) -> None:
    shown = page(f"{content.base}/activity")
    shown.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    changes = shown.run("return [...document.querySelectorAll('details')].map((each) => each.innerText)")
    [metrics] = [each for each in changes if each.startswith("metrics") and "Tokens, A shorter prompt" in each]
    assert metrics.count('"event": "ai_enhancement_used"') == 2, "before and after"


def test_the_request_log_shows_bodies_answers_and_faults(page: Any, content: Content) -> None:
    cut = {"kind": "cut_before", "path": "never-answered"}
    with content.api.sandbox.faults(cut), pytest.raises(ProtocolError, match="Connection"):
        content.api("POST", "cohorts/?never-answered", {"name": "in vain"})
    shown = page(f"{content.base}/requests")
    row = "return document.querySelector('tbody tr')"
    assert "never-answered" in shown.run(row + ".innerText")
    assert "none" in shown.run(row + ".cells[2].innerText")
    assert "cut_before" in shown.run(row + ".cells[2].innerText")
    shown.run("document.querySelector('summary').click()")
    assert '"name": "in vain"' in shown.run(row + ".innerText")


def test_long_lists_come_in_pages(page: Any, content: Content) -> None:
    for number in range(101):
        content.api.post("insight_variables/", {"name": f"variable {number}", "type": "String"})
    shown = page(f"{content.base}/things/insight_variables")
    assert "variable 100" not in shown.text()
    shown.click("Next")
    assert "variable 100" in shown.text()
    shown.click("Previous")
    assert "variable 99" in shown.text()
