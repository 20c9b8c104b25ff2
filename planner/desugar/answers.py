"""A correlated subquery's answers, for every value of the columns that it takes from outside.

Two ways, both exact: where all that the subquery takes from outside is `own column = outer column`
of one type, its own column is the key, and `=` joins. Else the distinct outer columns are read
first and their NULLs are values, each equal to itself. Reading them again must give the
same rows, so this is not done over LIMIT, windows or random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from planner.desugar.around import Around
from planner.desugar.dependent import Dependent
from planner.desugar.engine_functions import (
    is_aggregate,
    is_aggregated,
    is_count,
    is_null_on_nothing,
    makes_rows,
)
from planner.desugar.extremes import extremes_of_floats, write_extremes
from planner.desugar.names import Names, Scope
from planner.desugar.null_safety import Same, equal, same_values
from planner.desugar.outputs import name_first
from planner.desugar.subqueries import Nested, keyed_conditions
from planner.desugar.tree import (
    CORRELATED,
    FreshNames,
    NoRewriteError,
    aliased,
    all_of,
    bare,
    column,
    conjuncts,
    named,
    quoted,
)

Outer = Sequence[tuple[exp.Column, Scope]]


@dataclass(frozen=True)
class Answers:
    """A subquery's answers for all keys.

    Attributes:
        query: the answers.
        keys: their keys' names.
        outer: what each key equals in the query around.
        same: the comparison of each key, with which they are joined.
        names: the other columns of the answers.
        value: the subquery's value, by the alias of the answers.
    """

    query: exp.Query
    keys: Sequence[str]
    outer: Sequence[exp.Expr]
    same: Sequence[Same]
    names: Sequence[str]
    value: Callable[[str], exp.Expr]

    def joined(self, alias: str) -> list[exp.Expr]:
        """The condition of the join with them, in parts."""
        parts = zip(self.same, self.outer, self.keys, strict=True)
        return [same(o.copy(), column(key, alias)) for same, o, key in parts]


@dataclass(frozen=True)
class _Keyed:
    """What the keys are: their names, the outer columns that they equal, how rows are found."""

    keys: list[str]
    outer: list[exp.Expr]
    dependent: Dependent
    own: list[exp.Expr]


def answers_of(
    around: Around, nested: Nested, outer: Outer, names: Names, fresh: FreshNames
) -> Answers:
    """The answers of one subquery, which is used up.

    Args:
        around: the query that it stands in.
        outer: the columns that it takes from there.

    Raises:
        NoRewriteError: for a form that cannot be rewritten.
    """
    query = nested.query
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    _refuse_foreign_aggregates(query, outer)
    if isinstance(query, exp.Select) and _is_one_group(query) and _limit_of(query) != 0:
        query.set("limit", None)
    extremes = extremes_of_floats(query, names, around)
    name, count = fresh.next("v"), fresh.next("n")
    one_row = _has_one_row(query)
    scalar = nested.kind == "scalar"
    one_of = "first_value"
    if scalar:
        if isinstance(query, exp.Select) and len(query.expressions) != 1:
            raise NoRewriteError("a subquery of several columns", nested.node)
        one_of = _one_of(query, names, around)
        name_first(query, name)
    elif _rows_are_plain(query):
        query.set("expressions", [])
        query.set("order", None)
    counts = (
        scalar
        and isinstance(query, exp.Select)
        and _is_one_group(query)
        and not query.args.get("limit")
        and is_count(query.expressions[0])
    )
    by_own = _by_own_columns(around, query, outer, names, fresh, scalar=scalar)
    keyed = by_own or _Keyed(*bound_keys(around, outer, fresh, nested.node), [])
    write_extremes(extremes)
    rows = keyed.dependent.over(query, keyed.own)

    def answered(
        found: exp.Query, columns: Sequence[str], value: Callable[[str], exp.Expr]
    ) -> Answers:
        same = keyed.dependent.same
        return Answers(found, keyed.keys, keyed.outer, same, columns, value)

    if one_row and scalar:
        value = _zero_for_null if counts and by_own is not None else _itself
        return answered(rows, (name,), lambda a: value(column(name, a)))
    alias = exp.TableAlias(this=quoted(fresh.next("t")))
    source = exp.From(this=exp.Subquery(this=rows, alias=alias))
    columns = [column(key) for key in keyed.keys]
    if nested.kind == "exists":
        there = exp.Select(
            expressions=[*columns, aliased(exp.true(), name)],
            distinct=exp.Distinct(),
            from_=source,
        )
        return answered(there, (name,), lambda a: _not_null(column(name, a)))
    first = exp.Anonymous(this=one_of, expressions=[column(name)])
    rows_in_all = exp.Anonymous(this="count", expressions=[exp.Star()])
    single = exp.Select(
        expressions=[*columns, aliased(first, name), aliased(rows_in_all, count)],
        from_=source,
        group=exp.Group(expressions=[column(key) for key in keyed.keys]),
    )
    return answered(single, (name, count), lambda a: _only_one(column(name, a), column(count, a)))


def bound_keys(
    around: Around, outer: Outer, fresh: FreshNames, node: exp.Expr
) -> tuple[list[str], list[exp.Expr], Dependent]:
    """Keys that are read from the query around. Outer columns become placeholders of their number.

    Returns:
        their names, the outer columns that they equal, and what evaluates a query for all of them.

    Raises:
        NoRewriteError: when the query around may have other rows when it is read again.
    """
    distinct: dict[tuple[str, str], tuple[int, exp.Column]] = {}
    for outside, _ in outer:
        _, alias = around.scope.holder(outside)
        if not alias:
            raise NoRewriteError(CORRELATED, outside)
        identity = (alias, named(outside.this))
        number, _ = distinct.setdefault(identity, (len(distinct), outside.copy()))
        outside.replace(exp.Placeholder(this=str(number)))
    columns = [outside for _, outside in distinct.values()]
    keys = [fresh.next("k") for _ in columns]
    reading = around.reading(set(distinct), node)

    fields = [around.scope.field_of(c) for c in columns]
    same = [same_values(field) for field in fields]
    values = [_of_group(c, f) for c, f in zip(columns, fields, strict=True)]

    def bindings() -> exp.Expr:
        made = reading.copy()
        outputs = [aliased(v.copy(), key) for v, key in zip(values, keys, strict=True)]
        made.set("expressions", outputs)
        made.set("group", exp.Group(expressions=[c.copy() for c in columns]))
        return made

    return keys, list(columns), Dependent(keys, bindings, fresh, same)


def _one_of(query: exp.Expr, names: Names, around: Around) -> str:
    """An aggregate that gives the value, where there is only one; sources know `min`."""
    value = bare(query.expressions[0]) if isinstance(query, exp.Select) else None
    if not isinstance(query, exp.Select) or not isinstance(value, exp.Column) or value.is_star:
        return "first_value"
    field = names.scope(query, around.scope, around.ctes).field_of(value)
    return "min" if _has_minimum(field) else "first_value"


def _has_minimum(field: pa.Field | None) -> bool:
    """Whether `min` gives the value of a group of equal ones; of floats DataFusion 55 may not."""
    return field is not None and not (
        pa.types.is_floating(field.type) or pa.types.is_nested(field.type)
    )


def _of_group(key: exp.Column, field: pa.Field | None) -> exp.Expr:
    """A column that its group has in common, as an expression that the engine does not see through.

    It takes a key of groups for unique where a join has repeated it, and then drops other columns
    from groups that it is in. What `min` gives has no such name.
    """
    function = "min" if _has_minimum(field) else "greatest"
    return exp.Anonymous(this=function, expressions=[key.copy()])


def _by_own_columns(
    around: Around,
    query: exp.Expr,
    outer: Outer,
    names: Names,
    fresh: FreshNames,
    *,
    scalar: bool,
) -> _Keyed | None:
    """Keys that are the subquery's own columns; None where that is not exact."""
    if not isinstance(query, exp.Select) or query.args.get("with_"):
        return None
    conditions = keyed_conditions(query, outer)
    if not conditions or any(join.side for join in query.args.get("joins") or ()):
        return None
    scope = names.scope(query, around.scope, around.ctes)
    for _, own, other in conditions:
        try:
            if not isinstance(other, exp.Column) or scope.holder(own)[0] is not scope:
                return None
            types = scope.type_of(own), around.scope.type_of(other)
        except NoRewriteError:
            return None
        if types[0] is None or types[0] != types[1]:
            return None
    if is_aggregated(query) and query.args.get("group") is None:
        # One row also for a value without rows, which no key has: only what that row is decides.
        value = query.expressions[0] if scalar and query.expressions else None
        known = value is not None and (is_count(value) or is_null_on_nothing(value))
        if not known or query.args.get("limit") or not _is_one_group(query):
            return None
    taken = {id(condition) for condition, _, _ in conditions}
    left = [part for part in conjuncts(query.args["where"].this) if id(part) not in taken]
    own_keys: list[exp.Expr] = [own.copy() for _, own, _ in conditions]
    others = [other.copy() for _, _, other in conditions]
    query.set("where", exp.Where(this=all_of(left)) if left else None)
    keys = [fresh.next("k") for _ in own_keys]
    same: list[Same] = [equal for _ in keys]
    return _Keyed(keys, others, Dependent(keys, None, fresh, same), own_keys)


