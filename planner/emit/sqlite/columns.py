"""Columns, constants, conversions and output columns in SQLite's form.

Owns the check of each value that is read: SQLite stores anything in any column, and what does not
fit its declared type must fail, wherever in a statement it is read.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.dialect import Sql
from planner.relations import Cast, Expression, Literal

ANY_AS_TEXT = "any as text"
"""The trait of a column any value of which is read as its text."""

NO_ROWID = "without rowid"
"""The trait of a column whose rows have no number."""

MISFITS_ARE_NULL = "misfits are null"
"""The trait of a column that is NULL where a value does not fit its type."""

ROW_NUMBER = "number of the row"
"""The trait of a column that is the number of its row: an integer, whatever was stored."""

EXACT_DIGITS = 15
"""Decimals of so many digits are told apart by the nearest floats, and are in their order."""

MISFIT = "a value does not fit "
"""What begins the message of a failed check, by which EXPLAIN knows one."""

_WIDTHS = {pa.int8(): 7, pa.int16(): 15, pa.int32(): 31, pa.int64(): 63}


def _named(name: str) -> exp.DataType:
    return exp.DataType.build(name, dialect="sqlite")


_BINARY = exp.to_identifier("BINARY")
TEXT, REAL, INTEGER, BLOB = map(_named, ("TEXT", "REAL", "INTEGER", "BLOB"))
_TYPES: dict[pa.DataType, exp.DataType] = {
    **dict.fromkeys((pa.bool_(), *_WIDTHS), INTEGER),
    # Numbers of rows.
    pa.uint64(): INTEGER,
    pa.float64(): REAL,
    pa.string(): TEXT,
    # What some of the engine's functions make.
    pa.string_view(): TEXT,
    pa.date32(): TEXT,
    pa.binary(): BLOB,
}


def type_sql(type_: pa.DataType) -> exp.DataType | None:
    """The storage class of a type's values, or None."""
    if is_exact(type_):
        return REAL
    return _TYPES.get(type_)


def is_text(type_: pa.DataType) -> bool:
    """Text, in either of the engine's forms."""
    return bool(pa.types.is_string(type_) or pa.types.is_string_view(type_))


def is_exact(type_: pa.DataType) -> bool:
    """A decimal whose values SQLite tells apart."""
    return bool(pa.types.is_decimal128(type_) and 0 <= type_.scale <= type_.precision) and bool(
        type_.precision <= EXACT_DIGITS
    )


def width(type_: pa.DataType) -> int | None:
    """The bits of a signed integer's magnitude; None for another type."""
    return _WIDTHS.get(type_)


def call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def text(value: str) -> Sql:
    return cast(Sql, exp.Literal.string(value))


def number(value: object) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))


def as_type(sql: Sql, to: exp.DataType) -> Sql:
    return exp.Cast(this=sql, to=to.copy())


def unless_null(value: Sql, sql: Sql) -> Sql:
    """`sql`, or NULL where `value` is."""
    absent = exp.Is(this=_closed(value.copy()), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=absent, true=exp.Null())], default=sql)


def read_column(column: Column, sql: Sql) -> Sql:
    """A column's value; of one that does not fit a failure that names column, row and what is there
    instead, or NULL."""
    if ROW_NUMBER in column.traits:
        # As it is, so that SQLite looks rows up by it.
        return sql
    if ANY_AS_TEXT in column.traits:
        # A conversion keeps the collation of its column, which may be NOCASE.
        return exp.Collate(this=as_type(sql, TEXT), expression=_BINARY.copy())
    value = _value(column.type, sql)
    absent = exp.If(this=exp.Is(this=sql.copy(), expression=exp.Null()), true=exp.Null())
    fits = exp.If(this=_fits(column.type, sql), true=value.copy())
    if MISFITS_ARE_NULL in column.traits:
        return exp.Case(ifs=[absent, fits])
    return exp.Case(ifs=[absent, fits], default=_failure(column, sql))


