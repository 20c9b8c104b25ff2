"""One snapshot of a table: its files, which of them may have rows, and what is known of them all.

Owns what manifests say. They are read once, when first asked for, and never change. Must not open a
data file. A file's bounds decide only what they cannot get wrong: nothing about floats, whose NaN
they leave out (decision 6).
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    UUIDType,
)

from connectors.contract import ColumnStatistics, Statistics
from connectors.iceberg.partitions import buckets
from connectors.iceberg.types import arrow_type
from connectors.spread import spread

_TEXT_BYTES = 16.0
"""Of a value of a type that has no fixed width, at least: files have it encoded and compressed."""


class Contents:
    """What a snapshot holds.

    Args:
        table: as it was looked at.
        snapshot_id: one of its snapshots; None where it has none yet.
        schema: that it is read by.
    """

    def __init__(self, table: Table, snapshot_id: int | None, schema: Schema) -> None:
        self._table = table
        self.snapshot_id = snapshot_id
        self.schema = schema
        # No `cached_property`: Python 3.11 has one lock for all tables' manifests then.
        self._reading = threading.Lock()
        self._files: Sequence[FileScanTask] | None = None
        self._statistics: Statistics | None = None
        self._bounded: tuple[tuple[str, ...], ds.FileSystemDataset] | None = None

    def holds_what(self, other: Contents) -> bool:
        """Whether it has read what another of the same table is still to read."""
        read, same = self._files is not None, self.snapshot_id == other.snapshot_id
        return read and same and self.schema == other.schema

    @property
    def files(self) -> Sequence[FileScanTask]:
        """The data files, each with its delete files. Reads manifests the first time.

        Raises:
            NotImplementedError: rows are deleted by their values, which is not read here.
        """
        with self._reading:
            if self._files is None:
                self._files = self._read_files()
        return self._files

    def _read_files(self) -> Sequence[FileScanTask]:
        if self.snapshot_id is None:
            return ()
        scan = self._table.scan(snapshot_id=self.snapshot_id)
        try:
            return tuple(scan.plan_files())
        except ValueError as error:
            if "equality deletes" not in str(error):
                raise
            raise NotImplementedError(
                "rows are deleted by their values (equality deletes)"
            ) from None

    def candidates(
        self, condition: pc.Expression | None, columns: Sequence[str]
    ) -> list[FileScanTask]:
        """The files that may have rows for which a filter holds.

        Args:
            columns: those that the filter reads.
        """
        files = self.files
        if condition is None:
            return list(files)
        bounded = self._with_bounds(tuple(columns)).get_fragments(filter=condition)
        wanted = self._buckets(condition, columns)
        left = (files[int(fragment.path)] for fragment in bounded)
        return [task for task in left if _is_within(task.file, wanted)]

    def constants(self, task: FileScanTask) -> Mapping[int, object]:
        """The values that a file's partition gives to columns, by number."""
        spec = self._table.metadata.specs().get(task.file.spec_id)
        return {
            field.source_id: task.file.partition[place]
            for place, field in enumerate(spec.fields if spec else ())
            if isinstance(field.transform, IdentityTransform)
        }

    @property
    def statistics(self) -> Statistics:
        """Sums of what manifests say of each file; rows that deletes name are counted out."""
        if self._statistics is None:
            self._statistics = self._summed()
        return self._statistics

    def _summed(self) -> Statistics:
        files = [task.file for task in self.files]
        if any(file.record_count < 0 for file in files):  # Some writers did not count.
            return Statistics()
        deletes = {file for task in self.files for file in task.delete_files}
        held = sum(file.record_count for file in files)
        rows = max(0, held - sum(file.record_count for file in deletes))
        columns = {field.name: _column(field, files, held) for field in self.schema.fields}
        width = sum(column.width_bytes or 0.0 for column in columns.values())
        return Statistics(float(rows), rows * width, columns)

    def _buckets(
        self, condition: pc.Expression, columns: Sequence[str]
    ) -> dict[int, dict[int, frozenset[int | None]]]:
        """The buckets that may have rows: by partition spec, then by place in a partition."""
        declared = self._declared(columns)
        found: dict[int, dict[int, frozenset[int | None]]] = {}
        for number, spec in self._table.metadata.specs().items():
            for place, field in enumerate(spec.fields):
                allowed = buckets(field, self.schema, condition, declared)
                if allowed is not None:
                    found.setdefault(number, {})[place] = allowed
        return found

    def _with_bounds(self, columns: tuple[str, ...]) -> ds.FileSystemDataset:
        """Numbers of files, each with what holds for its rows in these columns."""
        known = self._bounded
        if known is None or known[0] != columns:
            fields, schema = self._fields(columns), self._declared(columns)
            format_, nowhere = ds.ParquetFileFormat(), LocalFileSystem()
            fragments = [
                format_.make_fragment(str(number), nowhere, self._known(task, fields))
                for number, task in enumerate(self.files)
            ]
            known = (columns, ds.FileSystemDataset(fragments, schema, format_, nowhere))
            # The last one only: statements differ in their columns, and files may be many.
            self._bounded = known
        return known[1]

    def _known(self, task: FileScanTask, fields: Sequence[NestedField]) -> pc.Expression:
        constants = self.constants(task)
        parts = [part for field in fields for part in _of_column(task.file, field, constants)]
        return reduce(and_, parts, pc.scalar(True))

    def _fields(self, columns: Sequence[str]) -> list[NestedField]:
        return [field for field in self.schema.fields if field.name in columns]

    def _declared(self, columns: Sequence[str]) -> pa.Schema:
        return pa.schema([(f.name, arrow_type(f.field_type)) for f in self._fields(columns)])


