"""Which rows of a data file are deleted: by position files, and by deletion vectors.

Owns the reading of both. Must not know columns. Rows that are deleted by their values are not read
here: a table that has such deletes is refused as a whole, where its files are listed.
"""

from __future__ import annotations

from bisect import bisect_left

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, FileFormat
from pyiceberg.table import FileScanTask
from pyiceberg.table.deletion_vector import deletion_vectors_from_puffin_file
from pyiceberg.table.puffin import PuffinFile

from connectors.files.scan import Place


class Deleted:
    """Positions of rows in one file, ascending, each once."""

    def __init__(self, positions: pa.Int64Array) -> None:
        self._positions = positions

    def within(self, start: int, rows: int) -> pa.Int64Array:
        """The positions from `start` on, of so many rows."""
        first, end = (self._place(at) for at in (start, start + rows))
        return self._positions.slice(first, end - first)

    def kept(self, batch: pa.RecordBatch, start: int) -> pa.RecordBatch:
        """`batch`, whose first row stands at `start`, without its deleted rows."""
        gone = self.within(start, batch.num_rows)
        if not len(gone):
            return batch
        places = pa.arange(start, start + batch.num_rows)
        return batch.filter(pc.invert(pc.is_in(places, value_set=gone)))

    def _place(self, position: int) -> int:
        places = range(len(self._positions))
        return bisect_left(places, position, key=lambda i: self._positions[i].as_py())


def deleted(task: FileScanTask, io: FileIO, place: Place) -> Deleted | None:
    """What all delete files of a data file say together; None where there are none.

    Raises:
        SourceError: a delete file cannot be read, or is of a format that is not read here.
    """
    if not task.delete_files:
        return None
    path = task.file.file_path
    found = []
    for file in sorted(task.delete_files, key=_location):
        with place.reading(file.file_path):
            found.append(_positions(file, path, io))
    together = pa.chunked_array([c for part in found for c in part.chunks], pa.int64())
    return Deleted(pc.unique(together).sort())


def _location(file: DataFile) -> str:
    return file.file_path


def _positions(file: DataFile, path: str, io: FileIO) -> pa.ChunkedArray:
    with io.new_input(file.file_path).open() as handle:
        match file.file_format:
            case FileFormat.PARQUET:
                of_it = pc.field("file_path") == path
                return pq.read_table(handle, columns=["pos"], filters=of_it)["pos"]
            case FileFormat.PUFFIN:
                vectors = deletion_vectors_from_puffin_file(PuffinFile(handle.read()))
                chunks = [
                    chunk.cast(pa.int64())
                    for vector in vectors
                    if vector.referenced_data_file == path
                    for chunk in vector.to_vector().chunks
                ]
                return pa.chunked_array(chunks, pa.int64())
    raise NotImplementedError(f"deletes in {file.file_format.value} files are not read")
