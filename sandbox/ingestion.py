"""Capture: where SDKs send events. `/batch/`, `/i/v0/e/` and their old names, and `/i/v1/analytics/events`.

Source: PostHog's rust/capture. Errors of the old endpoints are plain text. An answered capture is in the
database.
"""

from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import people, processing
from sandbox.places import put_project
from sandbox.processing import LONGEST_DISTINCT_ID, Event, clean, ingest, moment
from sandbox.store import Data
from sandbox.web import Context, Json, endpoint
from sandbox.wire import UndecodableError, decode

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
    methods = ["GET", "POST", "OPTIONS"]
    old = [Route(path, endpoint(capture), methods=methods, middleware=[FROM_ANYWHERE]) for path in ALIASES]
    return [
        *old,
        Route(
            "/i/v1/analytics/events",
            endpoint(capture_v1),
            methods=["POST", "OPTIONS"],
            middleware=[FROM_ANYWHERE],
        ),
    ]


def capture(context: Context) -> Response:
    """One event, a list of events, or `{api_key, batch: […]}`; answers `{"status": "Ok"}` once they are
    stored.
    """
    if context.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": "GET, POST, OPTIONS"})
    try:
        body = decode(context)
        envelope = body if isinstance(body, dict) else {}
        raw = _events(body)
        token = _token(context, envelope, raw)
        project = _project(context, token)
        events = _cleaned(raw, moment(envelope.get("sent_at")))
    except UndecodableError as error:
        return PlainTextResponse(f"failed to parse request: {error}", 400)
    except RefusedError as error:
        return PlainTextResponse(error.text, error.status)
    _take(context, project, events)
    return Json({"status": "Ok"})


def capture_v1(context: Context) -> Response:
    """`{created_at, batch: […]}` with the token as bearer; answers per event: `{results: {uuid: {result}}}`."""
    token = context.request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    project = context.store.find("project", token) if token else None
    if project is None:
        return Json({"error": "unauthorized", "error_description": "API key is not valid"}, 401)
    try:
        body = decode(context)
    except UndecodableError as error:
        return Json({"error": "invalid_request", "error_description": str(error)}, 400)
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list) or not batch:
        return Json({"error": "invalid_request", "error_description": "request holds no event"}, 400)
    events, results = [], {}
    for raw in batch:
        identifier, problem = str(raw.get("uuid", "")) if isinstance(raw, dict) else "", _problem(raw)
        results[identifier] = {"result": "drop", "details": problem} if problem else {"result": "ok"}
        if not problem:
            events.append(clean(_as_v0(raw, context), _distinct_id(raw), None))
    _take(context, project, events)
    return Json({"results": results})


def _take(context: Context, project: Data, events: list[Event]) -> None:
    ingest(context.store, project["id"], events)
    if events and not project["ingested_event"]:
        put_project(context.store, {**project, "ingested_event": True})


def _events(body: Any) -> list[Any]:
    if isinstance(body, dict):
        batch = body.get("batch")
        return batch if isinstance(batch, list) else [body]
    return body if isinstance(body, list) else []


def _token(context: Context, envelope: Data, events: list[Any]) -> str:
    """The project's token, from the envelope, the events (which have to agree) or the query."""
    named = _first(envelope, "api_key", "token", "$token") or context.query.get("token")
    if named:
        return str(named)
    found = {str(token) for event in events if isinstance(event, dict) if (token := _own_token(event))}
    if not found:
        raise RefusedError(401, "event submitted without an api_key")
    if len(found) > 1:
        raise RefusedError(401, "batch submitted with inconsistent api_key values")
    return found.pop()


def _own_token(event: Data) -> Any:
    return _first(event, "api_key", "token", "$token") or _first(_properties(event), "token", "api_key")


def _project(context: Context, token: str) -> Data:
    project = context.store.find("project", token)
    if project is None:
        reason = "personal_api_key" if token.startswith("phx_") else "unknown_token"
        raise RefusedError(401, f"API key is not valid: {reason}")
    return project


def _cleaned(raw: list[Any], sent_at: Any) -> list[Event]:
    if not raw:
        raise RefusedError(400, "request holds no event")
    for event in raw:
        problem = _problem(event)
        if problem:
            raise RefusedError(400, problem)
    return [clean(event, _distinct_id(event), sent_at) for event in raw]


def _problem(event: Any) -> str | None:
    """Why an event can't be taken, in PostHog's words; None when it can."""
    if not isinstance(event, dict):
        return "failed to parse request: an event is an object"
    if not event.get("event") or not isinstance(event["event"], str):
        return "event submitted with an empty event name"
    if _first(event, "distinct_id", "$distinct_id") is None and _properties(event).get("distinct_id") is None:
        return "event submitted without a distinct_id"
    return None if _distinct_id(event) else "event submitted with an empty distinct_id"


def _distinct_id(event: Data) -> str:
    """Who the event is about: numbers as text, cut after 200 characters."""
    value = _first(event, "distinct_id", "$distinct_id")
    if value is None:
        value = _properties(event).get("distinct_id")
    if isinstance(value, (dict, list)) or value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("\0", "\ufffd")[:LONGEST_DISTINCT_ID]


def _as_v0(raw: Data, context: Context) -> Data:
    """A v1 event with its typed options and the SDK's name as the properties the old endpoints carry."""
    properties = dict(_properties(raw))
    options = raw.get("options") if isinstance(raw.get("options"), dict) else {}
    names = {
        "process_person_profile": "$process_person_profile",
        "cookieless_mode": "$cookieless_mode",
        "disable_skew_correction": "$ignore_sent_at",
        "product_tour_id": "$product_tour_id",
    }
    properties.update({names[name]: value for name, value in (options or {}).items() if name in names})
    for name in ("session_id", "window_id"):
        if name in raw:
            properties[f"${name}"] = raw[name]
    library, _, version = context.request.headers.get("posthog-sdk-info", "").partition("/")
    if library:
        properties.update({"$lib": library, "$lib_version": version})
    return {**raw, "properties": properties}


def _properties(event: Data) -> Data:
    properties = event.get("properties")
    return properties if isinstance(properties, dict) else {}


def _first(data: Data, *names: str) -> Any:
    return next((data[name] for name in names if data.get(name) is not None), None)
