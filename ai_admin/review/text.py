"""A plan as text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ai_admin.review import reading
from ai_admin.review.changes import Action
from ai_admin.review.coming import HEADING
from ai_admin.review.report import Entry, Report

Style = Callable[[str, str], str]
"""Returns a text in a colour; in none for the empty one."""


def plain(text: str, _: str) -> str:
    """Return a text as it is."""
    return text


def text(report: Report, style: Style = plain, every: bool = False) -> str:
    """Return a report as text; ``style`` colours parts of it, ``every`` names what is only counted else."""
    return "\n".join(_lines(report, style, every))


def _lines(report: Report, style: Style, every: bool) -> Iterator[str]:
    yield reading.title(report)
    if report.refused:
        yield ""
        yield style("refused, so that nothing but switch-offs is applied:", "red")
        yield from (f"  {line}" for line in report.refused)
    for put_back, entries in reading.sections(report):
        yield from _put_back(entries, style) if put_back else _changed(entries, style)
    if taken := list(reading.takes_over(report, every)):
        yield ""
        yield from taken
    if report.coming:
        yield ""
        yield style(HEADING, "yellow")
        yield from (f"  {each.named}" for each in report.coming)
    for line in report.unread:
        yield ""
        yield style(f"{reading.LOOKS[Action.UNKNOWN].sign} {line}", "red")
    for warning in report.warnings:
        yield ""
        yield f"note: {warning}"
    if unowned := reading.unowned_of_plan(report.unowned):
        yield ""
        yield unowned


def _put_back(entries: Iterable[Entry], style: Style) -> Iterator[str]:
    yield ""
    yield style("changed on PostHog's pages, would be put back:", "yellow")
    for entry in entries:
        yield f"  {reading.name(entry)}"
        yield from (f"    {line}" for line in reading.puts_back(entry))


def _changed(entries: Iterable[Entry], style: Style) -> Iterator[str]:
    for entry in entries:
        look, about = reading.LOOKS[entry.change.action], reading.about(entry)
        source = entry.change.source.rsplit(":", 1)[0]
        place = f"  {style(source, 'bright_black')}" if source else ""
        said = f" {about}" if about else ""
        yield ""
        yield f"{style(look.sign, look.colour)} {style(reading.name(entry), 'bold')}{said}{place}"
        yield from (f"    {line}" for line in reading.lines(entry))
