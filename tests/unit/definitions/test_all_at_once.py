"""One run tells everything: what breaks a schema hides nothing but the checks that would read that very value, and
nobody is told of a consequence that goes away with its cause.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.definitions.checkouts import Checkout

TABLE = yaml.load(Path(__file__).with_name("all-at-once.yaml").read_text("utf-8"), yaml.CSafeLoader)
CASES = [pytest.param(case, id=name) for group in ("independent", "alone") for name, case in TABLE[group].items()]


@pytest.mark.parametrize("case", CASES)
def test_every_problem_and_no_consequence_of_one(checkout: Checkout, case: dict[str, Any]) -> None:
    for path, text in case["files"].items():
        checkout.write(path, text)
    found, wanted = checkout.problems(), case["problems"]
    assert [line for line in found if not any(line.startswith(start) for start in wanted)] == []
    assert [start for start in wanted if not any(line.startswith(start) for line in found)] == []
    assert len(found) == len(wanted)


def test_an_insight_with_two_queries_is_not_taken_for_one_of_them(checkout: Checkout) -> None:
    checkout.write(
        "dashboards/usage.yaml",
        """
        key: usage
        name: Usage
        tiles:
          - insight: {key: runs, name: R, trends: {series: [{event: ai_usd}]}, retention: {target: {event: ai_used}}}
        """,
    )
    checkout.write(
        "alerts/spike.yaml",
        """
        key: spike
        name: Spike
        insight: runs
        series: 1
        condition: absolute_value
        threshold: {upper: 5}
        notify: {email: [oncall@example.com]}
        """,
    )
    starts = [line.partition("; ")[0].partition(": an insight has")[0] for line in checkout.problems()]
    assert starts == [
        'dashboards/usage.yaml:4:61: insight/runs: the catalogue knows no event "ai_usd"',
        "dashboards/usage.yaml:4:72: insight/runs",
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"cohorts/internal.yaml": "kind cohort\nname: Internal\n"},
        {"cohorts/internal.yaml": "", "cohorts/x.yaml": "key: internal\nname: [\n"},
        {"cohorts/internal.yaml": "- a", "cohorts/all.json": '{"key": "internal"}'},
        {"dashboards/usage.yaml": "tiles: [{insight: {key: runs}}\n"},
        {"dashboards/usage.yaml": "key: usage\n---\nkey: runs\n"},
        {"events/installation.yaml": "key: installation\ntype: person\nproperties: {version: {type: String}\n"},
        {"events/used.yaml": "key: ai_used\nproperties: {\n"},
    ],
)
def test_what_stands_in_a_file_that_cannot_be_read_is_not_missed(checkout: Checkout, files: dict[str, str]) -> None:
    for path, text in files.items():
        checkout.write(path, text)
    assert [line.partition(":")[0] for line in checkout.problems()] == sorted(files)


def test_an_insight_in_a_file_without_a_text_is_not_missed(checkout: Checkout) -> None:
    (checkout.root / "dashboards/usage.yaml").unlink()
    (checkout.root / "dashboards/usage.yaml").symlink_to("gone")
    assert [line.partition(":")[0] for line in checkout.problems()] == ["dashboards/usage.yaml"]


def test_what_stands_in_no_file_is_missed_though_one_cannot_be_read(checkout: Checkout) -> None:
    checkout.write("cohorts/broken.yaml", "key: broken\nname: [")
    checkout.write("events/broken.yaml", "key: broken\nproperties: {a: {type: String")
    checkout.write("flags/f.yaml", "key: f\nrelease_conditions: [{cohort: zzz, properties: [{key: zzz, value: 1}]}]")
    checkout.write("cohorts/c.yaml", "key: c\nname: C\nproperties: [{key: zzz, value: 1}]")
    assert [line.partition("; ")[0] for line in checkout.problems()][1:] == [
        'cohorts/c.yaml:3:20: cohort/c: the catalogue knows no property "zzz" of a person',
        "events/broken.yaml:3:1: this is not YAML: did not find expected ',' or '}'",
        'flags/f.yaml:2:31: flag/f: there is no cohort "zzz"',
        'flags/f.yaml:2:55: flag/f: the catalogue knows no property "zzz" of a person',
    ]


def test_a_catalogue_folder_that_cannot_be_read_could_hold_anything(checkout: Checkout) -> None:
    for path in (checkout.root / "events").iterdir():
        path.unlink()
    (checkout.root / "events").rmdir()
    (checkout.root / "events").symlink_to("gone")
    assert [line.partition(":")[0] for line in checkout.problems()] == ["events"]
