"""`ai-admin apply`: runs the real `pulumi up`, and makes a few lines of the engine's many events."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ai_admin.review import reading
from ai_admin.review.bound import text
from ai_admin.review.plan import Planned
from ai_admin.review.report import Entry
from providers.posthog.errors import UnreadableState
from providers.posthog.settings import PLAN_VARIABLE
from providers.posthog.stackfile import cli

_QUIET = ("same", "refresh", "read")
_FAILED = "resOpFailedEvent"

_CARRIED = "Exception calling application: "
"""What gRPC puts before a message of the provider."""
_FAILURE = "update failed"
"""How the engine ends a run in which it has said already what failed."""
_WAITING = re.compile(r"(?:^|: )(?P<name>\w+/[^\s:]+): (?P<done>[^:]+: )?.*?\bwaits for approval since ")
"""A warning of the provider that somebody has to approve a change first (``approvals.Request``), after what is ``done``
of it already (``Metadata.done``): for the engine, all of it succeeded."""


@dataclass
class Result:
    """What an `up` did."""

    code: int = 0
    """Pulumi's exit code."""
    done: list[str] = field(default_factory=list)
    """The Pulumi names of what was applied."""
    waiting: list[str] = field(default_factory=list)
    """The Pulumi names of what waits until somebody approves it in PostHog. It is not applied before, or only a part of
    it: a switch-off."""
    failed: list[str] = field(default_factory=list)
    """The Pulumi names of what was not."""
    errors: list[str] = field(default_factory=list)
    """What Pulumi reported as errors, a line each."""
    seconds: float = 0.0
    """How long the engine took."""
    interrupted: bool = False
    """Somebody ended it before it was done."""


def apply(planned: Planned, show: Callable[[str], None], left: Collection[str] = ()) -> Result:
    """Run `pulumi up` for a plan, of which the provider applies nothing else, and return what became of it.

    What is refused ends nothing: the rest is applied. ``left`` names what is not touched (``bound.left``).
    ``show`` gets a line for everything that was applied, and what Pulumi warns of, while Pulumi runs. An interrupt
    is Pulumi's to handle: it ends what it has begun, writes its state and gives its lock back. Raises
    ``UnreadableState`` without a Pulumi CLI.
    """
    entries = {str(each.change.ref): each for each in planned.report.entries}
    with tempfile.TemporaryDirectory(prefix="ai-admin-") as folder:
        path = Path(folder) / "plan.json"
        path.write_text(text(planned, left), encoding="utf-8")
        result = Result()
        options = ("--yes", "--skip-preview", "--continue-on-error", "--json", "--non-interactive")
        command = [cli(planned.reviewed.root), "up", *options, "--stack", planned.reviewed.stack]
        process = _started(command, planned.reviewed.root, path)
        with process, _interrupts_handed_to(process, result):
            for event in _events(process):
                for line in _line(event, entries, result):
                    with suppress(BrokenPipeError):  # whoever reads along may stop, and Pulumi goes on
                        show(line)
        result.code = process.returncode
        return result


def _started(command: list[str], root: Path, plan: Path) -> subprocess.Popen[str]:
    environ = {**os.environ, PLAN_VARIABLE: str(plan), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.Popen(
            command,
            cwd=root,
            env=environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # or a terminal would interrupt Pulumi itself and we would do it once more
        )
    except OSError as problem:
        raise UnreadableState(f"`pulumi` can't be started: {problem.strerror}") from None


@contextmanager
def _interrupts_handed_to(process: subprocess.Popen[str], result: Result) -> Iterator[None]:
    """Pass interrupts of this process to another one, and continue; the second interrupt ends Pulumi at once."""

    def hand_over(number: int, _: object) -> None:
        result.interrupted = True
        process.send_signal(number)

    before = {number: signal.signal(number, hand_over) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _events(process: subprocess.Popen[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the engine's events; what Pulumi prints beside them is an error's text."""
    for line in process.stdout or ():
        try:
            event = json.loads(line)
        except ValueError:
            event = {"diagnosticEvent": {"severity": "error", "message": line}}
        if isinstance(event, dict):
            yield event


def _line(event: Mapping[str, Any], entries: Mapping[str, Entry], result: Result) -> Iterator[str]:
    """Yield what there is to show of an event, and take in what it says."""
    if "summaryEvent" in event:
        result.seconds = float(event["summaryEvent"].get("durationSeconds") or 0)
    elif "diagnosticEvent" in event:
        yield from _diagnostic(event["diagnosticEvent"], result)
    elif found := event.get("resOutputsEvent") or event.get(_FAILED):
        name = str(found["metadata"]["urn"]).split("::", 3)[-1]
        if found["metadata"]["op"] in _QUIET or "/" not in name or name in result.waiting:
            return
        if _FAILED not in event and name in result.done:  # of an object that is replaced, the engine says it twice
            return
        (result.failed if _FAILED in event else result.done).append(name)
        if _FAILED not in event:
            yield _applied(name, str(found["metadata"]["op"]), entries.get(name))


def _diagnostic(found: Mapping[str, Any], result: Result) -> Iterator[str]:
    message = " ".join(str(found.get("message", "")).split()).removeprefix("error: ")
    if found.get("severity") == "error" and message:
        if not (message == _FAILURE and result.errors):
            result.errors.append(message.removeprefix(_CARRIED))
    elif found.get("severity") == "warning":
        if (waits := _WAITING.search(message)) and waits["name"] not in result.waiting:
            result.waiting.append(waits["name"])
            result.done += [waits["name"]] if waits["done"] else []
        yield f"note: {message}"


def _applied(name: str, operation: str, entry: Entry | None) -> str:
    if entry is None:
        return f"{name}: {operation}"
    texts = [each.text for each in entry.sentences]
    texts += [f"undoes what was changed in PostHog: {reading.changed(each)}" for each in entry.by_hand]
    texts += [f"overwrites what was changed in PostHog: {reading.changed(each)}" for each in entry.overwritten]
    said = "; ".join([reading.about(entry), *texts]).removeprefix("; ")
    return f"{reading.LOOKS[entry.change.action].sign} {reading.name(entry)}" + (f": {said}" if said else "")
