"""What files that can't be read may define, so that it is not reported as missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

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
class UnreadableFiles:
    """What the unreadable files of one kind may define."""

    names: frozenset[str] = frozenset()
    """The names in their text, and those of the files."""
    blank: bool = False
    """One of them has no text."""
    folder: bool = False
    """A folder can't be listed, so it is not known which files there are."""

    def may_name(self, name: str, inside: bool) -> bool:
        """Return whether one of the files may define a name, as its own or inside its definition."""
        return name in self.names or self.folder or (inside and self.blank)


def unreadable_files(documents: Iterable[Document]) -> dict[str, UnreadableFiles]:
    """Return, by kind of file, what the files that can't be read may define."""
    found: dict[str, UnreadableFiles] = {}
    for document in documents:
        if not document.readable:
            before = found.get(document.kind, UnreadableFiles())
            path = PurePosixPath(document.path)
            texts = (text.strip() for groups in _NAME.findall(document.text) for text in groups)
            names = {path.stem, *filter(None, texts)}
            folder = not document.path.lower().endswith(ENDINGS)
            blank = before.blank or document.blank
            found[document.kind] = UnreadableFiles(before.names | names, blank, before.folder or folder)
    return found
