"""What the engine's functions are: which aggregate, and which give something else each time."""

from __future__ import annotations

import functools

import datafusion
from sqlglot import exp

from planner.desugar.tree import bare, named, own_nodes

_SETS = (exp.GroupingSets, exp.Rollup, exp.Cube)
_VOLATILE = frozenset({"random", "rand", "uuid", "gen_random_uuid"})
_ORDERLESS = frozenset({"count", "min", "max", "bool_and", "bool_or", "bit_and", "bit_or"})


@functools.cache
def aggregate_names() -> frozenset[str]:
    """The names of the engine's aggregates."""
    settings = datafusion.SessionConfig().with_information_schema(True)
    found = datafusion.SessionContext(settings).sql(
        "SELECT DISTINCT routine_name FROM information_schema.routines"
        " WHERE function_type = 'AGGREGATE'"
    )
    return frozenset(found.to_arrow_table()["routine_name"].to_pylist())


def is_aggregate(node: exp.Expr) -> bool:
    """Whether this is a call of an aggregate over groups, and not over a window."""
    if not isinstance(node, exp.Anonymous) or node.name.lower() not in aggregate_names():
        return False
    parent = node.parent
    while isinstance(parent, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        parent = parent.parent
    return not (isinstance(parent, exp.Window) and parent.arg_key != "windows")


def is_aggregated(select: exp.Select) -> bool:
    """Whether its rows are groups."""
    if select.args.get("group") or select.args.get("having"):
        return True
    return bool(aggregates_of(select))


def is_of_all_rows(select: exp.Select) -> bool:
    """Whether it aggregates all rows, so that it has one where there are none."""
    group = select.args.get("group")
    keys = group.expressions if group is not None else []
    return any(isinstance(k, _SETS) for k in keys) or (not keys and is_aggregated(select))


def reads_of_all_rows(query: exp.Expr) -> bool:
    """Whether such a query is in it, or is read by its name."""
    seen: set[str] = set()
    waiting = [query]
    while waiting:
        part = waiting.pop()
        if any(map(is_of_all_rows, part.find_all(exp.Select))):
            return True
        names = {named(t.this) for t in part.find_all(exp.Table) if not t.db} - seen
        seen |= names
        ctes = query.root().find_all(exp.CTE) if names else ()
        waiting += [cte.this for cte in ctes if named(cte.args["alias"].this) in names]
    return False


def aggregates_of(select: exp.Select) -> list[exp.Expr]:
    """The aggregates over this query's own groups."""
    order, qualify = select.args.get("order"), select.args.get("qualify")
    having = select.args.get("having")
    clauses = [*select.expressions, *(c for c in (having, order, qualify) if c is not None)]
    return [node for clause in clauses for node in own_nodes(clause) if is_aggregate(node)]


def is_stable(tree: exp.Expr) -> bool:
    """Whether no function in it gives something else each time that it is called."""
    calls = (node for node in tree.walk() if isinstance(node, exp.Anonymous))
    return not any(call.name.lower() in _VOLATILE for call in calls)


def repeats(tree: exp.Expr) -> bool:
    """Whether it has the same rows each time it is read: then it may be read twice.

    Sums of floats and what takes the first of several rows depend on the order in which rows come.
    """
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            name = node.name.lower()
            if name in _VOLATILE or (name in aggregate_names() and name not in _ORDERLESS):
                return False
        if isinstance(node, exp.Limit | exp.Fetch | exp.Offset | exp.Window | exp.TableSample):
            return False
        if isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            return False
    return True


def makes_rows(select: exp.Select) -> bool:
    """Whether a call among its columns gives several rows for one."""
    calls = (n for e in select.expressions for n in own_nodes(e) if isinstance(n, exp.Anonymous))
    return any(call.name.lower() == "unnest" for call in calls)


def is_null_on_nothing(expression: exp.Expr) -> bool:
    """Whether this aggregate is NULL over no rows."""
    inner = bare(expression)
    if isinstance(inner, exp.Filter):
        inner = inner.this
    return isinstance(inner, exp.Anonymous) and inner.name.lower() in _NULL_ON_NOTHING


def is_count(expression: exp.Expr) -> bool:
    """Whether this is a count, which is 0 over no rows."""
    inner = bare(expression)
    if isinstance(inner, exp.Filter):
        inner = inner.this
    return isinstance(inner, exp.Anonymous) and inner.name.lower() == "count"


_NULL_ON_NOTHING = frozenset(
    {"max", "min", "sum", "avg", "mean", "median", "bool_and", "bool_or", "string_agg", "array_agg"}
)
