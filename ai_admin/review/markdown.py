"""A plan as Markdown: one comment of a pull request, however large the change. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ai_admin.review import reading
from ai_admin.review.report import Entry, Report

LIMIT = 65_000
"""Characters of a comment; GitHub refuses more than 65,536, GitLab more than a million."""

OPEN = 10
"""How many changes are shown unfolded."""

_MARK = re.compile(r"([\\`*_\[\]<>|~#])")


def marker(stack: str) -> str:
    """Return the line by which a stack's comment is found again, to be replaced and not repeated."""
    return f"<!-- ai-admin plan {stack} -->"


def markdown(report: Report, limit: int = LIMIT) -> str:
    """Return a report as Markdown of at most ``limit`` characters; what does not fit is counted."""
    head = "\n".join(_head(report))
    tail = "\n".join(_tail(report))
    blocks = [_block(each) for each in reading.intended(report)]
    room = limit - len(head) - len(tail) - 400
    body = _fitted(blocks[:OPEN], room, report.stack)
    folded = blocks[OPEN:]
    if folded and not body.endswith(_cut(0, report.stack)[-20:]):
        inner = _fitted(folded, room - len(body), report.stack)
        body += f"\n<details><summary>{len(folded):,} more</summary>\n\n{inner}\n\n</details>\n"
    text = f"{head}\n{body}\n{tail}".rstrip() + "\n"
    return text if len(text) <= limit else f"{text[: limit - 200]}\n\n{_cut(len(report.entries), report.stack)}\n"


def _head(report: Report) -> Iterator[str]:
    yield marker(report.stack)
    yield f"### `{report.stack}`: {_escaped(reading.title(report).partition(': ')[2])}"
    if report.refused:
        yield ""
        yield "> [!CAUTION]"
        yield "> Refused, so that nothing but switch-offs is applied:"
        yield from (f"> - {_escaped(line)}" for line in report.refused)
    put_back = reading.by_hand(report)
    if put_back:
        yield ""
        yield "> [!WARNING]"
        yield "> Changed on PostHog's pages, would be put back:"
        for entry in put_back:
            yield from (f"> - **{_escaped(reading.name(entry))}**: {_escaped(reading.put_back(each))}"
                        for each in entry.by_hand)  # fmt: skip
    yield ""


def _tail(report: Report) -> Iterator[str]:
    for warning in report.warnings:
        yield f"- {_escaped(warning)}"
    if unowned := reading.unowned(report.unowned):
        yield ""
        yield f"<sub>{_escaped(unowned)}</sub>"


def _block(entry: Entry) -> str:
    said = reading.about(entry)
    source = entry.change.source.rsplit(":", 1)[0]
    place = f" `{source}`" if source else ""
    lines = [f"- **{_escaped(reading.name(entry))}**{f' {_escaped(said)}' if said else ''}{place}"]
    lines += [f"  - {_escaped(line)}" for line in reading.lines(entry)]
    return "\n".join(lines)


def _fitted(blocks: list[str], room: int, stack: str) -> str:
    """Return as many blocks as fit, and how many are left out."""
    taken, used = [], 0
    for block in blocks:
        if used + len(block) + 1 > room:
            break
        taken.append(block)
        used += len(block) + 1
    left = len(blocks) - len(taken)
    return "\n".join([*taken, *([_cut(left, stack)] if left else [])])


def _cut(left: int, stack: str) -> str:
    return f"\n**{left:,} changes don't fit into this comment**; `ai-admin plan --stack {stack}` shows all of them."


def _escaped(text: str) -> str:
    """Return a text that shows as it is: no markup, no mention of anybody, no link to an issue."""
    return _MARK.sub(r"\\\1", " ".join(text.split())).replace("@", "@<!-- -->")
