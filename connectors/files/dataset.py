"""Files that the engine does not read by itself, as a dataset that it reads.

Owns the form that DataFusion 55 accepts: a `Dataset` that gives fragments, each of which gives a
scanner. Arrow's own would decode up to a gigabyte of each file ahead of a slow reader. Must not
know tables or caches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from connectors.contract import TableName, TableScan
from connectors.errors import SourceError, SourceRejectedError
from connectors.files import parquet, streams
from connectors.files.scan import Place
from connectors.files.wanted import Wanted, conform


class FilesDataset(ds.Dataset):  # type: ignore[misc]
    """The files of a table, each a partition that the engine scans in parallel.

    Args:
        location: of the files.
        table: its name.
        files: what to read, and the schema to read it by.
        width_bytes: of a row, about; None when it is not known.
    """

    def __init__(
        self, location: Place, table: TableName, files: ds.Dataset, width_bytes: float | None
    ) -> None:
        # Dataset itself cannot be constructed; nothing of it is used.
        self._location = location
        self._table = table
        self._files = files
        self._width_bytes = width_bytes

    @property
    def schema(self) -> pa.Schema:
        return self._files.schema

    def get_fragments(self, filter: pc.Expression | None = None) -> list[_File]:
        """Those that may have rows, by their folders."""
        kept = self._files.get_fragments(filter=expression(filter))
        return [
            _File(self._location, self._table, fragment, self.schema, self._width_bytes)
            for fragment in kept
        ]

    def scanner(self, *_: Any, **options: Any) -> ds.Scanner:
        """Called while the engine plans: a filter that cannot be read is refused in time."""
        return self._files.scanner(**options)


@dataclass(frozen=True, slots=True)
class _File:
    location: Place
    table: TableName
    fragment: ds.Fragment
    schema: pa.Schema
    width_bytes: float | None

    def scanner(
        self,
        *_: Any,
        columns: Sequence[str] | None = None,
        filter: pc.Expression | pa.Scalar | None = None,
        **__: Any,
    ) -> _Scanner:
        names = tuple(self.schema.names if columns is None else columns)
        scan = TableScan(self.table, names, expression(filter))
        far = not self.location.near
        wanted = Wanted.of(scan, self.schema, self.width_bytes, far=far)
        projected = pa.schema([self.schema.field(name) for name in names])
        return _Scanner(self.location, self.fragment, wanted, projected)


@dataclass(frozen=True, slots=True)
class _Scanner:
    location: Place
    fragment: ds.Fragment
    wanted: Wanted
    projected_schema: pa.Schema

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        with in_the_engines_words("Io"), self.location.reading(self.fragment.path):
            for batch in _batches(self.fragment, self.wanted):
                if batch.num_rows:
                    yield conform(batch, self.projected_schema)


def _batches(fragment: ds.Fragment, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    if not isinstance(fragment, ds.ParquetFileFragment):
        yield from streams.batches(fragment, wanted)
        return
    with fragment.filesystem.open_input_file(fragment.path) as handle:
        file = parquet.shared(fragment, handle, wanted)
        yield from parquet.batches(file, handle, wanted, alone=False)


@contextmanager
def in_the_engines_words(kind: str) -> Iterator[None]:
    """An error passes the engine as text: one that says what its own reader would say.

    Args:
        kind: what the engine calls an error of such files.
    """
    try:
        yield
    except SourceRejectedError as error:
        raise OSError(f"{kind} error: {error.message}") from None
    except SourceError as error:
        raise OSError(f"Object Store error: {error.message}") from None


def expression(condition: pc.Expression | pa.Scalar | None) -> pc.Expression | None:
    """A filter that the engine has folded to a constant comes as one."""
    return pc.scalar(condition) if isinstance(condition, pa.Scalar) else condition
