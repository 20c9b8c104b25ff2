"""Columns, constants and conversions in DataFusion's own form: each has exactly its Arrow type."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.datafusion.types import arrow_name, function_call, text
from planner.emit.dialect import Sql
from planner.relations import Cast, Expression, Literal

_YEARS = range(1, 10_000)


def read_column(column: Column, sql: Sql) -> Sql:
    """A column with its Arrow type, which large forms, views and dictionaries become."""
    native = column.native_type.lower()
    same = native in ("", str(column.type))
    return sql if same or arrow_name(column.type) is None else _arrow_cast(sql, column.type)


def output(sql: Sql, _: pa.DataType) -> Sql:
    """As it is: every expression has the type that the fragment has."""
    return sql


def refuse_order(expression: Expression) -> str | None:
    """Why values of an expression may not be compared, grouped or sorted there."""
    known = arrow_name(expression.type) is not None
    return None if known else f"type {expression.type} has no form there"


def refuse_literal(literal: Literal) -> str | None:
    """Why a constant has no form there."""
    if arrow_name(literal.type) is None or literal.type == pa.timestamp("ns"):
        return f"a constant of type {literal.type} has no form there"
    value = literal.value
    if isinstance(value, str) and "\0" in value:
        return "text with a NUL character cannot be sent"
    if isinstance(value, date) and value.year not in _YEARS:
        return "a date outside the years 1 to 9999"
    return None


def write_literal(literal: Literal) -> Sql:
    """A constant of exactly its type."""
    value, type_ = literal.value, literal.type
    if value is None:
        return _arrow_cast(exp.Null(), type_)
    if pa.types.is_boolean(type_):
        return exp.Boolean(this=value)
    if pa.types.is_string(type_):
        return text(value)
    if type_ == pa.int64() and value >= 0:
        return cast(Sql, exp.Literal.number(str(value)))
    if pa.types.is_binary(type_):
        return function_call("decode", text(value.hex()), text("hex"))
    return _arrow_cast(text(_as_text(value, type_)), type_)


def _as_text(value: object, type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"{value:f}"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat("T")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion has no form there."""
    source, target = conversion.input.type, conversion.type
    if arrow_name(source) is None or arrow_name(target) is None:
        return f"the conversion of {source} to {target}"
    if not conversion.strict:
        return f"the conversion of {source} to {target}, where it may be impossible"
    return None


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion, to exactly the type."""
    return _arrow_cast(sql, conversion.type)


def _arrow_cast(sql: Sql, type_: pa.DataType) -> Sql:
    return function_call("arrow_cast", sql, text(str(arrow_name(type_))))
