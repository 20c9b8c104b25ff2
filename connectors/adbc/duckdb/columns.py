"""From the batches of the driver to those that a fragment promises: names, types, nullability.

Owns the casts, which are decided once for a stream and run vectorised, outside the interpreter
lock. Must not know connections or SQL.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_Cast = Callable[[pa.Array], pa.Array]

# DuckDB's infinities: the largest integer of a date or a timestamp, and its negative.
_INFINITE_DAY = 2**31 - 1
_INFINITE_TIME = 2**63 - 1
_LAST_MICROSECOND_OF_DAY = 86_399_999_999


class Columns:
    """Makes every batch of a stream into one of `wanted`; columns match by position.

    Args:
        source: the configured name, for errors.
        found: the schema of the driver's batches.
        wanted: the schema of the fragment.

    Raises:
        SourceSchemaChangedError: when no safe cast leads from one to the other.
    """

    def __init__(self, source: str, found: pa.Schema, wanted: pa.Schema) -> None:
        self._source = source
        self._wanted = wanted
        # Without columns there is nothing to match, and only the number of rows counts.
        if len(wanted) and len(found) != len(wanted):
            raise SourceSchemaChangedError(
                f"the source returned {len(found)} columns where {len(wanted)} were planned",
                source=source,
            )
        self._casts = [
            self._cast(f.type, w) for f, w in zip(found, wanted, strict=False) if len(wanted)
        ]

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none.
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

    def _cast(self, found: pa.DataType, wanted: pa.Field) -> _Cast:
        if found == wanted.type:
            if pa.types.is_temporal(found):
                return lambda array: self._within_arrow(array, wanted)
            return lambda array: array
        if not _castable(found, wanted.type):
            raise SourceSchemaChangedError(
                f"column {wanted.name!r} is {found} at the source and was planned as {wanted.type}",
                source=self._source,
            )

        def cast(array: pa.Array) -> pa.Array:
            try:
                return pc.cast(array, wanted.type, safe=True)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise SourceRejectedError(
                    f"column {wanted.name!r} holds a value that does not fit {wanted.type}",
                    source=self._source,
                ) from None

        return cast

    def _within_arrow(self, array: pa.Array, wanted: pa.Field) -> pa.Array:
        """`array`, whose dates and times are all what they say."""
        t = pa.types
        integers = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
        lowest, highest = pc.min_max(integers).values()
        if highest.as_py() is None:
            return array
        if t.is_time(array.type):
            outside = highest.as_py() > _LAST_MICROSECOND_OF_DAY
        else:
            infinite = _INFINITE_DAY if t.is_date32(array.type) else _INFINITE_TIME
            outside = highest.as_py() == infinite or lowest.as_py() == -infinite
        if outside:
            raise SourceRejectedError(
                f"column {wanted.name!r} holds infinity or a time that {wanted.type} cannot hold",
                source=self._source,
                hint="Leave such rows out in the query, or cast the column to text.",
            )
        return array


def _castable(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a cast keeps every value or fails, so that a change at the source cannot pass."""
    t = pa.types
    if t.is_null(found) or (t.is_string(found) and t.is_string_view(wanted)):
        return True
    if t.is_integer(found):
        return bool(t.is_integer(wanted) or t.is_decimal(wanted))
    if t.is_decimal(found):
        return bool(t.is_decimal(wanted))
    return bool(t.is_float32(found) and t.is_float64(wanted))
