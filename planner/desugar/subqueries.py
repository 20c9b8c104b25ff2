"""The subqueries in a query's expressions, and which of them the engine plans rightly.

What it does right was found by comparing DataFusion 55 with other engines over NULLs, repeats and
empty groups; the statements are those of its tests. Of the rest it refuses most, and answers some
wrongly: `NOT IN` beside OR, `EXISTS` of an aggregate, OFFSET, windows, outer joins inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from planner.desugar.engine_functions import (
    is_aggregate,
    is_aggregated,
    is_of_all_rows,
    reads_of_all_rows,
)
from planner.desugar.names import Scope, sources_of
from planner.desugar.tree import conjuncts, named, own_nodes

Kind = Literal["exists", "in", "any", "all", "scalar"]
Clause = Literal["select", "where", "group", "having", "qualify", "order", "on"]
OuterColumns = Sequence[tuple[exp.Column, Scope]]

_CLAUSES: Sequence[tuple[str, Clause]] = (
    ("expressions", "select"),
    ("where", "where"),
    ("group", "group"),
    ("having", "having"),
    ("qualify", "qualify"),
    ("order", "order"),
)


@dataclass(frozen=True, eq=False)
class Nested:
    """A subquery in an expression.

    Attributes:
        kind: what is asked of its rows.
        node: the part of the expression that it decides: `x IN (…)`, `EXISTS (…)`.
        query: its rows.
        clause: where it stands.
        join: the join whose condition it stands in.
    """

    kind: Kind
    node: exp.Expr
    query: exp.Expr
    clause: Clause
    join: exp.Join | None = None

    @property
    def filters(self) -> bool:
        """Whether unknown is as good as false where it stands: only AND and OR above it."""
        if self.clause not in ("where", "having", "on", "qualify"):
            return False
        node = self.node
        while isinstance(node.parent, exp.Connector | exp.Paren):
            node = node.parent
        return isinstance(node.parent, exp.Where | exp.Having | exp.Join | exp.Qualify)

    @property
    def must_be(self) -> bool:
        """Whether it, or its opposite, must be true for a row to stay: only AND above it."""
        node = self.node
        while isinstance(node.parent, exp.Paren | exp.Not):
            node = node.parent
        while isinstance(node.parent, exp.And | exp.Paren):
            node = node.parent
        return isinstance(node.parent, exp.Where | exp.Having | exp.Join)

    @property
    def in_aggregate(self) -> bool:
        """Whether it is an argument of an aggregate of the query that it stands in."""
        node = self.node.parent
        while node is not None and not isinstance(node, exp.Query):
            if is_aggregate(node) or isinstance(node, exp.Filter):
                return True
            node = node.parent
        return False


def nested_in(select: exp.Select) -> Iterator[Nested]:
    """The subqueries of a query's own expressions, those of FROM left out."""
    for key, clause in _CLAUSES:
        value = select.args.get(key)
        for root in value if isinstance(value, list) else [value]:
            if root is not None:
                yield from _nested(root, clause, None)
    for join in select.args.get("joins") or ():
        if (on := join.args.get("on")) is not None:
            yield from _nested(on, "on", join)


def _nested(root: exp.Expr, clause: Clause, join: exp.Join | None) -> Iterator[Nested]:
    for node in list(own_nodes(root)) if not isinstance(root, exp.Query) else [root]:
        if isinstance(node, exp.Exists) and isinstance(node.this, exp.Query):
            yield Nested("exists", node, node.this, clause, join)
        elif isinstance(node, exp.In) and node.args.get("query") is not None:
            yield Nested("in", node, node.args["query"], clause, join)
        elif isinstance(node, exp.Any | exp.All) and isinstance(node.this, exp.Query):
            if node.parent is not None:
                kind: Kind = "any" if isinstance(node, exp.Any) else "all"
                yield Nested(kind, node.parent, node.this, clause, join)
        elif isinstance(node, exp.Query):
            parent = node.parent
            inside = isinstance(parent, exp.Exists | exp.Any | exp.All)
            if not inside and not (isinstance(parent, exp.In) and node.arg_key == "query"):
                yield Nested("scalar", node, node, clause, join)


def engine_plans(nested: Nested, outer: OuterColumns, around: Scope) -> bool:
    """Whether the engine plans this, and answers it rightly.

    Args:
        outer: the columns that it takes from outside.
        around: the scope of the query that it stands in.
    """
    if not outer:
        return _plans_alone(nested) and not _moves_below_aggregates(nested)
    query = _unwrapped(nested.query)
    if nested.clause not in ("where", "having", "select") or not isinstance(query, exp.Select):
        return False
    if not _is_simple(query, outer, around) or _has_namesakes(query, outer):
        return False
    match nested.kind:
        case "exists" if nested.clause != "select":
            return not is_aggregated(query)
        case "in" if nested.clause == "where" or isinstance(nested.node.this, exp.Column):
            if nested.clause == "select":
                return False
            return nested.filters and not is_aggregated(query) and not query.args.get("distinct")
        case "scalar":
            grouped = query.args.get("group") or query.args.get("having")
            plain = not grouped and not query.args.get("distinct") and is_aggregated(query)
            return plain and keyed_conditions(query, outer) is not None and not nested.in_aggregate
    return False


