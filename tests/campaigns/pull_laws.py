"""The pull law: whatever somebody changes on PostHog's pages of what files define, `ai-admin pull` writes it into them;
then nothing differs, every check passes, and nothing else in the files changed: each comment stays, and so does each
line of a field that nobody changed.

A case is a random checkout with files of every kind in the hand of their authors (comments, quotes, flow and block
style, patches of stacks), that was applied to a sandbox, and random edits by PostHog's API.

`python -m tests.campaigns.pull_laws [--cases N] [--seed N]` takes 200 checkouts.
"""

from __future__ import annotations

import difflib
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ai_admin.definitions import load
from ai_admin.definitions.files import FOLDERS
from ai_admin.definitions.saving import save
from ai_admin.review.comparison import Comparison, Difference
from ai_admin.review.pull import Pulled, pull
from ai_admin.review.state import Resource, State
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.base import OWN
from providers.posthog.kinds.tiles import ours
from providers.posthog.references import readable, with_ids
from tests.campaigns.strangers import Stranger
from tests.campaigns.takeover_laws import STACK, checkout, compare, main, taken_over
from tests.support.sandbox import Sandbox

_SAY = {
    ("flag", "payloads"): ("variants",),
    ("flag", "release_conditions"): ("aggregation_group_type_index",),
}
"""Other keys of a file that say a field."""

_IN = {"insight": ("tiles",), "tiles": ("tiles",), "property": ("properties",), "notification": ("notify",)}
"""The keys of other kinds' files in which a definition is."""

COMMENT = re.compile(r"(?:^|\s)# .*$", re.MULTILINE)
WHOLE = re.compile(r"- \s*#")


def case(project: Sandbox, chance: random.Random, folder: Path, most: int, edits: int) -> Counter[str]:
    """Write random edits by hand back into files; raises AssertionError where the law is broken."""
    stranger = Stranger(project, chance)
    stranger.make_project(most)
    root = checkout(folder)
    if chance.random() < 0.5:  # another stack reads the same files
        (root / "Pulumi.staging.yaml").write_text("config: {}\n")
    taken_over(project, root)
    texts = {path: rewritten(chance, root / path) for path in files(root)}
    assert not load(root, STACK).problems
    others = meanings(root, "staging")
    before = compare(project, root)
    assert not [*before.differences()]
    state = applied(before)
    edited = [ref for ref in some_of(chance, before, edits) if edit(chance, stranger, before, ref)]
    for ref, id_ in before.ids.items():
        if ref.kind == "dashboard" and chance.random() < 0.3:
            stranger.arrange(id_)
    comparison = compare(project, root, state)
    found = [*comparison.differences()]
    result = pull(root, STACK, comparison, found, delete=False)
    save(root, result.texts, result.read)
    left = {each.ref for each in compare(project, root, state).differences()}
    assert left <= result.refused.keys(), f"{left - result.refused.keys()} still differ"
    elsewhere = meanings(root, "staging")
    changed = [str(ref) for ref in {*others, *elsewhere} if others.get(ref) != elsewhere.get(ref)]
    assert not changed or not (root / "Pulumi.staging.yaml").exists(), f"another stack changed: {changed}"
    for path, text in texts.items():
        smallest(path, text, (root / path).read_text(), found, result, comparison)
    counts = Counter({"edits": len(edited), "differences": len(found), "written": len(result.written)})
    return counts + Counter(f"refused {ref.kind}" for ref in result.refused)


def files(root: Path) -> Iterator[str]:
    """Yield the paths of definitions in a checkout."""
    yield from sorted(str(each.relative_to(root)) for top in FOLDERS for each in (root / top).glob("*.yaml"))


def meanings(root: Path, stack: str) -> dict[Ref, Any]:
    """Return what a checkout's files define in a stack."""
    return {Ref(each.kind, each.key): each.properties for each in load(root, stack).resources}


def rewritten(chance: random.Random, file: Path) -> str:
    """Give a file another hand: comments, blank lines, quotes; return its text."""
    lines = []
    for line in file.read_text().splitlines():
        plain = not line.startswith((" ", "#"))
        if plain and line and chance.random() < 0.3:
            lines += chance.choice((["# Why this is so."], ["", "# About the next one."], [""]))
        if plain and re.fullmatch(r"(name|description): [A-Za-z][\w ]*", line) and chance.random() < 0.3:
            key, _, text = line.partition(": ")
            line = f'{key}: "{text}"' if chance.random() < 0.5 else f"{key}: '{text}'"
        if plain and not line.endswith((":", "|", "|-", ">")) and not line.startswith("#") and chance.random() < 0.2:
            line = f"{line}  # noted"
        lines.append(line)
    text = "\n".join(lines) + "\n"
    kind = file.parent.name
    value = yaml.safe_load(text)
    if kind == "flags" and "stacks" not in value and chance.random() < 0.3 and "description" in value:
        text += f"stacks:\n  # Ours.\n  {STACK}:\n    description: {value['description']!r}  # said here as well\n"
    file.write_text(text)
    if load(file.parents[len(Path(FOLDERS_OF[kind]).parts)], STACK).problems:  # a comment inside of a text
        file.write_text(text := file_text_of(lines))
    return text


