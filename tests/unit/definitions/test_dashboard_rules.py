"""What is wrong with dashboards, their insights and the catalogue beyond the schema."""

from __future__ import annotations

import pytest

from tests.unit.definitions.checkouts import Checkout

USED = "event: ai_used"
LOOK_AROUND = r'correct it; "\." is a dot, "\(" a parenthesis'


def insight(query: str) -> str:
    """Return a dashboard with one insight, whose query stands in line 4; » marks the place of its problem."""
    return f"key: d\nname: D\ntiles:\n  - insight: {{key: i, name: I, {query}}}\n"


def sql(text: str) -> str:
    """Return a dashboard with an SQL insight."""
    return insight(f'sql: {{query: "{text}"}}')


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "trends: {series: [{event: »other}]}",
            'the catalogue knows no event "other"; describe it in events/other.yaml',
        ),
        (
            "retention: {target: {event: »ai_usd}}",
            'the catalogue knows no event "ai_usd"; write "ai_used"',
        ),
        (
            "query: {kind: InsightVizNode, source: {kind: RetentionQuery, retentionFilter: {targetEntity: {id: "
            "»ai_usd, type: events}, returningEntity: {id: ai_used, type: events}}}}",
            'the catalogue knows no event "ai_usd"; write "ai_used"',
        ),
        (
            "trends: {series: [{event: ai_used, math: avg, math_property: »helth, math_property_type: "
            "person_properties}]}",
            'the catalogue knows no property "helth" of a person; write "health"',
        ),
        (
            "retention: {target: {event: ai_used}, retentionFilter: {aggregationType: sum, "
            "aggregationProperty: »model}}",
            'sum needs numbers, and "model" is of type String; write a Numeric property, such as tokens',
        ),
        (
            "trends: {series: [{event: ai_used}], breakdownFilter: {breakdowns: [{property: »usge, type: person}]}}",
            'the catalogue knows no property "usge" of a person; write "usage"',
        ),
        (
            "trends: {series: [{event: ai_used}], breakdown: {property: »interna, type: cohort}}",
            'there is no cohort "interna"; write "internal"',
        ),
        (
            "trends: {series: [{event: ai_used}], breakdownFilter: {breakdown: [»12], breakdown_type: cohort}}",
            "the cohort 12 is a number that differs per project; write the key of a cohort in cohorts/",
        ),
        (
            "trends: {series: [{event: ai_used}], breakdown: »{property: plan, type: group}}",
            "a breakdown by a group's property needs to know which group type; add group_type_index: 0",
        ),
        (
            "trends: {series: [{event: ai_used}], display: BoldNumber, breakdown: {property: »model}}",
            "the display BoldNumber shows no breakdown; remove it, or write display: ActionsLineGraph",
        ),
        (
            "trends: {series: [{event: ai_used}], »aggregation_group_type_index: 1}",
            "trends ignore aggregation_group_type_index; write math: unique_group and math_group_type_index: 1 "
            "in the series",
        ),
        (
            "trends: {series: [»{event: ai_used}], display: BoxPlot}",
            "a box plot needs a property in every series; add math_property: <property>",
        ),
        (
            "trends: {series: [{event: ai_used, math: »unique_session}], display: CalendarHeatmap}",
            "a calendar heatmap ignores the math unique_session; write total or dau",
        ),
        (
            "trends: {series: [{event: ai_used}, {event: ai_used}], formulas: [{formula: »sqrt(A)}]}",
            'the formula "sqrt(A)" holds more than + - * / % ** and parentheses; simplify it',
        ),
        (
            "trends: {series: [{event: ai_used}], trendsFilter: {formulaNodes: [{formula: »A +}]}}",
            'the formula "A +" is not arithmetic; write it like A / B * 100',
        ),
        (
            "trends: {series: [{event: ai_used, properties: [{type: event, key: model, value: »r2}]}]}",
            '"model" is never the text "r2" (values in the catalogue: r1 or v3); write r1 or v3',
        ),
        (
            "trends: {series: [{event: ai_used}], properties: [{type: event, key: »modl, value: r1}]}",
            'the catalogue knows no property "modl" of the event ai_used; write "model"',
        ),
        (
            "trends: {series: [{event: ai_used}], properties: {type: AND, values: [{type: AND, values: [{type: "
            "event, key: tokens, operator: »icontains, value: '5'}]}]}}",
            'the operator icontains does not fit "tokens", which is of type Numeric; write exact, is_not, in, '
            "not_in, gt, gte, lt, lte, between, not_between, is_set or is_not_set",
        ),
        (
            "trends: {series: [{event: ai_used}], properties: [{type: event, key: tokens, operator: between, "
            "value: »[9, 1]}]}",
            "the lower bound 9 is above the upper one; write [1, 9]",
        ),
        (
            "trends: {series: [{event: ai_used}], properties: [{type: event, key: model, operator: regex, "
            "value: »'(?<=r)1'}]}",
            "the regular expression uses look-around or back references, which ClickHouse does not have; "
            'correct it; "\\." is a dot, "\\(" a parenthesis',
        ),
        (
            "trends: {series: [{event: ai_used}], properties: [{type: cohort, value: »intern}]}",
            'there is no cohort "intern"; define it in cohorts/, or write one of internal',
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {exclusions: [»{event: "
            "ai_used, funnelFromStep: 1, funnelToStep: 1}]}}",
            "the exclusion from step 1 to 1 is not inside the steps 0 to 1; write funnelFromStep: 0 and "
            "funnelToStep: 1",
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {exclusions: [{event: "
            "»ai_usd, funnelFromStep: 0, funnelToStep: 1}]}}",
            'the catalogue knows no event "ai_usd"; write "ai_used"',
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {funnelToStep: »2}}",
            "the range from step 0 to 2 is not inside the steps 0 to 1; write funnelFromStep: 0 and funnelToStep: 1",
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used}], funnelsFilter: {breakdownAttributionType: "
            "step, breakdownAttributionValue: »2}}",
            "the funnel has no step 2; write 0 to 1",
        ),
        (
            "funnel: {series: [{event: ai_used, »optionalInFunnel: true}, {event: ai_used}]}",
            "the first step cannot be optional; remove optionalInFunnel",
        ),
        (
            "funnel: {series: [{event: ai_used}, {event: ai_used, »optionalInFunnel: true}], funnelsFilter: "
            "{funnelOrderType: unordered}}",
            "no step of an unordered funnel can be optional; remove optionalInFunnel",
        ),
        (
            "sql: {query: select 1, »filters: {dateRange: {date_from: -7d}}}",
            "filters act only where the query says {filters}; write WHERE {filters} in the query, or remove filters",
        ),
    ],
)
def test_an_insight_that_breaks_a_rule(checkout: Checkout, query: str, expected: str) -> None:
    place = insight(query).splitlines()[3].index("»") + 1
    checkout.write("dashboards/d.yaml", insight(query.replace("»", "")))
    assert checkout.problems() == [f"dashboards/d.yaml:4:{place}: insight/i: {expected}"]


@pytest.mark.parametrize(
    "query",
    [
        "trends: {series: [{event: null}], breakdown: {property: model}}",
        "trends: {series: [{event: $pageview, math: sum, math_property: anything}]}",
        "trends: {series: [{event: $pageview}], properties: [{type: event, key: $browser, value: Firefox}]}",
        "trends: {series: [{event: $pageview}, {event: ai_used}], breakdown: {property: of_the_page}}",
        f"trends: {{series: [{{{USED}, math: sum, math_property: usage, math_property_type: person_properties}}]}}",
        f"trends: {{series: [{{{USED}}}, {{{USED}}}], formula: (a + B) * -100 ** 2 % 3.5}}",
        f"trends: {{series: [{{{USED}}}], breakdownFilter: {{breakdown: [all, internal], breakdown_type: cohort}}}}",
        "trends: {series: [{kind: ActionsNode, id: 3}], properties: [{type: event, key: model, value: r1}]}",
        "trends: {series: [{kind: GroupNode, operator: OR, nodes: [{event: ai_used}, {event: $pageview}]}]}",
        f"trends: {{series: [{{{USED}}}], properties: [{{type: hogql, key: 1 = 1}}]}}",
        f"trends: {{series: [{{{USED}}}], properties: [{{type: event, key: success, value: 'true'}}]}}",
        f"funnel: {{series: [{{{USED}}}, {{{USED}, optionalInFunnel: true}}, {{{USED}}}], "
        "funnelsFilter: {funnelFromStep: 1, funnelToStep: 2}}",
        "paths: {pathsFilter: {includeEventTypes: [custom_event]}}",
        f"stickiness: {{series: [{{{USED}}}]}}",
        f"lifecycle: {{series: [{{{USED}}}]}}",
        'sql: {query: "-- select\\n WITH a AS (SELECT properties.tokens FROM events WHERE {filters}) SELECT 1", '
        "filters: {dateRange: {date_from: -7d}}}",
        """sql: {query: "select person.properties.usage from events where event != 'ai_used' and 1 = ''"}""",
        """sql: {query: "select 'properties.unknown' -- properties.unknown"}""",
    ],
)
def test_an_insight_that_keeps_them(checkout: Checkout, query: str) -> None:
    checkout.write("dashboards/d.yaml", insight(query))
    assert checkout.problems() == []


@pytest.mark.parametrize(
    ("tiles", "expected"),
    [
        (
            ["text: a, layout: {x: 0, y: 0, w: 6, h: 2}", "text: b, layout: {x: 5, y: 1, w: 6, h: 2}"],
            [
                "5:23: dashboard/d: the tile overlaps tile 1 (x 0, y 0, w 6, h 2); "
                "move it, or leave x and y out: tiles then flow"
            ],
        ),
        (["text: a, layout: {x: 0, y: 0}", "text: b, layout: {x: 6, y: 0}", "text: c"], []),
    ],
)
def test_tiles(checkout: Checkout, tiles: list[str], expected: list[str]) -> None:
    text = "key: d\nname: D\ntiles:\n" + "".join(f"  - {{{tile}}}\n" for tile in tiles)
    checkout.write("dashboards/d.yaml", text)
    assert checkout.problems() == [f"dashboards/d.yaml:{line}" for line in expected]


def test_insight_keys_are_global(checkout: Checkout) -> None:
    checkout.write("dashboards/d.yaml", insight("trends: {series: [{event: ai_used}]}").replace("key: i", "key: runs"))
    assert checkout.problems() == [
        'dashboards/usage.yaml:4:20: insight/runs: the insight key "runs" is taken (dashboards/d.yaml:4:20); '
        "choose another key, or write what differs per stack under stacks of the one definition"
    ]


def test_a_dashboard_s_own_filters_are_checked_too(checkout: Checkout) -> None:
    leaves = "{type: cohort, value: intern}, {type: event, key: modl, value: r1}"
    checkout.write("dashboards/d.yaml", f"key: d\nname: D\nfilters: {{properties: [{leaves}]}}\n")
    assert checkout.problems() == [
        'dashboards/d.yaml:3:46: dashboard/d: there is no cohort "intern"; '
        "define it in cohorts/, or write one of internal",
        'dashboards/d.yaml:3:74: dashboard/d: the catalogue knows no property "modl" of an event; write "model"',
    ]


def test_one_bad_insight_does_not_hide_what_is_wrong_with_another(checkout: Checkout) -> None:
    text = insight("trends: {seriess: []}") + "  - insight: {key: j, name: J, trends: {series: [{event: ai_usd}]}}\n"
    checkout.write("dashboards/d.yaml", text)
    assert [line.split(": ")[1] for line in checkout.problems()] == ["insight/i", "insight/i", "insight/j"]


def test_two_events_describe_one_property_differently(checkout: Checkout) -> None:
    checkout.write(
        "events/another.yaml",
        "key: another\nproperties:\n  model: {type: Numeric}\n  tokens: {type: Numeric, description: Both}\n",
    )
    checkout.write("events/third.yaml", "key: third\nproperties: {tokens: {type: Numeric, description: Both}}")
    assert checkout.problems() == [
        'events/used.yaml:3:17: event/ai_used: event/another describes the property "model" with another type; '
        "write Numeric"
    ]


def test_an_event_and_a_person_may_have_a_property_of_one_name(checkout: Checkout) -> None:
    checkout.write("events/other.yaml", "key: other\nproperties: {health: {type: Numeric}}")
    assert checkout.problems() == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "dashboards/d.yaml",
            "{key: d, name: D, tiles: [{insight: {key: i, name: I, sql: {query: select 1}, "
            "unmanaged: [tags], »tags: [a]}}]}",
            'insight/i: "tags" is left to PostHog (unmanaged) and set as well; '
            'remove "tags", or remove "tags" from unmanaged',
        ),
        (
            "dashboards/d.yaml",
            "{key: d, name: D, filters: {properties: [{type: event, key: tokens, operator: »regex, value: a}]}}",
            'dashboard/d: the operator regex does not fit "tokens", which is of type Numeric; '
            "write exact, is_not, in, not_in, gt, gte, lt, lte, between, not_between, is_set or is_not_set",
        ),
        (
            "dashboards/d.yaml",
            "{key: d, name: D, filters: {properties: [{type: event, key: model, operator: regex, value: »'a)'}]}}",
            "dashboard/d: the regular expression is not valid: unbalanced parenthesis at position 1; " + LOOK_AROUND,
        ),
    ],
)
def test_what_is_checked_in_every_kind_of_file(checkout: Checkout, path: str, text: str, expected: str) -> None:
    checkout.write(path, text.replace("»", ""))
    assert checkout.problems() == [f"{path}:1:{text.index('»') + 1}: {expected}"]
