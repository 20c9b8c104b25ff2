"""Iceberg types -> the Arrow types that readers of a column get. Pure; must not know files."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from connectors.contract import Column

_SIMPLE: dict[type[iceberg.IcebergType], pa.DataType] = {
    iceberg.BooleanType: pa.bool_(),
    iceberg.IntegerType: pa.int32(),
    iceberg.LongType: pa.int64(),
    iceberg.FloatType: pa.float32(),
    iceberg.DoubleType: pa.float64(),
    iceberg.DateType: pa.date32(),
    iceberg.TimeType: pa.time64("us"),
    iceberg.TimestampType: pa.timestamp("us"),
    iceberg.TimestamptzType: pa.timestamp("us", tz="UTC"),
    iceberg.TimestampNanoType: pa.timestamp("ns"),
    iceberg.TimestamptzNanoType: pa.timestamp("ns", tz="UTC"),
    iceberg.StringType: pa.string(),
    iceberg.BinaryType: pa.binary(),
    iceberg.FixedType: pa.binary(),
    iceberg.UUIDType: pa.binary(),
    iceberg.GeometryType: pa.binary(),
    iceberg.GeographyType: pa.binary(),
    iceberg.UnknownType: pa.null(),
}

_LOST: dict[type[iceberg.IcebergType], str] = {
    iceberg.UUIDType: "that it is a UUID; it is its 16 bytes",
    iceberg.GeometryType: "its structure; it is its WKB",
    iceberg.GeographyType: "its structure; it is its WKB",
}


def columns_of(schema: Schema) -> tuple[Column, ...]:
    """The columns of a table, in order."""
    return tuple(
        Column(
            field.name,
            arrow_type(field.field_type),
            not field.required,
            str(field.field_type),
            _lost(field.field_type),
        )
        for field in schema.fields
    )


def arrow_type(type_: iceberg.IcebergType) -> pa.DataType:
    """What a value of `type_` is read as.

    >>> arrow_type(iceberg.DecimalType(9, 2)), arrow_type(iceberg.UUIDType())
    (Decimal128Type(decimal128(9, 2)), DataType(binary))
    """
    match type_:
        case iceberg.DecimalType():
            return pa.decimal128(type_.precision, type_.scale)
        case iceberg.StructType():
            return pa.struct([_arrow_field(field) for field in type_.fields])
        case iceberg.ListType():
            return pa.list_(_arrow_field(type_.element_field))
        case iceberg.MapType():
            return pa.map_(_arrow_field(type_.key_field), _arrow_field(type_.value_field))
    return _SIMPLE[type(type_)]


def _arrow_field(field: iceberg.NestedField) -> pa.Field:
    return pa.field(field.name, arrow_type(field.field_type), not field.required)


def _lost(type_: iceberg.IcebergType) -> str:
    if isinstance(type_, iceberg.FixedType):
        return f"that every value has {len(type_)} bytes"
    return _LOST.get(type(type_), "")
