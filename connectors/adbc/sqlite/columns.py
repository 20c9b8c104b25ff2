"""From the batches of the driver to those that a fragment promises.

The driver takes a column's type from its first rows, and of NULLs alone takes it for integers. So a
fragment's columns travel without NULL (`planner.emit.sqlite.columns`) and are read back here,
vectorised. Texts, dates and decimals are texts: the empty text is NULL, and a text has a letter
before it. Beside floats and bytes is a column that says which of them are NULL. Integers may be
NULL. Must not know connections or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_Read = Callable[..., pa.Array]
"""From the columns that a value travels in."""


class Columns:
    """Makes every batch of a stream into one of `wanted`; columns match by position.

    Args:
        source: the configured name, for errors.
        wanted: the schema of the fragment.
    """

    def __init__(self, source: str, wanted: pa.Schema) -> None:
        self._source = source
        self._wanted = wanted
        self._reads = [_read(field.type) for field in wanted]
        self._travelling = sum(_width(field.type) for field in wanted)

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none, or other columns.
        """
        if not self._reads:
            empty = pa.StructArray.from_buffers(pa.struct([]), batch.num_rows, [None])
            return pa.RecordBatch.from_struct_array(empty)
        if batch.num_columns != self._travelling:
            raise SourceSchemaChangedError(
                "the source returned other columns than were planned", source=self._source
            )
        columns = iter(batch.columns)
        arrays = [
            self._converted(read, columns, field)
            for read, field in zip(self._reads, self._wanted, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._wanted)

    def _converted(self, read: _Read, columns: Iterator[pa.Array], field: pa.Field) -> pa.Array:
        taken = [next(columns) for _ in range(_width(field.type))]
        try:
            array = read(*taken)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise SourceRejectedError(
                f"column {field.name!r} holds a value that does not fit {field.type}",
                source=self._source,
            ) from None
        if not field.nullable and array.null_count:
            raise SourceSchemaChangedError(
                f"column {field.name!r} holds NULL but was declared NOT NULL", source=self._source
            )
        return array


def _read(type_: pa.DataType) -> _Read:
    t = pa.types
    if t.is_string(type_):
        return _text
    if t.is_string_view(type_):
        return lambda array: pc.cast(_text(array), type_)
    if t.is_date32(type_) or t.is_decimal128(type_):
        return lambda array: pc.cast(_or_null(array), type_)
    if _width(type_) == 2:
        return lambda array, absent: pc.if_else(
            pc.equal(absent, 1), pa.scalar(None, type_), pc.cast(array, type_)
        )
    return lambda array: pc.cast(array, type_)


def _width(type_: pa.DataType) -> int:
    """How many columns a value of a type travels in."""
    return 2 if pa.types.is_floating(type_) or pa.types.is_binary(type_) else 1


def _text(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        array = pc.cast(array, pa.string())
    # SQLite keeps whatever bytes it is given, and the driver hands them on.
    array.validate(full=True)
    return pc.utf8_slice_codeunits(_or_null(array), 1)


def _or_null(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        array = pc.cast(array, pa.string())
    return pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, pa.string()), array)
