"""The columns of a data file as a table has them now: found by number, whatever their names were.

Owns renamed, added, reordered, dropped and promoted columns, at any depth, and where the numbers of
a file's columns are. Pure: no I/O, no rows but those given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import pyarrow as pa
from pyiceberg.table.name_mapping import MappedField, NameMapping
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

_ID = b"PARQUET:field_id"


class UnreadableColumnError(ValueError):
    """A file's column cannot be read as the table has it."""


def numbered(schema: pa.Schema, mapping: NameMapping | None) -> pa.Schema:
    """The schema of a file with a number at each field that has one.

    >>> mapping = NameMapping([MappedField(field_id=7, names=["a", "b"])])
    >>> schema = pa.schema({"b": pa.int8(), "c": pa.int8()})
    >>> [number_of(field) for field in numbered(schema, mapping)]
    [7, None]

    Args:
        mapping: which numbers names stand for, in files whose writers knew none.

    Raises:
        UnreadableColumnError: the file has no numbers, and there is no mapping.
    """
    if any(number_of(field) is not None for field in _all_fields(schema)):
        return schema
    if mapping is None:
        raise UnreadableColumnError("its columns have no numbers, and the table maps no names")
    return pa.schema([_mapped(field, mapping.root) for field in schema])


def number_of(field: pa.Field) -> int | None:
    """The number by which a table knows a field; None where the file does not say."""
    text = (field.metadata or {}).get(_ID)
    return None if text is None else int(text)


def conformed(
    array: pa.Array, file_field: pa.Field, wanted: IcebergType, target: pa.DataType
) -> pa.Array:
    """A column as the table has it.

    Args:
        file_field: of the file, with its numbers.
        wanted: its type in the table, with the numbers that count.
        target: the Arrow type of `wanted`.

    Raises:
        UnreadableColumnError: the file's type is none that could have become `wanted`.
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    match wanted:
        case StructType() if pa.types.is_struct(type_):
            return _struct(array, file_field, wanted, target)
        case ListType() if pa.types.is_list(type_) or pa.types.is_large_list(type_):
            element = file_field.type.value_field
            values = conformed(array.values, element, wanted.element_type, target.value_type)
            make = pa.list_ if pa.types.is_list(type_) else pa.large_list
            return _with_children(array, make(target.value_field), values).cast(target)
        case MapType() if pa.types.is_map(type_):
            of = file_field.type
            keys = conformed(array.keys, of.key_field, wanted.key_type, target.key_type)
            items = conformed(array.items, of.item_field, wanted.value_type, target.item_type)
            both = pa.StructArray.from_arrays(
                [keys, items], fields=[target.key_field, target.item_field]
            )
            return _with_children(array, target, both)
    if type_ == target:
        return array
    if pa.types.is_nested(target) or _kind(type_) != _kind(target):
        raise UnreadableColumnError(f"column {file_field.name!r} is {type_}, and {wanted} there")
    return array.cast(target)


def missing(
    field: NestedField, target: pa.DataType, rows: int, constants: Mapping[int, object]
) -> pa.Array:
    """A column that a file has not.

    Args:
        constants: values that hold for all of the file, by the number of their column.

    Raises:
        UnreadableColumnError: the column must have values, and nothing says which.
    """
    value = constants.get(field.field_id, field.initial_default)
    if isinstance(value, UUID):
        value = value.bytes
    if value is not None:
        return pa.repeat(pa.scalar(value, target), rows)
    if field.required:
        raise UnreadableColumnError(f"column {field.name!r} is required, and is not in the file")
    return pa.nulls(rows, target)


def is_compared(file_type: pa.DataType, target: pa.DataType) -> bool:
    """Whether a file's statistics of a column can be asked what is asked of the table's."""
    sized = pa.types.is_fixed_size_binary(file_type) or pa.types.is_nested(target)
    extended = isinstance(file_type, pa.BaseExtensionType)
    return not sized and not extended and _kind(file_type) == _kind(target)


def _struct(
    array: pa.StructArray, file_field: pa.Field, wanted: StructType, target: pa.StructType
) -> pa.Array:
    places = {number_of(field): place for place, field in enumerate(file_field.type)}
    children = []
    for field, inner in zip(wanted.fields, target, strict=True):
        place = places.get(field.field_id)
        if place is None:
            children.append(missing(field, inner.type, len(array), {}))
        else:
            file_inner = file_field.type.field(place)
            children.append(conformed(array.field(place), file_inner, field.field_type, inner.type))
    return pa.StructArray.from_arrays(children, fields=list(target), mask=array.is_null())


def _with_children(array: pa.Array, type_: pa.DataType, values: pa.Array) -> pa.Array:
    """`array`, a list or a map, with other values in the same places."""
    outer = array.buffers()[:2]
    count = array.null_count
    return pa.Array.from_buffers(type_, len(array), outer, count, array.offset, [values])


def _kind(type_: pa.DataType) -> str:
    """Types of one kind may have become each other: wider, or by another writer's choice."""
    is_ = pa.types
    if is_.is_null(type_):
        return "null"
    if is_.is_dictionary(type_):
        return _kind(type_.value_type)
    for kind, tests in _KINDS.items():
        if any(test(type_) for test in tests):
            return kind
    return str(type_)


_KINDS = {
    "integer": (pa.types.is_integer,),
    "floating": (pa.types.is_floating,),
    "decimal": (pa.types.is_decimal,),
    "moment": (pa.types.is_timestamp, pa.types.is_date),
    "time": (pa.types.is_time,),
    "bytes": (
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
        pa.types.is_fixed_size_binary,
    ),
}


def _all_fields(fields: pa.Schema | pa.StructType) -> Iterator[pa.Field]:
    for field in fields:
        yield field
        yield from _all_fields(_inner(field.type))


def _inner(type_: pa.DataType) -> list[pa.Field]:
    if pa.types.is_struct(type_):
        return list(type_)
    if pa.types.is_map(type_):
        return [type_.key_field, type_.item_field]
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [type_.value_field]
    return []


def _mapped(field: pa.Field, level: Sequence[MappedField]) -> pa.Field:
    """`field` with the number that the table's mapping gives its name, or with none.

    Args:
        level: the mapping, below the fields that `field` is in.
    """
    found = next((mapped for mapped in level if field.name in mapped.names), None)
    below = found.fields if found else []
    type_ = field.type
    if pa.types.is_struct(type_):
        type_ = pa.struct([_mapped(inner, below) for inner in type_])
    elif pa.types.is_map(type_):
        key, value = type_.key_field.with_name("key"), type_.item_field.with_name("value")
        type_ = pa.map_(_mapped(key, below), _mapped(value, below))
    elif pa.types.is_list(type_) or pa.types.is_large_list(type_):
        make = pa.list_ if pa.types.is_list(type_) else pa.large_list
        type_ = make(_mapped(type_.value_field.with_name("element"), below))
    number = None if found is None else found.field_id
    metadata = None if number is None else {_ID: str(number)}
    return pa.field(field.name, type_, field.nullable, metadata)
