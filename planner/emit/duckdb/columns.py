"""Columns, constants and output columns in DuckDB's form.

What is written here and by the rules has exactly the DuckDB type of its Arrow type, so that no rule
has to think of what DuckDB makes of its operands.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.dialect import Sql
from planner.emit.duckdb.types import (
    TEXT,
    cast_to,
    function_call,
    is_text,
    signed,
    text,
    type_sql,
)
from planner.relations import Literal

COLLATED = "collated"
"""The trait of a text that may compare by another collation than that of its bytes."""

_BINARY = exp.to_identifier("binary", quoted=True)
_YEARS = range(1, 10_000)

# Above these many digits DuckDB reads a number with a point as a float.
_DIGITS_OF_A_NUMBER = 30


def read_column(column: Column, sql: Sql) -> Sql:
    """A column with the meaning of its Arrow type; of a type that Arrow has not, its text.

    A HUGEINT of 39 digits fails where it is read.
    """
    native = column.native_type
    if is_text(column.type):
        if native != "VARCHAR":
            return cast_to(sql, TEXT)
        collated = COLLATED in column.traits
        return exp.Collate(this=sql, expression=_BINARY.copy()) if collated else sql
    if native in ("HUGEINT", "UHUGEINT"):
        return cast_to(sql, cast(exp.DataType, type_sql(column.type)))
    return sql


def order(sql: Sql, _: pa.DataType) -> Sql:
    """As it is: texts compare by their bytes, and a column with a collation was read without."""
    return sql


def output(sql: Sql, _: pa.DataType) -> Sql:
    """As it is: every expression has the type that the fragment has."""
    return sql


def refuse_literal(literal: Literal) -> str | None:
    """Why a constant has no form there."""
    type_, value = literal.type, literal.value
    if type_sql(type_) is None or type_ == pa.timestamp("ns"):
        return f"a constant of type {type_} has no form there"
    if isinstance(value, str) and "\0" in value:
        return "text with a NUL character cannot be sent"
    if isinstance(value, date) and value.year not in _YEARS:
        return "a date outside the years 1 to 9999"
    return None


def write_literal(literal: Literal) -> Sql:
    """A constant of exactly its type."""
    value, type_ = literal.value, literal.type
    if pa.types.is_interval(type_):
        # Only a move by one comes here, and whoever writes that looks at the constant.
        return exp.Null()
    to = cast(exp.DataType, type_sql(type_))
    if value is None:
        return cast_to(exp.Null(), to)
    if pa.types.is_boolean(type_):
        return exp.Boolean(this=value)
    if is_text(type_):
        return text(value)
    if pa.types.is_decimal128(type_):
        digits = f"{value:f}"
        plain = type_.precision <= _DIGITS_OF_A_NUMBER
        return cast_to(signed(digits) if plain else text(digits), to)
    if type_ == pa.int32():
        return signed(str(value))
    if pa.types.is_integer(type_):
        return cast_to(signed(str(value)), to)
    if pa.types.is_floating(type_):
        return cast_to(text(repr(float(value)) if math.isfinite(value) else str(value)), to)
    if pa.types.is_binary(type_):
        return function_call("from_hex", text(value.hex()))
    stamp = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return cast_to(text(stamp), to)


def bare(literal: Literal | object, sql: Sql) -> Sql:
    """An integer constant without its cast, where the other operand gives it its type."""
    if isinstance(literal, Literal) and isinstance(sql, exp.Cast):
        inner = sql.this
        if pa.types.is_integer(literal.type) and isinstance(inner, exp.Literal | exp.Paren):
            return cast(Sql, inner)
    return sql
