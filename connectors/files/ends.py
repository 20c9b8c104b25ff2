"""The end of a Parquet file that is far away: what is read of it before its rows.

Owns how it is asked for: by one request for most files. Must not know what is made of it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.files.listing import DataFile
from connectors.files.location import Location

TAIL_BYTES = 1 << 16
"""Where most ends are whole."""

MOST_BYTES = 16 << 20
"""Of an end that is read at once."""

_MAGIC = b"PAR1"
_TRAILER_BYTES = 8
"""The footer's length and the magic word."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a file.

    Attributes:
        metadata, schema: what the footer says.
        data: from the first byte of the page index on, or of the footer where there is none.
    """

    metadata: pq.FileMetaData
    schema: pa.Schema
    data: bytes


def read_end(location: Location, file: DataFile) -> End | None:
    """The end of a file; None where there is a better way, or none: then all of it must be opened.

    Raises:
        SourceError: when the file cannot be reached.
    """
    if location.near or file.size_bytes is None:
        return None
    size_bytes = file.size_bytes

    def read(start: int, before: int) -> bytes:
        data: bytes = location.filesystem.cat_file(file.path, start=max(0, start), end=before)
        return data

    with location.reading(file.path):
        data = read(size_bytes - TAIL_BYTES, size_bytes)
        if len(data) != min(size_bytes, TAIL_BYTES) or not data.endswith(_MAGIC):
            return None  # Cut short, replaced, encrypted or no Parquet: opening it says which.
        footer_bytes = int.from_bytes(data[-_TRAILER_BYTES:-4], "little") + _TRAILER_BYTES
        if footer_bytes > min(size_bytes, MOST_BYTES):
            return None
        if footer_bytes > len(data):
            data = read(size_bytes - footer_bytes, size_bytes - len(data)) + data
        with suppress(pa.ArrowException, OSError), pa.BufferReader(data) as source:
            parquet = pq.ParquetFile(source)
            metadata, schema = parquet.metadata, parquet.schema_arrow
            end_bytes = _index_bytes(metadata, size_bytes) or footer_bytes
            if end_bytes > MOST_BYTES:
                return End(metadata, schema, b"")
            if end_bytes > len(data):
                data = read(size_bytes - end_bytes, size_bytes - len(data)) + data
            return End(metadata, schema, data[-end_bytes:])
    return None


def _index_bytes(metadata: pq.FileMetaData, size_bytes: int) -> int:
    """How much of the end is not rows, where there is a page index among it; else 0."""
    if not metadata.num_row_groups:
        return 0
    # Row groups come one after another, and what is about all of them after the last.
    group = metadata.row_group(metadata.num_row_groups - 1)
    chunks = [group.column(number) for number in range(group.num_columns)]
    if not any(chunk.has_offset_index or chunk.has_column_index for chunk in chunks):
        return 0
    ends: list[int] = [
        min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
        + chunk.total_compressed_size
        for chunk in chunks
    ]
    return max(0, size_bytes - max(ends))
