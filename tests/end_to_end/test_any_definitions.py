"""The repository with other definitions: the samples, some edit of them, another company's, none.

Nothing of the product's own may depend on them. That no test opens one is what ``tests/support/guard`` sees to; here
what shows or reads samples runs in a copy of the repository, where any of these stands in the definitions' place.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_admin.definitions import load
from ai_admin.definitions.files import TOP_FOLDERS
from tests.support.checkouts import SAMPLES, copy_of_repository, put, small_demo, stacks
from tests.support.sandbox import REPOSITORY
from tools.demo.__main__ import show_applied

ENABLED, TOKENS = "flags/ai-enhancement-enabled.yaml", "flags/ai-max-daily-tokens.yaml"
FLAG = "key: ai-summaries\nrelease_conditions:\n  - rollout_percentage: 10\n"
OTHERS = {
    "flags/checkout-v2.yaml": "key: checkout-v2\nrelease_conditions: [{cohort: pilots}]\n",
    "cohorts/pilots.yaml": "key: pilots\nname: Pilots\nproperties: [{key: plan, value: pilot}]\n",
    "events/shop.yaml": "key: shop\ntype: person\nproperties: {plan: {type: String}}\n",
    "Pulumi.live.yaml": "config:\n  ai-admin:host: https://us.posthog.com\n  ai-admin:project_id: '77'\n",
}
"""Another company's, with a stack of its own."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_of_repository(tmp_path_factory.mktemp("any") / "checkout")
    for name in (".venv", ".toolchain"):
        (root / name).symlink_to(REPOSITORY / name)
    return root


@pytest.fixture
def copy(copied: Path) -> Path:
    """The copy with no definitions, and no stack but the sandbox's."""
    for folder in TOP_FOLDERS:
        shutil.rmtree(copied / folder, ignore_errors=True)
    for settings in stacks(copied):
        settings.unlink()
    shutil.copy(SAMPLES / "Pulumi.sandbox.yaml", copied)
    return copied


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new), encoding="utf-8")


def others(root: Path) -> None:
    for path, text in OTHERS.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def edits(root: Path) -> None:
    """What people do to the samples, daily loop A1 to A4, and another company's definitions beside them."""
    put(SAMPLES, root)
    edit(root, ENABLED, "rollout_percentage: 50", "rollout_percentage: 60")  # README's first change
    edit(root, ENABLED, "\nowner:", "\nactive: false\nowner:")
    edit(root, TOKENS, "payload: 200000", "payload: 150000")
    (root / "flags" / "ai-summaries.yaml").write_text(FLAG)  # a key that an example has
    others(root)


@pytest.mark.parametrize("make", [lambda _: None, others, edits], ids=["none", "another company's", "edits"])
def test_check_accepts_other_definitions(copy: Path, make: Callable[[Path], None]) -> None:
    """Daily loop A1 to A5."""
    make(copy)
    run(copy, "ai_admin", "check")


def run(root: Path, *module: str) -> str:
    """Run a Python module in the copy and return what it printed.

    Not by `make`, which would make the packages anew that the copy shares with this checkout.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "POSTHOG_", "AI_"))}
    done = subprocess.run(
        [str(root / ".venv" / "bin" / "python"), "-m", *module],
        cwd=root,
        env={**kept, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_reference_is_written_the_same_without_definitions(copy: Path) -> None:
    """Daily loop A5."""
    before = {path.name: path.read_text("utf-8") for path in (copy / "docs" / "reference").iterdir()}
    run(copy, "tools.reference")
    assert {path.name: path.read_text("utf-8") for path in (copy / "docs" / "reference").iterdir()} == before


def test_the_demo_shows_whatever_stands_there(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Daily loop A5."""
    show_applied({}, load(copy, "sandbox"))
    assert "There are no definitions yet" in capsys.readouterr().out
    others(copy)
    small_demo(copy)
    try:
        said = run(copy, "tools.demo")
        assert re.search(r"^Applied: .*\b1 flag", said, re.MULTILINE)
        assert re.search(r"^ *checkout-v2 +off +off +off", said, re.MULTILINE)
    finally:
        run(copy, "tools.demo.stop")
