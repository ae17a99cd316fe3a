"""Three installations of the product: what they send to PostHog and which flags they get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from posthog import Posthog

INSTALLATIONS: dict[str, dict[str, Any]] = {
    "inst-0001": {"channel": "internal", "version": "2.5.0", "health_status": "healthy", "total_usage": 840_000},
    "inst-0002": {"channel": "beta", "version": "2.4.1", "health_status": "healthy", "total_usage": 96_000},
    "inst-0003": {"channel": "stable", "version": "2.3.0", "health_status": "warning", "total_usage": 12_000},
}
"""Person properties by distinct id: an internal installation, one of the beta, and an ordinary one."""


@contextmanager
def sdk(connection: dict[str, Any]) -> Iterator[Posthog]:
    """An SDK as an installation has it: project API key and host, sending at once."""
    client = Posthog(connection["project_api_key"], host=connection["url"], sync_mode=True, disable_geoip=True)
    try:
        yield client
    finally:
        client.shutdown()


def introduce(connection: dict[str, Any]) -> None:
    """Send what the installations would have sent: who they are, and a use of AI each; does nothing the second time."""
    if _known(connection):
        return
    with sdk(connection) as client:
        for distinct_id, properties in INSTALLATIONS.items():
            use = {
                "installation_id": distinct_id,
                "model": "deepseek-chat-v3",
                "prompt_tokens": 900,
                "completion_tokens": 300,
                "total_tokens": 1200,
                "estimated_cost": 0.0009,
                "success": True,
                "$set": {"installation_id": distinct_id, "total_cost": 1.5, **properties},
            }
            client.capture("ai_enhancement_used", distinct_id=distinct_id, properties=use)


def _known(connection: dict[str, Any]) -> bool:
    answer = requests.get(
        f"{connection['url']}/api/projects/{connection['project_id']}/persons/",
        params={"distinct_id": next(iter(INSTALLATIONS))},
        headers={"Authorization": f"Bearer {connection['personal_api_key']}"},
        timeout=10,
    )
    answer.raise_for_status()
    return bool(answer.json()["results"])


def answers(connection: dict[str, Any], flags: list[str]) -> dict[str, dict[str, str]]:
    """Return what the SDK answers, by installation and flag, in words: ``off``, ``on``, a variant, a payload."""
    with sdk(connection) as client:
        return {distinct_id: _read(client, distinct_id, flags) for distinct_id in INSTALLATIONS}


def _read(client: Posthog, distinct_id: str, flags: list[str]) -> dict[str, str]:
    found = client.evaluate_flags(distinct_id)
    return {key: _in_words(found.get_flag(key), found.get_flag_payload(key)) for key in flags}


def _in_words(value: bool | str | None, payload: Any) -> str:
    if payload is not None:
        return f"{payload:,}" if isinstance(payload, int) else str(payload)
    return {True: "on", False: "off", None: "off"}.get(value, str(value)) if not isinstance(value, str) else value
