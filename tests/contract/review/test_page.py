"""docs/review.md shows what a plan of the sample definitions says."""

from __future__ import annotations

import re
import shutil

from ai_admin.review.text import text
from tests.support.checkouts import SAMPLES
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY, Sandbox
from tests.support.stack import Stack

PAGE = REPOSITORY / "docs" / "review.md"
FLAG = "flags/ai-enhancement-enabled.yaml"
APPLIED = (
    FLAG,
    *("cohorts/internal-installations.yaml", "cohorts/beta-installations.yaml", "cohorts/error-installations.yaml"),
)
VARIES = {r"of http://[\w.:]+": "of HOST", r"on \d+ \w+ \d{4}, \d\d:\d\d UTC": "on DAY", r"about \d+ s": "SECONDS"}


def test_the_example_is_what_a_plan_says(stack: Stack, sandbox: Sandbox) -> None:
    for number in range(180):
        channel = "internal" if number < 5 else "beta" if number < 20 else "stable"
        person = {"$set": {"channel": channel, "version": "2.4.0", "health_status": "healthy"}}
        event = {"event": "seen", "distinct_id": f"inst-{number}", "properties": person}
        sandbox.capture(event)
    for name in APPLIED:
        shutil.copy(SAMPLES / name, stack.root / name)
    shutil.copy(SAMPLES / "events" / "installation.yaml", stack.root / "events")
    for name in ("staging", "production"):
        shutil.copy(SAMPLES / f"Pulumi.{name}.yaml", stack.root)
    stack.up()
    for block in blocks(PAGE):
        if block.language == "diff":
            path = stack.root / str(block.edits)
            path.write_text(block.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    sandbox.call("PATCH", stack.path("flag/ai-enhancement-enabled"), {"tags": ["ai", "kill-switch", "by-hand"]})
    [shown] = [block.text for block in blocks(PAGE) if block.attributes.get("example") == "plan"]
    assert same(text(stack.plan().report)) == same(shown)


def same(shown: str) -> str:
    """A plan without what differs from run to run."""
    for pattern, word in VARIES.items():
        shown = re.sub(pattern, word, shown)
    return shown.strip()


def test_every_sign_and_exit_code_is_on_the_page() -> None:
    from ai_admin.review.reading import LOOKS

    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{look.sign} " in page for look in LOOKS.values())
