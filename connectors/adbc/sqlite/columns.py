"""From the batches of the driver to those that a fragment promises.

The driver takes a column's type from its first rows, and of NULLs alone takes it for integers. So a
fragment's texts, dates and decimals travel as texts without NULL (`planner.emit.sqlite.columns`),
which are read back here, vectorised: the empty text is NULL, and a text has a letter before it.
Must not know connections or SQL.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_Read = Callable[[pa.Array], pa.Array]


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

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none, or other columns.
        """
        if not self._reads:
            empty = pa.StructArray.from_buffers(pa.struct([]), batch.num_rows, [None])
            return pa.RecordBatch.from_struct_array(empty)
        if batch.num_columns != len(self._reads):
            raise SourceSchemaChangedError(
                "the source returned other columns than were planned", source=self._source
            )
        arrays = [
            self._converted(read, column, field)
            for read, column, field in zip(self._reads, batch.columns, self._wanted, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._wanted)

    def _converted(self, read: _Read, column: pa.Array, field: pa.Field) -> pa.Array:
        try:
            array = read(column)
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
    if t.is_date32(type_) or t.is_decimal128(type_):
        return lambda array: pc.cast(_or_null(array), type_)
    return lambda array: pc.cast(array, type_)


def _text(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        array = pc.cast(array, pa.string())
    return pc.utf8_slice_codeunits(_or_null(array), 1)


def _or_null(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        array = pc.cast(array, pa.string())
    return pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, pa.string()), array)
