"""MySQL's and MariaDB's types: how each is read. Knows no connection.

A date there may be none (`0000-00-00`), a number unsigned, a TIME longer than a day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
from sqlglot import exp

from connectors.odbc.readings import Reading

_INTEGERS: Mapping[str, tuple[pa.DataType, pa.DataType]] = {
    "tinyint": (pa.int8(), pa.int16()),
    "smallint": (pa.int16(), pa.int32()),
    "mediumint": (pa.int32(), pa.int32()),
    "int": (pa.int32(), pa.int64()),
    "bigint": (pa.int64(), pa.decimal128(20, 0)),
}
"""By name: what it is, and what it is without a sign."""

_PLAIN: Mapping[str, pa.DataType] = {
    "year": pa.int16(),
    "double": pa.float64(),
    "char": pa.string(),
    "varchar": pa.string(),
    "tinytext": pa.string(),
    "text": pa.string(),
    "mediumtext": pa.string(),
    "longtext": pa.string(),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "tinyblob": pa.binary(),
    "blob": pa.binary(),
    "mediumblob": pa.binary(),
    "longblob": pa.binary(),
}

_LOST: Mapping[str, str] = {
    "enum": "its members and their order; it sorts and compares as text",
    "set": "that it is a set; it is its text, with commas",
    "json": "its structure; it is its text",
    "time": "that it is a time, which may be negative or longer than a day there",
}
_ANY = "that it is of a type of the source's own; it is its text, and sorts and compares as that"
_NO_DATE = "the dates 0000-00-00 and those with a part of 0, which are NULL"
_GEOMETRIES = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
        *("multipolygon", "geometrycollection", "geomcollection"),
    }
)

_DECLARED = re.compile(r"(?P<name>\w+)(?:\((?P<numbers>\d+(?:,\d+)?)\))?", re.IGNORECASE)
_MOST_DIGITS = 38


def reading_of(declared: str) -> Reading:
    """That of a column; `declared` is its COLUMN_TYPE.

    >>> reading_of("tinyint(1)").type, reading_of("int(10) unsigned").type
    (DataType(bool), DataType(int64))
    >>> reading_of("decimal(15,2)").type, reading_of("timestamp(6)").type
    (Decimal128Type(decimal128(15, 2)), TimestampType(timestamp[us, tz=UTC]))
    """
    found = _DECLARED.match(declared)
    name = found["name"].lower() if found else ""
    numbers = [int(n) for n in (found["numbers"] or "").split(",") if n] if found else []
    unsigned = " unsigned" in declared.lower()
    if name == "tinyint" and numbers == [1] and not unsigned:
        return Reading(pa.bool_(), pa.int16(), lost="numbers other than 0 and 1, which are true")
    if name in _INTEGERS:
        type_ = _INTEGERS[name][unsigned]
        return Reading(type_, pa.string() if pa.types.is_decimal(type_) else type_)
    if name == "decimal":
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0)
        if precision > _MOST_DIGITS:
            lost = "that it is a number, of more than 38 digits; it is its text"
            return Reading(pa.string(), pa.string(), lost=lost)
        return Reading(pa.decimal128(precision, scale), pa.string())
    if name == "float":
        # By itself it is sent with six digits. MySQL casts to DOUBLE from 8.0.17 on only.
        return Reading(
            pa.float32(), pa.float64(), lambda c: exp.Mul(this=c, expression=_ONE.copy())
        )
    if name in ("date", "datetime", "timestamp"):
        return _moment(name)
    if name in _PLAIN:
        return Reading(_PLAIN[name], _PLAIN[name])
    if name == "bit":
        digits = numbers[0] if numbers else 1
        lost = "that it is bits; it is its text"
        return Reading(pa.string(), pa.string(), lambda c: _bits(c, digits), lost)
    if name in _GEOMETRIES:
        lost = "that it is a shape; it is its text"
        return Reading(pa.string(), pa.string(), lambda c: exp.func("ST_AsText", c), lost)
    return Reading(pa.string(), pa.string(), lambda c: _cast(c, "CHAR"), _LOST.get(name, _ANY))


def keeps_nulls_out(declared: str) -> bool:
    """Whether NOT NULL means that: a date that is none becomes NULL here.

    >>> keeps_nulls_out("int(11)"), keeps_nulls_out("datetime(6)")
    (True, False)
    """
    return not declared.lower().startswith(("date", "timestamp"))


def _moment(name: str) -> Reading:
    types = {"date": pa.date32(), "datetime": pa.timestamp("us")}
    return Reading(types.get(name, pa.timestamp("us", "UTC")), pa.string(), _day_or_null, _NO_DATE)


def _day_or_null(column: exp.Expr) -> exp.Expr:
    """The text of a date or a moment; NULL for what is none."""

    def lacks(part: str) -> exp.Expr:
        return exp.EQ(this=exp.Anonymous(this=part, expressions=[column.copy()]), expression=_ZERO)

    missing = exp.Or(this=lacks("MONTH"), expression=lacks("DAY"))
    return exp.Case(
        ifs=[exp.If(this=missing, true=exp.Null())], default=_cast(column.copy(), "CHAR")
    )


_ZERO = exp.Literal.number(0)
_ONE = exp.Literal.number("1e0")
"""A DOUBLE; unlike a sum with 0e0, a product with it keeps the sign of -0.0."""


def _bits(column: exp.Expr, digits: int) -> exp.Expr:
    number = exp.Add(this=column, expression=_ZERO.copy())
    binary = exp.Anonymous(this="BIN", expressions=[number])
    width, zero = exp.Literal.number(digits), exp.Literal.string("0")
    return exp.Anonymous(this="LPAD", expressions=[binary, width, zero])


def _cast(column: exp.Expr, to: str) -> exp.Expr:
    # By its own name: sqlglot's neutral types become others.
    return exp.Cast(this=column, to=exp.DataType(this=exp.DType.USERDEFINED, kind=to))
