"""Stored flags are parsed once, not with every request. `python -m tests.campaigns.sandbox_speed` has the figures."""

from pathlib import Path

import requests

from tests.campaigns.sandbox_speed import milliseconds, store_flags
from tests.support.sandbox import running_sandbox


def test_five_thousand_flags_are_not_parsed_for_every_request(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        store_flags(tmp_path, sandbox.project_id, 5_000)
        session = requests.Session()
        body = {"token": sandbox.project_api_key, "distinct_id": "ann", "flag_keys": ["flag-7"]}

        def ask() -> requests.Response:
            return session.post(f"{sandbox.url}/flags/?v=2", json=body, timeout=30)

        assert list(ask().json()["flags"]) == ["flag-7"]
        # Parsing them takes ten times as long, on a busy machine too.
        assert milliseconds(50, ask) < 30
