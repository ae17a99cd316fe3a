"""The simulated company: what an operator's dashboards and alerts must be able to show of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from ai_admin.definitions.catalog import catalogue
from ai_admin.definitions.check import check
from ai_admin.simulation import Company, Run, company, incidents, runs
from tests.support.checkouts import SAMPLES

END = datetime(2026, 3, 31, 9, tzinfo=UTC)
EVENTS = 20_000


@pytest.fixture(scope="module")
def acme() -> Company:
    return company(7, 60, 30, END)


@pytest.fixture(scope="module")
def found(acme: Company) -> list[Run]:
    return list(runs(7, acme, EVENTS, incidents(acme, ongoing=True)))


def test_the_same_seed_gives_the_same_runs_and_another_one_others(acme: Company, found: list[Run]) -> None:
    again = runs(7, company(7, 60, 30, END), EVENTS, incidents(acme, ongoing=True))
    assert list(islice(again, 2_000)) == found[:2_000]
    others = runs(8, acme, EVENTS, incidents(acme, ongoing=True))
    assert not {run.id for run in islice(others, 2_000)} & {run.id for run in found}


def test_all_runs_are_there_in_order_within_the_period(acme: Company, found: list[Run]) -> None:
    assert len(found) == len({run.id for run in found}) == EVENTS
    moments = [run.when for run in found]
    assert moments == sorted(moments)
    assert acme.start <= moments[0] <= moments[-1] < acme.end
    assert all(run.installation.there(run.when) for run in found)


def test_nights_and_weekends_are_quiet_and_the_company_grows(found: list[Run]) -> None:
    hours, days = Counter(run.when.hour for run in found), Counter(run.when.weekday() for run in found)
    assert hours[14] > 2.5 * hours[2]
    assert max(days[5], days[6]) < min(days[n] for n in range(5)) / 2
    active = [len({run.installation.id for run in found if run.when.day == day}) for day in (3, 24)]
    assert active[1] > active[0]


def test_each_incident_can_be_seen(acme: Company, found: list[Run]) -> None:
    outage, runaway, errors, ongoing = incidents(acme, ongoing=True)
    assert [outage.name, runaway.name, errors.name, ongoing.name] == ["outage", "runaway", "errors", "errors"]
    assert not [run for run in found if outage.there(run.when)]
    that_day = Counter(run.installation.id for run in found if runaway.there(run.when))
    assert that_day[runaway.installation] > that_day.total() / 2
    before = [run for run in found if runaway.there(run.when + timedelta(days=1))]
    assert that_day.total() > 2 * len(before), "the alert on spikes fires at twice the day before"
    for each in (errors, ongoing):
        assert 0.35 < _failing([run for run in found if each.there(run.when)]) < 0.65
    ordinary = [run for run in found if not any(each.there(run.when) for each in (errors, ongoing))]
    assert _failing(ordinary) < 0.05


def test_who_fell_silent_still_has_the_health_of_the_last_check(acme: Company, found: list[Run]) -> None:
    last = {run.installation.id: run.when for run in found}
    silent = [each for each in acme.installations if acme.end - last.get(each.id, acme.start) > timedelta(days=1)]
    assert any(each.until < acme.end and each.health == "healthy" for each in silent)


def test_each_run_says_when_it_was_and_the_first_of_an_installation_what_it_is(found: list[Run]) -> None:
    assert all(run.properties["$set"]["last_active"] == run.when.isoformat() for run in found)
    firsts = {run.installation.id: run for run in reversed(found)}
    assert all(run.properties["$set"]["channel"] == run.installation.channel for run in firsts.values())


def test_the_runs_are_of_the_catalogue(found: list[Run]) -> None:
    known = catalogue(check(SAMPLES).indexes["production"])
    event, person = known.events["ai_enhancement_used"], known.person
    for run in found:
        properties = dict(run.properties)
        own = properties.pop("$set")
        assert properties.keys() <= event.keys()
        assert own.keys() <= person.keys()
        for name, described in (*((n, event[n]) for n in properties), *((n, person[n]) for n in own)):
            if described.values:
                assert {**properties, **own}[name] in described.values


def test_what_an_installation_used_only_grows(found: list[Run]) -> None:
    used: dict[str, int] = {}
    for run in found:
        total = run.properties["$set"].get("total_usage")
        if total is not None:
            assert total >= used.get(run.installation.id, 0) + run.properties["total_tokens"] - 1
            used[run.installation.id] = total


def _failing(found: list[Run]) -> float:
    return sum(not run.properties["success"] for run in found) / len(found)


def test_a_short_period_has_no_incident_but_the_ongoing_one() -> None:
    short = company(1, 3, 1, END)
    assert incidents(short) == []
    [only] = incidents(short, ongoing=True)
    assert (only.start, only.end) == (END - timedelta(hours=2), END)
    assert len(list(runs(1, short, 10, []))) == 10
