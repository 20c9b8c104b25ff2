"""From a driver's batches to those that a fragment promises: names, types, nullability.

Owns the casts, which are decided once for a stream. Where the types are the same a batch is
relabelled, and nothing is copied. Must not know connections or SQL.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.adbc.types import plain
from connectors.decimals import cast_exactly
from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_Cast = Callable[[pa.Array], pa.Array]


class Columns:
    """Makes every batch of a stream into one of `wanted`; columns match by position.

    Args:
        source: the configured name, for errors.
        found: the schema of the driver's batches.
        wanted: the schema of the fragment.
        typed_by_rows: the driver looks for a column's type in its rows, and calls it anything where
            there is none, or nothing but NULL.

    Raises:
        SourceSchemaChangedError: for another number of columns, and, unless `typed_by_rows`, when
            no safe cast leads from one type to the other.
    """

    def __init__(
        self, source: str, found: pa.Schema, wanted: pa.Schema, *, typed_by_rows: bool = False
    ) -> None:
        self._source = source
        self._wanted = wanted
        # Without columns there is nothing to match, and only the number of rows counts.
        if len(wanted) and len(found) != len(wanted):
            raise SourceSchemaChangedError(
                f"the source returned {len(found)} columns where {len(wanted)} were planned",
                source=source,
            )
        self._casts = [
            self._cast(f.type, w, typed_by_rows)
            for f, w in zip(found, wanted, strict=False)
            if len(wanted)
        ]

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none, or values of a type
                that was not planned.
        """
        if not self._casts:
            empty = pa.StructArray.from_buffers(pa.struct([]), batch.num_rows, [None])
            return pa.RecordBatch.from_struct_array(empty)
        arrays = [cast(column) for cast, column in zip(self._casts, batch.columns, strict=True)]
        for array, wanted in zip(arrays, self._wanted, strict=True):
            if not wanted.nullable and array.null_count:
                raise SourceSchemaChangedError(
                    f"column {wanted.name!r} holds NULL but was declared NOT NULL",
                    source=self._source,
                )
        return pa.RecordBatch.from_arrays(arrays, schema=self._wanted)

    def _cast(self, found: pa.DataType, wanted: pa.Field, typed_by_rows: bool) -> _Cast:
        if found == wanted.type:
            return lambda array: array
        if not castable(found, wanted.type):
            if not typed_by_rows:
                raise self._another_type(found, wanted)
            return lambda array: self._nothing(array, wanted)

        def cast(array: pa.Array) -> pa.Array:
            if isinstance(array, pa.ExtensionArray):
                array = array.storage
            elif isinstance(array, pa.RunEndEncodedArray):
                array = pc.run_end_decode(array)
            try:
                return cast_exactly(array, wanted.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise SourceRejectedError(
                    f"column {wanted.name!r} holds a value that does not fit {wanted.type}",
                    source=self._source,
                ) from None

        return cast

    def _nothing(self, array: pa.Array, wanted: pa.Field) -> pa.Array:
        if array.null_count < len(array):
            raise self._another_type(array.type, wanted)
        return pa.nulls(len(array), wanted.type)

    def _another_type(self, found: pa.DataType, wanted: pa.Field) -> SourceSchemaChangedError:
        return SourceSchemaChangedError(
            f"column {wanted.name!r} is {found} at the source and was planned as {wanted.type}",
            source=self._source,
        )


def castable(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a cast keeps every value or fails, so that a change at the source cannot pass.

    >>> castable(pa.int32(), pa.int64()), castable(pa.int64(), pa.string())
    (True, False)
    >>> castable(pa.timestamp("us", "Europe/Rome"), pa.timestamp("us", "UTC"))
    True
    """
    t = pa.types
    if t.is_null(found) or plain(found) == plain(wanted):
        return True
    if t.is_integer(found):
        return bool(t.is_integer(wanted) or t.is_decimal(wanted))
    if t.is_decimal(found):
        return bool(t.is_decimal(wanted))
    if t.is_timestamp(found) and t.is_timestamp(wanted):
        # The zone only says how a moment is shown.
        return found.unit == wanted.unit and None not in (found.tz, wanted.tz)
    return bool(t.is_float32(found) and t.is_float64(wanted))
