"""``python -m examples.ai_service.load``: many installations at once, and whether an event is lost or a cap broken.

For a sandbox on this machine: it reads back every event that it sent. The service is the one in Python, or the one in
TypeScript.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from examples.ai_service.ai_admin_client import AiAdmin, Person
from examples.ai_service.budgets import Budgets
from examples.ai_service.deepseek import DeepSeek
from examples.ai_service.node import NodeService, NotStarted
from examples.ai_service.service import AiService, Run, connected

EVENT = "ai_enhancement_used"
_PAGE = 1000
Seen = Counter[tuple[str, float, str | None]]
"""How often an installation reported so many tokens and such an error."""


@dataclass(frozen=True)
class Load:
    """How much is asked of the service."""

    installations: int = 1000
    rate: float = 50
    """Requests a second."""
    seconds: float = 60
    seed: int = 1
    threads: int = 20


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    seconds: float
    requests: int
    off: int
    """Requests for which AI was off."""
    errors: Counter[str]
    """Runs that failed, by reason."""
    sent: int
    lost: int
    """Events that the service sent, and PostHog has not, or not as they were sent."""
    unsent: int
    """Events that PostHog has, and the service has not sent so often."""
    over_day: dict[str, float]
    """Installations that used more than their day's tokens, and how many more; where midnight passes, two days'."""
    over_request: int
    """Runs that used more than a request may."""

    @property
    def is_good(self) -> bool:
        """Whether anything ran, nothing was lost or made up, and no cap was broken."""
        return self.sent > 0 and not (self.lost or self.unsent or self.over_day or self.over_request)


class Sandbox:
    """The project that the load is sent to."""

    def __init__(self, host: str, project_id: str, api_key: str) -> None:
        """Take a project of a PostHog. Raises ValueError where that is not on this machine."""
        name = urlsplit(host).hostname or ""
        if name != "localhost" and not (name.replace(".", "").isdigit() and ipaddress.ip_address(name).is_loopback):
            raise ValueError(f"{host} is not on this machine; the load is for a sandbox: make demo, and . ./activate")
        self.host = host
        self.api_key = api_key
        self._project = f"{host}/api/projects/{project_id}/"

    def project_api_key(self) -> str:
        """Return the key that events are sent with."""
        return str(self._get(self._project)["api_token"])

    def seen(self, after: str) -> Seen:
        """Return all runs that were reported to the project after a moment."""
        found: Seen = Counter()
        address = f"{self._project}events/?event={EVENT}&after={after}&limit={_PAGE}"
        for offset in range(0, sys.maxsize, _PAGE):
            page = self._get(f"{address}&offset={offset}")["results"]
            found.update(
                (each["distinct_id"], each["properties"]["total_tokens"], each["properties"].get("error"))
                for each in page
            )
            if len(page) < _PAGE:
                break
        return found

    def _get(self, address: str) -> Any:
        answer = requests.get(address, headers={"Authorization": f"Bearer {self.api_key}"}, timeout=30)
        answer.raise_for_status()
        return answer.json()


class Service(Protocol):
    """What the load is sent to."""

    def run(self, installation: str, person: Person, prompt_tokens: int) -> Run | None:
        """Run an AI enhancement; None where AI is off."""

    def caps(self, installation: str, person: Person) -> tuple[int, int]:
        """Return how many tokens an installation may use in a day and in a request."""

    def close(self) -> None:
        """Send the events that are left, and stop."""


class PythonService:
    """The service of service.py, in this process."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        """Start it. ``seed``: of the model's randomness."""
        self._posthog = connected(sandbox.project_api_key(), sandbox.host, sandbox.api_key)
        self._client = AiAdmin(self._posthog)
        self._client.ready(30)
        self.run = AiService(self._posthog, self._client, DeepSeek(seed, seconds=0.05), Budgets()).run

    def caps(self, installation: str, person: Person) -> tuple[int, int]:
        """Return how many tokens an installation may use in a day and in a request."""
        flags = self._client.flags(installation, person)
        return flags.ai_max_daily_tokens(), flags.ai_max_request_tokens()

    def close(self) -> None:
        """Send the events that are left, and stop."""
        self._posthog.shutdown()


def typescript(modules: Path, sandbox: Sandbox, seed: int) -> Service:
    """Start the service of service.ts, in a process of Node.js. Raises as NodeService.

    Args:
        modules: a ``node_modules`` with ``typescript`` and ``posthog-node``.
        sandbox: the project.
        seed: of the model's randomness.
    """
    return NodeService(modules, sandbox.host, sandbox.project_api_key(), sandbox.api_key, seed)


