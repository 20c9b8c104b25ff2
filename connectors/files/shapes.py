"""What the files of a table say of themselves, whatever their format, and how they are looked into.

Owns the values that stand between formats and connector, and how many files are opened at once.
Must not know any format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from connectors.contract import Statistics
from connectors.errors import SourceRejectedError
from connectors.files import inference
from connectors.files.listing import Contents, DataFile, Partition, compression
from connectors.files.location import Location
from connectors.files.options import CsvOptions

if TYPE_CHECKING:
    import datafusion

T = TypeVar("T")

READERS, STORE_READERS = 8, 32
"""Files of one table whose schemas are read at once, and of an object store, which answers any
number of questions at once: each waits for a round trip or two."""


Footer = tuple[pq.FileMetaData, pa.Schema]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the files of a table say of themselves.

    Attributes:
        schema: as declared: plain strings, no metadata, without partition columns.
        files: those that have rows.
        statistics: computed when asked: a big table has many footers.
        arrow: how Arrow reads the files; None where only the engine does.
        native: the engine's own reader yields exactly `schema`.
        footers: of Parquet files.
    """

    schema: pa.Schema
    files: tuple[DataFile, ...]
    statistics: Callable[[], Statistics]
    arrow: ds.FileFormat | None
    native: bool
    footers: Mapping[DataFile, Footer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        read: the shape of files that exist; the last argument is what it was when it was last
            read, or None.
        register: makes files readable in the engine.
    """

    read: Callable[[Location, Contents, CsvOptions, Shape | None], Shape]
    register: Callable[[Registration], None]


@dataclass(frozen=True, slots=True)
class Registration:
    """What the engine needs to read the files below `uri` by itself.

    Attributes:
        suffix: as written.
        files: URL and partition values of each, where `uri` has others beside them.
        views: texts that are read as views, where the format has them.
    """

    context: datafusion.SessionContext
    name: str
    uri: str
    schema: pa.Schema
    suffix: str
    partitions: tuple[tuple[str, pa.DataType], ...]
    csv: CsvOptions
    files: tuple[tuple[str, Partition], ...] = ()
    views: Set[str] = frozenset()


@contextmanager
def opened(location: Location, file: DataFile, *, stream: bool = False) -> Iterator[pa.NativeFile]:
    filesystem: FileSystem = location.arrow
    with location.reading(file.path), rejecting(location, file):
        if stream:
            with filesystem.open_input_stream(file.path, compression(file.path)) as source:
                yield source
        else:
            with filesystem.open_input_file(file.path) as source:
                yield source


@contextmanager
def rejecting(location: Location, file: DataFile) -> Iterator[None]:
    """What a look into a file found wrong, as an error that names source and file."""
    try:
        yield
    except inference.SampleError as error:
        message = f"{location.relative(file.path)!r}: {error}"
        raise SourceRejectedError(message, source=location.source) from None


def each(location: Location, read: Callable[[DataFile], T], files: Sequence[DataFile]) -> list[T]:
    if len(files) == 1:
        return [read(files[0])]
    readers = READERS if location.near or location.store is None else STORE_READERS
    with ThreadPoolExecutor(readers, thread_name_prefix="crosswind-files") as pool:
        return list(pool.map(read, files))


def size_of(files: Sequence[DataFile]) -> float | None:
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    return float(sum(sizes)) if len(sizes) == len(files) else None
