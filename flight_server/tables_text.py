"""Arrow data as text: a table for people, CSV and JSON for programs, IPC for both.

Owns how values and types are written. Must not know where the data comes from. Dates and times are
written by Arrow: Python has none before the year 1 and after 9999.
"""

from __future__ import annotations

import base64
import csv
import datetime
import decimal
import json
import math
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PLAIN_WIDTH = 10_000
_NULL = "NULL"


def terminal(*, stderr: bool = False) -> Console:
    """A console; where it is no terminal, lines are as long as they need to be."""
    console = Console(stderr=stderr, highlight=False)
    return (
        console
        if console.is_terminal
        else Console(stderr=stderr, highlight=False, width=_PLAIN_WIDTH)
    )


def print_table(
    console: Console, schema: pa.Schema, batches: Iterable[pa.RecordBatch], limit: int
) -> None:
    """Print the first `limit` rows with names and types above them, and how many there are."""
    shown: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        if rows < limit:
            shown.append(batch.slice(0, limit - rows))
        rows += batch.num_rows
    console.print(table_of(schema, shown, plain=not console.is_terminal))
    count = f"{rows:,} row{'' if rows == 1 else 's'}"
    console.print(f"({count})" if rows <= limit else f"(the first {limit:,} of {count})")


def table_of(schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, plain: bool = False) -> Table:
    """Rows as a rich table; `plain` has no lines around it."""
    table = Table(box=None if plain else box.ROUNDED, pad_edge=not plain)
    for field in schema:
        header = Text(field.name)
        header.append(f"\n{type_text(field.type)}", style="dim")
        justify = "right" if _is_number(field.type) else "left"
        table.add_column(header, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for batch in batches:
        for row in batch_rows(batch):
            table.add_row(*(_cell(value) for value in row))
    return table


def write_csv(stream: IO[str], schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write RFC 4180 with a header; null and an empty text are both empty, as CSV has one."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(schema.names)
    for batch in batches:
        writer.writerows(
            ["" if v is None else value_text(v) for v in row] for row in batch_rows(batch)
        )


def write_json(stream: IO[str], schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write one array with an object per row, each on a line; decimals are exact numbers."""
    names = [json.dumps(name, ensure_ascii=False) for name in schema.names]
    separator = "["
    for batch in batches:
        for row in batch_rows(batch, between="T"):
            pairs = (f"{n}: {_json(v)}" for n, v in zip(names, row, strict=True))
            stream.write(f"{separator}\n{{{', '.join(pairs)}}}")
            separator = ","
    stream.write("[]\n" if separator == "[" else "\n]\n")


def write_arrow(stream: IO[bytes], schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write an Arrow IPC stream."""
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def batch_rows(batch: pa.RecordBatch, between: str = " ") -> Iterator[tuple[Any, ...]]:
    """A batch by rows of Python values; dates and times are texts.

    Args:
        between: what stands between a date and a time.
    """
    columns = [_python_values(column, between) for column in batch.columns]
    return zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)


def type_text(type_: pa.DataType) -> str:
    """The name of a type, short.

    >>> [type_text(t) for t in (pa.date32(), pa.decimal128(15, 2), pa.large_string())]
    ['date', 'decimal(15, 2)', 'string']
    """
    text = str(type_).replace("large_", "").replace("[day]", "").replace("date32", "date")
    return text.replace("decimal128", "decimal").replace("halffloat", "float16")


def value_text(value: object) -> str:
    """A value as people and CSV readers write it.

    >>> value_text(decimal.Decimal("1E+2")), value_text(True), value_text([1, None])
    ('100', 'true', '[1, null]')
    """
    match value:
        case None:
            return _NULL
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case decimal.Decimal():
            return f"{value:f}"
        case bytes():
            return value.hex()
        case list() | dict() | tuple():
            return _json(value)
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case _:
            return str(value)


def _python_values(column: pa.Array, between: str) -> list[Any]:
    type_ = column.type
    if pa.types.is_date(type_) or pa.types.is_time(type_) or pa.types.is_timestamp(type_):
        return _times(column, between).to_pylist()  # type: ignore[no-any-return]
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except (OverflowError, ValueError):
        # Inside of a list or a structure, or a duration that Python has not.
        return column.cast(_with_texts(type_)).to_pylist()  # type: ignore[no-any-return]


def _times(column: pa.Array, between: str) -> pa.Array:
    """Texts as ISO 8601 has them, without a fraction of zeros."""
    texts = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(Z|[+-]\d+)?$", r"\1")
    if not pa.types.is_timestamp(column.type):
        return texts
    if column.type.tz is not None:
        texts = pc.replace_substring_regex(texts, r"Z$", "+00:00")
        texts = pc.replace_substring_regex(texts, r"([+-]\d\d)(\d\d)$", r"\1:\2")
    return texts if between == " " else pc.replace_substring(texts, " ", between)


def _with_texts(type_: pa.DataType) -> pa.DataType:
    """The type with texts in the place of dates and times, at any depth."""
    if pa.types.is_temporal(type_):
        return pa.string()
    if pa.types.is_map(type_):
        return pa.map_(_with_texts(type_.key_type), _with_texts(type_.item_type))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        make = pa.list_ if pa.types.is_list(type_) else pa.large_list
        return make(type_.value_field.with_type(_with_texts(type_.value_type)))
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_with_texts(field.type)) for field in type_])
    return type_


def _cell(value: object) -> Text:
    if value is None:
        return Text(_NULL, style="dim")
    text = value_text(value)
    if any(ord(c) < 32 or ord(c) == 127 for c in text):  # nothing in the data moves the cursor
        text = text.encode("unicode_escape").decode("ascii")
    return Text(text)


def _json(value: object) -> str:
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return repr(value) if math.isfinite(value) else "null"
        case decimal.Decimal():
            return f"{value:f}"
        case bytes():
            return json.dumps(base64.b64encode(value).decode())
        case dict():
            pairs = (f"{json.dumps(str(k))}: {_json(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_json, value))}]"
        case datetime.date() | datetime.time():
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(str(value))


def _is_number(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)
    )
