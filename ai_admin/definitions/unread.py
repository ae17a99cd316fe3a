"""What seems to exist although it can't be read, so that nobody is told that it is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ai_admin.definitions.document import Document
from ai_admin.definitions.files import ENDINGS

# The value of "key", in quotes or up to what ends it in YAML, and whatever is before a colon: the names of the
# properties of an event. Names are tried from their beginning only, or ten megabytes of one letter would take hours.
_NAME = re.compile(
    r"""(?:^|[\s{,])["']?key["']?:\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'{\[,}\]][^,}\]\n]*+))"""
    r"""|(?<![\w$.-])([\w$.-]+)["']?\s*:(?=\s|$)""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Unread:
    """What files of one kind seem to define that can't be read.

    ``names`` are in them or are their own. ``blank`` says that one of them has no text at all, ``folder`` that it is
    not even known which files there are.
    """

    names: frozenset[str] = frozenset()
    blank: bool = False
    folder: bool = False

    def may_name(self, name: str, inside: bool) -> bool:
        """Whether a name may be there, of a file's definition or of something inside it."""
        return name in self.names or self.folder or (inside and self.blank)


def unread(documents: Iterable[Document]) -> dict[str, Unread]:
    """Return, by kind of file, what the files seem to define that could not be read: what their text names, if there
    is one, and what their own name says.
    """
    found: dict[str, Unread] = {}
    for document in documents:
        if not document.readable:
            before = found.get(document.kind, Unread())
            path = PurePosixPath(document.path)
            texts = (text.strip() for groups in _NAME.findall(document.text) for text in groups)
            names = {path.stem, *filter(None, texts)}
            folder = not document.path.lower().endswith(ENDINGS)
            blank = before.blank or document.blank
            found[document.kind] = Unread(before.names | names, blank, before.folder or folder)
    return found


def mappings_inside(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping inside a value, itself included."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings_inside(item)
