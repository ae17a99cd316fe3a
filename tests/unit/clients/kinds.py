"""Definitions with every kind of reader and property, under names that code would not have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ai_admin.definitions.check import check
from ai_admin.definitions.index import Index
from tests.unit.definitions.checkouts import Checkout

VALUES = {
    "integer": ("200000", "7"), "number": ("0.5", "0.25"), "string": ("'a \"b\" \\'", "'c'"),
    "boolean": ("true", "false"), "object": ("{max: 1}", "{max: [0, null, 'x']}"), "array": ("[1, two]", "[]"),
}  # fmt: skip
"""A payload of each type, and a fallback."""
NAMES = ("constructor", "class", "flags", "value", "variant", "number", "payload", "client", "readers", "property")
NASTY = r"""'''\ */ ${x} "" '""" * 12


def every_kind(root: Path) -> Mapping[str | None, Index]:
    """Write the definitions into a folder and return them, checked."""
    checkout = Checkout(root)
    for kind, (payload, fallback) in VALUES.items():
        for key, more in ((kind, ""), (f"{kind}-safe", f"fallback: {fallback}\n")):
            ceiling = "ceiling: 300000\n" if more and kind in ("integer", "number") else ""
            head = f"key: {key}-flag\npayload_type: {kind}\npayload: {payload}\n{more}{ceiling}"
            checkout.write(f"flags/{key}-flag.yaml", f"{head}release_conditions: [{{}}]\n")
    for name in NAMES:
        checkout.write(f"flags/{name}.yaml", f"key: {name}\nrelease_conditions: [{{}}]\n")
        checkout.write(f"events/{name}.yaml", f"key: {name}\nproperties: {{{name}: {{type: Boolean}}}}\n")
    checkout.write("flags/any.yaml", "key: any-variant\nunmanaged: [variants]\nrelease_conditions: [{}]\n")
    checkout.write("flags/text.yaml", f"key: text\ndescription: >-\n  {NASTY}\nrelease_conditions: [{{}}]\n")
    checkout.write(
        "events/e.yaml",
        f"key: 'order \"placed\"'\ndescription: >-\n  {NASTY}\nproperties:\n"
        "  self: {type: String, required: true}\n  given: {type: Numeric}\n  1st $: {}\n  when: {type: DateTime}\n"
        "  took: {type: Duration, values: [1, 2.5]}\n  'quoted \"': {type: String, values: ['a \"b\" \\']}\n",
    )
    checked = check(root)
    assert [str(problem) for problem in checked.problems] == []
    return checked.indexes
