"""The page of fields that no definition owns: made from the kinds' tables, not from the schemas."""

from __future__ import annotations

from providers.posthog.kinds import KINDS

FILE = "left-to-posthog.md"
TITLE = "What is left to PostHog"
INTRO = "Fields that PostHog's API can write and no definition owns: they are neither compared nor changed"
_OWNED = (
    "Every other field is owned: a change by hand shows in a preview, and the next `up` restores the file's value, or "
    "the default."
)


def left_to_posthog(notice: str) -> str:
    """Return the page; ``notice`` says at the top where it comes from."""
    lines = [notice, f"# {TITLE}", "", f"{INTRO}. {_OWNED}"]
    for kind in KINDS.values():
        if kind.left:
            lines += ["", f"## {kind.type}", "", "| field of the API | why |", "|---|---|"]
            lines += [f"| `{name}` | {reason} |" for name, reason in kind.left.items()]
    return "\n".join(lines) + "\n"
