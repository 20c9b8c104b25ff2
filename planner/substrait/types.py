"""Arrow types as Substrait types and back, with the variations that DataFusion uses.

Type variation references (datafusion-substrait, `variation_const`): 0 the default container or a
signed integer, 1 the unsigned integer, large container, 256-bit decimal, 2 the view container.
"""

from __future__ import annotations

import functools
from typing import Any

import pyarrow as pa
from substrait.type_pb2 import NamedStruct, Type


class NotCarriedError(Exception):
    """Substrait, or our view of it, has no form for this; the message says for what."""


NULLABLE = Type.NULLABILITY_NULLABLE
REQUIRED = Type.NULLABILITY_REQUIRED
_UNITS = {0: "s", 3: "ms", 6: "us", 9: "ns"}
_DIGITS = {unit: digits for digits, unit in _UNITS.items()}

_SIMPLE: tuple[tuple[pa.DataType, str, int], ...] = (
    (pa.bool_(), "bool", 0),
    (pa.int8(), "i8", 0),
    (pa.int16(), "i16", 0),
    (pa.int32(), "i32", 0),
    (pa.int64(), "i64", 0),
    (pa.uint8(), "i8", 1),
    (pa.uint16(), "i16", 1),
    (pa.uint32(), "i32", 1),
    (pa.uint64(), "i64", 1),
    (pa.float32(), "fp32", 0),
    (pa.float64(), "fp64", 0),
    (pa.string(), "string", 0),
    (pa.large_string(), "string", 1),
    (pa.string_view(), "string", 2),
    (pa.binary(), "binary", 0),
    (pa.large_binary(), "binary", 1),
    (pa.binary_view(), "binary", 2),
    (pa.date32(), "date", 0),
    (pa.date64(), "date", 1),
)
_TO_SIMPLE = {arrow: (kind, variation) for arrow, kind, variation in _SIMPLE}
_FROM_SIMPLE = {(kind, variation): arrow for arrow, kind, variation in _SIMPLE}


def arrow_type(message: Type) -> pa.DataType:
    """The Arrow type of a Substrait type.

    Raises:
        NotCarriedError: for a kind outside the table.
    """
    kind = message.WhichOneof("kind")
    body: Any = getattr(message, kind) if kind else None
    variation = getattr(body, "type_variation_reference", 0)
    simple = _FROM_SIMPLE.get((kind or "", variation))
    if simple is not None:
        return simple
    match kind, variation:
        case "decimal", 0:
            return pa.decimal128(body.precision, body.scale)
        case "decimal", 1:
            return pa.decimal256(body.precision, body.scale)
        case "precision_timestamp", _:
            return pa.timestamp(_UNITS[body.precision])
        case "precision_timestamp_tz", _:
            return pa.timestamp(_UNITS[body.precision], "UTC")
        case "precision_time", _:
            unit = _UNITS[body.precision]
            return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)
        case "interval_compound", _:
            return pa.month_day_nano_interval()
        case "interval_day", 1:
            return pa.duration(_UNITS[body.precision])
        case "fixed_binary", _:
            return pa.binary(body.length)
        case "list", 0:
            return pa.list_(arrow_type(body.type))
        case "list", 1:
            return pa.large_list(arrow_type(body.type))
    raise NotCarriedError(f"type {kind}")


def is_nullable(message: Type) -> bool:
    """Whether a value of this type may be NULL."""
    kind = message.WhichOneof("kind")
    return kind is None or getattr(message, kind).nullability != REQUIRED


@functools.lru_cache(4_096)
def substrait_type(arrow: pa.DataType, nullable: bool) -> Type:
    """The Substrait type of an Arrow type: one message for all who ask, to be copied.

    Raises:
        NotCarriedError: for a type outside the table.
    """
    simple = _TO_SIMPLE.get(arrow)
    parameters: dict[str, Any] = {}
    if simple is not None:
        kind, variation = simple
    elif pa.types.is_decimal128(arrow) or pa.types.is_decimal256(arrow):
        kind, variation = "decimal", int(pa.types.is_decimal256(arrow))
        parameters = {"precision": arrow.precision, "scale": arrow.scale}
    elif pa.types.is_timestamp(arrow) and arrow.tz in (None, "UTC"):
        kind = "precision_timestamp_tz" if arrow.tz else "precision_timestamp"
        variation, parameters = 0, {"precision": _DIGITS[arrow.unit]}
    elif pa.types.is_time(arrow):
        kind, variation = "precision_time", int(pa.types.is_time64(arrow))
        parameters = {"precision": _DIGITS[arrow.unit]}
    elif arrow == pa.month_day_nano_interval():
        kind, variation, parameters = "interval_compound", 0, {"precision": 9}
    elif pa.types.is_duration(arrow):
        kind, variation = "interval_day", 1
        parameters = {"precision": _DIGITS[arrow.unit]}
    elif pa.types.is_fixed_size_binary(arrow):
        kind, variation, parameters = "fixed_binary", 0, {"length": arrow.byte_width}
    elif pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        kind, variation = "list", int(pa.types.is_large_list(arrow))
        parameters = {"type": substrait_type(arrow.value_type, arrow.value_field.nullable)}
    else:
        raise NotCarriedError(f"type {arrow}")
    message = Type()
    body = getattr(message, kind)
    body.SetInParent()
    body.nullability = NULLABLE if nullable else REQUIRED
    body.type_variation_reference = variation
    for name, value in parameters.items():
        if isinstance(value, Type):
            getattr(body, name).CopyFrom(value)
        else:
            setattr(body, name, value)
    return message


@functools.lru_cache(4_096)
def is_carried(arrow: pa.DataType) -> bool:
    """Whether a column of this type has a place in a message."""
    try:
        substrait_type(arrow, True)
    except NotCarriedError:
        return False
    return True


def named_struct(names: list[str], types: list[Type]) -> NamedStruct:
    """A base schema. Names must be those of the fields alone: nested types have no named parts."""
    return NamedStruct(names=names, struct=Type.Struct(types=types, nullability=REQUIRED))
