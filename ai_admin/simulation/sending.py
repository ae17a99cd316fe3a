"""Runs, sent by PostHog's own SDK as a product sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from posthog import Posthog

from ai_admin.numbers import product
from ai_admin.simulation.traffic import Run

FLUSHED = 2000
"""After so many events all must have arrived: the SDK's queue, which drops what is too much, has room for 10,000."""


class NotSent(Exception):
    """PostHog did not take events. One line with the reason."""


def send(host: str, project_api_key: str, found: Iterable[Run], progress: Callable[[int], None]) -> None:
    """Send runs as events, in batches.

    Args:
        host: PostHog's address.
        project_api_key: the key with which SDKs capture (``phc_…``).
        found: the runs.
        progress: is told how many more have arrived.

    Raises NotSent. What was sent by then stays; sent again, it has the same ids.
    """
    problems: list[Any] = []
    client = Posthog(
        project_api_key, host=host, historical_migration=True, disable_geoip=True, timeout=30,
        on_error=lambda problem, _batch: problems.append(problem),
    )  # fmt: skip
    sent = arrived = 0
    try:
        for run in found:
            client.capture(
                product.EVENT, distinct_id=run.installation.id, properties=dict(run.properties), timestamp=run.when,
                uuid=str(run.id),
            )  # fmt: skip
            sent += 1
            if sent % FLUSHED == 0:
                client.flush(timeout_seconds=None)
                if problems:
                    break
                progress(sent - arrived)
                arrived = sent
        client.flush(timeout_seconds=None)
    finally:
        client.shutdown()
    if problems:
        raise NotSent(f"PostHog did not take all events: {problems[0]}")
    progress(sent - arrived)
