"""Consents that nothing needs any more, and that would consent to the same again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_admin.safety.refusal import Refusal

_REPEATABLE = ("remove/", "rename/", "members/")
"""The beginnings of the consents that name no state of the stack, and that nothing but the program's gates needs."""


def left_over(consent: Iterable[str], needed: Iterable[Refusal]) -> Iterator[str]:
    """Yield the consents that remain although nothing needs them.

    Args:
        consent: the words in the stack's configuration.
        needed: what would be refused without any.
    """
    codes = {each.code for each in needed}
    yield from (word for word in sorted(consent) if word.startswith(_REPEATABLE) and word not in codes)
