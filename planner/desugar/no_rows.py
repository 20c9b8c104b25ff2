"""A query that stands for one value and has no row: it is NULL, which the engine may rule out.

DataFusion 55 says that `(SELECT k FROM t WHERE …)` is never NULL where k is NOT NULL: `IS NULL` of
it is folded to false, and an answer that holds it fails. So its column is made one that may be:

    (SELECT nullif(t.k, NULL) FROM (SELECT k FROM t WHERE …) t)

`nullif(x, NULL)` is x, of its type, and the engine does not see through it.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.desugar.around import Ctes
from planner.desugar.engine_functions import is_aggregated, makes_rows
from planner.desugar.names import Names
from planner.desugar.text import text_of
from planner.desugar.tree import FreshNames, aliased, bare, column, quoted


def null_without_rows(node: exp.Expr, names: Names, ctes: Ctes, fresh: FreshNames) -> bool:
    """Make an uncorrelated query that is one value NULL where it has no row; whether it was not."""
    query = node.this if type(node) is exp.Subquery and len(_given(node)) == 1 else node
    if isinstance(query, exp.Select) and (_has_a_row(query) or len(query.expressions) != 1):
        return False
    if _may_be_null(query, names, ctes):
        return False
    inside, name = fresh.next("v"), _name_of(query)
    alias = exp.TableAlias(this=quoted(fresh.next("t")), columns=[quoted(inside)])
    value = exp.Anonymous(this="nullif", expressions=[column(inside), exp.null()])
    select = exp.Select(
        expressions=[aliased(value, name) if name else value],
        from_=exp.From(this=exp.Subquery(this=query.copy(), alias=alias)),
    )
    node.replace(exp.Subquery(this=select))
    return True


def _given(node: exp.Expr) -> list[str]:
    return [key for key, value in node.args.items() if value]


def _has_a_row(query: exp.Select) -> bool:
    """Whether it has one whatever the data."""
    if any(query.args.get(a) for a in ("having", "qualify", "limit", "offset", "group")):
        return False
    if makes_rows(query):
        return False
    alone = query.args.get("from_") is None and query.args.get("where") is None
    return alone or is_aggregated(query)


def _may_be_null(query: exp.Expr, names: Names, ctes: Ctes) -> bool:
    """Whether the engine knows that its column may be NULL."""
    if isinstance(query, exp.Select):
        value = bare(query.expressions[0])
        if isinstance(value, exp.Null):
            return True
        if isinstance(value, exp.Anonymous) and value.name.lower() == "nullif":
            return True
    known = names.columns(query, ctes)
    fields = [field for field in (known or {}).values() if field is not None]
    # Beside an outer join every column is said to be one that may be NULL.
    told = not any(join.side for join in query.root().find_all(exp.Join))
    if told and len(fields) == 1:
        return bool(fields[0].nullable)
    types = names.types_of(query)
    # Of these `nullif` gives another type.
    return types is not None and any(
        pa.types.is_null(type_) or pa.types.is_dictionary(type_) for type_ in types
    )


def _name_of(query: exp.Expr) -> str:
    while isinstance(query, exp.SetOperation | exp.Subquery | exp.Paren):
        query = query.this
    if not isinstance(query, exp.Select) or query.expressions[0].is_star:
        return ""
    first = query.expressions[0]
    return first.alias_or_name or text_of(bare(first).copy())