def _value(type_: pa.DataType, sql: Sql) -> Sql:
    if pa.types.is_decimal(type_):
        return as_type(_digits(sql, type_.scale), REAL)
    return as_type(sql, REAL) if pa.types.is_floating(type_) else sql


def _fits(type_: pa.DataType, sql: Sql) -> Sql:
    """Whether a value that is not NULL has a type's form."""
    if is_text(type_):
        return _stored_as(sql, "text")
    if pa.types.is_binary(type_):
        return _stored_as(sql, "blob")
    if pa.types.is_date32(type_):
        # Years before the first have a sign, which Arrow does not read. Compared with the column, a
        # text of ours would become a number, because of how it is declared.
        iso = exp.Is(this=call("date", sql.copy()), expression=sql.copy())
        first = call("substr", sql.copy(), number(1), number(1))
        return exp.And(this=iso, expression=exp.NEQ(this=first, expression=text("-")))
    if pa.types.is_boolean(type_):
        return exp.And(this=_stored_as(sql, "integer"), expression=_within(sql, 0, 1))
    if pa.types.is_integer(type_):
        whole = _stored_as(sql, "integer")
        if type_ == pa.int64():
            return whole
        bound = 2 ** _WIDTHS[type_]
        return exp.And(this=whole, expression=_within(sql, -bound, bound - 1))
    stored = _stored_as(sql, "integer", "real")
    if pa.types.is_floating(type_):
        return stored
    # Whoever computed it may have missed the nearest float by one or two.
    missed = exp.Sub(this=_value(type_, sql), expression=sql.copy())
    # The least integer has no absolute value among integers.
    size = call("abs", as_type(sql, REAL))
    near = exp.Mul(this=size, expression=number("1e-15"))
    same = exp.LTE(this=call("abs", missed), expression=near)
    bound = number(10 ** (type_.precision - type_.scale))
    small = exp.LT(this=size.copy(), expression=bound)
    return exp.And(this=exp.And(this=stored, expression=same), expression=small)


def _stored_as(sql: Sql, *classes: str) -> Sql:
    return exp.In(this=call("typeof", sql.copy()), expressions=[text(c) for c in classes])


def _within(sql: Sql, low: int, high: int) -> Sql:
    return exp.Between(this=sql.copy(), low=_signed(str(low)), high=number(high))


def _digits(sql: Sql, scale: int) -> Sql:
    return call("printf", text(f"%.{scale}f"), sql.copy())


def _failure(column: Column, sql: Sql) -> Sql:
    """A call that fails with a text of ours: SQLite has no function that only fails."""
    said: Sql = text(f"{MISFIT}{column.type}: column {column.name}")
    if NO_ROWID not in column.traits:
        row = exp.column("rowid", table=sql.args["table"].copy())
        said = exp.DPipe(this=exp.DPipe(this=said, expression=text(", row ")), expression=row)
    said = exp.DPipe(this=said, expression=text(", holds "))
    return call(
        "json_extract", text("{}"), exp.DPipe(this=said, expression=call("typeof", sql.copy()))
    )


def order(sql: Sql, _: pa.DataType) -> Sql:
    """As it is: what was read through a condition has no collation but that of bytes."""
    return sql


def output(sql: Sql, type_: pa.DataType) -> Sql:
    """In columns without NULL, but of integers: see `connectors.adbc.sqlite.columns`.

    Texts, dates and decimals are texts; floats and bytes have their NULLs in a column beside them.
    """
    if is_text(type_):
        return call("coalesce", exp.DPipe(this=text("v"), expression=_closed(sql)), text(""))
    if pa.types.is_date32(type_):
        return call("coalesce", sql, text(""))
    if pa.types.is_decimal128(type_):
        # Of NULL, printf makes a zero.
        absent = exp.If(this=exp.Is(this=_closed(sql.copy()), expression=exp.Null()), true=text(""))
        return exp.Case(ifs=[absent], default=_digits(sql, type_.scale))
    if pa.types.is_floating(type_):
        return _beside(as_type(sql, REAL), number("0.0"))
    return _beside(sql, exp.HexString(this="")) if pa.types.is_binary(type_) else sql


