"""How floats are ordered: the engine tells apart what PostgreSQL takes for equal.

To the engine a NaN with a sign comes before all other numbers, and -0.0 before 0.0 where rows are
sorted (compared, these two are equal). PostgreSQL has one NaN, after all others, and one zero.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.postgres.columns import order
from planner.emit.postgres.conditions import is_ordinary, refuse_order
from planner.emit.postgres.types import function_call, grouped, number, text
from planner.relations import Expression


def is_signed(sql: Sql, type_: pa.DataType) -> Sql:
    """Whether a float has a sign."""
    name = "float4send" if type_ == pa.float32() else "float8send"
    first = function_call("get_byte", function_call(name, sql), number(0))
    return exp.Paren(this=exp.GT(this=first, expression=number(127)))


def is_first_nan(sql: Sql, type_: pa.DataType) -> Sql:
    """Whether a float is a NaN with a sign."""
    nan = exp.EQ(this=grouped(sql.copy()), expression=text("NaN"))
    return exp.And(this=nan, expression=is_signed(sql.copy(), type_))


def refuse_sort(expression: Expression) -> str | None:
    """Why values of an expression may not be sorted there."""
    return None if pa.types.is_floating(expression.type) else refuse_order(expression)


def sort_keys(expression: Expression, sql: Sql) -> tuple[Sql, ...]:
    """Floats by three keys: the NaN with a sign first, the number, the sign of a zero."""
    if not pa.types.is_floating(expression.type) or is_ordinary(expression):
        return (order(sql, expression.type),)
    nan = exp.Paren(this=is_first_nan(sql, expression.type))
    return (
        exp.Not(this=nan),
        sql,
        exp.Not(this=is_signed(sql.copy(), expression.type)),
    )
