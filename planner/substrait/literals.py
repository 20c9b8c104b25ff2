"""Constants in Substrait's form and in the tree's: what the reader reads, the writer writes.

A constant of a rarer type becomes `Opaque`, which only the engine reads.
"""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from substrait.algebra_pb2 import Expression as ExpressionMessage

from planner.relations import Expression, Literal, Opaque
from planner.substrait.types import NotCarriedError, arrow_type, substrait_type

_EPOCH = date(1970, 1, 1)
_NANOSECONDS = 1_000_000_000
_PLAIN: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "i8": pa.int8(),
    "i16": pa.int16(),
    "i32": pa.int32(),
    "i64": pa.int64(),
    "fp32": pa.float32(),
    "fp64": pa.float64(),
}
_UNSIGNED: dict[str, pa.DataType] = {
    "i8": pa.uint8(),
    "i16": pa.uint16(),
    "i32": pa.uint32(),
    "i64": pa.uint64(),
}
_STRINGS = (pa.string(), pa.large_string(), pa.string_view())
_BINARIES = (pa.binary(), pa.large_binary(), pa.binary_view())
_TO_PLAIN = {type_: kind for kind, type_ in _PLAIN.items()}
_TO_UNSIGNED = {type_: kind for kind, type_ in _UNSIGNED.items()}
_KEPT_LITERALS = frozenset(
    {
        "interval_year_to_month",
        "interval_day_to_second",
        "interval_compound",
        "precision_time",
        "precision_timestamp",
        "precision_timestamp_tz",
        "fixed_binary",
        "date",
    }
)


def read_literal(message: ExpressionMessage) -> Expression:
    """A constant of a message.

    Raises:
        NotCarriedError: for one of a nested type.
    """
    literal = message.literal
    kind = literal.WhichOneof("literal_type") or ""
    variation = literal.type_variation_reference
    value: Any = getattr(literal, kind) if kind else None
    if kind in _PLAIN and variation == 0:
        return Literal(value, _PLAIN[kind])
    if kind in _UNSIGNED and variation == 1:
        # Unsigned constants travel in the signed field of the same width.
        unsigned = _UNSIGNED[kind]
        return Literal(value % 2**unsigned.bit_width, unsigned)
    match kind:
        case "string":
            return Literal(value, _STRINGS[variation])
        case "binary":
            return Literal(bytes(value), _BINARIES[variation])
        case "date" if variation == 0:
            try:
                return Literal(_EPOCH + timedelta(days=value), pa.date32())
            except OverflowError:
                return Opaque(message, "far date", pa.date32(), False)
        case "decimal":
            return _decimal(message)
        case "precision_timestamp" | "precision_timestamp_tz" if value.precision == 6:
            zone = UTC if kind.endswith("tz") else None
            try:
                moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(microseconds=value.value)
            except OverflowError:
                return Opaque(message, "far timestamp", pa.timestamp("us"), False)
            return Literal(moment, pa.timestamp("us", "UTC" if zone else None))
        case "precision_timestamp" if value.precision == 9 and value.value % 1000 == 0:
            since = timedelta(microseconds=value.value // 1000)
            return Literal(datetime(1970, 1, 1) + since, pa.timestamp("ns"))
        case "interval_compound" if value.interval_day_to_second.precision == 9:
            return Literal(_interval(value), pa.month_day_nano_interval())
        case "null":
            return Literal(None, arrow_type(value))
    if kind not in _KEPT_LITERALS:
        # Constants of nested types come back from the engine with other names for their parts.
        raise NotCarriedError(f"a constant of type {kind}")
    return Opaque(message, f"constant of type {kind}", pa.null(), False)


def _decimal(message: ExpressionMessage) -> Expression:
    value = message.literal.decimal
    if len(value.value) != 16:
        return Opaque(message, "wide decimal literal", pa.null(), False)
    unscaled = int.from_bytes(value.value, "little", signed=True)
    exact = decimal.Decimal(unscaled).scaleb(-value.scale, decimal.Context(prec=80))
    return Literal(exact, pa.decimal128(value.precision, value.scale))


def _interval(value: Any) -> pa.MonthDayNano:
    months, days = value.interval_year_to_month, value.interval_day_to_second
    nanoseconds = days.seconds * _NANOSECONDS + days.subseconds
    return pa.MonthDayNano([months.years * 12 + months.months, days.days, nanoseconds])


def write_literal(expression: Literal) -> ExpressionMessage:
    """A constant as the engine reads it.

    Raises:
        NotCarriedError: for a type outside the tables.
    """
    message = ExpressionMessage()
    literal = message.literal
    value, type_ = expression.value, expression.type
    if value is None:
        literal.null.CopyFrom(substrait_type(type_, True))
    elif type_ in _TO_PLAIN:
        setattr(literal, _TO_PLAIN[type_], value)
    elif type_ in _TO_UNSIGNED:
        # In the signed field of the same width; those of 8 and 16 bits travel in 32.
        width = max(32, type_.bit_width)
        signed = value - 2**width if value >= 2 ** (width - 1) else value
        setattr(literal, _TO_UNSIGNED[type_], signed)
        literal.type_variation_reference = 1
    elif type_ in _STRINGS:
        literal.string, literal.type_variation_reference = value, _STRINGS.index(type_)
    elif type_ in _BINARIES:
        literal.binary, literal.type_variation_reference = value, _BINARIES.index(type_)
    elif type_ == pa.date32():
        literal.date = (value - _EPOCH).days
    elif pa.types.is_decimal128(type_):
        unscaled = int(value.scaleb(type_.scale, decimal.Context(prec=80)))
        literal.decimal.value = unscaled.to_bytes(16, "little", signed=True)
        literal.decimal.precision, literal.decimal.scale = type_.precision, type_.scale
    elif pa.types.is_timestamp(type_) and type_.unit == "us":
        moment: Any = getattr(literal, f"precision_timestamp{'_tz' if type_.tz else ''}")
        moment.precision, moment.value = 6, _microseconds(value)
    elif type_ == pa.timestamp("ns"):
        literal.precision_timestamp.precision = 9
        literal.precision_timestamp.value = _microseconds(value) * 1000
    elif pa.types.is_interval(type_):
        compound = literal.interval_compound
        compound.interval_year_to_month.months = value.months
        compound.interval_day_to_second.days = value.days
        # Both with the sign of the whole.
        sign = -1 if value.nanoseconds < 0 else 1
        seconds, rest = divmod(abs(value.nanoseconds), _NANOSECONDS)
        compound.interval_day_to_second.seconds = sign * seconds
        compound.interval_day_to_second.subseconds = sign * rest
        compound.interval_day_to_second.precision = 9
    else:
        raise NotCarriedError(f"literal of type {type_}")
    return message


def _microseconds(moment: datetime) -> int:
    zone = UTC if moment.tzinfo else None
    since = moment - datetime(1970, 1, 1, tzinfo=zone)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
