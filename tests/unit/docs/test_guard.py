"""No test reads a definition of the checkout, by itself or in a process that it starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ai_admin.definitions import load
from tests.support.checkouts import SAMPLES
from tests.support.guard.sitecustomize import FOLDERS
from tests.support.sandbox import REPOSITORY

SAID = "is a definition that people edit"


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_nothing_of_the_checkout_that_people_edit_is_opened(folder: str) -> None:
    with pytest.raises(AssertionError, match=SAID):
        list((REPOSITORY / folder).iterdir())
    with pytest.raises(AssertionError, match=SAID):
        (REPOSITORY / folder / "any.yaml").read_text(encoding="utf-8")


def test_nor_the_settings_of_a_stack() -> None:
    with pytest.raises(AssertionError, match=SAID):
        (REPOSITORY / "Pulumi.production.yaml").read_text(encoding="utf-8")


def test_nor_by_a_process_that_a_test_starts() -> None:
    command = [sys.executable, "-c", "import os; os.scandir('flags')"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "DefinitionOpened" in done.stderr


def test_samples_may_be_read() -> None:
    assert load(SAMPLES).resources
