"""One query of one project at one moment, and what all kinds of queries ask of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.query import dates, filters
from sandbox.query.clickhouse import Result
from sandbox.query.dates import Range
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import bracketed, literal, shown
from sandbox.query.printer import Placeholders, Printed, Printer
from sandbox.query.tables import ProjectTables
from sandbox.storage.store import Data


@dataclass
class Asked:
    """A query node with what it is asked of."""

    tables: ProjectTables
    project: Data
    node: Data
    now: datetime  # in the project's timezone
    texts: list[str] = field(default_factory=list)  # the HogQL that was run

    def of(self, node: Data) -> "Asked":
        """The same for another node."""
        return replace(self, node=node)

    @property
    def zone(self) -> ZoneInfo:
        """The project's timezone."""
        return ZoneInfo(self.tables.timezone)

    def print(
        self, hogql: str, limit: int | None = None, offset: int = 0, placeholders: Placeholders | None = None
    ) -> Printed:
        """HogQL as ClickHouse SQL. Raises QueryError."""
        self.texts.append(_whole(hogql, placeholders.parts if placeholders else {}))
        return Printer(self.tables, self.now, placeholders).query(hogql, limit, offset)

    def rows(self, hogql: str, **parts: str) -> list[list[Any]]:
        """The rows that HogQL answers; `parts` stand for their names in it, and in each other. Raises QueryError."""
        return self.run(self.print(hogql, placeholders=Placeholders(parts=parts))).rows

    def run(self, printed: Printed) -> Result:
        """The answer to printed SQL. Raises QueryError."""
        return self.tables.clickhouse.rows(printed.sql, self.tables.hidden)

    # What queries have in common ---------------------------------------------------------------------------

    def part(self, name: str) -> Data:
        """An object of the node, empty where it is missing or null."""
        return self.node.get(name) or {}

    @property
    def interval(self) -> str:
        """Into what buckets time is cut."""
        return str(self.node.get("interval") or "day")

    @property
    def group(self) -> int | None:
        """Which type of group the actors are; None for persons."""
        index = self.node.get("aggregation_group_type_index")
        return None if index is None else int(index)

    @property
    def actor(self) -> str:
        """Who an event is counted for, as HogQL."""
        return "person_id" if self.group is None else f"$group_{self.group}"

    @property
    def known(self) -> str:
        """The condition that there is an actor: of persons there always is one."""
        return "" if self.group is None else f"{self.actor} != ''"

    @cached_property
    def range(self) -> Range:
        """The query's range of dates."""
        return self.range_of(self.node.get("dateRange"), self.interval)

    def range_of(self, given: Any, interval: str, exact: bool = False) -> Range:
        """A range of dates."""
        earliest = self.tables.earliest() if (given or {}).get("date_from") == "all" else None
        start = self.tables.week_start
        return dates.date_range(given, interval, self.now, week_start=start, earliest=earliest, exact=exact)

    def compared(self, current: Range, exact: bool = False) -> Range | None:
        """The range that one is compared with, where the query compares."""
        asked, given = self.part("compareFilter"), self.part("dateRange")
        if not asked.get("compare") or given.get("date_from") == "all":
            return None
        return dates.compared(current, given, asked.get("compare_to"), exact)

    def lines(self, current: Range, previous: Range | None) -> Iterator[tuple[int, Data, Range, Data]]:
        """The series that are shown in each range, with their numbers, and what a result says of a comparison."""
        periods = {"current": current, "previous": previous} if previous else {"": current}
        for name, range_ in periods.items():
            for index, series in enumerate(self.node["series"]):
                # One of an action that is gone is dropped.
                if series.get("kind") != "ActionsNode" or self.tables.has_action(series["id"]):
                    yield index, series, range_, {"compare": True, "compare_label": name} if name else {}

    def conditions(self, *given: Any) -> str:
        """Filters of events, all of which must hold, as HogQL. Raises QueryError."""
        return " AND ".join(
            bracketed(text) for each in given if (text := filters.condition(self.tables, each, self.now)) != "true"
        )

    @cached_property
    def filters(self) -> str:
        """What the query asks of all its series, test accounts included."""
        test = self.project["test_account_filters"] if self.node.get("filterTestAccounts") else None
        return self.conditions(self.node.get("properties"), test)

    @cached_property
    def sample(self) -> float:
        """The share of persons that is looked at."""
        factor = self.node.get("samplingFactor")
        if factor is None:
            return 1.0
        if not isinstance(factor, int | float) or isinstance(factor, bool) or not 0 < factor <= 1:
            raise QueryError("samplingFactor must be above 0 and at most 1")
        return float(factor)

    @property
    def events(self) -> str:
        """`events`, sampled where that is asked for."""
        return "events" if self.sample == 1 else f"events SAMPLE {self.sample!r}"

    def series(self, node: Data) -> str:
        """Which events a series means, its own filters included, as HogQL; empty for all. Raises QueryError."""
        own = self.conditions(node.get("fixedProperties"), node.get("properties"))
        kind = node.get("kind") or "EventsNode"
        if kind == "ActionsNode":
            which = bracketed(self.tables.action(node["id"]))
        elif kind == "GroupNode":
            parts = [self.series(each) or "true" for each in node["nodes"]]
            which = "(" + f" {node['operator']} ".join(map(bracketed, parts)) + ")"
        elif kind == "EventsNode":
            which = f"event = {literal(node['event'])}" if node.get("event") is not None else ""
        else:
            raise NotComputedError(f"series of the kind {kind}")
        return " AND ".join(each for each in (which, own) if each)


def _whole(hogql: str, parts: dict[str, str]) -> str:
    """HogQL with its parts in their places."""
    for name, part in parts.items():
        hogql = hogql.replace(f"{{{name}}}", f"({part})")
    return shown(hogql)


def both(*conditions: str) -> str:
    """Conditions, all of which must hold; empty ones are none."""
    return " AND ".join(bracketed(each) for each in conditions if each) or "true"
