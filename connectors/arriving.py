"""Rows that clients send, on their way to become a table: made plain, checked, and counted.

Owns what is taken and what is refused of them. Must not know where they go, or how they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.contract import TableName
from connectors.errors import InvalidValueError, RequestError, TypeMismatchError, UnsupportedError

_MOST_COLUMNS = 10_000


def arriving_schema(schema: pa.Schema) -> pa.Schema:
    """The schema that such rows have as a table: in plain types, without metadata.

    Raises:
        RequestError: when there is no column or too many, a name twice, or one that is no text.
        UnsupportedError: for a type that has no place in a table here.
    """
    if not len(schema):
        raise RequestError("the rows have no columns")
    if len(schema) > _MOST_COLUMNS:
        raise RequestError(f"the rows have {len(schema)} columns; {_MOST_COLUMNS} are the most")
    try:
        for field in schema:
            _read_names(field)
    except UnicodeDecodeError:
        raise RequestError("the name of a column or of a time zone is not UTF-8") from None
    twice = sorted(name for name, times in Counter(schema.names).items() if times > 1)
    if twice:
        raise RequestError(f"column {twice[0]!r} is there twice")
    return pa.schema([pa.field(f.name, _plain(f), f.nullable) for f in schema])


def arriving_batch(batch: pa.RecordBatch, schema: pa.Schema, limit_bytes: int) -> pa.RecordBatch:
    """The batch in `schema`, with every value looked at: nobody has before.

    Args:
        batch: as it was sent.
        schema: what `arriving_schema` says.
        limit_bytes: it is refused, before it is made, when it would take more.

    Raises:
        InvalidValueError: for what is no value of its type, or a NULL where there may be none.
        MemoryError: beyond the limit.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InvalidValueError(f"the rows sent are not valid: {error}") from None
    if sum(map(_plain_bytes, batch.columns)) > limit_bytes:
        raise MemoryError
    try:
        columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidValueError(f"the rows sent do not fit their plain types: {error}") from None
    for column, field in zip(columns, schema, strict=True):
        if column.null_count and not field.nullable:
            raise InvalidValueError(f"column {field.name!r} is NOT NULL, and there is a NULL in it")
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def fitted(rows: pa.Table, schema: pa.Schema, table: TableName) -> pa.Table:
    """Rows in the columns of a table that is there, whatever their order was.

    Raises:
        TypeMismatchError: when they have other columns, or columns of other types.
        InvalidValueError: for a NULL where the table has none.
    """
    if set(rows.column_names) != set(schema.names):
        raise TypeMismatchError(
            f"table {str(table)!r} has the columns {_listed(schema.names)}; the rows have "
            f"{_listed(rows.column_names)}"
        )
    rows = rows.select(schema.names)
    for field, sent in zip(schema, rows.schema, strict=True):
        if sent.type != field.type:
            raise TypeMismatchError(
                f"column {field.name!r} of table {str(table)!r} is {field.type}; the rows have "
                f"{sent.type}",
                hint="Cast it before it is sent.",
            )
        if not field.nullable and rows.column(field.name).null_count:
            raise InvalidValueError(f"column {field.name!r} is NOT NULL, and there is a NULL in it")
    return rows.cast(schema)


def _read_names(field: pa.Field) -> None:
    """Raises UnicodeDecodeError where a name in it is no text: Arrow looks when one is read."""
    type_ = field.type
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    _ = field.name, pa.types.is_timestamp(type_) and type_.tz
    for number in range(type_.num_fields):
        _read_names(type_.field(number))


def _plain(field: pa.Field) -> pa.DataType:
    type_ = field.type
    if isinstance(type_, pa.BaseExtensionType):
        return _plain(field.with_type(type_.storage_type))
    t = pa.types
    if t.is_dictionary(type_):
        values = type_.value_type
        if isinstance(values, pa.BaseExtensionType):
            values = values.storage_type
        # Of other values it is not known what they take before they are there.
        if not t.is_nested(values) and not t.is_dictionary(values):
            return _plain(field.with_type(values))
    if t.is_large_string(type_) or t.is_string_view(type_):
        return pa.string()
    if t.is_large_binary(type_) or t.is_binary_view(type_):
        return pa.binary()
    if not _is_plain(type_):
        raise UnsupportedError(f"column {field.name!r} is {type_}, which no table here can hold")
    return type_


def _is_plain(type_: pa.DataType) -> bool:
    """Whether nested types are lists, structs and maps of what needs no other form."""
    t = pa.types
    if t.is_list(type_):
        return _is_plain(type_.value_type)
    if t.is_struct(type_):
        return type_.num_fields > 0 and all(_is_plain(field.type) for field in type_)
    if t.is_map(type_):
        return _is_plain(type_.key_type) and _is_plain(type_.item_type)
    if t.is_nested(type_) or isinstance(type_, pa.BaseExtensionType):
        return False
    if t.is_fixed_size_binary(type_) and not type_.byte_width:
        return False  # As a struct without fields: any number of rows takes nothing.
    forms = (t.is_dictionary, t.is_run_end_encoded, t.is_string_view, t.is_binary_view)
    return not any(form(type_) for form in (*forms, t.is_large_string, t.is_large_binary))


def _plain_bytes(column: pa.Array) -> int:
    """What a column takes in its plain type: what is there once may be meant many times."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if _is_view(column.type):
        return _sum(_view_lengths(column)) + 4 * len(column)
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    values, rows = column.dictionary, len(column)
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    try:
        lengths = _view_lengths(values) if _is_view(values.type) else pc.binary_length(values)
    except pa.ArrowNotImplementedError:
        return int(values.nbytes) * rows // max(len(values), 1)
    return _sum(lengths.take(column.indices)) + 4 * rows


def _is_view(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(type_) or pa.types.is_binary_view(type_))


def _view_lengths(column: pa.Array) -> pa.Array:
    """Of each value its length, the first of the four numbers that a view is."""
    valid, views = column.buffers()[:2]
    end = column.offset + len(column)
    numbers = pa.Array.from_buffers(pa.int32(), 4 * end, [None, views])
    fours = pa.Array.from_buffers(pa.list_(pa.int32(), 4), end, [valid], children=[numbers])
    return pc.list_element(fours, 0).slice(column.offset)


def _sum(lengths: pa.Array) -> int:
    return int(pc.sum(lengths.cast(pa.int64())).as_py() or 0)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
