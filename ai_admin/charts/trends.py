"""TrendsQuery, StickinessQuery, LifecycleQuery: lines, bars, slices and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ai_admin.charts.figures import Bar, Bars, Figure, Goal, Number, Plot, Series, Table, Words
from ai_admin.charts.formats import HOURS, Format, of_trends, unfinished
from ai_admin.charts.grids import grid

Json = Mapping[str, Any]

NO_DATA = Words("No data: no event matches in this period.")

_MARKS = {"ActionsAreaGraph": "area"} | dict.fromkeys(("ActionsBar", "ActionsStackedBar", "ActionsUnstackedBar"), "bar")
_LIFECYCLE = ("new", "returning", "resurrecting", "dormant")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LITERALS = {
    "$$_posthog_breakdown_null_$$": "none",
    "$$_posthog_breakdown_other_$$": "all others",
    "": "none",
}  # PostHog's names of what has no value, and of what is beyond the breakdown's limit (posthog/hogql/constants.py)


def trends(source: Json, answer: Json) -> Figure:
    """Return the figure of a TrendsQuery."""
    settings = source.get("trendsFilter") or {}
    display, shape = settings.get("display") or "ActionsLineGraph", of_trends(settings)
    items: list[Json] = [item for item in answer["results"] if isinstance(item, dict)]
    if display == "BoldNumber":
        return _number(items, shape)
    if display == "CalendarHeatmap":
        return _calendar(items, shape)
    if display == "BoxPlot":
        return Words("A box plot is drawn on PostHog's page only.")
    colours = _chosen(settings, items)
    drawn = list(zip(items, labels(source, items), colours, strict=True))
    kept = [(item, name, colour) for item, name, colour in drawn if colour is not None]
    if not kept:
        return NO_DATA
    if not any(item.get("data") for item in items):
        named = [(name, item.get("aggregated_value") or 0.0) for item, name, _ in kept]
        return ranking(named, shape, display, [colour for *_, colour in kept])
    return _plot(source, answer, kept, settings, shape)


def stickiness(source: Json, answer: Json) -> Figure:
    """Return the figure of a StickinessQuery: how many were active on so many days."""
    settings = source.get("stickinessFilter") or {}
    items: list[Json] = [item for item in answer["results"] if isinstance(item, dict)]
    if not any(any(item.get("data") or ()) for item in items):
        return NO_DATA
    series = _series(items, labels(source, items), range(len(items)))
    display = settings.get("display")
    return Plot(tuple(map(str, items[0]["labels"])), series, _MARKS.get(display or "", "line"), _stacks(display))


def lifecycle(source: Json, answer: Json) -> Figure:
    """Return the figure of a LifecycleQuery: who came, stayed and came back upwards, who left downwards."""
    shown = (source.get("lifecycleFilter") or {}).get("toggledLifecycles") or _LIFECYCLE
    items = [item for item in answer["results"] if item.get("status") in shown]
    if not any(any(item.get("data") or ()) for item in items):
        return NO_DATA
    series = _series(items, [item["status"] for item in items], [_LIFECYCLE.index(item["status"]) for item in items])
    return Plot(series=series, mark="bar", stacked=True, **time_of(source, answer, items[0]))


def labels(source: Json, items: Sequence[Json]) -> list[str]:
    """Return what the results are called: series, breakdown values and the period, as far as these tell them apart."""
    several = len(source.get("series") or ()) > 1 and len({_name(item) for item in items}) > 1
    found = []
    for item in items:
        value = item.get("breakdown_value")
        if value is None:
            name = _name(item)
        elif isinstance(value, int):
            name = str(item.get("label"))  # a cohort, which PostHog names here
        else:
            name = breakdown(value)
            name = f"{_name(item)}: {name}" if several else name
        found.append(f"{name} (before)" if item.get("compare_label") == "previous" else name)
    return found


def breakdown(value: Any) -> str:
    """Return a breakdown's value, or its values, as people read them."""
    parts = value if isinstance(value, list) else [value]
    return " · ".join(_LITERALS.get(str(part), str(part)) if part is not None else "none" for part in parts)


def ranking(
    values: Iterable[tuple[str, float]], shape: Format, display: str, colours: Sequence[int] | None = None
) -> Figure:
    """Return values over a whole period: bars, a pie or a table."""
    named = list(values)
    total, top = sum(value for _, value in named), max((value for _, value in named), default=0)
    if not any(value for _, value in named):
        return NO_DATA
    if display == "ActionsTable":
        cells = tuple((name, shape(value)) for name, value in named)
        return Table(("", "value"), cells, tuple(named), (False, True))
    pie = display == "ActionsPie" and min(value for _, value in named) >= 0
    bars = []
    for place, (name, value) in enumerate(named):
        note = f"{shape(value)} ({value / total:.1%})" if pie else shape(value)
        share = value / (total if pie else top or 1)
        bars.append(Bar(name, value, note, max(share, 0), colours[place] if colours else place))
    return Bars(tuple(bars), pie)