def _is_within(file: DataFile, wanted: Mapping[int, Mapping[int, frozenset[int | None]]]) -> bool:
    places = wanted.get(file.spec_id, {})
    return all(file.partition[place] in allowed for place, allowed in places.items())


def _of_column(
    file: DataFile, field: NestedField, constants: Mapping[int, object]
) -> list[pc.Expression]:
    """What holds for every value of a column in a file."""
    column, number = pc.field(field.name), field.field_id
    if number in constants and not _is_float(field):
        value = constants[number]
        same = None if value is None else _scalar(value, arrow_type(field.field_type))
        return [column.is_null()] if value is None else [] if same is None else [column == same]
    nulls = (file.null_value_counts or {}).get(number)
    count = (file.value_counts or {}).get(number)
    if nulls is not None and count and nulls == count:
        return [column.is_null()]
    low, high = _bounds(file, field)
    parts = [] if low is None else [column >= low]
    parts += [] if high is None else [column <= high]
    if nulls == 0:
        return [*parts, column.is_valid()]
    # Each by itself: only so does Arrow draw conclusions from it.
    return [part | column.is_null() for part in parts]


def _bounds(file: DataFile, field: NestedField) -> tuple[pa.Scalar | None, pa.Scalar | None]:
    """A file's bounds of a column, where they are sure; texts may be cut short, outwards."""
    type_, number = field.field_type, field.field_id
    target = arrow_type(type_)
    if not isinstance(type_, PrimitiveType) or isinstance(type_, UUIDType):
        return None, None
    if _is_float(field) or pa.types.is_null(target):
        return None, None
    low, high = (
        _decoded(type_, (bounds or {}).get(number), target)
        for bounds in (file.lower_bounds, file.upper_bounds)
    )
    return low, high


def _is_float(field: NestedField) -> bool:
    return isinstance(field.field_type, FloatType | DoubleType)


def _decoded(type_: PrimitiveType, encoded: bytes | None, target: pa.DataType) -> pa.Scalar | None:
    if encoded is None:
        return None
    if isinstance(type_, LongType) and len(encoded) == 4:  # Written before it was promoted.
        type_ = IntegerType()
    try:
        return _scalar(from_bytes(type_, encoded), target)
    except (ValueError, TypeError, struct.error):
        return None


def _scalar(value: object, target: pa.DataType) -> pa.Scalar | None:
    try:
        return pa.scalar(value, target)
    except (ValueError, TypeError, OverflowError, pa.ArrowException):
        return None


def _column(field: NestedField, files: Sequence[DataFile], rows: int) -> ColumnStatistics:
    target = arrow_type(field.field_type)
    counts = [(file.null_value_counts or {}).get(field.field_id) for file in files]
    known = [count for count in counts if count is not None]
    bounds = [_bounds(file, field) for file in files]
    lows = [value for low, _ in bounds if (value := _as_python(low)) is not None]
    highs = [value for _, high in bounds if (value := _as_python(high)) is not None]
    bounded = bool(files) and len(lows) == len(highs) == len(files)
    return ColumnStatistics(
        null_fraction=sum(known) / rows if rows and len(known) == len(files) else None,
        width_bytes=_width(target, field, files, rows),
        minimum=min(lows) if bounded else None,
        maximum=max(highs) if bounded else None,
        spread=spread(lows, highs) if bounded else None,
    )


def _as_python(bound: pa.Scalar | None) -> Any:
    """A bound's value; None for one that Python has none for.

    >>> _as_python(pa.scalar(0, pa.date32())), _as_python(pa.scalar(5_000_000, pa.date32()))
    (datetime.date(1970, 1, 1), None)
    """
    try:
        return None if bound is None else bound.as_py()
    except (ValueError, OverflowError):
        return None


def _width(target: pa.DataType, field: NestedField, files: Sequence[DataFile], rows: int) -> float:
    """Average bytes of a value as it travels: exact for fixed widths, else at least as encoded."""
    if pa.types.is_primitive(target) or pa.types.is_decimal(target):
        return float(target.bit_width) / 8
    sizes = [(file.column_sizes or {}).get(field.field_id, 0) for file in files]
    return max(_TEXT_BYTES, sum(sizes) / rows if rows else 0.0)