def _refuse_foreign_aggregates(query: exp.Expr, outer: Outer) -> None:
    """An aggregate of nothing but outer columns is one over the rows of the query around."""
    outside = {id(node) for node, _ in outer}
    for node in query.find_all(exp.Anonymous):
        if is_aggregate(node):
            whole = node.parent if isinstance(node.parent, exp.Filter) else node
            columns = [id(part) for part in whole.find_all(exp.Column)]
            if columns and outside.issuperset(columns):
                raise NoRewriteError("an aggregate of columns of the query around", node)


def _is_one_group(query: exp.Select) -> bool:
    """Whether it is one row, also where it reads none, but for its LIMIT."""
    if any(query.args.get(a) for a in ("group", "having", "qualify", "offset")):
        return False
    return is_aggregated(query) and not makes_rows(query)


def _limit_of(query: exp.Select) -> int | None:
    """The number in its LIMIT; 0 also for one that is no plain number."""
    limit = query.args.get("limit")
    if limit is None:
        return None
    count = limit.args.get("expression")
    plain = isinstance(count, exp.Literal) and count.name.isdigit()
    return int(count.name) if plain else 0


def _has_one_row(query: exp.Expr) -> bool:
    """Whether it has one row at the most, whatever the data."""
    if not isinstance(query, exp.Select) or makes_rows(query):
        return False
    if query.args.get("from_") is None and not query.args.get("joins"):
        return True
    if is_aggregated(query) and query.args.get("group") is None:
        return True
    limit = query.args.get("limit")
    count = limit.args.get("expression") if limit is not None else None
    return isinstance(count, exp.Literal) and count.name in ("0", "1")


