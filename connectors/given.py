"""Tables that a program gives: made of the types that everything here can compute with.

Owns what is decoded and what is refused of them. Rows that clients send are `arriving`'s: those
nobody knows, and each of their values is looked at.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import UnsupportedError

_PLAIN = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}


def given_table(source: str, name: str, table: pa.Table) -> pa.Table:
    """The same rows in plain types, without metadata.

    Texts and bytes become plain, views of lists become lists, runs are decoded, and so are
    dictionaries of lists, structs and maps.

    Args:
        source, name: the source's and the table's, for messages.

    Raises:
        UnsupportedError: for a column of a type that has no place here: a union, bytes of length
            zero, a struct without fields, or, within another type, runs, views of lists, and
            dictionaries of anything but what the engine computes with.
    """
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        decoded = _decoded(column)
        type_ = _plain(decoded.type)
        if type_ is None:
            raise UnsupportedError(
                f"column {field.name!r} of table {name!r} is {field.type}, which no table here"
                " can hold",
                source=source,
            )
        columns.append(decoded.cast(type_) if type_ != decoded.type else decoded)
        fields.append(pa.field(field.name, type_, field.nullable))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column whose values stand in their places, if it can be; within values is as it was."""
    type_ = column.type
    if pa.types.is_run_end_encoded(type_):
        try:
            chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
        except pa.ArrowNotImplementedError:
            return column
        return _decoded(pa.chunked_array(chunks, type_.value_type))
    if pa.types.is_dictionary(type_) and not _is_small(type_.value_type):
        values = _plain(type_.value_type)
        if values is None:
            return column
        chunks = [
            pa.DictionaryArray.from_arrays(c.indices, c.dictionary.cast(values)).dictionary_decode()
            for c in column.chunks
        ]
        return _decoded(pa.chunked_array(chunks, values))
    if pa.types.is_list_view(type_) or pa.types.is_large_list_view(type_):
        return pa.chunked_array(map(_listed, column.chunks), _of_lists(type_))
    return column


def _listed(views: pa.ListViewArray | pa.LargeListViewArray) -> pa.Array:
    """Views of lists as lists: what Arrow's own cast makes of them lacks an offset."""
    lengths = pc.fill_null(pc.list_value_length(views), 0)
    ends = pa.concat_arrays([pa.array([0], lengths.type), pc.cumulative_sum(lengths)])
    made = pa.LargeListArray if pa.types.is_large_list_view(views.type) else pa.ListArray
    type_ = _of_lists(views.type)
    return made.from_arrays(ends, views.flatten(), type=type_, mask=views.is_null())


def _of_lists(views: pa.DataType) -> pa.DataType:
    made = pa.large_list if pa.types.is_large_list_view(views) else pa.list_
    return made(views.value_field)


def _is_small(values: pa.DataType) -> bool:
    """Whether the engine computes with a dictionary of such values."""
    t = pa.types
    return not (t.is_nested(values) or t.is_dictionary(values) or values in _PLAIN)


def _plain(type_: pa.DataType) -> pa.DataType | None:
    """What a type becomes, which may be itself; None for one that is refused."""
    t = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return type_ if _plain(type_.storage_type) == type_.storage_type else None
    if type_ in _PLAIN:
        return _PLAIN[type_]
    if t.is_struct(type_):
        return _of_fields(type_, pa.struct) if type_.num_fields else None
    if t.is_list(type_):
        return _of_fields(type_, lambda fields: pa.list_(fields[0]))
    if t.is_large_list(type_):
        return _of_fields(type_, lambda fields: pa.large_list(fields[0]))
    if t.is_fixed_size_list(type_):
        return _of_fields(type_, lambda fields: pa.list_(fields[0], type_.list_size))
    if t.is_map(type_):
        key, item = _plain(type_.key_type), _plain(type_.item_type)
        if key is None or item is None:
            return None
        key_field, item_field = type_.key_field.with_type(key), type_.item_field.with_type(item)
        return pa.map_(key_field, item_field, keys_sorted=type_.keys_sorted)
    if t.is_dictionary(type_):
        return type_ if _is_small(type_.value_type) and _plain(type_.value_type) else None
    if t.is_fixed_size_binary(type_) and not type_.byte_width:
        return None
    refused = (t.is_union, t.is_run_end_encoded, t.is_list_view, t.is_large_list_view)
    return None if any(is_one(type_) for is_one in refused) else type_


def _of_fields(
    type_: pa.DataType, make: Callable[[list[pa.Field]], pa.DataType]
) -> pa.DataType | None:
    """A nested type over what its fields become; None where one of them is refused."""
    fields = []
    for number in range(type_.num_fields):
        plain = _plain(type_.field(number).type)
        if plain is None:
            return None
        fields.append(type_.field(number).with_type(plain))
    return make(fields)
