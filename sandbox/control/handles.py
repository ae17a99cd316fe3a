"""Handles outside PostHog's API, for tests and people: more users and keys, switches, the request log."""

from datetime import datetime
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.auth.identity import ADMIN, MEMBER, OWNER, create_key
from sandbox.auth.users import new_user
from sandbox.rest.fields import integer, moment
from sandbox.rest.registry import resources
from sandbox.seed import seeds
from sandbox.wire import requestlog
from sandbox.wire.context import Context, Json, Services, endpoint
from sandbox.wire.errors import Invalid

MOST_TIMES = 2_000  # that one request lets pass: some twenty seconds
ROLES = {"member": MEMBER, "admin": ADMIN, "owner": OWNER}


def routes() -> list[BaseRoute]:
    """The handles, below `/_sandbox/`."""
    return [
        Route("/_sandbox/requests", endpoint(list_requests), methods=["GET"]),
        Route("/_sandbox/requests", endpoint(clear_requests), methods=["DELETE"]),
        Route("/_sandbox/users", endpoint(add_user), methods=["POST"]),
        Route("/_sandbox/keys", endpoint(add_key), methods=["POST"]),
        Route("/_sandbox/work", endpoint(work), methods=["POST"]),
        Route("/_sandbox/settings", endpoint(settings), methods=["GET", "PATCH"]),
    ]


def list_requests(context: Context) -> Any:
    """`GET /_sandbox/requests?since=<id>`: the requests after that one, oldest first."""
    return {"results": requestlog.entries(integer(0)(context.query.get("since", 0), "since"))}


def clear_requests(context: Context) -> Any:
    """`DELETE /_sandbox/requests`: forget what was asked."""
    requestlog.clear()
    return Response(status_code=204)


def add_user(context: Context) -> Any:
    """`POST /_sandbox/users {email, first_name?, role?, scopes?}` -> `{user, personal_api_key}`."""
    data, store = context.data, context.store
    role = data.get("role", "member")
    if role not in ROLES:
        raise Invalid(f"role must be one of {', '.join(ROLES)}", "role")
    if not isinstance(data.get("email"), str) or store.find("user", data["email"].lower()):
        raise Invalid("email must be the address of a new user", "email")
    facts = seeds(store)
    organization = store.get("organization", facts["organization_id"])
    assert organization is not None
    user = new_user(store, data["email"], data.get("first_name", ""), organization, ROLES[role], facts["project_id"])
    _, value = create_key(store, user, label="Sandbox key", scopes=data.get("scopes", ["*"]))
    return Json({"user": user, "personal_api_key": value}, 201)


def add_key(context: Context) -> Any:
    """`POST /_sandbox/keys {scopes, scoped_teams?, scoped_organizations?, expires_at?, user?}` -> the key with its
    value.

    `user` is an e-mail address (default: the seeded admin); `scopes` null makes a key of the time before
    scopes.
    """
    data = context.data
    email = data.get("user", seeds(context.store)["user_email"])
    user = context.store.find("user", email.lower())
    if user is None:
        raise Invalid(f"There is no user {email}.", "user")
    key, value = create_key(
        context.store,
        user,
        label=data.get("label", "Sandbox key"),
        scopes=data.get("scopes", ["*"]),
        scoped_teams=data.get("scoped_teams"),
        scoped_organizations=data.get("scoped_organizations"),
        expires_at=data.get("expires_at"),
    )
    return Json({**key, "value": value}, 201)


def work(context: Context) -> Any:
    """`POST /_sandbox/work {until?}`: the periodic workers look now, or as if it were that time.

    Scheduled changes, alerts' checks and the expiry of change requests are due at some time; with this nobody has to
    wait for it. Until then each check of an alert is done at its own time, one after the other, each in a transaction.
    """
    sent, now = context.data.get("until"), context.begun
    until = datetime.fromisoformat(moment(sent, "until")) if sent else now
    return _pass_time(context.services, min(now, until) if sent else None, until)


async def _pass_time(services: Services, clock: datetime | None, until: datetime) -> Response:
    """Move the clock, where there is one, from one time at which something is due to the next, up to `until`."""
    passed = 0
    while clock is not None:
        due = min((each for resource in resources() if (each := resource.next_due(services, clock))), default=until)
        if due >= until:
            break
        if passed == MOST_TIMES:
            raise Invalid(f"Done before {due.isoformat()}; in one request {MOST_TIMES:,} times may pass.", "until")
        await services.do(partial(_look, services, due))
        clock, passed = max(clock, due), passed + 1
    await services.do(partial(_look, services, until))
    return Response(status_code=204)


def _look(services: Services, now: datetime) -> None:
    for resource in resources():
        resource.carry_out(services, now)


def settings(context: Context) -> Any:
    """`GET|PATCH /_sandbox/settings`: the switches of `settings.Settings`."""
    if context.method == "PATCH":
        try:
            context.settings.change(context.data)
        except ValueError as error:
            raise Invalid(str(error)) from error
    return vars(context.settings)
