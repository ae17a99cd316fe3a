"""Consents that nothing needs any more, and that would consent to the same again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ai_admin.safety.refusal import Refusal

_REPEATABLE = ("remove/", "rename/", "members/")
"""The beginnings of the consents that name no state of the stack, and that nothing but the program's gates needs."""

_OF_OBJECTS = (
    *_REPEATABLE,
    *("ahead/", "on/", "order/", "payload/", "redraw/", "reset/", "resume/", "rollout/", "targeting/", "withhold/"),
)
"""The beginnings of the consents that name an object by its key: needed only where that changes."""

_OF_RUNS = ("delete/", "update/", "unfollowed/")
"""The beginnings of the consents that name no object: needed only if anything changes."""


def left_over(
    consent: Iterable[str], needed: Iterable[Refusal], changing: Collection[str] | None = None
) -> Iterator[str]:
    """Yield the consents that remain although nothing needs them; never one to destroy the stack.

    Args:
        consent: the words in the stack's configuration.
        needed: what would be refused without any.
        changing: the keys of everything that an `up` would change, held or unread objects included; None if only the
            program judges, which does not know them.
    """
    codes = {each.code for each in needed}
    for word in sorted(set(consent) - codes):
        if word.startswith(_REPEATABLE) or (changing is not None and _is_done(word, changing)):
            yield word


def _is_done(word: str, changing: Collection[str]) -> bool:
    about = changing if word.startswith(_OF_RUNS) else set(word.split("/")[1:]).intersection(changing)
    return word.startswith((*_OF_OBJECTS, *_OF_RUNS)) and not about
