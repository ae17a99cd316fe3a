"""What the sandbox's numbers say: three figures, and a dashboard to open."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from ai_admin.cli.numbers import dollars, number, percent
from ai_admin.numbers import Period, metrics
from providers.posthog.client import Client
from providers.posthog.connection import Connection
from tools.demo.background import FOLDER, ROOT, variables


def figures(connection: dict[str, Any]) -> str:
    """Return usage, cost and errors of the last seven days, a line each. Raises ApiError."""
    client = Client(Connection(connection["url"], str(connection["project_id"]), None, connection["personal_api_key"]))
    now = datetime.now(UTC)
    [week] = metrics(client, Period.of("-7d", "now", now), [])
    [hours] = metrics(client, Period.of("-3h", "now", now), [])
    return (
        f"In seven days:   {number(week.tokens)} tokens by {number(week.installations)} installations\n"
        f"What it cost:    {dollars(week.cost)}\n"
        f"Failed:          {percent(week.failing)}, and {percent(hours.failing)} in the last three hours"
    )


def draw(connection: dict[str, Any], dashboard: str) -> str:
    """Draw a dashboard as a page, and return its address; or why it was not drawn."""
    folder = FOLDER / "dashboards"
    command = [sys.executable, "-m", "ai_admin", "dashboards", dashboard, "--stack", "sandbox", "--out", str(folder)]
    environ = {**os.environ, **variables(connection)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    path = folder / f"{dashboard}.html"
    return path.as_uri() if path.is_file() else done.stderr.strip()
