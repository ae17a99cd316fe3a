"""How far one request moves the clock."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.app import create_app
from sandbox.control import handles
from sandbox.wire.context import Context, Services, worker_context
from sandbox.wire.errors import Invalid


class Hourly:
    """Something that is due each hour."""

    def __init__(self, due: datetime) -> None:
        self.due = due
        self.looked: list[datetime] = []

    def next_due(self, _services: Services, _now: datetime) -> datetime:
        return self.due

    def carry_out(self, _services: Services, now: datetime) -> None:
        self.looked.append(now)
        self.due = now + timedelta(hours=1)


def test_so_many_times_pass_in_one_request_and_the_answer_says_how_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: Services = create_app(tmp_path).state.services
    begin = datetime(2026, 3, 18, 12, tzinfo=UTC)
    hourly = Hourly(begin)
    monkeypatch.setattr(handles, "resources", lambda: [hourly])
    monkeypatch.setattr(handles, "MOST_TIMES", 3)

    def work(until: datetime) -> None:
        context = Context(
            worker_context(services, 1).request, json.dumps({"until": until.isoformat()}).encode(), services
        )
        asyncio.run(handles.work(context))

    work(begin + timedelta(hours=2, minutes=30))
    assert hourly.looked == [begin + timedelta(minutes=each) for each in (0, 60, 120, 150)]
    with pytest.raises(Invalid, match=r"Done before .*; in one request 3 times may pass\.") as refused:
        work(datetime(9999, 12, 31, tzinfo=UTC))
    assert hourly.due.isoformat() in refused.value.detail
