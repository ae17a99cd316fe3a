"""`/flags` and `/decide`: a flag's answers for one subject, in every version of the response.

Source: PostHog's rust/feature-flags. Requests here carry a project token, not a personal API key.
"""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.evaluation.cohorts import Membership
from sandbox.evaluation.evaluate import Match, Subject, evaluate_all
from sandbox.evaluation.flags import Flag
from sandbox.evaluation.initial import with_initial
from sandbox.evaluation.parsing import METADATA_PREFIX
from sandbox.evaluation.service import flags_response
from sandbox.evaluation.service.flagset import SURVEY_PREFIX, FlagSet, flagset
from sandbox.evaluation.values import as_object, first
from sandbox.events import people
from sandbox.events.ingestion import FROM_ANYWHERE
from sandbox.events.processing import LONGEST_DISTINCT_ID
from sandbox.resources.organization.tenancy import project_clock
from sandbox.storage.store import Data
from sandbox.wire.bodies import UndecodableError, from_flags
from sandbox.wire.context import Context, Json, endpoint
from sandbox.wire.errors import ApiError, Unauthenticated

_SERVER_SDK = re.compile(r"posthog-(python|ruby|php|java|go|node|dotnet|elixir|rs|server)\b")
_CLIENT_SDK = re.compile(r"Mozilla/|Chrome/|Safari/|Firefox/|posthog-(js|ios|android|react-native|flutter)\b")


def routes() -> list[BaseRoute]:
    """Both names; browsers may call from anywhere."""
    methods = ["GET", "HEAD", "POST", "OPTIONS"]
    return [
        Route("/flags", endpoint(flags), methods=methods, middleware=[FROM_ANYWHERE]),
        Route("/decide", endpoint(decide), methods=methods, middleware=[FROM_ANYWHERE]),
    ]


def flags(context: Context) -> Response:
    """`POST /flags?v=…`. Without `v` and `config` it is version 2 with the SDK's configuration."""
    version, config = context.query.get("v") or None, _switch(context, "config")
    if version is None and config is None:
        version, config = "2", True
    return _answer(context, flags_response.for_flags(_number(version)), config is True)


def decide(context: Context) -> Response:
    """`POST /decide?v=…`: the older name, with the configuration unless it is declined."""
    shape = flags_response.for_decide(_number(context.query.get("v")))
    return _answer(context, shape, _switch(context, "config") is not False)


def _answer(context: Context, shape: flags_response.Shape, config: bool) -> Response:
    if context.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": "GET, POST, OPTIONS, HEAD"})
    if context.method in ("GET", "HEAD"):
        return Json(flags_response.minimal(shape))
    try:
        asked = _asked(context)
    except UndecodableError as error:
        text = f"Failed to decode request: {error}. Please check your request format and try again."
        return PlainTextResponse(text, 400)
    context.project = _project(context, asked)
    current = flagset(context.store, context.project["id"])
    extra = flags_response.configuration(context.project["api_token"], bool(current.active)) if config else {}
    if asked.get("disable_flags") is True:
        return Json({**shape({}, {}, _envelope(context, {})), **extra})
    distinct_id = first(asked, "distinct_id", "$distinct_id")
    if distinct_id is None or distinct_id == "":
        return PlainTextResponse(
            "The distinct_id field is missing from the request. Please include a valid identifier.", 400
        )
    if context.settings.quota_limited:
        return Json({**shape({}, {}, {**_envelope(context, {}), "quotaLimited": ["feature_flags"]}), **extra})
    found = evaluated(context, asked, current, _text(distinct_id)[:LONGEST_DISTINCT_ID])
    return Json({**shape(current.by_key, found, _envelope(context, found)), **extra})


def evaluated(context: Context, asked: Data, current: FlagSet, distinct_id: str) -> dict[str, Match]:
    """The answers for one distinct id. `asked` may hold flag_keys, groups and properties, as a request to `/flags`."""
    wanted, off = _selection(context, asked, current)
    return evaluate_all(current.flags, wanted, off, current.broken, _subject(context, asked, current, distinct_id))


def _envelope(context: Context, found: Mapping[str, Match]) -> Data:
    try:
        request_id = str(uuid.UUID(context.request.headers.get("x-request-id", "")))
    except ValueError:
        request_id = str(uuid.uuid4())
    failed = any(match.failed for match in found.values())
    return {"errorsWhileComputingFlags": failed, "requestId": request_id, "evaluatedAt": int(time.time() * 1000)}


# Who asks for what -------------------------------------------------------------------------------


def _asked(context: Context) -> Data:
    asked = from_flags(context)
    if not isinstance(asked, dict):
        raise UndecodableError("invalid JSON")
    return asked


def _project(context: Context, asked: Data) -> Data:
    token = first(asked, "token", "api_key", "$token") or context.query.get("token")
    if not token:
        raise ApiError(
            401,
            "authentication_error",
            "not_authenticated",
            "No API token provided. Please include a valid API token in your request.",
        )
    project = context.store.find("project", str(token))
    if project is None:
        raise Unauthenticated(
            "The provided API key is invalid or has expired. Please check your API key and try again."
        )
    return project


def _selection(context: Context, asked: Data, current: FlagSet) -> tuple[list[Flag], frozenset[str]]:
    """The flags to evaluate, and the ids of those that count as false in this request."""
    keys = _strings(first(asked, "flag_keys", "flag_keys_to_evaluate"))
    off = current.inactive | _filtered_out(context, asked, current)
    if keys is None:
        return list(current.active), off
    return [current.by_key[key] for key in keys if key in current.by_key], off


