"""Subqueries that the engine cannot plan, as joins with their answers.

    SELECT id, (SELECT max(k) FROM solid WHERE k < p.id) FROM people p

    SELECT id, a.v FROM people p LEFT JOIN (…) a ON p.id = a.key

The answers have one row for each value of the outer columns that has rows, so that the join keeps
every row of the query around, once. How they are found is `answers`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from planner.desugar.answers import answers_of
from planner.desugar.around import Around, Ctes
from planner.desugar.correlation import outer_columns
from planner.desugar.engine_functions import is_aggregated, is_stable
from planner.desugar.groups import lift_groups
from planner.desugar.growth import Growth, Part
from planner.desugar.laterals import write_laterals
from planner.desugar.membership import as_exists
from planner.desugar.names import Names, Scope, sources_of
from planner.desugar.no_rows import null_without_rows
from planner.desugar.outer_joins import filter_right_sides
from planner.desugar.outputs import name_output
from planner.desugar.subqueries import Nested, engine_plans, nested_in
from planner.desugar.tree import (
    CORRELATED,
    FreshNames,
    NoRewriteError,
    aliased,
    all_of,
    column,
    quoted,
)


@dataclass
class Decorrelation:
    """One walk over a statement.

    Attributes:
        names: finds columns.
        fresh: makes names that the statement does not have.
        growth: counts what the rewrites add.
        trusting: whether what the engine is known to plan is left to it.
        changed: whether something was rewritten.
    """

    names: Names
    fresh: FreshNames
    growth: Growth
    trusting: bool = True
    changed: bool = field(default=False)

    def query(self, query: exp.Expr, parent: Scope | None, ctes: Ctes) -> None:
        """Rewrite a query and all in it, outermost first: what is inside then sees joins.

        Raises:
            NoRewriteError: for a form that has no exact rewrite.
        """
        while isinstance(query, exp.Subquery | exp.Paren):
            query = query.this
        known = self.names.with_ctes(query, ctes)
        with_ = query.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            self.query(cte.this, parent, known)
        if isinstance(query, exp.SetOperation):
            self.query(query.this, parent, known)
            self.query(query.expression, parent, known)
        elif isinstance(query, exp.Select):
            self._select(query, parent, known)

    def _select(self, select: exp.Select, parent: Scope | None, ctes: Ctes) -> None:
        lateral = any(isinstance(source, exp.Lateral) for source in sources_of(select))
        scope = self._rewritten(select, parent, ctes) if lateral or _asks(select) else None
        for source in sources_of(select):
            if isinstance(source, exp.Lateral):
                self.query(source.this, scope, ctes)
            elif isinstance(source, exp.Subquery) and not isinstance(source.this, exp.Table):
                self.query(source.this, parent, ctes)
        for nested in nested_in(select) if scope is not None else ():
            self.query(nested.query, scope, ctes)

    def _rewritten(self, select: exp.Select, parent: Scope | None, ctes: Ctes) -> Scope:
        """Rewrite what a query asks in its own expressions; what it can name afterwards."""
        around = Around(select, self.names.scope(select, parent, ctes), ctes)
        self.changed |= write_laterals(
            around, self.names, self.fresh, self.growth, trusting=self.trusting
        )
        if is_aggregated(select) and self._beside_groups(around):
            lift_groups(select, around.scope, self.names, self.fresh)
            around = Around(select, self.names.scope(select, parent, ctes), ctes)
            self.changed = True
        if filter_right_sides(
            around, self.names, lambda nested: self._planned_by_engine(nested, around)
        ):
            self.changed = True
        # What is asked of a subquery may become another question, of the same query or of several.
        waiting = list(nested_in(select))
        while waiting:
            nested = waiting.pop(0)
            outer = outer_columns(nested.query, around.scope, self.names, ctes)
            if self._left_to_the_engine(nested, outer, around):
                if nested.kind == "scalar" and not outer:
                    self.changed |= null_without_rows(nested.node, self.names, ctes, self.fresh)
                continue
            self.changed = True
            name_output(nested)
            if nested.kind in ("in", "any", "all"):
                before, exists = Part.of(nested.node), as_exists(nested, around.scope, self.fresh)
                self.growth.replaced(before, exists)
                nested.node.replace(exists)
                waiting = list(nested_in(select))
            elif not outer and nested.kind == "scalar":
                self._join_value(around, nested)
            elif not outer:
                _count_rows(nested)
                waiting = list(nested_in(select))
            else:
                self._join(around, nested, outer)
        return self.names.scope(select, parent, ctes)

    def _join(
        self, around: Around, nested: Nested, outer: Sequence[tuple[exp.Column, Scope]]
    ) -> None:
        if any(scope is not around.scope for _, scope in outer):
            raise NoRewriteError(CORRELATED, nested.node)
        if not is_stable(nested.query):
            raise NoRewriteError("a random value in a correlated subquery", nested.node)
        before = Part.of(nested.node)
        answers = answers_of(around, nested, outer, self.names, self.fresh)
        self.growth.replaced(before, answers.query)
        alias = self.fresh.next("a")
        join = exp.Join(
            this=exp.Subquery(this=answers.query, alias=exp.TableAlias(this=quoted(alias))),
            side="LEFT",
            on=all_of(answers.joined(alias)),
        )
        value = answers.value(alias)
        nested.node.replace(exp.Paren(this=value) if isinstance(value, exp.Binary) else value)
        around.attach(join, nested, [*answers.keys, *answers.names], answers.outer)

    def _join_value(self, around: Around, nested: Nested) -> None:
        """A value that depends on nothing, as the one row of a table."""
        name, alias = self.fresh.next("v"), self.fresh.next("a")
        value = nested.node.copy()
        row = exp.Select(expressions=[aliased(value, name)])
        join = exp.Join(
            this=exp.Subquery(this=row, alias=exp.TableAlias(this=quoted(alias))),
            side="LEFT",
            on=exp.true(),
        )
        nested.node.replace(column(name, alias))
        around.attach(join, nested, [name], [])

    def _planned_by_engine(self, nested: Nested, around: Around) -> bool:
        outer = outer_columns(nested.query, around.scope, self.names, around.ctes)
        return self._left_to_the_engine(nested, outer, around)

    def _left_to_the_engine(
        self, nested: Nested, outer: Sequence[tuple[exp.Column, Scope]], around: Around
    ) -> bool:
        if not outer and nested.kind == "scalar" and nested.clause == "order":
            # DataFusion 55 sorts by parts of a key whose subquery has not run yet.
            return bool(around.select.args.get("distinct"))
        if not self.trusting and (outer or nested.kind in ("in", "any", "all")):
            return False
        return engine_plans(nested, outer, around.scope)

    def _beside_groups(self, around: Around) -> bool:
        """Whether a subquery that is rewritten is asked of groups, and not of their rows."""
        for nested in nested_in(around.select):
            of_groups = nested.clause in ("select", "having", "order", "qualify")
            if not of_groups or nested.in_aggregate:
                continue
            if not self._planned_by_engine(nested, around):
                return True
        return False


def _asks(select: exp.Select) -> bool:
    """Whether there is a subquery in one of its own expressions."""
    return next(nested_in(select), None) is not None


def _count_rows(nested: Nested) -> None:
    """`EXISTS (q)` of a query that depends on nothing, as whether it has a row: a count."""
    if nested.kind != "exists":
        raise NoRewriteError("a subquery here", nested.node, wrong=False)
    query = nested.query.copy()
    derived = query if isinstance(query, exp.Subquery) else exp.Subquery(this=query)
    derived.set("alias", exp.TableAlias(this=quoted("t")))
    rows = exp.Select(
        expressions=[exp.Literal.number(1)],
        from_=exp.From(this=derived),
        limit=exp.Limit(expression=exp.Literal.number(1)),
    )
    counted = exp.Select(
        expressions=[exp.Anonymous(this="count", expressions=[exp.Star()])],
        from_=exp.From(this=exp.Subquery(this=rows, alias=exp.TableAlias(this=quoted("t")))),
    )
    there = exp.GT(this=exp.Subquery(this=counted), expression=exp.Literal.number(0))
    nested.node.replace(exp.Paren(this=there))
