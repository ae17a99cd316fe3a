"""Which installations are asked for, where the catalogue lists values that are no texts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from ai_admin.cli.choosing import chosen
from ai_admin.definitions.check import Checked, check
from ai_admin.definitions.files import TOP_FOLDERS
from ai_admin.numbers import Installation, Period, Report
from ai_admin.numbers.installations import Strangers
from tests.support.checkouts import sample_checkout

NOW = datetime(2026, 11, 27, tzinfo=UTC)
EVERY = Installation("", "", 1, {}, 0, 0, 0, 0, 0, None, NOW, "unknown", False, ())


def report(**properties: Mapping[str, Any]) -> Report:
    found = [replace(EVERY, id=name, properties=said) for name, said in properties.items()]
    return Report(Period(NOW - timedelta(days=7), NOW), found, Strangers.of(()), ())


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    root = sample_checkout(tmp_path_factory.mktemp("checkout"))
    for folder in set(TOP_FOLDERS) - {"events"}:
        shutil.rmtree(root / folder, ignore_errors=True)  # as they write texts in the place of these values
    listed = "  version: {type: Numeric, values: [1, 2.5, 4]}\n  channel: {type: Boolean}\n"
    (root / "events" / "installation.yaml").write_text(f"key: installation\ntype: person\nproperties:\n{listed}")
    return check(root)


def ids(report: Report, checked: Checked, channel: str | None = None, version: str | None = None) -> list[str]:
    return [each.id for each in chosen(report, checked, "sandbox", channel, version, None, None)]


def test_numbers_and_booleans_are_chosen_as_people_write_them(checked: Checked) -> None:
    found = report(a={"version": 1, "channel": True}, b={"version": 1.0, "channel": False}, c={"version": "2.5"})
    assert ids(found, checked, version="1") == ["a", "b"]
    assert ids(found, checked, version="2.5") == ["c"]
    assert ids(found, checked, version="4") == [], "which the catalogue lists"
    assert (ids(found, checked, channel="true"), ids(found, checked, channel="false")) == (["a"], ["b"])
    with pytest.raises(click.UsageError, match=r'--version takes one of 1, 2\.5 or 4, instead of "9"'):
        ids(found, checked, version="9")
