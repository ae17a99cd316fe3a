"""HogQL as ClickHouse SQL: the parser's tree, printed for the tables of one project.

Source: PostHog's posthog/hogql/printer and resolver. What it refuses is refused here, in its words where
they are known.
"""

import difflib
import re
from collections import ChainMap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sandbox.query import functions
from sandbox.query.errors import NotComputedError, QueryError
from sandbox.query.hogql import OPERATORS, Node, literal, own, quoted, title
from sandbox.query.reading import read
from sandbox.query.schema import HIDDEN, TABLES, Expr, Table

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 50_000
_JOINS = re.compile(r"(?:(?:GLOBAL|INNER|LEFT|RIGHT|FULL|CROSS|ANY|ALL|SEMI|ANTI|OUTER|ASOF) )*JOIN")
_CASTS = {
    **dict.fromkeys("int integer bigint int64".split(), "toInt"),
    **dict.fromkeys("float double float64 real".split(), "toFloat"),
    **dict.fromkeys("string text varchar char".split(), "toString"),
    **dict.fromkeys("bool boolean".split(), "toBool"),
    "date": "toDate",
    **dict.fromkeys("datetime timestamp timestamptz".split(), "toDateTime"),
    "uuid": "toUUID",
}
# What only aggregates take.
_MODIFIERS = {"distinct": "DISTINCT", "filter_expr": "FILTER", "params": "parameters"}
_KINDS = {"Numeric": "Float", "Boolean": "Bool", "DateTime": "DateTime"}


Columns = list[tuple[str, Expr]]  # of a SELECT, by name, which several may have


class Project(Protocol):
    """What the printer has to know of a project."""

    timezone: str
    week_start: int  # 0 Sunday, 1 Monday

    def table(self, name: str) -> str:
        """ClickHouse's name of a table."""

    def property_column(self, column: str, key: str) -> str | None:
        """The column of events that holds a property as text, null where there is none; None where it has none."""

    def property_type(self, of: str, index: int | None, key: str) -> str | None:
        """What its definition says a property is: Numeric, Boolean, DateTime, String … or nothing."""

    def action(self, identifier: Any) -> str:
        """What an action matches, as HogQL. Raises QueryError."""

    def cohort(self, identifier: Any) -> int:
        """The number of a cohort that is ready to be asked for. Raises QueryError."""

    def count_cohorts(self) -> list[int]:
        """The numbers of the dynamic cohorts, all of which are ready to be asked for."""

    def static_cohorts(self) -> list[int]:
        """The numbers of the static cohorts, also of deleted ones, whose members PostHog keeps."""


@dataclass(frozen=True)
class Placeholders:
    """What stands for `{…}` in a query."""

    filters: Callable[[str], str] | None = None  # the HogQL of `{filters}`, by the table that it is asked of
    date_from: str | None = None
    date_to: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    # HogQL that stands for a name in a query of ours: conditions, and SELECTs to select from. Read by itself it is read
    # once for many queries, and in a fraction of the time: the parser slows down with each level of nesting.
    parts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Source:
    """Something in FROM: a table, or the columns of a subquery."""

    alias: str
    columns: dict[str, Expr]
    table: Table | None = None
    name: str = ""


@dataclass
class _Scope:
    """What names mean within one SELECT."""

    # Those of the SELECTs around it, too.
    ctes: ChainMap[str, dict[str, Expr]] = field(default_factory=ChainMap)
    scalars: ChainMap[str, Expr] = field(default_factory=ChainMap)
    sources: dict[str, _Source] = field(default_factory=dict)
    aliases: dict[str, Expr] = field(default_factory=dict)
    lambdas: list[str] = field(default_factory=list)
    windows: dict[str, Node] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)  # tables that a dot asked for: alias -> SQL


@dataclass(frozen=True)
class Printed:
    """A SELECT as ClickHouse SQL, and what its columns are called."""

    sql: str
    columns: list[str]
    limited: bool  # whether it says itself how many rows it wants


