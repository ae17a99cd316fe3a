"""With 5,000 flags stored nothing is parsed or looked through one by one with every request.

`python -m sandbox.tests.campaigns.speed` has the figures. Here no time is asserted, only how many times that of reading
one flag something takes, asked in turns: a busy machine slows both.
"""

import statistics
from collections.abc import Iterator

import pytest

from sandbox.tests.campaigns.speed import Client, Question, questions, store_flags
from sandbox.tests.running import Sandbox, running_sandbox

# Reading them all, or looking into each one's JSON, takes 30 times as long as reading one, and more.
MOST = 15


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    data = tmp_path_factory.mktemp("full")
    with running_sandbox(data) as sandbox:
        sandbox.call("PATCH", "/_sandbox/settings", {"flag_limit": 0})
        store_flags(sandbox, data, 5_000)
        yield sandbox


def test_no_kind_of_request_reads_them_all(full: Sandbox) -> None:
    client, asked = Client(full), {question.name: question for question in questions(full)}
    slow = {}
    for name, question in asked.items():
        client.ask(question)
        turns = [(client.ask(question)[0], client.ask(asked["retrieve"])[0]) for _ in range(21)]
        times = statistics.median(one / read for one, read in turns)
        if times > MOST:
            slow[name] = times
    assert slow == {}


def test_what_is_found_among_them_is_right(full: Sandbox) -> None:
    found = full.call("GET", "feature_flags/?search=FLAG-424&limit=3")
    assert (found["count"], len(found["results"])) == (11, 3)
    assert full.call("GET", "feature_flags/?limit=3")["count"] >= 5_000
    (one,) = full.call("GET", "feature_flags/?key=Flag-4242")["results"]
    assert one["key"] == "flag-4242"


def test_a_change_among_them_is_seen_at_once(full: Sandbox) -> None:
    body = {"token": full.project_api_key, "distinct_id": "ann", "flag_keys": ["flag-7"]}
    everybody = {"filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}
    client = Client(full)
    ask = Question("", "POST", "/flags/?v=1", lambda: body)
    (flag,) = full.call("GET", "feature_flags/?key=flag-7")["results"]
    for active in (True, False, True):
        full.call("PATCH", f"feature_flags/{flag['id']}/", {**everybody, "active": active})
        answer = client.ask(ask)[1]
        assert (b'"flag-7":true' in answer) is active
