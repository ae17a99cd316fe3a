"""Which page explains what, and headings where a schema's own name would not tell."""

from __future__ import annotations

from dataclasses import dataclass

from ai_admin.definitions.files import FOLDERS
from ai_admin.review.reference.nodes import Place


@dataclass(frozen=True)
class Page:
    """A page: its file, heading and first sentences, a file of docs/samples as its example, and its schemas.

    ``schemas`` are files below ``schemas/``, or folders (with a slash at the end), in the order of the page; of
    ``outermost`` ones only the whole object is explained, and what is inside it on a later page.
    """

    file: str
    title: str
    intro: str
    example: str
    schemas: tuple[str, ...]
    outermost: tuple[str, ...] = ()

    def claims(self, place: Place) -> bool:
        """Say whether this page explains what stands at a place."""
        if place.file in self.outermost:
            return not place.steps
        return any(self._holds(each, place) for each in self.schemas)

    def rank(self, place: Place) -> int:
        """Return how far down the page the sections of a place's file stand."""
        return next((index for index, each in enumerate(self.schemas) if self._holds(each, place)), len(self.schemas))

    @staticmethod
    def _holds(schema: str, place: Place) -> bool:
        return place.file == schema or (schema.endswith("/") and place.file.startswith(schema))


PAGES = (
    Page(
        "flag.md",
        "Feature flags",
        "A file in `flags/` is one feature flag: who gets it, in which variant, with which payload. "
        "Names are PostHog's own. The editor completes and checks the file from "
        "[flag.schema.json](../../schemas/flag.schema.json).",
        "flags/ai-model-version.yaml",
        ("flag.schema.json", "shared/flag-conditions.schema.json", "shared/payload-types.schema.json"),
    ),
    Page(
        "cohort.md",
        "Cohorts",
        "A file in `cohorts/` is one cohort: a named set of installations. Release conditions and insights "
        "name it by its key. The schema is [cohort.schema.json](../../schemas/cohort.schema.json).",
        "cohorts/heavy-use-installations.yaml",
        (
            "cohort.schema.json",
            "shared/cohort-filters.schema.json",
            "shared/cohort-events.schema.json",
            "shared/cohort-behaviours.schema.json",
        ),
    ),
    Page(
        "event.md",
        "Events and properties",
        "A file in `events/` describes one event with its properties, or the properties of an installation. "
        "What flags, cohorts and insights say about a property is checked against it. The schema is "
        "[event.schema.json](../../schemas/event.schema.json).",
        "events/installation.yaml",
        ("event.schema.json",),
    ),
    Page(
        "dashboard.md",
        "Dashboards",
        "A file in `dashboards/` is one dashboard with its tiles, and the insights on them. What an insight "
        "computes is explained in [Insights](insights.md). The schema is "
        "[dashboard.schema.json](../../schemas/dashboard.schema.json).",
        "dashboards/ai-reliability.yaml",
        ("dashboard.schema.json", "shared/insight.schema.json", "shared/layout.schema.json"),
    ),
    Page(
        "alert.md",
        "Alerts",
        "A file in `alerts/` is one alert: the insight it watches, the bounds, and who is told. The schema is "
        "[alert.schema.json](../../schemas/alert.schema.json).",
        "alerts/ai-daily-cost-ceiling.yaml",
        ("alert.schema.json",),
    ),
    Page(
        "action.md",
        "Actions",
        "A file in `actions/` is one action: events that mean the same, under one name. Insights, cohorts and "
        "experiments name it by its key. The schema is [action.schema.json](../../schemas/action.schema.json).",
        "actions/ai-run-timed-out.yaml",
        ("action.schema.json",),
    ),
    Page(
        "experiment.md",
        "Experiments",
        "A file in `experiments/` is one experiment: a hypothesis, the flag whose variants are compared, the metrics "
        "that decide, its start and its stop. Variants and who gets them stand in the flag's own file. The schema is "
        "[experiment.schema.json](../../schemas/experiment.schema.json).",
        "experiments/ai-retry-timeouts.yaml",
        (
            "experiment.schema.json",
            "shared/experiment-metrics.schema.json",
            "shared/experiment-settings.schema.json",
        ),
    ),
    Page(
        "subscription.md",
        "Subscriptions",
        "A file in `subscriptions/` is one subscription: a dashboard or an insight, and when it is sent to whom. The "
        "schema is [subscription.schema.json](../../schemas/subscription.schema.json).",
        "subscriptions/ai-cost-of-the-week.yaml",
        ("subscription.schema.json",),
    ),
    Page(
        "annotation.md",
        "Annotations",
        "A file in `annotations/` is one annotation: what happened at a time, shown on the charts of that time. The "
        "schema is [annotation.schema.json](../../schemas/annotation.schema.json).",
        "annotations/deepseek-prices.yaml",
        ("annotation.schema.json",),
    ),
    Page(
        "property-filters.md",
        "Property filters",
        "How insights and dashboards filter by properties, and which value each operator takes, in flags and "
        "cohorts too. The filters of flags are explained in [Feature flags](flag.md), those of cohorts in "
        "[Cohorts](cohort.md).",
        "flags/ai-enhancement-enabled.yaml",
        (
            "shared/property-filters.schema.json",
            "shared/property-filter-types.schema.json",
            "shared/operators.schema.json",
            "shared/values.schema.json",
        ),
    ),
    Page(
        "insights.md",
        "Insights",
        "What an insight computes, by shorthand: `trends`, `funnel`, `retention`, `lifecycle`, `stickiness`, "
        "`paths` and `sql`. Their fields are those of PostHog's queries, in the API's spelling. What is counted is "
        "explained in [Series](series.md), dates, breakdowns and looks in [Insight settings](insight-settings.md), a "
        "raw query in [Query nodes](query-nodes.md).",
        "dashboards/ai-installations.yaml",
        tuple(f"shared/queries/shorthand{name}.schema.json" for name in ("-trends", "s", "-retention")),
    ),
    Page(
        "series.md",
        "Series",
        "What an insight counts: events, actions, groups of them, and rows of warehouse tables.",
        "dashboards/ai-cost.yaml",
        tuple(f"shared/queries/{name}.schema.json" for name in ("series", "math", "series-warehouse")),
    ),
    Page(
        "query-nodes.md",
        "Query nodes",
        "What an insight's `query:` takes: a query node as PostHog's API spells it, for what the shorthands in "
        "[Insights](insights.md) don't offer. It is checked as strictly as they are.",
        "dashboards/ai-usage.yaml",
        (
            "shared/queries/node.schema.json",
            "shared/queries/table.schema.json",
            "shared/queries/table-rows.schema.json",
        ),
        outermost=tuple(
            f"shared/queries/{name}.schema.json"
            for name in ("trends", "funnels", "retention", "paths", "stickiness", "lifecycle", "sql")
        ),
    ),
    Page(
        "insight-settings.md",
        "Insight settings",
        "Dates, breakdowns and comparisons of [insights](insights.md), and how their results are drawn.",
        "dashboards/ai-reliability.yaml",
        ("shared/queries/parts.schema.json", "shared/queries/"),
    ),
)


