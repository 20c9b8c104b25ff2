"""DuckDB's names of types, and small pieces of SQL trees. Knows no rule."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql


def _named(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="duckdb")


TEXT = _named("VARCHAR")
INTEGER = _named("INTEGER")
BIGINT = _named("BIGINT")
HUGEINT = _named("HUGEINT")
DOUBLE = _named("DOUBLE")
DATE = _named("DATE")
TIMESTAMP_NS = _named("TIMESTAMP_NS")
TYPES: dict[pa.DataType, exp.DataType] = {
    pa.bool_(): _named("BOOLEAN"),
    pa.int8(): _named("TINYINT"),
    pa.int16(): _named("SMALLINT"),
    pa.int32(): INTEGER,
    pa.int64(): BIGINT,
    pa.uint8(): _named("UTINYINT"),
    pa.uint16(): _named("USMALLINT"),
    pa.uint32(): _named("UINTEGER"),
    pa.uint64(): _named("UBIGINT"),
    pa.float32(): _named("REAL"),
    pa.float64(): DOUBLE,
    pa.string(): TEXT,
    # What some of the engine's functions make.
    pa.string_view(): TEXT,
    pa.binary(): _named("BLOB"),
    pa.date32(): DATE,
    pa.time64("us"): _named("TIME"),
    pa.timestamp("s"): _named("TIMESTAMP_S"),
    pa.timestamp("ms"): _named("TIMESTAMP_MS"),
    pa.timestamp("us"): _named("TIMESTAMP"),
    pa.timestamp("ns"): TIMESTAMP_NS,
    pa.timestamp("us", "UTC"): _named("TIMESTAMPTZ"),
}

MOST_DIGITS = 38


def decimal(precision: int, scale: int) -> exp.DataType:
    return _named(f"DECIMAL({precision},{scale})")


def is_text(type_: pa.DataType) -> bool:
    """Text, in either of the engine's forms."""
    return bool(pa.types.is_string(type_) or pa.types.is_string_view(type_))


def type_sql(type_: pa.DataType) -> exp.DataType | None:
    """The type's name in DuckDB, or None."""
    if pa.types.is_decimal128(type_) and 0 <= type_.scale <= type_.precision:
        return decimal(type_.precision, type_.scale)
    return TYPES.get(type_)


def cast_to(sql: Sql, to: exp.DataType) -> Sql:
    return exp.Cast(this=sql, to=to.copy())


def number(value: object) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))


def signed(text: str) -> Sql:
    """A number as it is written, in parentheses when it is negative."""
    if text.startswith("-"):
        return exp.Paren(this=exp.Neg(this=number(text[1:])))
    return number(text)


def text(value: str) -> Sql:
    return cast(Sql, exp.Literal.string(value))


def function_call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def grouped(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    loose = isinstance(sql, exp.Binary | exp.Unary | exp.Collate | exp.In | exp.Between)
    return exp.paren(sql, copy=False) if loose and not isinstance(sql, exp.Paren) else sql


def unscaled(sql: Sql, type_: pa.DataType) -> Sql:
    """A decimal's digits as a HUGEINT, which has the engine's 128 bits.

    Multiplying is exact while the product has at most 38 digits; else they are read as text.
    """
    if type_.scale == 0:
        return cast_to(sql, HUGEINT)
    if type_.precision + type_.scale > MOST_DIGITS:
        return cast_to(digits_of(sql), HUGEINT)
    wide = cast_to(sql, decimal(MOST_DIGITS, type_.scale))
    shift = cast_to(number(10**type_.scale), decimal(type_.scale + 1, 0))
    return cast_to(exp.Mul(this=wide, expression=shift), HUGEINT)


def digits_of(sql: Sql) -> Sql:
    """A decimal's digits as text, without the point."""
    return function_call("replace", cast_to(sql, TEXT), text("."), text(""))


def scaled(digits: Sql, type_: pa.DataType) -> Sql:
    """A HUGEINT of digits as a decimal: the product with the smallest one of its scale."""
    whole = cast_to(digits, decimal(MOST_DIGITS, 0))
    if type_.scale == 0:
        return cast_to(whole, decimal(type_.precision, 0))
    unit = f"0.{'0' * (type_.scale - 1)}1"
    one = cast_to(text(unit), decimal(type_.scale, type_.scale))
    product = exp.Mul(this=whole, expression=one)
    return cast_to(product, decimal(type_.precision, type_.scale))


def divided(dividend: Sql, divisor: Sql, *, never_zero: bool) -> Sql:
    """A division of integers that cuts towards zero; of a divisor of zero DuckDB makes NULL, and
    this the error that the engine raises."""
    quotient = exp.IntDiv(this=grouped(dividend), expression=grouped(divisor))
    if never_zero:
        return quotient
    return checked(divisor, quotient)


def checked(divisor: Sql, quotient: Sql) -> Sql:
    """What a division gives, or the engine's failure for a divisor of zero."""
    zero = exp.EQ(this=grouped(divisor.copy()), expression=number(0))
    return case((zero, function_call("error", text("division by zero"))), default=quotient)


def wrapped(exact: Sql, width: int, wide: exp.DataType) -> Sql:
    """An integer of a wider type without what exceeds `width` bits of magnitude, as it wraps."""
    half, whole = cast_to(number(2**width), wide), cast_to(number(2 ** (width + 1)), wide)
    shifted = exp.Paren(this=exp.Add(this=grouped(exact), expression=half))
    low = exp.Paren(this=exp.Mod(this=shifted, expression=whole))
    positive = exp.Paren(this=exp.Add(this=low, expression=whole.copy()))
    rest = exp.Paren(this=exp.Mod(this=positive, expression=whole.copy()))
    return exp.Sub(this=rest, expression=half.copy())


def case(*clauses: tuple[Sql, Sql], default: Sql) -> Sql:
    """CASE WHEN … THEN …, … ELSE default END."""
    ifs = [exp.If(this=condition, true=value) for condition, value in clauses]
    return exp.Case(ifs=ifs, default=default)
