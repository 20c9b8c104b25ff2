"""EXCEPT ALL and INTERSECT ALL, which count repeats; the engine makes semi and anti joins of them.

    a EXCEPT ALL b    SELECT c FROM (SELECT c, n FROM a EXCEPT SELECT c, n FROM b)

where n numbers equal rows from 1. A row that a has i times and b has j times is there as (c, 1) …
(c, i) and (c, 1) … (c, j), each once: so i − j of them are left, or as many as the lesser of i and
j are in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from planner.desugar.names import Columns, Names, star_columns
from planner.desugar.text import text_of
from planner.desugar.tree import FreshNames, NoRewriteError, aliased, bare, column, named, quoted

_OF_THE_WHOLE = ("with_", "order", "limit", "offset")


def number_repeats(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Rewrite each EXCEPT ALL and INTERSECT ALL, innermost first; whether there was one.

    Raises:
        NoRewriteError: when the columns cannot be told.
    """
    found = [
        node
        for node in root.find_all(exp.Except, exp.Intersect)
        if node.args.get("distinct") is False
    ]
    for node in reversed(found):
        node.replace(_numbered(node, names, fresh))
    return bool(found)


def _numbered(node: exp.SetOperation, names: Names, fresh: FreshNames) -> exp.Select:
    kind = "EXCEPT ALL" if isinstance(node, exp.Except) else "INTERSECT ALL"
    if node.args.get("by_name"):
        raise NoRewriteError(f"{kind} BY NAME", node)
    outputs = _output_names(node.this, names, names.with_ctes(node, names.ctes_around(node)))
    if outputs is None:
        raise NoRewriteError(
            f"{kind} of columns that are not known", node, hint="Name them instead of *."
        )
    types = names.types_of(node.this)
    if types is None or len(types) != len(outputs):
        raise NoRewriteError(f"{kind} of columns whose types are not known", node)
    columns = [fresh.next("c") for _ in outputs]
    same = [_same(c, t) for c, t in zip(columns, types, strict=True)]
    number = fresh.next("n")
    left = _with_numbers(node.this, columns, same, number, fresh)
    right = _with_numbers(node.expression, columns, same, number, fresh)
    both = type(node)(this=left, expression=right, distinct=True)
    select = exp.Select(
        expressions=[aliased(column(c), name) for c, name in zip(columns, outputs, strict=True)],
        from_=_from(both, fresh),
    )
    for part in _OF_THE_WHOLE:
        select.set(part, node.args.get(part))
    return select


def _same(name: str, type_: pa.DataType) -> exp.Expr:
    """What is the same for equal values: windows of the engine tell 0.0 from -0.0."""
    if not pa.types.is_floating(type_):
        return column(name)
    return exp.Add(this=column(name), expression=exp.Literal.number("0.0"))


def _with_numbers(
    query: exp.Expr,
    columns: Sequence[str],
    same: Sequence[exp.Expr],
    number: str,
    fresh: FreshNames,
) -> exp.Select:
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    window = exp.Window(
        this=exp.Anonymous(this="row_number"), partition_by=[s.copy() for s in same]
    )
    return exp.Select(
        expressions=[*(column(c) for c in columns), aliased(window, number)],
        from_=_from(query.copy(), fresh, columns),
    )


def _from(query: exp.Expr, fresh: FreshNames, columns: Sequence[str] = ()) -> exp.From:
    alias = exp.TableAlias(this=quoted(fresh.next("t")), columns=[quoted(c) for c in columns])
    return exp.From(this=exp.Subquery(this=query, alias=alias))


def _output_names(
    query: exp.Expr, names: Names, ctes: dict[str, Columns | None]
) -> list[str] | None:
    """The names of a query's columns, repeats too; None where `*` stands for what is not known."""
    known = names.with_ctes(query, ctes)
    while isinstance(query, exp.Subquery | exp.Paren | exp.SetOperation):
        query = query.this
        known = names.with_ctes(query, known)
    if not isinstance(query, exp.Select):
        return None
    merged = any(j.args.get("using") or j.method for j in query.args.get("joins") or ())
    scope = names.scope(query, None, ctes)
    found: list[str] = []
    for output in query.expressions:
        if output.is_star:
            columns = star_columns(output, scope)
            if columns is None or merged:
                return None
            found += [name for _, name in columns]
        elif isinstance(output, exp.Alias):
            found.append(named(output.args["alias"]))
        else:
            inner = bare(output)
            plain = isinstance(inner, exp.Column)
            found.append(named(inner.this) if plain else text_of(inner.copy()))
    return found
