"""The examples in the sandbox's README, sent as they stand there."""

import json
import re

import pytest

from sandbox.tests.running import REPOSITORY
from sandbox.tests.shapes import Api

README = (REPOSITORY / "sandbox" / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([a-z_, °]+?) \|", README, re.MULTILINE)
# (name, whether it is below /api/environments/ too); a query is posted, not listed
KINDS = [(kind.rstrip(" °"), "°" in kind) for row in ROWS for kind in row.split(", ") if kind != "query °"]
MISSING = README.split("answers 404 `Endpoint not found.`: ")[1].split(", feature_flags' test_evaluation")[0]
# A feature to be paid for.
ASKING_MORE = {"change_requests": 402}
EXAMPLES = re.findall(r"curl -X (\w+) \$URL(\S+).*?-d '(.*?)'", README, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES)
def test_an_example_works(api: Api, method: str, path: str, body: str) -> None:
    answer = api(method, path, json.loads(body))
    assert answer.status_code == 200, answer.text
    assert api("DELETE", path).status_code == 200


def test_the_kinds_are_found() -> None:
    assert len(KINDS) >= 31


@pytest.mark.parametrize(("kind", "environments"), KINDS)
def test_what_is_said_to_be_there_is_there(api: Api, kind: str, environments: bool) -> None:
    for parent in ("projects", "environments"):
        answer = api("GET", f"/api/{parent}/{api.sandbox.project_id}/{kind}/")
        if parent == "projects" or environments:
            assert answer.status_code == ASKING_MORE.get(kind, 200), (parent, answer.text)
        else:
            assert answer.status_code == 404, (parent, answer.text)


@pytest.mark.parametrize("kind", re.sub(r"\s+", " ", MISSING).replace("warehouse_*", "warehouse_tables").split(", "))
def test_what_is_said_to_be_missing_is_missing(api: Api, kind: str) -> None:
    answer = api("GET", f"{kind}/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Endpoint not found.")