def _beside(sql: Sql, instead: Sql) -> Sql:
    """A value, with another in the place of NULL, and whether it is NULL."""
    absent = exp.Is(this=_closed(sql.copy()), expression=exp.Null())
    return exp.Tuple(expressions=[call("coalesce", sql, instead), absent])


def _closed(sql: Sql) -> Sql:
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Unary) else sql


def refuse_literal(literal: Literal) -> str | None:
    """Why a constant has no form there."""
    value, type_ = literal.value, literal.type
    if type_sql(type_) is None or type_ in (pa.float64(), pa.binary()):
        return f"a constant of type {type_} has no form there"
    if isinstance(value, str) and "\0" in value:
        return "text with a NUL character cannot be sent"
    if isinstance(value, datetime | date) and not 1 <= value.year <= 9999:
        return "a date outside the years 1 to 9999"
    if type_ == pa.uint64() and isinstance(value, int) and value >= 2**63:
        return "a constant above the largest integer there"
    if type_ == pa.int64() and value == -(2**63):
        return "the smallest integer cannot be written there"
    return None


def write_literal(literal: Literal) -> Sql:
    """A constant in the form of its type's values."""
    value, type_ = literal.value, literal.type
    if value is None:
        return exp.Null()
    if pa.types.is_boolean(type_):
        return number(int(value))
    if is_text(type_):
        return text(value)
    if pa.types.is_date32(type_):
        return text(value.isoformat())
    if pa.types.is_decimal128(type_):
        return as_type(_signed(f"{value:f}"), REAL)
    return _signed(str(value))


def _signed(digits: str) -> Sql:
    if digits.startswith("-"):
        return exp.Paren(this=exp.Neg(this=number(digits[1:])))
    return number(digits)


_DIGITS = {pa.int8(): 3, pa.int16(): 5, pa.int32(): 10, pa.int64(): 19}


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target = conversion.input.type, conversion.type
    if source == target or (is_text(source) and is_text(target)):
        return None
    widths = width(source), width(target)
    sound = False
    if widths[0] is not None:
        wider = widths[1] is not None and widths[0] <= widths[1]
        whole = is_exact(target) and _DIGITS[source] <= target.precision - target.scale
        sound = wider or whole or is_text(target) or target in (pa.float64(), pa.bool_())
    elif is_exact(source):
        sound = (
            is_exact(target)
            and source.scale <= target.scale
            and source.precision - source.scale <= target.precision - target.scale
        ) or is_text(target)
    elif pa.types.is_boolean(source):
        sound = widths[1] is not None or is_text(target)
    else:
        sound = source == pa.date32() and is_text(target)
    return None if sound else f"the conversion of {source} to {target}"


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """Most values are the same; NULL stays NULL."""
    source, target = conversion.input.type, conversion.type
    if is_text(target) and pa.types.is_boolean(source):
        truths = {"true": exp.Boolean(this=True), "false": exp.Boolean(this=False)}
        tests = {said: exp.Is(this=_closed(sql.copy()), expression=t) for said, t in truths.items()}
        return exp.Case(ifs=[exp.If(this=test, true=text(said)) for said, test in tests.items()])
    if is_text(target) and is_exact(source):
        return unless_null(sql, _digits(sql, source.scale))
    if is_text(target) and width(source) is not None:
        return as_type(sql, TEXT)
    if width(source) is not None and (is_exact(target) or pa.types.is_floating(target)):
        return as_type(sql, REAL)
    if width(source) is not None and pa.types.is_boolean(target):
        return exp.Paren(this=exp.NEQ(this=_closed(sql), expression=number(0)))
    return sql


def refuse_order(expression: Expression) -> str | None:
    """Why values of an expression may not be compared, grouped or sorted there."""
    type_ = expression.type
    if pa.types.is_floating(type_):
        return "-0.0 compares differently there"
    if type_sql(type_) is None or pa.types.is_binary(type_):
        return f"comparisons of {type_} are not proven there"
    return None
