"""What a series counts: each `math` as HogQL that answers a number per bucket and breakdown.

Source: PostHog's hogql_queries/insights/trends/aggregation_operations.py. Traps: a math of a property without the
property counts events, as does one of groups without their type, and one that only funnels know; active users look
back from each bucket.
"""

from dataclasses import dataclass, field

from sandbox.query import dates
from sandbox.query.asked import Asked, both
from sandbox.query.dates import Range
from sandbox.query.errors import NotComputedError
from sandbox.query.hogql import expression, name
from sandbox.storage.store import Data

QUANTILES = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
STATISTICS = ("avg", "sum", "min", "max")
LOOK_BACK = {"weekly_active": 7, "monthly_active": 30}
PER_ACTOR = "_count_per_actor"
FIRST = ("first_time_for_user", "first_matching_event_for_user")
# Counted as events, these and the ones of a property or a group that isn't named.
EVENTS = frozenset({"total", "first_time_for_user_with_filters", "unique_group", *STATISTICS, *QUANTILES})
OF_SESSIONS = frozenset(
    "$session_duration $pageview_count $screen_count $autocapture_count $num_uniq_urls $is_bounce".split()
)
# Of these a sample's result is that of all.
UNSCALED = frozenset({"avg", "min", "max", *QUANTILES})


