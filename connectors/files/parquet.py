"""One Parquet file on its way: row groups in runs, batches of bounded size, filtered here.

Owns what is read of a file at a time: of its bytes a run, of its rows a batch. Arrow's dataset
scanner decodes whole row groups ahead of their reader, and keeps the bytes of all of them until its
scan ends. Must not know threads, buffers or the files beside this one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from connectors.files.wanted import Wanted

RUN_BYTES = 1 << 20, 8 << 20
"""Encoded, of the row groups that are read together, near and far: worth a round trip there, and
little enough for the readers of a file to share it."""

HELD_BYTES = 1 << 20, 16 << 20
"""Encoded, that one reader holds of a row group, near and far. A row group up to that is asked for
at once; of a larger one, a piece of each column at a time."""

PIECE_BYTES = 1 << 16, 4 << 20
"""Least and most of one column's piece."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that several readers may read, each through a handle of its own.

    Attributes:
        constants: columns that the file's place gives, by name.
        runs: numbers of row groups that nobody has taken yet.
    """

    fragment: ds.ParquetFileFragment
    metadata: pq.FileMetaData
    constants: dict[str, object]
    runs: deque[list[int]]
    taking: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> list[int] | None:
        """The next run, or None."""
        with self.taking:
            return self.runs.popleft() if self.runs else None


def shared(fragment: ds.ParquetFileFragment, handle: pa.NativeFile, wanted: Wanted) -> SharedFile:
    """What there is to read of an opened file: its footer says which row groups may have rows."""
    place = fragment.partition_expression
    opened = fragment.format.make_fragment(handle, partition_expression=place)
    metadata: pq.FileMetaData = opened.metadata
    runs = deque(_runs(metadata, groups_of(opened, wanted.filter, wanted.schema), wanted))
    return SharedFile(fragment, metadata, ds.get_partition_keys(place), runs)


def groups_of(
    opened: ds.ParquetFileFragment, condition: pc.Expression | None, schema: pa.Schema
) -> list[int]:
    """The row groups that may have rows, by the bounds in the footer."""
    kept = opened
    if condition is not None:
        # The bounds of texts that are written as views cannot be compared.
        with suppress(pa.ArrowNotImplementedError):
            kept = opened.subset(filter=condition, schema=schema)
    return [group.id for group in kept.row_groups]


def _runs(metadata: pq.FileMetaData, groups: Sequence[int], wanted: Wanted) -> Iterator[list[int]]:
    needed = set(wanted.needed)
    run: list[int] = []
    run_bytes, rows = 0, 0
    for number in groups:
        if wanted.limit is not None and rows >= wanted.limit:
            break
        size_bytes = _encoded_bytes(metadata.row_group(number), needed)
        if run and run_bytes + size_bytes > RUN_BYTES[wanted.far]:
            yield run
            run, run_bytes = [], 0
        run.append(number)
        run_bytes += size_bytes
        rows += metadata.row_group(number).num_rows
    if run:
        yield run


def _encoded_bytes(group: pq.RowGroupMetaData, needed: set[str]) -> int:
    chunks = (group.column(number) for number in range(group.num_columns))
    return sum(c.total_compressed_size for c in chunks if _root(c, needed) in needed)


def _root(chunk: pq.ColumnChunkMetaData, names: set[str]) -> str:
    """The column that a chunk is of: a leaf of a nested one has a path below it."""
    path: str = chunk.path_in_schema
    return path if path in names else path.partition(".")[0]


def batches(
    file: SharedFile, handle: pa.NativeFile, wanted: Wanted, *, alone: bool
) -> Iterator[pa.RecordBatch]:
    """The rows of the runs that this reader can take.

    Args:
        alone: no other reader is at work: columns are decoded in parallel.
    """
    while (run := file.take()) is not None:
        yield from wanted.rows_of(_read(file, handle, run, wanted, alone=alone), file.constants)


def _read(
    file: SharedFile, handle: pa.NativeFile, run: list[int], wanted: Wanted, *, alone: bool
) -> Iterator[pa.RecordBatch]:
    groups = [file.metadata.row_group(number) for number in run]
    size_bytes = sum(_encoded_bytes(group, set(wanted.needed)) for group in groups)
    held_bytes = HELD_BYTES[wanted.far]
    # A limit wants little of what is there; near, nothing is gained by asking at once.
    coalesced = wanted.far and wanted.limit is None and size_bytes <= held_bytes
    least, most = PIECE_BYTES
    piece_bytes = min(most, max(least, held_bytes // max(1, len(wanted.needed))))
    parquet = pq.ParquetFile(
        handle,
        metadata=file.metadata,
        pre_buffer=coalesced,
        buffer_size=0 if coalesced else piece_bytes,
    )
    names = list(wanted.needed)
    if not (wanted.far or wanted.width.known):
        # Batches keep their size to the end of a run: near, it is worth a look how wide rows are.
        first = islice(parquet.iter_batches(wanted.batch_rows(), run[:1], names), 1)
        deque(wanted.rows_of(first, file.constants), maxlen=0)
    yield from parquet.iter_batches(wanted.batch_rows(), run, names, use_threads=alone)
