"""Which of a table's files the engine cannot read, and at which line of a text it stops.

Owns the second look: file by file, by the engine's own reader, each from its beginning and in one
part. Must not know how long that may take. The patterns are those of DataFusion 55.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from connectors.faults import Fault
from connectors.files.formats import FORMATS
from connectors.files.inference import text_of
from connectors.files.listing import Contents, DataFile
from connectors.files.location import Location
from connectors.files.options import CsvOptions
from connectors.files.shapes import Registration, Shape, opened, size_of

FAR_BYTES = 16 << 20
"""Of a table that is not on this machine, and is looked at once more for an error's sake."""

_RECORDS = 1 << 12
"""Of a text that are counted before it is asked again whether anybody waits."""

_VALUE = re.compile(
    r"rror (?:while )?parsing (?:value .*)?column (?P<column>\d+) at line (?P<n>\d+)"
    r"(?=\. Row data: |: Parser error: )"
)
_WIDTH = re.compile(r"fields for line (?P<n>\d+), expected \d+ got (?P<width>\d+)")
_NO_UTF8 = re.compile(r"UTF-8 data for line (?P<n>\d+)")


def faults(
    location: Location,
    contents: Contents,
    shape: Shape,
    options: CsvOptions,
    columns: Sequence[str],
    fits: Callable[[str], bool],
    ended: Callable[[], bool],
) -> Iterator[Fault]:
    """See `connectors.faults.FindsFaults`: of files that the engine reads by itself."""
    size_bytes = size_of(shape.files)
    if not location.near and (size_bytes is None or size_bytes > FAR_BYTES):
        if len(shape.files) == 1:
            yield Fault(location.relative(shape.files[0].path))
        return
    others: list[tuple[DataFile, str]] = []
    for file in shape.files:
        cause = _cause(location, contents, file, shape.schema, options, columns, ended)
        if ended():
            return
        if cause is not None:
            if fits(cause):
                others = [(file, cause)]
                break
            others.append((file, cause))
    if len(others) != 1:
        return
    ((file, cause),) = others
    name, said = location.relative(file.path), location.redact(cause)
    yield Fault(name, None, said)
    if contents.format == "csv":
        line = _line(location, file, options, cause, ended)
        if line is not None:
            yield Fault(name, line, said)


def _cause(
    location: Location,
    contents: Contents,
    file: DataFile,
    schema: pa.Schema,
    options: CsvOptions,
    columns: Sequence[str],
    ended: Callable[[], bool],
) -> str | None:
    """What the engine says of a file alone; None if it reads it."""
    import datafusion

    # In one partition, a line that it names is counted from the beginning.
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    location.introduce(context, file.path)
    quoted = [name.replace('"', '""') for name in columns if name in schema.names]
    read = [datafusion.col(f'"{name}"') for name in quoted] or [datafusion.lit(1)]
    try:
        FORMATS[contents.format].register(
            Registration(
                context, "t", location.uri(file.path), schema, contents.suffix, (), options
            )
        )
        frame = context.table("t").select(*read)
        for _ in frame.execute_stream():
            if ended():
                break
    except Exception as error:
        return str(error)
    return None


def _line(
    location: Location,
    file: DataFile,
    options: CsvOptions,
    cause: str,
    ended: Callable[[], bool],
) -> int | None:
    """Where the row begins that a message is about; None if it says none, or the row is another.

    The engine counts rows: without empty lines, those within quotes, and at times the header.
    """
    value, width, no_utf8 = (kind.search(cause) for kind in (_VALUE, _WIDTH, _NO_UTF8))
    said = value or width or no_utf8
    if said is None:
        return None
    wanted = int(said["n"]) + (value is not None)
    found = _row(location, file, options, wanted, ended)
    if found is None:
        return None
    line, row = found
    if value is not None:
        column = int(value["column"])
        right = column < len(row) and f"'{row[column]}'" in cause
    elif width is not None:
        right = len(row) == int(width["width"])
    else:
        right = any("\udc80" <= sign <= "\udcff" for text in row for sign in text)
    return line if right else None


def _row(
    location: Location,
    file: DataFile,
    options: CsvOptions,
    wanted: int,
    ended: Callable[[], bool],
) -> tuple[int, list[str]] | None:
    """A row of a text by its number from 1, the header included, and the line where it begins."""
    number, begins = 0, 1
    with opened(location, file, stream=True) as stream:
        reader = csv.reader(text_of(stream, errors="surrogateescape"), delimiter=options.delimiter)
        for row in reader:
            number += bool(row)
            if row and number == wanted:
                return begins, row
            begins = reader.line_num + 1
            if number % _RECORDS == 0 and ended():
                break
    return None
