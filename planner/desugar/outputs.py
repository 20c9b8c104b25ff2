"""Output columns of the queries that are rewritten: the names that they keep. Knows no joins."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from planner.desugar.subqueries import Nested
from planner.desugar.text import text_of
from planner.desugar.tree import CORRELATED, NoRewriteError, aliased, bare, column, named, quoted


def name_outputs(select: exp.Select) -> None:
    """Give each output column the name that it has or that says what it is: its own text."""
    taken = {output.alias_or_name for output in select.expressions if isinstance(output, exp.Alias)}
    for output in list(select.expressions):
        if output.is_star or isinstance(output, exp.Alias):
            continue
        name = named(output.this) if isinstance(output, exp.Column) else text_of(output.copy())
        name = _another(name, taken)
        taken.add(name)
        _wrap(output, name)


def name_first(query: exp.Expr, name: str) -> None:
    """Give a query's one column a name; what ORDER BY calls by its old name stands there whole."""
    keys: list[exp.Expr] = []
    while isinstance(query, exp.SetOperation | exp.Subquery | exp.Paren):
        if (sorted_by := query.args.get("order")) is not None:
            keys += [key.this for key in sorted_by.expressions]
        query = query.this
    if not isinstance(query, exp.Select) or query.expressions[0].is_star:
        raise NoRewriteError(CORRELATED, query)
    old = query.expressions[0]
    called = named(old.args["alias"]) if isinstance(old, exp.Alias) else _called(old)
    for key in keys:  # of a set operation they can name nothing else
        if isinstance(key, exp.Column) and not key.table and named(key.this) == called:
            key.replace(column(name))
    order = query.args.get("order")
    if isinstance(old, exp.Alias):
        for key in order.expressions if order is not None else ():
            node = key.this
            plain = isinstance(node, exp.Column) and not node.table
            if plain and named(node.this) == named(old.args["alias"]):
                node.replace(old.this.copy())
        old.set("alias", quoted(name))
    else:
        _wrap(old, name)


def _called(output: exp.Expr) -> str:
    return named(output.this) if isinstance(output, exp.Column) else ""


def name_output(nested: Nested) -> None:
    """An output column that is rewritten keeps a name that says what it is."""
    if nested.clause != "select":
        return
    output = nested.node
    while not isinstance(output.parent, exp.Select):
        if isinstance(output, exp.Alias):
            return
        assert output.parent is not None
        output = output.parent
    if isinstance(output, exp.Alias):
        return
    taken = {other.alias_or_name for other in output.parent.expressions}
    _wrap(output, _another(_said_of(output), taken))


def leave_out(select: exp.Select, alias: str, names: Sequence[str]) -> None:
    """`*` does not show the columns that a rewrite joined, nor does `t.*` of their table."""
    for output in select.expressions:
        star = output.this if isinstance(output, exp.Column) else output
        if not isinstance(star, exp.Star):
            continue
        table = output.args.get("table") if isinstance(output, exp.Column) else None
        if table is None or named(table) == alias:
            given = star.args.get("except_") or []
            star.set("except_", [*given, *(quoted(name) for name in names)])


def _wrap(output: exp.Expr, name: str) -> None:
    alias = aliased(exp.null(), name)
    output.replace(alias)
    alias.set("this", output)


def _another(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(other for n in range(2, 100_000) if (other := f"{name}_{n}") not in taken)


def _said_of(output: exp.Expr) -> str:
    if isinstance(output, exp.Exists):
        return "exists"
    inner = output
    while isinstance(inner, exp.Subquery | exp.Paren | exp.SetOperation):
        inner = inner.this
    if isinstance(inner, exp.Select) and inner.expressions:
        first = inner.expressions[0]
        return first.alias_or_name or text_of(bare(first).copy())
    return text_of(output.copy())
