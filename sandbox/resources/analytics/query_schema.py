"""The validation of insights' queries (PostHog: products/product_analytics/backend/presentation/insight.py,
posthog/schema.py).

Every query is checked against the schema and then stored verbatim (`parse`): unknown fields, missing ones and values of
another type are refused in pydantic's words. A request with `x-posthog-client: mcp` has it rewritten too (`saved`): a
bare query gets its wrapper, defaults are filled in and nulls dropped.

What filters of properties and warehouse series hold isn't looked into, nor are the kinds of `UNREAD`.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.resources.analytics.queries import Node
from sandbox.wire.errors import ApiError, Invalid

# Fields as `name:type=default`, `!` behind a required one. Types: b(oolean), i(nteger), n(umber), s(tring), a(nything),
# o(bject), p(roperty filters), `[x]` a list of x, `{x}` an object of x, `@X` a node of the table, other words the
# values of an enumeration.
SHARED = (
    "kind:s version:n modifiers:o tags:o response:o dateRange:@DateRange properties:p=[] filterTestAccounts:b=false"
)
SHARED += " samplingFactor:n aggregation_group_type_index:i dataColorTheme:n"
INTERVAL = "interval:second|minute|hour|day|week|month|quarter|year=day"
DISPLAY = (
    "display:Auto|ActionsLineGraph|ActionsBar|ActionsUnstackedBar|ActionsStackedBar|ActionsAreaGraph|Metric|"
    "TwoDimensionalHeatmap|ActionsLineGraphCumulative|BoldNumber|ActionsPie|ActionsBarValue|ActionsTable|WorldMap|"
    "CalendarHeatmap|BoxPlot|SlopeGraph|ActionsDonut|ScatterPlot"
)
# The kinds of math that a series may have; `math.py` says which of them are computed.
MATH = (
    "total|dau|weekly_active|monthly_active|unique_session|unique_group|hogql|avg|sum|min|max|median|p75|p90|p95|p99"
    "|avg_count_per_actor|min_count_per_actor|max_count_per_actor|median_count_per_actor|p75_count_per_actor"
    "|p90_count_per_actor|p95_count_per_actor|p99_count_per_actor|first_time_for_user|first_matching_event_for_user"
    "|first_time_for_group|first_matching_event_for_group|first_time_for_user_with_filters"
)
SERIES = (
    f"kind:s name:s custom_name:s math:{MATH} math_property:s math_property_type:s math_hogql:s math_group_type_index:i"
    " math_multiplier:n math_property_revenue_currency:o properties:[o] fixedProperties:[o] optionalInFunnel:b"
    " version:n"
    " response:o"
)
LEGEND = "showLegend:b=false legendPosition:top|bottom|left|right"
TABLE = {
    "InsightVizNode": "kind:s source:@SOURCE! version:n full:b showHeader:b showTable:b showCorrelationTable:b"
    " showLastComputation:b showLastComputationRefresh:b showFilters:b showResults:b embedded:b"
    " suppressSessionAnalysisWarning:b hidePersonsModal:b hideTooltipOnScroll:b vizSpecificOptions:o",
    "DataVisualizationNode": f"kind:s source:@SQL! version:n {DISPLAY} chartSettings:o tableSettings:o",
    "HogQLQuery": "kind:s query:s! version:n filters:o variables:o values:o name:s connectionId:s sendRawQuery:b"
    " explain:b modifiers:o tags:o response:o",
    "TrendsQuery": f"{SHARED} {INTERVAL} series:[@SERIES]! trendsFilter:@TrendsFilter breakdownFilter:@BreakdownFilter"
    " compareFilter:@CompareFilter conversionGoal:o calendarHeatmapFilter:o",
    "FunnelsQuery": f"{SHARED} interval:second|minute|hour|day|week|month|quarter|year series:[@SERIES]!"
    " funnelsFilter:@FunnelsFilter breakdownFilter:@BreakdownFilter compareFilter:@CompareFilter",
    "RetentionQuery": f"{SHARED} retentionFilter:@RetentionFilter! breakdownFilter:@BreakdownFilter",
    "PathsQuery": f"{SHARED} pathsFilter:@PathsFilter! funnelPathsFilter:o",
    "StickinessQuery": f"{SHARED} {INTERVAL} series:[@SERIES]! intervalCount:i compareFilter:@CompareFilter"
    " stickinessFilter:@StickinessFilter",
    "LifecycleQuery": f"{SHARED} {INTERVAL} series:[@SERIES]! customAggregationTarget:b"
    " lifecycleFilter:@LifecycleFilter",
    "EventsNode": f"{SERIES} event:s limit:i orderBy:[s]",
    "ActionsNode": f"{SERIES} id:i!",
    "GroupNode": f"{SERIES} operator:AND|OR! nodes:[@SERIES]! limit:i orderBy:[s]",
    "DataWarehouseNode": f"{SERIES} id:s! id_field:s! table_name:s! timestamp_field:s! distinct_id_field:s!"
    " dw_source_type:s",
    "DateRange": "date_from:s date_to:s explicitDate:b=false",
    "CompareFilter": "compare:b=false compare_to:s",
    "BreakdownFilter": "breakdown:a breakdowns:[o] breakdown_limit:i breakdown_group_type_index:i"
    " breakdown_histogram_bin_count:i breakdown_normalize_url:b breakdown_path_cleaning:b"
    " breakdown_hide_other_aggregation:b breakdown_type:cohort|person|event|event_metadata|group|session|hogql|"
    "data_warehouse|data_warehouse_person_property|revenue_analytics=event",
    "TrendsFilter": f"{DISPLAY}=ActionsLineGraph {LEGEND} formula:s formulas:[s] formulaNodes:[o]"
    " smoothingIntervals:i=1"
    " breakdown_histogram_bin_count:n hideWeekends:b=false resultCustomizationBy:value|position=value"
    " resultCustomizations:o goalLines:[o] metricShowChange:b metricSummary:total|average|latest"
    " showAlertThresholdLines:b=false showPercentStackView:b=false showValuesOnSeries:b=false showMultipleYAxes:b=false"
    " stackBreakdownValues:b metricColorByDirection:b excludeBoxPlotOutliers:b showAnnotations:b showLabelsOnSeries:b"
    " showConfidenceIntervals:b showTrendLines:b showMovingAverage:b confidenceLevel:n movingAverageIntervals:n"
    " decimalPlaces:n minDecimalPlaces:n aggregationAxisPrefix:s aggregationAxisPostfix:s xAxisLabel:s yAxisLabel:s"
    " aggregationAxisFormat:numeric|duration|duration_ms|duration_ns|percentage|percentage_scaled|currency|short"
    "=numeric"
    " metricChangeIncreaseColor:s metricChangeDecreaseColor:s metricLineIncreaseColor:s metricLineDecreaseColor:s"
    " yAxisScaleType:log10|linear detailedResultsAggregationType:total|average|median hiddenLegendIndexes:[i]",
    "FunnelsFilter": "funnelVizType:steps|time_to_convert|trends|flow=steps"
    " funnelOrderType:ordered|strict|unordered=ordered"
    " funnelWindowInterval:i=14 funnelWindowIntervalUnit:second|minute|hour|day|week|month=day"
    " funnelStepReference:total|previous=total exclusions:[o]=[]"
    " breakdownAttributionType:first_touch|last_touch|all_events|step=first_touch breakdownAttributionValue:i"
    " funnelAggregateByHogQL:s funnelFromStep:i funnelToStep:i binCount:i layout:horizontal|vertical=vertical"
    " customAggregationTarget:b useUdf:b hideIncompleteConversionWindowPeriods:b hiddenLegendBreakdowns:[s]"
    " resultCustomizations:{@ByValue} goalLines:[o] showTrendLines:b breakdownSorting:s showAnnotations:b"
    " showValuesOnSeries:b=false"
    f" {LEGEND}",
    "ByValue": "assignmentBy:value! color:s hidden:b",
    "RetentionFilter": "retentionType:retention_recurring|retention_first_time|retention_first_ever_occurrence"
    " period:Hour|Day|Week|Month=Day totalIntervals:i=8 targetEntity:o returningEntity:o cumulative:b"
    " minimumOccurrences:i"
    " timeWindowMode:strict_calendar_dates|24_hour_windows=strict_calendar_dates retentionCustomBrackets:[n]"
    " aggregationType:count|sum|avg=count aggregationProperty:s"
    " aggregationPropertyType:event|person|data_warehouse=event"
    " customAggregationTarget:b retentionReference:total|previous meanRetentionCalculation:simple|weighted|none"
    f" {DISPLAY} dashboardDisplay:table_only|graph_only|all showTrendLines:b selectedInterval:i goalLines:[o]"
    " cohortLabelStartIndex:i",
    "PathsFilter": "edgeLimit:i=50 stepLimit:i=5 includeEventTypes:[s] excludeEvents:[s] startPoint:s endPoint:s"
    " pathGroupings:[s] pathsHogQLExpression:s pathReplacements:b localPathCleaningFilters:[o] minEdgeWeight:i"
    " maxEdgeWeight:i showFullUrls:b pathStartKey:s pathEndKey:s pathDropoffKey:s",
    "StickinessFilter": f"{DISPLAY} computedAs:non_cumulative|cumulative stickinessCriteria:o {LEGEND}"
    " showValuesOnSeries:b showMultipleYAxes:b hiddenLegendIndexes:[i] resultCustomizationBy:value|position=value"
    " resultCustomizations:o",
    "LifecycleFilter": f"toggledLifecycles:[s] showValuesOnSeries:b showPercentagesOnSeries:b stacked:b=true {LEGEND}",
}
# Which nodes a place may hold, by their `kind`.
KINDS = {
    "SOURCE": ("TrendsQuery", "FunnelsQuery", "RetentionQuery", "PathsQuery", "StickinessQuery", "LifecycleQuery"),
    "SQL": ("HogQLQuery",),
    "SERIES": ("EventsNode", "ActionsNode", "GroupNode", "DataWarehouseNode"),
}
# Nodes that are no query of their own.
INNER = frozenset(name for name in TABLE if name.endswith("Filter")) | {"DateRange", "GroupNode"}
# Kinds of query that the schema has and this table hasn't: taken as they are.
_UNREAD = (
    "ActorsQuery CalendarHeatmapQuery DataWarehouseNode DatabaseSchemaQuery ErrorTrackingQuery"
    " EventTaxonomyQuery EventsQuery ExperimentExposureQuery ExperimentFunnelsQuery ExperimentMetric"
    " ExperimentQuery ExperimentTrendsQuery FunnelCorrelationActorsQuery FunnelCorrelationQuery"
    " FunnelsActorsQuery GroupsQuery HogQLAutocomplete HogQLMetadata HogQuery InsightActorsQuery"
    " InsightActorsQueryOptions LogsQuery MarketingAnalyticsTableQuery PathsV2Query PersonsNode RecordingsQuery"
    " RevenueAnalyticsGrossRevenueQuery RevenueAnalyticsMetricsQuery RevenueAnalyticsOverviewQuery"
    " SavedInsightNode SessionAttributionExplorerQuery SessionsTimelineQuery StickinessActorsQuery"
    " TeamTaxonomyQuery TraceQuery TracesQuery UsageMetricsQuery VectorSearchQuery WebExternalClicksTableQuery"
    " WebGoalsQuery WebOverviewQuery WebPageURLSearchQuery WebStatsTableQuery WebVitalsPathBreakdownQuery"
    " WebVitalsQuery"
)
UNREAD = frozenset(_UNREAD.split())
FIELD = re.compile(r"(?P<name>\w+):(?P<type>[^=!\s]+)(?:=(?P<default>\S+?))?(?P<required>!)?$")
DEFAULTS = {"false": False, "true": True, "[]": []}
EXTRA, MISSING = "Extra inputs are not permitted", "Field required"
SIMPLE: dict[str, tuple[tuple[type, ...], str]] = {
    "b": ((bool,), "Input should be a valid boolean"),
    "i": ((int,), "Input should be a valid integer"),
    "n": ((int, float), "Input should be a valid number"),
    "s": ((str,), "Input should be a valid string"),
    "o": ((dict,), "Input should be a valid dictionary"),
    "p": ((list, dict), "Input should be a valid list"),
}
UNTAGGED = "Unable to extract tag using discriminator 'kind'"
Error = tuple[tuple[str | int, ...], str]


def parse(query: Any) -> None:
    """Refuse what the schema of queries doesn't have (QuerySchemaRoot), the kind first of all.

    Raises:
        ApiError: 400 `parse_error`, as the request's parser looks at it; nothing is stored.
    """
    errors: list[Error] = []
    kind = query.get("kind") if isinstance(query, dict) else None
    if not isinstance(query, dict):
        errors.append(((), UNTAGGED))
    elif kind in TABLE and kind not in INNER:
        _node(kind, query, (kind,), errors)
    elif kind == "DataTableNode":
        parse(query.get("source"))
    elif kind not in UNREAD:
        errors.append(((), UNTAGGED if kind is None else f"Input tag {str(kind)!r} found using 'kind' is no query"))
    # A series without a kind is read as one of events.
    wrong = [(place, text) for place, text in errors if text != UNTAGGED or "series" not in place]
    if wrong:
        lines = [f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} for QuerySchemaRoot"]
        for place, text in wrong:
            lines += [".".join(map(str, place)), f"  {text}"]
        raise ApiError(400, "invalid_request", "parse_error", "\n".join(lines))


def saved(query: Any) -> Node:
    """The query as PostHog stores it for such a client.

    Raises:
        Invalid: it isn't one of the two kinds that insights may have, or a field of it is wrong.
    """
    kind = query.get("kind") if isinstance(query, dict) else None
    if kind == "HogQLQuery":
        query, kind = {"kind": "DataVisualizationNode", "source": query}, "DataVisualizationNode"
    elif kind not in ("InsightVizNode", "DataVisualizationNode"):
        query, kind = {"kind": "InsightVizNode", "source": query}, "InsightVizNode"
    errors: list[Error] = []
    node = _node(kind, query, (), errors)
    if errors:
        details = "; ".join(f"{'.'.join(map(str, place))}: {text}" for place, text in errors)
        raise Invalid(f"This query can't be saved: {details}", "query")
    return node


def _fields(kind: str) -> Iterator[tuple[str, str, Any, bool]]:
    for text in TABLE[kind].split():
        found = FIELD.match(text)
        assert found is not None, text
        default = found["default"]
        value = int(default) if default and default.isdecimal() else DEFAULTS.get(default, default)
        yield found["name"], found["type"], value, bool(found["required"])


def _node(kind: str, sent: Any, place: tuple[str | int, ...], errors: list[Error]) -> Node:
    """The node with its defaults, without nulls; what is wrong with it goes to `errors`."""
    if not isinstance(sent, dict):
        errors.append((place, f"Input should be a valid dictionary or instance of {kind}"))
        return {}
    node: Node = {}
    known = list(_fields(kind))
    for name, form, default, required in known:
        value = sent.get(name, default)
        if value is not None:
            node[name] = _value(form, value, (*place, name), errors)
        elif required:
            errors.append(((*place, name), MISSING))
    names = {name for name, *_ in known}
    errors += [((*place, name), EXTRA) for name in sent if name not in names]
    return node


def _value(form: str, value: Any, place: tuple[str | int, ...], errors: list[Error]) -> Any:
    if form.startswith("["):
        if not isinstance(value, list):
            errors.append((place, "Input should be a valid list"))
            return value
        return [_value(form[1:-1], each, (*place, index), errors) for index, each in enumerate(value)]
    if form.startswith("{"):
        if not isinstance(value, dict):
            errors.append((place, SIMPLE["o"][1]))
            return value
        return {name: _value(form[1:-1], each, (*place, name), errors) for name, each in value.items()}
    if form.startswith("@"):
        return _chosen(form[1:], value, place, errors)
    if form in SIMPLE:
        types, text = SIMPLE[form]
        if not isinstance(value, types) or (isinstance(value, bool) and form in "in"):
            errors.append((place, text))
    elif form != "a":
        *most, last = map(repr, form.split("|"))
        if value not in form.split("|"):
            wanted = f"{', '.join(most)} or {last}" if most else last
            errors.append((place, f"Input should be {wanted}"))
    return value


def _chosen(name: str, value: Any, place: tuple[str | int, ...], errors: list[Error]) -> Any:
    """A node: of the name, or of the kind that it says it is."""
    if name not in KINDS:
        return _node(name, value, place, errors)
    kinds, kind = KINDS[name], value.get("kind") if isinstance(value, dict) else None
    if kind in kinds:
        return _node(kind, value, (*place, kind), errors)
    if name != "SERIES" and kind in UNREAD:
        return value
    expected = ", ".join(map(repr, kinds))
    tagged = f"Input tag {str(kind)!r} found using 'kind' does not match any of the expected tags: {expected}"
    errors.append((place, tagged if kind is not None else UNTAGGED))
    return value
