"""One CSV, JSON-lines or Arrow file on its way, block by block.

Owns the size of a block, which no row may be longer than. Arrow's dataset scanner decodes up to a
gigabyte ahead of a slow reader; its readers of single files wait. Must not know threads, buffers or
the files beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.dataset as ds
import pyarrow.json as pj

from connectors.files.listing import compression
from connectors.files.wanted import Wanted

BLOCK_BYTES = (1 << 19, 8 << 20, 64 << 20)
"""Of text that is parsed at once: the next one where a row is longer, and the last is the longest
row of a text file. Arrow's reader of CSV has up to 32 of them waiting."""

_TOO_LONG = "straddling object"
"""What Arrow says of a row that is longer than a block."""

_ROW = re.compile(r"(^JSON parse error: .*) in row (\d+)$", re.DOTALL)


def batches(fragment: ds.Fragment, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows of a file, in their order."""
    constants = ds.get_partition_keys(fragment.partition_expression)
    names = [name for name in wanted.needed if name not in constants]
    match fragment.format:
        case ds.CsvFileFormat():
            read = _restarted(lambda block: _csv(fragment, wanted, names, block))
        case ds.JsonFileFormat():
            read = _restarted(lambda block: _json(fragment, names, block))
        case _:
            read = _arrow(fragment, names)
    yield from wanted.rows_of(_sliced(read, wanted), constants)


def _restarted(
    read: Callable[[int], Iterator[pa.RecordBatch]],
) -> Iterator[pa.RecordBatch]:
    """What `read` gives for a size of blocks; from where it stopped, for a row that is longer."""
    passed = 0
    for block_bytes in BLOCK_BYTES:
        again = passed  # The same rows come first.
        rows = 0
        try:
            for batch in read(block_bytes):
                rows += batch.num_rows
                known = min(again, batch.num_rows)
                again -= known
                passed += batch.num_rows - known
                yield batch.slice(known)
        except pa.ArrowInvalid as error:
            if _TOO_LONG not in str(error) or block_bytes == BLOCK_BYTES[-1]:
                raise pa.ArrowInvalid(_counted(str(error), rows)) from None
        else:
            return


def _counted(message: str, rows: int) -> str:
    """What Arrow says of a row of JSON, which it counts from 0 in each block, with its number.

    Args:
        rows: of the file, before the block.

    >>> _counted("JSON parse error: Invalid value. in row 3", 10)
    'JSON parse error: Invalid value. in row 14'
    """
    return _ROW.sub(lambda found: f"{found[1]} in row {rows + int(found[2]) + 1}", message)


def _csv(
    fragment: ds.Fragment, wanted: Wanted, names: list[str], block_bytes: int
) -> Iterator[pa.RecordBatch]:
    given = fragment.format.default_fragment_scan_options
    read, convert = given.read_options, given.convert_options
    # No columns would be all of them; rows are counted by any one.
    convert.include_columns = names or [_any_column(fragment, wanted)]
    convert.column_types = {
        name: wanted.schema.field(name).type for name in convert.include_columns
    }
    options = pcsv.ReadOptions(
        use_threads=False,  # With them, no error names its row.
        block_size=block_bytes,
        column_names=read.column_names,
        skip_rows_after_names=read.skip_rows_after_names,
    )
    with (
        _text(fragment) as stream,
        pcsv.open_csv(stream, options, fragment.format.parse_options, convert) as reader,
    ):
        yield from reader


def _text(fragment: ds.Fragment) -> pa.NativeFile:
    path = fragment.path
    return fragment.filesystem.open_input_stream(path, compression(path))


def _any_column(fragment: ds.Fragment, wanted: Wanted) -> str:
    constants = ds.get_partition_keys(fragment.partition_expression)
    name: str = next(name for name in wanted.schema.names if name not in constants)
    return name


def _json(fragment: ds.Fragment, names: list[str], block_bytes: int) -> Iterator[pa.RecordBatch]:
    known = fragment.format.default_fragment_scan_options.parse_options.explicit_schema
    kept = [known.field(name) for name in names] or [known.field(0)]
    parse = pj.ParseOptions(explicit_schema=pa.schema(kept), unexpected_field_behavior="ignore")
    options = pj.ReadOptions(block_size=block_bytes)
    with (
        _text(fragment) as stream,
        pj.open_json(stream, options, parse) as reader,
    ):
        yield from reader


def _arrow(fragment: ds.Fragment, names: list[str]) -> Iterator[pa.RecordBatch]:
    with fragment.filesystem.open_input_file(fragment.path) as handle:
        reader = pa.ipc.open_file(handle)
        schema = reader.schema
        kept = [index for index, name in enumerate(schema.names) if name in names]
        if len(kept) < len(schema):
            options = pa.ipc.IpcReadOptions(included_fields=kept or [0])
            reader = pa.ipc.open_file(handle, options=options)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _sliced(read: Iterator[pa.RecordBatch], wanted: Wanted) -> Iterator[pa.RecordBatch]:
    for batch in read:
        start = 0
        while start < batch.num_rows:
            rows = wanted.batch_rows()
            yield batch.slice(start, rows)
            start += rows
