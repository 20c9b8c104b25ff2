"""PostgreSQL's names of types, and small pieces of SQL trees. Knows no rule."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.keys import is_text as is_text

TEXT = exp.DataType.build("text", dialect="postgres")
BIGINT = exp.DataType.build("bigint", dialect="postgres")
INTEGER = exp.DataType.build("integer", dialect="postgres")
DOUBLE = exp.DataType.build("double precision", dialect="postgres")
NUMERIC = exp.DataType.build("numeric", dialect="postgres")
DATE = exp.DataType.build("date", dialect="postgres")
INTERVAL = exp.DataType.build("interval", dialect="postgres")
TYPES: dict[pa.DataType, exp.DataType] = {
    arrow: exp.DataType.build(name, dialect="postgres")
    for arrow, name in (
        (pa.bool_(), "boolean"),
        (pa.int16(), "smallint"),
        (pa.int32(), "integer"),
        (pa.int64(), "bigint"),
        # Numbers of rows and of grouping sets, which no bigint is too small for.
        (pa.uint8(), "bigint"),
        (pa.uint16(), "bigint"),
        (pa.uint32(), "bigint"),
        (pa.uint64(), "bigint"),
        (pa.float32(), "real"),
        (pa.float64(), "double precision"),
        (pa.string(), "text"),
        (pa.string_view(), "text"),
        (pa.large_string(), "text"),
        (pa.binary(), "bytea"),
        (pa.date32(), "date"),
        (pa.time64("us"), "time"),
        (pa.timestamp("us"), "timestamp"),
        (pa.timestamp("ns"), "timestamp"),
        (pa.timestamp("us", "UTC"), "timestamptz"),
    )
}


def is_decimal(type_: pa.DataType) -> bool:
    return bool(pa.types.is_decimal128(type_) or pa.types.is_decimal256(type_))


def type_sql(type_: pa.DataType) -> exp.DataType | None:
    """The type's name in PostgreSQL, to be copied, or None."""
    return _numeric(type_.precision, type_.scale) if is_decimal(type_) else TYPES.get(type_)


@lru_cache(1_024)
def _numeric(precision: int, scale: int) -> exp.DataType:
    return exp.DataType.build(f"numeric({precision},{scale})", dialect="postgres")


def cast_to(sql: Sql, to: exp.DataType) -> Sql:
    return exp.Cast(this=sql, to=to.copy())


def number(value: object) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))


def function_call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> Sql:
    return cast(Sql, exp.Literal.string(value))


def cases(*clauses: tuple[Sql, Sql], default: Sql) -> Sql:
    """CASE WHEN … THEN … ELSE default END."""
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in clauses], default=default)


def grouped(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    loose = isinstance(sql, exp.Binary | exp.Unary | exp.In | exp.Between)
    return exp.paren(sql, copy=False) if loose and not isinstance(sql, exp.Paren) else sql
