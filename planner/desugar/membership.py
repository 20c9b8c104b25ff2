"""IN, ANY and ALL over a query as EXISTS.

`x op ANY (q)` is true where a row of q makes `x op y` true; else unknown where one makes it
unknown; else false, also over no rows. `x op ALL (q)` is the opposite of `x (not op) ANY (q)`,
because NOT keeps unknown. `x IN (q)` is `x = ANY (q)`. Where unknown is as good as false, the first
EXISTS says it all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from planner.desugar.engine_functions import is_aggregated, is_stable, makes_rows, repeats
from planner.desugar.names import Scope, alias_of, sources_of
from planner.desugar.row_values import parts_of
from planner.desugar.subqueries import Nested
from planner.desugar.tree import (
    FreshNames,
    NoRewriteError,
    all_of,
    any_of,
    bare,
    column,
    conjuncts,
    named,
    output_of,
    own_nodes,
    quoted,
)

_OPPOSITE: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}


def as_exists(nested: Nested, around: Scope, fresh: FreshNames) -> exp.Expr:
    """The condition in terms of EXISTS.

    Args:
        around: the scope of the query that it stands in.

    Raises:
        NoRewriteError: for another comparison than those of SQL.
    """
    node = nested.node
    operator: type[exp.Expr] = exp.EQ if nested.kind == "in" else type(node)
    if operator not in _OPPOSITE or not isinstance(node.this, exp.Expr):
        raise NoRewriteError("this comparison with ANY or ALL of a query", node)
    if any(isinstance(part, exp.Window) for part in own_nodes(node)):
        raise NoRewriteError("IN, ANY or ALL of a query over a window function", node)
    if nested.kind == "all":
        operator = _OPPOSITE[operator]
    values = parts_of(node.this) or [node.this]
    if len(values) > 1 and operator not in (exp.EQ, exp.NEQ):
        raise NoRewriteError("this comparison of a row with ANY or ALL of a query", node)
    values = [_qualified(value, around) for value in values]
    filters = nested.filters and nested.kind != "all"
    if not all(map(is_stable, values)) or not (filters or _read_alike(nested.query)):
        raise NoRewriteError("IN, ANY or ALL with rows that may be others when read again", node)
    true = _exists(nested, fresh, values, lambda e: _compared(operator, values, e))
    if filters:
        return true
    null = exp.Cast(this=exp.null(), to=exp.DataType.build("boolean"))
    cases = [exp.If(this=true, true=exp.true())]
    if len(values) == 1:
        # The comparison is unknown where one side is NULL. Apart, the parts need no comparison of
        # every value with every row.
        some_row = _exists(nested, fresh, [], lambda _: None)
        missing = exp.Is(this=_operand(values[0].copy()), expression=exp.null())
        cases.append(exp.If(this=exp.And(this=missing, expression=some_row), true=null))
        some_null = _exists(nested, fresh, [], lambda e: exp.Is(this=e[0], expression=exp.null()))
        cases.append(exp.If(this=some_null, true=null.copy()))
    else:
        unknown = _exists(nested, fresh, values, lambda e: _is_null(_compared(operator, values, e)))
        cases.append(exp.If(this=unknown, true=null))
    some: exp.Expr = exp.Case(ifs=cases, default=exp.false())
    return exp.Paren(this=exp.Not(this=some)) if nested.kind == "all" else some


def _exists(
    nested: Nested,
    fresh: FreshNames,
    values: Sequence[exp.Expr],
    condition: Callable[[list[exp.Expr]], exp.Expr | None],
) -> exp.Exists:
    """EXISTS of the query's rows that meet a condition on its columns.

    Args:
        values: what else the condition names, of the query around.
    """
    query = nested.query.copy()
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    width = len(parts_of(nested.node.this) or [nested.node.this])
    if isinstance(query, exp.Select) and _takes_conditions(query) and not _hides(query, values):
        elements = [bare(output).copy() for output in query.expressions]
        query.set("expressions", [exp.Literal.number(1)])
        query.set("order", None)
        query.set("distinct", None)
    else:
        names = [fresh.next("e") for _ in range(width)]
        alias = exp.TableAlias(this=quoted(fresh.next("t")), columns=[quoted(n) for n in names])
        elements = [column(name, alias.name) for name in names]
        query = exp.Select(
            expressions=[exp.Literal.number(1)],
            from_=exp.From(this=exp.Subquery(this=query, alias=alias)),
        )
    if len(elements) != width:
        raise NoRewriteError("a comparison with a query of other columns", nested.node)
    if (added := condition([_operand(e) for e in elements])) is not None:
        where = query.args.get("where")
        parts = [*conjuncts(where.this if where is not None else None), added]
        query.set("where", exp.Where(this=all_of(parts)))
    return exp.Exists(this=query)


def _compared(
    operator: type[exp.Expr], values: Sequence[exp.Expr], elements: Sequence[exp.Expr]
) -> exp.Expr:
    pairs = [
        operator(this=_operand(value.copy()), expression=element.copy())
        for value, element in zip(values, elements, strict=True)
    ]
    return any_of(pairs) if operator is exp.NEQ else all_of(pairs)


def _qualified(value: exp.Expr, around: Scope) -> exp.Expr:
    """The value with each column's table before it: inside the query its name may be another's."""
    value = value.copy()
    for node in value.find_all(exp.Column):
        if node.find_ancestor(exp.Query) is None and not node.table:
            _, alias = around.holder(node)
            if around.tells(alias):
                node.set("table", quoted(alias))
    return value


def _read_alike(query: exp.Expr) -> bool:
    """Whether it has as many rows, and NULLs among them, each time that it is read."""
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    if repeats(query) or not is_stable(query) or not isinstance(query, exp.Select):
        return repeats(query)
    read = query.copy()
    order = read.args.get("order")
    if read.args.get("limit") is not None or read.args.get("offset") is not None:
        # The first by all of its columns are the same, whatever order equal rows have.
        keys = [output_of(read, key.this) for key in order.expressions] if order else []
        if any(bare(output) not in keys for output in read.expressions):
            return False
    if is_aggregated(read):
        read.set("expressions", [exp.Literal.number(1)])
    for part in ("order", "limit", "offset"):
        read.set(part, None)
    return repeats(read)


def _hides(query: exp.Select, values: Sequence[exp.Expr]) -> bool:
    """Whether the query's own names stand before those of the values."""
    own = {alias_of(source) for source in sources_of(query)}
    columns = [node for value in values for node in value.find_all(exp.Column)]
    return any(not node.table or named(node.args["table"]) in own for node in columns)


def _takes_conditions(query: exp.Select) -> bool:
    """Whether a condition on its columns can stand in its own WHERE."""
    if is_aggregated(query) or makes_rows(query):
        return False
    if any(output.is_star for output in query.expressions) or query.find(exp.Window):
        return False
    distinct = query.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        return False
    return not any(query.args.get(a) for a in ("limit", "offset", "qualify", "with_"))


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=exp.Paren(this=node), expression=exp.null())


def _operand(node: exp.Expr) -> exp.Expr:
    whole = (exp.Column, exp.Literal, exp.Paren, exp.Anonymous, exp.Null)
    return node if isinstance(node, whole) else exp.Paren(this=node)
