"""Every address that is printed leads somewhere in the sandbox as well."""

from __future__ import annotations

import requests

from providers.posthog.kinds import KINDS
from tests.support.sandbox import Sandbox


def test_every_address_of_a_page_has_a_page_in_the_sandbox(sandbox: Sandbox) -> None:
    """`ai-admin show` prints PostHog's own address of each kind's objects; the sandbox has other pages."""
    values = dict.fromkeys(("id", "short_id", "insight_short_id", "dashboard"), "0")
    pages = {page for kind in KINDS.values() for page in kind.pages} | {"approvals/{id}"}
    for page in sorted(pages):
        address = f"{sandbox.url}/project/{sandbox.project_id}/{page.format_map(values)}"
        assert "Endpoint not found" not in requests.get(address, timeout=10).text, page
