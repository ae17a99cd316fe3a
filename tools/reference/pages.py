"""The pages of the reference, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from providers.posthog.kinds import KINDS
from tools.reference import left
from tools.reference.nodes import Node, Place, annotation, is_switch, root, settled
from tools.reference.sections import Section, Walk
from tools.reference.subjects import SAMPLES, TOPICS, Page, page_of
from tools.reference.wording import (
    code,
    conditions,
    default_of,
    example_of,
    rules_of,
    sentence,
    type_cell,
    type_of,
)

ROOT = Path(__file__).parents[2]
_NOTICE = "<!-- Written by `make docs` from schemas/. Change those, then run it. -->"
_NOTICE_OF_KINDS = "<!-- Written by `make docs` from providers/posthog/kinds/. Change those, then run it. -->"


@dataclass
class _Reference:
    """All sections, with the page and the anchor of each."""

    sections: dict[Place, Section]
    pages: dict[Place, Page] = field(default_factory=dict)
    anchors: dict[Place, str] = field(default_factory=dict)

    def link(self, node: Node, here: Page) -> str:
        """Return the link to a node's section, as it reads on a page."""
        place = settled(node).place
        page = self.pages[place]
        return f"[{self.sections[place].title}]({'' if page is here else page.file}#{self.anchors[place]})"


def reference() -> dict[str, str]:
    """Return the text of every page by its file name in ``docs/reference/``."""
    walk = Walk()
    found = _Reference(walk.sections)
    pages = [page_of(kind) for kind in KINDS.values() if kind.folder]
    for page in pages:
        walk.visit(root(*page.schemas), "")
        for place in walk.sections.keys() - found.pages.keys():
            found.pages[place] = next((topic for topic in TOPICS if topic.claims(place)), page)
    pages += TOPICS
    for page in pages:
        seen: dict[str, int] = {}
        for section in _of(page, found):
            found.anchors[section.place] = anchor(section.title, seen)
    written = {page.file: _page(page, found) for page in pages}
    return written | {left.FILE: left.left_to_posthog(_NOTICE_OF_KINDS), "README.md": _index(pages)}


def anchor(title: str, seen: dict[str, int]) -> str:
    """Return the anchor that GitHub gives a heading; ``seen`` counts equal ones of the same page."""
    slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    count = seen.get(slug, 0)
    seen[slug] = count + 1
    return f"{slug}-{count}" if count else slug


def _of(page: Page, found: _Reference) -> list[Section]:
    return sorted(
        (section for section in found.sections.values() if found.pages[section.place] is page),
        key=lambda section: page.rank(section.place),
    )


def _index(pages: Iterable[Page]) -> str:
    lines = [_NOTICE, "# Reference", "", "| page | what it explains |", "|---|---|"]
    lines += [f"| [{page.title}]({page.file}) | {page.intro.split('. ')[0].rstrip('.')}. |" for page in pages]
    lines += [f"| [{left.TITLE}]({left.FILE}) | {left.INTRO}. |"]
    return "\n".join(lines) + "\n"


def _page(page: Page, found: _Reference) -> str:
    sections = _of(page, found)
    lines = [_NOTICE, f"# {page.title}", "", page.intro, ""]
    lines += [f"A whole one, [{page.example}](../samples/{page.example}):", ""]
    lines += _yaml(page.example, (SAMPLES / page.example).read_text("utf-8"))
    if len(sections) > 1:
        lines += ["On this page: " + " · ".join(found.link(section.node, page) for section in sections), ""]
    for section in sections:
        lines += [*_section(section, page, found), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _yaml(file: str, text: str) -> list[str]:
    return [f"```yaml file={file}", text.rstrip("\n"), "```", ""]


def _section(section: Section, page: Page, found: _Reference) -> Iterator[str]:
    def link(node: Node) -> str:
        return found.link(node, page)

    yield f"## {section.title}"
    yield ""
    if section.description:
        yield from (section.description, "")
    if is_switch(section.node):
        yield from _switch(section, found, page)
        return
    if "enum" in section.node:
        yield f"One of {', '.join(map(code, section.node['enum']))}."
        yield from _elsewhere([section.node])
        return
    if section.inherited:
        named = ", ".join(f"`{name}`" for name in section.inherited)
        yield from (f"Takes {named}, as in the definition; null takes the definition's own away.", "")
    if section.fields:
        yield from _row("field", "type or values", "default", "what it is", "example")
        for name, node in section.fields.items():
            default = "**required**" if name in section.required else default_of(node)
            described = annotation(node, "description") or ""
            yield next(_row(f"`{name}`", type_cell(section, name, node, link), default, described, example_of(node)))
        yield ""
    if section.variants:
        yield "The other fields:" if section.fields else "One of these:"
        yield ""
        yield from _row("condition", "fields")
        for part in section.variants:
            yield next(_row(conditions(section, part), link(part.node)))
        yield ""
    rules = list(dict.fromkeys(rules_of(section)))
    if rules:
        yield from ("Rules:", "", *(f"- {rule}" for rule in rules), "")
    # A long list of values has a section of its own, which says it.
    fields = [node for node in map(settled, section.fields.values()) if node.place not in found.pages]
    yield from _elsewhere([section.node, *fields])
    yield from _shorthand(section)


def _elsewhere(nodes: list[Node]) -> Iterator[str]:
    """Yield a table of values that PostHog knows and that these fields can't have."""
    values: dict[tuple[str, str], list[str]] = {}
    for name, said in (item for node in nodes for item in node.get("instead", {}).items()):
        if "because" not in said:
            continue  # what people call it, and not a value of PostHog's
        values.setdefault((said["because"], said["write"]), []).append(code(name))
    if values:
        yield from ("", "Values that PostHog knows and that are not allowed here:", "")
        yield from _row("value", "why", "what to do")
        for (because, write), names in values.items():
            yield next(_row(", ".join(names), sentence(because), sentence(write)))
        yield ""


def _row(*cells: str) -> Iterator[str]:
    """Yield a table's row, and then what goes below it if it is the first."""
    yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
    yield "|" + "---|" * len(cells)


def _switch(section: Section, found: _Reference, page: Page) -> Iterator[str]:
    yield from _row("`operator`", "`value`", "what it is", "example")
    for index, branch in enumerate(section.node["allOf"]):
        node = settled(section.node.child("allOf", index, "then", "properties", "value"))
        test: dict[str, Any] = branch["if"]["properties"]["operator"]
        operators = ", ".join(map(code, test["enum"] if "enum" in test else [test["const"]]))
        nothing = node.get("not") == {}
        shape = "none" if nothing else type_of(node, lambda each: found.link(each, page))
        yield next(_row(operators, shape, sentence(node["description"]), example_of(node)))


def _shorthand(section: Section) -> list[str]:
    """Return a whole file with a section's own example, where it is the shorthand of an insight."""
    if section.place.steps[:1] != ("$defs",) or not section.place.file.startswith("shared/queries/shorthand"):
        return []
    name = str(section.place.steps[-1])
    if len(section.place.steps) != 2 or name not in root("shared/insight.schema.json")["properties"]:
        return []
    insight = {"key": f"example-{name}", "name": f"Example of {name}", name: section.node["examples"][0]}
    file = {"key": f"example-of-{name}", "name": f"Example of {name}", "tiles": [{"insight": insight}]}
    text = yaml.safe_dump(file, sort_keys=False, allow_unicode=True, width=100)
    return ["For example:", "", *_yaml(f"dashboards/example-of-{name}.yaml", text)]
