"""Columns, constants, conversions and order in common SQL, by a dialect's description."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.common_sql.description import Description
from planner.emit.dialect import Sql
from planner.relations import Cast, Expression, Literal

_YEARS = range(1, 10_000)


def cast_to(sql: Sql, to: exp.DataType) -> Sql:
    return exp.Cast(this=sql, to=to.copy())


def number(value: object) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))


def grouped(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    loose = isinstance(sql, exp.Binary | exp.Unary | exp.Collate | exp.In | exp.Between)
    return exp.paren(sql, copy=False) if loose and not isinstance(sql, exp.Paren) else sql


class Columns:
    """The members of `Dialect` that concern values, for one description."""

    def __init__(self, description: Description) -> None:
        self._description = description

    def read(self, column: Column, sql: Sql) -> Sql:
        """The column itself; text by its bytes; of a type that Arrow has not, its text."""
        if not pa.types.is_string(column.type):
            return sql
        if column.lost:
            sql = cast_to(sql, self._type(column.type))
        if self._description.collation:
            return exp.Collate(this=sql, expression=exp.var(self._description.collation))
        return sql

    def order(self, sql: Sql, _: pa.DataType) -> Sql:
        """As it is: text columns were read with the collation of their bytes."""
        return sql

    def output(self, sql: Sql, type_: pa.DataType) -> Sql:
        """As it is; a bare constant with its type."""
        if isinstance(sql, exp.Literal | exp.Null | exp.Neg) or (
            isinstance(sql, exp.Boolean) and not self._description.truth_values
        ):
            return cast_to(sql, self._type(type_))
        return sql

    def refuse_order(self, expression: Expression) -> str | None:
        """Why values of an expression may not be compared, grouped or sorted there."""
        type_ = expression.type
        if pa.types.is_floating(type_):
            return "NaN and -0.0 compare differently there"
        if self._description.type_sql(type_) is None:
            return f"type {type_} has no form there"
        return None

    def refuse_literal(self, literal: Literal) -> str | None:
        """Why a constant has no form there."""
        type_, value = literal.type, literal.value
        if self._description.type_sql(type_) is None or pa.types.is_binary(type_):
            return f"a constant of type {type_} has no form there"
        if isinstance(value, str) and "\0" in value:
            return "text with a NUL character cannot be sent"
        if isinstance(value, str) and any(part in value for part in self._description.replaced):
            return "text with characters that are replaced there"
        if isinstance(value, float) and not math.isfinite(value):
            return "NaN and infinity have no form there"
        if isinstance(value, date) and value.year not in _YEARS:
            return "a date outside the years 1 to 9999"
        return None

    def write_literal(self, literal: Literal) -> Sql:
        """A constant, with a cast where the bare form would have another type."""
        value, type_ = literal.value, literal.type
        to = self._type(type_)
        if value is None:
            return cast_to(exp.Null(), to)
        if pa.types.is_boolean(type_):
            if not self._description.truth_values:
                one = number(1)
                return exp.Paren(this=exp.EQ(this=one, expression=number(int(value))))
            return exp.Boolean(this=value)
        if pa.types.is_string(type_):
            if self._description.national:
                return exp.National(this=value)
            return cast(Sql, exp.Literal.string(value))
        if pa.types.is_integer(type_):
            return _signed(str(value))
        if pa.types.is_floating(type_):
            return cast_to(cast(Sql, exp.Literal.string(repr(value))), to)
        if pa.types.is_decimal(type_):
            return cast_to(cast(Sql, exp.Literal.string(f"{value:f}")), to)
        stamp = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        return cast_to(cast(Sql, exp.Literal.string(stamp)), to)

    def refuse_cast(self, conversion: Cast) -> str | None:
        """Only what neither rounds nor cuts, nor fails in another way."""
        source, target = conversion.input.type, conversion.type
        if source == target:
            return None
        known = self._description.type_sql(target) is not None
        if known and pa.types.is_signed_integer(source):
            if pa.types.is_signed_integer(target) and target.bit_width >= source.bit_width:
                return None
            if pa.types.is_decimal128(target):
                return None if target.precision - target.scale >= _digits(source) else "a narrowing"
        if known and pa.types.is_decimal128(source) and pa.types.is_decimal128(target):
            whole = target.precision - target.scale >= source.precision - source.scale
            return None if whole and target.scale >= source.scale else "a conversion that rounds"
        if known and (source, target) == (pa.date32(), pa.timestamp("us")):
            return None
        return f"the conversion of {source} to {target}"

    def write_cast(self, conversion: Cast, sql: Sql) -> Sql:
        """A conversion that passes every value."""
        if conversion.input.type == conversion.type:
            return sql
        return cast_to(sql, self._type(conversion.type))

    def _type(self, type_: pa.DataType) -> exp.DataType:
        return cast(exp.DataType, self._description.type_sql(type_))


def _digits(type_: pa.DataType) -> int:
    return len(str(2 ** (type_.bit_width - 1)))


def _signed(text: str) -> Sql:
    if text.startswith("-"):
        return exp.Paren(this=exp.Neg(this=number(text[1:])))
    return number(text)
