"""Gate: a flag that is on keeps its key, by which everything asks for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ai_admin.safety.applied import FLAG, FORMER, Manifest
from ai_admin.safety.refusal import Refusal
from providers.posthog.safety import rename_code


def renaming(before: Manifest, after: Manifest) -> dict[str, str]:
    """Return the flags that are on, stay on, and get another key, each by its new Pulumi name with its id in PostHog.

    A flag with ``renamed_from`` is in ``before`` under its new key, see ``applied.renamed``.
    """
    return {
        name: str(before[name].get("id", ""))
        for name in sorted(before.keys() & after.keys())
        if name.startswith(FLAG) and FORMER in before[name] and before[name].get("active") and after[name].get("active")
    }


def renamed_flags(
    before: Manifest, after: Manifest, keys: Mapping[str, str] | None = None
) -> Iterator[Refusal]:
    """Yield a refusal for each flag that is on and gets another key.

    ``keys`` says by Pulumi name which key those of them have that are on in PostHog; None: it was not asked. Who asks
    for the old key of one that somebody switched off or renamed there gets nothing already.
    """
    for name in renaming(before, after):
        former, key = before[name][FORMER], name.removeprefix(FLAG)
        if keys is None or keys.get(name, key) != key:
            what = (
                f"a flag would get another key while it is on, and who asks for {former} gets nothing from then on; "
                "release what asks for both keys first"
            )
            yield Refusal(what, (f"{FLAG}{former} to {name}",), rename_code(former, key))
