"""Conversions: when DuckDB's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.duckdb.time_functions import is_whole_moment
from planner.emit.duckdb.types import (
    DOUBLE,
    cast_to,
    digits_of,
    function_call,
    is_text,
    number,
    type_sql,
)
from planner.relations import Cast

# Both divide the digits by a power of ten while the digits are exact as a float (2^53 > 10^15).
_EXACT_DIGITS = 15

# Powers of ten up to this one are exact as a float.
_EXACT_SCALE = 22


_MOMENTS = (pa.timestamp("us"), pa.timestamp("us", "UTC"))
_EXACT = {
    (pa.float32(), pa.float64()),
    (pa.date32(), pa.timestamp("ns")),
    *((pa.date32(), moment) for moment in _MOMENTS),
    *((moment, pa.date32()) for moment in _MOMENTS),
    _MOMENTS,
    _MOMENTS[::-1],
}


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target = conversion.input.type, conversion.type
    if source == target or (source, target) in _EXACT or (is_text(source) and is_text(target)):
        return None
    t = pa.types
    if (source, target) == (pa.timestamp("ns"), pa.date32()):
        # DuckDB rounds nanoseconds to microseconds on the way.
        sound = is_whole_moment(conversion.input)
    elif t.is_integer(source):
        number_or_text = t.is_integer(target) or t.is_decimal128(target) or is_text(target)
        sound = number_or_text or target in (pa.float32(), pa.float64(), pa.bool_())
    elif t.is_decimal128(source):
        sound = t.is_decimal128(target) or t.is_signed_integer(target) or is_text(target)
        sound = sound or (target == pa.float64() and source.scale <= _EXACT_SCALE)
    elif t.is_boolean(source):
        sound = t.is_integer(target) or is_text(target)
    else:
        sound = t.is_floating(source) and t.is_signed_integer(target)
    return None if sound else f"the conversion of {source} to {target}"


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion that fails as the engine's does, or gives NULL where that does."""
    source, target = conversion.input.type, conversion.type
    if source == target or (is_text(source) and is_text(target)):
        return sql
    whole = pa.types.is_decimal128(source) or pa.types.is_floating(source)
    if whole and pa.types.is_integer(target):
        # The engine cuts, DuckDB would round.
        sql = function_call("trunc", sql)
    if (
        pa.types.is_decimal128(source)
        and target == pa.float64()
        and source.precision > _EXACT_DIGITS
    ):
        # Text is rounded once on its way to a float, as the engine's digits are; a HUGEINT twice.
        digits = cast_to(digits_of(sql), DOUBLE)
        power = cast_to(number(10**source.scale), DOUBLE)
        return exp.Paren(this=exp.Div(this=digits, expression=power))
    kind = exp.Cast if conversion.strict else exp.TryCast
    return kind(this=sql, to=cast(exp.DataType, type_sql(target)).copy())
