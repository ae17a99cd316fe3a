"""What a run of the Pulumi program does with a checkout's definitions: what it registers, and what it refuses.

Everything is decided here, without Pulumi; ``__main__.py`` carries it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ai_admin.adopted import held_as_written, live_as_written, live_audiences
from ai_admin.definitions import Definition, Definitions, load
from ai_admin.definitions.spelling import listed
from ai_admin.definitions.stacks import configurations
from ai_admin.manifest import ids
from ai_admin.safety.applied import Manifest, manifest, name_of, renamed, switched_off, switches, unchanged, unfinished
from ai_admin.safety.following import Followed, ahead, grown
from ai_admin.safety.gates import refusals
from ai_admin.safety.left_over import left_over
from ai_admin.safety.reach import Reach
from ai_admin.safety.refusal import Refusal
from ai_admin.safety.removal import renaming
from ai_admin.safety.sharing import shared
from ai_admin.safety.targeting import put_back
from ai_admin.safety.volume import is_of_updates
from providers.posthog.advice import explained
from providers.posthog.client import Client
from providers.posthog.connection import resolve
from providers.posthog.consents import LEFT, OFF
from providers.posthog.errors import ApiError, ConnectionProblem
from providers.posthog.inputs import WAITING, Metadata
from providers.posthog.kinds import KINDS, Ref
from providers.posthog.kinds.address import wrong_with
from providers.posthog.leaving import keys, leaving, lost_members
from providers.posthog.preflight import preflight
from providers.posthog.settings import Settings
from providers.posthog.stackfile import StackFile
from providers.posthog.succession import Succession
from providers.posthog.switch import every
from providers.posthog.usage import GUARDED, blockers

PUBLIC_PASSPHRASE = "sandbox"
"""The passphrase of the sandbox's stack, which `. ./activate` sets with the local backend."""

LOOKING = 5.0
"""Seconds in which a refused run asks PostHog what stays on: it may be refused since PostHog does not answer."""


@dataclass(frozen=True)
class Run:
    """A run of the program for one stack, with its inputs."""

    checkout: Path
    stack: str
    settings: Settings
    last: Manifest
    """What was applied to the stack last; empty on the first run."""
    followed: Callable[[str], Followed]
    """Returns what was applied to another stack."""
    preview: bool
    warn: Callable[[str], None]
    """Shows the user a warning."""


@dataclass(frozen=True)
class Plan:
    """The definitions to register, and the refusals."""

    definitions: tuple[Definition, ...]
    refused: tuple[str, ...] = ()
    """Why only switch-offs are applied, one line for each reason; empty when everything is applied."""
    judged: bool = True
    """False when the gates could not be evaluated, so that a preview can't show the plan either."""
    before: Manifest = field(default_factory=dict)
    """What was applied last, under the present keys."""
    after: Manifest = field(default_factory=dict)
    """What the next run must know of these definitions."""
    about: frozenset[str] = frozenset()
    """The names of the resources that a gate refuses."""
    needed: tuple[Refusal, ...] = ()
    """What a gate would refuse if the stack had no consents; empty where it has none."""

    def metadata(self, settings: Settings) -> dict[Ref, Metadata]:
        """Return by reference what the provider must know of a definition in addition to its properties."""
        known, switch = ids(self.before), switches(self.before, self.after)
        unchanged_names = unchanged(self.before, self.after, self.definitions)
        put_back_names = put_back(unchanged_names, self.before, self.after) if settings.careful else ()
        flags = {Ref(each.kind, each.key): each.properties for each in self.definitions if each.kind == "flag"}
        taken: dict[str, dict[str, str]] = defaultdict(dict)
        for ref, id_ in known.items():
            taken[ref.kind][id_] = str(ref)
        targeting = {name: str(each) for name, each in put_back_names if each.code not in settings.consents}

        def flag_switch(definition: Definition) -> str:
            ref = definition.properties.get("flag")
            flag = flags.get(ref) if definition.kind == "experiment" and isinstance(ref, Ref) else None
            if flag is None:
                return ""
            if "active" in flag.get("unmanaged", ()):
                return LEFT
            return OFF if flag.get("active") is False else switch.get(str(Ref("flag", flag["key"])), "")

        def of(definition: Definition, ref: Ref) -> Metadata:
            name, id_ = str(ref), known.get(ref, "")
            named = {field: str(each) for field, each in definition.properties.items() if isinstance(each, Ref)}
            return Metadata(
                name,
                str(definition.source),
                definition.adopt,
                switch=switch.get(name, ""),
                id="" if id_.startswith(WAITING) else id_,
                named={} if id_ else named,
                taken={} if id_ else taken[ref.kind],
                unchanged=definition.kind == "flag" and name in unchanged_names,
                targeting=targeting.get(name, ""),
                flag_switch=flag_switch(definition),
                refused=name in self.about,
            )

        return {(ref := Ref(each.kind, each.key)): of(each, ref) for each in self.definitions}

    @property
    def off(self) -> list[str]:
        """The names of the flags that it switches off."""
        return switched_off(self.before, self.after)


