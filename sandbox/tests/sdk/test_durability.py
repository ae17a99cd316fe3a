"""What was answered is there, in numbers; after a kill: `test_server.py`."""

from pathlib import Path

from sandbox.tests.campaigns.speed import send
from sandbox.tests.running import running_sandbox


def test_ten_thousand_events_in_batches_without_a_drop(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sent = send(sandbox, events=10_000)
        found = sandbox.call("GET", "events/?limit=100000")["results"]
    assert {event["id"] for event in found} == sent
    assert len(found) == 10_000
