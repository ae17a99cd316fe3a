"""The commands of docs/live-projects.md, in their order, on a project that somebody made."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.contract.review.test_commands import Checkout
from tests.support.documents import blocks
from tests.support.sandbox import REPOSITORY, Sandbox

PAGE = blocks(REPOSITORY / "docs" / "live-projects.md")


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path, sandbox: Sandbox) -> None:
    checkout = Checkout(tmp_path / "co", sandbox)
    checkout.make()
    said: dict[str, list[str]] = {}
    second, flag = checkout.folder / "Pulumi.staging.yaml", checkout.folder / "flags" / "model.yaml"
    for block in PAGE:
        if block.heading.startswith("A change"):
            checkout.roll_out(10)
        if joins := "--join" in block.text:
            second.write_text((checkout.folder / "Pulumi.production.yaml").read_text())
            text = flag.read_text()
            flag.write_text(f"{text}only: [production]\n")
        for line in block.text.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "ai-admin"
            said.setdefault(block.heading, []).append(checkout.ai_admin(*arguments))
        if joins:
            assert flag.read_text() == f"{text}only: [production, staging]\n"
            flag.write_text(text)
            second.unlink()
    assert [text.count("nothing is written") for text in said["Taking over a project"]] == [1, 0, 0, 1, 0]
    assert "nothing differs" in said["What differs"][0]
    assert "flag/model: as PostHog holds it" in said["A change on PostHog's pages becomes a pull request"][-1]
    assert "nothing differs" in checkout.ai_admin("drift")
