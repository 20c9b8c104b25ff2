"""Conversions: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.postgres.time_formats import formatted
from planner.emit.postgres.types import (
    DOUBLE,
    INTEGER,
    cast_to,
    function_call,
    grouped,
    is_decimal,
    is_text,
    number,
    text,
    type_sql,
)
from planner.relations import Cast

_UNDECLARED = pa.decimal128(38, 18)
"""A numeric that the source gave no scale has this type, and may have more digits there."""

_IN_NUMBERS_THERE = "_xXoObB\v"

_MOMENTS = (pa.timestamp("us"), pa.timestamp("us", "UTC"))

_EXACT = {
    (pa.float32(), pa.float64()),
    (pa.date32(), pa.timestamp("us")),
    (pa.date32(), pa.timestamp("us", "UTC")),
    # There a moment has microseconds; the engine fails for what does not fit nanoseconds.
    (pa.date32(), pa.timestamp("ns")),
    (pa.timestamp("us"), pa.timestamp("ns")),
    (pa.timestamp("ns"), pa.date32()),
    *((moment, pa.date32()) for moment in _MOMENTS),
    _MOMENTS,
    _MOMENTS[::-1],
}


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target, strict = conversion.input.type, conversion.type, conversion.strict
    if source == target or (is_text(source) and is_text(target)) or (source, target) in _EXACT:
        return None
    if source == pa.date32() and is_text(target):
        return None
    refused = f"the conversion of {source} to {target}"
    if type_sql(target) is None or type_sql(source) is None:
        return refused
    if is_text(source):
        return None if strict and pa.types.is_signed_integer(target) else refused
    if pa.types.is_signed_integer(source):
        wider = pa.types.is_signed_integer(target) and target.bit_width >= source.bit_width
        sound = wider or is_text(target) or target in (pa.float32(), pa.float64(), pa.bool_())
        fails = pa.types.is_signed_integer(target) or is_decimal(target)
        return None if sound or (strict and fails) else refused
    if pa.types.is_decimal128(source):
        sound = target == pa.float64() and source.scale <= 22
        fails = is_decimal(target) or pa.types.is_signed_integer(target)
        written = is_text(target) and source != _UNDECLARED
        return None if sound or written or (strict and fails) else refused
    if pa.types.is_boolean(source):
        sound = is_text(target) or pa.types.is_signed_integer(target)
        return None if sound else refused
    if pa.types.is_floating(source):
        return None if strict and pa.types.is_signed_integer(target) else refused
    return refused


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion; decimal to double divides the unscaled integer, as the engine does."""
    source, target = conversion.input.type, conversion.type
    if source == target or (is_text(source) and is_text(target)):
        return sql
    if source == pa.date32() and is_text(target):
        return formatted(sql, ["YYYY", '"-"', "MM", '"-"', "DD"])
    to = cast(exp.DataType, type_sql(target))
    whole = pa.types.is_integer(target)
    if is_decimal(source) and target == pa.float64():
        return _as_double(sql, source.scale)
    if is_decimal(source) and is_text(target):
        # A computed numeric has as many digits as it happens to have.
        return cast_to(cast_to(sql, cast(exp.DataType, type_sql(source))), to)
    if whole and (is_decimal(source) or pa.types.is_floating(source)):
        return cast_to(function_call("trunc", sql), to)
    if is_text(source):
        # What the engine takes for no number: 1_000, 0x10, and a vertical tab beside one.
        no_number = text("?" * len(_IN_NUMBERS_THERE))
        return cast_to(function_call("translate", sql, text(_IN_NUMBERS_THERE), no_number), to)
    if pa.types.is_boolean(target):
        return exp.Paren(this=exp.NEQ(this=grouped(sql), expression=number(0)))
    if pa.types.is_boolean(source) and whole and target != pa.int32():
        return cast_to(cast_to(sql, INTEGER), to)
    return cast_to(sql, to)


def _as_double(sql: Sql, scale: int) -> Sql:
    if scale == 0:
        return cast_to(sql, DOUBLE)
    shift = 10**scale
    unscaled = cast_to(exp.Mul(this=grouped(sql), expression=number(shift)), DOUBLE)
    return exp.Paren(
        this=exp.Div(this=unscaled, expression=cast_to(number(shift), DOUBLE), typed=True)
    )