def number(value: float | None, before: float | None, shape: Format) -> Figure:
    """Return one number, beside what it was before if that is known."""
    if value is None:
        return NO_DATA
    if before is None:
        return Number(shape(value), value)
    change = "unchanged from" if value == before else "up from" if value > before else "down from"
    if before and value != before:
        change = change.replace(" ", f" {abs(value - before) / abs(before):.1%} ")
    return Number(shape(value), value, f"{change} {shape(before)} before")


def goals(settings: Json, top: float) -> tuple[Goal, ...]:
    """Return the goal lines that a filter asks for."""
    lines = settings.get("goalLines") or ()
    hidden = [line for line in lines if line.get("displayIfCrossed") is False and top > line["value"]]
    return tuple(
        Goal("" if line.get("displayLabel") is False else str(line.get("label") or ""), float(line["value"]))
        for line in lines
        if line not in hidden
    )


def _plot(source: Json, answer: Json, kept: list[tuple[Json, str, int]], settings: Json, shape: Format) -> Figure:
    items = [item for item, *_ in kept]
    if not any(any(item["data"]) for item in items):
        return NO_DATA
    display = settings.get("display")
    series = _series(items, [name for _, name, _ in kept], [colour for *_, colour in kept])
    if settings.get("showPercentStackView") and _stacks(display):
        sums = [sum(values) or 1 for values in zip(*(each.values for each in series), strict=True)]
        series = tuple(
            Series(each.label, tuple(v / s for v, s in zip(each.values, sums, strict=True)), each.colour, each.before)
            for each in series
        )
        shape = Format(style="percentage_scaled", most=1)
    top = max(max(each.values, default=0) for each in series)
    # The period before lies beside bars; areas would be stacked on each other.
    lines = display == "ActionsAreaGraph" and any(each.before for each in series)
    return Plot(
        series=series,
        mark="line" if lines else _MARKS.get(display or "", "line"),
        stacked=_stacks(display) and not lines,
        format=shape,
        goals=goals(settings, top),
        **time_of(source, answer, items[0]),
    )


def _stacks(display: str | None) -> bool:
    return display in ("ActionsAreaGraph", "ActionsBar", "ActionsStackedBar")


def time_of(source: Json, answer: Json, item: Json) -> dict[str, Any]:
    """Return the fields of a :class:`Plot` that say when its points are."""
    days, interval = list(map(str, item["days"])), source.get("interval") or "day"
    return {
        "points": tuple(days),
        "unfinished": unfinished(days, interval, answer),
        "interval": interval,
        "zone": str(answer.get("timezone") or "") if interval in HOURS else "",
    }


def _series(items: Sequence[Json], names: Sequence[str], colours: Sequence[int]) -> tuple[Series, ...]:
    """Return series of the same length, that of the first: a period before may have a day more or less."""
    length = len(items[0]["data"])
    return tuple(
        Series(
            name,
            tuple(float(value or 0) for value in [*item["data"], *([0] * length)][:length]),
            colour,
            item.get("compare_label") == "previous",
        )
        for item, name, colour in zip(items, names, colours, strict=True)
    )


def _name(item: Json) -> str:
    action = item.get("action")
    if not action:
        return str(item.get("label") or "")
    return str(action.get("custom_name") or action.get("name") or item.get("label") or "All events")


def _chosen(settings: Json, items: Sequence[Json]) -> list[int | None]:
    """Return each result's colour, None for a hidden one: people's choice, else its place among those of its period.

    The keys of ``resultCustomizations`` are JSON with the series and the breakdown's value, or the result's place
    (PostHog: ``getTrendResultCustomizationKey``).
    """
    wanted = settings.get("resultCustomizations") or {}
    by_place = settings.get("resultCustomizationBy") == "position"
    chosen = {key if by_place else _key(json.loads(key)): value for key, value in wanted.items()}
    found: list[int | None] = []
    seen: dict[str, int] = {}
    for place, item in enumerate(items):
        period = item.get("compare_label") or ""
        seen[period] = seen.get(period, -1) + 1
        key = _key({"series": item.get("order"), "breakdown_value": item.get("breakdown_value")})
        choice = chosen.get(str(place) if by_place else key) or {}
        preset = str(choice.get("color") or "").removeprefix("preset-")
        found.append(None if choice.get("hidden") else int(preset) - 1 if preset.isdecimal() else seen[period])
    return found


def _key(of: Json) -> str:
    value = of.get("breakdown_value")
    return json.dumps([of.get("series") or 0, value if value is None or isinstance(value, list) else [value]])


def _number(items: list[Json], shape: Format) -> Figure:
    by_period = {item.get("compare_label") or "current": item.get("aggregated_value") for item in reversed(items)}
    return number(by_period.get("current"), by_period.get("previous"), shape)


def _calendar(items: list[Json], shape: Format) -> Figure:
    found = items[0]["calendar_heatmap_data"]["data"] if items else []
    values = {(each["row"], each["column"]): each["value"] for each in found}
    if not any(values.values()):
        return NO_DATA
    rows = [[values.get((day, hour), 0) for hour in range(24)] for day in range(1, 8)]
    return grid([f"{hour:02}" for hour in range(24)], _DAYS, rows, shape)
