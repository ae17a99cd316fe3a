"""The examples in the sandbox's README, sent as they stand there."""

import json
import re

import pytest

from tests.contract.sandbox.shapes import Api
from tests.support.sandbox import REPOSITORY

README = (REPOSITORY / "sandbox" / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"curl -X (\w+) \$URL(\S+).*?-d '(.*?)'", README, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize(("method", "path", "body"), EXAMPLES)
def test_an_example_works(api: Api, method: str, path: str, body: str) -> None:
    answer = api(method, path, json.loads(body))
    assert answer.status_code == 200, answer.text
    assert api("DELETE", path).status_code == 200
