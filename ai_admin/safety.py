"""Safety gates: what an `up` may not do without consent, told from what was applied last. Pure.

The gates stand in the program, so that a plain `pulumi up` can't walk around them, and they judge a preview as well,
so that the review fails and not the deployment. What was applied last is a *manifest*, which the program keeps among
its stack's outputs.

Consent is given in the stack's configuration, where it is reviewed with the change: the code that the refusal names. It
stands for exactly what was refused, so that a consent which stays in the file consents to nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

DELETES, DELETES_SHARE = 10, 0.2
"""Most objects that a run may delete, and most of all there are. One may always go."""

UPDATES, UPDATES_SHARE = 50, 0.5
"""Most objects that a run may change, and most of all there are. Five may always change."""

ROLLOUT_STEP = 25
"""Most percentage points by which a release condition may grow in production in one run."""

CAREFUL_STACKS = ("production",)

Manifest = dict[str, dict[str, Any]]


class Definition(Protocol):
    """What the gates look at of a definition: see ``ai_admin.definitions``."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def properties(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Refusal:
    """One rule that a run breaks: what is wrong with figures, and the changes that it is about."""

    what: str
    about: tuple[str, ...]

    @property
    def code(self) -> str:
        """What consents to these changes and to no others."""
        return hashlib.sha256("\n".join((self.what, *self.about)).encode()).hexdigest()[:10]

    def __str__(self) -> str:
        shown = ", ".join(self.about[:8]) + (f" and {len(self.about) - 8} more" if len(self.about) > 8 else "")
        return f"{self.what}: {shown}; to consent, add {self.code} to ai-admin:consent in the stack's configuration"


def manifest(definitions: Iterable[Definition]) -> Manifest:
    """Return what has to be known of these definitions in the next run, by Pulumi name (``flag/ai-model-version``)."""
    return {f"{definition.kind}/{definition.key}": _entry(definition) for definition in definitions}


def _entry(definition: Definition) -> dict[str, Any]:
    properties = {name: value for name, value in definition.properties.items() if name != "key"}
    entry: dict[str, Any] = {"digest": _digest(properties)}
    if definition.kind == "flag":
        entry["active"] = properties.get("active", True)
        conditions = properties.get("release_conditions", ())
        entry["rollout"] = {_digest(each["properties"]): each["rollout_percentage"] for each in conditions}
    return entry


def _digest(value: Any) -> str:
    # References among the properties are written as kind and key: ids are not known here, and don't matter.
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def refusals(stack: str, before: Manifest, after: Manifest, consent: Iterable[str]) -> list[Refusal]:
    """Return what this run may not do: ``before`` was applied last, ``after`` is what the files say now.

    ``consent`` are the codes in the stack's configuration. A first run (nothing before) is never refused.
    """
    given = set(consent)
    found = (*_deletes(before, after), *_updates(before, after), *_flags_removed(before, after))
    careful = _rollouts(before, after) if stack in CAREFUL_STACKS else ()
    return [refusal for refusal in (*found, *careful) if refusal.code not in given]


def _deletes(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    gone = sorted(before.keys() - after.keys())
    allowed = max(1, min(DELETES, int(DELETES_SHARE * len(before))))
    if len(gone) > allowed:
        what = f"{len(gone)} of {len(before)} objects would be deleted, {allowed} may be in one run"
        yield Refusal(what, tuple(gone))


def _updates(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    both = before.keys() & after.keys()
    changed = sorted(name for name in both if before[name].get("digest") != after[name]["digest"])
    allowed = max(5, min(UPDATES, int(UPDATES_SHARE * len(before))))
    if len(changed) > allowed:
        what = f"{len(changed)} of {len(before)} objects would be changed, {allowed} may be in one run"
        yield Refusal(what, tuple(changed))


def _flags_removed(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    new = {entry["digest"]: name for name, entry in after.items() if name not in before}
    for name in sorted(before.keys() - after.keys()):
        entry = before[name]
        renamed = new.get(entry.get("digest", "")) if name.startswith("flag/") else None
        if renamed:
            what = "a flag would get another key, and SDKs that ask for the old one get nothing"
            yield Refusal(what, (f"{name} to {renamed}",))
        elif entry.get("active"):
            what = "a flag would be deleted while it is on; set `active: false`, apply that, and delete it afterwards"
            yield Refusal(what, (name,))


def _rollouts(before: Manifest, after: Manifest) -> Iterator[Refusal]:
    everybody = _digest([])
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name].get("rollout") or {}, after[name].get("rollout") or {}
        if not after[name].get("active"):
            continue
        for properties, share in now.items():
            known = properties in was or properties == everybody
            start = was.get(properties, 0) if before[name].get("active") else 0
            if known and share - start > ROLLOUT_STEP:
                what = f"a release condition would grow from {start:g} % to {share:g} %, {ROLLOUT_STEP} points may be"
                yield Refusal(what, (name,))
