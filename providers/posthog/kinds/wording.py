"""How a reviewer reads a field: its noun, its unit, what its parts and items are called. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.posthog.kinds.phrases import (
    MEASURED,
    chart_text,
    choice_text,
    day_text,
    filters_moved,
    filters_text,
    metric_text,
    moment_text,
    node_text,
    plain_text,
    query_text,
)

TEXT, VIEW, WATCH, SERVE = range(4)
"""How much depends on a field: only what people read; what charts show; what is watched and reported; who is served,
and with what."""


@dataclass(frozen=True)
class Wording:
    """How a value is read."""

    noun: str = ""
    """What it is called; empty: its key, with spaces."""
    unit: str = ""
    """What follows a number."""
    says: Mapping[Any, str] = field(default_factory=dict)
    """By value, the predicate that says it whole: ``{False: "is switched off"}``."""
    show: Callable[[Any], str] | None = None
    """Makes text of a whole value; of one with ``parts`` where it comes or goes only."""
    moved: Callable[[Any, Any], str] | None = None
    """Says what goes and what comes between two values whose texts are long; empty where it can't."""
    shown: tuple[str, ...] = ()
    """The keys of a mapping that ``show`` makes that text of, where it has others, which are said one by one."""
    quoted: bool = False
    """Whether that text is put in quotes, as it is a sentence of its own."""
    empty: str = ""
    """What an empty value is, where that is not the same as one that is not set."""
    name: Callable[[Mapping[str, Any]], str] | None = None
    """Names an item of a list."""
    each: Wording | None = None
    """The wording of an item of a list, or of a mapping whose keys are people's own."""
    kept: tuple[str, ...] = ()
    """The keys of an item that are as before where it is the same item under another name."""
    ordered: bool = True
    """Whether the order of a list means anything."""
    parts: Mapping[str, Wording] = field(default_factory=dict)
    """The wordings of what is inside, by key; for other keys ``COMMON``."""
    weight: int | None = None
    """How much depends on it; None: as on the kind's other fields."""
    public: tuple[str, ...] = ()
    """Of a field that may hold secrets, the keys of its mapping that hold none: their values are shown."""
    inline: bool = False
    """No level of its own for people: what is in it is said as if it stood outside."""


def switchable(yes: str, no: str, **more: Any) -> Wording:
    """Return the wording of a boolean by two predicates; absent is false."""
    return Wording(says={True: yes, False: no, None: no}, **more)


def called(*keys: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what names an item by the first of these keys that it has."""
    return lambda item: next((plain_text(item[key]) for key in keys if item.get(key) not in (None, "")), "")


SWITCH = Wording(says={True: "is switched on", False: "is switched off"})
ARCHIVED = Wording(says={True: "is archived", False: "is no longer archived"}, weight=VIEW)
PERCENTAGE = Wording(unit=" %", inline=True)
CHOICE = Wording(show=choice_text)
MOMENT = Wording(show=moment_text)

FILTER = Wording("filter", show=filters_text, moved=filters_moved, quoted=True, empty="none")
DAY = Wording(show=day_text)
NODE = Wording(
    show=node_text,
    quoted=True,
    shown=("kind", "type", "event", "id", "table_name", "nodes", "operator", "math", "math_property", "properties"),
    parts={"name": Wording("label"), "custom_name": Wording("label")},
)
_SERIES = replace(NODE, noun="series", name=called("custom_name", "name", "event", "id"))
_BREAKDOWN = Wording("breakdown", name=called("property"))
_FORMULA = Wording("formula", name=called("custom_name", "formula"), parts={"formula": Wording(inline=True)})

COMMON: Mapping[str, Wording] = {
    "properties": FILTER,
    "filter_group": FILTER,
    "event_filters": FILTER,
    "date_from": Wording("first day", show=day_text),
    "date_to": Wording("last day", show=day_text),
    "dateRange": Wording(inline=True),
    "series": Wording(each=_SERIES),
    "display": Wording("chart", show=chart_text),
    "query": Wording("SQL"),
    **dict.fromkeys(
        (
            *("trendsFilter", "funnelsFilter", "retentionFilter", "stickinessFilter", "lifecycleFilter"),
            *("pathsFilter", "breakdownFilter", "compareFilter"),
        ),
        Wording(inline=True),
    ),
    "formulaNodes": Wording("formulas", each=_FORMULA),
    "breakdowns": Wording(each=_BREAKDOWN),
    "breakdown_type": Wording("kind of breakdown", show=choice_text),
    "compare": switchable("compares with the time before", "does not compare with the time before"),
    **dict.fromkeys(
        ("filterTestAccounts", "filter_test_accounts"),
        switchable("leaves out test accounts", "counts test accounts too"),
    ),
    "targetEntity": replace(NODE, noun="first event"),
    "returningEntity": replace(NODE, noun="returning event"),
}
"""What keys mean wherever PostHog's trees have them."""

QUERY = Wording(
    "query",
    parts={
        "kind": Wording("shown as", show=query_text),
        "source": Wording(
            inline=True,
            parts={"kind": Wording(show=query_text)},
        ),
    },
)
"""Of query nodes: the outer one says how the inner one is shown."""

METRIC = Wording(
    "metric",
    show=metric_text,
    quoted=True,
    shown=("metric_type", *MEASURED),
    name=lambda item: str(item.get("name") or metric_text(item)),
    parts={"goal": Wording(show=choice_text, empty="increase"), "start_handling": CHOICE, "funnel_order_type": CHOICE},
)
"""Of what experiments measure."""
