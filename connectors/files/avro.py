"""Avro files: whether they are whole, what they say of themselves, and the engine's reader of them.

Owns the header; the blocks are those of `connectors.files.avro_blocks`. The engine reads the rows.
It ends in silence in the middle of a block, so a file is whole only where it ends as its header
says; and in some blocks it never ends, so they are looked at before. See
https://avro.apache.org/docs/1.12.0/specification/#object-container-files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.contract import Statistics
from connectors.errors import SourceRejectedError
from connectors.files.avro_blocks import (
    SYNC_BYTES,
    Block,
    Place,
    block,
    number,
    places,
    text,
    unlike,
    unpacked,
)
from connectors.files.inference import SampleError
from connectors.files.listing import Contents, DataFile
from connectors.files.location import Location
from connectors.files.options import CsvOptions
from connectors.files.schemas import common, plain_schema
from connectors.files.shapes import Registration, Shape, each, opened, rejecting, size_of

if TYPE_CHECKING:
    import datafusion

_MAGIC = b"Obj\x01"

HEAD_BYTES = 1 << 16, 1 << 24
"""Of a file that are read at first, and at most: a header longer than that is none."""

LOOKED_INTO_BYTES = 1 << 30
"""Of a table's blocks, as they are packed, that are looked into: what changed, at most so much. It
takes some two seconds."""

MOST_REMEMBERED = 100_000

_looked_into: dict[DataFile, None] = {}
"""Files on this disk, by path and version, that need not be looked into again."""

_UTC = "+00:00"
"""How the engine names the zone of Avro's moments; other files' are in UTC."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says before its rows.

    Attributes:
        header: the bytes before them.
        schema: as Avro writes it.
        rows: of the file, from the size of its first block.
        codec: by which blocks are packed; `null` where they are not.
        blocks: those that may be looked into.
    """

    header: bytes
    schema: bytes
    rows: float
    codec: bytes
    blocks: tuple[Place, ...]


def read(location: Location, contents: Contents, _csv: CsvOptions, _before: Shape | None) -> Shape:
    """The shape of Avro files.

    Raises:
        SourceRejectedError: where the engine cannot read, or a file is none or is cut off.
    """
    if not location.native:
        message = (
            f"{location.relative(contents.files[0].path)!r} is an Avro file: only the engine's own "
            f"reader reads it, and that does not read {location.protocol!r} as it is configured"
        )
        hint = "Keep it on this disk or in an object store, or write Parquet."
        raise SourceRejectedError(message, source=location.source, hint=hint)

    def head(file: DataFile) -> Head:
        with opened(location, file) as source:
            return _head(source, near=location.near and file not in _looked_into)

    heads = each(location, head, contents.files)
    first = {head.schema: index for index, head in reversed([*enumerate(heads)])}

    def schemas() -> dict[bytes, pa.Schema]:
        found = {
            written: _schema(location, contents.files[index], heads[index].header)
            for written, index in first.items()
        }
        _look_into(location, contents.files, heads)
        return found

    # The engine may be what asks for this table, and cannot be called from inside itself.
    with ThreadPoolExecutor(1, thread_name_prefix="crosswind-avro") as apart:
        known = apart.submit(schemas).result()
    return Shape(
        common(location, contents.files, [known[head.schema] for head in heads]),
        contents.files,
        statistics=lambda: _statistics(heads, contents.files),
        arrow=None,
        native=True,
    )


def register(to: Registration) -> None:
    """Make Avro files readable in the engine."""
    if not to.files:
        to.context.register_avro(
            to.name,
            to.uri,
            schema=to.schema,
            file_extension=to.suffix,
            table_partition_cols=list(to.partitions),
        )
        return
    frames = [_frame(to, uri, dict(values)) for uri, values in to.files]
    to.context.register_table(to.name, reduce(lambda one, other: one.union(other), frames))


def _frame(to: Registration, uri: str, values: dict[str, str | None]) -> datafusion.DataFrame:
    from datafusion import lit

    frame = to.context.read_avro(uri, schema=to.schema, file_extension=to.suffix)
    for name, type_ in to.partitions:
        frame = frame.with_column(name, lit(pa.scalar(values[name], pa.string()).cast(type_)))
    return frame


def _look_into(location: Location, files: Sequence[DataFile], heads: Sequence[Head]) -> None:
    """Look for blocks in which the engine's reader would not end, in the first GiB.

    Raises:
        SourceRejectedError: naming the file of one.
    """
    left_bytes = LOOKED_INTO_BYTES
    by_schema: dict[bytes, list[tuple[int, list[Place]]]] = {}
    for index, head in enumerate(heads):
        taken = []
        for place in head.blocks:
            left_bytes -= place[2]
            if left_bytes < 0:
                break
            taken.append(place)
        if taken:
            by_schema.setdefault(head.schema, []).append((index, taken))

    def shown(of: list[tuple[int, list[Place]]]) -> Iterator[Block]:
        for index, taken in of:
            with opened(location, files[index]) as source:
                yield from unpacked(source, taken, heads[index].codec, index)

    for schema, of in by_schema.items():
        bad = unlike(schema, shown(of))
        if bad is not None:
            with rejecting(location, files[bad.file]):
                raise SampleError(
                    f"an Avro file with a block whose bytes are not the {bad.rows} rows it counts"
                )
    if location.near:
        if len(_looked_into) > MOST_REMEMBERED:
            _looked_into.clear()
        _looked_into.update(dict.fromkeys(file for file in files if file.version))


def _statistics(heads: Sequence[Head], files: Sequence[DataFile]) -> Statistics:
    packed = any(head.codec != b"null" for head in heads)
    return Statistics(
        rows=float(round(sum(head.rows for head in heads))),
        size_bytes=None if packed else size_of(files),
    )


def _head(source: pa.NativeFile, *, near: bool) -> Head:
    """What an opened file says of itself.

    Args:
        near: reading here and there in it costs next to nothing.

    Raises:
        SampleError: for one that is not Avro, that is cut off, or that has a type of no column.
    """
    size_bytes = source.size()
    for limit_bytes in HEAD_BYTES:
        source.seek(0)
        data = source.read(min(limit_bytes, size_bytes))
        if data[: len(_MAGIC)] != _MAGIC:
            raise SampleError("not an Avro file")
        try:
            values, end = _metadata(data)
            break
        except IndexError:
            continue
    else:
        raise SampleError("an Avro file that ends in its header")
    sync = data[end - SYNC_BYTES : end]
    source.seek(size_bytes - SYNC_BYTES)
    if source.read(SYNC_BYTES) != sync:
        raise SampleError("an Avro file that is cut off: it does not end with a block's mark")
    blocks = tuple(places(source, end, sync)) if near or size_bytes <= len(data) else ()
    codec = values.get(b"avro.codec", b"null")
    schema = values.get(b"avro.schema", b"")
    return Head(data[:end], schema, _rows(data, end, size_bytes), codec, blocks)


def _metadata(data: bytes) -> tuple[dict[bytes, bytes], int]:
    """The header's values, and where it ends.

    Raises:
        IndexError: when `data` ends before it.
        SampleError: for what is no header.
    """
    values: dict[bytes, bytes] = {}
    at = len(_MAGIC)
    while True:
        count, at = number(data, at)
        if count < 0:
            count, (_, at) = -count, number(data, at)
        if count == 0:
            break
        for _ in range(count):
            key, at = text(data, at)
            values[key], at = text(data, at)
    at += SYNC_BYTES
    if at > len(data):
        raise IndexError
    return values, at


def _rows(data: bytes, at: int, size_bytes: int) -> float:
    """About how many rows a file has, if its blocks are as its first one is."""
    try:
        rows, block_bytes, start = block(data, at)
    except IndexError:
        return 0.0  # There is no block.
    return rows * (size_bytes - at) / (start - at + block_bytes + SYNC_BYTES)


def _schema(location: Location, written: DataFile, header: bytes) -> pa.Schema:
    """The engine's types for an Avro schema: it reads a file that has a header and no rows."""
    from datafusion import SessionContext

    with rejecting(location, written), tempfile.NamedTemporaryFile(suffix=".avro") as file:
        file.write(header)
        file.flush()
        try:
            read = SessionContext().read_avro(file.name).schema()
        except Exception as error:  # The engine has no other.
            raise SampleError(str(error).rpartition("error: ")[2]) from None
        if all(pa.types.is_null(field.type) for field in read):
            raise SampleError("its rows are nothing but null, and the engine reads none of them")
        return plain_schema(pa.schema([_field(field) for field in read]))


def _field(field: pa.Field) -> pa.Field:
    if _has_union(field.type):
        raise SampleError(
            f"column {field.name!r} is a union of several types; of null and one type it is read"
        )
    if pa.types.is_null(field.type):
        return field.with_nullable(True)
    if pa.types.is_timestamp(field.type) and field.type.tz == _UTC:
        return field.with_type(pa.timestamp(field.type.unit, "UTC"))
    return field


def _has_union(type_: pa.DataType) -> bool:
    if pa.types.is_union(type_):
        return True
    return any(_has_union(type_.field(number).type) for number in range(type_.num_fields))
