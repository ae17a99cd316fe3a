"""The catalogue of wrong inputs: what somebody writes, and exactly what is said of it.

``wrong/*.yaml`` has groups of entries about one file: its ``path``, the ``lines`` of a good one, and for each entry the
lines that are put in (in the place of those with the same key; ``-name`` takes one out), with what is said, from the
line of that file on. An entry with ``files`` names every file, and says every line whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.unit.definitions.checkouts import Checkout

FOLDER = Path(__file__).with_name("wrong")
SCHEMAS = Path(__file__).parents[1] / "schemas" / "wrong-definitions.yaml"
ALL_AT_ONCE = Path(__file__).with_name("all-at-once.yaml")


def entries() -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Yield a name, the files, and what is said of them."""
    for catalogue in sorted(FOLDER.glob("*.yaml")):
        for name, group in yaml.load(catalogue.read_text("utf-8"), yaml.CSafeLoader).items():
            for n, entry in enumerate(group["wrong"]):
                label = f"{catalogue.stem} {name} {n + 1}"
                if "files" in entry:
                    yield label, entry["files"], entry["says"]
                else:
                    text = "\n".join(laid_over(group["lines"], entry["write"])) + "\n"
                    says = [f"{group['path']}:{line}" if line[0].isdigit() else line for line in entry["says"]]
                    yield label, {**group.get("others", {}), group["path"]: text}, says


def laid_over(lines: list[str], changes: list[str]) -> list[str]:
    """Return a good definition's lines with others in the place of those with the same key, or behind them."""
    by_key = {line.partition(":")[0]: line for line in lines}
    for change in changes:
        if change.startswith("-"):
            del by_key[change.removeprefix("-")]
        else:
            by_key[change.partition(":")[0]] = change
    return list(by_key.values())


CASES = list(entries())


@pytest.mark.parametrize(("files", "says"), [pytest.param(files, says, id=name) for name, files, says in CASES])
def test_a_wrong_input_is_refused_with_these_words(checkout: Checkout, files: dict[str, str], says: list[str]) -> None:
    """Daily loop B9, E6, E9, E11, E13 and E14 are among them."""
    checkout.with_flag_and_action()
    for path, text in files.items():
        checkout.write(path, text)
    assert checkout.problems() == says


def test_nothing_is_wrong_with_what_the_entries_are_laid_over(checkout: Checkout) -> None:
    checkout.with_flag_and_action()
    for catalogue in FOLDER.glob("*.yaml"):
        for group in yaml.load(catalogue.read_text("utf-8"), yaml.CSafeLoader).values():
            for path, text in group.get("others", {}).items():
                checkout.write(path, text)
            if "lines" in group:
                checkout.write(group["path"], "\n".join(group["lines"]))
                assert checkout.problems() == [], catalogue.name
                (checkout.root / group["path"]).unlink()


def test_the_catalogues_are_large() -> None:
    """What breaks a schema (``wrong-definitions.yaml``), what is said all at once, and what is said exactly."""
    by_schema = sum(map(len, yaml.load(SCHEMAS.read_text("utf-8"), yaml.CSafeLoader).values()))
    at_once = sum(map(len, yaml.load(ALL_AT_ONCE.read_text("utf-8"), yaml.CSafeLoader).values()))
    assert len(CASES) >= 200
    assert by_schema + at_once + len(CASES) >= 350


def test_every_entry_says_what_is_wrong_where_and_what_to_write() -> None:
    for name, _, says in CASES:
        assert says, name
        for line in says:
            place, _, rest = line.partition(": ")
            assert [part.isdigit() for part in place.split(":")[1:]] == [True, True], name
            assert "; " in rest, name
