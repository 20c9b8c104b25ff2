"""PIVOT and UNPIVOT as the queries that they stand for.

people PIVOT (sum(pay) FOR dept IN (1, 2 AS two))

(SELECT id, sum(pay) FILTER (WHERE dept = 1) AS "1", sum(pay) FILTER (WHERE dept = 2) AS two
   FROM people GROUP BY id)

nums UNPIVOT (v FOR n IN (a, b))

(SELECT *, CASE i WHEN 1 THEN a WHEN 2 THEN b END AS v
   FROM nums CROSS JOIN (VALUES (1, 'a'), (2, 'b')) AS u(i, n)) without a, b, and NULLs of v
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from planner.desugar.engine_functions import is_aggregate, is_stable
from planner.desugar.names import Names, alias_of
from planner.desugar.tree import (
    FreshNames,
    NoRewriteError,
    aliased,
    bare,
    bracketed,
    column,
    named,
    quoted,
)


def write_pivots(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Rewrite each PIVOT and UNPIVOT in FROM, innermost first; whether there was one.

    Columns are named as DuckDB names them: by the value, and by the aggregate's alias after it.

    Raises:
        NoRewriteError: when the table's columns cannot be told, and for values that are none.
    """
    sources = [node for node in root.find_all(exp.Table, exp.Subquery) if node.args.get("pivots")]
    for source in reversed(sources):
        ctes = names.ctes_around(source)
        pivots = source.args["pivots"]
        if len(pivots) > 1:
            raise NoRewriteError("several PIVOTs of one table", pivots[1])
        pivot = pivots[0]
        given = source.copy()
        given.set("pivots", None)
        joins = given.args.get("joins")
        given.set("joins", None)
        columns = names.columns_of_source(given, ctes)
        if columns is None:
            raise NoRewriteError("PIVOT of columns that are not known", pivot)
        if pivot.args.get("unpivot"):
            query = _unpivot(pivot, given, list(columns), fresh)
        else:
            query = _pivot(pivot, given, list(columns))
        alias = pivot.args.get("alias") or exp.TableAlias(
            this=quoted(alias_of(given) or fresh.next("p"))
        )
        source.replace(exp.Subquery(this=query, alias=alias, joins=joins))
    return bool(sources)


def _pivot(pivot: exp.Pivot, source: exp.Expr, columns: Sequence[str]) -> exp.Select:
    aggregates = pivot.expressions
    if any(not is_aggregate(bare(a)) or not is_stable(a) for a in aggregates):
        raise NoRewriteError("PIVOT of what is no aggregate", pivot)
    wanted = _field(pivot)
    if not isinstance(wanted.this, exp.Column) or pivot.args.get("default_on_null"):
        raise NoRewriteError("PIVOT of this form", pivot)
    used = {named(c.this) for part in (*aggregates, wanted.this) for c in part.find_all(exp.Column)}
    group = pivot.args.get("group")
    if group is not None:
        keys: list[exp.Expr] = [key.copy() for key in group.expressions]
    else:
        keys = [column(name) for name in columns if name not in used]
    outputs = [key.copy() for key in keys]
    for value in wanted.expressions:
        literal, name = _value(value, pivot)
        for aggregate in aggregates:
            same = exp.EQ(this=wanted.this.copy(), expression=literal.copy())
            call = exp.Filter(this=bare(aggregate).copy(), expression=exp.Where(this=same))
            suffix = _suffix(aggregate, alone=len(aggregates) == 1)
            outputs.append(aliased(call, name + suffix))
    select = exp.Select(expressions=outputs, from_=exp.From(this=source))
    if keys:
        select.set("group", exp.Group(expressions=keys))
    return select


def _suffix(aggregate: exp.Expr, *, alone: bool) -> str:
    if isinstance(aggregate, exp.Alias):
        return f"_{named(aggregate.args['alias'])}"
    return "" if alone else f"_{aggregate.sql()}"


def _field(pivot: exp.Pivot) -> exp.In:
    fields = pivot.args.get("fields") or []
    if len(fields) != 1 or not isinstance(fields[0], exp.In) or not fields[0].expressions:
        raise NoRewriteError("PIVOT over this list of values", pivot)
    return fields[0]


def _value(value: exp.Expr, pivot: exp.Pivot) -> tuple[exp.Expr, str]:
    """A value of the pivoted column, and the name of its column."""
    inner = value.this if isinstance(value, exp.PivotAlias) else value
    literal = inner.this if isinstance(inner, exp.Neg | exp.Cast) else inner
    if not isinstance(literal, exp.Literal | exp.Boolean):
        raise NoRewriteError("PIVOT over a value that is no constant", pivot)
    if isinstance(value, exp.PivotAlias):
        return bracketed(inner), _label(value.args["alias"])
    return bracketed(inner), literal.name if inner is literal else inner.sql()


def _label(alias: exp.Expr) -> str:
    return named(alias) if isinstance(alias, exp.Identifier) else str(alias.name)


def _unpivot(
    pivot: exp.Pivot, source: exp.Expr, columns: Sequence[str], fresh: FreshNames
) -> exp.Select:
    wanted = _field(pivot)
    value = pivot.expressions[0] if len(pivot.expressions) == 1 else None
    if not isinstance(value, exp.Identifier) or not isinstance(wanted.this, exp.Identifier):
        raise NoRewriteError("UNPIVOT into several columns", pivot)
    taken: list[exp.Column] = []
    labels: list[str] = []
    for part in wanted.expressions:
        inner = part.this if isinstance(part, exp.PivotAlias) else part
        if not isinstance(inner, exp.Column) or named(inner.this) not in columns:
            raise NoRewriteError("UNPIVOT of what is no column of the table", pivot)
        taken.append(inner)
        labels.append(
            _label(part.args["alias"]) if isinstance(part, exp.PivotAlias) else named(inner.this)
        )
    number, rows, inside = fresh.next("i"), fresh.next("u"), fresh.next("t")
    cases = [
        exp.If(this=exp.Literal.number(n), true=column(named(c.this)))
        for n, c in enumerate(taken, start=1)
    ]
    left = [name for name in columns if name not in {named(c.this) for c in taken}]
    label, result = named(wanted.this), named(value)
    values = exp.Values(
        expressions=[
            exp.Tuple(expressions=[exp.Literal.number(n), exp.Literal.string(text)])
            for n, text in enumerate(labels, start=1)
        ],
        alias=exp.TableAlias(this=quoted(rows), columns=[quoted(number), quoted(label)]),
    )
    chosen = exp.Case(this=column(number, rows), ifs=cases)
    read = exp.Select(
        expressions=[
            *(column(name) for name in left),
            column(label, rows),
            aliased(chosen, result),
        ],
        from_=exp.From(this=source),
        joins=[exp.Join(this=values, kind="CROSS")],
    )
    select = exp.Select(
        expressions=[column(name) for name in (*left, label, result)],
        from_=exp.From(this=exp.Subquery(this=read, alias=exp.TableAlias(this=quoted(inside)))),
    )
    if not pivot.args.get("include_nulls"):
        missing = exp.Is(this=column(result), expression=exp.null())
        select.set("where", exp.Where(this=exp.Not(this=missing)))
    return select
