"""The schemas of a table's files as one. Owns what types are declared and which files fit together.

Must not read a file.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

import pyarrow as pa

from connectors.errors import SourceRejectedError
from connectors.files.listing import DataFile
from connectors.files.location import Location


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with text as plain `string`, and bytes as plain `binary` where they are views.

    Every client reads these. Filters cannot run on views in Arrow.
    """
    return pa.schema([pa.field(f.name, _plain_type(f.type), f.nullable) for f in schema])


def _plain_type(type_: pa.DataType) -> pa.DataType:
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    if any(is_text(inner) for is_text in texts):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(type_) else type_


def viewed_schema(schema: pa.Schema, views: Set[str]) -> pa.Schema:
    """`schema` with some of its texts as views, which the engine does not copy out of a file."""
    return pa.schema([f.with_type(pa.string_view()) if f.name in views else f for f in schema])


def common(
    location: Location, files: Sequence[DataFile], schemas: Sequence[pa.Schema]
) -> pa.Schema:
    """One schema for all files: columns by name, each of a type that holds the values of all.

    A column that a file lacks is null there.
    """
    schema = unique(location, files[0], schemas[0])
    for file, other in zip(files[1:], schemas[1:], strict=True):
        if other.equals(schema):
            continue
        unique(location, file, other)
        schema = _united(location, (files[0], file), schema, other)
        missing = set(schema.names) ^ set(other.names)
        schema = pa.schema([f.with_nullable(True) if f.name in missing else f for f in schema])
    return schema


def _united(
    location: Location, files: tuple[DataFile, DataFile], one: pa.Schema, other: pa.Schema
) -> pa.Schema:
    """The columns of both, those of `one` first."""
    fields = {field.name: field for field in one}
    for field in other:
        known = fields.setdefault(field.name, field)
        type_ = wider(known.type, field.type)
        if type_ is None:
            message = (
                f"{both(location, *files)} differ in column {field.name!r}: "
                f"{known.type} and {field.type}"
            )
            raise SourceRejectedError(message, source=location.source)
        fields[field.name] = pa.field(field.name, type_, known.nullable or field.nullable)
    return pa.schema(list(fields.values()))


def wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The narrowest type that holds each value of both exactly; None where there is none.

    >>> wider(pa.int16(), pa.uint16()), wider(pa.int32(), pa.decimal128(5, 2))
    (DataType(int32), Decimal128Type(decimal128(12, 2)))
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_time(one) and pa.types.is_time(other):
        return pa.time64("us") if {"ns"}.isdisjoint((one.unit, other.unit)) else None
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other):
        # Nanoseconds hold fewer years than the others.
        exact = one.tz == other.tz and {"ns"}.isdisjoint((one.unit, other.unit))
        return pa.timestamp("us", one.tz) if exact else None
    candidates = (*_INTEGERS, pa.float32(), pa.float64(), _decimal(one, other))
    return next((t for t in candidates if t and _holds(t, one) and _holds(t, other)), None)


_INTEGERS = (
    *(pa.uint8(), pa.int8(), pa.uint16(), pa.int16()),
    *(pa.uint32(), pa.int32(), pa.uint64(), pa.int64()),
)


def _holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether a number type has every value of another."""
    if wide == narrow:
        return True
    own, digits = _digits(wide), _digits(narrow)
    if pa.types.is_decimal(wide):
        return bool(own and digits and digits[0] <= own[0] and digits[1] <= own[1])
    if pa.types.is_integer(wide) and pa.types.is_integer(narrow):
        signed, was_signed = map(pa.types.is_signed_integer, (wide, narrow))
        return bool(wide.bit_width >= narrow.bit_width + (signed and not was_signed)) and (
            signed or not was_signed
        )
    if pa.types.is_floating(wide) and pa.types.is_floating(narrow):
        return bool(wide.bit_width >= narrow.bit_width)
    if pa.types.is_floating(wide) and pa.types.is_integer(narrow):
        return bool(narrow.bit_width <= {32: 16, 64: 32}.get(wide.bit_width, 0))
    return False


def _digits(type_: pa.DataType) -> tuple[int, int] | None:
    """Decimal digits before and after the point; None of what is no exact number."""
    if pa.types.is_decimal(type_):
        return type_.precision - type_.scale, type_.scale
    if pa.types.is_integer(type_):
        largest = 2 ** (type_.bit_width - pa.types.is_signed_integer(type_))
        return len(str(largest)), 0
    return None


def _decimal(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The decimal of as many digits as both have, before the point and after it."""
    digits, others = _digits(one), _digits(other)
    either = pa.types.is_decimal(one) or pa.types.is_decimal(other)
    if not either or digits is None or others is None:
        return None
    whole, scale = max(digits[0], others[0]), max(digits[1], others[1])
    return pa.decimal128(whole + scale, scale) if whole + scale <= 38 else None


def unique(location: Location, file: DataFile, schema: pa.Schema) -> pa.Schema:
    twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if twice is None and schema.names:
        return schema
    reason = "has no columns" if twice is None else f"has two columns {twice!r}"
    message = f"{location.relative(file.path)!r} {reason}"
    raise SourceRejectedError(message, source=location.source)


def both(location: Location, one: DataFile, other: DataFile) -> str:
    return f"{location.relative(one.path)!r} and {location.relative(other.path)!r}"
