"""PathsQuery: from what to what actors went, step by step.

Source: PostHog's hogql_queries/insights/paths_query_runner.py. Traps: half an hour without an event ends a path; the
same thing twice in a row is one step; an address loses its last slash; of a way between two points that is too long the
middle is left out.
"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sandbox.query.asked import Asked, both
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import expression, literal
from sandbox.storage.store import Data

IDLE = timedelta(minutes=30)
KINDS = {
    "$pageview": "event = '$pageview'",
    "$screen": "event = '$screen'",
    "custom_event": "event NOT LIKE '$%'",
}
Step = tuple[datetime, str]


def compute(asked: Asked) -> Data:
    """The response. Raises QueryError."""
    if asked.node.get("funnelPathsFilter"):
        raise NotComputedError("paths around a funnel")
    filter_ = asked.part("pathsFilter")
    start, end = filter_.get("startPoint"), filter_.get("endPoint")
    if not (start and end):  # of two points neither loses its slash
        start, end = _point(start), _point(end)
    longest = int(filter_.get("stepLimit") or 5)
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for moments, items in _rows(asked, filter_):
        steps = [(datetime.fromisoformat(at), item) for at, item in zip(moments, items, strict=True)]
        for path in _sessions(steps):
            cut = _cut(_collapsed(path), start, end, longest)
            for index, ((before, source), (after, target)) in enumerate(pairwise(cut), 1):
                edge = f"{index}_{source}", f"{index + 1}_{target}"
                times[edge].append((after - before).total_seconds() * 1000)
    lightest, heaviest = filter_.get("minEdgeWeight"), filter_.get("maxEdgeWeight")
    edges = [
        {"source": source, "target": target, "value": len(each), "average_conversion_time": sum(each) / len(each)}
        for (source, target), each in times.items()
        if len(each) >= (lightest or 0) and (heaviest is None or len(each) <= heaviest)
    ]
    edges.sort(key=lambda edge: (-int(str(edge["value"])), edge["source"], edge["target"]))
    shown = _connected(edges[: int(filter_.get("edgeLimit") or 50)])
    return {"results": shown, "resolved_date_range": asked.range.resolved}


def _connected(edges: list[Data]) -> list[Data]:
    """The edges that lead on from a first step: others hang in the air where some are left out."""
    reached = {str(edge["source"]) for edge in edges if edge["source"].startswith("1_")}
    for edge in sorted(edges, key=lambda edge: int(edge["source"].split("_")[0])):
        if edge["source"] in reached:
            reached.add(edge["target"])
    return [edge for edge in edges if edge["source"] in reached]


def _point(text: str | None) -> str | None:
    return text[:-1] if text and len(text) > 1 and text.endswith("/") else text


def _rows(asked: Asked, filter_: Data) -> list[list[Any]]:
    """Per actor when it did what, in order."""
    kinds = filter_.get("includeEventTypes") or []
    wanted = [KINDS[each] for each in kinds if each in KINDS]
    own = filter_.get("pathsHogQLExpression")
    if "hogql" in kinds and own:
        wanted.append("true")
    item = "multiIf(event = '$pageview', {address}, event = '$screen', {screen}, event)"
    if "hogql" in kinds and own:
        item = f"ifNull(toString({expression(str(own))}), event)"
    excluded = filter_.get("excludeEvents") or []
    where = both(asked.range.condition(), " OR ".join(wanted), asked.filters, asked.known)
    rest = f" WHERE item NOT IN [{', '.join(map(literal, excluded))}]" if excluded else ""
    return asked.rows(
        "SELECT arrayMap(step -> step.1, steps), arrayMap(step -> step.3, steps) FROM {ordered}",
        ordered=f"SELECT actor, arraySort(groupArray(tuple(at, id, item))) AS steps FROM {{rows}}{rest} GROUP BY actor",
        rows=f"SELECT timestamp AS at, uuid AS id, {_cleaned(asked, filter_)} AS item, {asked.actor} AS actor"
        f" FROM {asked.events} WHERE {{where}}",
        item=item,
        address="if(length({url}) > 1, trimRight({url}, '/'), {url})",
        url="ifNull(toString(properties.$current_url), '')",
        screen="ifNull(toString(properties.$screen_name), '')",
        where=where,
    )


def _cleaned(asked: Asked, filter_: Data) -> str:
    """`{item}` with addresses made alike: cleaning rules of the query and the project, then groups."""
    item = "{item}"
    rules = list(filter_.get("localPathCleaningFilters") or [])
    if filter_.get("pathReplacements"):
        rules += asked.project.get("path_cleaning_filters") or []
    for rule in sorted(rules, key=lambda each: each.get("order") or 0):
        item = f"replaceRegexpAll({item}, {literal(rule['regex'])}, {literal(rule['alias'])})"
    groups = filter_.get("pathGroupings") or []
    if groups:
        cases = ", ".join(f"match({item}, {literal(_pattern(each))}), {literal(each)}" for each in groups)
        item = f"multiIf({cases}, {item})"
    return item


def _pattern(group: str) -> str:
    if len(group) > 1_000:
        raise QueryError("A path grouping is too long")
    return "^" + ".*".join(re.escape(part) for part in group.split("*")) + "$"


def _sessions(steps: list[Step]) -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps:
        if not found or step[0] - found[-1][-1][0] >= IDLE:
            found.append([])
        found[-1].append(step)
    return found


def _collapsed(path: list[Step]) -> list[Step]:
    return [step for index, step in enumerate(path) if index == 0 or step[1] != path[index - 1][1]]


def _cut(path: list[Step], start: str | None, end: str | None, longest: int) -> list[Step]:
    """From the start point on, or up to the end point, or from one to the other; no longer than the limit."""
    items = [item for _, item in path]
    if start and end:
        way = _cut(_cut(path, start, None, len(path)), None, end, len(path))
        half = longest // 2
        return [*way[:half], (way[half][0], "..."), *way[len(way) - half :]] if len(way) > longest else way
    if start:
        return path[items.index(start) :][:longest] if start in items else []
    if end:
        return path[: items.index(end) + 1][-longest:] if end in items else []
    return path[:longest]
