"""Parquet files far away, read without what lies between the wanted columns.

The engine's reader asks for parts of a file as one where less than 1 MiB lies between them: of row
groups that are small, it reads columns that nobody wants. Arrow's leaves out what is larger than 8
KiB. Owns what either takes, which tables both read alike, and the dataset that the engine reads the
other way. Must not know links, nor what is worth it.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from connectors.contract import TableName, TableScan
from connectors.far_reads import Gaps
from connectors.files import parquet
from connectors.files.dataset import FilesDataset, expression, in_the_engines_words
from connectors.files.parquet import SharedFile
from connectors.files.scan import Place
from connectors.files.shapes import Footer
from connectors.files.wanted import Wanted, conform

ENGINE_GAP_BYTES = 1 << 20
"""As much between two parts DataFusion reads with them: `OBJECT_STORE_COALESCE_DEFAULT`, which no
setting changes."""

GAP_BYTES = 8 << 10
"""And Arrow: the `hole_size_limit` of its `CacheOptions`, as they are for whole columns."""

MOST_READS = 8
"""At once: each of them holds a worker of the engine while it waits."""

MOST_KNOWN = 100
"""Sets of columns of a table of which it is kept what lies between."""

_ALIKE = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_string,
)
"""Types that both readers read alike, where the files have them as they are declared."""

_Extent = tuple[int, int]
"""Where a column of a row group begins in its file, and where it ends."""


@dataclass(slots=True)
class Between:
    """What lies between the columns of a table's files. Pure: by their footers.

    Args:
        schema: as declared.
    """

    schema: pa.Schema
    footers: Sequence[Footer]
    _known: dict[tuple[str, ...], Gaps | None] = field(default_factory=dict)
    _extents: list[dict[str, _Extent]] | None = None

    def of(self, columns: Sequence[str]) -> Gaps | None:
        """See `connectors.far_reads.FarReads.gaps`."""
        wanted = tuple(sorted(columns))
        with suppress(KeyError):  # Another query may forget them meanwhile.
            return self._known[wanted]
        found = self._of(wanted)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[wanted] = found
        return found

    def _of(self, columns: Sequence[str]) -> Gaps | None:
        if not columns or not all(map(self._is_alike, columns)):
            return None
        if self._extents is None:
            self._extents = [group for metadata, _ in self.footers for group in _extents(metadata)]
        read, left = [], []
        for group in self._extents:
            if not all(name in group for name in columns):
                return None
            wanted = sorted(group[name] for name in columns)
            if sum(end - start for start, end in wanted) > parquet.HELD_BYTES[True]:
                return None
            read += _joined(wanted, ENGINE_GAP_BYTES)
            left += _joined(wanted, GAP_BYTES)
        files = len(self.footers)
        found = Gaps(_size_bytes(read), len(read), _size_bytes(left), len(left), files)
        return found if found.left_bytes < found.read_bytes else None

    def _is_alike(self, name: str) -> bool:
        if "." in name:  # Arrow would take it for a path.
            return False
        declared = self.schema.field(name)
        return any(is_type(declared.type) for is_type in _ALIKE) and all(
            written.get_all_field_indices(name) == [written.get_field_index(name)]
            and _is_written_as(written.field(name).type, declared.type)
            for _, written in self.footers
        )


def _is_written_as(written: pa.DataType, declared: pa.DataType) -> bool:
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if pa.types.is_string(declared):
        return any(is_text(written) for is_text in texts)
    return bool(written == declared)


def _extents(metadata: pq.FileMetaData) -> Iterator[dict[str, _Extent]]:
    for group_number in range(metadata.num_row_groups):
        group = metadata.row_group(group_number)
        found = {}
        for number in range(group.num_columns):
            chunk = group.column(number)
            if chunk.physical_type == "INT96":  # Each reader has its own unit for it.
                continue
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            found[chunk.path_in_schema] = start, start + chunk.total_compressed_size
        yield found


def _joined(extents: Sequence[_Extent], gap_bytes: int) -> list[_Extent]:
    """What is asked for, in the order of the file, where such gaps are read.

    >>> _joined([(0, 10), (15, 20), (40, 50)], 5)
    [(0, 20), (40, 50)]
    """
    found: list[_Extent] = []
    for start, end in extents:
        if found and start - found[-1][1] <= gap_bytes:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _size_bytes(extents: Sequence[_Extent]) -> int:
    return sum(end - start for start, end in extents)


_Part = tuple[int, int]
"""The number of a file, and that of a row group in it."""


class WithoutGaps(FilesDataset):
    """The row groups of a table, dealt out to as many partitions as are read at once.

    Each partition has its own, whoever else reads and however often: none is taken from another.

    Args:
        location: of the files.
        files: flat Parquet files, none of whose columns is given by a folder.
        footers: by the files' paths.
        reads: partitions, at most.
    """

    def __init__(
        self,
        location: Place,
        table: TableName,
        files: ds.Dataset,
        footers: Mapping[str, pq.FileMetaData],
        width_bytes: float | None,
        reads: int,
    ) -> None:
        super().__init__(location, table, files, width_bytes)
        self._footers = footers
        self._reads = min(reads, MOST_READS)

    def get_fragments(self, filter: pc.Expression | None = None) -> list[_Dealt]:  # type: ignore[override]
        """Partitions with the row groups that may have rows, by the bounds in the footers."""
        condition = expression(filter)
        files = [(f, self._footers[f.path]) for f in self._files.get_fragments()]
        parts = [
            (number, group)
            for number, (_, metadata) in enumerate(files)
            for group in _groups(metadata, condition, self.schema)
        ]
        count = max(1, min(self._reads, len(parts)))
        # Neighbours together: fewer partitions open one file.
        ends = [len(parts) * number // count for number in range(count + 1)]
        return [_Dealt(self, files, parts[start:end]) for start, end in pairwise(ends)]

    def wanted(self, columns: Sequence[str] | None, condition: pc.Expression | None) -> Wanted:
        """A scan's columns and rows."""
        names = tuple(self.schema.names if columns is None else columns)
        scan = TableScan(self._table, names, condition)
        return Wanted.of(scan, self.schema, self._width_bytes, far=True)

    @property
    def location(self) -> Place:
        """Where the files are."""
        return self._location


