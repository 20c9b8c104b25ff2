"""max and min of floats that become those of groups, where DataFusion 55 takes NaN for any number.

By itself a query's `max(x)` is NaN where there is one, and its `min(x)` only where there is nothing
else. Of groups, what comes after a NaN takes its place. So each kind is asked by itself:

    max(x)   coalesce(max(x) FILTER (WHERE isnan(x)), max(x))
    min(x)   coalesce(min(x) FILTER (WHERE NOT isnan(x)), min(x))
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from planner.desugar.around import Around
from planner.desugar.engine_functions import aggregates_of
from planner.desugar.names import Names
from planner.desugar.tree import NoRewriteError, all_of, conjuncts


def extremes_of_floats(query: exp.Expr, names: Names, around: Around) -> list[exp.Expr]:
    """The aggregates of a query, and of those in it, that give one row without groups."""
    found: list[exp.Expr] = []
    for select in query.find_all(exp.Select):
        if select.args.get("group") is None:
            scope = names.scope(select, around.scope, around.ctes)
            for node in aggregates_of(select):
                value = node.expressions[0] if len(node.expressions) == 1 else None
                if node.name.lower() not in ("max", "min") or not isinstance(value, exp.Column):
                    continue
                try:
                    type_ = scope.type_of(value)
                except NoRewriteError:
                    continue
                if type_ is not None and pa.types.is_floating(type_):
                    found.append(node)
    return found


def write_extremes(aggregates: Sequence[exp.Expr]) -> None:
    """Ask for NaN and for numbers apart, in place."""
    for node in aggregates:
        whole = node.parent if isinstance(node.parent, exp.Filter) else node
        condition: exp.Expr = exp.Anonymous(this="isnan", expressions=[node.expressions[0].copy()])
        if node.name.lower() == "min":
            condition = exp.Not(this=condition)
        given = conjuncts(whole.expression.this) if isinstance(whole, exp.Filter) else []
        parts = [*(part.copy() for part in given), condition]
        first = exp.Filter(this=node.copy(), expression=exp.Where(this=all_of(parts)))
        either = exp.Anonymous(this="coalesce", expressions=[first, whole.copy()])
        whole.replace(either)