def _filtered_out(context: Context, asked: Data, current: FlagSet) -> frozenset[str]:
    """The active flags that runtime, evaluation contexts or the survey switch leave out of the answer."""
    runtime = _runtime(context, asked.get("evaluation_runtime"))
    contexts = frozenset(_strings(first(asked, "evaluation_contexts", "evaluation_environments")) or ())
    surveys = _switch(context, "only_evaluate_survey_feature_flags")
    key = ("filtered out", runtime, surveys)
    if key not in current.memo:
        current.memo[key] = frozenset(
            str(flag.id)
            for flag in current.active
            if (runtime != "all" and flag.runtime not in ("all", runtime))
            or (surveys and not flag.key.startswith(SURVEY_PREFIX))
        )
    filtered: frozenset[str] = current.memo[key]
    if not contexts:
        return filtered
    elsewhere = (flag for flag in current.active if flag.contexts and not flag.contexts & contexts)
    return filtered | {str(flag.id) for flag in elsewhere}


def _runtime(context: Context, explicit: Any) -> str | None:
    """Where the asking SDK runs: as it says, else by its name, else by a browser's headers; None when unknown."""
    if isinstance(explicit, str):
        return explicit.lower() if explicit.lower() in ("client", "server") else "all"
    headers = context.request.headers
    agent = headers.get("user-agent", "")
    if _SERVER_SDK.search(agent):
        return "server"
    if _CLIENT_SDK.search(agent):
        return "client"
    browser = ("origin", "referer", "sec-fetch-mode", "sec-fetch-site")
    return "client" if any(name in headers for name in browser) else None


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the project knows about the request's distinct id."""

    person: people.Person | None
    overrides: Mapping[str, str]


def _subject(context: Context, asked: Data, current: FlagSet, distinct_id: str) -> Subject:
    anonymous = _optional_text(first(asked, "anon_distinct_id", "$anon_distinct_id"))
    stored = _stored(context, current, distinct_id, anonymous)
    own = as_object(first(asked, "person_properties", "$properties"))
    known = stored.person.properties if stored.person else {}
    if _switch(context, "only_use_override_person_properties"):
        known = {}
    person = with_initial({**known, "distinct_id": distinct_id, **own})
    if stored.person:
        person[f"{METADATA_PREFIX}created_at"] = stored.person.created_at
    clock = project_clock(context.project)
    static = people.cohorts_of(context.store, stored.person.id) if stored.person else frozenset()
    groups, group_properties = _groups(context, asked)
    return Subject(
        distinct_id=distinct_id,
        person=person,
        membership=Membership(current.cohorts, person, clock, lambda cohort: cohort in static),
        clock=clock,
        device_id=_optional_text(first(asked, "device_id", "$device_id") or own.get("$device_id")),
        anon_distinct_id=anonymous,
        hash_keys=stored.overrides,
        groups=groups,
        group_properties=group_properties,
    )


def _stored(context: Context, current: FlagSet, distinct_id: str, anonymous: str | None) -> _Stored:
    """The person and its hash-key overrides; a request with `$anon_distinct_id` stores them once the person exists.

    Overrides belong to flags that persist across authentication; the identified person's come before those of the
    anonymous one.
    """
    store, project = context.store, int(context.project["id"])
    person = people.by_distinct_id(store, project, distinct_id)
    if not current.steady:
        return _Stored(person, {})
    other = people.by_distinct_id(store, project, anonymous) if anonymous else None
    overrides = people.hash_keys(store, other.id) if other else {}
    if person:
        own = people.hash_keys(store, person.id)
        overrides = {**overrides, **own}
        if anonymous and anonymous != distinct_id:
            new = {key: overrides.get(key, anonymous) for key in current.steady if key not in own}
            people.keep_hash_keys(store, person.id, new)
            overrides = {**overrides, **new}
    return _Stored(person, overrides)


def _groups(context: Context, asked: Data) -> tuple[dict[int, str], dict[int, dict[str, Any]]]:
    """The usable group keys of the request and the groups' properties, stored ones overlaid by the request's."""
    named = as_object(first(asked, "groups", "$groups"))
    own = as_object(first(asked, "group_properties", "$group_properties"))
    if not named and not own:
        return {}, {}
    store, project = context.store, int(context.project["id"])
    keys: dict[int, str] = {}
    properties: dict[int, dict[str, Any]] = {}
    for name, index in people.group_types(store, project).items():
        key = named.get(name)
        stored: dict[str, Any] = {}
        if (isinstance(key, str) and key) or (isinstance(key, (int, float)) and not isinstance(key, bool)):
            keys[index] = _text(key)
            found = people.group_properties(store, project, index, keys[index])
            stored = {**(found or {}), "$group_key": keys[index]}
        properties[index] = {**stored, **as_object(own.get(name))}
    return keys, properties


# Reading a request ---------------------------------------------------------------------------------


def _strings(value: Any) -> list[str] | None:
    return [str(item) for item in value] if isinstance(value, list) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _optional_text(value: Any) -> str | None:
    return None if value is None or value == "" else _text(value)


def _switch(context: Context, name: str) -> bool | None:
    """A switch in the query: its presence means on, unless it says otherwise; None when it isn't there."""
    value = context.query.get(name)
    return None if value is None else value.lower() not in ("false", "0", "no", "off")


def _number(version: str | None) -> int:
    try:
        return int(version or 1)
    except ValueError:
        return 1
