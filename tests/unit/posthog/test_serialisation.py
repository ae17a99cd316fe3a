"""What the engine keeps of a provider: it stands in every state, so it is a contract."""

from __future__ import annotations

import base64
import pickletools

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from providers.posthog.kinds import KINDS
from providers.posthog.provider import PROVIDERS


def test_every_kind_has_a_provider() -> None:
    assert set(PROVIDERS) == set(KINDS)


@pytest.mark.parametrize("kind", PROVIDERS)
def test_a_provider_is_stored_as_a_module_path_and_a_class_name(kind: str) -> None:
    blob = base64.b64decode(serialize_provider(PROVIDERS[kind]()))
    names = [str(argument) for _, argument, _ in pickletools.genops(blob) if isinstance(argument, str)]
    operations = {operation.name for operation, _, _ in pickletools.genops(blob)}
    assert "providers.posthog.provider" in " ".join(names)
    assert PROVIDERS[kind].__name__ in " ".join(names)
    assert not operations & {"BUILD", "SETITEM", "SETITEMS"}  # no state: what makes the SDK's serialiser recurse
    assert len(blob) < 100


def test_a_program_of_thousands_of_resources_serialises() -> None:
    blobs = {serialize_provider(PROVIDERS["flag"]()) for _ in range(3000)}
    assert len(blobs) == 1
