"""What is remembered of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.posthog.errors import ApiError
from providers.posthog.inventory import Inventory
from providers.posthog.kinds import KINDS


class Breaking:
    """A client whose first list breaks off in the middle."""

    def __init__(self) -> None:
        self.lists = 0

    def project_path(self, path: str) -> str:
        return path

    def pages(self, path: str, params: Any) -> Iterator[dict[str, Any]]:
        self.lists += 1
        yield {"id": 1}
        if self.lists == 1:
            raise ApiError("no answer", 502)
        yield {"id": 2}


def test_half_a_list_does_not_pass_for_the_whole_and_is_asked_for_once() -> None:
    client, kind = Breaking(), KINDS["cohort"]
    inventory = Inventory(client)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(ApiError):
            inventory.all(kind)
    assert client.lists == 1
    inventory.renew(kind)
    assert set(inventory.all(kind)) == {"1", "2"}
