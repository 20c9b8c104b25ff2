"""The query that subqueries stand in: what it reads, and where their answers are joined to it.

Knows nothing of how answers are found.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from planner.desugar.dependent import cross_where_comma, has_keys
from planner.desugar.engine_functions import makes_rows, repeats
from planner.desugar.names import Columns, Scope, alias_of
from planner.desugar.outputs import leave_out
from planner.desugar.subqueries import Nested
from planner.desugar.tree import CORRELATED, NoRewriteError, all_of, conjuncts, named

Ctes = dict[str, Columns | None]


class Around:
    """A query, as it was written and with what is joined to it.

    Args:
        select: the query.
        scope: what it can name.
        ctes: the queries of WITH around it.
        before: its joins before the place of a lateral query; None where all may be read.
    """

    def __init__(
        self,
        select: exp.Select,
        scope: Scope,
        ctes: Ctes,
        before: Sequence[exp.Join] | None = None,
    ) -> None:
        self.select = select
        self.scope = scope
        self.ctes = ctes
        self._before = before

    def reading(self, columns: set[tuple[str, str]], node: exp.Expr) -> exp.Select:
        """What the query around reads, without its columns: the keys' rows, or more.

        The sources of the keys alone, where the others can only leave rows out or repeat them.

        Args:
            columns: those that are wanted, each as its source's alias and its name.
            node: what is rewritten, for its place.

        Raises:
            NoRewriteError: when there is nothing to read, or it may be other rows a second time.
        """
        found = self._reading({alias for alias, _ in columns})
        if found is not None:
            _leave_out_others(found, columns)
        if found is None:
            raise NoRewriteError(CORRELATED, node)
        parts = [found, *self._named_queries(found)]
        if not all(repeats(part) for part in parts):
            raise NoRewriteError(f"{CORRELATED} over rows that may be others when read again", node)
        return found

    def _named_queries(self, reading: exp.Expr) -> list[exp.Expr]:
        """The queries of WITH that may be read: all, where one is named."""
        tables = {alias_of(t) for t in reading.find_all(exp.Table)} | {
            named(t.this) for t in reading.find_all(exp.Table) if isinstance(t.this, exp.Identifier)
        }
        if not tables & set(self.scope.ctes):
            return []
        return [cte.this for cte in self.select.root().find_all(exp.CTE)]

    def _reading(self, aliases: set[str]) -> exp.Select | None:
        from_ = self.select.args.get("from_")
        if from_ is None:
            return None
        joins = self._joins()
        where = self.select.args.get("where")
        parts = [
            part
            for part in conjuncts(where.this if where is not None else None)
            if part.find(exp.Query) is None and not has_keys(part) and self._before is None
        ]
        told = all(map(self.scope.tells, aliases))
        if len(aliases) == 1 and told and not any(j.side in ("RIGHT", "FULL") for j in joins):
            (alias,) = aliases
            sources = [from_.this, *(j.this for j in joins if not j.side)]
            single = [s for s in sources if alias_of(s) == alias and not isinstance(s, exp.Lateral)]
            if single and not single[0].args.get("joins"):
                kept = [p for p in parts if self._aliases(p) <= {alias}]
                return _reading_of(single[0], [], kept)
        own = {alias_of(s) for s in [from_.this, *(j.this for j in joins)]}
        return _reading_of(from_.this, joins, [p for p in parts if self._aliases(p) <= own])

    def _joins(self) -> list[exp.Join]:
        joins = self.select.args.get("joins") or () if self._before is None else self._before
        return [j for j in joins if not j.args.get("answers")]

    def _aliases(self, part: exp.Expr) -> set[str]:
        """The sources whose columns it names; '?' for what is not of this query."""
        found = set()
        for node in part.find_all(exp.Column):
            try:
                scope, alias = self.scope.holder(node)
            except NoRewriteError:
                return {"?"}
            found.add(alias if scope is self.scope else "?")
        return found

    def attach(
        self, join: exp.Join, nested: Nested, names: Sequence[str], outer: Sequence[exp.Expr]
    ) -> None:
        """Join answers to the query, where the subquery's condition can see them.

        Args:
            join: the answers.
            nested: the subquery that they answer.
            names: their columns.
            outer: the columns of the query that their keys equal.
        """
        joins: list[exp.Join] = list(self.select.args.get("joins") or ())
        across = any(j.side in ("RIGHT", "FULL") for j in joins)
        if across and (any(_is_comma(j) for j in joins) or nested.clause == "on"):
            raise NoRewriteError("a subquery beside a RIGHT or FULL JOIN", nested.node)
        if not across:
            for other in joins:
                cross_where_comma(other)
        join.set("answers", True)
        at = len(joins) if nested.join is None else self._place_in_condition(joins, nested, outer)
        joins.insert(at, join)
        self.select.set("joins", joins)
        leave_out(self.select, alias_of(join.this), list(names))

    def _place_in_condition(
        self, joins: list[exp.Join], nested: Nested, outer: Sequence[exp.Expr]
    ) -> int:
        """Where the answers are joined for a subquery in ON.

        An inner join's condition may stand in WHERE as well. A LEFT join's answers are joined
        before it, where they need only what stands before.
        """
        join = nested.join
        assert join is not None
        at = next(i for i, other in enumerate(joins) if other is join)
        if not join.side and not join.kind:
            where = self.select.args.get("where")
            parts = [*conjuncts(where.this if where is not None else None), join.args["on"]]
            self.select.set("where", exp.Where(this=all_of(parts)))
            join.set("on", None)
            join.set("kind", "CROSS")
            return len(joins)
        before = {alias_of(j.this) for j in joins[:at]}
        before.add(alias_of(self.select.args["from_"].this))
        used = {alias for node in outer for alias in self._aliases(node)}
        if join.side != "LEFT" or join.kind or not used <= before:
            what = "a correlated subquery in the condition of an outer join"
            raise NoRewriteError(what, nested.node)
        return at


def _reading_of(
    source: exp.Expr, joins: Sequence[exp.Join], parts: Sequence[exp.Expr]
) -> exp.Select:
    select = exp.Select(expressions=[], from_=exp.From(this=source.copy()))
    if joins:
        select.set("joins", [join.copy() for join in joins])
    if parts:
        select.set("where", exp.Where(this=all_of([part.copy() for part in parts])))
    return select


def _leave_out_others(reading: exp.Select, columns: set[tuple[str, str]]) -> None:
    """A query that is all that is read does not make columns that nobody wants."""
    source = reading.args["from_"].this
    only = not reading.args.get("joins") and not reading.args.get("where")
    query = source.this if isinstance(source, exp.Subquery) else None
    if not only or not isinstance(query, exp.Select) or source.args["alias"].columns:
        return
    outputs = query.expressions
    if query.args.get("distinct") or query.args.get("order") or makes_rows(query):
        return
    if all(isinstance(output, exp.Alias) for output in outputs):
        wanted = {name for _, name in columns}
        query.set("expressions", [o for o in outputs if named(o.args["alias"]) in wanted])


def _is_comma(join: exp.Join) -> bool:
    return not any(join.args.get(a) for a in ("kind", "side", "on", "using", "method"))
