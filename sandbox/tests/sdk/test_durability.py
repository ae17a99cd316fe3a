"""What was answered is there: after a kill in the middle of a load, and in numbers."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import requests

from sandbox.tests.campaigns.speed import send
from sandbox.tests.running import REPOSITORY, Sandbox, running_sandbox


def test_a_kill_under_load_loses_no_answered_event(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    sandbox = Sandbox(json.loads(process.stdout.readline()))
    answered: list[str] = []
    enough = threading.Event()

    def load(worker: int) -> None:
        session = requests.Session()
        for number in range(10_000):
            name = f"{worker}-{number}"
            event = {"event": "seen", "distinct_id": name, "properties": {"$set": {"n": number}}}
            try:
                answer = session.post(
                    f"{sandbox.url}/e/", json={"api_key": sandbox.project_api_key, **event}, timeout=10
                )
            except requests.RequestException:  # cut off, before the answer or within it
                return
            if answer.status_code == 200:
                answered.append(name)
            if len(answered) > 200:
                enough.set()

    workers = [threading.Thread(target=load, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    assert enough.wait(30)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    for worker in workers:
        worker.join(timeout=30)
    with running_sandbox(tmp_path) as again:
        found = again.call("GET", "events/?event=seen&limit=100000")["results"]
        persons = again.call("GET", "persons/?limit=100000")["results"]
    assert set(answered) <= {event["distinct_id"] for event in found}
    # An event and its person are one transaction.
    assert {event["distinct_id"] for event in found} == {person["distinct_ids"][0] for person in persons}


def test_ten_thousand_events_in_batches_without_a_drop(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sent = send(sandbox, events=10_000)
        found = sandbox.call("GET", "events/?limit=100000")["results"]
    assert {event["id"] for event in found} == sent
    assert len(found) == 10_000
