"""Conversions: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.postgres.types import (
    DOUBLE,
    cast_to,
    grouped,
    is_decimal,
    number,
    type_sql,
)
from planner.relations import Cast


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return None
    if pa.types.is_signed_integer(source):
        wider = pa.types.is_signed_integer(target) and target.bit_width >= source.bit_width
        if wider or target == pa.float64() or (is_decimal(target) and conversion.strict):
            return None
    if is_decimal(source) and pa.types.is_decimal128(source):
        exact = target == pa.float64() and source.scale <= 22
        if exact or (is_decimal(target) and conversion.strict):
            return None
    if (source, target) in (
        (pa.float32(), pa.float64()),
        (pa.date32(), pa.timestamp("us")),
    ):
        return None
    return f"the conversion of {source} to {target}"


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion; decimal to double divides the unscaled integer, as the engine does."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return sql
    if is_decimal(source) and target == pa.float64():
        if source.scale == 0:
            return cast_to(sql, DOUBLE)
        shift = 10**source.scale
        unscaled = cast_to(exp.Mul(this=grouped(sql), expression=number(shift)), DOUBLE)
        return exp.Paren(
            this=exp.Div(this=unscaled, expression=cast_to(number(shift), DOUBLE), typed=True)
        )
    return cast_to(sql, cast(exp.DataType, type_sql(target)))
