"""Who is in a percentage is not drawn anew by the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.safety.made import Made, cohorts, flag, judged, split

REST = cohorts(9)
LEFT: dict[str, Any] = {"unmanaged": ["release_conditions"]}


def grouped(share: int, index: int | None) -> Made:
    beside = {} if index is None else {"aggregation_group_type_index": index}
    return flag("f", release_conditions=[{"rollout_percentage": share, "properties": [], **beside}])


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (flag("f", 10), flag("f", 10, bucketing_identifier="device_id"), ["redraw/f/distinct_id-device_id"]),
        (flag("f", 100), flag("f", 100, bucketing_identifier="device_id"), []),
        (flag("f", 10), flag("f", 10, bucketing_identifier="device_id", active=False), []),
        (flag("f", 10), flag("g", 10, renamed_from="f"), ["redraw/g/f"]),
        (flag("f", 100), flag("g", 100, renamed_from="f"), []),
        (
            flag("f", 100, variants=split(a=50, b=50)),
            flag("g", 100, variants=split(a=50, b=50), renamed_from="f"),
            ["redraw/g/f"],
        ),
        (
            flag("f", **LEFT),
            flag("f", bucketing_identifier="device_id", **LEFT),
            ["redraw/f/distinct_id-device_id"],
        ),
        (grouped(100, 0), grouped(100, 0), []),
        (grouped(10, 0), grouped(20, 0), []),
    ],
)
def test_another_bucketing_asks_for_consent(before: Made, after: Made, refused: list[str]) -> None:
    """D1: bucketing identifier, and the key that people are drawn from."""
    renamed = ["rename/f/g"] if after.renamed_from else []
    found = judged([before, *REST], [after, *REST], careful=True)
    assert [each.code for each in found] == [*renamed, *refused]
    assert judged([before, *REST], [after, *REST], careful=True, consent=" ".join([*renamed, *refused])) == []
    assert [each.code for each in judged([before, *REST], [after, *REST])] == renamed


@pytest.mark.parametrize(("was", "now"), [(None, 0), (0, None), (0, 1)])
def test_another_group_type_asks_for_consent(was: int | None, now: int | None) -> None:
    """D1: the condition reads the same, and is for organisations instead of persons."""
    [refusal] = judged([grouped(100, was), *REST], [grouped(100, now), *REST], careful=True)
    assert refusal.what == "a release condition would be for another group type, or for persons instead of groups"
    assert judged([grouped(100, was), *REST], [grouped(100, now), *REST], careful=True, consent=refusal.code) == []
