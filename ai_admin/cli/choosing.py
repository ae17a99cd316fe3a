"""Which installations ``ai-admin installations`` lists, and the flag of their caps.

A name that means nothing would select no installation, which looks like an answer: so it is wrong use, unless a file
that has problems may define it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import click

from ai_admin.cli.checkout import PROBLEMS
from ai_admin.cli.text import ended
from ai_admin.definitions.catalog import values_of_persons
from ai_admin.definitions.check import Checked
from ai_admin.definitions.index import Unit
from ai_admin.definitions.spelling import closest, listed, printable
from ai_admin.definitions.unreadable import at
from ai_admin.numbers import Cap, Installation, Report, product
from ai_admin.numbers.caps import DAILY
from ai_admin.numbers.installations import SILENT, UNKNOWN, spelled

_NUMBERS = ("integer", "number")
"""The types of payloads that are numbers."""


def cap_of(checked: Checked, key: str | None) -> Cap | None:
    """Return the flag that gives the number of tokens for a day, as the generated client reads it.

    Args:
        checked: the definitions; clients are generated of them as they are written.
        key: the one that is asked for; None for that of ``product.py``, which need not be among them.

    Returns None, and says so, where that can't be read. Raises click.UsageError where no flag with such a key has
    numbers as payloads.
    """
    flags = {each.key: each for each in checked.indexes[None].units if each.kind == "flag" and _type(each) in _NUMBERS}
    found = flags.get(DAILY.flag if key is None else key)
    broken = {each.source.path for each in checked.problems}
    if broken and (found is None or found.view.document.path in broken):
        name = printable(DAILY.flag if key is None else key)
        click.echo(f"caps are not known: no file without problems has the flag {name}", err=True)
        return None
    if found is None:
        if key is None:
            return DAILY
        raise _unknown("cap", key, flags, f"a flag whose payload_type is integer or number ({listed(flags)})")
    return Cap(found.key, _type(found) == "integer", _number(found, "fallback"), _number(found, "ceiling"))


def chosen(
    report: Report, checked: Checked, stack: str,
    channel: str | None, version: str | None, health: str | None, cohort: str | None,
) -> list[Installation]:  # fmt: skip
    """Return the installations of a report that are asked for, and were there; what is None may be anything.

    Args:
        report: all of them.
        checked: the definitions, which know more values than there are right now.
        stack: whose they are.
        channel: which releases they take.
        version: which one they run.
        health: how they are.
        cohort: one that they are in, by its name in PostHog or its key in the files.

    Raises click.UsageError for what is neither in PostHog nor in the files, and click.exceptions.Exit where these have
    problems.
    """

    def expect(option: str, value: str, known: Collection[str]) -> None:
        if value not in known and checked.problems:
            said = f'{option} "{printable(value)}" is neither in PostHog nor in the files that can be read'
            raise ended(said, PROBLEMS)
        if value not in known:
            raise _unknown(option, value, known, f"one of {listed(sorted(filter(None, known)))}")

    here = checked.indexes[stack]
    said = {name: set(map(spelled, values)) for name, values in values_of_persons(here).items()}
    if channel is not None:
        expect("channel", channel, {*said.get(product.CHANNEL, ()), *(each.channel for each in report.installations)})
    if version is not None:
        expect("version", version, {*said.get(product.VERSION, ()), *(each.version for each in report.installations)})
    if health is not None:
        found = (each.health for each in report.installations)
        expect("health", health, {*said.get(product.HEALTH, ()), *found, SILENT, UNKNOWN})
    if cohort is not None:
        keys = {each.key: at(each.value, "name") for each in here.units if each.kind == "cohort"}
        named = {key: name for key, name in keys.items() if name in report.cohorts}
        if cohort not in report.cohorts:
            expect("cohort", cohort, [*named, *(set(report.cohorts) - set(named.values()))])
            cohort = named[cohort]
    wanted = {"channel": channel, "version": version, "health": health}
    return [
        each
        for each in report.installations
        if not each.came_later
        and all(value in (None, getattr(each, name)) for name, value in wanted.items())
        and (cohort is None or cohort in each.cohorts)
    ]


def _unknown(option: str, value: str, known: Iterable[str], wanted: str) -> click.UsageError:
    near = closest(value, known)
    hint = f": did you mean {near}?" if near else ""
    return click.UsageError(f'--{option} takes {wanted}, instead of "{printable(value)}"{hint}')


def _type(flag: Unit) -> object:
    return at(flag.value, "payload_type")


def _number(flag: Unit, name: str) -> float | None:
    found = at(flag.value, name)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
