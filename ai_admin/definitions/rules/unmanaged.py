"""``unmanaged`` leaves fields to PostHog's pages; what is left there cannot be set here as well."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.forms import FORMS
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from providers.posthog.kinds import KINDS


@rule(*FORMS)
def not_set_as_well(unit: Unit, _: Index) -> Iterator[Finding]:
    """No field is left to PostHog and set."""
    keys = {field.name: field.written for field in KINDS[unit.kind].fields}
    for name in unit.value.get("unmanaged") or ():
        for written in keys.get(name) or (name,):
            if written in unit.written:
                message = f'"{name}" is left to PostHog (unmanaged) and set as well'
                yield Finding((written,), message, f'remove "{written}", or remove "{name}" from unmanaged', None, True)
        if (unit.kind, name) == ("flag", "payloads"):
            for n, variant in enumerate(unit.value.get("variants") or ()):
                if "payload" in variant:
                    message = '"payloads" is left to PostHog (unmanaged) and set as well'
                    fix = 'remove the payload, or remove "payloads" from unmanaged'
                    yield Finding(("variants", n, "payload"), message, fix, None, True)
