"""A history as text, JSON and CSV. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ai_admin.definitions.file_text import mapping
from ai_admin.review.history import History
from ai_admin.review.reading import when
from ai_admin.review.text import Style, plain
from ai_admin.review.then import Then
from ai_admin.review.timeline import Entry, How, Line
from ai_admin.sheet import as_csv as sheet
from providers.posthog.kinds import KINDS

_COLOURS = {How.HAND: "yellow", How.SCHEDULE: "cyan", How.POSTHOG: "cyan", How.PROGRAM: "green", How.COMMIT: "bold"}

COLUMNS = (
    "at", "kind", "key", "how", "by", "reviewers", "pull_request", "reason", "commit", "files", "change", "stacks",
    "applied",
)  # fmt: skip
"""The columns of the CSV; one row for each thing that changed."""


def text(history: History, style: Style = plain) -> str:
    """Return a history as text, the newest first; ``style`` colours parts of it."""
    return "\n".join(_lines(history, style))


def _lines(history: History, style: Style) -> Iterator[str]:
    for entry in history.entries:
        yield f"{when(entry.at)}  {style(_name(entry), 'bold')}  {style(_who(entry), _COLOURS[entry.how])}"
        yield from (f"    {style(_said(line), '')}" for line in entry.lines)
        if entry.commit:
            yield f"    {style(_reason(entry), 'bright_black')}"
        for applied in entry.applied:
            since = f"in PostHog since {when(applied.at)}, {applied.how}, {applied.by}"
            yield f"    {style(since, 'bright_black')}"


def _name(entry: Entry) -> str:
    return f"{KINDS[entry.ref.kind].words} {entry.ref.key}" + (f" (so far {entry.former.key})" if entry.former else "")


def _who(entry: Entry) -> str:
    if entry.how is How.POSTHOG:
        return "by PostHog itself"
    if entry.how is not How.COMMIT or entry.commit is None:
        return f"{entry.how}, {', '.join(entry.by)}"
    told = entry.commit.told
    reviewed = f", reviewed by {', '.join(told.reviewers)}" if told.reviewers else ""
    return f"{', '.join(entry.by)}{f', {told.pull_request}' if told.pull_request else ''}{reviewed}"


def _said(line: Line) -> str:
    return f"in {' and '.join(line.stacks)}: {line.text}" if line.stacks else line.text


def _reason(entry: Entry) -> str:
    commit = entry.commit
    reason = commit.told.reason.partition("\n")[0] if commit else ""
    return f"commit {commit.id[:10]}: {reason}" if commit else ""


def as_json(history: History) -> str:
    """Return a history as JSON, the newest first; references are ``kind/key``, and secrets are left out."""
    found = {"entries": [_entry(each) for each in history.entries], "unread": list(history.unread)}
    return json.dumps(found, indent=2, ensure_ascii=False, default=str)


def _entry(entry: Entry) -> dict[str, Any]:
    commit = entry.commit
    return {
        "at": entry.at,
        "name": str(entry.ref),
        "former": str(entry.former) if entry.former else None,
        "how": entry.how.value,
        "by": list(entry.by),
        "changes": [
            {
                "text": line.text,
                "stacks": list(line.stacks),
                "field": line.sentence.field if line.sentence else None,
                "path": list(line.sentence.path) if line.sentence else [],
                "before": line.sentence.before if line.sentence else None,
                "after": line.sentence.after if line.sentence else None,
            }
            for line in entry.lines
        ],
        "commit": {
            "id": commit.id,
            "committer": commit.committer,
            "reviewers": list(commit.told.reviewers),
            "pull_request": commit.told.pull_request or None,
            "reason": commit.told.reason,
            "files": list(entry.paths),
        }
        if commit
        else None,
        "applied": [{"at": each.at, "how": each.how.value, "by": each.by} for each in entry.applied],
    }


def as_csv(history: History) -> str:
    """Return a history as CSV for a spreadsheet, the newest first: a row for each thing that changed."""
    return sheet([COLUMNS, *(_row(entry, line) for entry in history.entries for line in entry.lines)])


def _row(entry: Entry, line: Line) -> tuple[str, ...]:
    commit = entry.commit
    return (
        entry.at,
        entry.ref.kind,
        entry.ref.key,
        entry.how.value,
        "; ".join(entry.by),
        "; ".join(commit.told.reviewers) if commit else "",
        commit.told.pull_request if commit else "",
        commit.told.reason if commit else "",
        commit.id if commit else "",
        "; ".join(entry.paths),
        line.text,
        "; ".join(line.stacks),
        "; ".join(f"{each.at} {each.by}" for each in entry.applied),
    )


def then_lines(found: Then, time: str, style: Style) -> Iterator[str]:
    """Yield what a definition was at a time as lines of text; ``style`` colours parts of it."""
    yield f"{style(f'{KINDS[found.ref.kind].words} {found.ref.key}', 'bold')} on {when(time)}"
    if found.stated is None:
        yield "  no file defined it"
    else:
        yield f"  {found.stated.path} said:"
        written = mapping(dict(found.stated.own))
        yield from (f"    {line}" for line in written.splitlines() if found.stated.own)
    if found.allowed:
        yield f"  since {when(found.allowed.at)}, by {style(_who(found.allowed), '')}"
        yield f"    {style(_reason(found.allowed), 'bright_black')}"
    if found.unread:
        yield f"  ? {style(found.unread, '')}"
    if not found.known:
        return
    if found.live is None:
        yield "  PostHog held none"
    elif not found.live:
        return
    elif found.stated and not found.differences:
        yield f"  PostHog held what the file says{', as far as that is known' if found.unread else ''}"
    elif found.stated:
        yield style("  PostHog held something else than the file says:", "yellow")
        for each in found.differences:
            by = f" ({_who(each.change)}, on {when(each.change.at)})" if each.change else ""
            yield f"    {style(each.sentence.text + by, '')}"
    else:
        yield "  PostHog held one that no file defines"


def then_json(found: Then) -> dict[str, Any]:
    """Return what a definition was as JSON data; secrets are left out."""
    secret = {each.name for each in KINDS[found.ref.kind].fields if each.secret}
    shown = {name: value for name, value in (found.live or {}).items() if name not in secret and name[:2] != "__"}
    return {
        "name": str(found.ref),
        "file": {"path": found.stated.path, "definition": dict(found.stated.own)} if found.stated else None,
        "allowed": _entry(found.allowed) if found.allowed else None,
        "live": {
            "known": found.known,
            "unread": found.unread or None,
            "held": shown if found.live is not None else None,
        },
        "differences": [
            {"text": each.sentence.text, "field": each.sentence.field, "change": each.change and _entry(each.change)}
            for each in found.differences
        ],
    }
