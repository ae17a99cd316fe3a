"""What browsers' SDKs ask with the project's token: early access features and surveys.

Sources: early_access_features in PostHog's early_access_features/backend/api.py, and SurveyAPISerializer in survey.py.
A survey's description isn't shown here: people keep notes in it.
"""

from typing import Any

from starlette.routing import BaseRoute, Route

from sandbox.evaluation.service.flagset import FLAG
from sandbox.resources.feedback import survey_actions
from sandbox.storage.store import Data
from sandbox.wire.context import Context, endpoint
from sandbox.wire.errors import ApiError

SURVEY = tuple(
    "id name type questions conditions appearance start_date end_date current_iteration current_iteration_start_date"
    " schedule enable_partial_responses".split()
)


def routes() -> list[BaseRoute]:
    return [
        Route("/api/early_access_features", endpoint(early_access_features), methods=["GET"]),
        Route("/api/surveys", endpoint(surveys), methods=["GET"]),
    ]


def early_access_features(context: Context) -> Any:
    """`GET /api/early_access_features/?token=&stage=`: the features people may choose; beta ones by default."""
    _enter(context)
    stages = context.request.query_params.getlist("stage") or ["beta"]
    rows = context.store.select("early_access_feature", str(context.project["id"]))
    return {
        "earlyAccessFeatures": [
            {
                **{name: row[name] for name in ("id", "name", "description", "stage", "payload")},
                "documentationUrl": row["documentation_url"],
                "flagKey": _key(context, row["feature_flag_id"]),
            }
            for row in rows
            if row["stage"] in stages
        ]
    }


def surveys(context: Context) -> Any:
    """`GET /api/surveys/?token=`: every survey that isn't archived, running or not."""
    _enter(context)
    rows = context.store.select("survey", str(context.project["id"]))
    shown = [show_survey(context, row) for row in rows if not row["archived"]]
    return {"surveys": shown, "survey_config": context.project.get("survey_config")}


def show_survey(context: Context, row: Data) -> Data:
    """A survey as SDKs read it; a flag also shows those that it is linked to so."""
    slots = ("linked_flag_id", "targeting_flag_id", "internal_targeting_flag_id")
    keys = {slot.removesuffix("_id") + "_key": _key(context, row[slot]) for slot in slots if row[slot]}
    conditions = survey_actions.in_conditions(context, row)
    return {**{name: row[name] for name in SURVEY}, "conditions": conditions, **keys}


def _key(context: Context, flag: Any) -> str | None:
    found = context.store.get(FLAG, flag) if flag else None
    return str(found["key"]) if found else None


def _enter(context: Context) -> None:
    """Note the project whose token is in the query. Raises `ApiError` 401."""
    token = context.query.get("token") or context.query.get("api_key")
    if not token:
        raise _refused("missing_api_key", "Project token not provided.")
    project = context.store.find("project", token)
    if project is None:
        raise _refused("invalid_api_key", "Project token invalid.")
    context.project = project


def _refused(code: str, text: str) -> ApiError:
    hint = "You can find your project token in PostHog project settings."
    return ApiError(401, "authentication_error", code, f"{text} {hint}")
