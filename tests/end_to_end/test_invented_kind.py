"""A kind is one module and one schema: an invented one, written into a copy of the repository, can do what all can."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkouts import copy_of_repository
from tests.support.project import Project, changed_fields
from tests.support.sandbox import REPOSITORY, Sandbox, running_sandbox

MODULE = '''
from providers.posthog.kinds.base import Field, Kind
from providers.posthog.kinds.normal import instant, text

GADGET = Kind(
    name="gadget",
    type="Gadget",
    collection="gadgets",
    scope="cohort",
    folder="cohorts/gadgets",
    natural_key=("name",),
    soft_delete=False,
    fields=(
        Field("name", normalise=text, required=True, clearable=False, manageable=False),
        Field("description", default="", normalise=text),
        Field("cohort", path=("cohort_id",), ref="cohort"),
        Field("begins", normalise=instant),
        Field("ends", normalise=instant),
    ),
)
'''
RESOURCE = '''
from sandbox.rest.fields import CREATED_BY, ID, Field, integer, moment, text
from sandbox.rest.resource import Life, Resource


class Gadgets(Resource):
    kind, collection, scope = "gadget", "gadgets", "cohort"
    life = Life.HARD
    fields = (
        ID,
        Field("name", text(), required=True),
        Field("description", text(), default=""),
        Field("cohort_id", integer(), null=True),
        Field("begins", moment, null=True),
        Field("ends", moment, null=True),
        CREATED_BY,
    )


GADGETS = Gadgets()
'''
FIELDS: dict[str, Any] = {
    "name": {"$ref": "shared/common.schema.json#/$defs/name"},
    "description": {"type": "string", "default": "", "description": "What it does.", "examples": ["Counts."]},
    "cohort": {"$ref": "shared/keys.schema.json#/$defs/cohort"},
    "begins": {"$ref": "shared/common.schema.json#/$defs/moment"},
    "ends": {"$ref": "shared/common.schema.json#/$defs/moment"},
    "owner": {"$ref": "shared/common.schema.json#/$defs/owner"},
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Gadget",
    "description": "A gadget that installations of a cohort get.",
    "type": "object",
    "properties": {
        "key": {"$ref": "shared/common.schema.json#/$defs/key"},
        **FIELDS,
        "only": {"$ref": "shared/common.schema.json#/$defs/only"},
        "stacks": {
            "type": "object",
            "propertyNames": {"$ref": "shared/common.schema.json#/$defs/stackName"},
            "additionalProperties": {"$ref": "#/$defs/patch"},
            "description": "What differs per stack.",
            "examples": [{"staging": {"description": "Counts there."}}],
        },
    },
    "required": ["key", "name"],
    "additionalProperties": False,
    "$defs": {
        "patch": {
            "type": "object",
            "description": "What differs on one stack.",
            "examples": [{"description": "Counts there."}],
            "properties": {
                name: {
                    "if": {"not": {"type": "null"}},
                    "then": field if "$ref" in field else {"$ref": f"#/properties/{name}"},
                }
                for name, field in FIELDS.items()
            },
            "additionalProperties": False,
        }
    },
}
WRITTEN = {"key": "counter", "name": "Counter", "cohort": "pilots", "begins": "2026-09-14T08:00:00Z"}
HEAD = "# yaml-language-server: $schema=../../schemas/gadget.schema.json\n"
FILES = {
    "providers/posthog/kinds/gadget.py": MODULE,
    "schemas/gadget.schema.json": json.dumps(SCHEMA, indent=2),
    "sandbox/resources/analytics/gadgets.py": RESOURCE,
    "docs/samples/cohorts/gadgets/counter.yaml": HEAD + yaml.safe_dump({**WRITTEN, "cohort": "beta-installations"}),
}
CONTRACT = """
import json, pathlib
from ai_admin.definitions import load
from ai_admin.definitions.contract import contract
print(json.dumps({file.path: file.value for file in contract(load(pathlib.Path(), "sandbox").resources)}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_of_repository(tmp_path_factory.mktemp("invented") / "checkout")
    for name in (".venv", ".toolchain"):
        (root / name).symlink_to(REPOSITORY / name)
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def sandbox(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("data"), checkout=copy) as running:
        yield running


@pytest.fixture
def project(copy: Path, sandbox: Sandbox, tmp_path: Path) -> Project:
    project = Project(tmp_path / "project", sandbox, checkout=copy)
    project.write("cohorts/pilots.yaml", "key: pilots\nname: Pilots\nproperties: [{key: version, value: dev}]\n")
    person = "key: installation\ntype: person\nproperties: {version: {type: String}}\n"
    project.write("events/installation.yaml", person)
    (project.folder / "cohorts" / "gadgets").mkdir()
    return project


def python(copy: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the copy's packages."""
    command = [str(copy / ".venv" / "bin" / "python"), *arguments]
    environ = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False)


def test_the_tests_of_schemas_and_the_reference_hold_for_it(copy: Path) -> None:
    assert python(copy, copy, "-m", "tools.reference").returncode == 0
    page = (copy / "docs" / "reference" / "gadget.md").read_text(encoding="utf-8")
    assert page.splitlines()[1:4] == [
        "# Gadgets",
        "",
        "A gadget that installations of a cohort get. Each is a file in `cohorts/gadgets/`, which the editor completes "
        "and checks from [gadget.schema.json](../../schemas/gadget.schema.json).",
    ]
    assert "| `description` | text | empty | What it does. | `Counts.` |" in page
    tests = ("tests/unit/schemas/test_schemas.py", "tests/unit/posthog/test_serialisation.py")
    done = python(copy, copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "gadget", *tests)
    assert done.returncode == 0, done.stdout


def test_a_wrong_one_is_explained(copy: Path, project: Project) -> None:
    wrong = {**WRITTEN, "cohort": "pilot", "begins": "2026-02-30", "ends": "2026-02-01", "descripton": "Counts."}
    project.write("cohorts/gadgets/counter.yaml", yaml.safe_dump(wrong, sort_keys=False))
    said = python(copy, project.folder, "-m", "ai_admin", "check").stdout
    assert 'cohorts/gadgets/counter.yaml:3:9: gadget/counter: there is no cohort "pilot"; write "pilots"' in said
    assert "4:9: gadget/counter: there is no 2026-02-30" in said
    assert "6:1: gadget/counter" in said
    assert '"description"' in said


def test_it_is_applied_compared_and_written_back(copy: Path, project: Project, sandbox: Sandbox) -> None:
    project.write("cohorts/gadgets/counter.yaml", yaml.safe_dump(WRITTEN))
    assert python(copy, project.folder, "-m", "ai_admin", "check").returncode == 0
    assert project.preview()["changeSummary"]["create"] == 4  # the stack, a property, the cohort and it
    project.up()
    made = project.outputs()
    [live] = sandbox.items("gadgets")
    assert (str(live["id"]), live["cohort_id"]) == (made["gadget/counter"]["id"], int(made["cohort/pilots"]["id"]))
    sandbox.call("PATCH", f"gadgets/{live['id']}/", {"description": "By hand"})
    preview = project.preview()
    assert preview["changeSummary"] == {"same": 3, "update": 1}
    [step] = [step for step in preview["steps"] if step["op"] == "update"]
    assert step["urn"].endswith("::gadget/counter")
    assert changed_fields(step) == {"description"}
    files = json.loads(python(copy, project.folder, "-c", CONTRACT).stdout)
    assert files["cohorts/gadgets/counter.yaml"] == WRITTEN
