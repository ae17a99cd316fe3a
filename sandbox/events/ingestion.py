"""Capture: where SDKs send events. `/batch/`, `/i/v0/e/` and their old names; `capture_v1` has the newest.

Source: PostHog's rust/capture. Errors are plain text. An answered capture is in the database.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.evaluation.values import first, text
from sandbox.events import people, processing
from sandbox.events.processing import LONGEST_DISTINCT_ID, Event, clean, ingest, moment
from sandbox.resources.organization.tenancy import put_project
from sandbox.storage.store import Data
from sandbox.wire.bodies import UndecodableError, from_capture
from sandbox.wire.context import Context, Json, endpoint

TABLES = people.TABLES + processing.TABLES
# SDKs in a browser call from other origins.
FROM_ANYWHERE = Middleware(
    CORSMiddleware, allow_origin_regex=".*", allow_methods=["*"], allow_headers=["*"], allow_credentials=True
)

# The names of one endpoint, in the order of their age: PostHog still answers all of them.
ALIASES = ("/i/v0/e", "/e", "/capture", "/track", "/engage", "/batch", "/i/v0/ai/batch")


class RefusedError(Exception):
    """A capture request that is refused as a whole, with PostHog's status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def routes() -> list[BaseRoute]:
    """The routes of all names."""
    methods = ["GET", "POST", "OPTIONS"]
    return [Route(path, endpoint(capture), methods=methods, middleware=[FROM_ANYWHERE]) for path in ALIASES]


def capture(context: Context) -> Response:
    """One event, a list of events, or `{api_key, batch: […]}`; answers `{"status": "Ok"}` once they are stored, and
    nothing to a beacon (`?beacon=1`).
    """
    if context.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": "GET, POST, OPTIONS"})
    try:
        body = from_capture(context)
        envelope = body if isinstance(body, dict) else {}
        raw = _events(body)
        token = _token(envelope, raw)
        project = find_project(context, token)
        events = _cleaned(raw, moment(envelope.get("sent_at")) or _sent_at(context))
    except UndecodableError as error:
        return PlainTextResponse(f"failed to {error.stage} request: {error}", 400)
    except RefusedError as error:
        return PlainTextResponse(error.text, error.status)
    take(context, project, events)
    return Response(status_code=204) if context.query.get("beacon") == "1" else Json({"status": "Ok"})


def take(context: Context, project: Data | None, events: list[Event]) -> None:
    """Store the events of a project; those of none are dropped."""
    if project is None:
        return
    ingest(context.store, project["id"], events)
    if events and not project["ingested_event"]:
        put_project(context.store, {**project, "ingested_event": True})


def _events(body: Any) -> list[Any]:
    if isinstance(body, dict):
        batch = body.get("batch")
        return batch if isinstance(batch, list) else [body]
    return body if isinstance(body, list) else []


def _token(envelope: Data, events: list[Any]) -> str:
    """The project's token, from the envelope or the events, which have to agree."""
    named = first(envelope, "api_key", "token", "$token")
    if named:
        return str(named)
    found = {str(token) for event in events if isinstance(event, dict) if (token := _own_token(event))}
    if not found:
        raise RefusedError(401, "event submitted without an api_key")
    if len(found) > 1:
        raise RefusedError(401, "batch submitted with inconsistent api_key values")
    return found.pop()


def _own_token(event: Data) -> Any:
    return first(event, "api_key", "token", "$token") or first(properties_of(event), "token", "api_key")


def find_project(context: Context, token: str) -> Data | None:
    """The project of a token, which may have blanks around it; None for one that nobody has, where such ones are
    accepted.

    Raises: RefusedError.
    """
    token = token.strip()
    reasons = {
        "empty": not token,
        "too_long": len(token) > 64,
        "not_ascii": not token.isascii(),
        "personal_api_key": token.startswith("phx_"),
        "null_byte": "\0" in token,
    }
    reason = next((name for name, holds in reasons.items() if holds), None)
    project = context.store.find("project", token) if reason is None else None
    if project is None and (reason or context.settings.refuses_unknown_tokens):
        raise RefusedError(401, f"API key is not valid: {reason or 'unknown_token'}")
    return project


def _sent_at(context: Context) -> datetime | None:
    """When a browser says it sent the request: `?_=<milliseconds>`; what was sent in seconds says nothing."""
    milliseconds = context.query.get("_", "")
    if not milliseconds.isdecimal() or not 1_609_459_200_000 < int(milliseconds) < 10**14:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _cleaned(raw: list[Any], sent_at: Any) -> list[Event]:
    if not raw:
        raise RefusedError(400, "request holds no event")
    for event in raw:
        problem = _problem(event)
        if problem:
            raise RefusedError(400, problem)
    return [clean(event, distinct_id_of(event), sent_at) for event in raw]


def _problem(event: Any) -> str | None:
    """Why an event can't be taken, in PostHog's words; None when it can."""
    if not isinstance(event, dict):
        return "failed to parse request: an event is an object"
    if not event.get("event") or not isinstance(event["event"], str):
        return "event submitted with an empty event name"
    if first(event, "distinct_id", "$distinct_id") is None and properties_of(event).get("distinct_id") is None:
        return "event submitted without a distinct_id"
    return None if distinct_id_of(event) else "event submitted with an empty distinct_id"


def distinct_id_of(event: Data) -> str:
    """Who the event is about: what isn't text as JSON, cut after 200 characters."""
    value = first(event, "distinct_id", "$distinct_id")
    if value is None:
        value = properties_of(event).get("distinct_id")
    return "" if value is None else text(value).replace("\0", "\ufffd")[:LONGEST_DISTINCT_ID]


def properties_of(event: Data) -> Data:
    """An event's properties; none where they are no object."""
    properties = event.get("properties")
    return properties if isinstance(properties, dict) else {}
