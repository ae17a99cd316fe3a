"""Flag definitions for SDKs that evaluate themselves: `/flags/definitions` and its older name.

Source: flag_definitions.rs in PostHog's rust/feature-flags and its local_evaluation.py.
"""

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.auth.identity import authenticate, enter_project, require_scope
from sandbox.evaluation.flags import Flag
from sandbox.evaluation.service.flagset import SURVEY_PREFIX, FlagSet, flagset
from sandbox.events import people
from sandbox.storage import jsontext
from sandbox.storage.store import Data
from sandbox.wire.context import Context, Json, endpoint
from sandbox.wire.errors import ApiError, Forbidden, Unauthenticated

PROPERTY_MATCHING_VERSION = 1
_SENT = tuple(
    "id team_id name key active ensure_experience_continuity version evaluation_runtime bucketing_identifier".split()
)
_BYTECODE = ("bytecode", "bytecode_error", "conditionHash")


def routes() -> list[BaseRoute]:
    """Both names."""
    return [
        Route(path, endpoint(definitions), methods=["GET"])
        for path in ("/flags/definitions", "/api/feature_flag/local_evaluation")
    ]


def definitions(context: Context) -> Response:
    """All flags with the cohorts they need; 304 for a client that has them. `send_cohorts` makes no difference."""
    authorize(context)
    project = int(context.project["id"])
    context.services.limiter.check_definitions(project)
    if context.settings.quota_limited:
        raise ApiError(402, "quota_limited", "payment_required", "You have exceeded your feature flag request quota")
    current = flagset(context.store, project)
    types = people.group_types(context.store, project)
    key = ("definitions", tuple(types.items()))
    if key not in current.memo:
        answer = Json(_body(current, project, types))
        current.memo[key] = (answer.body, f'W/"{hashlib.sha256(answer.body).hexdigest()[:16]}"')
    body, etag = current.memo[key]
    headers = {"ETag": etag, "Cache-Control": "private, must-revalidate"}
    if _has(context.request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _has(sent: str, etag: str) -> bool:
    """Whether `If-None-Match` names this version; compared weakly (RFC 9110 13.1.2)."""
    return any(one.strip().removeprefix("W/") == etag.removeprefix("W/") for one in sent.split(","))


def authorize(context: Context) -> None:
    """Note the project, and let through a project's secret token (phs_) and personal keys that may read flags.

    Raises: Unauthenticated, Forbidden with the texts of PostHog's flag service.
    """
    header = context.request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else ""
    project = context.store.find("project", context.query.get("token", ""))
    if token.startswith("phs_"):
        if project is None or not _is_secret_of(project, token):
            raise Unauthenticated("Secret API token is invalid.")
        context.project = project
        return
    if not token:
        raise Unauthenticated()
    try:
        identity = authenticate(context)
    except Unauthenticated as error:
        raise Unauthenticated("Personal API key is invalid.") from error
    if project is None and "token" in context.query:
        raise Unauthenticated(
            "The provided API key is invalid or has expired. Please check your API key and try again."
        )
    enter_project(context, str(project["id"] if project else identity.user["current_project"]))
    try:
        require_scope(context, "feature_flag:read")
    except Forbidden as error:
        raise Forbidden("Personal API key lacks required scopes (feature_flag:read or feature_flag:write).") from error


def _is_secret_of(project: Data, token: str) -> bool:
    known = (project.get("secret_api_token"), project.get("secret_api_token_backup"))
    return any(secrets.compare_digest(one.encode(), token.encode()) for one in known if one)


def _body(current: FlagSet, project: int, types: dict[str, int]) -> Data:
    sent = [
        identifier
        for identifier, row in current.rows.items()
        if not row.get("has_encrypted_payloads") and not row["key"].startswith(SURVEY_PREFIX)
    ]
    return {
        "flags": [msgspec.Raw(_text(current, identifier, project)) for identifier in sent],
        "group_type_mapping": {str(index): name for name, index in types.items()},
        "cohorts": _cohorts(current, sent),
        "minimal_flag_called_events": False,
        "property_matching_version": PROPERTY_MATCHING_VERSION,
    }


def _text(current: FlagSet, identifier: str, project: int) -> bytes:
    """A flag's JSON, kept until the flag changes unless it says something about other flags."""
    text = current.texts.get(identifier)
    if text is None:
        text = jsontext.encode_bytes(_flag(current, identifier, project))
        if not current.flags[identifier].dependencies:
            current.texts[identifier] = text
    return text


def _flag(current: FlagSet, identifier: str, project: int) -> Data:
    row, flag = current.rows[identifier], current.flags[identifier]
    return {
        **{name: row.get(name) for name in _SENT},
        "team_id": project,
        "deleted": False,
        "filters": _filters(current, row, flag),
        "evaluation_contexts": row.get("evaluation_contexts") or [],
        "has_experiment": flag.has_experiment,
    }


def _filters(current: FlagSet, row: Data, flag: Flag) -> Any:
    """The filters with flag dependencies by key, each with the chain in which a client has to evaluate."""
    filters = row.get("filters") or {}
    if not flag.dependencies:
        return filters

    def renamed(item: Data) -> Data:
        if item.get("type") != "flag":
            return item
        target = str(item.get("key"))
        named = current.flags[target].key if target in current.flags else target
        return {**item, "key": named, "dependency_chain": _chain(current, flag, target)}

    groups = [
        {**group, "properties": [renamed(item) for item in group.get("properties") or ()]}
        for group in filters.get("groups") or ()
    ]
    return {**filters, "groups": groups}


def _chain(current: FlagSet, flag: Flag, target: str) -> list[str]:
    """Keys of everything `target` needs, dependencies first and `target` last; empty when that can't be had."""
    chain: list[str] = []

    def follow(identifier: str, path: frozenset[str]) -> bool:
        if identifier not in current.flags or identifier in path:
            return False
        one = current.flags[identifier]
        if one.key in chain:
            return True
        if not all(follow(needed, path | {identifier}) for needed in sorted(one.dependencies)):
            return False
        chain.append(one.key)
        return True

    return chain if follow(target, frozenset({str(flag.id)})) else []


def _cohorts(current: FlagSet, sent: list[str]) -> Data:
    """Every dynamic cohort the flags need, directly or through another cohort."""
    needed: dict[int, Any] = {}
    waiting = [
        int(item.value)
        for identifier in sent
        for condition in current.flags[identifier].conditions
        for item in condition.filters
        if item.type == "cohort"
    ]
    while waiting:
        identifier = waiting.pop()
        row = current.cohort_rows.get(identifier)
        if identifier in needed or row is None or row.get("is_static"):
            continue
        needed[identifier] = _without_bytecode((row.get("filters") or {}).get("properties") or {})
        waiting += list(_nested(needed[identifier]))
    return {str(identifier): needed[identifier] for identifier in sorted(needed)}


def _nested(group: Any) -> Iterator[int]:
    for one in group.get("values") or () if isinstance(group, dict) else ():
        if isinstance(one, dict) and one.get("type") == "cohort" and isinstance(one.get("value"), int):
            yield one["value"]
        else:
            yield from _nested(one)


def _without_bytecode(group: Any) -> Any:
    if isinstance(group, list):
        return [_without_bytecode(one) for one in group]
    if not isinstance(group, dict):
        return group
    return {
        name: _without_bytecode(value) if name == "values" else value
        for name, value in group.items()
        if name not in _BYTECODE
    }
