"""The pages of the reference: one for each kind of file, and one for each subject that several kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from providers.posthog.kinds import Kind
from tools.reference.nodes import Place, root

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
"""Definitions that are the documentation's own: those that people edit may be any, or none."""


@dataclass(frozen=True)
class Page:
    """A page: its file, heading and first sentences, a file of docs/samples as its example, and its schemas.

    ``schemas`` are files below ``schemas/``, or folders (with a slash at the end), in the order of the page; of
    ``outermost`` ones only the whole object is explained, and what is inside it on a later page. The page of a kind
    also explains what its files alone have, or first have in the order of the kinds.
    """

    file: str
    title: str
    intro: str
    example: str
    schemas: tuple[str, ...]
    outermost: tuple[str, ...] = ()

    def claims(self, place: Place) -> bool:
        """Return whether this page explains a place."""
        if place.file in self.outermost:
            return not place.steps
        return any(self._holds(each, place) for each in self.schemas)

    def rank(self, place: Place) -> int:
        """Return how far down the page the sections of a place's file are."""
        return next((index for index, each in enumerate(self.schemas) if self._holds(each, place)), len(self.schemas))

    @staticmethod
    def _holds(schema: str, place: Place) -> bool:
        return place.file == schema or (schema.endswith("/") and place.file.startswith(schema))


def page_of(kind: Kind) -> Page:
    """Return the page of a kind of file: its schema says what it is, and its first sample what it looks like."""
    file = f"{kind.name}.schema.json"
    schema = root(file)
    [example, *_] = sorted((SAMPLES / kind.folder).glob("*.yaml"))
    intro = (
        f"{schema['description']} Each is a file in `{kind.folder}/`, which the editor completes and checks from "
        f"[{file}](../../schemas/{file})."
    )
    return Page(f"{kind.name}.md", f"{schema['title']}s", intro, f"{kind.folder}/{example.name}", (file,))


TOPICS = (
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
