"""A scan's filter -> a condition in MySQL's SQL that keeps every row which the filter keeps.

It may keep more, and the filter itself is applied to what arrives: so a text is looked for as its
collation compares it, and what is not understood is left out. Owns what a comparison means there.
Knows no connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.substrait as ps
from google.protobuf.unknown_fields import UnknownFieldSet
from sqlglot import exp
from substrait.algebra_pb2 import Expression
from substrait.extended_expression_pb2 import ExtendedExpression

from connectors.contract import Column
from connectors.odbc.statements import quoted

_COMPARISONS: Mapping[str, type[exp.Binary]] = {
    "equal": exp.EQ,
    "lt": exp.LT,
    "lte": exp.LTE,
    "gt": exp.GT,
    "gte": exp.GTE,
}
_MIRRORED = {"equal": "equal", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}

_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal")
_TIMES = ("date", "datetime", "timestamp")

_FIRST_YEAR = 1000
"""MySQL promises nothing of dates before it."""

_MOST_CHARACTERS = 255
_MOST_OPTIONS = 1_000

# Arrow writes moments as Substrait had them once: fields that its classes have no names for.
_TIMESTAMPS = (14, 27)
_EPOCH = datetime(1970, 1, 1)


def narrowed(condition: pc.Expression, columns: Sequence[Column]) -> exp.Expr | None:
    """What is true of each row for which the filter is; None where nothing is known to be.

    Args:
        columns: of the table, with the types that MySQL declares for them.
    """
    schema = pa.schema([(column.name, column.type) for column in columns])
    try:
        written: Any = ps.serialize_expressions([condition], ["filter"], schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    message = ExtendedExpression.FromString(bytes(written))
    functions = {
        each.extension_function.function_anchor: each.extension_function.name.split(":")[0]
        for each in message.extensions
    }
    return _Reader(functions, columns).above(message.referred_expr[0].expression)


class _Reader:
    """One filter: the names of its functions, by number, and the columns that it may read."""

    def __init__(self, functions: Mapping[int, str], columns: Sequence[Column]) -> None:
        self._functions = functions
        self._columns = columns

    def above(self, message: Expression) -> exp.Expr | None:
        """A condition that holds wherever this expression is true; None for no condition."""
        match message.WhichOneof("rex_type"):
            case "scalar_function":
                call = message.scalar_function
                name = self._functions.get(call.function_reference, "")
                return self._call(name, [argument.value for argument in call.arguments])
            case "singular_or_list":
                options = message.singular_or_list.options
                if len(options) > _MOST_OPTIONS:
                    return None
                value = message.singular_or_list.value
                return _any_of([self._compared("equal", value, option) for option in options])
            case "if_then" if len(message.if_then.ifs) == 1:
                # An IN that is NULL for NULL.
                then = message.if_then.ifs[0].then
                if then.literal.WhichOneof("literal_type") == "null":
                    return self.above(getattr(message.if_then, "else"))
        return None

    def _call(self, name: str, arguments: list[Expression]) -> exp.Expr | None:
        match name:
            case "and":
                known = [part for a in arguments if (part := self.above(a)) is not None]
                return exp.and_(*known, copy=False) if known else None
            case "or":
                return _any_of([self.above(argument) for argument in arguments])
            case "is_null" | "is_not_null":
                return self._missing(arguments[0], name == "is_null")
            case "not":
                # As a scan's filter says that a value is there; no other NOT is known to be true.
                inner = arguments[0].scalar_function
                if self._functions.get(inner.function_reference) == "is_null":
                    return self._missing(inner.arguments[0].value, False)
                return None
        if name in _COMPARISONS and len(arguments) == 2:
            left, right = arguments
            return self._compared(name, left, right) or self._compared(_MIRRORED[name], right, left)
        return None

    def _missing(self, message: Expression, is_null: bool) -> exp.Expr | None:
        column = self._column(message)
        if column is None or (is_null and _declared(column) in _TIMES):
            return None  # A date that is none is NULL here, and not there.
        missing = exp.Is(this=quoted(column.name), expression=exp.Null())
        return missing if is_null else exp.Not(this=missing)

    def _compared(self, name: str, left: Expression, right: Expression) -> exp.Expr | None:
        column = self._column(left)
        if column is None or right.WhichOneof("rex_type") != "literal":
            return None
        constant = _constant(column, right.literal, equal=name == "equal")
        if constant is None:
            return None
        return _COMPARISONS[name](this=quoted(column.name), expression=constant)

    def _column(self, message: Expression) -> Column | None:
        """The column that an expression is, of a type that is compared there as here."""
        if message.WhichOneof("rex_type") != "selection":
            return None
        place = message.selection.direct_reference.struct_field.field
        column = self._columns[place]
        compared = _declared(column) in (*_NUMBERS, *_TEXTS, *_TIMES)
        return column if compared and not pa.types.is_boolean(column.type) else None


def _any_of(parts: Sequence[exp.Expr | None]) -> exp.Expr | None:
    known = [part for part in parts if part is not None]
    return exp.or_(*known, copy=False) if known and len(known) == len(parts) else None


def _declared(column: Column) -> str:
    return column.native_type.lower().partition("(")[0].partition(" ")[0]


def _constant(column: Column, literal: Expression.Literal, *, equal: bool) -> exp.Expr | None:
    """A constant as it is compared with a column; None for one that is not sure to be."""
    kind, declared = literal.WhichOneof("literal_type"), _declared(column)
    if declared in _NUMBERS:
        number = _number(literal, kind)
        return None if number is None else exp.Literal.number(f"{number:f}")
    if declared in _TEXTS:
        # Of two texts that are the same here, no collation tells one from the other. Letters of
        # ASCII every column's character set has, and no mode reads them otherwise.
        text = literal.string if kind == "string" else None
        plain = text is not None and text.isascii() and text.isprintable() and "\\" not in text
        sure = equal and plain and text is not None and len(text) <= _MOST_CHARACTERS
        return exp.Literal.string(text) if sure else None
    if kind == "date" and pa.types.is_date(column.type):
        return _moment(date(1970, 1, 1), timedelta(days=literal.date), "DATE")
    micros = _microseconds(literal)
    if micros is None or not pa.types.is_timestamp(column.type):
        return None
    return _moment(_EPOCH, timedelta(microseconds=micros), "DATETIME(6)")


def _number(literal: Expression.Literal, kind: str | None) -> Decimal | None:
    if kind in ("i8", "i16", "i32", "i64"):
        return Decimal(getattr(literal, kind))
    if kind == "decimal":
        whole = int.from_bytes(literal.decimal.value, "little", signed=True)
        sign, digits = int(whole < 0), tuple(map(int, str(abs(whole))))
        return Decimal((sign, digits, -literal.decimal.scale))
    return None


def _microseconds(literal: Expression.Literal) -> int | None:
    unknown: Any = UnknownFieldSet(literal)
    found = [each.data for each in unknown if each.field_number in _TIMESTAMPS]
    if len(found) != 1:
        return None
    return int(found[0]) - (1 << 64) if found[0] >= 1 << 63 else int(found[0])


def _moment(epoch: date, since: timedelta, to: str) -> exp.Expr | None:
    try:
        moment = epoch + since
    except OverflowError:
        return None
    if moment.year < _FIRST_YEAR:
        return None
    text = moment.isoformat(sep=" ") if isinstance(moment, datetime) else moment.isoformat()
    # By its own name: sqlglot's neutral types become others.
    kind = exp.DataType(this=exp.DType.USERDEFINED, kind=to)
    return exp.Cast(this=exp.Literal.string(text), to=kind)
