"""A plan as JSON, for machines. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ai_admin.review import reading
from ai_admin.review.audience import Reach
from ai_admin.review.report import ByHand, Entry, Report
from ai_admin.review.sentences import Sentence


def as_json(report: Report) -> str:
    """Return a report as JSON; references are ``kind/key``, and secrets are left out."""
    return json.dumps(
        {
            "stack": report.stack,
            "host": report.host,
            "project": report.project,
            "refused": list(report.refused),
            "changes": [_entry(each) for each in report.entries],
            "unread": list(report.unread),
            "unchanged": report.unchanged,
            "warnings": list(report.warnings),
            "coming": [each.as_data() for each in report.coming],
            "unowned": dict(report.unowned),
            "seconds": round(report.seconds, 1),
        },
        indent=2,
        ensure_ascii=False,
        default=str,
    )


def problems_as_json(stack: str, problems: Iterable[str]) -> str:
    """Return as JSON why there is no plan for a stack."""
    return json.dumps({"stack": stack, "problems": list(problems)}, indent=2, ensure_ascii=False)


def _entry(entry: Entry) -> dict[str, Any]:
    change, reach = entry.change, entry.reach
    return {
        "name": str(change.ref),
        "action": change.action.value,
        "id": change.id or None,
        "source": change.source or None,
        "sentences": list(reading.lines(entry)),
        "fields": [_field(each) for each in entry.sentences],
        "by_hand": [_by(each) for each in entry.by_hand],
        "overwritten": [_by(each) for each in entry.overwritten],
        "persons": _persons(reach) if reach else None,
        "flags": [{"name": str(ref), "persons": _persons(found)} for ref, found in entry.flags],
        "uses": [each.text for each in entry.uses],
        "approval": entry.approval or None,
        "refused": change.refused or None,
    }


def _persons(reach: Reach) -> dict[str, Any]:
    held = reach.held if reach.total is not None else (None, None)
    return {
        "now": reach.now,
        "then": reach.then,
        "of": reach.total,
        "another_variant": reach.another_variant,
        "at_most": reach.at_most or reach.now_at_most,
        "kept_out": dict(zip(("now", "then"), held, strict=True)),
        "kept_out_percent": dict(zip(("now", "then"), reach.held_percent, strict=True)),
    }


def _by(found: ByHand) -> dict[str, Any]:
    return {**_field(found.sentence), **reading.as_data(found.author)}


def _field(sentence: Sentence) -> dict[str, Any]:
    return {
        "field": sentence.field,
        "path": list(sentence.path),
        "before": sentence.before,
        "after": sentence.after,
        "sentence": sentence.text,
    }
