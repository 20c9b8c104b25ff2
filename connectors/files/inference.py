"""The types of text files. Owns what a bounded sample of CSV or JSON lines says.

Both readers, the engine's and Arrow's, get the types that are found here and must read them alike:
a type is inferred only from spellings that both were seen to read to the same value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from connectors.files.options import CsvOptions

SAMPLE_BYTES = 1 << 20
MORE_BYTES = 1 << 16
"""For every file of a folder after the first, which is opened for its header anyway."""

# No sign or zero in front: `+4912345` and `00123` are codes, and a number would lose them.
_INTEGER = r"^ *-?(0|[1-9][0-9]*) *$"
_DECIMAL = r"^ *-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *$"
_NO_NUMBER = r"^(NaN|nan|-?inf|-?Infinity)$"
_BOOLEAN = r"^(true|True|TRUE|false|False|FALSE)$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}"
_ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})"

TRUE = ["true", "True", "TRUE"]
FALSE = ["false", "False", "FALSE"]

_CSV_TYPES: tuple[tuple[str, pa.DataType], ...] = (
    (_BOOLEAN, pa.bool_()),
    (_INTEGER, pa.int64()),
    (_DECIMAL, pa.float64()),
    (f"{_DECIMAL}|{_NO_NUMBER}", pa.float64()),
    (_DATE, pa.date32()),
    (rf"{_TIME}(\.[0-9]{{1,6}})?$", pa.timestamp("us")),
    (rf"{_TIME}(\.[0-9]{{1,9}})?$", pa.timestamp("ns")),
    (rf"{_TIME}(\.[0-9]{{1,6}})?{_ZONE}$", pa.timestamp("us", "UTC")),
)


# The default, 128 KiB, is shorter than a document in a column. It is one for the process.
csv.field_size_limit(max(csv.field_size_limit(), 1 << 26))


class SampleError(ValueError):
    """The sample is not what its suffix says; the message has the row."""


@dataclass(frozen=True, slots=True)
class CsvSample:
    """The beginning of a CSV file.

    Attributes:
        header: the names as written, or None without a header.
        rows: the values as text; an empty one is a null.
        row_bytes: the average size of a row in the file.
        whole: there is nothing after the sample.
    """

    header: tuple[str, ...] | None
    rows: list[list[str]]
    row_bytes: float
    whole: bool


def sample_csv(stream: pa.NativeFile, options: CsvOptions, limit_bytes: int) -> CsvSample:
    """The first rows of `stream`.

    Raises:
        SampleError: for a row whose width differs from that of the first, or text that
            is not UTF-8.
    """
    counted = _Lines(stream, limit_bytes)
    reader = csv.reader(counted, delimiter=options.delimiter)
    rows: list[list[str]] = []
    width = 0
    try:
        for row in reader:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise SampleError(
                    f"row {reader.line_num}: expected {width} columns, got {len(row)}"
                )
            rows.append(row)
            if counted.full:
                break
    except UnicodeDecodeError:
        raise SampleError("not UTF-8") from None  # Text is decoded in blocks: no row is known.
    except csv.Error as error:
        raise SampleError(f"row {reader.line_num}: {error}") from None
    row_bytes = counted.read_bytes / len(rows) if rows else 0.0
    header = tuple(rows.pop(0)) if options.header and rows else None
    return CsvSample(header, rows, row_bytes, whole=counted.ended)


def csv_names(sample: CsvSample) -> tuple[str, ...]:
    """A name for every column: `column_3` where the file gives none."""
    width = len(sample.header or (sample.rows[0] if sample.rows else ()))
    header = sample.header or ("",) * width
    return tuple(name or f"column_{i}" for i, name in enumerate(header, start=1))


def csv_types(rows: Sequence[Sequence[str | None]], width: int) -> list[pa.DataType]:
    """The narrowest type that reads every value of a column; `string` where there is none. None,
    of a partition, is no value."""
    if not rows:
        return [pa.string()] * width
    return [_csv_type(pa.array(column, pa.string())) for column in zip(*rows, strict=True)]


def _csv_type(values: pa.StringArray) -> pa.DataType:
    values = pc.filter(values, pc.not_equal(values, ""))
    if not len(values):
        return pa.string()
    whole = pc.all(pc.match_substring_regex(values, _INTEGER)).as_py()
    if whole and not _casts(values, pa.int64()):
        return pa.string()  # As floats they would be rounded.
    for pattern, type_ in _CSV_TYPES:
        if pc.all(pc.match_substring_regex(values, pattern)).as_py() and _casts(values, type_):
            numeric = pattern.startswith(_DECIMAL)
            if numeric and not pc.any(pc.match_substring_regex(values, _DECIMAL)).as_py():
                continue  # Nothing but NaN and inf: rather words than numbers.
            return type_
    return pa.string()


def _casts(values: pa.StringArray, type_: pa.DataType) -> bool:
    """Whether the values exist: 2025-02-30 has the form of a date."""
    try:
        pc.cast(pc.utf8_trim_whitespace(values), type_)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass(frozen=True, slots=True)
class JsonSample:
    """The beginning of a JSON-lines file: its schema, its rows, and their average size."""

    schema: pa.Schema
    rows: int
    row_bytes: float
    whole: bool


def sample_json(stream: pa.NativeFile, limit_bytes: int) -> JsonSample:
    """The first lines of `stream`.

    Raises:
        SampleError: when they are not one object in each line.
    """
    data = stream.read(limit_bytes)
    rest = stream.read(1)
    if rest:
        data = data[: data.rfind(b"\n") + 1]
        if not data:
            raise SampleError(f"the first line is longer than {limit_bytes} bytes")
    if not data.strip():
        return JsonSample(pa.schema([]), 0, 0.0, whole=not rest)
    options = pj.ReadOptions(use_threads=False, block_size=len(data) + 1)
    try:
        table = pj.read_json(io.BytesIO(data), read_options=options)
    except pa.ArrowInvalid as error:
        raise SampleError(f"not one JSON object in each line: {error}") from None
    fields = [pa.field(f.name, _json_type(f.type)) for f in table.schema]
    return JsonSample(pa.schema(fields), table.num_rows, len(data) / table.num_rows, not rest)


def _json_type(type_: pa.DataType) -> pa.DataType:
    """What JSON has: no timestamps, and a column of nulls may get any text later."""
    if pa.types.is_timestamp(type_) or pa.types.is_null(type_):
        return pa.string()
    if pa.types.is_list(type_):
        return pa.list_(_json_type(type_.value_type))
    if pa.types.is_struct(type_):
        inner = [type_.field(i) for i in range(type_.num_fields)]
        return pa.struct([pa.field(f.name, _json_type(f.type)) for f in inner])
    return type_


def text_of(stream: pa.NativeFile, errors: str = "strict") -> io.TextIOWrapper:
    """A stream as text, whose lines keep their ends.

    Args:
        errors: what becomes of bytes that are not UTF-8, as Python names it.
    """
    # Not `codecs`: its lines also end at U+2028 and others, in the middle of a value.
    buffered = io.BufferedReader(_Raw(stream), 1 << 16)
    return io.TextIOWrapper(buffered, encoding="utf-8-sig", errors=errors, newline="")


class _Lines:
    """The lines of a stream as text, with their ends, up to a number of bytes."""

    def __init__(self, stream: pa.NativeFile, limit_bytes: int) -> None:
        self._text = text_of(stream)
        self._limit_bytes = limit_bytes
        self.read_bytes = 0
        self.ended = False

    @property
    def full(self) -> bool:
        return self.read_bytes >= self._limit_bytes

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.read_bytes += len(line.encode())
            yield line
        self.ended = True


class _Raw(io.RawIOBase):
    """Arrow's stream as one of Python's; the stream stays its owner's to close."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
