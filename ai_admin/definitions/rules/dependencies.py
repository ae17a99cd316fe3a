"""Flags that need other flags."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.forms.flag import references as flag_references
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.unreadable import at


@rule("flag", sees=("flag",))
def needs_what_is_on(unit: Unit, index: Index) -> Iterator[Finding]:
    """No flag that is on needs one that is off, in any stack.

    PostHog refuses the condition, and to switch a flag off while others that are on need it. So a pull request that
    switches a flag off shows the flags that need it, and one that makes a flag need another shows where that is off.
    """
    if _state(unit) == "off":
        return
    for path, kind, key in flag_references(unit):
        other = index.find("flag", key) if kind == "flag" else None
        if other is not None and other is not unit and _state(other) == "off":
            message = f'the flag "{other.key}" is off, and PostHog switches no flag off that one which is on needs'
            yield Finding(path, message, "write active: false here as well, or remove this filter")


def _state(flag: Unit) -> str:
    """Return whether a flag is ``on`` or ``off``; nothing where people switch it in PostHog, or it can't be read."""
    active, unmanaged = at(flag.value, "active", default=True), at(flag.value, "unmanaged", default=())
    if not isinstance(active, bool) or "active" in unmanaged:
        return ""
    return "on" if active else "off"
