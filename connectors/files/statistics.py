"""What is known of files without reading their rows. Pure: from footers and samples to numbers.

Sizes are those of Arrow batches, as rows travel, not those of the files.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.contract import ColumnStatistics, Statistics
from connectors.files.dictionaries import Dictionaries, apart, distinct_values
from connectors.spread import spread

_PHYSICAL_BYTES = {"INT32": 4.0, "FLOAT": 4.0, "INT64": 8.0, "DOUBLE": 8.0, "INT96": 12.0}

_ORDERED = (
    bool,
    int,
    float,
    str,
    bytes,
    decimal.Decimal,
    datetime.date,
    datetime.datetime,
    datetime.time,
)


def of_text(
    rows: int, sampled_bytes: float, size_bytes: float | None, *, whole: bool
) -> Statistics:
    """From a sample of a text file: exact when it was all of it, else by the bytes of a row.

    Args:
        rows: in the sample.
        sampled_bytes: that those rows take in the file.
        size_bytes: of all files; None when it is not known or they are compressed.
        whole: the sample is all there is.
    """
    if whole:
        return Statistics(rows=float(rows), size_bytes=sampled_bytes)
    if size_bytes is None or not sampled_bytes:
        return Statistics(size_bytes=size_bytes)
    return Statistics(rows=round(size_bytes / sampled_bytes * rows), size_bytes=size_bytes)


@dataclass(slots=True)
class _Gathered:
    """One column over all row groups."""

    encoded_bytes: int = 0
    stored_bytes: int = 0
    physical_bytes: float | None = None
    dictionaries: Dictionaries = field(default_factory=Dictionaries)
    nulls: int | None = 0
    bounded: bool = True
    minima: list[Any] = field(default_factory=list)
    maxima: list[Any] = field(default_factory=list)


def of_parquet(schema: pa.Schema, footers: Sequence[pq.FileMetaData]) -> Statistics:
    """Rows are exact; bounds and nulls are as the writers said; widths are estimates."""
    rows = sum(footer.num_rows for footer in footers)
    gathered = {name: _Gathered() for name in schema.names}
    for footer in footers:
        _gather(footer, gathered)
    columns = {f.name: _column(f, gathered[f.name], rows) for f in schema}
    width = sum(column.width_bytes or 0.0 for column in columns.values())
    return Statistics(float(rows), rows * width, columns)


def _gather(footer: pq.FileMetaData, gathered: dict[str, _Gathered]) -> None:
    for group_number in range(footer.num_row_groups):
        group = footer.row_group(group_number)
        for column_number in range(group.num_columns):
            chunk = group.column(column_number)
            # The leaves of a nested column count for their root, and have no bounds of their own.
            root, dot, _ = chunk.path_in_schema.partition(".")
            name = chunk.path_in_schema if chunk.path_in_schema in gathered else root
            if name not in gathered:
                continue
            column = gathered[name]
            column.encoded_bytes += chunk.total_uncompressed_size
            column.stored_bytes += chunk.total_compressed_size
            flat = not dot or name == chunk.path_in_schema
            told = chunk.statistics if flat and chunk.is_stats_set else None
            _add_bounds(column, chunk, told)
            if flat:
                _add_dictionary(column, chunk, told)
            column.physical_bytes = _PHYSICAL_BYTES.get(chunk.physical_type)
            if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY":
                column.physical_bytes = float(footer.schema.column(column_number).length)


def _add_bounds(
    column: _Gathered, chunk: pq.ColumnChunkMetaData, told: pq.Statistics | None
) -> None:
    if told is None or not told.has_null_count:
        column.nulls = None
    elif column.nulls is not None:
        column.nulls += told.null_count
    if told is not None and told.has_null_count and told.null_count == chunk.num_values:
        return  # All null: there are no bounds, and none are missing.
    if told is None or not told.has_min_max:
        column.bounded = False
        return
    try:
        minimum, maximum = told.min, told.max
    except (OverflowError, ValueError):
        column.bounded = False  # A date that Python has no value for.
        return
    column.minima.append(minimum)
    column.maxima.append(maximum)


def _add_dictionary(
    column: _Gathered, chunk: pq.ColumnChunkMetaData, told: pq.Statistics | None
) -> None:
    nulls = told.null_count if told is not None and told.has_null_count else 0
    stored_bytes = None
    if chunk.has_dictionary_page:
        stored_bytes = chunk.data_page_offset - chunk.dictionary_page_offset
    column.dictionaries.add(chunk.num_values - nulls, chunk.total_uncompressed_size, stored_bytes)


def _column(field_: pa.Field, gathered: _Gathered, rows: int) -> ColumnStatistics:
    minimum, maximum = _bounds(field_.type, gathered)
    spread_ = None if minimum is None else spread(gathered.minima, gathered.maxima)
    return ColumnStatistics(
        distinct=_distinct(gathered, spread_),
        null_fraction=gathered.nulls / rows if rows and gathered.nulls is not None else None,
        width_bytes=_width(field_.type, gathered, minimum, maximum, rows),
        stored_bytes=gathered.stored_bytes / rows if rows else None,
        minimum=minimum,
        maximum=maximum,
        spread=spread_,
    )


def _distinct(gathered: _Gathered, spread_: float | None) -> float | None:
    ends = [*gathered.minima, *gathered.maxima]
    width_bytes = gathered.physical_bytes
    if width_bytes is None:  # Texts, each after its length.
        width_bytes = sum([4.0, *_mean([_length(v) for v in ends if isinstance(v, str | bytes)])])
    if spread_ is None and ends and all(isinstance(end, str) for end in ends):
        spread_ = apart(gathered.minima, gathered.maxima)
    found = distinct_values(gathered.dictionaries, width_bytes, spread_)
    return None if found is None else max(found, float(len(set(ends))))


def _bounds(type_: pa.DataType, gathered: _Gathered) -> tuple[Any, Any]:
    """The bounds as Python values; none at all where a single one cannot be trusted."""
    if not gathered.bounded or not gathered.minima:
        return None, None
    values = [*gathered.minima, *gathered.maxima]
    same = {type(value) for value in values}
    if len(same) > 1 or not isinstance(values[0], _ORDERED):
        return None, None
    if isinstance(values[0], float) and any(map(math.isnan, values)):
        return None, None
    try:  # A bound must be a value of the declared type, or the planner would compare apples.
        low = pa.scalar(min(gathered.minima), type_).as_py()
        high = pa.scalar(max(gathered.maxima), type_).as_py()
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return None, None
    return low, high


def _width(
    type_: pa.DataType, gathered: _Gathered, minimum: Any, maximum: Any, rows: int
) -> float | None:
    """Average bytes of a value as it travels: exact for fixed widths, else from the encoding.

    A dictionary-encoded text takes fewer bytes in the file than on its way; the lengths of its
    bounds show values that repeat.
    """
    if pa.types.is_primitive(type_) or pa.types.is_decimal(type_):
        return float(type_.bit_width) / 8
    if not rows:
        return None
    encoded = gathered.encoded_bytes / rows
    lengths = [_length(v) for v in (minimum, maximum) if isinstance(v, str | bytes)]
    offset_bytes = 4.0
    return max([encoded, *_mean(lengths)]) + offset_bytes


def _length(value: str | bytes) -> int:
    return len(value.encode() if isinstance(value, str) else value)


def _mean(values: Sequence[int]) -> Iterator[float]:
    if values:
        yield sum(values) / len(values)
