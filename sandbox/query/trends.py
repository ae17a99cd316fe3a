"""TrendsQuery: series of numbers in time, or one number each.

Source: PostHog's hogql_queries/insights/trends/trends_query_runner.py. Each series, range and cohort is one HogQL query
(`math.py`); empty buckets, the rest of a breakdown, sums, averages and formulas are made of its rows here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.query import breakdowns, formulas, labels
from sandbox.query.asked import Asked
from sandbox.query.breakdowns import NULL, OTHER, Values
from sandbox.query.dates import Range, instant
from sandbox.query.errors import NotComputedError
from sandbox.query.math import PER_ACTOR, Counted, scaled
from sandbox.storage.store import Data

TOTALS = frozenset({"BoldNumber", "ActionsPie", "ActionsBarValue", "ActionsTable", "ActionsDonut", "WorldMap"})
CUMULATIVE = "ActionsLineGraphCumulative"
NOT_COMPUTED = frozenset({"BoxPlot", "CalendarHeatmap", "WorldMap", "SlopeGraph"})
Row = dict[datetime | None, float]


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    trends = Trends(asked)
    results = trends.results()
    more = any(trends.is_other(each) for each in results)
    if more and asked.part("breakdownFilter").get("breakdown_hide_other_aggregation"):
        results = [each for each in results if not trends.is_other(each)]
    return {
        "results": results,
        "hasMore": more,
        "resolved_date_range": trends.range.resolved,
        "resolved_compare_date_range": trends.previous.resolved if trends.previous else None,
    }


@dataclass(frozen=True)
class Line:
    """The values of a series for one breakdown, empty buckets included."""

    values: Values
    data: list[float]


class Trends:
    """A trends query."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.filter = asked, asked.part("trendsFilter")
        self.display = str(self.filter.get("display") or "ActionsLineGraph")
        if self.display in NOT_COMPUTED:
            raise NotComputedError(f"trends shown as {self.display}")
        self.total = self.display in TOTALS
        self.cumulative = self.display == CUMULATIVE
        self.range = asked.range_of(asked.node.get("dateRange"), "day" if self.total else asked.interval, self.exact)
        self.previous = self._previous()
        self.breakdowns = breakdowns.of(asked)
        self.cohorts = breakdowns.cohorts(asked)
        self.multiple = breakdowns.is_multiple(asked)

    @property
    def exact(self) -> bool:
        """Whether the range ends now instead of with the day: one number is compared at the same time of day."""
        return self.display == "BoldNumber"

    def _previous(self) -> Range | None:
        asked = self.asked
        metric = self.display == "Metric" and self.filter.get("metricShowChange") is not False
        if metric and (self.filter.get("metricSummary") or "total") != "latest":
            asked = asked.of({**asked.node, "compareFilter": {**asked.part("compareFilter"), "compare": True}})
        return asked.compared(self.range, self.exact)

    def is_other(self, result: Data) -> bool:
        """Whether a result is what a breakdown's limit left over."""
        value = result.get("breakdown_value")
        return OTHER in value if isinstance(value, list) else value == OTHER

    # Results ------------------------------------------------------------------------------------------------

    def results(self) -> list[Data]:
        """All series, the compared ones after the current."""
        found = [
            self._result(index, series, range_, compared, line)
            for index, series, range_, compared in self.asked.lines(self.range, self.previous)
            for line in self._lines(series, range_)
        ]
        nodes = self._formulas()
        return [result for order, node in enumerate(nodes) for result in self._formula(order, node, found)] or (
            [] if nodes else found
        )

    def _lines(self, series: Data, range_: Range) -> list[Line]:
        counted = Counted(
            self.asked, series, range_, self.asked.series(series), [], total=self.total, cumulative=self.cumulative
        )
        if self.cohorts:
            rows: dict[Values, Row] = {}
            for cohort in self.cohorts:
                condition = "" if cohort == "all" else f"person_id IN COHORT {cohort}"
                rows |= {(str(cohort),): row for row in self._rows(replace(counted, condition=condition)).values()}
        else:
            rows = self._rows(replace(counted, breakdowns=self._values(counted)))
        if not self.breakdowns and not self.cohorts:
            rows = rows or {(): {}}
        lines = [Line(values, self._data(row, range_)) for values, row in rows.items()]
        limited = self._limited(lines, series) if self.breakdowns else lines
        return [replace(line, data=self._shaped(line.data, range_)) for line in limited]

    def _values(self, counted: Counted) -> list[str]:
        """HogQL of the values of all breakdowns."""
        found = []
        for each in self.breakdowns:
            if each.bins is None:
                found.append(each.value())
                continue
            ends = breakdowns.extremes(self.asked, each, counted.where())
            number = f"toFloat({each.field()})"
            found.append(breakdowns.bin_of(number, *ends, each.bins) if ends else f"toString('{NULL}')")
        return found

    def _rows(self, counted: Counted) -> dict[Values, Row]:
        """What was counted, by breakdown and bucket."""
        found: dict[Values, Row] = {}
        shown = set(counted.range.instants)
        for total, *rest in self.asked.rows(counted.hogql(), **counted.parts):
            bucket = None if self.total else instant(str(rest.pop(0)), self.asked.zone)
            if bucket is not None and bucket not in shown:
                continue  # of those who were active in the days before the range
            found.setdefault(tuple(map(str, rest)), {})[bucket] = total or 0
        return found

    def _data(self, row: Row, range_: Range) -> list[float]:
        return [row.get(None, 0)] if self.total else [row.get(bucket, 0) for bucket in range_.instants]

    def _limited(self, lines: list[Line], series: Data) -> list[Line]:
        """The largest values, and one more for the rest."""
        limit = breakdowns.limit(self.asked, self.display)
        # A total is ranked by itself alone; of lines those without a value come after the others.
        ranked = sorted(
            lines, key=lambda line: (0 if self.total else breakdowns.order(line.values), -sum(line.data), line.values)
        )
        kept, rest = ranked[:limit], ranked[limit:]
        if rest:
            math = str(series.get("math") or "total").removesuffix(PER_ACTOR)
            joined = {"max": max, "min": min}.get(math, sum)
            data = [joined(each) for each in zip(*(line.data for line in rest), strict=True)]
            kept.append(Line((OTHER,) * len(self.breakdowns), data))
        return sorted(kept, key=lambda line: (breakdowns.order(line.values), -sum(line.data), line.values))

    def _shaped(self, data: list[float], range_: Range) -> list[float]:
        """Running sums, averages over neighbours, without weekends: what the display and its settings ask for."""
        if self.total:
            return data
        if self.cumulative:
            data = [sum(data[: index + 1]) for index in range(len(data))]
        width = int(self.filter.get("smoothingIntervals") or 1)
        if width > 1:
            windows = [data[max(index - width + 1, 0) : index + 1] for index in range(len(data))]
            data = [sum(each) // len(each) for each in windows]
        return [value for value, keep in zip(data, self._kept(range_), strict=True) if keep]

    def _kept(self, range_: Range) -> list[bool]:
        hidden = bool(self.filter.get("hideWeekends")) and range_.interval == "day"
        return [not hidden or bucket.weekday() < 5 for bucket in range_.buckets]

    # One result ---------------------------------------------------------------------------------------------

    def _result(self, index: int, series: Data, range_: Range, compared: Data, line: Line) -> Data:
        name = labels.event_of(self.asked, series)
        buckets = [bucket for bucket, keep in zip(range_.buckets, self._kept(range_), strict=True) if keep]
        data = [scaled(value, self.asked.sample, series.get("math")) for value in line.data]
        result: Data = {
            "data": [] if self.total else data,
            "labels": [labels.label(each, range_) for each in buckets],
            "days": [labels.day(each, range_.interval) for each in buckets],
            "count": 0 if self.total else float(data[-1] if self.cumulative else sum(data)) if data else 0.0,
            "label": name or "All events",
            "filter": labels.legacy(self.asked),
            "action": {
                "days": [labels.day(each, range_.interval) for each in range_.buckets],
                "id": name,
                "type": "events",
                "order": index,
                "name": name or "All events",
                **{key: series.get(key) for key in ("custom_name", "math", "math_property", "math_hogql")},
                "math_group_type_index": series.get("math_group_type_index"),
                "properties": {},
            },
            "order": index,
        }
        if self.total:
            del result["labels"]
            result |= {"days": [], "aggregated_value": data[0]}
        result |= compared
        if line.values:
            called = self._called(line.values)
            several = len(self.asked.node["series"]) > 1
            result["label"] = f"{result['label']} - {called}" if several else called
            result["breakdown_value"] = self._breakdown_value(line.values)
        return result

    def _called(self, values: Values) -> str:
        if not self.cohorts:
            return breakdowns.label(values)
        return "all users" if values == ("all",) else self.asked.tables.cohort_name(int(values[0]))

    def _breakdown_value(self, values: Values) -> Any:
        if self.cohorts:
            return "all" if values == ("all",) else int(values[0])
        return breakdowns.shown(self.multiple, values)

    # Formulas -----------------------------------------------------------------------------------------------

    def _formulas(self) -> list[Data]:
        given = self.filter
        if given.get("formulaNodes"):
            return list(given["formulaNodes"])
        texts = given.get("formulas") or ([given["formula"]] if given.get("formula") else [])
        return [{"formula": each} for each in texts]

    def _formula(self, order: int, node: Data, results: list[Data]) -> list[Data]:
        found = []
        for compared in _unique(each.get("compare_label") for each in results):
            period = [each for each in results if each.get("compare_label") == compared]
            found += self._in_period(order, node, period)
        return found

    def _in_period(self, order: int, node: Data, results: list[Data]) -> list[Data]:
        """The formula for each value of the breakdown; a series that doesn't have the value is zero there."""
        values = _unique(_key(each) for each in results)
        found = []
        for value in values:
            own = [each for each in results if _key(each) == value]
            by_series = {each["action"]["order"]: each for each in own}
            base = own[0]
            empty = [0.0] if self.total else [0.0] * len(base["data"])
            data = [
                self._numbers(by_series[index]) if index in by_series else empty
                for index in range(len(self.asked.node["series"]))
            ]
            result = formulas.evaluate(str(node["formula"]), data)
            label = node.get("custom_name") or f"Formula ({node['formula']})"
            found.append({**base, "label": label, "action": None, "order": order, "data": result,
                          "count": float(sum(result))})  # fmt: skip
            if self.total:
                found[-1] |= {"aggregated_value": float(result[0]), "data": None, "count": 0}
        if not self.breakdowns:
            return found
        return sorted(found, key=lambda each: (breakdowns.order(_values(each)), -self._size(each)))

    def _numbers(self, result: Data) -> list[float]:
        return [result["aggregated_value"]] if self.total else result["data"]

    def _size(self, result: Data) -> float:
        return float(result["aggregated_value"] if self.total else result["count"])


def _key(result: Data) -> Any:
    value = result.get("breakdown_value")
    return tuple(value) if isinstance(value, list) else value


def _values(result: Data) -> Values:
    value = _key(result)
    return value if isinstance(value, tuple) else (str(value),)


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