FOLDERS_OF = {Path(folder).name: folder for folder in FOLDERS}


def file_text_of(lines: list[str]) -> str:
    return "\n".join(line for line in lines if not line.startswith("# ")) + "\n"


def applied(comparison: Comparison) -> State:
    """Return the state in which a checkout was applied that differs in nothing."""
    resources = {}
    for each in comparison.definitions:
        ref = Ref(each.kind, each.key)
        if ref in comparison.ids:
            kind, id_ = KINDS[ref.kind], comparison.ids[ref]
            known = kind.canonical(with_ids(each.properties, lambda ref: readable(ref, comparison.ids[ref])))
            live = comparison.project.inventory.get(kind, id_) or {}
            own = [tile["id"] for tile in ours(live["tiles"], known)] if ref.kind == "tiles" else []
            resources[ref] = Resource(ref, id_, {**known, **({OWN: own} if own else {})})
    return State(resources)


def some_of(chance: random.Random, comparison: Comparison, most: int) -> list[Ref]:
    """Return some definitions that people can change in PostHog."""
    there = [ref for ref in comparison.ids if KINDS[ref.kind].lifecycle in ("collection", "approved")]
    return chance.sample(there, k=min(len(there), chance.randint(1, most)))


def edit(chance: random.Random, stranger: Stranger, comparison: Comparison, ref: Ref) -> bool:
    """Bring a field or two of an object to what another random object of its kind has; return whether that went."""
    kind, id_ = KINDS[ref.kind], comparison.ids[ref]
    drawn = stranger.drawn(ref.kind, ref.key)
    if drawn is None:
        return False
    live = comparison.project.inventory.get(kind, id_)
    assert live is not None
    before = kind.project(live, {}, comparison.project.directory)
    wanted = {name: item for name, item in {**before, **drawn}.items() if name != "unmanaged"}
    able = [each for each in kind.fields if each.manageable or each.name in ("name", "query", "steps", "threshold")]
    fields = [each for each in able if not each.immutable and each.name not in ("dashboards", "archived")]
    fields = [each for each in fields if before.get(each.name) != wanted.get(each.name)]
    chosen = chance.sample(fields, k=min(len(fields), chance.randint(1, 2)))
    if not chosen:
        return False
    body = stranger.body(kind, [*chosen, *(each for each in kind.fields if each.always)], wanted, live, before)
    return body is not None and stranger.send("PATCH", f"{kind.collection}/{id_}", body) is not None


def smallest(
    path: str, before: str, after: str, found: list[Difference], result: Pulled, comparison: Comparison
) -> None:
    """Assert that comments stay, but beside an item that goes, and that a file changes only where a field of one of its
    definitions does.
    """
    if path not in result.texts:
        assert after == before, f"{path} changed"
        return
    gone = Counter(COMMENT.findall(before)) - Counter(COMMENT.findall(after))
    old = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in " -"]
    removed = [line for line in old if line.startswith("- ")]
    whole_lines = [line for n, line in enumerate(old) if WHOLE.match(line) and not _goes_with_an_item(old, n)]
    assert not whole_lines, f"{path} lost {whole_lines}"
    noted = sum("  # noted" in line or "# said here" in line for line in removed)
    assert sum(gone.values()) <= noted, f"{path} lost {gone}"
    fields = {
        name
        for each in found
        if each.ref in result.written and each.definition.source.path == path
        for field in each.fields
        for name in (*field.written, field.name, *_SAY.get((each.ref.kind, field.name), ()))
    }
    fields |= {name for each in result.written for name in _IN.get(each.kind, ())}
    assert top_level(before, after) <= {*fields, "stacks"}, f"{path}: {top_level(before, after) - fields}"


def _goes_with_an_item(lines: list[str], at: int) -> bool:
    """Return whether the item of a list below a comment, or what is above it, goes as well."""
    below = next((line for line in lines[at:] if not re.match(r"..\s*#", line)), "")
    above = next((line for line in lines[at::-1] if not re.match(r"..\s*#", line)), "")
    return re.match(r"- \s*- ", below) is not None or above.startswith("- ")


def top_level(before: str, after: str) -> set[str]:
    """Return the top-level keys to which the lines belong in which two texts differ, blank lines aside: that between
    two keys belongs to neither.
    """
    old, new = ([line for line in text.splitlines() if line.strip()] for text in (before, after))
    owners = [[*_owners(old)], [*_owners(new)]]
    opcodes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    differing = [each for each in opcodes if each[0] != "equal"]
    return {owner for _, i, i_end, j, j_end in differing for owner in owners[0][i:i_end] + owners[1][j:j_end]}


def _owners(lines: list[str]) -> Iterator[str]:
    """Yield the top-level key that each line belongs to."""
    owner = ""
    for line in lines:
        found = re.match(r"(\w+):", line)
        owner = found[1] if found else owner
        yield owner


if __name__ == "__main__":
    sys.exit(main("pull", "Random edits by hand, written back into files.", partial(case, most=3, edits=12)))