def _rows_are_plain(query: exp.Expr) -> bool:
    """Whether only the number of its rows matters, and not what stands in them."""
    if not isinstance(query, exp.Select) or is_aggregated(query) or makes_rows(query):
        return False
    return not any(query.args.get(a) for a in ("distinct", "qualify", "limit", "offset"))


def _itself(value: exp.Expr) -> exp.Expr:
    return value


def _zero_for_null(value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="coalesce", expressions=[value, exp.Literal.number(0)])


def _not_null(node: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=node, expression=exp.null()))


def _only_one(value: exp.Expr, count: exp.Expr) -> exp.Expr:
    """The value, if it was one; else an error, where the value is asked for and not before."""
    # No function raises an error. This one does for such a text, whose words are the engine's own,
    # and no source has it: the error is the same wherever the rows come from.
    said = exp.Literal.string("Scalar subquery returned more than one row: ")
    text = exp.Anonymous(this="concat", expressions=[said, count.copy()])
    error = exp.Anonymous(this="to_unixtime", expressions=[text])
    several = exp.GT(this=count.copy(), expression=exp.Literal.number(1))
    checked = exp.Case(ifs=[exp.If(this=several, true=error)], default=exp.Literal.number(0))
    once = exp.EQ(this=checked, expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=once, true=value)])