class Printer:
    """Prints queries of one project at one moment."""

    def __init__(self, project: Project, now: datetime, placeholders: Placeholders | None = None) -> None:
        self.project, self.placeholders = project, placeholders or Placeholders()
        self.zone = literal(project.timezone)
        self.now = f"toDateTime64({literal(_stamp(now))}, 6, 'UTC')"
        self.utc_day = f"toDate('{now.astimezone(UTC):%Y-%m-%d}')"
        self.scope = _Scope()
        self.joining = False

    def query(self, text: str, limit: int | None = None, offset: int = 0) -> Printed:
        """The whole of a query. With a limit it has one: its own up to the largest, else this one from the offset on.

        Raises: QueryError.
        """
        node = read(text)
        paged = node["node"] == "SelectQuery" and not node.get("limit")
        if limit is not None:
            node = _page(node, limit, offset) if paged else _limited(node)
        sql, columns = self._query(node)
        return Printed(sql, [name for name, _ in columns], not paged)

    # Selects ------------------------------------------------------------------------------------------------

    def _query(self, node: Node) -> tuple[str, Columns]:
        if node["node"] == "SelectSetQuery":
            return self._union(node)
        if node["node"] != "SelectQuery":
            raise NotComputedError(f"{node['node']} in place of a SELECT")
        outer, joining = self.scope, self.joining
        self.scope, self.joining = _Scope(outer.ctes.new_child(), outer.scalars.new_child()), False
        try:
            return self._select(node)
        finally:
            self.scope, self.joining = outer, joining

    def _union(self, node: Node) -> tuple[str, Columns]:
        sql, columns = self._query(node["initial_select_query"])
        parts = [f"({sql})"]
        for each in node["subsequent_select_queries"]:
            parts += [each["set_operator"], f"({self._query(each['select_query'])[0]})"]
        return " ".join(parts), columns

    def _select(self, node: Node) -> tuple[str, Columns]:
        if node.get("qualify"):
            raise QueryError("QUALIFY is not supported")
        self.scope.windows = node.get("window_exprs") or {}
        with_ = [self._cte(each) for each in node.get("ctes") or []]
        from_ = self._from(node["select_from"]) if node.get("select_from") else []
        arrays = self._array_join(node)
        columns = self._columns(node["select"])
        clauses = [
            ("WITH", ", ".join(each for each in with_ if each)),
            ("SELECT DISTINCT" if node.get("distinct") else "SELECT", ", ".join(each for each, _, _ in columns)),
        ]
        named = [(title_, expr) for _, title_, expr in columns]
        rest = [
            (clause, self.expr(node[name]).sql)
            for clause, name in (("PREWHERE", "prewhere"), ("WHERE", "where"))
            if node.get(name)
        ]
        if node.get("group_by"):
            rest.append(("GROUP BY", ", ".join(self.expr(each).sql for each in node["group_by"])))
        if node.get("having"):
            rest.append(("HAVING", self.expr(node["having"]).sql))
        if node.get("window_exprs"):
            windows = (f"{quoted(name)} AS ({self._window(each)})" for name, each in node["window_exprs"].items())
            rest.append(("WINDOW", ", ".join(windows)))
        if node.get("order_by"):
            rest.append(("ORDER BY", ", ".join(map(self._order, node["order_by"]))))
        rest += self._limits(node)
        # Last, as every other clause may have asked for a table to be joined.
        joined = " ".join((*from_, *self.scope.joined.values()))
        clauses += [("FROM", joined)] if joined else []
        clauses += [("", arrays)] if arrays else []
        return " ".join(f"{clause} {sql}".strip() for clause, sql in (*clauses, *rest) if sql), named

    def _limits(self, node: Node) -> Iterator[tuple[str, str]]:
        by = node.get("limit_by")
        if by:
            after = f" OFFSET {self.expr(by['offset_value']).sql}" if by.get("offset_value") else ""
            exprs = ", ".join(self.expr(each).sql for each in by["exprs"])
            yield "LIMIT", f"{self.expr(by['n']).sql}{after} BY {exprs}"
        if node.get("limit"):
            yield "LIMIT", self.expr(node["limit"]).sql
            if node.get("limit_with_ties"):
                yield "", "WITH TIES"
        if node.get("offset"):
            yield "OFFSET", self.expr(node["offset"]).sql

    def _cte(self, cte: Node) -> str:
        if cte["cte_type"] == "subquery":
            sql, columns = self._query(cte["expr"])
            self.scope.ctes[cte["name"]] = dict(columns)
            return f"{quoted(cte['name'])} AS ({sql})"
        self.scope.scalars[cte["name"]] = self.expr(cte["expr"])
        return ""

    def _columns(self, nodes: list[Node]) -> list[tuple[str, str, Expr]]:
        """The columns: SQL, name and what each is. A later one may use an earlier one's alias."""
        found: list[tuple[str, Expr, bool]] = []
        for node in nodes:
            if node["node"] == "Field" and node["chain"][-1] == "*":
                found += ((name, expr, False) for name, expr in self._asterisk(node["chain"]))
                continue
            if node["node"] == "ColumnsExpr":
                raise NotComputedError("COLUMNS()")
            written = own(node)
            node = node if written is None else read(written, "expr")
            aliased = node["node"] == "Alias"
            name = node["alias"] if aliased else title(node)
            expr = self.expr(node["expr"] if aliased else node)
            if aliased:
                if name in self.scope.aliases:
                    raise QueryError(f"Cannot redefine an alias with the name: {name}")
                self.scope.aliases[name] = expr._replace(sql=quoted(name))
            found.append((name, expr, aliased))
        # Of several columns of one name that has it which was given it, else the last.
        has = {name: place for place, (name, _, _) in enumerate(found)}
        has |= {name: place for place, (name, _, aliased) in enumerate(found) if aliased}
        return [
            (f"{expr.sql} AS {quoted(name)}" if has[name] == place else expr.sql, name, expr)
            for place, (name, expr, _) in enumerate(found)
        ]

    def _asterisk(self, chain: list[Any]) -> Iterator[tuple[str, Expr]]:
        sources = list(self.scope.sources.values())
        if len(chain) == 2 and chain[0] in self.scope.sources:
            sources = [self.scope.sources[chain[0]]]
        elif len(chain) > 1:
            raise QueryError(f"Unable to resolve field: {chain[0]}")
        if not sources:
            raise QueryError("Cannot use '*' when there are no FROM tables")
        if len(sources) > 1:
            raise QueryError("Cannot use '*' without table name when there are multiple tables in the query")
        source = sources[0]
        for name in source.columns:
            if source.table is None or name not in HIDDEN:
                yield name, self._column(source, name)

    def _from(self, join: Node) -> list[str]:
        parts: list[str] = []
        each: Node | None = join
        while each is not None:
            sql, source = self._table(each)
            if source.alias in self.scope.sources:
                raise QueryError(
                    f'Already have joined a table called "{source.alias}". Can\'t join another one with the same name.'
                )
            self.scope.sources[source.alias] = source
            kind = each.get("join_type")
            if kind is not None and not _JOINS.fullmatch(kind):
                raise NotComputedError(f"{kind}")
            parts.append(f"{kind} {sql}" if kind else sql)
            constraint = each.get("constraint")
            if constraint:
                self.joining = True
                try:
                    on = self.expr(constraint["expr"]).sql if constraint["constraint_type"] == "ON" else ""
                finally:
                    self.joining = False
                parts.append(f"ON {on}" if on else f"USING ({self._using(constraint['expr'])})")
            each = each.get("next_join")
        return parts

    def _using(self, node: Node) -> str:
        names = node["exprs"] if node["node"] == "Tuple" else [node]
        return ", ".join(quoted(str(each["chain"][-1])) for each in names)

    def _table(self, join: Node) -> tuple[str, _Source]:
        if join.get("table_final"):
            raise QueryError("The FINAL keyword is not supported in HogQL as it causes slow queries")
        node = join["table"]
        if join.get("sample") and (node["node"] != "Field" or ".".join(map(str, node["chain"])) in self.scope.ctes):
            raise NotComputedError("SAMPLE of a SELECT")
        part = self._part(node)
        if part is not None:
            node = read(part)
        if node["node"] in ("SelectQuery", "SelectSetQuery"):
            sql, selected = self._query(node)
            alias = join.get("alias") or f"subquery_{len(self.scope.sources)}"
            return f"({sql}) AS {quoted(alias)}", _Source(alias, dict(selected))
        if node["node"] == "Placeholder":
            raise QueryError("Placeholders in place of a table are not supported")
        chain = [str(each) for each in node["chain"]]
        name = ".".join(chain)
        alias = join.get("alias") or chain[-1]
        found = self.scope.ctes.get(name)
        if found is not None:
            return f"{quoted(name)} AS {quoted(alias)}", _Source(alias, found)
        if name == "numbers" and join.get("table_args"):
            arguments = ", ".join(self.expr(each).sql for each in join["table_args"])
            return f"numbers({arguments}) AS {quoted(alias)}", _Source(alias, {"number": Expr("", "Int", False)})
        if name not in TABLES:
            raise QueryError(f"Unknown table `{name}`.")
        table = TABLES[name]
        columns = {each: Expr("", kind.rstrip("?"), kind.endswith("?")) for each, kind in table.columns.items()}
        return f"{self._rows(join, name)} AS {quoted(alias)}", _Source(alias, columns, table, name)

    def _rows(self, join: Node, name: str) -> str:
        """The rows of a table, or a share: as a SELECT, since ClickHouse samples nothing that is joined."""
        table, sample = self.project.table(name), join.get("sample")
        if sample:
            if name != "events":
                raise NotComputedError(f"SAMPLE of {name}")
            share = _ratio(sample["sample_value"])
            if sample.get("offset_value"):
                share += f" OFFSET {_ratio(sample['offset_value'])}"
            return f"(SELECT * FROM {table} SAMPLE {share} SETTINGS asterisk_include_materialized_columns = 1)"
        cohorts = {"cohort_people": self.project.count_cohorts, "static_cohort_people": self.project.static_cohorts}
        if name in cohorts:
            return f"(SELECT * FROM {table} WHERE cohort_id IN {literal(cohorts[name]())})"
        return table

    def _array_join(self, node: Node) -> str:
        if not node.get("array_join_op"):
            return ""
        parts = []
        for each in node["array_join_list"]:
            if each["node"] != "Alias":
                raise QueryError("ARRAY JOIN arrays must have an alias")
            parts.append(f"{self.expr(each['expr']).sql} AS {quoted(each['alias'])}")
            self.scope.aliases[each["alias"]] = Expr(quoted(each["alias"]))
        return f"{node['array_join_op']} {', '.join(parts)}"

    def _order(self, node: Node) -> str:
        written = own(node["expr"], "hogql_order")
        node = node if written is None else read(written, "order_expr")
        nulls = f" NULLS {node['nulls']}" if node.get("nulls") in ("FIRST", "LAST") else ""
        return f"{self.expr(node['expr']).sql} {node['order']}{nulls}"

    def _window(self, node: Node) -> str:
        parts = []
        if node.get("partition_by"):
            parts.append("PARTITION BY " + ", ".join(self.expr(each).sql for each in node["partition_by"]))
        if node.get("order_by"):
            parts.append("ORDER BY " + ", ".join(map(self._order, node["order_by"])))
        if node.get("frame_method"):
            ends = [self._frame(node[name]) for name in ("frame_start", "frame_end") if node.get(name)]
            parts.append(f"{node['frame_method']} " + (f"BETWEEN {ends[0]} AND {ends[1]}" if ends[1:] else ends[0]))
        return " ".join(parts)

    def _frame(self, node: Node) -> str:
        if node["frame_type"] == "CURRENT ROW":
            return "CURRENT ROW"
        value = node.get("frame_value")
        return f"{'UNBOUNDED' if value is None else int(value)} {node['frame_type']}"

    # Expressions --------------------------------------------------------------------------------------------

    def expr(self, node: Node) -> Expr:
        """An expression within the present SELECT."""
        visit: Callable[[Node], Expr] | None = getattr(self, f"_visit_{node['node'].lower()}", None)
        if visit is None:
            raise NotComputedError(f"HogQL's {node['node']}")
        return visit(node)

    def _visit_constant(self, node: Node) -> Expr:
        value = node.get("value")
        if node.get("value_type") == "number":
            special = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}
            return Expr(special.get(str(value), str(value)), "Float", False)  # or a number of more than 64 bits
        kinds = {bool: "Bool", int: "Int", float: "Float", str: "String"}
        return Expr(literal(value), kinds.get(type(value), "any"), value is None)

    def _visit_alias(self, node: Node) -> Expr:
        expr = self.expr(node["expr"])
        self.scope.aliases[node["alias"]] = expr._replace(sql=quoted(node["alias"]))
        return expr._replace(sql=f"({expr.sql} AS {quoted(node['alias'])})")

    def _visit_selectquery(self, node: Node) -> Expr:
        sql, _ = self._query(node)
        return Expr(f"({sql})")

    _visit_selectsetquery = _visit_selectquery

    def _visit_array(self, node: Node) -> Expr:
        return Expr(f"[{', '.join(self.expr(each).sql for each in node['exprs'])}]", "Array", False)

    def _visit_tuple(self, node: Node) -> Expr:
        return Expr(f"tuple({', '.join(self.expr(each).sql for each in node['exprs'])})", "Tuple", False)

    def _visit_and(self, node: Node) -> Expr:
        return Expr(f"and({', '.join(self.expr(each).sql for each in node['exprs'])})", "Bool")

    def _visit_or(self, node: Node) -> Expr:
        return Expr(f"or({', '.join(self.expr(each).sql for each in node['exprs'])})", "Bool")

    def _visit_not(self, node: Node) -> Expr:
        return Expr(f"not({self.expr(node['expr']).sql})", "Bool")

    def _visit_arithmeticoperation(self, node: Node) -> Expr:
        left, right = self.expr(node["left"]), self.expr(node["right"])
        kind = left.kind if left.kind in ("DateTime", "Date") else "any"
        return Expr(f"{OPERATORS[node['op']]}({left.sql}, {right.sql})", kind, left.null or right.null)

    def _visit_betweenexpr(self, node: Node) -> Expr:
        middle, low, high = (self.expr(node[each]).sql for each in ("expr", "low", "high"))
        sql = f"ifNull(and(greaterOrEquals({middle}, {low}), lessOrEquals({middle}, {high})), 0)"
        return Expr(f"not({sql})" if node.get("negated") else sql, "Bool", False)

    def _visit_isdistinctfrom(self, node: Node) -> Expr:
        sql = f"isNotDistinctFrom({self.expr(node['left']).sql}, {self.expr(node['right']).sql})"
        return Expr(sql if node.get("negated") else f"not({sql})", "Bool", False)

    def _visit_typecast(self, node: Node) -> Expr:
        name = _CASTS.get(node["type_name"])
        if name is None:
            raise QueryError(f"Unsupported type cast: {node['type_name']}")
        return self._visit_call({"node": "Call", "name": name, "args": [node["expr"]]})

    def _visit_arrayaccess(self, node: Node) -> Expr:
        array, key = self.expr(node["array"]), node["property"]
        if array.kind == "JSON" or (array.kind == "String" and isinstance(key.get("value"), str)):
            chain = self._chain(node)
            if chain:
                return self._visit_field({"node": "Field", "chain": chain})
        if key["node"] == "Constant" and key.get("value") == 0:
            raise QueryError("SQL indexes start from one, not from zero. E.g: array.1")
        return Expr(f"arrayElement({array.sql}, {self.expr(key).sql})")

    def _chain(self, node: Node) -> list[str] | None:
        """The chain that brackets write: `properties['a b']['c']`."""
        if node["node"] == "Field":
            return list(node["chain"])
        if node["node"] == "ArrayAccess" and isinstance(node["property"].get("value"), str):
            above = self._chain(node["array"])
            return above and [*above, node["property"]["value"]]
        return None

    def _visit_tupleaccess(self, node: Node) -> Expr:
        if node["index"] == 0:
            raise QueryError("SQL indexes start from one, not from zero. E.g: array.1")
        return Expr(f"tupleElement({self.expr(node['tuple']).sql}, {int(node['index'])})")

    def _visit_lambda(self, node: Node) -> Expr:
        with self._names(node["args"]):
            inner = self.expr(node["expr"]).sql
        return Expr(f"({', '.join(map(quoted, node['args']))}) -> {inner}")

    @contextmanager
    def _names(self, names: list[str]) -> Iterator[None]:
        self.scope.lambdas += names
        try:
            yield
        finally:
            del self.scope.lambdas[len(self.scope.lambdas) - len(names) :]

    def _visit_windowfunction(self, node: Node) -> Expr:
        """A function of a window; of two lists in brackets the first are its parameters."""
        lists = [node["exprs"], *([node["args"]] if node.get("args") else [])]
        name, over = node["name"], node.get("over_identifier")
        window = node.get("over_expr") or {}
        if name.lower() in ("lag", "lead"):
            window, over = self._shifted_window(window, over)
            lists[-1] = [{"node": "Call", "name": "toNullable", "args": lists[-1][:1]}, *lists[-1][1:]]
        text = quoted(over) if over else f"({self._window(window)})"
        call = {"node": "Call", "name": name, "args": lists[-1], "params": lists[0] if lists[1:] else None}
        return self._visit_call(call, f" OVER {text}")

    def _shifted_window(self, window: Node, over: str | None) -> tuple[Node, str | None]:
        """The window of `lag` and `lead`, which see all its rows: ClickHouse's functions see those of the frame."""
        if over in self.scope.windows:
            window = self.scope.windows[over]
        elif over or not window.get("order_by") or window.get("frame_method"):
            return window, over
        whole = {"frame_method": "ROWS", "frame_start": {"frame_type": "PRECEDING"},
                 "frame_end": {"frame_type": "FOLLOWING"}}  # fmt: skip
        return {**window, **{name: window.get(name) or value for name, value in whole.items()}}, None

    # Comparisons --------------------------------------------------------------------------------------------

    def _visit_compareoperation(self, node: Node) -> Expr:
        """Null-safe: a null side makes `=`, `<` and `IN` false, their negations true, unless both are compared."""
        operator = node["op"]
        if self._unset(node["left"]) or self._unset(node["right"]):
            return Expr("true", "Bool", False)
        if operator in ("in cohort", "not in cohort"):
            return self._in_cohort(node)
        left, right = self.expr(node["left"]), self.expr(node["right"])
        if operator in ("==", "!=") and "NULL" in (left.sql, right.sql):
            other = right if left.sql == "NULL" else left
            return Expr(f"{'isNull' if operator == '==' else 'isNotNull'}({other.sql})", "Bool", False)
        if operator in ("=~", "=~*", "!~", "!~*"):
            pattern = f"concat('(?i)', {right.sql})" if operator.endswith("*") else right.sql
            sql = f"ifNull(match({left.sql}, {pattern}), 0)"
            return Expr(f"not({sql})" if operator.startswith("!") else sql, "Bool", False)
        if operator not in OPERATORS:
            raise NotComputedError(f"the operator {operator}")
        sql = f"{OPERATORS[operator]}({left.sql}, {right.sql})"
        if self.joining or not (left.null or right.null):
            return Expr(sql, "Bool", left.null or right.null)
        if operator in ("in", "not in", "global in", "global not in") and not left.null:
            return Expr(sql, "Bool", False)
        if left.null and right.null and operator == "==":
            return Expr(f"ifNull({sql}, and(isNull({left.sql}), isNull({right.sql})))", "Bool", False)
        if left.null and right.null and operator == "!=":
            return Expr(f"ifNull({sql}, or(isNotNull({left.sql}), isNotNull({right.sql})))", "Bool", False)
        negative = operator == "!=" or operator.startswith(("not", "global not"))
        return Expr(f"ifNull({sql}, {int(negative)})", "Bool", False)

    def _unset(self, node: Node) -> bool:
        chain = node["expr"].get("chain") if node["node"] == "Placeholder" else None
        if not chain or chain[:2] != ["filters", "dateRange"]:
            return False
        return (self.placeholders.date_from if chain[2:] == ["from"] else self.placeholders.date_to) is None

    def _in_cohort(self, node: Node) -> Expr:
        if node["right"]["node"] != "Constant":
            raise QueryError("IN COHORT only works with constant arguments")
        cohort = self.project.cohort(node["right"].get("value"))
        people = f"SELECT person_id FROM {self.project.table('cohort_people')} WHERE cohort_id = {cohort}"
        function = "in" if node["op"] == "in cohort" else "notIn"
        return Expr(f"{function}({self.expr(node['left']).sql}, ({people}))", "Bool", False)

    # Calls --------------------------------------------------------------------------------------------------

    def _visit_call(self, node: Node, over: str = "") -> Expr:
        asked, nodes = node["name"], node.get("args") or []
        if asked.lower() == "count" and [each.get("chain") for each in nodes] == [["*"]] and not node.get("distinct"):
            nodes = []
        name = functions.known(asked)
        aggregates = name is not None and functions.is_aggregate(name)
        left = [word for key, word in _MODIFIERS.items() if node.get(key)]
        if left and not aggregates:
            raise QueryError(f"Function '{asked}' doesn't take {left[0]}")
        if asked == "matchesAction":
            return self.expr(read(self.project.action(nodes[0].get("value") if nodes else None), "expr"))
        if name is None:
            like = difflib.get_close_matches(asked, (*functions.SAME, *functions.TEMPLATES, *functions.AGGREGATES), 1)
            hint = f" Perhaps you meant '{like[0]}(...)'?" if like else ""
            raise QueryError(f"Unsupported function call '{asked}(...)'.{hint}")
        arguments = [self.expr(each) for each in nodes]
        node = {**node, "args": nodes}
        sql = self._aggregate(name, node, arguments, over) if aggregates else self._call(name, node, arguments) + over
        kind = functions.KINDS.get(name, "any")
        if kind in ("0", "-1") and arguments:
            kind = arguments[int(kind)].kind
        null = name not in functions.NEVER_NULL and not (
            name in ("ifNull", "coalesce") and arguments and not arguments[-1].null
        )
        return Expr(sql, kind, null)

    def _aggregate(self, name: str, node: Node, arguments: list[Expr], over: str) -> str:
        """An aggregate with all that makes it another: parameters, DISTINCT, FILTER and the window."""
        inner, outer = functions.WRAPPED.get(name, (name, ""))
        texts = [each.sql for each in arguments]
        within = texts[:1] if outer else texts
        parameters = f"({', '.join(self.expr(each).sql for each in node['params'])})" if node.get("params") else ""
        if node.get("filter_expr"):
            if inner.endswith("If"):
                raise NotComputedError(f"FILTER of {name}(...)")
            inner, within = f"{inner}If", [*within, self.expr(node["filter_expr"]).sql]
        distinct = "DISTINCT " if node.get("distinct") else ""
        sql = f"{inner}{parameters}({distinct}{', '.join(within)}){over}"
        return self._filled(name, outer, [sql, *texts[1:]]) if outer else sql

    def _call(self, name: str, node: Node, arguments: list[Expr]) -> str:
        texts, nodes = [each.sql for each in arguments], node.get("args") or []
        _check_number(name, len(texts))
        if name in ("toDate", "to_date", "toDateTime", "toDateTime64"):
            return self._to_date(name, arguments)
        if name == "toStartOfWeek" and len(texts) == 1:
            texts.append("3" if self.project.week_start else "0")
        if name in ("dateAdd", "dateSub") and len(texts) == 3:
            return self._shifted(name, nodes, texts)
        if name in functions.TEMPLATES:
            return self._filled(name, functions.TEMPLATES[name], texts)
        return f"{name}({', '.join(texts)})"

    def _shifted(self, name: str, nodes: list[Node], texts: list[str]) -> str:
        """`dateAdd('day', 1, x)`, whose unit ClickHouse knows as a keyword only."""
        unit = str(nodes[0].get("value")).rstrip("s").title()
        if f"toInterval{unit}" not in functions.SAME:
            raise QueryError(f"Unsupported unit: {nodes[0].get('value')}")
        return f"{'plus' if name == 'dateAdd' else 'minus'}({texts[2]}, toInterval{unit}({texts[1]}))"

    def _filled(self, name: str, template: str, texts: list[str]) -> str:
        given, zone = self._zoned(name, texts)
        wanted = max((int(each) + 1 for each in re.findall(r"\{(\d)\}", template)), default=0)
        if "{all}" not in template and len(given) < wanted:
            plural = "" if wanted == 1 else "s"
            raise QueryError(f"Function '{name}' expects {wanted} argument{plural}, found {len(given)}")
        if "{all}" not in template and len(given) > wanted:
            raise NotComputedError(f"{name}(...) of {len(texts)} arguments")
        return template.format(*given, all=", ".join(given), tz=zone, now=self.now, utc_day=self.utc_day)

    def _zoned(self, name: str, texts: list[str]) -> tuple[list[str], str]:
        """The arguments of a call without its timezone, and that: the project's where it gives none."""
        return (texts[:-1], texts[-1]) if len(texts) == functions.ZONED.get(name) else (texts, self.zone)

    def _to_date(self, name: str, arguments: list[Expr]) -> str:
        (value, *precision), zone = self._zoned(name, [each.sql for each in arguments])
        if name == "toDateTime64":
            return f"toDateTime64({value}, {precision[0] if precision else 6}, {zone})"
        known = arguments[0].kind in ("DateTime", "Date", "Int")
        if name == "toDateTime" and known:
            return f"toDateTime({value}, {zone})"
        moment = value if known else f"parseDateTime64BestEffortOrNull(toString({value}), 6, {zone})"
        return moment if name == "toDateTime" else f"toDate({moment})"

    # Names --------------------------------------------------------------------------------------------------

    def _part(self, node: Node) -> str | None:
        chain = node["expr"].get("chain") or [] if node["node"] == "Placeholder" else []
        return self.placeholders.parts.get(str(chain[0])) if len(chain) == 1 else None

    def _visit_placeholder(self, node: Node) -> Expr:
        part = own(node) or self._part(node)
        if part is not None:
            return self.expr(read(part, "expr"))
        chain = [str(each) for each in node["expr"].get("chain") or []]
        given = self.placeholders
        if chain == ["filters"]:
            tables = [source.name for source in self.scope.sources.values()]
            if given.filters is None:
                return Expr("true", "Bool", False)
            return self.expr(read(given.filters(tables[0] if tables else ""), "expr"))
        if chain[:2] == ["filters", "dateRange"]:
            return self.expr(read(str(given.date_from if chain[2:] == ["from"] else given.date_to), "expr"))
        if len(chain) == 2 and chain[0] == "variables":
            if chain[1] not in given.variables:
                raise QueryError(f"Variable {chain[1]} is missing from query")
            return self._given(given.variables[chain[1]])
        if len(chain) == 1 and chain[0] in given.values:
            return self._given(given.values[chain[0]])
        raise QueryError(f"Unresolved placeholder: {{{'.'.join(chain)}}}")

    def _given(self, value: Any) -> Expr:
        return self._visit_constant({"value": value}) if not isinstance(value, list) else Expr(literal(value), "Array")

    def _visit_field(self, node: Node) -> Expr:
        first, *rest = (str(each) for each in node["chain"])
        if first in self.scope.lambdas:
            return self._within(Expr(quoted(first)), rest)
        if rest and first in self.scope.sources:
            return self._of(self.scope.sources[first], rest)
        if first in self.scope.aliases:
            return self._within(self.scope.aliases[first], rest)
        found = [source for source in self.scope.sources.values() if self._has(source, first)]
        if len(found) > 1:
            raise QueryError(f"Ambiguous query. Found multiple sources for field: {first}")
        if found:
            return self._of(found[0], [first, *rest])
        scalar = self.scope.scalars.get(first)
        if scalar is not None:
            return self._within(scalar, rest)
        raise QueryError(f"Unable to resolve field: {first}")

    def _has(self, source: _Source, name: str) -> bool:
        table = source.table
        if name in source.columns:
            return True
        return table is not None and (name in table.joins or any(chain[0] == name for chain in table.same))

    def _of(self, source: _Source, chain: list[str]) -> Expr:
        """A field of a table by its chain: a column, a property, or one of a table behind a dot."""
        table = source.table
        if table is not None:
            for length in (2, 1):
                if tuple(chain[:length]) in table.same:
                    return self._of(source, [*table.same[tuple(chain[:length])], *chain[length:]])
        first, *rest = chain
        if first in source.columns:
            if rest and table is not None and first in table.properties:
                return self._property(source, first, rest)
            return self._within(self._column(source, first), rest)
        if table is not None and first in table.joins and rest:
            return self._of(self._joined(source, first), rest)
        raise QueryError(f"Field not found: {'.'.join(chain)}" if rest else f"Unable to resolve field: {first}")

    def _joined(self, source: _Source, name: str) -> _Source:
        assert source.table is not None
        join, alias = source.table.joins[name], f"{source.alias}__{name}"
        table = TABLES[join.table]
        if alias not in self.scope.joined:
            on = join.on.format(here=quoted(source.alias), there=quoted(alias))
            self.scope.joined[alias] = f"LEFT JOIN {self.project.table(join.table)} AS {quoted(alias)} ON {on}"
        columns = {each: Expr("", kind.rstrip("?"), kind.endswith("?")) for each, kind in table.columns.items()}
        return _Source(alias, columns, table, join.table)

    def _column(self, source: _Source, name: str) -> Expr:
        known = source.columns[name]
        sql = f"{quoted(source.alias)}.{quoted(name)}"
        if source.table is not None and known.kind == "DateTime" and self.project.timezone != "UTC":
            sql = f"toTimeZone({sql}, {self.zone})"
        return known._replace(sql=sql)

    def _within(self, expr: Expr, path: list[str]) -> Expr:
        if not path:
            return expr
        if all(each.isdecimal() for each in path):
            sql = expr.sql
            for each in path:
                sql = f"tupleElement({sql}, {each})"
            return Expr(sql)
        return Expr(extract(expr.sql, path), "String")

    def _property(self, source: _Source, column: str, path: list[str]) -> Expr:
        """A property, cast to the type that its definition gives it."""
        assert source.table is not None
        of = source.table.properties[column]
        key, *inner = path
        own = self.project.property_column(column, key) if source.name == "events" else None
        if own:
            sql = f"{quoted(source.alias)}.{quoted(own)}"
        else:
            sql = extract(f"{quoted(source.alias)}.{quoted(column)}", [key])
        if inner:
            return Expr(extract(f"{quoted(source.alias)}.{quoted(column)}", path), "String")
        joined = re.search(r"__group_(\d)$", source.alias) if of == "group" else None
        defined = self.project.property_type(of, int(joined[1]) if joined else None, key)
        if defined == "Numeric":
            sql = f"accurateCastOrNull({sql}, 'Float64')"
        elif defined == "Boolean":
            sql = f"transform(toString({sql}), ['true', 'false'], [toNullable(true), toNullable(false)], NULL)"
        elif defined == "DateTime":
            sql = f"parseDateTime64BestEffortOrNull({sql}, 6, {self.zone})"
        return Expr(sql, _KINDS.get(defined or "", "String"))


