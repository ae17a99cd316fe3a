"""Persons over raw HTTP (PostHog's posthog/api/person.py and actor_strategies.py)."""

import uuid
from typing import Any

import pytest
import requests

from sandbox.tests.clients import event, person_of
from sandbox.tests.running import Sandbox


def made(sandbox: Sandbox, distinct_id: str, **properties: Any) -> dict[str, Any]:
    """A new person, as the list shows it."""
    sandbox.capture(event("seen", distinct_id, **{"$set": properties}))
    found = person_of(sandbox, distinct_id)
    assert found is not None
    return found


def ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> requests.Response:
    address = f"{sandbox.url}/api/projects/{sandbox.project_id}/persons/{path}"
    return requests.request(
        method, address, json=body, headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=10
    )


def test_a_list_and_a_single_one_show_a_person_differently(sandbox: Sandbox) -> None:
    listed = made(sandbox, "hana", email="hana@example.com")
    assert (listed["type"], listed["id"], listed["name"]) == ("person", listed["uuid"], "hana@example.com")
    single = ask(sandbox, "GET", f"{listed['uuid']}/").json()
    assert set(single) == {"id", "name", "distinct_ids", "properties", "created_at", "uuid", "last_seen_at"}
    assert isinstance(single["id"], int)
    assert ask(sandbox, "GET", f"{single['id']}/").json() == single
    refused = ask(sandbox, "GET", "hana/")
    assert refused.status_code == 400
    assert refused.json()["detail"] == (
        "The ID provided does not look like a personID. If you are using a distinctId, please use "
        "/persons?distinct_id=hana instead."
    )
    assert ask(sandbox, "GET", f"{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("needle", ["IRIS@exa", "of the searched", "looked-", "uuid"])
def test_a_search_looks_at_address_name_uuid_and_distinct_ids(sandbox: Sandbox, needle: str) -> None:
    known = made(sandbox, "looked-for", email="iris@example.com", name="One of the searched", other="hidden-away")
    found = ask(sandbox, "GET", f"?search={known['uuid'][:13] if needle == 'uuid' else needle}").json()["results"]
    assert [one["uuid"] for one in found] == [known["uuid"]]
    assert ask(sandbox, "GET", "?search=hidden-away").json()["results"] == []
    assert len(ask(sandbox, "GET", "?email=iris@example.com").json()["results"]) == 1


def test_a_full_page_has_a_next_one_even_when_nothing_comes_after_it(sandbox: Sandbox) -> None:
    for number in range(4):
        made(sandbox, f"paged-{number}")
    page = ask(sandbox, "GET", "?search=paged-&limit=2&include_total").json()
    assert (page["count"], page["previous"]) == (4, None)
    second = requests.get(page["next"], headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=10).json()
    assert {one["uuid"] for one in page["results"]}.isdisjoint(one["uuid"] for one in second["results"])
    last = requests.get(second["next"], headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=10).json()
    assert (last["results"], last["next"]) == ([], None)
    assert "count" not in ask(sandbox, "GET", "?search=paged-").json()


def test_the_cohorts_of_a_person(sandbox: Sandbox) -> None:
    known = made(sandbox, "frieda")
    made(sandbox, "georg")
    cohort = sandbox.call("POST", "cohorts/", {"name": "Painters", "is_static": True})
    path = f"cohorts/{cohort['id']}/add_persons_to_static_cohort/"
    sandbox.call("PATCH", path, {"person_ids": [known["uuid"]]})
    found = ask(sandbox, "GET", f"cohorts/?person_id={known['uuid']}").json()
    assert found == {"results": [{"id": cohort["id"], "name": "Painters", "count": 1}]}


@pytest.mark.parametrize("begins", ["unchanged", "absorbed"])
def test_the_events_of_a_batch_change_one_person_whichever_id_they_name(sandbox: Sandbox, begins: str) -> None:
    app, web, new = (f"{begins}-{each}" for each in ("app", "web", "new"))
    sandbox.capture(event("$identify", app, **{"$anon_distinct_id": web, "$set": {"plan": "free"}}))
    absorbs = [event("seen", new), event("$merge_dangerously", new, alias=app)]
    sandbox.capture(
        *([event("seen", app)] if begins == "unchanged" else absorbs),
        event("seen", web, **{"$set": {"plan": "paid"}}),
        event("seen", app, **{"$set": {"role": "owner"}}),
    )
    found = person_of(sandbox, web)
    assert found is not None
    assert found["properties"] == {"plan": "paid", "role": "owner"}
    assert app in found["distinct_ids"]
