"""Organisations and projects: what a new one looks like.

The project's columns are PostHog's TEAM_CONFIG_FIELDS with the defaults of its Team model;
`projects.py` says which of them can be written.
"""

import uuid
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.auth.identity import new_token
from sandbox.evaluation.dates import Clock
from sandbox.storage.store import Data, Store
from sandbox.wire.context import timestamp

ORGANIZATION_SETTINGS: dict[str, Any] = {
    "logo_media_id": None,
    "is_member_join_email_enabled": True,
    "enforce_2fa": None,
    "members_can_invite": True,
    "members_can_use_personal_api_keys": True,
    "allow_publicly_shared_resources": True,
    "is_ai_data_processing_approved": None,
    "default_experiment_stats_method": "bayesian",
    "default_role_id": None,
    "default_anonymize_ips": False,
    "members_can_create_projects": True,
}

PROJECT_SETTINGS: dict[str, Any] = {
    **dict.fromkeys(
        "test_account_filters_default_checked path_cleaning_filters person_display_name_properties correlation_config"
        " autocapture_opt_out autocapture_exceptions_opt_in autocapture_web_vitals_opt_in"
        " autocapture_web_vitals_allowed_metrics autocapture_exceptions_errors_to_ignore capture_console_log_opt_in"
        " capture_performance_opt_in session_recording_sample_rate session_recording_minimum_duration_milliseconds"
        " session_recording_linked_flag session_recording_network_payload_capture_config"
        " session_recording_masking_config session_recording_url_trigger_config session_recording_url_blocklist_config"
        " session_recording_event_trigger_config session_recording_trigger_match_type_config"
        " session_recording_trigger_groups session_replay_config survey_config week_start_day primary_dashboard"
        " live_events_columns recording_domains human_friendly_comparison_periods inject_web_apps extra_settings"
        " modifiers has_completed_onboarding_for surveys_opt_in heatmaps_opt_in flags_persistence_default"
        " feature_flag_confirmation_enabled feature_flag_confirmation_message default_evaluation_contexts_enabled"
        " require_evaluation_contexts capture_dead_clicks default_data_theme revenue_analytics_config"
        " marketing_analytics_config customer_analytics_config onboarding_tasks receive_org_level_activity_logs"
        " business_model conversations_enabled conversations_settings proactive_tasks_enabled workflows_config"
        " logs_settings".split()
    ),
    "app_urls": [],
    "anonymize_ips": False,
    "completed_snippet_onboarding": False,
    "test_account_filters": [],
    "is_demo": False,
    "timezone": "UTC",
    "data_attributes": ["data-attr"],
    "session_recording_opt_in": False,
    "session_recording_retention_period": "30d",
    "cookieless_server_hash_mode": 0,
    "feature_flag_policy_config": {"require_tags": False},
    "base_currency": "USD",
    "web_analytics_pre_aggregated_tables_enabled": False,
}


def new_organization(store: Store, name: str) -> Data:
    """Create an organisation."""
    now = timestamp()
    organization: Data = {
        "id": str(uuid.uuid4()),
        "name": name,
        "slug": name.lower().replace(" ", "-"),
        "created_at": now,
        "updated_at": now,
        "customer_id": None,
        "metadata": {},
        **deepcopy(ORGANIZATION_SETTINGS),
    }
    store.put("organization", "", organization)
    return organization


def new_project(store: Store, organization: Data, name: str, settings: dict[str, Any] | None = None) -> Data:
    """Create a project of an organisation, with its public token (phc_) and secret token (phs_)."""
    now = timestamp()
    project: Data = {
        "id": store.next_id("project"),
        "uuid": str(uuid.uuid4()),
        "name": name,
        "organization": organization["id"],
        "api_token": new_token("phc_"),
        "secret_api_token": new_token("phs_"),
        "secret_api_token_backup": None,
        "created_at": now,
        "updated_at": now,
        "ingested_event": False,
        "product_description": None,
        "is_pending_deletion": False,
        **deepcopy(PROJECT_SETTINGS),
        **(settings or {}),
    }
    put_project(store, project)
    return project


def put_project(store: Store, project: Data) -> None:
    """Save a project; its public token is what it is found by."""
    store.put("project", project["organization"], project, natural=project["api_token"])


def project_clock(project: Data) -> Clock:
    """Now, in the project's timezone."""
    return Clock(datetime.now(UTC), _zone(str(project.get("timezone") or "UTC")))


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