def plan(
    run: Run, definitions: Definitions | None = None, connect: Callable[[Run, set[str]], Client] | None = None
) -> Plan:
    """Return what a run is to do. Reads from PostHog, and changes nothing there.

    Args:
        run: the run.
        definitions: those of the checkout for the stack; None: they are read now.
        connect: what connects in the place of :func:`connected`.
    """
    definitions = definitions or load(run.checkout, run.stack)
    if definitions.problems:
        lines = ("the definitions have problems:", *map(str, definitions.problems))
        return Plan(with_former_keys(definitions.off, run.last), lines, judged=False)
    resources = with_former_keys(definitions.resources, run.last)
    try:
        client = (connect or connected)(run, {each.kind for each in resources})
        return _judged(run, client, replace(definitions, resources=resources))
    except ConnectionProblem as problem:
        return Plan(resources, tuple(str(problem).splitlines()), judged=False)
    except ApiError as problem:
        unknown = f"it is not known what this run would change: {problem}; run again"
        return Plan(resources, (unknown,), judged=False)


def with_former_keys(definitions: Iterable[Definition], last: Manifest) -> tuple[Definition, ...]:
    """Return the definitions, with ``renamed_from`` also for a rename that was not completed."""
    every = tuple(definitions)
    keys = unfinished(last, every)
    return tuple(replace(each, renamed_from=keys.get(name_of(each), each.renamed_from)) for each in every)


def connected(run: Run, kinds: set[str]) -> Client:
    """Return a client for the stack's own project, with a key that has the scopes that these kinds need.

    Raises :class:`ConnectionProblem` when stack, its usual file and environment contradict each other, or the key is
    not let in.
    """
    if run.settings.stack.get("api_key") and run.settings.passphrase == PUBLIC_PASSPHRASE:
        raise ConnectionProblem(
            f"{run.stack}: the API key in Pulumi.{run.stack}.yaml is encrypted with the sandbox's passphrase, which "
            "everybody knows; unset PULUMI_CONFIG_PASSPHRASE, choose one of your own with `pulumi stack "
            "change-secrets-provider passphrase`, and put a new key into the stack"
        )
    connection = resolve(run.settings)
    there = configurations(run.checkout)
    problems = [
        *shared(run.stack, connection.host, connection.project_id, there, connection.moved_from),
        *StackFile(run.checkout, run.stack).contradictions(connection),
    ]
    if problems:
        raise ConnectionProblem("\n".join(problems))
    client = Client(connection, warn=run.warn)
    preflight(client, kinds, writing=not run.preview)
    return client


def _judged(run: Run, client: Client, definitions: Definitions) -> Plan:
    """Return the plan for definitions without problems, as the gates see it. Raises ``ApiError``."""
    settings, resources = run.settings, definitions.resources
    before = renamed(run.last, resources)
    live = live_audiences(client, resources, before) if settings.careful or settings.follows else {}
    base = {**live, **before}
    after = manifest(resources, base)
    gates = partial(
        refusals,
        after=after,
        consent=settings.consents,
        careful=settings.careful,
        followed=_followed(run, base, after),
        live=live,
        members=lost_members(client, before, after),
        leaving=leaving(client, before, after),
        keys=keys(client, renaming(before, after)),
        reach=Reach(resources, definitions.values),
    )
    found = gates(before)
    if any(map(is_of_updates, found)):
        gates = partial(gates, held=held_as_written(client, resources, before, after))
        found = gates(before)
    if found and (settings.careful or settings.follows):
        found = gates({**before, **live_as_written(client, resources, before, after)})
    needed = tuple(gates(before, consent=())) if settings.consents else ()
    for word in left_over(settings.consents, needed):
        run.warn(
            f"Pulumi.{run.stack}.yaml: {word} in ai-admin:consent is needed by nothing now, and would consent to the "
            "same again; take it out"
        )
    succession = Succession(client, before, after, resources)
    refused = [
        *unset_secrets(resources, settings),
        *map(str, found),
        *_found(succession.namesakes),
        *_found(lambda: blockers(client, before, after.keys(), succession.replaced(GUARDED))),
    ]
    about = frozenset(name for refusal in found for name in refusal.about)
    return Plan(resources, tuple(refused), True, before, after, about, needed)