@dataclass(frozen=True)
class Counted:
    """One series in one range of dates: what is to be counted of which events, for each breakdown."""

    asked: Asked
    series: Data
    range: Range
    which: str  # the condition of the series itself
    breakdowns: list[str]  # HogQL of the values
    condition: str = ""  # a further one, of a cohort that is broken down by
    total: bool = False  # over the whole range, without buckets
    cumulative: bool = False
    # Conditions and values, which the query names (`Asked.rows`).
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def math(self) -> str:
        """The math that is really meant."""
        math = str(self.series.get("math") or "total")
        coarse = (math == "weekly_active" and self.range.interval in ("week", "month", "quarter", "year")) or (
            math == "monthly_active" and self.range.interval in ("month", "quarter", "year")
        )
        return "dau" if coarse and not self.total else math

    @property
    def actor(self) -> str:
        """Who is counted where actors are: a person, or a group."""
        index = self.series.get("math_group_type_index")
        by_group = index is not None and self.math in ("unique_group", "weekly_active", "monthly_active")
        return f"$group_{int(index)}" if by_group and index is not None else "person_id"

    @property
    def names(self) -> list[str]:
        """What the columns of the breakdowns are called."""
        return [f"breakdown_{index}" for index in range(len(self.breakdowns))]

    @property
    def columns(self) -> list[str]:
        """The breakdowns as columns."""
        return [f"{value} AS {each}" for value, each in zip(self._values, self.names, strict=True)]

    @property
    def _values(self) -> list[str]:
        return [self._part(f"value_{index}", text) for index, text in enumerate(self.breakdowns)]

    def _part(self, name: str, text: str) -> str:
        self.parts[name] = text
        return f"{{{name}}}"

    def _inner(self, text: str) -> str:
        """A SELECT to select from, which is read by itself (`printer.Placeholders`)."""
        place = f"inner_{len(self.parts)}"
        others = dict(self.parts)
        self.parts.clear()
        self.parts.update({place: text, **others})  # before those that it names, which are put in their places after it
        return f"{{{place}}}"

    def where(self, dated: bool = True) -> str:
        """The condition of the events that count."""
        grouped = f"{self.actor} != ''" if self.actor != "person_id" else ""
        within = self.range.condition() if dated else ""
        return both(within, self.which, self.asked.filters, self.condition, grouped)

    def _where(self, dated: bool = True) -> str:
        return self._part("where", self.where(dated))

    def hogql(self) -> str:
        """The query: columns `total`, then `bucket` unless the total is asked for, then the breakdowns.

        Raises: QueryError.
        """
        math = self.math
        if math in FIRST:
            return self._first()
        if math in LOOK_BACK:
            return self._active()
        if math.endswith(PER_ACTOR):
            return self._per(self.actor, "count()", math.removesuffix(PER_ACTOR))
        if self.cumulative and math in ("dau", "unique_group"):
            return self._once()
        if self._property and self.series.get("math_property") in OF_SESSIONS and self._session:
            value = name("session", str(self.series["math_property"]))
            return self._per("$session_id", f"any({value})", math)
        return self._grouped(self._aggregate(), f"{self.asked.events} WHERE {self._where()}", self.range.bucket())

    def _grouped(self, aggregate: str, source: str, bucket: str = "bucket", columns: list[str] | None = None) -> str:
        made = ([] if self.total else [f"{bucket} AS bucket" if bucket != "bucket" else "bucket"]) + (
            self.columns if columns is None else columns
        )
        keys = ([] if self.total else ["bucket"]) + self.names
        by = f" GROUP BY {', '.join(keys)}" if keys else ""
        return f"SELECT {', '.join([f'{aggregate} AS total', *made])} FROM {source}{by}"

    @property
    def _property(self) -> bool:
        return bool(self.series.get("math_property")) and (self.math in STATISTICS or self.math in QUANTILES)

    @property
    def _session(self) -> bool:
        of = self.series.get("math_property_type")
        return of == "session_properties" or self.series.get("math_property") == "$session_duration"

    def _aggregate(self) -> str:
        math = self.math
        if math == "hogql":
            return f"ifNull(toFloat({expression(str(self.series.get('math_hogql') or 'count()'))}), 0)"
        if math == "dau":
            return "count(DISTINCT person_id)"
        if math == "unique_session":
            return "count(DISTINCT $session_id)"
        if math == "unique_group" and self.series.get("math_group_type_index") is not None:
            return f"count(DISTINCT {self.actor})"
        if self._property:
            return _statistic(math, self._value())
        if math not in EVENTS:
            raise NotComputedError(f"the math {math}")
        return "count()"

    def _value(self) -> str:
        key, of = str(self.series["math_property"]), self.series.get("math_property_type")
        if of == "data_warehouse_person_properties":
            raise NotComputedError("properties of the data warehouse")
        if self.series.get("math_property_revenue_currency"):
            raise NotComputedError("conversion of currencies")
        if key == "$time":
            return "toUnixTimestamp(timestamp)"
        field = name("person", "properties", key) if of == "person_properties" else name("properties", key)
        value = f"toFloat({field})"
        factor = self.series.get("math_multiplier")
        return f"({value} * {float(factor)!r})" if factor is not None else value

    def _per(self, who: str, value: str, statistic: str) -> str:
        """A statistic of what each actor, or each session, has."""
        bucket = [] if self.total else [f"{self.range.bucket()} AS bucket"]
        keys = ["who", *([] if self.total else ["bucket"]), *self.names]
        columns = ", ".join([f"{value} AS value", f"{who} AS who", *bucket, *self.columns])
        inner = f"SELECT {columns} FROM {self.asked.events} WHERE {self._where()} GROUP BY {', '.join(keys)}"
        return self._grouped(_statistic(statistic, "toFloat(value)"), self._inner(inner), columns=self.names)

    def _once(self) -> str:
        """Each actor in its first bucket alone."""
        columns = ", ".join([f"min({self.range.bucket()}) AS bucket", *self.columns])
        keys = ", ".join([self.actor, *self.names])
        inner = f"SELECT {columns} FROM {self.asked.events} WHERE {self._where()} GROUP BY {keys}"
        return self._grouped("count()", self._inner(inner), columns=self.names)

    def _first(self) -> str:
        """Persons in the bucket of their first event ever, which must match the filters, or of the first that does."""
        matching = self.math == "first_matching_event_for_user"
        filters = both(self._own_filters, self.asked.filters, self.condition)
        until = f"timestamp <= {dates.moment(self.range.end)}"
        where = self._part("where", both(until, self._event, filters if matching else ""))
        first = "min(timestamp)" if matching else f"minIf(timestamp, {self._part('filters', filters)})"
        values = [f"argMin({value}, timestamp) AS {each}" for value, each in zip(self._values, self.names, strict=True)]
        columns = ", ".join(["min(timestamp) AS earliest", f"{first} AS happened", *values])
        inner = f"SELECT {columns} FROM {self.asked.events} WHERE {where} GROUP BY person_id"
        within = f"earliest = happened AND happened >= {dates.moment(self.range.first)}"
        source = f"{self._inner(inner)} WHERE {within}"
        return self._grouped("count()", source, self.range.bucket("happened"), self.names)

    @property
    def _event(self) -> str:
        bare = {key: value for key, value in self.series.items() if key not in ("properties", "fixedProperties")}
        return self.asked.series(bare)

    @property
    def _own_filters(self) -> str:
        return self.asked.conditions(self.series.get("fixedProperties"), self.series.get("properties"))

    def _active(self) -> str:
        """Distinct actors in the 7 or 30 days that end with the bucket; without buckets, in those before the end."""
        days = LOOK_BACK[self.math]
        end = dates.moment(self.range.end)
        if self.total:
            where = both(f"timestamp >= {end} - toIntervalDay({days}) AND timestamp <= {end}", self._where(dated=False))
            return self._grouped(f"count(DISTINCT {self.actor})", f"{self.asked.events} WHERE {where}")
        start = f"{dates.moment(self.range.first)} - toIntervalDay({days})"
        where = both(f"timestamp >= {start} AND timestamp <= {end}", self._where(dated=False))
        if self.range.interval == "day":
            # Midnight itself still belongs to the day that ends with it.
            day = "if(timestamp = toStartOfDay(timestamp), toStartOfDay(timestamp) - toIntervalDay(1),"
            day += " toStartOfDay(timestamp))"
            columns = ", ".join([f"{self.actor} AS actor", f"{day} AS day", *self.columns])
            inner = f"SELECT DISTINCT {columns} FROM {self.asked.events} WHERE {where}"
            spread = f"SELECT actor, arrayJoin(arrayMap(n -> addDays(day, n), range({days}))) AS bucket"
            spread += "".join(f", {each}" for each in self.names) + f" FROM {self._inner(inner)}"
            return self._grouped("count(DISTINCT actor)", self._inner(spread), columns=self.names)
        columns = ", ".join([f"{self.actor} AS actor", "timestamp AS at", *self.columns])
        inner = f"SELECT DISTINCT {columns} FROM {self.asked.events} WHERE {where}"
        buckets = ", ".join(dates.moment(each) for each in self.range.buckets)
        seen = f"at <= bucket + toIntervalDay(1) AND at > bucket - toIntervalDay({days - 1})"
        crossed = f"{self._inner(inner)} AS seen CROSS JOIN (SELECT arrayJoin([{buckets}]) AS bucket) AS ends"
        return self._grouped("count(DISTINCT actor)", f"{crossed} WHERE {seen}", columns=self.names)


def _statistic(math: str, value: str) -> str:
    if math in QUANTILES:
        return f"ifNull(quantile({QUANTILES[math]})({value}), 0)"
    if math not in STATISTICS:
        raise NotComputedError(f"the math {math}")
    return f"ifNull({math}({value}), 0)"


def scaled(value: float, factor: float, math: str | None = None) -> float:
    """What a sample's result stands for."""
    if factor == 1 or (math or "").removesuffix(PER_ACTOR) in UNSCALED:
        return value
    return round(value / factor)