def drive(sandbox: Sandbox, load: Load, start: Callable[[Sandbox, int], Service] = PythonService) -> Outcome:
    """Send a load to a service of its own, wait until its events have arrived, and compare.

    What PostHog has at the end is counted, by installation, and not what the service's own books say.

    Args:
        sandbox: a project that has the flags and cohorts of the samples.
        load: how much.
        start: starts the service, with a seed.
    """
    chance = random.Random(load.seed)
    persons = {f"load-{load.seed}-{number:04}": _person(chance) for number in range(load.installations)}
    # As in life, few installations ask most: the first asks n times as often as the n-th.
    often = [1 / (1 + rank) for rank in range(load.installations)]
    asking = chance.choices(list(persons), often, k=int(load.rate * load.seconds))
    prompts = [1 + int(chance.expovariate(1 / 800)) for _ in asking]
    began = datetime.now(UTC)
    service = start(sandbox, load.seed)
    at = time.monotonic()
    with ThreadPoolExecutor(load.threads) as threads:
        waiting = []
        for number, (name, prompt) in enumerate(zip(asking, prompts, strict=True)):
            time.sleep(max(0.0, at + number / load.rate - time.monotonic()))
            waiting.append(threads.submit(service.run, name, persons[name], prompt))
        runs = [each.result() for each in waiting]
    took = time.monotonic() - at
    caps = {name: service.caps(name, person) for name, person in persons.items()}
    service.close()
    arrived = sandbox.seen(began.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    days = (datetime.now(UTC).date() - began.date()).days + 1
    return _compared(asking, runs, arrived, caps, took, days)


def _person(chance: random.Random) -> Person:
    return {
        "channel": chance.choices(("stable", "beta", "internal"), (60, 39, 1))[0],
        "version": chance.choice(("2.3.0", "2.4.0", "2.4.1", "2.10.0")),
        "health_status": chance.choices(("healthy", "warning", "error"), (70, 15, 15))[0],
        "total_usage": chance.randrange(6_000_000),
    }


def _compared(
    asking: list[str],
    runs: list[Run | None],
    arrived: Seen,
    caps: Mapping[str, tuple[int, int]],
    took: float,
    days: int,
) -> Outcome:
    # A run counts for the day on which it begins, and is reported when it ends: of several days only the sum is known.
    done = [(name, run) for name, run in zip(asking, runs, strict=True) if run is not None]
    arrived = Counter({report: times for report, times in arrived.items() if report[0] in caps})
    sent: Seen = Counter((name, run.total_tokens, run.error) for name, run in done)
    used: Counter[str] = Counter()
    for (name, tokens, _), times in arrived.items():
        used[name] += int(tokens) * times
    return Outcome(
        seconds=took,
        requests=len(runs),
        off=runs.count(None),
        errors=Counter(run.error for _, run in done if run.error),
        sent=len(done),
        lost=(sent - arrived).total(),
        unsent=(arrived - sent).total(),
        over_day={name: over for name, (of_day, _) in caps.items() if (over := used[name] - days * of_day) > 0},
        over_request=sum(times for (name, tokens, _), times in arrived.items() if tokens > caps[name][1]),
    )


def main() -> int:
    """Run the command; return its exit code: 0 all is well, 1 something was lost or broken, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m examples.ai_service.load", description=__doc__)
    parser.add_argument("--installations", type=int, default=Load.installations)
    parser.add_argument("--rate", type=float, default=Load.rate, help="requests a second")
    parser.add_argument("--seconds", type=float, default=Load.seconds)
    parser.add_argument("--seed", type=int, default=Load.seed)
    parser.add_argument(
        "--typescript",
        type=Path,
        metavar="MODULES",
        help="drive service.ts instead, with the packages typescript and posthog-node of this node_modules",
    )
    given = parser.parse_args()
    try:
        place = [os.environ[name] for name in ("POSTHOG_HOST", "POSTHOG_PROJECT_ID", "POSTHOG_API_KEY")]
        sandbox = Sandbox(*place)
    except KeyError as missing:
        parser.error(f"{missing.args[0]} is not set: make demo, and . ./activate")
    except ValueError as problem:
        parser.error(str(problem))
    start = partial(typescript, given.typescript) if given.typescript else PythonService
    try:
        found = drive(sandbox, Load(given.installations, given.rate, given.seconds, given.seed), start)
    except NotStarted as problem:
        parser.error(str(problem))
    print(
        f"{found.requests:,} requests of {given.installations:,} installations in {found.seconds:.1f} s\n"
        f"AI was off for {found.off:,}; {found.sent:,} runs, of which failed: {dict(found.errors)}\n"
        f"events: {found.sent:,} sent, {found.lost} lost, {found.unsent} that nobody sent\n"
        f"caps: {len(found.over_day)} installations over their day's, {found.over_request} runs over a request's"
    )
    if not found.sent:
        print("AI is off for all of them: are the flags of docs/samples applied there?", file=sys.stderr)
    return 0 if found.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
