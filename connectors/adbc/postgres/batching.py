"""Which pages of a table become one row: what a statement that gathers reads from.

Owns the ranges of pages, and how they are cut where values may be long. Must not know what is
gathered of them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

import sqlglot.expressions as exp

from connectors.adbc.postgres.ranges import Extent, with_list

PAGES = "crosswind_pages"
FIRST, BEHIND = exp.column("first", table=PAGES), exp.column("behind", table=PAGES)
"""The first page of a row, and the one behind its last; not to be changed."""


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a function of PostgreSQL's own."""
    function = exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])
    return exp.Dot(this=exp.to_identifier("pg_catalog"), expression=function)


def series(extent: Extent, step: int, first: int, end: int) -> exp.Subquery:
    """The first page and the end of each row; none where the table has long values.

    The planner takes the condition, which always holds, to hold for a few: so it does not think
    that each row reads a large part of the table.
    """
    last: exp.Expr = exp.Literal.number(end - 1)
    if extent.long_values:
        kept = call("pg_relation_size", _cast(exp.Literal.number(extent.long_values), "regclass"))
        none = exp.EQ(this=kept, expression=exp.Literal.number(0))
        last = exp.Case(ifs=[exp.If(this=none, true=last)])
    page = exp.column("page")
    pages = exp.Literal.number(step)
    behind = _least(page + pages, exp.Literal.number(end))
    return (
        exp.select(exp.alias_(page.copy(), "first"), exp.alias_(behind, "behind"))
        .from_(_each_page(exp.Table, exp.Literal.number(first), last, pages))
        .where(exp.EQ(this=page.copy(), expression=exp.Abs(this=page.copy())))
        .subquery(PAGES)
    )


def cut(
    rows: exp.Select, pages: exp.Subquery, step: int, long: Sequence[exp.Expr], batch_bytes: int
) -> exp.Subquery:
    """The same pages for as many rows as their values need, which may be long and compressed.

    Their lengths are known without a look at what they are. What is not compressed has no more than
    its pages have, and is not cut.

    Args:
        rows: of the table.
        pages: see `series`.
        step: how many of them become one row, at most.
        long: what may be long, as text.
        batch_bytes: what one row is to have, at most.
    """
    none = [exp.Literal.number(0)]
    lengths = [exp.Coalesce(this=call("octet_length", column), expressions=none) for column in long]
    whole = exp.Coalesce(this=call("sum", reduce(operator.add, lengths)), expressions=none)
    some = exp.Greatest(this=whole, expressions=[exp.Literal.number(1)])
    allowed = exp.paren(BEHIND - FIRST) * exp.cast(exp.Literal.number(batch_bytes), "bigint")
    fitting = exp.Div(this=allowed, expression=some, typed=True)
    fewer = exp.Greatest(
        this=_least(fitting, exp.Literal.number(step)), expressions=[exp.Literal.number(1)]
    )
    summed = between(with_list(rows, [exp.alias_(fewer, "step")]), FIRST, BEHIND)
    page, each = exp.column("page", table="pages"), exp.column("step", table="crosswind_step")
    behind = _least(page + each, BEHIND)
    return (
        exp.select(exp.alias_(page.copy(), "first"), exp.alias_(behind, "behind"))
        .from_(pages)
        .join(lateral(summed, "crosswind_step"))
        .join(_each_page(exp.Lateral, FIRST, BEHIND - 1, each))
        .subquery(PAGES)
    )


def between(select: exp.Select, first: exp.Expr, behind: exp.Expr) -> exp.Select:
    """The statement for the pages from one up to another."""
    ctid = exp.column("ctid")
    return select.where(ctid >= start_of(first), ctid.copy() < start_of(behind))


def lateral(select: exp.Select, name: str) -> exp.Lateral:
    """A statement that is run for each row before it."""
    alias = exp.TableAlias(this=exp.to_identifier(name))
    return exp.Lateral(this=exp.Subquery(this=select), alias=alias)


def start_of(page: exp.Expr) -> exp.Expr:
    """Where a page begins, as what `ctid` is."""
    text = exp.DPipe(this=exp.Literal.string("("), expression=page.copy())
    whole = exp.paren(exp.DPipe(this=text, expression=exp.Literal.string(",0)")))
    return _cast(whole, "tid")


def _each_page(kind: type[exp.Expr], first: exp.Expr, last: exp.Expr, step: exp.Expr) -> exp.Expr:
    return kind(
        this=call("generate_series", first, last, step),
        alias=exp.TableAlias(this=exp.to_identifier("pages"), columns=[exp.to_identifier("page")]),
    )


def _least(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Least(this=one.copy(), expressions=[other.copy()])


def _cast(value: exp.Expr, to: str) -> exp.Expr:
    return exp.cast(value, exp.DataType.build(to, udt=True))
