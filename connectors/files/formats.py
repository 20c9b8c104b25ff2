"""A row for each file format: how it says its schema, and how Arrow and the engine read it.

Owns everything that differs between formats. Must not know where files are listed or how a scan is
run. To add a format: a suffix in `listing.SUFFIXES`, a row in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.dataset as ds
import pyarrow.json as pj
import pyarrow.parquet as pq

from connectors.contract import Statistics
from connectors.errors import SourceRejectedError
from connectors.files import avro, inference
from connectors.files.ends import read_end
from connectors.files.listing import Contents, DataFile, compression
from connectors.files.location import Location
from connectors.files.options import CsvOptions
from connectors.files.schemas import both, common, plain_schema, unique, viewed_schema
from connectors.files.shapes import Footer, Format, Registration, Shape, each, opened, size_of
from connectors.files.statistics import of_parquet, of_text

BLOCK_BYTES = 8 << 20
"""The longest row of a text file."""


# Parquet


def _read_parquet(
    location: Location, contents: Contents, _csv: CsvOptions, before: Shape | None
) -> Shape:
    known = {} if before is None else before.footers

    def footer(file: DataFile) -> Footer:
        if file in known and file.version:
            return known[file]
        end = read_end(location, file)
        if end is not None:
            if location.outlines is not None:
                location.outlines.keep(file, end.data)
            return end.metadata, end.schema
        with opened(location, file) as source:
            return _footer(source)

    footers = each(location, footer, contents.files)
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


def _register_parquet(to: Registration) -> None:
    to.context.register_parquet(
        to.name,
        to.uri,
        schema=viewed_schema(to.schema, to.views),
        file_extension=to.suffix,
        table_partition_cols=list(to.partitions),
    )


# Arrow IPC


def _read_arrow(
    location: Location, contents: Contents, _csv: CsvOptions, _before: Shape | None
) -> Shape:
    def schema_of(file: DataFile) -> pa.Schema:
        with opened(location, file) as source:
            return pa.ipc.open_file(source).schema

    written = each(location, schema_of, contents.files)
    schema = common(location, contents.files, [plain_schema(schema) for schema in written])
    # The engine's reader takes an explicit schema but does not cast to it.
    native = all(schema.equals(other.remove_metadata()) for other in written)
    return Shape(
        schema,
        contents.files,
        statistics=lambda: Statistics(size_bytes=size_of(contents.files)),
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
        with opened(location, file, stream=True) as stream:
            return inference.sample_csv(stream, options, limit)

    samples = each(location, sample, contents.files)
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
            len(rows), sampled_bytes, None if compressed else size_of(filled), whole=whole
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
        with opened(location, file, stream=True) as stream:
            return inference.sample_json(stream, limit)

    samples = each(location, sample, contents.files)
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
            None if compression(contents.suffix) else size_of(filled),
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
    "avro": Format(avro.read, avro.register),
}
