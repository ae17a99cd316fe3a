"""The reviewed plan: only its changes are applied, and only to objects that are as the plan has seen them.

An object that somebody changed in PostHog since, and that the plan does not change, is left as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from providers.posthog import reconcile
from providers.posthog.errors import Unsafe
from providers.posthog.inputs import switched_off
from providers.posthog.kinds.base import OWN, UNKEPT, Properties
from providers.posthog.kinds.flag import FLAG

AGAIN = "make the plan again with `ai-admin plan`, and have that reviewed"


def fingerprint(live: Properties | None) -> str:
    """Return a short text that differs wherever what PostHog holds does (canonical; None: there is no such object)."""
    shown = None if live is None else {name: value for name, value in live.items() if name not in (OWN, UNKEPT)}
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()[:16]


def is_off(wanted: Properties | None) -> bool:
    """Return whether this is a flag that is to be off: no plan holds up its switch, as it then serves nobody."""
    return wanted is not None and wanted.get("active") is False


def seen(live: Properties | None, wanted: Properties | None) -> Properties | None:
    """Return what PostHog holds of an object as a plan binds it: without the switch of a flag that is to be off."""
    return switched_off(live) if live is not None and is_off(wanted) else live


def only_goes_off(live: Properties | None, wanted: Properties | None) -> bool:
    """Return whether nothing but its switch makes a live flag what it is to be: off."""
    if live is None or wanted is None or not is_off(wanted):
        return False
    return not reconcile.changed(FLAG, switched_off(live), wanted)


class Reviewed:
    """The changes of a plan; without a plan everything passes."""

    def __init__(self, text: str | None = None) -> None:
        """``text`` is the plan as `ai-admin plan --out` writes it. Raises ``ValueError`` for anything else."""
        self._changes: Mapping[str, Mapping[str, Any]] | None = None
        self._left: frozenset[str] = frozenset()
        if text is not None:
            found = json.loads(text)
            self._changes, self._left = dict(found["changes"]), frozenset(found.get("left", ()))

    def leaves(self, name: str) -> bool:
        """Return whether the object with this Pulumi name is left as PostHog holds it: it was changed there since."""
        return name in self._left

    def check(self, name: str, live: Properties | None, wanted: Properties | None = None) -> None:
        """Judge a change of the object with this Pulumi name. Raises :class:`Unsafe`.

        ``live`` is what PostHog holds, and ``wanted`` what it is to hold (None: no such object). A flag's switch-off
        passes; what else changes of the flag is judged like anything else.
        """
        if self._changes is None or only_goes_off(live, wanted):
            return
        if name not in self._changes:
            raise Unsafe(f"the reviewed plan does not change it; {AGAIN}")
        if fingerprint(seen(live, wanted)) not in self._changes[name]["live"]:
            raise Unsafe(f"PostHog does not hold it as the reviewed plan has seen it; {AGAIN}")
