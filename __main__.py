"""The Pulumi program: registers the definitions, or, if the run is refused, only flags that are switched off.

``ai_admin.run`` decides what a run may do; here it is carried out, in the order that Pulumi requires.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Coroutine, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pulumi

from ai_admin import manifest
from ai_admin.run import Plan, Run, left_on, off_all_the_same, plan, switch_offs
from ai_admin.safety.applied import Manifest
from ai_admin.safety.following import Followed
from providers.posthog import outputs
from providers.posthog.errors import UnreadableState
from providers.posthog.kinds import Ref
from providers.posthog.resources import problems, register, switch_off
from providers.posthog.settings import NAMES, Settings

CHECKOUT = Path(__file__).parent

EXPLAINED = 32
"""The exit code by which Pulumi's Python host knows that the reason was shown, and adds no line of its own."""


def main() -> None:
    """Register every definition of this stack; if the run is refused, only flags that are switched off.

    A preview that a rule refuses registers all of them: the refusals are shown with the plan, not instead of it. Not so
    if the definitions have problems, or PostHog can't be asked.
    """
    stack, preview = pulumi.get_stack(), pulumi.runtime.is_dry_run()
    settings = Settings({name: pulumi.Config().get(name) for name in NAMES}, os.environ)
    last = applied_last(stack)
    # Export the old manifest first: if this run is refused and exports nothing, Pulumi drops the manifest, and the next
    # run would pass unchecked.
    keep(last)
    run = Run(CHECKOUT, stack, settings, last, followed, preview, pulumi.log.warn)
    planned = plan(run)
    if planned.refused and not (preview and planned.judged):
        refuse_all_but_off(run, planned)
    known, off = manifest.ids(planned.before), {Ref.parse(name) for name in planned.off}
    registered = register(planned.definitions, settings, known, off & known.keys(), planned.metadata(settings))
    if not planned.refused:
        keep(applied(run, planned, registered))
    if preview:
        pulumi.run(lambda: end_of_preview(planned.refused, not_off_yet(run, planned), registered.values()))


def applied_last(stack: str) -> Manifest:
    """Return what was applied to this stack last; empty on the first run."""
    try:
        return outputs.read(stack, manifest.OUTPUT) or {}
    except UnreadableState as problem:
        refuse([f"it is not known what was applied to this stack last: {problem}; run again"])


def followed(stack: str) -> Followed:
    """Return what was applied to the stack that this one follows."""
    try:
        return Followed(stack, outputs.read(stack, manifest.OUTPUT), "nothing was applied to it yet")
    except UnreadableState as problem:
        return Followed(stack, None, str(problem))


def keep(kept: Manifest | Coroutine[Any, Any, Manifest]) -> None:
    """Make this the manifest that the next run reads."""
    outputs.export(manifest.OUTPUT, kept)


async def applied(run: Run, planned: Plan, registered: dict[Ref, pulumi.CustomResource]) -> Manifest:
    """Return the manifest of what this run applied, once the engine is through."""
    before, after = planned.before, planned.after
    found = await outputs.outcomes(registered, manifest.in_question(before, after))
    return manifest.applied(before, after, planned.definitions, found, run.settings.consents, now())


async def applied_off(run: Run, registered: dict[str, pulumi.CustomResource]) -> Manifest:
    """Return the manifest of a refused run, which applied these flags by their names of before."""
    refs = {Ref.parse(name): resource for name, resource in registered.items()}
    found = await outputs.outcomes(refs, refs)
    return manifest.all_but_off(run.last, {str(ref): outcome for ref, outcome in found.items()}, now())


def now() -> str:
    """Return the time, ISO 8601."""
    return datetime.now(UTC).isoformat()


def not_off_yet(run: Run, planned: Plan) -> Iterator[str]:
    """Yield of the flags that are to be off what switches them off where an `up` is refused."""
    yield from (off_all_the_same(run, name) for name in planned.off)
    if planned.refused:  # what only the provider refuses keeps no flag from being adopted
        yield from left_on(run, planned.definitions)


async def end_of_preview(
    refused: Iterable[str], off: Iterable[str], resources: Iterable[pulumi.CustomResource]
) -> None:
    """Show what would not be applied, once the whole plan is known, and fail if there is anything.

    ``off`` says of the flags that are to be off what switches them off all the same.
    """
    found = ["\n".join(refused)] if refused else []
    found += dict.fromkeys(await problems(resources))
    found += off if found else ()
    for each in found:
        pulumi.log.error(each)
    if found:
        # Not yet: the engine plans the deletions only after a program that did not fail, and asks for its exit code
        # once it has them. Pulumi's Python host offers no other way to fail then.
        atexit.register(os._exit, EXPLAINED)


def refuse_all_but_off(run: Run, planned: Plan) -> NoReturn:
    """Switch off the flags that are to be off, and refuse the rest of the run."""
    off = switch_offs(run, planned.definitions)
    keep(applied_off(run, switch_off(off.flags, off.names)))
    all_the_same = (off_all_the_same(run, name) for name in off.switched)
    refuse([*planned.refused, *all_the_same, *left_on(run, planned.definitions)])


def refuse(lines: Iterable[str]) -> NoReturn:
    """Show the reason as an error of the stack and end the program."""
    pulumi.log.error("\n".join(lines))
    sys.exit(EXPLAINED)


main()
