"""Columns, constants and output columns in PostgreSQL's form."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.dialect import Sql
from planner.emit.postgres.arrays import output_array, read_array
from planner.emit.postgres.types import (
    TEXT,
    cast_to,
    grouped,
    is_decimal,
    is_text,
    number,
    type_sql,
)
from planner.relations import Literal

_TEXT_AS_IT_IS = ("text", "varchar")
_YEARS = range(1, 10_000)


def read_column(column: Column, sql: Sql) -> Sql:
    """A column with the meaning of its Arrow type.

    Text of any other kind (char(n), enum, uuid, json) is its text form, where char(n) has lost
    its padding. Numeric without a scale stays as it is: a value that its Arrow type cannot hold
    fails when it is read, and is not rounded.
    """
    native = column.native_type
    if pa.types.is_list(column.type):
        return read_array(column, sql)
    if pa.types.is_string(column.type):
        if native.endswith((" nondeterministic", " collated")):
            # Columns of two collations cannot be compared there without saying by which.
            return exp.Collate(this=cast_to(sql, TEXT), expression=C.copy())
        plain = native.split("(")[0] in _TEXT_AS_IT_IS and not native.endswith("[]")
        return sql if plain else cast_to(sql, TEXT)
    return sql


C = exp.to_identifier("C", quoted=True)


def order(sql: Sql, type_: pa.DataType) -> Sql:
    """Text compares by code point, as in the engine: the database's collation may differ."""
    if is_text(type_):
        return exp.Collate(this=grouped(sql), expression=C.copy())
    return sql


def output(sql: Sql, type_: pa.DataType) -> Sql:
    """Decimals travel as text: the driver's own conversion of numeric takes twice as long.

    What travels beside an array is in `planner.emit.postgres.arrays`.
    """
    if pa.types.is_list(type_):
        return output_array(sql, type_)
    if is_decimal(type_):
        return cast_to(sql, TEXT)
    if isinstance(sql, exp.Literal | exp.Null | exp.Neg | exp.Boolean):
        return cast_to(sql, cast(exp.DataType, type_sql(type_)))
    return sql


def refuse_literal(literal: Literal) -> str | None:
    """Why a constant has no form there."""
    if type_sql(literal.type) is None:
        return f"a constant of type {literal.type} has no form there"
    value = literal.value
    if pa.types.is_uint64(literal.type) and isinstance(value, int) and value >= 2**63:
        return "a constant above the largest bigint"
    if isinstance(value, str) and "\0" in value:
        return "text with a NUL character cannot be sent"
    if isinstance(value, date) and value.year not in _YEARS:
        return "a date outside the years 1 to 9999"
    return None


def write_literal(literal: Literal) -> Sql:
    """A constant, with a cast where the bare form would have another type."""
    value, type_ = literal.value, literal.type
    if pa.types.is_interval(type_):
        return exp.Null()  # the move by it writes it
    to = cast(exp.DataType, type_sql(type_))
    if value is None:
        return cast_to(exp.Null(), to)
    if pa.types.is_boolean(type_):
        return exp.Boolean(this=value)
    if is_text(type_):
        return cast(Sql, exp.Literal.string(value))
    if is_decimal(type_):
        # Without a point it would be an integer there, with an integer's bounds.
        sql = _signed(f"{value:f}")
        return sql if type_.scale > 0 else cast_to(sql, to)
    if type_ == pa.int32():
        return _signed(str(value))
    if pa.types.is_integer(type_):
        return cast_to(_signed(str(value)), to)
    if pa.types.is_floating(type_):
        text = repr(float(value)) if math.isfinite(value) else str(value)
        return cast_to(cast(Sql, exp.Literal.string(text)), to)
    if pa.types.is_binary(type_):
        return cast_to(cast(Sql, exp.Literal.string("\\x" + value.hex())), to)
    text = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return cast_to(cast(Sql, exp.Literal.string(text)), to)


def _signed(text: str) -> Sql:
    if text.startswith("-"):
        return exp.Paren(this=exp.Neg(this=number(text[1:])))
    return number(text)