def _groups(
    metadata: pq.FileMetaData, condition: pc.Expression | None, schema: pa.Schema
) -> Sequence[int]:
    """The row groups that may have rows. Arrow looks at footers of files: this one is a file's."""
    if condition is None:
        return range(metadata.num_row_groups)
    alone = io.BytesIO()
    metadata.write_metadata_file(alone)
    outline = ds.ParquetFileFormat().make_fragment(pa.BufferReader(alone.getvalue()))
    return parquet.groups_of(outline, condition, schema)


@dataclass(frozen=True, slots=True)
class _Dealt:
    of: WithoutGaps
    files: Sequence[tuple[ds.ParquetFileFragment, pq.FileMetaData]]
    parts: Sequence[_Part]

    def scanner(
        self,
        *_: Any,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | pa.Scalar | None = None,
        **__: Any,
    ) -> _Scanner:
        wanted = self.of.wanted(columns, expression(filter))
        projected = pa.schema([self.of.schema.field(name) for name in wanted.columns])
        return _Scanner(self, wanted, projected)


@dataclass(frozen=True, slots=True)
class _Scanner:
    dealt: _Dealt
    wanted: Wanted
    projected_schema: pa.Schema

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        for number, parts in groupby(self.dealt.parts, itemgetter(0)):
            fragment, metadata = self.dealt.files[number]
            runs = deque([group] for _, group in parts)
            with (
                in_the_engines_words("Parquet"),
                self.dealt.of.location.reading(fragment.path),
                fragment.filesystem.open_input_file(fragment.path) as handle,
            ):
                file = SharedFile(fragment, metadata, {}, runs)
                for batch in parquet.batches(file, handle, self.wanted, alone=False):
                    _check_texts(batch)
                    if batch.num_rows:
                        yield conform(batch, self.projected_schema)


def _check_texts(batch: pa.RecordBatch) -> None:
    """The engine takes texts for what they say they are, and Arrow does not look."""
    for column in batch.columns:
        if pa.types.is_string(column.type):
            column.validate(full=True)