def _check_number(name: str, found: int) -> None:
    """Refuse a number of arguments that PostHog refuses (posthog/hogql/functions/core.py). Raises QueryError."""
    least, most = functions.ARITY.get(name, (0, None))
    if found < least or (most is not None and found > most):
        bound, expects = ("", most) if least == most else ("at least ", least) if found < least else ("at most ", most)
        plural = "" if expects == 1 else "s"
        raise QueryError(f"Function '{name}' expects {bound}{expects} argument{plural}, found {found}")


def _ratio(node: Node) -> str:
    return " / ".join(literal(each["value"]) for each in (node["left"], node.get("right")) if each)


def _page(node: Node, limit: int, offset: int) -> Node:
    """A SELECT without a limit with that of a page, whose offset takes the place of its own, as in PostHog."""
    return {**node, "limit": _capped(_number(limit)), "offset": _number(offset) if offset else None}


def _limited(node: Node) -> Node:
    """A query with a limit for itself or, if it is a UNION, for each SELECT of it; none is above the largest."""
    if node["node"] == "SelectSetQuery":
        rest = [{**each, "select_query": _limited(each["select_query"])} for each in node["subsequent_select_queries"]]
        first = _limited(node["initial_select_query"])
        return {**node, "initial_select_query": first, "subsequent_select_queries": rest}
    return {**node, "limit": _capped(node.get("limit") or _number(DEFAULT_LIMIT))}


def _capped(limit: Node) -> Node:
    if limit["node"] == "Constant" and isinstance(limit.get("value"), int):
        return _number(min(limit["value"], LARGEST_LIMIT))
    return {"node": "Call", "name": "min2", "args": [_number(LARGEST_LIMIT), limit]}


def _number(value: int) -> Node:
    return {"node": "Constant", "value": value}


def extract(column: str, path: list[str]) -> str:
    """A value within a column of JSON, as text without its quotes; null where there is none or it is null."""
    keys = ", ".join(map(literal, path))
    return f"replaceRegexpAll(nullIf(nullIf(JSONExtractRaw({column}, {keys}), ''), 'null'), '^\"|\"$', '')"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
