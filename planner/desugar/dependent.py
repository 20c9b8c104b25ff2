"""A correlated query for every value of what it takes from outside, at once.

    (SELECT max(k) FROM solid WHERE k < p.id)     with p.id as key 1

    SELECT max(k), d.key1 FROM (SELECT DISTINCT id AS key1 FROM people) AS d
      CROSS JOIN solid WHERE k < d.key1 GROUP BY d.key1

The query's rows for one value of the keys are the rows of the result that have these keys: each
operator of the query works on the rows of one value alone, because the keys become part of its
groups, partitions, distinct rows and sets. Where no row is left there is none in the result.

Outer columns stand in the query as placeholders, numbered by key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from planner.desugar.dependent_ctes import inline_dependent_ctes
from planner.desugar.engine_functions import aggregates_of, is_aggregated
from planner.desugar.names import alias_of, sources_of
from planner.desugar.null_safety import Same
from planner.desugar.outputs import leave_out, name_outputs
from planner.desugar.tree import (
    CORRELATED,
    FreshNames,
    NoRewriteError,
    aliased,
    all_of,
    column,
    conjuncts,
    named,
    output_of,
    own_nodes,
    quoted,
)


def has_keys(node: exp.Expr) -> bool:
    """Whether something in it depends on the keys."""
    return node.find(exp.Placeholder) is not None


class Dependent:
    """Evaluates queries for all keys.

    Args:
        keys: the names that the keys have in the results, after the query's own columns.
        bindings: makes the query of all distinct keys, under these names; None where the query's
            own columns are the keys, given to `over`.
        same: the comparison by which each key is found again: `=`, or one in which NULLs are equal.
    """

    def __init__(
        self,
        keys: Sequence[str],
        bindings: Callable[[], exp.Expr] | None,
        fresh: FreshNames,
        same: Sequence[Same],
    ) -> None:
        self.same = list(same)
        self._keys = list(keys)
        self._bindings = bindings
        self._fresh = fresh

    def over(self, query: exp.Expr, own_keys: Sequence[exp.Expr] = ()) -> exp.Query:
        """The query's rows for all keys. Changes `query`.

        Args:
            own_keys: expressions over the query's own FROM that are the keys.

        Raises:
            NoRewriteError: for a form that cannot be.
        """
        while isinstance(query, exp.Subquery | exp.Paren):
            query = query.this
        inline_dependent_ctes(query, has_keys)
        if isinstance(query, exp.Select):
            return self._select(query, own_keys)
        if isinstance(query, exp.SetOperation) and not own_keys:
            return self._set(query)
        raise NoRewriteError(CORRELATED, query)

    def _set(self, query: exp.SetOperation) -> exp.Query:
        if query.args.get("by_name"):
            raise NoRewriteError("UNION BY NAME in a correlated subquery", query)
        order, limit = query.args.get("order"), query.args.get("limit")
        offset = query.args.get("offset")
        for part in ("order", "limit", "offset"):
            query.set(part, None)
        for side in ("this", "expression"):
            query.set(side, self.over(query.args[side]))
        if limit is None and offset is None:
            return query
        keys = list(order.expressions) if order is not None else []
        for key in keys:
            if not isinstance(key.this, exp.Column) or key.this.table:
                raise NoRewriteError(CORRELATED, key)
        inner = exp.Select(expressions=[exp.Star()], from_=self._derived(query))
        return self._first(inner, [column(k) for k in self._keys], keys, limit, offset)

    def _select(self, select: exp.Select, own_keys: Sequence[exp.Expr]) -> exp.Query:
        name_outputs(select)
        alone = is_aggregated(select) and select.args.get("group") is None
        if alone and not own_keys:
            return self._one_row(select)
        alias = self._fresh.next("d")
        keys: list[exp.Expr] = [column(name, alias) for name in self._keys]
        if own_keys:
            keys = [key.copy() for key in own_keys]
        else:
            self._join_bindings(select, alias)
        _fill(select, keys)
        order, limit = select.args.get("order"), select.args.get("limit")
        offset = select.args.get("offset")
        for part in ("order", "limit", "offset"):
            select.set(part, None)
        _partition(select, keys)
        if not own_keys:
            leave_out(select, alias, self._keys)
        if alone:
            select.set("group", exp.Group(expressions=[k.copy() for k in keys]))
        elif (group := select.args.get("group")) is not None:
            _group_by(group, keys)
        for name, key in zip(self._keys, keys, strict=True):
            select.append("expressions", aliased(key.copy(), name))
        distinct = select.args.get("distinct")
        on = distinct.args.get("on") if distinct is not None else None
        if on is not None:
            wanted = on.expressions if isinstance(on, exp.Tuple) else [on]
            assert distinct is not None
            distinct.set("on", exp.Tuple(expressions=[*(k.copy() for k in keys), *wanted]))
            sorts = list(order.expressions) if order is not None else []
            ordered = [exp.Ordered(this=k.copy()) for k in keys]
            select.set("order", exp.Order(expressions=[*ordered, *sorts]))
        if limit is None and offset is None:
            return select
        sorts = list(order.expressions) if order is not None else []
        for sort in sorts:
            sort.set("this", output_of(select, sort.this))
        if distinct is None and select.args.get("qualify") is None:
            return self._first(select, keys, sorts, limit, offset)
        if on is not None:
            raise NoRewriteError(CORRELATED, select)
        for sort in sorts:
            sort.set("this", _output_named(select, sort))
        inner = exp.Select(expressions=[exp.Star()], from_=self._derived(select))
        return self._first(inner, [column(k) for k in self._keys], sorts, limit, offset)

    def _first(
        self,
        select: exp.Select,
        keys: Sequence[exp.Expr],
        order: Sequence[exp.Expr],
        limit: exp.Expr | None,
        offset: exp.Expr | None,
    ) -> exp.Query:
        """LIMIT and OFFSET for the rows of each value of the keys: by their number."""
        number = self._fresh.next("n")
        window = exp.Window(
            this=exp.Anonymous(this="row_number"), partition_by=[k.copy() for k in keys]
        )
        if order:
            window.set("order", exp.Order(expressions=[o.copy() for o in order]))
        select.append("expressions", aliased(window, number))
        skipped = offset.expression if offset is not None else exp.Literal.number(0)
        conditions: list[exp.Expr] = [exp.GT(this=column(number), expression=skipped.copy())]
        if limit is not None:
            if isinstance(limit, exp.Fetch):
                raise NoRewriteError(CORRELATED, limit)
            count = exp.Paren(this=exp.Add(this=limit.expression.copy(), expression=skipped.copy()))
            conditions.append(exp.LTE(this=column(number), expression=count))
        if any(not isinstance(c.expression, exp.Literal | exp.Paren) for c in conditions):
            raise NoRewriteError(CORRELATED, select)
        outputs = exp.Star(except_=[quoted(number)])
        return exp.Select(
            expressions=[outputs],
            from_=self._derived(select),
            where=exp.Where(this=all_of(conditions)),
        )

    def _one_row(self, select: exp.Select) -> exp.Query:
        """An aggregate without GROUP BY has a row also where there is nothing to aggregate.

        So every value of the keys is joined with its rows, if there are any, and each aggregate
        takes only rows that there are: over none of them it gives what it gives for no rows.
        """
        limit, offset = select.args.get("limit"), select.args.get("offset")
        if offset is not None or (limit is not None and not _at_least_one(limit)):
            raise NoRewriteError(CORRELATED, select)
        for part in ("order", "limit"):
            select.set(part, None)
        having = select.args.get("having")
        clauses = [*select.expressions, *([having] if having is not None else [])]
        for clause in clauses:
            for node in own_nodes(clause):
                if isinstance(node, exp.Query | exp.Window):
                    raise NoRewriteError(CORRELATED, node)
        if select.args.get("qualify") is not None:
            raise NoRewriteError(CORRELATED, select)
        rows, values, there = self._fresh.next("r"), self._fresh.next("d"), self._fresh.next("m")
        for aggregate in aggregates_of(select):
            _only_where(aggregate, column(there, rows))
        names: dict[exp.Expr, str] = {}
        for clause in clauses:
            for node in [n for n in own_nodes(clause) if isinstance(n, exp.Column)]:
                if isinstance(node.this, exp.Star) or node.table == rows:
                    continue
                name = names.setdefault(node.copy(), self._fresh.next("c"))
                node.replace(column(name, rows))
        inner = exp.Select(
            expressions=[
                *(aliased(expression, name) for expression, name in names.items()),
                aliased(exp.true(), there),
            ]
        )
        for part in ("from_", "joins", "where", "with_"):
            inner.set(part, select.args.get(part))
            select.set(part, None)
        dependent = self._select(inner, ())
        keys = [column(name, values) for name in self._keys]
        _fill(select, keys)
        same = self._joined(values, rows)
        select.set("from_", exp.From(this=self._bindings_as(values)))
        subquery = exp.Subquery(this=dependent, alias=exp.TableAlias(this=quoted(rows)))
        select.set("joins", [exp.Join(this=subquery, side="LEFT", on=all_of(same))])
        select.set("group", exp.Group(expressions=[key.copy() for key in keys]))
        for name, key in zip(self._keys, keys, strict=True):
            select.append("expressions", aliased(key, name))
        return select

    def _join_bindings(self, select: exp.Select, alias: str) -> None:
        """The distinct keys come first in FROM; queries there that depend on them come with theirs.

        LEFT joins keep the rows before them, the keys among these, so that their conditions may use
        keys. A RIGHT or FULL join does not: there the keys come last, where only WHERE sees them.
        """
        from_ = select.args.get("from_")
        joins: list[exp.Join] = list(select.args.get("joins") or ())
        source = self._bindings_as(alias)
        if from_ is None:
            select.set("from_", exp.From(this=source))
            return
        dependent = [
            s for s in sources_of(select) if not isinstance(s, exp.Lateral) and has_keys(s)
        ]
        if any(join.side for join in joins) and dependent:
            raise NoRewriteError(CORRELATED, select)
        conditions: list[exp.Expr] = []
        for inner in dependent:
            conditions += self._with_own_keys(inner, alias)
        if any(join.side in ("RIGHT", "FULL") for join in joins):
            if any(has_keys(join) for join in joins):
                raise NoRewriteError(CORRELATED, select)
            joins.append(exp.Join(this=source, kind="CROSS"))
        else:
            for join in joins:
                cross_where_comma(join)
            joins.insert(0, exp.Join(this=from_.this, kind="CROSS"))
            select.set("from_", exp.From(this=source))
        select.set("joins", joins)
        if conditions:
            where = select.args.get("where")
            parts = [*conjuncts(where.this if where is not None else None), *conditions]
            select.set("where", exp.Where(this=all_of(parts)))

    def _with_own_keys(self, source: exp.Expr, alias: str) -> list[exp.Expr]:
        """A query in FROM evaluated for all keys; what joins its keys with those of `alias`."""
        if not isinstance(source, exp.Subquery) or not isinstance(source.this, exp.Query):
            raise NoRewriteError(CORRELATED, source)
        inner = alias_of(source) or self._fresh.next("t")
        given = source.args.get("alias")
        if given is None:
            source.set("alias", exp.TableAlias(this=quoted(inner)))
        elif given.columns:
            given.set("columns", [*given.columns, *(quoted(k) for k in self._keys)])
        source.set("this", self.over(source.this))
        return self._joined(alias, inner)

    def _joined(self, left: str, right: str) -> list[exp.Expr]:
        """That the keys of two sources are the same."""
        return [
            same(column(key, left), column(key, right))
            for same, key in zip(self.same, self._keys, strict=True)
        ]

    def _bindings_as(self, alias: str) -> exp.Subquery:
        if self._bindings is None:
            raise NoRewriteError(CORRELATED, exp.Null())
        return exp.Subquery(this=self._bindings(), alias=exp.TableAlias(this=quoted(alias)))

    def _derived(self, query: exp.Expr) -> exp.From:
        alias = exp.TableAlias(this=quoted(self._fresh.next("t")))
        return exp.From(this=exp.Subquery(this=query, alias=alias))


def _output_named(select: exp.Select, sort: exp.Expr) -> exp.Column:
    """The output column that a key of ORDER BY is, as a query around calls it."""
    for output in select.expressions:
        if isinstance(output, exp.Alias) and output.this == sort.this:
            return column(named(output.args["alias"]))
    if isinstance(sort.this, exp.Column) and select.is_star:
        return column(named(sort.this.this))
    raise NoRewriteError(CORRELATED, sort)


def cross_where_comma(join: exp.Join) -> None:
    """A comma as CROSS JOIN: the joins after it, if they are inner or LEFT, give the same rows."""
    if not any(join.args.get(a) for a in ("kind", "side", "on", "using", "method")):
        join.set("kind", "CROSS")


def _fill(select: exp.Select, keys: Sequence[exp.Expr]) -> None:
    for node in list(select.find_all(exp.Placeholder)):
        node.replace(keys[int(node.name)].copy())


def _partition(select: exp.Select, keys: Sequence[exp.Expr]) -> None:
    clauses = [*select.expressions, select.args.get("qualify")]
    windows = [
        node
        for clause in clauses
        if clause is not None
        for node in own_nodes(clause)
        if isinstance(node, exp.Window) and node.args.get("alias") is None
    ]
    for window in [*windows, *(select.args.get("windows") or ())]:
        given = window.args.get("partition_by") or []
        window.set("partition_by", [*(k.copy() for k in keys), *given])


def _group_by(group: exp.Group, keys: Sequence[exp.Expr]) -> None:
    if group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
        raise NoRewriteError("grouping sets in a correlated subquery", group)
    if not group.args.get("all"):
        group.set("expressions", [*group.expressions, *(key.copy() for key in keys)])


def _only_where(aggregate: exp.Expr, condition: exp.Expr) -> None:
    """The aggregate over rows of a condition; its arguments are not evaluated for others."""
    for argument in aggregate.expressions:
        if not isinstance(argument, exp.Column | exp.Literal | exp.Star | exp.Order | exp.Distinct):
            case = exp.Case(ifs=[exp.If(this=condition.copy(), true=argument.copy())])
            argument.replace(case)
    outermost = aggregate
    while isinstance(outermost.parent, exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
        outermost = outermost.parent
    if isinstance(outermost.parent, exp.Filter):
        where = outermost.parent.expression
        where.set("this", all_of([condition, *conjuncts(where.this)]))
        return
    outermost.replace(exp.Filter(this=outermost.copy(), expression=exp.Where(this=condition)))


def _at_least_one(limit: exp.Expr) -> bool:
    count = limit.args.get("expression")
    return isinstance(count, exp.Literal) and count.name.isdigit() and int(count.name) > 0
