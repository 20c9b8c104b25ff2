"""From the batches of the driver to those that a fragment promises: names, types, nullability.

Owns the casts, which are decided once for a stream and run vectorised, outside the interpreter
lock. Must not know connections or SQL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from connectors.adbc.postgres.arrays import (
    by_element,
    check_dimensions,
    places_of,
    width_of,
)
from connectors.adbc.postgres.gathering import Gathering
from connectors.adbc.postgres.packing import Packing
from connectors.adbc.postgres.types import UNDECLARED_NUMERIC
from connectors.decimals import cast_exactly
from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_Cast = Callable[[pa.Array], pa.Array]

# Texts of a numeric that no decimal has. The driver writes them in lower case, PostgreSQL does not.
_NOT_DECIMAL = pa.array(["nan", "NaN", "inf", "Infinity", "-inf", "-Infinity"])

# The driver moves PostgreSQL's epoch to 1970 without a check, so that 'infinity' (the largest
# integer) wraps to below the earliest time that PostgreSQL has, 4714-11-24 BC: it would sort first.
_EARLIEST_MICROSECOND = -210_866_803_200_000_000
_EARLIEST_DAY = -2_440_588
_LAST_MICROSECOND_OF_DAY = 86_399_999_999


class Columns:
    """Makes every batch of a stream into one of `wanted`; columns match by position.

    Args:
        source: the configured name, for errors.
        found: the schema of the driver's batches.
        wanted: the schema of the fragment.
        packing: how the statement was packed, if it was.

    Raises:
        SourceSchemaChangedError: when no safe cast leads from one to the other.
    """

    def __init__(
        self,
        source: str,
        found: pa.Schema,
        wanted: pa.Schema,
        packing: Packing | Gathering | None = None,
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._packing = packing
        self._required = [i for i, field in enumerate(wanted) if not field.nullable]
        if packing is not None:
            found = packing.unpacked(found)
        # Without columns there is nothing to match, and only the number of rows counts.
        if len(wanted) and len(found) != width_of(wanted):
            raise SourceSchemaChangedError(
                f"the source returned {len(found)} columns where {width_of(wanted)} were planned",
                source=source,
            )
        self._places = list(places_of(wanted))
        self._has_lists = width_of(wanted) > len(wanted)
        self._casts = [
            self._cast(found.field(place).type, w)
            for place, w in zip(self._places, wanted, strict=True)
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
        if self._has_lists:
            check_dimensions(batch, self._wanted, self._source)
        if self._packing is not None:
            batch = self._unpack(batch, self._packing)
            # What came beside the text is the driver's, and as yet unchecked.
            if self._packing.is_whole and batch.schema.equals(self._wanted, check_metadata=True):
                return batch
        columns = batch.columns
        arrays = [
            cast(columns[place]) for cast, place in zip(self._casts, self._places, strict=True)
        ]
        for i in self._required:
            if arrays[i].null_count:
                raise SourceSchemaChangedError(
                    f"column {self._wanted.field(i).name!r} holds NULL but was declared NOT NULL",
                    source=self._source,
                )
        return pa.RecordBatch.from_arrays(arrays, schema=self._wanted)

    def _unpack(self, batch: pa.RecordBatch, packing: Packing | Gathering) -> pa.RecordBatch:
        with contextlib.suppress(pa.ArrowInvalid):
            return packing.unpack(batch)
        try:
            texts = packing.texts(batch)
        except pa.ArrowInvalid:
            raise SourceSchemaChangedError(
                "the source returned other columns than were planned", source=self._source
            ) from None
        # One by one, so that the error names the column.
        columns = texts.columns
        for place in packing.places:
            wanted = self._wanted.field(place)
            try:
                columns[place] = cast_exactly(columns[place], wanted.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise self._unfit(columns[place], wanted) from None
        return pa.RecordBatch.from_arrays(columns, texts.schema.names)

    def _cast(self, found: pa.DataType, wanted: pa.Field) -> _Cast:
        if pa.types.is_list(found) and pa.types.is_list(wanted.type):
            element = wanted.with_type(wanted.type.value_type)
            return by_element(self._cast(found.value_type, element), wanted.type)
        opaque = isinstance(found, pa.BaseExtensionType)
        stored = found.storage_type if opaque else found
        numeric = isinstance(found, pa.OpaqueType) and found.type_name == "numeric"
        if stored == wanted.type:
            if pa.types.is_temporal(stored):
                return lambda array: self._within_arrow(array, wanted)
            return (lambda array: array.storage) if opaque else (lambda array: array)
        if not _castable(stored, wanted.type, numeric=numeric):
            raise SourceSchemaChangedError(
                f"column {wanted.name!r} is {found} at the source and was planned as {wanted.type}",
                source=self._source,
            )

        def cast(array: pa.Array) -> pa.Array:
            plain = array.storage if opaque else array
            try:
                return cast_exactly(self._within_arrow(plain, wanted), wanted.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise self._unfit(plain, wanted) from None

        return cast

    def _within_arrow(self, array: pa.Array, wanted: pa.Field) -> pa.Array:
        """`array`, whose dates and times are all what they say."""
        t = pa.types
        outside = False
        if t.is_timestamp(array.type):
            earliest = pc.min(array.view(pa.int64())).as_py()
            outside = earliest is not None and earliest < _EARLIEST_MICROSECOND
        elif t.is_date32(array.type):
            earliest = pc.min(array.view(pa.int32())).as_py()
            outside = earliest is not None and earliest < _EARLIEST_DAY
        elif t.is_time64(array.type):
            latest = pc.max(array.view(pa.int64())).as_py()
            outside = latest is not None and latest > _LAST_MICROSECOND_OF_DAY
        if outside:
            raise SourceRejectedError(
                f"column {wanted.name!r} holds infinity or a time that {wanted.type} cannot hold",
                source=self._source,
                hint="Leave such rows out in the query, or cast the column to text.",
            )
        return array

    def _unfit(self, array: pa.Array, wanted: pa.Field) -> SourceRejectedError:
        decimal = pa.types.is_decimal(wanted.type) and pa.types.is_string(array.type)
        if decimal and pc.any(pc.is_in(array, _NOT_DECIMAL)).as_py():
            return SourceRejectedError(
                f"column {wanted.name!r} holds NaN or Infinity, which decimals cannot hold",
                source=self._source,
                hint="Leave such rows out in the query, or cast the column to double precision.",
            )
        return SourceRejectedError(
            f"column {wanted.name!r} holds a value that does not fit {wanted.type}",
            source=self._source,
            hint=_WIDER if wanted.type == UNDECLARED_NUMERIC else None,
        )


_WIDER = (
    "Cast the column in the query: to double precision, or to decimal(38, S) with S digits after "
    "the point."
)
"""What is said of a numeric without a declared scale, which takes any number there."""


def _castable(found: pa.DataType, wanted: pa.DataType, *, numeric: bool) -> bool:
    """Whether a cast keeps every value or fails, so that a change at the source cannot pass."""
    t = pa.types
    kept: bool
    if t.is_null(found):
        kept = True
    elif t.is_string(found):
        # What came as text is a number only if it was a numeric, or was cast to text for that.
        number = numeric and (t.is_integer(wanted) or t.is_floating(wanted))
        texts = t.is_large_string(wanted) or t.is_string_view(wanted)
        kept = number or t.is_decimal(wanted) or texts
    elif t.is_integer(found):
        kept = t.is_integer(wanted) or t.is_decimal(wanted)
    elif t.is_floating(found):
        kept = t.is_floating(wanted) and wanted.bit_width >= found.bit_width
    elif t.is_timestamp(found):
        kept = t.is_timestamp(wanted) and (found.tz is None) == (wanted.tz is None)
    elif t.is_time(found):
        kept = t.is_time(wanted)
    else:
        kept = t.is_binary(found) and t.is_large_binary(wanted)
    return kept
