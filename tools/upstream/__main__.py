"""`make upstream`: brings the facts in tests/upstream up to date, and prints what is new, gone or changed."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.toolchain.errors import ToolchainError
from tools.upstream import changes, facts
from tools.upstream.declarations import Declarations
from tools.upstream.packages import Package, content, newest
from tools.upstream.zod import Bundle

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "upstream"
CLI, TOOLKIT = "@posthog/cli", "@posthog/agent-toolkit"
AFTERWARDS = """
Work through the list, then run `python -m pytest tests/unit/upstream`, which says what to do about every difference
that is left."""


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.upstream", description=__doc__)
    parser.add_argument("--cli", default="", metavar="VERSION", help=f"of {CLI}; the newest unless it is given")
    parser.add_argument("--toolkit", default="", metavar="VERSION", help=f"of {TOOLKIT}; the newest unless it is given")
    given = parser.parse_args()
    try:
        refresh({CLI: given.cli, TOOLKIT: given.toolkit})
    except (ToolchainError, OSError) as error:
        print(f"upstream: {error}", file=sys.stderr)
        return 1
    return 0


def refresh(versions: dict[str, str]) -> None:
    """Fetch the packages, write what they say, and print how that differs from what was stored.

    Raises:
        ToolchainError: a package can't be had, or is written in a new way.
    """
    stored = {each["name"]: Package(**each) for each in _read("packages.json")}
    pinned = {name: newest(package, versions[name]) for name, package in stored.items()}
    texts = {}
    for name, package in pinned.items():
        print(f"{name} {stored[name].version} -> {package.version} ({package.published})")
        with tempfile.TemporaryDirectory() as folder:
            texts[name] = content(package, Path(folder))
    try:
        bundle, declared = Bundle(texts[CLI]), Declarations(texts[TOOLKIT])
        api, queries = facts.api(bundle, declared), facts.queries(bundle, declared)
    except KeyError as error:
        message = f"the packages have no {error}, which tools/upstream/facts.py names: find its name of now"
        raise ToolchainError(message) from error
    found = [
        *changes.api(_read("api.json"), api, ROOT),
        *changes.queries(_read("queries.json"), queries, _read("places.json")["queries"]),
    ]
    for file, content_ in (("api.json", api), ("queries.json", queries)):
        (FOLDER / file).write_text(f"{facts.text(content_)}\n", "utf-8")
    written = json.dumps([package.json() for package in pinned.values()], indent=2)
    (FOLDER / "packages.json").write_text(f"{written}\n", "utf-8")
    print("\n".join(["", *found, AFTERWARDS] if found else ["Nothing changed."]))


def _read(file: str) -> Any:
    return json.loads((FOLDER / file).read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(main())
