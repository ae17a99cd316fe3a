"""`expand(contract(x)) == x`, on random definitions: files written back stand for exactly what they came from.

The files are written as YAML, read by the reader of a checkout, checked against the schemas and expanded. What no file
can say is no part of this; `contract` refuses it.

`python -m tests.campaigns.contract_laws [--cases N] [--seed N]` runs 10,000 cases of every kind of file.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

import yaml

from ai_admin.definitions import explain, schemas, yaml_text
from ai_admin.definitions.contract import contract, expanded
from ai_admin.definitions.forms.base import Written
from tests.campaigns.cases import parser, say
from tests.campaigns.cases import run as run_cases
from tests.campaigns.generated.checkouts import CHECKOUTS


def through_yaml(file: Written) -> Written:
    """The file once it was written as YAML and read again."""
    text = yaml.dump(file.value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    value, flaws = yaml_text.parse(text)
    assert not flaws, f"{[flaw.message for flaw in flaws]} in\n{text}"
    assert value == file.value, f"{value} was written as\n{text}"
    return Written(file.kind, file.key, value)


def case(kind: str, chance: random.Random) -> Counter[str]:
    """Take random definitions through one round; raises AssertionError, or NotWritable for what can be said."""
    definitions = CHECKOUTS[kind](chance, "one")
    files = [through_yaml(file) for file in contract(definitions)]
    for file in files:
        found = explain.findings(schemas.violations(file.kind, file.value, lambda _: None))
        assert not found, f"{file.path}: {[finding.message for finding in found]}"
    wanted = {(each.kind, each.key): each.properties for each in definitions}
    again = expanded(files)
    assert again == wanted, f"{again}\nis not\n{wanted}"
    return Counter(each.kind for each in definitions) + Counter(files=len(files))


def run(kind: str, cases: int, seed: int) -> Counter[str]:
    """Run so many cases about a kind of file; the error of the first that fails says which it was."""
    return run_cases(kind, cases, seed, lambda chance, _: case(kind, chance))


def main() -> int:
    """Run the campaign; the first case that fails ends it with an error."""
    asked = parser("Random definitions written as files and read again.", 10_000).parse_args()
    for kind in CHECKOUTS:
        start = time.perf_counter()
        say(f"{kind}: {asked.cases} cases", run(kind, asked.cases, asked.seed), start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
