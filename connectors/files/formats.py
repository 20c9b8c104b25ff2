"""A row for each file format: how it says its schema, and how Arrow and the engine read it.

Owns everything that differs between formats. Must not know where files are listed or how a scan is
run. To add a format: a suffix in `listing.SUFFIXES`, a row in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.dataset as ds
import pyarrow.json as pj
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem

from connectors.contract import Statistics
from connectors.errors import SourceRejectedError
from connectors.files import inference
from connectors.files.listing import Contents, DataFile, compression
from connectors.files.location import Location
from connectors.files.options import CsvOptions
from connectors.files.schemas import both, common, plain_schema, unique
from connectors.files.statistics import of_parquet, of_text

if TYPE_CHECKING:
    import datafusion

T = TypeVar("T")

READERS, STORE_READERS = 8, 32
"""Files of one table whose schemas are read at once, and of an object store, which answers any
number of questions at once: each waits for a round trip or two."""

BLOCK_BYTES = 8 << 20
"""The longest row of a text file."""


Footer = tuple[pq.FileMetaData, pa.Schema]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the files of a table say of themselves.

    Attributes:
        schema: as declared: plain strings, no metadata, without partition columns.
        files: those that have rows.
        statistics: computed when asked: a big table has many footers.
        arrow: how Arrow reads the files.
        native: the engine's own reader yields exactly `schema`.
        footers: of Parquet files.
    """

    schema: pa.Schema
    files: tuple[DataFile, ...]
    statistics: Callable[[], Statistics]
    arrow: ds.FileFormat
    native: bool
    footers: Mapping[DataFile, Footer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        read: the shape of files that exist; the last argument is what it was when it was last
            read, or None.
        register: makes the files at a URL readable in the engine; arguments are context, name,
            URL, schema, suffix as written, partition columns, CSV options.
    """

    read: Callable[[Location, Contents, CsvOptions, Shape | None], Shape]
    register: Callable[[Registration], None]


@dataclass(frozen=True, slots=True)
class Registration:
    """What the engine needs to read the files below `uri` by itself."""

    context: datafusion.SessionContext
    name: str
    uri: str
    schema: pa.Schema
    suffix: str
    partitions: tuple[tuple[str, pa.DataType], ...]
    csv: CsvOptions


# Parquet


def _read_parquet(
    location: Location, contents: Contents, _csv: CsvOptions, before: Shape | None
) -> Shape:
    known = {} if before is None else before.footers

    def footer(file: DataFile) -> Footer:
        if file in known and file.version:
            return known[file]
        with _tail(location, file) as end, suppress(pa.ArrowException, OSError):
            if end is not None:
                return _footer(end)
        with _opened(location, file) as source:
            return _footer(source)

    footers = _each(location, footer, contents.files)
    schemas = [plain_schema(schema) for _, schema in footers]
    schema = common(location, contents.files, schemas)
    return Shape(
        schema,
        contents.files,
        statistics=lambda: of_parquet(schema, [metadata for metadata, _ in footers]),
        arrow=ds.ParquetFileFormat(),
        native=True,
        footers=dict(zip(contents.files, footers, strict=True)),
    )


def _footer(source: pa.NativeFile) -> Footer:
    parquet = pq.ParquetFile(source)
    return parquet.metadata, parquet.schema_arrow


TAIL_BYTES = 1 << 16
"""Where most footers are whole."""


@contextmanager
def _tail(location: Location, file: DataFile) -> Iterator[pa.NativeFile | None]:
    """The end of a file that is far, by one request; None where more are needed or nothing is."""
    if location.near or file.size_bytes is None:
        yield None
        return
    start = max(0, file.size_bytes - TAIL_BYTES)
    with location.reading(file.path):
        data = location.filesystem.cat_file(file.path, start=start, end=file.size_bytes)
    with pa.BufferReader(data) as end:
        yield end


def _register_parquet(to: Registration) -> None:
    to.context.register_parquet(
        to.name,
        to.uri,
        schema=to.schema,
        file_extension=to.suffix,
        table_partition_cols=list(to.partitions),
    )


# Arrow IPC


def _read_arrow(
    location: Location, contents: Contents, _csv: CsvOptions, _before: Shape | None
) -> Shape:
    def schema_of(file: DataFile) -> pa.Schema:
        with _opened(location, file) as source:
            return pa.ipc.open_file(source).schema

    written = _each(location, schema_of, contents.files)
    schema = common(location, contents.files, [plain_schema(schema) for schema in written])
    # The engine's reader takes an explicit schema but does not cast to it.
    native = all(schema.equals(other.remove_metadata()) for other in written)
    return Shape(
        schema,
        contents.files,
        statistics=lambda: Statistics(size_bytes=_size(contents.files)),
        arrow=ds.IpcFileFormat(),
        native=native,
    )


def _register_arrow(to: Registration) -> None:
    to.context.register_arrow(
        to.name,
        to.uri,
        schema=to.schema,
        file_extension=to.suffix,
        table_partition_cols=list(to.partitions),
    )


# CSV


def _read_csv(
    location: Location, contents: Contents, options: CsvOptions, _before: Shape | None
) -> Shape:
    first = contents.files[0]

    def sample(file: DataFile) -> inference.CsvSample:
        limit = inference.SAMPLE_BYTES if file is first else inference.MORE_BYTES
        with _opened(location, file, stream=True) as stream:
            return inference.sample_csv(stream, options, limit)

    samples = _each(location, sample, contents.files)
    named = [inference.csv_names(s) for s in samples]
    names = named[0]
    for file, other in zip(contents.files, named, strict=True):
        # The engine reads by position: a file with other columns would be read wrongly.
        if other != names and other:
            message = f"{both(location, first, file)} differ in their columns"
            raise SourceRejectedError(message, source=location.source)
    rows = [row for s in samples for row in s.rows]
    schema = unique(
        location,
        first,
        pa.schema(list(zip(names, inference.csv_types(rows, len(names)), strict=True))),
    )
    filled = tuple(f for f, s in zip(contents.files, samples, strict=True) if s.rows)
    compressed = compression(contents.suffix) is not None
    whole = all(s.whole for s in samples)
    sampled_bytes = sum(s.row_bytes * len(s.rows) for s in samples)
    return Shape(
        schema,
        filled,
        statistics=lambda: of_text(
            len(rows), sampled_bytes, None if compressed else _size(filled), whole=whole
        ),
        arrow=_arrow_csv(schema, samples[0].header, options),
        native=True,
    )


def _arrow_csv(
    schema: pa.Schema, header: tuple[str, ...] | None, options: CsvOptions
) -> ds.FileFormat:
    if header == tuple(schema.names):
        read = pcsv.ReadOptions(block_size=BLOCK_BYTES)
    else:
        read = pcsv.ReadOptions(
            block_size=BLOCK_BYTES,
            column_names=schema.names,
            skip_rows_after_names=1 if options.header else 0,
        )
    # As the engine reads it: an empty value is a null, quoted or not, and nothing else is.
    convert = pcsv.ConvertOptions(
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        true_values=inference.TRUE,
        false_values=inference.FALSE,
    )
    parse = pcsv.ParseOptions(
        delimiter=options.delimiter, newlines_in_values=options.newlines_in_values
    )
    scan = ds.CsvFragmentScanOptions(convert_options=convert, read_options=read)
    return ds.CsvFileFormat(parse_options=parse, default_fragment_scan_options=scan)


def _register_csv(to: Registration) -> None:
    from datafusion.options import CsvReadOptions

    options = CsvReadOptions(
        schema=to.schema,
        has_header=to.csv.header,
        delimiter=to.csv.delimiter,
        newlines_in_values=to.csv.newlines_in_values,
        file_extension=to.suffix,
        file_compression_type=compression(to.suffix) or "",
        table_partition_cols=list(to.partitions),
    )
    to.context.register_csv(to.name, to.uri, options=options)


# JSON lines


def _read_json(
    location: Location, contents: Contents, _csv: CsvOptions, _before: Shape | None
) -> Shape:
    first = contents.files[0]

    def sample(file: DataFile) -> inference.JsonSample:
        limit = inference.SAMPLE_BYTES if file is first else inference.MORE_BYTES
        with _opened(location, file, stream=True) as stream:
            return inference.sample_json(stream, limit)

    samples = _each(location, sample, contents.files)
    try:  # Here a whole number in one file and a fraction in another are both fractions.
        schema = pa.unify_schemas([s.schema for s in samples], promote_options="permissive")
    except pa.ArrowException:
        schema = common(location, contents.files, [s.schema for s in samples])
    rows = sum(s.rows for s in samples)
    filled = tuple(f for f, s in zip(contents.files, samples, strict=True) if s.rows)
    parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    return Shape(
        unique(location, first, schema),
        filled,
        statistics=lambda: of_text(
            rows,
            sum(s.row_bytes * s.rows for s in samples),
            None if compression(contents.suffix) else _size(filled),
            whole=all(s.whole for s in samples),
        ),
        arrow=ds.JsonFileFormat(
            parse_options=parse, read_options=pj.ReadOptions(block_size=BLOCK_BYTES)
        ),
        # The engine reads 2.5 as 2 where the sample had only whole numbers; Arrow says so.
        native=False,
    )


def _never(to: Registration) -> None:
    raise NotImplementedError(f"the engine does not read {to.suffix} files")


FORMATS: Mapping[str, Format] = {
    "parquet": Format(_read_parquet, _register_parquet),
    "arrow": Format(_read_arrow, _register_arrow),
    "csv": Format(_read_csv, _register_csv),
    "json": Format(_read_json, _never),
}


# What they share


@contextmanager
def _opened(location: Location, file: DataFile, *, stream: bool = False) -> Iterator[pa.NativeFile]:
    filesystem: FileSystem = location.arrow
    with location.reading(file.path):
        try:
            if stream:
                with filesystem.open_input_stream(file.path, compression(file.path)) as source:
                    yield source
            else:
                with filesystem.open_input_file(file.path) as source:
                    yield source
        except inference.SampleError as error:
            message = f"{location.relative(file.path)!r}: {error}"
            raise SourceRejectedError(message, source=location.source) from None


def _each(location: Location, read: Callable[[DataFile], T], files: Sequence[DataFile]) -> list[T]:
    if len(files) == 1:
        return [read(files[0])]
    readers = READERS if location.near or location.store is None else STORE_READERS
    with ThreadPoolExecutor(readers, thread_name_prefix="crosswind-files") as pool:
        return list(pool.map(read, files))


def _size(files: Sequence[DataFile]) -> float | None:
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    return float(sum(sizes)) if len(sizes) == len(files) else None
