"""A company's installations of the product: what they sent to PostHog, and which flags three of them get."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from posthog import Posthog

from ai_admin.simulation import Installation, company, incidents, runs
from ai_admin.simulation.sending import send

RUNS, SIZE, DAYS, SEED = 40_000, 60, 30, 1


def installations() -> Sequence[Installation]:
    """The company's installations."""
    return company(SEED, SIZE, DAYS, _now()).installations


def three() -> Sequence[Installation]:
    """One installation of each channel: our own people's, one of the beta, and an ordinary one."""
    found = {each.channel: each for each in reversed(installations())}
    return [found[channel] for channel in ("internal", "beta", "stable")]


def _now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@contextmanager
def sdk(connection: dict[str, Any]) -> Iterator[Posthog]:
    """An SDK as an installation has it: project API key and host, sending at once."""
    client = Posthog(connection["project_api_key"], host=connection["url"], sync_mode=True, disable_geoip=True)
    try:
        yield client
    finally:
        client.shutdown()


def introduce(connection: dict[str, Any], progress: Callable[[int], None]) -> bool:
    """Send what the company's installations ran in a month, up to errors that go on now; says whether it was sent.

    Does nothing the second time.
    """
    if _known(connection):
        return False
    acme = company(SEED, SIZE, DAYS, _now())
    found = runs(SEED, acme, RUNS, incidents(acme, ongoing=True))
    send(connection["url"], connection["project_api_key"], found, progress)
    return True


def _known(connection: dict[str, Any]) -> bool:
    answer = requests.get(
        f"{connection['url']}/api/projects/{connection['project_id']}/persons/",
        params={"distinct_id": installations()[0].id},
        headers={"Authorization": f"Bearer {connection['personal_api_key']}"},
        timeout=10,
    )
    answer.raise_for_status()
    return bool(answer.json()["results"])


def answers(connection: dict[str, Any], flags: list[str]) -> dict[str, dict[str, str]]:
    """Return what the SDK answers, by installation and flag, in words: ``off``, ``on``, a variant, a payload."""
    with sdk(connection) as client:
        return {each.id: _read(client, each.id, flags) for each in three()}


def _read(client: Posthog, distinct_id: str, flags: list[str]) -> dict[str, str]:
    found = client.evaluate_flags(distinct_id)
    return {key: _in_words(found.get_flag(key), found.get_flag_payload(key)) for key in flags}


def _in_words(value: bool | str | None, payload: Any) -> str:
    if payload is not None:
        return f"{payload:,}" if isinstance(payload, int) else str(payload)
    return {True: "on", False: "off", None: "off"}.get(value, str(value)) if not isinstance(value, str) else value
