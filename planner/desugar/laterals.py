"""LATERAL queries that the engine cannot plan, as joins with their rows for every outer value.

Each row of the query around meets the rows of its own key.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from planner.desugar.answers import bound_keys
from planner.desugar.around import Around
from planner.desugar.correlation import outer_columns
from planner.desugar.dependent import cross_where_comma
from planner.desugar.engine_functions import is_stable
from planner.desugar.growth import Growth, Part
from planner.desugar.names import Names, Scope, alias_of
from planner.desugar.outputs import leave_out, name_outputs
from planner.desugar.subqueries import Nested, engine_plans
from planner.desugar.tree import FreshNames, NoRewriteError, all_of, column, conjuncts, quoted


def write_laterals(
    around: Around, names: Names, fresh: FreshNames, growth: Growth, *, trusting: bool
) -> bool:
    """Rewrite the lateral queries in FROM, from left to right; whether there was one.

    Args:
        growth: counts what is added.
        trusting: whether what the engine is known to plan is left to it.

    Raises:
        NoRewriteError: for a form that cannot be rewritten.
        SizeLimitError: when the statement has become too long.
    """
    changed = False
    joins: list[exp.Join] = list(around.select.args.get("joins") or ())
    for at, join in enumerate(joins):
        lateral = join.this
        if not isinstance(lateral, exp.Lateral) or not isinstance(lateral.this, exp.Subquery):
            continue
        outer = outer_columns(lateral.this, around.scope, names, around.ctes)
        nested = Nested("exists", lateral, lateral.this, "where", join)
        if not outer or (trusting and _engine_plans(nested, outer, around.scope)):
            continue
        changed = True
        if any(scope is not around.scope for _, scope in outer):
            raise NoRewriteError("LATERAL with columns of a query further out", lateral)
        if join.side not in ("", "LEFT") or any(j.side in ("RIGHT", "FULL") for j in joins):
            raise NoRewriteError("LATERAL beside a RIGHT or FULL JOIN", lateral)
        if join.args.get("using") or join.method:
            raise NoRewriteError("LATERAL with USING", lateral)
        if not is_stable(lateral):
            raise NoRewriteError("a random value in a LATERAL query", lateral)
        before = Part.of(join)
        _join(around, joins, at, outer, fresh)
        growth.replaced(before, join)
        around.scope = names.scope(around.select, around.scope.parent, around.ctes)
    return changed


def _join(
    around: Around,
    joins: Sequence[exp.Join],
    at: int,
    outer: Sequence[tuple[exp.Column, Scope]],
    fresh: FreshNames,
) -> None:
    join = joins[at]
    lateral = join.this
    query = lateral.this.this
    if isinstance(query, exp.Select):
        name_outputs(query)
    before = Around(around.select, around.scope, around.ctes, joins[:at])
    keys, columns, dependent = bound_keys(before, outer, fresh, lateral)
    rows = dependent.over(lateral.this)
    alias = lateral.args.get("alias") or exp.TableAlias(this=quoted(fresh.next("l")))
    if alias.columns:
        alias.set("columns", [*alias.columns, *(quoted(key) for key in keys)])
    join.set("this", exp.Subquery(this=rows, alias=alias))
    name = alias_of(join.this)
    on = [
        same(c.copy(), column(key, name))
        for same, c, key in zip(dependent.same, columns, keys, strict=True)
    ]
    for other in joins:
        cross_where_comma(other)
    join.set("kind", None)
    join.set("on", all_of([*on, *conjuncts(join.args.get("on"))]))
    leave_out(around.select, name, keys)


def _engine_plans(nested: Nested, outer: Sequence[tuple[exp.Column, Scope]], around: Scope) -> bool:
    query = nested.query
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    if not isinstance(query, exp.Select) or query.args.get("distinct"):
        return False
    as_scalar = Nested("scalar", nested.node, query, "select", nested.join)
    return engine_plans(nested, outer, around) or engine_plans(as_scalar, outer, around)
