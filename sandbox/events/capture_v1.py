"""The newest capture endpoint, `/i/v1/analytics/events`: answers for every event of a batch, refuses as a whole only
what it can't read.

Source: v1/ of PostHog's rust/capture.
"""

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.events import ingestion, people
from sandbox.events.processing import LONGEST_DISTINCT_ID, Event, clean, moment
from sandbox.storage.store import Data
from sandbox.wire.bodies import UndecodableError, UnknownEncodingError, from_capture_v1
from sandbox.wire.context import Context, Json, endpoint

REQUIRED_HEADERS = tuple(
    "posthog-sdk-info posthog-attempt posthog-request-id posthog-request-timestamp content-type user-agent".split()
)
_STRINGS = ("event", "uuid", "distinct_id", "timestamp")
_OPTIONS = {
    "process_person_profile": "$process_person_profile",
    "cookieless_mode": "$cookieless_mode",
    "disable_skew_correction": "$ignore_sent_at",
    "product_tour_id": "$product_tour_id",
}


class RefusedBatchError(Exception):
    """A request that is refused as a whole: status, tag and description."""

    def __init__(self, status: int, tag: str, description: str) -> None:
        super().__init__(description)
        self.status, self.tag, self.description = status, tag, description


def routes() -> list[BaseRoute]:
    """The one route."""
    return [
        Route(
            "/i/v1/analytics/events",
            endpoint(capture),
            methods=["POST", "OPTIONS"],
            middleware=[ingestion.FROM_ANYWHERE],
        )
    ]


def capture(context: Context) -> Response:
    """`{created_at, batch: […]}` with the project's token as bearer.

    Answers `{results: {uuid: {result, details?}}}`.
    """
    try:
        project = _project(context)
        batch = _batch(context)
    except RefusedBatchError as error:
        body = {"error": error.tag, "error_description": error.description, "error_uri": "https://posthog.com/docs/api"}
        return Json(body, error.status)
    events: list[Event] = []
    results: Data = {}
    for raw in batch:
        problem = _problem(raw, results)
        results[raw["uuid"]] = {"result": "drop", "details": problem} if problem else {"result": "ok"}
        if not problem:
            events.append(clean(_as_v0(raw, context), raw["distinct_id"], None))
    ingestion.take(context, project, events)
    return Json({"results": results})


def _project(context: Context) -> Data | None:
    headers = context.request.headers
    if "authorization" not in headers:
        raise RefusedBatchError(401, "missing_authorization", "request is missing the Authorization header")
    missing = [name for name in REQUIRED_HEADERS if name not in headers]
    if missing:
        description = f"request is missing required headers: {json.dumps(missing)}"
        raise RefusedBatchError(400, "missing_required_headers", description)
    scheme, _, token = headers["authorization"].partition(" ")
    if scheme.lower() != "bearer":
        raise _bad_header("Authorization must use Bearer scheme")
    try:
        project = ingestion.find_project(context, token)
    except ingestion.RefusedError as error:
        raise RefusedBatchError(401, "invalid_api_token", "The provided API token is not valid.") from error
    sent = headers["content-type"]
    if sent.split(";")[0].strip().lower() != "application/json":
        raise RefusedBatchError(415, "unsupported_content_type", f"unsupported content type: {sent}")
    if not people.is_uuid(headers["posthog-request-id"]):
        raise _bad_header(f"posthog-request-id is not a valid UUID: {headers['posthog-request-id']}")
    attempt = headers["posthog-attempt"]
    if not attempt.isdecimal() or int(attempt) < 1:
        raise _bad_header(f"posthog-attempt must be a positive integer: {attempt}")
    if moment(headers["posthog-request-timestamp"]) is None:
        raise _bad_header(f"posthog-request-timestamp is not valid RFC 3339: {headers['posthog-request-timestamp']}")
    return project


def _bad_header(what: str) -> RefusedBatchError:
    return RefusedBatchError(400, "invalid_header_value", f"invalid header value: {what}")


def _batch(context: Context) -> list[Data]:
    if not context.raw:
        raise RefusedBatchError(400, "empty_body", "request body is empty")
    try:
        body = from_capture_v1(context)
    except UnknownEncodingError as error:
        raise RefusedBatchError(415, "unsupported_encoding", f"unsupported content encoding: {error}") from error
    except UndecodableError as error:
        tag = "request_decoding_error" if error.stage == "decode" else "request_parsing_error"
        raise RefusedBatchError(400, tag, f"Failed to {error.stage} request body.") from error
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list) or not isinstance(body.get("created_at"), str) or not all(map(_is_event, batch)):
        raise RefusedBatchError(400, "request_parsing_error", "Failed to parse request body.")
    if not batch:
        raise RefusedBatchError(400, "empty_batch", "request batch is empty")
    return batch


def _is_event(raw: Any) -> bool:
    return isinstance(raw, dict) and all(isinstance(raw.get(name), str) for name in _STRINGS)


def _problem(raw: Data, before: Data) -> str | None:
    """Why an event is dropped; None when it isn't."""
    problems = {
        "missing_event_name": not raw["event"],
        "event_name_too_long": len(raw["event"]) > 200,
        "missing_distinct_id": not raw["distinct_id"].strip(),
        "distinct_id_too_large": len(raw["distinct_id"].encode()) > LONGEST_DISTINCT_ID,
        "missing_event_uuid": not people.is_uuid(raw["uuid"]),
        "duplicate_event_uuid": raw["uuid"] in before,
        "invalid_event_timestamp": moment(raw["timestamp"]) is None,
        "malformed_event_properties": not isinstance(raw.get("properties", {}), dict),
    }
    return next((name for name, holds in problems.items() if holds), None)


def _as_v0(raw: Data, context: Context) -> Data:
    """An event with its typed options and the SDK's name as the properties the old endpoints carry."""
    properties = dict(ingestion.properties_of(raw))
    options = raw.get("options") if isinstance(raw.get("options"), dict) else {}
    properties.update({_OPTIONS[name]: value for name, value in (options or {}).items() if name in _OPTIONS})
    for name in ("session_id", "window_id"):
        if name in raw:
            properties[f"${name}"] = raw[name]
    library, _, version = context.request.headers["posthog-sdk-info"].rpartition("/")
    if library.strip() and version.strip():
        properties.update({"$lib": library.strip(), "$lib_version": version.strip()})
    return {**raw, "properties": properties}