def _in(file: str, *steps: str | int) -> Place:
    return Place(f"{file}.schema.json", steps)


def _named(file: str, **titles: str) -> dict[Place, str]:
    return {_in(f"shared/{file}", "$defs", name): title for name, title in titles.items()}


TITLES: dict[Place, str] = {
    **{_in(kind, "$defs", "patch"): "`stacks`: what differs on one stack" for kind in FOLDERS.values()},
    _in("shared/layout"): "Layout",
    **_named("experiment-metrics", source="Event or action"),
    **_named(
        "cohort-filters",
        filters="Criteria in two levels",
        group="Group of conditions",
        leaf="Condition",
        cohort="Condition, another cohort",
    ),
    # The events of cohorts take three of the types, and are met first.
    **_named(
        "property-filter-types",
        event="Property filter, `event`",
        element="Property filter, `element`",
        hogql="Property filter, `hogql`",
    ),
    **_named("cohort-events", eventFilter="Filter of a cohort's event"),
    **_named(
        "operators",
        targeting="Operators in flags and cohorts",
        targetingValue="Values in flags and cohorts, by operator",
        insight="Operators in insights",
        insightValue="Values in insights, by operator",
    ),
    **_named(
        "property-filters", filter="Property filter", group="Tree of filters", subgroup="Group in a tree of filters"
    ),
    _in("shared/property-filters", "$defs", "subgroup", "properties", "values", "items"): "Filter or group",
    **_named("queries/math", math="Math", math_property_revenue_currency="Currency"),
    **_named("queries/series", node="Series"),
    _in("shared/queries/series", "$defs", "funnel", "items"): "Step of a funnel",
    _in("shared/queries/series", "$defs", "lifecycle", "items"): "Series of lifecycle",
    _in("shared/queries/series", "$defs", "stickiness", "items"): "Series of stickiness",
    **_named("queries/parts", singleBreakdownFilter="Breakdown filter of a funnel", tags="Query tags"),
    **_named("queries/funnels", exclusion="Exclusion from a funnel"),
    **_named("queries/retention", entity="Retention entity"),
    **_named("queries/shorthands", sql="SQL"),
    _in("shared/queries/node"): "Query node",
    **_named("queries/node", insightSource="Source of an insight"),
    **_named("queries/table", source="Source of a table"),
}
