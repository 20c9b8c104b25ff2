"""Inputs of a union that are no plain SELECT become one, to which the engine gives its names.

    SELECT a, b FROM t WHERE false UNION ALL (SELECT b, a FROM u LIMIT 9)
    SELECT a, b FROM t WHERE false UNION ALL SELECT * FROM (SELECT b, a FROM u LIMIT 9) AS q

Rules of DataFusion 55 that take a union apart look for its columns by their names in its inputs. Of
a SELECT the columns have these names by then; of what is limited, sorted or distinct they have
their own, and others are taken for them. Owns that rewrite, and which text may want it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from planner.desugar.names import Names
from planner.desugar.tree import FreshNames, bare, quoted

_UNNAMED = frozenset(
    ("DISTINCT", "ORDER", "LIMIT", "OFFSET", "FETCH", "VALUES", "TABLE", "EXCEPT", "INTERSECT")
)
_HELD = ("order", "limit", "offset")
_SOURCES = ("from_", "joins", "with_")


def may_be_unnamed(words: Sequence[str]) -> bool:
    """Whether a union may have such an input.

    >>> may_be_unnamed("SELECT A UNION ( SELECT B LIMIT 1 )".split())
    True
    """
    return not _UNNAMED.isdisjoint(words)


def name_inputs(root: exp.Expr, _: Names, fresh: FreshNames) -> bool:
    """Select all of each of them; whether there was one. Those of subqueries have one column."""
    found = [
        side
        for union in root.find_all(exp.Union)
        if not _is_of_expression(union)
        for side in (union.this, union.expression)
        if not _is_plain(side) and not _has_untyped(side)
    ]
    for side in reversed(found):
        alias = exp.TableAlias(this=quoted(fresh.next("t")))
        inner = side.this if isinstance(side, exp.Subquery) else side
        source = exp.Subquery(this=inner.copy(), alias=alias)
        side.replace(exp.Select(expressions=[exp.Star()], from_=exp.From(this=source)))
    return bool(found)


def _is_plain(query: exp.Expr) -> bool:
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    if any(query.args.get(part) is not None for part in _HELD):
        return False
    if isinstance(query, exp.Select):
        source = query.args.get("from_")
        values = source is not None and isinstance(source.this, exp.Values)
        return query.args.get("distinct") is None and not values
    return isinstance(query, exp.Union)


def _has_untyped(query: exp.Expr) -> bool:
    """Whether a column is a bare NULL, which gets its type of the union around it, if of any."""
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    return isinstance(query, exp.Select) and any(
        isinstance(bare(output), exp.Null) for output in query.expressions
    )


def _is_of_expression(node: exp.Expr) -> bool:
    """Whether a query is a subquery, whose columns may be those of a query around it."""
    while (parent := node.parent) is not None:
        if isinstance(parent, exp.Lateral):
            return True
        if isinstance(parent, exp.Select) and node.arg_key not in _SOURCES:
            return True
        node = parent
    return False
