"""DataFusion's names of types, in SQL and for `arrow_cast`, and small pieces of SQL trees."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql

NAMES: dict[pa.DataType, tuple[str, str]] = {
    pa.bool_(): ("BOOLEAN", "Boolean"),
    pa.int8(): ("TINYINT", "Int8"),
    pa.int16(): ("SMALLINT", "Int16"),
    pa.int32(): ("INT", "Int32"),
    pa.int64(): ("BIGINT", "Int64"),
    pa.uint8(): ("TINYINT UNSIGNED", "UInt8"),
    pa.uint16(): ("SMALLINT UNSIGNED", "UInt16"),
    pa.uint32(): ("INT UNSIGNED", "UInt32"),
    pa.uint64(): ("BIGINT UNSIGNED", "UInt64"),
    pa.float32(): ("REAL", "Float32"),
    pa.float64(): ("DOUBLE", "Float64"),
    pa.string(): ("VARCHAR", "Utf8"),
    pa.binary(): ("BYTEA", "Binary"),
    pa.date32(): ("DATE", "Date32"),
    pa.time64("us"): ("TIME(6)", "Time64(Microsecond)"),
    pa.time64("ns"): ("TIME", "Time64(Nanosecond)"),
    pa.timestamp("s"): ("TIMESTAMP(0)", "Timestamp(Second, None)"),
    pa.timestamp("ms"): ("TIMESTAMP(3)", "Timestamp(Millisecond, None)"),
    pa.timestamp("us"): ("TIMESTAMP(6)", "Timestamp(Microsecond, None)"),
    pa.timestamp("ns"): ("TIMESTAMP(9)", "Timestamp(Nanosecond, None)"),
    pa.timestamp("us", "UTC"): ("TIMESTAMPTZ(6)", 'Timestamp(Microsecond, Some("UTC"))'),
}
"""Of each Arrow type: its name in SQL, and that in `arrow_cast`, which makes exactly it."""


def arrow_name(type_: pa.DataType) -> str | None:
    """The type as `arrow_cast` takes it, or None.

    >>> arrow_name(pa.decimal128(15, 2)), arrow_name(pa.list_(pa.int64()))
    ('Decimal128(15, 2)', None)
    """
    if pa.types.is_decimal128(type_) or pa.types.is_decimal256(type_):
        return f"Decimal{type_.bit_width}({type_.precision}, {type_.scale})"
    return NAMES[type_][1] if type_ in NAMES else None


def type_sql(type_: pa.DataType) -> exp.DataType | None:
    """The type's name in DataFusion's SQL, or None."""
    if pa.types.is_decimal128(type_) or pa.types.is_decimal256(type_):
        return _named(f"DECIMAL({type_.precision}, {type_.scale})")
    return _named(NAMES[type_][0]) if type_ in NAMES else None


def _named(name: str) -> exp.DataType:
    return exp.DataType(this=exp.DType.USERDEFINED, kind=name)


def text(value: str) -> Sql:
    return cast(Sql, exp.Literal.string(value))


def function_call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def grouped(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    loose = isinstance(sql, exp.Binary | exp.Unary | exp.In | exp.Between)
    return exp.paren(sql, copy=False) if loose and not isinstance(sql, exp.Paren) else sql
