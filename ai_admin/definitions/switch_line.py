"""The line of a flag's file that says whether the flag is on: found without reading the other files, and edited.

Everything else in the file stays as it is, byte for byte: comments, order, quotes, line ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Any

import yaml

from ai_admin.definitions import yaml_text
from ai_admin.definitions.document import Document
from ai_admin.definitions.files import File, find
from ai_admin.definitions.model import Path
from ai_admin.definitions.stacks import view
from providers.posthog.errors import NotEdited


def flag_files(root: FilePath, key: str) -> Iterator[Document]:
    """Yield the files that define a flag, of those that can be read. Only files that name it are parsed.

    Until a run has given it its new key, a flag that was renamed has its former one in PostHog.
    """
    named = [*_naming(root, key)]
    found = [document for document in named if document.key == key]
    yield from found or (document for document in named if document.value.get("renamed_from") == key)


def unreadable_files(root: FilePath, key: str) -> Iterator[Document]:
    """Yield the files that seem to define a flag, by their text or their name, and that can't be read."""
    yield from (document for document in _naming(root, key) if not document.readable)


def _naming(root: FilePath, key: str) -> Iterator[Document]:
    names, value = r"""["']?(?:key|renamed_from)["']?""", rf"""["']?{re.escape(key)}["']?"""
    named = re.compile(rf"(?:^|[\s{{,]){names}\s*:\s*{value}\s*(?:[,}}#]|$)", re.M)
    for file in find(root, {"flags": "flag"}):
        if file.kind not in ("flag", ""):  # what else lies there may have the key of its flag
            continue
        if (file.text is not None and named.search(file.text)) or PurePosixPath(file.path).stem == key:
            yield Document(file)


def is_on(document: Document, stack: str) -> bool | None:
    """Return whether a file says that its flag is on in a stack; None where the file does not define it there."""
    if document.only is not None and stack not in document.only:
        return None
    return view(document, stack).value.get("active", True) is not False


def is_left(document: Document, stack: str | None) -> bool:
    """Return whether a file leaves the switch to PostHog's pages (``unmanaged``) in a stack; None: as written."""
    unmanaged = view(document, stack).value.get("unmanaged")
    return isinstance(unmanaged, list) and "active" in unmanaged


def line_of(document: Document, stack: str) -> int:
    """Return the line that decides whether a flag is on in a stack: of its switch, or of its key without one."""
    return document.source(_path(document, stack) or ("key",)).line


def switched(document: Document, stack: str, active: bool) -> Document:
    """Return a file with its flag on or off in a stack. Without a line for that, one is written after ``key``.

    A patch of the stack that decides is edited, else what holds for all stacks; where another stack leaves the switch
    to PostHog's pages, it would say it there, too, so that a new line is for this stack. Raises :class:`NotEdited`.
    """
    if is_on(document, stack) is active:
        return document
    if not document.readable:
        raise NotEdited("it is no YAML")
    path = _path(document, stack)
    if path:
        text = _replaced(document, path, active)
    elif any(is_left(document, each) for each in (None, *document.patches)):
        path, text = ("stacks", stack, "active"), _patched(document, stack, active)
    else:
        path, text = ("active",), _inserted(document, active)
    edited = Document(File(document.path, document.kind, text))
    # The text was edited by position: check that it says what is meant, and that nothing else changed.
    wanted = _with(document.value, path, active)
    if not edited.readable or edited.value != wanted or is_on(edited, stack) is not active:
        raise NotEdited("its `active` is written in a way that this command does not edit")
    return edited


def _path(document: Document, stack: str) -> Path | None:
    """Return where the switch is written that decides for a stack."""
    patch = document.patches.get(stack)
    if isinstance(patch, dict) and "active" in patch:
        return ("stacks", stack, "active")
    return ("active",) if "active" in document.value else None


def _with(value: Any, path: Path, active: bool) -> Any:
    step, *rest = path
    return {**value, step: _with(value[step], tuple(rest), active) if rest else active}


def _replaced(document: Document, path: Path, active: bool) -> str:
    node = _node(document, path)
    start, end = (_index(document, mark) for mark in (node.start_mark, node.end_mark))
    return f"{document.text[:start]}{_word(active)}{document.text[end:]}"


def _inserted(document: Document, active: bool) -> str:
    root, text = _root(document), document.text
    name, value = next(((name, value) for name, value in root.value if name.value == "key"), (None, None))
    if name is None or value is None:
        raise NotEdited("it has no key")
    end = _index(document, value.end_mark)
    if root.flow_style:
        return f"{text[:end]}, active: {_word(active)}{text[end:]}"
    line = f"{' ' * name.start_mark.column}active: {_word(active)}"
    ends = _ends(text)
    after = text.find("\n", end) + 1
    return f"{text[:after]}{line}{ends}{text[after:]}" if after else f"{text}{ends}{line}{ends}"


def _patched(document: Document, stack: str, active: bool) -> str:
    """Return the text with the switch as the first line of a stack's patch."""
    patch, text = _node(document, ("stacks", stack)), document.text
    if not isinstance(patch, yaml.MappingNode):
        raise NotEdited(
            "another stack leaves the switch to PostHog's pages (unmanaged); write it under `stacks:`, "
            f"`{stack}: {{active: {_word(active)}}}`"
        )
    start, line = _index(document, patch.start_mark), f"active: {_word(active)}"
    if patch.flow_style:
        return f"{text[: start + 1]}{line}{', ' if patch.value else ''}{text[start + 1 :]}"
    return f"{text[:start]}{line}{_ends(text)}{' ' * patch.start_mark.column}{text[start:]}"


def _ends(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _node(document: Document, path: Path) -> Any:
    """Return the node at a path; None where there is none."""
    node: Any = _root(document)
    for step in path:
        pairs = reversed(node.value) if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in pairs if key.value == step), None)
    return node


def _root(document: Document) -> yaml.MappingNode:
    root = yaml_text.compose(document.text)
    if not isinstance(root, yaml.MappingNode):
        raise NotEdited("it holds no definition")
    return root


def _index(document: Document, mark: yaml.Mark) -> int:
    # The parser does not count a byte order mark.
    return mark.index + document.text.startswith("\ufeff")


def _word(active: bool) -> str:
    return "true" if active else "false"