def _found(gate: Callable[[], Iterable[str]]) -> list[str]:
    """Return why a gate refuses, also if it can't read what it asks for; the plan is shown with the reason."""
    try:
        return [*gate()]
    except ApiError as problem:
        return [f"it is not known what this run would change: {explained(problem)}"]


def _followed(run: Run, before: Manifest, after: Manifest) -> Followed | None:
    """Return what this run is compared with, if its stack follows another one and serves anything more widely.

    A preview is compared with what the followed stack has after these files are applied to it, since a merge is applied
    there first. It warns of what that stack lacks until then.
    """
    stack = run.settings.follows
    if not stack or not grown(before, after):
        return None
    now = run.followed(stack)
    if now.manifest is None or not run.preview:
        return now
    then = Followed(stack, manifest(load(run.checkout, stack).resources, {}))
    refused_then = list(ahead(before, after, then))
    for refusal in ahead(before, after, now):
        if refusal not in refused_then:
            run.warn(f"{refusal.what}: {', '.join(refusal.about)}; its files have it, so apply {stack} first")
    return then


def unset_secrets(definitions: Iterable[Definition], settings: Settings) -> Iterator[str]:
    """Yield a line for each variable that holds a secret and is not set, or holds no valid address; never a value."""
    for each in definitions:
        for variable in (secret["env"] for secret in KINDS[each.kind].secrets(each.properties)):
            value = settings.environ.get(variable)
            if not value:
                yield (
                    f"{each.source}: {name_of(each)}: the environment variable {variable} is not set; export it with "
                    "the secret that PostHog needs"
                )
            elif wrong := wrong_with(value):
                yield (
                    f"{each.source}: {name_of(each)}: the value of the environment variable {variable} {wrong}; "
                    "export the address as it was given, on one line"
                )


@dataclass(frozen=True)
class SwitchOffs:
    """What a refused run applies: the flags that are to be off."""

    flags: tuple[Definition, ...]
    names: dict[str, str]
    """The names under which they were applied last, by their present names: a refused run renames nothing."""
    switched: list[str]
    """The names of those that were on when they were applied last."""


def switch_offs(run: Run, definitions: Iterable[Definition]) -> SwitchOffs:
    """Return those of these flags that were applied before and are to be off.

    That includes a flag that was off before: somebody may have switched it on in PostHog since.
    """
    flags = _to_be_off(definitions)
    before = renamed(run.last, flags)
    names = dict(zip(before, run.last, strict=True))
    known = tuple(flag for flag in flags if name_of(flag) in before)
    return SwitchOffs(known, names, switched_off(before, manifest(flags, before)))


def _to_be_off(definitions: Iterable[Definition]) -> list[Definition]:
    return [each for each in definitions if each.kind == "flag" and each.properties.get("active") is False]


def left_on(run: Run, definitions: Iterable[Definition]) -> Iterator[str]:
    """Yield the message of a refused run about each of these flags that stays on, as nothing was applied to it yet.

    To adopt a flag is to apply all of its file, so that a refused run adopts none. Where PostHog can't be asked within
    :data:`LOOKING` seconds, one message says of which flags that is not known.
    """
    flags = _to_be_off(definitions)
    before = renamed(run.last, flags)
    new = [flag for flag in flags if name_of(flag) not in before]
    if not new or not run.settings.may_adopt:
        return
    try:
        live = every(Client(resolve(run.settings), patience=LOOKING, in_all=True))
    except (ConnectionProblem, ApiError):
        names = listed([name_of(each) for each in new], "and")
        yield (
            f"whether PostHog has {names} on is not known, and a run that is refused adopts nothing, not even to "
            f"switch it off: `ai-admin off --as-written --stack {run.stack}` switches off what is on"
        )
        return
    for flag in new:
        if flag.key in live and live[flag.key]["active"]:
            yield (
                f"{flag.source}: {name_of(flag)} is on in PostHog, and a run that is refused adopts nothing, not even "
                f"to switch it off: `ai-admin off {flag.key} --stack {run.stack}` does at once"
            )


def off_all_the_same(run: Run, name: str) -> str:
    """Return the message of a refused run about a flag that is to be off; a refused preview ends `pulumi up`."""
    if not run.preview:
        return f"{name} is switched off all the same"
    return (
        f"{name} may not be off yet: `pulumi up --skip-preview` switches it off in spite of this, and "
        f"`ai-admin off {Ref.parse(name).key} --stack {run.stack}` does at once"
    )
