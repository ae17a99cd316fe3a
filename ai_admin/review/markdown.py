"""A plan as Markdown: one comment of a pull request, however large the change. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ai_admin.definitions.spelling import printable
from ai_admin.review import reading
from ai_admin.review.coming import HEADING
from ai_admin.review.report import Entry, Report

LIMIT = 65_000
"""Characters of a comment; GitHub refuses more than 65,536, GitLab more than a million."""

OPEN = 10
"""How many changes are shown unfolded."""

LINES = 40
"""Most lines of one change."""

LINE = 600
"""Most characters of a line."""

_MARK = re.compile(r"([\\`*_\[\]<>|~#])")


def marker(stack: str) -> str:
    """Return the line by which a stack's comment is found again, to be replaced and not repeated."""
    return f"<!-- ai-admin plan {stack} -->"


def markdown(report: Report, limit: int = LIMIT) -> str:
    """Return a report as Markdown of at most ``limit`` characters; what does not fit is counted."""
    put_back = [f"> - **{_text(reading.name(each))}**: {_text(line)}"
                for each in reading.by_hand(report) for line in reading.puts_back(each)]  # fmt: skip
    refused = [f"> - {_text(line)}" for line in report.refused]
    unread = [f"> - {_text(line)}" for line in report.unread]
    coming = [f"> - {_text(each.named)}" for each in report.coming]
    warnings = [f"- {_text(line)}" for line in report.warnings]
    blocks = [_block(each) for each in reading.intended(report)]
    title = f"### `{report.stack}`: {_text(reading.title(report).partition(': ')[2])}"
    unowned = reading.unowned_of_plan(report.unowned)
    fitted = _Fitted(report.stack, limit - 1000)
    head = [marker(report.stack), title]
    head += fitted.section("CAUTION", "Refused, so that nothing but switch-offs is applied:", refused, "refusals")
    head += fitted.section("CAUTION", "Not known, and left as it is:", unread, "reasons")
    head += fitted.section("WARNING", "Changed on PostHog's pages, would be put back:", put_back, "lines")
    head += fitted.section("WARNING", HEADING, coming, "lines")
    taken = [f"- {_text(line)}" for line in reading.takes_over(report)]
    tail = [*taken, *fitted.lines(warnings, "notes", 8), *([f"<sub>{_text(unowned)}</sub>"] if unowned else [])]
    shown = fitted.lines(blocks[:OPEN], "changes", 1)
    folded = fitted.lines(blocks[OPEN:], "changes", 1) if blocks[OPEN:] else []
    if folded:
        folded = [f"<details><summary>{len(blocks) - OPEN:,} more</summary>", "", *folded, "", "</details>"]
    parts = ["\n".join(part) for part in (head, shown, folded, tail) if part]
    return "\n\n".join(parts) + "\n"


def problems_as_markdown(stack: str, problems: Iterable[str], limit: int = LIMIT) -> str:
    """Return as Markdown why there is no plan for a stack, under the marker of its plans."""
    # Indented by four, a line is shown as it is, whatever it contains.
    lines = _Fitted(stack, limit - 1000).lines([f"    {line}" for line in problems], "lines", 1)
    return "\n".join([marker(stack), f"### `{stack}`: no plan", "", *lines]) + "\n"


class _Fitted:
    """Takes lines as long as there is room for them."""

    def __init__(self, stack: str, room: int) -> None:
        self._stack, self._room = stack, room

    def section(self, sign: str, title: str, lines: list[str], what: str) -> list[str]:
        """Return a quoted section; none without lines."""
        return ["", f"> [!{sign}]", f"> {title}", *self.lines(lines, what, 4, "> ")] if lines else []

    def lines(self, lines: Iterable[str], what: str, share: int, quote: str = "") -> list[str]:
        """Return as many lines as fit into a part of the room, and how many are left out."""
        every, taken, room = list(lines), list[str](), self._room // share
        for line in every:
            room -= len(line) + 1
            if room < 0:
                break
            taken.append(line)
            self._room -= len(line) + 1
        if left := len(every) - len(taken):
            where = f"`ai-admin plan --stack {self._stack}` shows all of them"
            taken += [quote.rstrip(), f"{quote}**{left:,} {what} don't fit into this comment**; {where}."]
        return taken


def _block(entry: Entry) -> str:
    said = reading.about(entry)
    # A file may have any name.
    source = " ".join(entry.change.source.rsplit(":", 1)[0].replace("`", "'").split())
    place = f" `{source}`" if source else ""
    lines = [_text(line) for line in reading.lines(entry)]
    if len(lines) > LINES:
        lines[LINES:] = [f"{len(lines) - LINES:,} more don't fit into this comment"]
    return "\n".join([f"- **{_text(reading.name(entry))}**{f' {_text(said)}' if said else ''}{place}",
                      *(f"  - {line}" for line in lines)])  # fmt: skip


def _text(text: str) -> str:
    """Return a text that shows as it is: no markup, no mention of anybody, no link."""
    line = printable(" ".join(text.split()))
    line = line if len(line) <= LINE else f"{line[:LINE]}… (this line doesn't fit into this comment)"
    return _MARK.sub(r"\\\1", line).replace("@", "@<!-- -->").replace("://", ":<!-- -->//")
