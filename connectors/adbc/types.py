"""Which Arrow type a column has here, by the one that its driver says. Knows no database."""

from __future__ import annotations

import pyarrow as pa


def plain(type_: pa.DataType) -> pa.DataType:
    """A type without the forms that only differ in layout: views, large ones, dictionaries.

    >>> plain(pa.string_view()), plain(pa.dictionary(pa.int32(), pa.large_binary()))
    (DataType(string), DataType(binary))
    >>> plain(pa.list_(pa.string_view())), plain(pa.decimal32(5, 2))
    (ListType(list<item: string>), Decimal128Type(decimal128(5, 2)))
    """
    t = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return plain(type_.storage_type)
    if t.is_dictionary(type_) or t.is_run_end_encoded(type_):
        return plain(type_.value_type)
    if t.is_large_string(type_) or t.is_string_view(type_):
        return pa.string()
    if t.is_large_binary(type_) or t.is_binary_view(type_) or t.is_fixed_size_binary(type_):
        return pa.binary()
    if t.is_decimal32(type_) or t.is_decimal64(type_):
        return pa.decimal128(type_.precision, type_.scale)
    # Not every client reads large lists, and the engine reads no views nor those of a fixed size.
    if _is_list(type_):
        return pa.list_(_plain_field(type_.value_field))
    if t.is_struct(type_):
        return pa.struct([_plain_field(field) for field in type_])
    if t.is_map(type_):
        return pa.map_(_plain_field(type_.key_field), _plain_field(type_.item_field))
    return type_


def lost(type_: pa.DataType) -> str:
    """What a column of the plain type does not say, as part of a sentence; empty for nothing.

    >>> lost(pa.uuid()), lost(pa.list_(pa.int8(), 3)), lost(pa.string_view())
    ('that it is arrow.uuid', 'that every list has 3 values', '')
    """
    t = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return f"that it is {type_.extension_name}"
    if t.is_dictionary(type_):
        return "the order of its values" if type_.ordered else lost(type_.value_type)
    if t.is_fixed_size_list(type_):
        return f"that every list has {type_.list_size} values"
    if t.is_fixed_size_binary(type_):
        return f"that every value has {type_.byte_width} bytes"
    if _is_list(type_):
        return lost(type_.value_type)
    if t.is_struct(type_):
        return next(filter(None, (lost(field.type) for field in type_)), "")
    return ""


def _is_list(type_: pa.DataType) -> bool:
    t = pa.types
    return bool(
        t.is_list(type_)
        or t.is_large_list(type_)
        or t.is_fixed_size_list(type_)
        or t.is_list_view(type_)
        or t.is_large_list_view(type_)
    )


def _plain_field(field: pa.Field) -> pa.Field:
    return pa.field(field.name, plain(field.type), field.nullable)
