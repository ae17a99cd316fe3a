"""Early access features, and what their flags must be."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding
from ai_admin.definitions.rules.variants import variant_keys


@rule("early_access_feature", sees=("flag",))
def leaves_enrolment_to_posthog(unit: Unit, index: Index) -> Iterator[Finding]:
    """The flag does not set its enrolment, which PostHog switches with the stage."""
    flag = index.find("flag", unit.value.get("flag"))
    if flag is not None and "feature_enrollment" not in (flag.value.get("unmanaged") or ()):
        message = f'PostHog opens the flag "{flag.key}" for those who opt in, and the next run would close it again'
        fix = f"write unmanaged: [feature_enrollment] into {flag.view.document.path}"
        yield Finding(("flag",), message, fix)


@rule("early_access_feature", sees=("flag",))
def flag_has_no_variants(unit: Unit, index: Index) -> Iterator[Finding]:
    """PostHog refuses a feature on a flag with variants."""
    flag = index.find("flag", unit.value.get("flag"))
    if flag is not None and variant_keys(flag):
        message = f'the flag "{flag.key}" has variants, and people can only opt in to one without'
        yield Finding(("flag",), message, "name a flag without variants")


@rule("early_access_feature", sees=("early_access_feature",))
def has_the_flag_alone(unit: Unit, index: Index) -> Iterator[Finding]:
    """PostHog refuses a second feature on a flag."""
    first = index.first(_flag)[unit.value["flag"]] if isinstance(unit.value.get("flag"), str) else unit
    if first is not unit:
        message = f'{first.shown} is on the flag "{unit.value["flag"]}" already ({first.view.document.path})'
        yield Finding(("flag",), message, "name another flag, or remove one of the two features")


def _flag(unit: Unit) -> Iterator[str]:
    """Yield the flag that a feature is on."""
    if unit.kind == "early_access_feature" and isinstance(unit.value.get("flag"), str):
        yield unit.value["flag"]
