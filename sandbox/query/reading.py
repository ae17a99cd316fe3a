"""What the printer reads of each node of a query: whatever else a node says is refused, never left out.

The parser knows more than the printer, and learns: a clause that nobody looked at would be a query without it.
"""

from functools import lru_cache

from sandbox.query.errors import NotComputedError
from sandbox.query.hogql import Node, nodes, parse

_READ = {
    "SelectQuery": "ctes select distinct select_from array_join_op array_join_list prewhere where group_by having"
    " window_exprs order_by limit_by limit limit_with_ties offset qualify",
    "SelectSetQuery": "initial_select_query subsequent_select_queries",
    "SelectSetNode": "set_operator select_query",
    "CTE": "name cte_type expr materialized",  # which is a hint
    "JoinExpr": "table table_args alias join_type constraint sample table_final next_join",
    "JoinConstraint": "expr constraint_type",
    "SampleExpr": "sample_value offset_value",
    "RatioExpr": "left right",
    "LimitByExpr": "n exprs offset_value",
    "OrderExpr": "expr order nulls",
    "WindowExpr": "partition_by order_by frame_method frame_start frame_end",
    "WindowFrameExpr": "frame_type frame_value",
    "Call": "name args params distinct filter_expr",
    "WindowFunction": "name args exprs over_expr over_identifier",
}
_KNOWN = {kind: frozenset(("node", "start", "end", *names.split())) for kind, names in _READ.items()}


@lru_cache(maxsize=1024)
def read(text: str, what: str = "select") -> Node:
    """The tree of a text (`hogql.parse`), nothing of which the printer leaves out.

    Raises: QueryError: a syntax error, or a clause that isn't computed.
    """
    tree = parse(text, what)
    for node in nodes(tree):
        for name in node.keys() - _KNOWN.get(node["node"], node.keys()):
            if node[name] not in (None, False, []):
                of = f"{node['name']}(...)" if "name" in node else node["node"]
                raise NotComputedError(f"{name.replace('_', ' ').upper()} in {of}")
    return tree


def has_offset(text: str) -> bool:
    """Whether a SELECT of the query leaves out its first rows. Raises QueryError: a syntax error."""
    return any(
        (each["node"] == "SelectQuery" and each.get("offset"))
        or (each["node"] == "LimitByExpr" and each["offset_value"])
        for each in nodes(parse(text))
    )
