"""Conversions: when DuckDB's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.duckdb.types import DOUBLE, cast_to, digits_of, number, type_sql
from planner.relations import Cast

# Both divide the digits by a power of ten while the digits are exact as a float (2^53 > 10^15).
_EXACT_DIGITS = 15

# Powers of ten up to this one are exact as a float.
_EXACT_SCALE = 22


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return None
    t = pa.types
    if t.is_integer(source) and (
        t.is_integer(target)
        or target == pa.float64()
        or t.is_decimal128(target)
        or target == pa.string()
    ):
        return None
    if t.is_decimal128(source) and (
        t.is_decimal128(target)
        or target == pa.string()
        or (target == pa.float64() and source.scale <= _EXACT_SCALE)
    ):
        return None
    if (source, target) in (
        (pa.float32(), pa.float64()),
        (pa.bool_(), pa.string()),
        (pa.date32(), pa.timestamp("us")),
        (pa.timestamp("us"), pa.date32()),
    ):
        return None
    return f"the conversion of {source} to {target}"


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion that fails as the engine's does, or gives NULL where that does."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return sql
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
