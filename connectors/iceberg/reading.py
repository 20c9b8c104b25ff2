"""One data file on its way: its row groups that may have rows, as the table has its columns.

Owns what is read of a file and what is done to a batch: deleted rows out, columns by number, the
filter on what is then there. Must not know threads, snapshots, or other files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask
from pyiceberg.table.name_mapping import NameMapping
from pyiceberg.types import NestedField

from connectors.files.scan import Place
from connectors.files.wanted import Wanted
from connectors.iceberg.deletes import Deleted, deleted
from connectors.iceberg.evolution import conformed, is_compared, missing, number_of, numbered

PIECE_BYTES = 1 << 20
"""Of a column's chunk, that are asked for at once: a row group need not be in memory whole."""


@dataclass(frozen=True)
class Reading:
    """What all files of a scan are read by.

    Attributes:
        schema: of the table, with the numbers of its columns.
        filtered: the columns that the filter reads.
        mapping: numbers for the columns of files that have none.
    """

    schema: Schema
    filtered: Sequence[str]
    mapping: NameMapping | None
    io: FileIO
    place: Place

    @cached_property
    def fields(self) -> Mapping[str, NestedField]:
        """The columns of the table, by name."""
        return {field.name: field for field in self.schema.fields}


@dataclass(frozen=True)
class DataRows:
    """The rows of a data file that are there in a snapshot.

    Attributes:
        constants: values of partition columns, which a file need not have, by number.
    """

    reading: Reading
    task: FileScanTask
    constants: Mapping[int, object]

    @property
    def path(self) -> str:
        return self.task.file.file_path

    def batches(self, wanted: Wanted) -> Iterator[pa.RecordBatch]:
        """The rows that are wanted; opens the file and its deletes first.

        Raises:
            NotImplementedError: for a file of a format that is not read here.
            UnreadableColumnError: for one without numbers, or with a column of another type.
        """
        reading, task = self.reading, self.task
        if task.file.file_format != FileFormat.PARQUET:
            raise NotImplementedError(f"{task.file.file_format.value} files are not read")
        gone = deleted(task, reading.io, reading.place)
        with reading.io.new_input(self.path).open() as handle:
            opened = ds.ParquetFileFormat().make_fragment(handle)
            shape = _Shape.of(opened, reading, wanted)
            parquet = pq.ParquetFile(
                handle,
                metadata=opened.metadata,
                buffer_size=PIECE_BYTES,
                pre_buffer=False,
                coerce_int96_timestamp_unit="us",
            )
            kept = shape.row_groups(opened)
            start = 0
            for number in range(parquet.num_row_groups):
                rows = parquet.metadata.row_group(number).num_rows
                if number in kept:
                    yield from self._row_group(parquet, shape, number, start, gone)
                start += rows

    def _row_group(
        self, parquet: pq.ParquetFile, shape: _Shape, number: int, start: int, gone: Deleted | None
    ) -> Iterator[pa.RecordBatch]:
        """Args: start: the position of its first row in the file."""
        wanted = shape.wanted
        if not wanted.needed:
            rows = parquet.metadata.row_group(number).num_rows
            rows -= len(gone.within(start, rows)) if gone else 0
            # A batch of no columns that still has rows.
            yield pa.record_batch([pa.nulls(rows)], ["none"]).select([])
            return
        names = [field.name for field in shape.fields.values()]
        for batch in parquet.iter_batches(wanted.batch_rows(), [number], names, use_threads=False):
            there = batch if gone is None else gone.kept(batch, start)
            start += batch.num_rows
            declared = shape.declared(there, self.constants)
            wanted.width.learn(declared)
            if wanted.filter is not None:
                declared = declared.filter(wanted.filter)
            yield declared.select(list(wanted.columns))


@dataclass(frozen=True)
class _Shape:
    """How a file's columns become the table's.

    Attributes:
        fields: those of the file that are read, by number.
        physical: all that the file has.
    """

    reading: Reading
    wanted: Wanted
    fields: Mapping[int, pa.Field]
    physical: pa.Schema

    @classmethod
    def of(cls, opened: ds.ParquetFileFragment, reading: Reading, wanted: Wanted) -> _Shape:
        physical = opened.physical_schema
        needed = {reading.fields[name].field_id for name in wanted.needed}
        found = {number_of(field): field for field in numbered(physical, reading.mapping)}
        fields = {n: field for n, field in found.items() if n is not None and n in needed}
        return cls(reading, wanted, fields, physical)

    def row_groups(self, opened: ds.ParquetFileFragment) -> set[int]:
        """Those that may have rows, by their statistics, if the filter can be asked of them."""
        filtered = self.reading.filtered
        if self.wanted.filter is not None and all(map(self._is_as_named, filtered)):
            schema = pa.schema([self.wanted.schema.field(name) for name in filtered])
            opened = opened.subset(filter=self.wanted.filter, schema=schema)
        return {group.id for group in opened.row_groups}

    def declared(self, batch: pa.RecordBatch, constants: Mapping[int, object]) -> pa.RecordBatch:
        """The needed columns as the table has them."""
        columns = []
        schema = pa.schema([self.wanted.schema.field(name) for name in self.wanted.needed])
        for name, target in zip(schema.names, schema.types, strict=True):
            field = self.reading.fields[name]
            found = self.fields.get(field.field_id)
            if found is None:
                columns.append(missing(field, target, batch.num_rows, constants))
            else:
                array = batch.column(found.name)
                columns.append(conformed(array, found, field.field_type, target))
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _is_as_named(self, name: str) -> bool:
        """Whether the file's statistics of a name are those of the column, and of all its rows."""
        found = self.fields.get(self.reading.fields[name].field_id)
        target = self.wanted.schema.field(name).type
        if found is None or found.name != name or pa.types.is_floating(target):
            return False
        return is_compared(self.physical.field(name).type, target)