def _plans_alone(nested: Nested) -> bool:
    inner_join = nested.join is not None and not nested.join.side
    match nested.kind:
        case "scalar":
            return True
        case "exists":
            # In a join's condition it plans one that filters, and none that is a part of a value.
            in_condition = nested.clause == "on" and (nested.filters or nested.must_be)
            return nested.clause in ("where", "having") or in_condition
        case "in":
            if isinstance(nested.node.this, exp.Tuple):
                return False
            if nested.clause == "qualify":
                return nested.filters
            if nested.clause not in ("where", "having") and not inner_join:
                return False
            # Beside a constant it filters the query's rows, and so loses their NULLs.
            return nested.filters or (nested.must_be and _names_a_column(nested.node.this))
    return nested.clause == "where"


def _moves_below_aggregates(nested: Nested) -> bool:
    """Whether it filters, and names no column, what may count all rows: the engine would leave out
    those rows, and not their count."""
    if nested.kind != "scalar" or nested.clause not in ("where", "having"):
        return False
    part, select = nested.node, nested.node.find_ancestor(exp.Select)
    while isinstance(part.parent, exp.Expr) and not isinstance(part.parent, exp.Where | exp.Having):
        part = part.parent
    alone = [p for p in conjuncts(part) if any(node is nested.node for node in own_nodes(p))]
    if select is None or any(map(_names_a_column, alone)):
        return False
    if nested.clause == "having":
        return is_of_all_rows(select)
    return any(map(reads_of_all_rows, sources_of(select)))


def _names_a_column(value: exp.Expr) -> bool:
    return any(isinstance(node, exp.Column) for node in own_nodes(value))


def _unwrapped(query: exp.Expr) -> exp.Expr:
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    return query


def _is_simple(query: exp.Select, outer: OuterColumns, around: Scope) -> bool:
    """It is over inner joins and takes columns of the next query outside, in WHERE only."""
    if any(scope is not around for _, scope in outer):
        return False
    if any(query.args.get(a) for a in ("with_", "limit", "offset", "qualify", "windows")):
        return False
    if any(isinstance(n, exp.Window) for e in query.expressions for n in own_nodes(e)):
        return False
    distinct = query.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        return False
    if any(join.side or join.method for join in query.args.get("joins") or ()):
        return False
    where = query.args.get("where")
    return where is not None and all(_stands_in(column, where) for column, _ in outer)


def _has_namesakes(query: exp.Select, outer: OuterColumns) -> bool:
    """Whether its conditions on outer columns name two of its own columns that are called alike.

    The engine pulls them out of the query under their names alone, and takes one for the other.
    """
    outside = {id(column) for column, _ in outer}
    tables: dict[str, list[str]] = {}
    where = query.args.get("where")
    parts = conjuncts(where.this if where is not None else None)
    asking = [p for p in parts if any(id(node) in outside for node in p.walk())]
    for part in (*asking, *query.expressions):
        for node in part.find_all(exp.Column):
            if id(node) not in outside and not isinstance(node.this, exp.Star):
                table = [named(part) for part in node.parts[:-1]]
                if tables.setdefault(named(node.this), table) != table:
                    return True
    return False


def _stands_in(column: exp.Expr, where: exp.Expr) -> bool:
    node: exp.Expr | None = column
    while node is not None and node is not where:
        if isinstance(node, exp.Query):
            return False
        node = node.parent
    return node is where


def keyed_conditions(
    query: exp.Expr, outer: OuterColumns
) -> list[tuple[exp.Expr, exp.Column, exp.Expr]] | None:
    """The conditions `own column = something of outside`, if it takes nothing else from there.

    Returns:
        for each the condition, the own column and what it must equal; None when there is another.
    """
    where = query.args.get("where")
    ids = {id(column) for column, _ in outer}
    found: list[tuple[exp.Expr, exp.Column, exp.Expr]] = []
    for part in conjuncts(where.this if where is not None else None):
        columns = [n for n in part.walk() if isinstance(n, exp.Column)]
        outside = [c for c in columns if id(c) in ids]
        if not outside:
            continue
        ids -= {id(c) for c in outside}
        if not isinstance(part, exp.EQ) or part.find(exp.Query):
            return None
        for own, other in ((part.this, part.expression), (part.expression, part.this)):
            others = [c for c in other.walk() if isinstance(c, exp.Column)]
            if not isinstance(own, exp.Column) or any(own is column for column in outside):
                continue
            if {id(c) for c in others} == {id(c) for c in outside}:
                found.append((part, own, other))
                break
        else:
            return None
    return None if ids else found
