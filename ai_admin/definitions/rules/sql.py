"""SQL in insights and in expressions: PostHog saves SQL that it can't compute, and finds nothing for misspelt names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ai_admin.definitions.catalog import catalogue, is_posthogs_own
from ai_admin.definitions.index import Index, Unit, rule
from ai_admin.definitions.model import Finding, Path
from ai_admin.definitions.rules.catalogue import Use, event_known, property_known
from ai_admin.definitions.spelling import closest, listed
from ai_admin.definitions.sql.meaning import mistakes
from ai_admin.definitions.sql.names import (
    COLUMNS,
    EITHER,
    EVENT,
    Column,
    Event,
    Property,
    Scope,
    names,
    of_expression,
    placeholders,
)
from ai_admin.definitions.sql.parser import SELECT, parse
from ai_admin.definitions.sql.places import HOLDERS, Sql, sql_of


@rule(*HOLDERS)
def can_be_read(unit: Unit, _: Index) -> Iterator[Finding]:
    """SQL follows PostHog's grammar, and holds nothing that PostHog fails on when it is computed."""
    for sql in sql_of(unit):
        read = parse(sql.text, sql.form)
        for each in [read.flaw] if read.flaw else mistakes(read.tree, sql.text, _scope(sql)):
            yield Finding(sql.path, each.message, each.fix, offset=each.offset)


@rule(*HOLDERS)
def was_read(unit: Unit, _: Index) -> Iterator[Finding]:
    """SQL that PostHog's parser did not read is not checked, and a note says so."""
    for sql in sql_of(unit):
        if why := parse(sql.text, sql.form).unread:
            yield Finding(sql.path, why.message, why.fix, note=True)


@rule(*HOLDERS)
def fills_what_is_in_braces(unit: Unit, _: Index) -> Iterator[Finding]:
    """PostHog knows what stands for the names in braces (posthog/hogql/placeholders.py refuses others).

    In a query newer versions compute expressions in braces, such as ``{1 + 2}``.
    """
    for sql in sql_of(unit):
        tree = parse(sql.text, sql.form).tree
        for offset, chain in placeholders(tree) if tree else ():
            known = chain[0] in sql.filled if chain else bool(sql.filled)
            if not known or chain == ("variables",):
                yield Finding(sql.path, *_unfilled(sql, chain), offset=offset)


def _unfilled(sql: Sql, chain: tuple[str, ...]) -> tuple[str, str]:
    shown = f"{{{'.'.join(map(str, chain)) or '...'}}}"
    if not sql.filled:
        return f"PostHog puts nothing in the place of {shown} in an expression", "write the value itself"
    near = closest(str(chain[0]), sql.filled) if chain != ("variables",) else None
    fix = f"write {{{'.'.join([near, *map(str, chain[1:])])}}}" if near else "write {variables.name} or {filters}"
    known = listed(["{variables.name}" if name == "variables" else f"{{{name}}}" for name in sql.filled], "and")
    return f"PostHog knows {known} here, and not {shown}", fix


@rule(*HOLDERS, sees=("event",))
def speaks_of_what_exists(unit: Unit, index: Index) -> Iterator[Finding]:
    """The events and properties that SQL names are in the catalogue, and no column of PostHog's tables is misspelt.

    The tables that a query selects from tell whether events or persons have a property. Of other tables and of queries
    whose columns are computed nothing is said.
    """
    for sql in sql_of(unit):
        tree = parse(sql.text, sql.form).tree
        if tree is None:
            continue
        said: set[tuple[object, ...]] = set()
        for each in sorted(names(tree, _scope(sql)), key=lambda name: name[:2]):
            if each[1:] not in said:
                said.add(each[1:])
                for finding in _unknown(sql.path, each, index):
                    yield _placed(finding, sql, each)


def _scope(sql: Sql) -> Scope:
    return Scope() if sql.form == SELECT else of_expression(sql.owner, sql.events)


def _placed(finding: Finding, sql: Sql, name: Event | Property | Column) -> Finding:
    """Return a finding with the place of a name: an expression starts with what the property is read from."""
    offset = sql.text.find(name.name, name.offset)
    quoted = isinstance(name, Event)
    return replace(finding, offset=name.offset if quoted or offset < 0 else offset)


def _unknown(path: Path, name: Event | Property | Column, index: Index) -> Iterator[Finding]:
    if isinstance(name, Event):
        yield from event_known(path, name.name, index)
    elif isinstance(name, Column):
        near = closest(name.name, COLUMNS[name.table])
        if near and name.name not in COLUMNS[name.table]:
            yield Finding(path, f'the table {name.table} has no column "{name.name}"', f'write "{near}"')
    elif name.owner != EITHER:
        for finding in property_known(Use(path, name.owner, name.name, name.events), index):
            of_person = name.owner == EVENT and name.name in catalogue(index).person
            yield replace(finding, fix=f'write "person.properties.{name.name}"') if of_person else finding
    else:
        known = catalogue(index)
        of_persons, of_events = known.properties("person", ()), known.properties("event", ())
        if of_persons is None or of_events is None or is_posthogs_own(name.name):
            return
        everything = {*of_persons, *of_events}
        if name.name not in everything and not index.may_exist("property", name.name):
            near = closest(name.name, everything)
            fix = f'write "{near}"' if near else "describe it in events/"
            yield Finding(path, f'the catalogue knows no property "{name.name}"', fix)
