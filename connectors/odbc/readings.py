"""How a column is asked for, how it travels and what it is here: of any database behind ODBC.

Dates, times and decimals travel as text, and are read vectorised: a date that does not exist, which
some databases hold, ends the process inside the library that would read it. Knows no connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from connectors.contract import Column
from connectors.decimals import cast_exactly
from connectors.errors import SourceRejectedError, SourceSchemaChangedError

_MOST_DIGITS = 38
_BEYOND_MICROSECONDS = r"(\.\d{6})\d+$"
"""Digits that are cut. What else follows, such as the offset of a zone, is no moment to Arrow."""


def as_it_is(column: exp.Expr) -> exp.Expr:
    """The column itself."""
    return column


@dataclass(frozen=True, slots=True)
class Reading:
    """One column's.

    Attributes:
        type: what it is here.
        travels: the Arrow type that is asked of ODBC.
        sql: what is selected, of the column.
        lost: as `connectors.contract.Column.lost`.
    """

    type: pa.DataType
    travels: pa.DataType
    sql: Callable[[exp.Expr], exp.Expr] = as_it_is
    lost: str = ""


def reading_of(found: pa.DataType) -> Reading:
    """That of a column of which only ODBC's type is known.

    >>> reading_of(pa.timestamp("ns")).type, reading_of(pa.decimal256(50, 2)).type
    (TimestampType(timestamp[us]), DataType(string))
    """
    t = pa.types
    if t.is_integer(found) or t.is_floating(found) or t.is_boolean(found):
        return Reading(found, found)
    if t.is_binary(found) or t.is_fixed_size_binary(found) or t.is_large_binary(found):
        return Reading(pa.binary(), pa.binary())
    if t.is_date(found):
        return Reading(pa.date32(), pa.string())
    if t.is_timestamp(found):
        cut = "tenths of microseconds, which are cut" if found.unit == "ns" else ""
        return Reading(pa.timestamp("us"), pa.string(), lost=cut)
    if t.is_time(found):
        return Reading(pa.time64("us"), pa.string())
    if t.is_decimal(found) and found.precision <= _MOST_DIGITS and found.scale >= 0:
        return Reading(pa.decimal128(found.precision, found.scale), pa.string())
    lost = "that it is a number, of more than 38 digits; it is its text"
    return Reading(pa.string(), pa.string(), lost=lost if t.is_decimal(found) else "")


class Columns:
    """Makes every batch of a stream into one of `wanted`; columns match by position.

    Args:
        source: the configured name, for errors.
        found: the schema of ODBC's batches.
        wanted: the schema of the fragment.

    Raises:
        SourceSchemaChangedError: for another number of columns.
    """

    def __init__(self, source: str, found: pa.Schema, wanted: pa.Schema) -> None:
        self._source = source
        self._wanted = wanted
        if len(wanted) and len(found) != len(wanted):
            raise SourceSchemaChangedError(
                f"the source returned {len(found)} columns where {len(wanted)} were planned",
                source=source,
            )

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none.
        """
        if not len(self._wanted):
            return rows_alone(batch.num_rows)
        pairs = zip(batch.columns, self._wanted, strict=True)
        arrays = [self._converted(array, field) for array, field in pairs]
        return pa.RecordBatch.from_arrays(arrays, schema=self._wanted)

    def _converted(self, array: pa.Array, field: pa.Field) -> pa.Array:
        try:
            read = _read(array, field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise SourceRejectedError(
                f"column {field.name!r} holds a value that does not fit {field.type}",
                source=self._source,
            ) from None
        if not field.nullable and read.null_count:
            raise SourceSchemaChangedError(
                f"column {field.name!r} holds NULL but was declared NOT NULL", source=self._source
            )
        return read


def rows_alone(rows: int) -> pa.RecordBatch:
    """A batch without columns, of which only the number of rows counts."""
    empty = pa.StructArray.from_buffers(pa.struct([]), rows, [None])
    return pa.RecordBatch.from_struct_array(empty)


def _read(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if array.type == wanted:
        return array
    if pa.types.is_timestamp(wanted):
        # They are in UTC: the session is.
        return pc.cast(_moments(array), wanted)
    if pa.types.is_time(wanted):
        # Arrow reads times as those of a day only.
        of_a_day = pc.binary_join_element_wise("1970-01-01", array, " ")
        return pc.cast(pc.cast(_moments(of_a_day), pa.time64("us")), wanted)
    if pa.types.is_float32(wanted):
        return pc.cast(array, wanted, safe=False)
    return cast_exactly(array, wanted)


def _moments(texts: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(texts, _BEYOND_MICROSECONDS, r"\1")
    return pc.cast(plain, pa.timestamp("us"))


def column(name: str, reading: Reading, *, nullable: bool, native_type: str) -> Column:
    """What the engine is told of a column."""
    return Column(name, reading.type, nullable, native_type, reading.lost)
