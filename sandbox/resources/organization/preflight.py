"""What a PostHog server reports about itself to everybody (posthog/views.py: `preflight_check`)."""

from typing import Any

from starlette.routing import BaseRoute, Route

from sandbox.wire.context import Context, endpoint


def routes() -> list[BaseRoute]:
    """The one route; it asks for no key and counts for no limit."""
    return [Route("/_preflight", endpoint(preflight))]


def preflight(context: Context) -> Any:
    """`GET /_preflight`: PostHog's fields for somebody without a session.

    Rate limits are always on in PostHog Cloud, and off by default elsewhere. So with its limits on the sandbox plays
    Cloud, and without them a server of one's own, unless it is told to be one with limits (`/_sandbox/limits`).
    """
    limiter = context.services.limiter
    cloud = limiter.enabled and not limiter.self_hosted
    working = ("django", "redis", "plugins", "celery", "clickhouse", "kafka", "db", "initiated")
    return {
        **dict.fromkeys(working, True),
        "cloud": cloud,
        "demo": False,
        "realm": "cloud" if cloud else "hosted-clickhouse",
        "region": "US" if cloud else None,
        "available_social_auth_providers": {"github": False, "gitlab": False, "google-oauth2": False},
        "can_create_org": cloud,
        "email_service_available": cloud,
        "slack_service": {"available": False, "client_id": None},
        "data_warehouse_integrations": {"hubspot": {"client_id": ""}, "salesforce": {"client_id": ""}},
        "object_storage": cloud,
        "public_egress_ip_addresses": [],
        "wizard_cloud_run_available": False,
    }
