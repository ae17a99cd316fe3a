"""``ai-admin show``: one definition, its object in PostHog, and where both are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from ai_admin.cli.checkout import checkout, looked_at
from ai_admin.cli.ls import say_unread
from ai_admin.cli.text import ended, show_json, waiting
from ai_admin.definitions.file_text import mapping
from ai_admin.definitions.spelling import closest, printable
from ai_admin.review import reading
from ai_admin.review.standing import Standing, shown, survey
from providers.posthog.kinds import KINDS, Ref

NONE = 4
"""Exit code: there is no such definition."""


@click.command()
@click.option("--stack", "stacks", metavar="NAME", multiple=True, help="Only this stack; may be given several times.")
@click.option("--offline", is_flag=True, help="Only what is defined; PostHog is not asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("key")
def show(key: str, stacks: tuple[str, ...], offline: bool, as_json: bool) -> None:
    """Show a definition, its object in PostHog, and where both are.

    Also shows how PostHog's object differs from the definition, what will change a flag in PostHog by itself (a
    scheduled change, or one that waits for approval, which needs approvals:read), and what uses it. KEY is a
    definition's key, or kind/key if several kinds have it. The definition is shown as it is compared with PostHog: with
    shorthands written out, without defaults; once for all stacks that have the same.

    Exit codes: 0 the definition, 1 a stack could not be read, or a file has problems (standard error says which), 2
    wrong use, 4 there is no such definition.
    """
    root = checkout()
    names = looked_at(root, stacks, online=not offline)
    found = survey(root, names, key, online=not offline, waiting=waiting)
    if not found.objects and not found.unread:
        keys = {ref.key for ref in survey(root, names, online=False).objects}
        near = closest(Ref.parse(key).key or key, keys)
        raise ended(f"there is no definition {key}" + (f"; did you mean {near}?" if near else ""), NONE)
    if as_json:
        shown = {str(ref): {name: _data(each) for name, each in by.items()} for ref, by in found.objects.items()}
        show_json({"objects": shown, "unread": found.unread})
    else:
        click.echo("\n".join(line for ref, by in found.objects.items() for line in _lines(ref, by)))
    say_unread(found.unread)


def _lines(ref: Ref, standings: Mapping[str, Standing]) -> Iterator[str]:
    definitions = {stack: each.definition for stack, each in standings.items() if each.definition}
    place = next(iter(definitions.values())).source if definitions else None
    where = f"  {place.path}:{place.line}" if place else ""
    yield click.style(f"{KINDS[ref.kind].words} {ref.key}", bold=True) + click.style(where, fg="bright_black")
    texts = {stack: mapping(shown(each.properties)) for stack, each in definitions.items()}
    for text in dict.fromkeys(texts.values()):
        stacks = [stack for stack, each in texts.items() if each == text]
        yield click.style(f"  in {' and '.join(stacks)}:", fg="cyan")
        yield from (f"    {line}" for line in text.splitlines())
    for stack, each in standings.items():
        yield f"  {stack}: {each.state}" + (f"  {each.url}" if each.url else "")
        yield from (f"    {printable(line)}" for line in (*differences(each), *_coming(each)))
    for line in dict.fromkeys(line for each in standings.values() for line in each.uses):
        yield f"  {printable(line)}"


def differences(standing: Standing) -> list[str]:
    """Return how PostHog's object differs from the definition, a line each: what an up would do."""
    if standing.entry is None:
        return []
    entry = standing.entry
    changed = [] if reading.is_left(entry) else entry.by_hand  # what is left as it is says that itself
    by_hand = [f"changed in PostHog: {reading.put_back(each)}" for each in changed]
    return [*by_hand, *(line for line in reading.lines(entry) if line not in standing.uses)]


def _coming(standing: Standing) -> tuple[str, ...]:
    return (*(each.line for each in standing.coming), *standing.unread)


def _data(standing: Standing) -> dict[str, Any]:
    definition = standing.definition
    return {
        "state": standing.state,
        "source": str(definition.source) if definition else None,
        "definition": shown(definition.properties) if definition else None,
        "differences": differences(standing),
        "coming": [each.as_data() for each in standing.coming],
        "unread": list(standing.unread),
        "uses": list(standing.uses),
        "id": standing.id or None,
        "url": standing.url or None,
    }
