"""Insight variables, which SQL calls by the name that PostHog makes of theirs."""

from __future__ import annotations

from collections.abc import Iterator

from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding


@rule("insight_variable")
def key_is_the_code_name(unit: Unit, _: Index) -> Iterator[Finding]:
    """The key is what SQL says: ``{variables.ai_model}`` for the name "AI model" (PostHog: insight_variable.py)."""
    name = unit.value.get("name")
    if not isinstance(name, str) or not unit.key:
        return
    code = "".join(char for char in name.strip() if char.isalnum() or char in " _").replace(" ", "_").lower()
    if unit.key != code:
        message = f'SQL calls a variable of this name {{variables.{code}}}, and the key is "{unit.key}"'
        yield Finding(("key",), message, f'write "{code}" as the key, or another name')
