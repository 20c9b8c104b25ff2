"""Conditions of a LEFT JOIN that ask only its right side, as a filter of that side.

    p LEFT JOIN depts d ON p.dept = d.id AND d.id IN (SELECT k FROM solid)

    p LEFT JOIN (SELECT * FROM depts d WHERE d.id IN (SELECT k FROM solid)) d ON p.dept = d.id

A row of the right that fails such a condition meets no row of the left, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from planner.desugar.around import Around
from planner.desugar.correlation import outer_columns
from planner.desugar.names import Names, alias_of
from planner.desugar.subqueries import Nested, nested_in
from planner.desugar.tree import all_of, conjuncts, own_nodes, quoted


def filter_right_sides(
    around: Around, names: Names, left_to_the_engine: Callable[[Nested], bool]
) -> bool:
    """Move the conditions with a subquery that the engine does not plan; whether there was one."""
    changed = False
    for nested in list(nested_in(around.select)):
        join = nested.join
        if join is None or join.side != "LEFT" or join.kind or left_to_the_engine(nested):
            continue
        source, alias = join.this, alias_of(join.this)
        if not around.scope.tells(alias) or not isinstance(source, exp.Table | exp.Subquery):
            continue
        parts = conjuncts(join.args.get("on"))
        asking = [p for p in parts if any(node is nested.node for node in p.walk())]
        if len(asking) != 1 or not _asked(asking[0], around, names) <= {alias}:
            continue
        filtered = exp.Select(
            expressions=[exp.Star()],
            from_=exp.From(this=source.copy()),
            where=exp.Where(this=asking[0].copy()),
        )
        named = exp.TableAlias(this=quoted(alias))
        join.set("this", exp.Subquery(this=filtered, alias=named))
        rest = [p for p in parts if p is not asking[0]]
        join.set("on", all_of(rest) if rest else exp.true())
        changed = True
    return changed


def _asked(part: exp.Expr, around: Around, names: Names) -> set[str]:
    """The sources that a condition asks, itself and in its subqueries; '?' for those outside."""
    found = set()
    for node in own_nodes(part):
        if isinstance(node, exp.Column):
            scope, alias = around.scope.holder(node)
            found.add(alias if scope is around.scope else "?")
        elif isinstance(node, exp.Query):
            for column, scope in outer_columns(node, around.scope, names, around.ctes):
                alias = around.scope.holder(column)[1] if scope is around.scope else "?"
                found.add(alias)
    return found
