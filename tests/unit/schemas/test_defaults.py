"""What a schema calls a field's default is what leaving the field out does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from ai_admin.definitions import Definition, load
from tests.campaigns.check_planted import prepare
from tests.campaigns.planted import FILES, get, written
from tests.unit.schemas.reading import BASE, Schema, annotation, registry

Step = str | int
FLAG, DASHBOARD, ALERT = "flags/model.yaml", "dashboards/usage.yaml", "alerts/low.yaml"
SHARED = "shared/flag-conditions.schema.json#/$defs"
COHORT = "shared/cohort-filters.schema.json#/$defs"
BEHAVIORAL = ("filters", "values", 1, "values", 0)
# A mapping in a good definition, and the schema of its fields.
MAPPINGS: list[tuple[str, tuple[Step, ...], str]] = [
    (FLAG, (), "flag.schema.json"),
    (FLAG, ("release_conditions", 0), f"{SHARED}/releaseCondition"),
    (FLAG, ("release_conditions", 1, "properties", 1), f"{SHARED}/person"),
    (FLAG, ("release_conditions", 2, "properties", 0), f"{SHARED}/flag"),
    ("cohorts/internal.yaml", (), "cohort.schema.json"),
    ("cohorts/internal.yaml", ("properties", 0), f"{COHORT}/person"),
    ("cohorts/active.yaml", ("filters", "values", 0, "values", 0), f"{COHORT}/cohort"),
    ("cohorts/active.yaml", BEHAVIORAL, "shared/cohort-events.schema.json#/$defs/behavioral"),
    ("events/opened.yaml", (), "event.schema.json"),
    ("events/opened.yaml", ("properties", "model"), "event.schema.json#/$defs/property"),
    (DASHBOARD, (), "dashboard.schema.json"),
    (DASHBOARD, ("tiles", 4, "insight"), "shared/insight.schema.json"),
    (ALERT, (), "alert.schema.json"),
    (ALERT, ("threshold",), "alert.schema.json#/properties/threshold"),
    (ALERT, ("notify", "webhook"), "alert.schema.json#/$defs/notify/properties/webhook"),
]  # fmt: skip


def defaults(address: str) -> list[tuple[str, Any]]:
    """Return the fields of an object's schema that have a default, with it."""
    found = registry().resolver(base_uri=BASE).lookup(urljoin(BASE, address)).contents
    fields: dict[str, Schema] = found["properties"]
    given = ((name, annotation(urljoin(BASE, address), field, "default")) for name, field in fields.items())
    return [(name, default) for name, default in given if default is not None]


CASES = [
    pytest.param(file, path, name, default, id=f"{address.replace('.schema.json', '')} {name}")
    for file, path, address in MAPPINGS
    for name, default in defaults(address)
    if name not in get(FILES[file], path)
]


def resources(root: Path, file: str, value: Any) -> dict[str, Definition]:
    """Return what one file stands for beside the others."""
    for path, each in {**FILES, file: value}.items():
        (root / path).write_text(written(each)[0], "utf-8")
    loaded = load(root)
    assert loaded.problems == ()
    return {f"{each.kind}/{each.key}": each for each in loaded.resources}


@pytest.mark.parametrize(("file", "path", "name", "default"), CASES)
def test_a_field_at_its_default_is_a_field_left_out(
    tmp_path: Path, file: str, path: tuple[Step, ...], name: str, default: Any
) -> None:
    prepare(tmp_path)
    explicit = copy.deepcopy(FILES[file])
    get(explicit, path)[name] = default
    left_out, said = resources(tmp_path, file, FILES[file]), resources(tmp_path, file, explicit)
    assert {key: each.properties for key, each in said.items()} == {
        key: each.properties for key, each in left_out.items()
    }


def test_every_kind_of_mapping_has_defaults_to_look_at() -> None:
    assert len(CASES) > 30
