"""The blocks of an Avro file: where they are, and whether each holds the rows that it counts.

Owns what of a block is looked at before the engine reads it. The engine's reader never ends in a
block that has bytes and no rows, nor in one with bytes behind its last row, and leaves out the rows
of one that has no bytes. See
https://avro.apache.org/docs/1.12.0/specification/#object-container-files.
"""

from __future__ import annotations

import bz2
import functools
import lzma
import secrets
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from connectors.files.inference import SampleError

SYNC_BYTES = 16
"""What ends the header and each block, the same in all of a file."""

WALKED_BLOCKS = 1 << 16
"""Of a file whose blocks are looked at before the engine reads them, at most: a GiB or so as most
writers cut them."""

SHOWN_BYTES = 1 << 24
"""Of rows, unpacked, that the engine is shown at a time, and one block more at most."""

UNPACKED_BYTES = 1 << 30
"""What a block may be when it is unpacked."""

_NUMBERS_BYTES = 20
"""Before a block's rows, at most: two numbers of ten."""

_MORE_THAN_ANY = 1 << 40


Place = tuple[int, int, int]
"""Of a block its rows, where they start, and their bytes as they are packed."""


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a block as they are written, unpacked, and the number of its file."""

    rows: int
    data: bytes
    file: int = 0


def places(source: pa.NativeFile, at: int, sync: bytes) -> Iterator[Place]:
    """The blocks from `at` on.

    Raises:
        SampleError: for a file that is not made of blocks.
    """
    size_bytes = source.size()
    for _ in range(WALKED_BLOCKS):
        if at >= size_bytes:
            return
        source.seek(at)
        try:
            rows, length, start = block(source.read(_NUMBERS_BYTES), 0)
        except IndexError:
            raise SampleError("an Avro file that is cut off in a block") from None
        yield rows, at + start, length
        at += start + length + SYNC_BYTES
        source.seek(at - SYNC_BYTES)
        if at > size_bytes or source.read(SYNC_BYTES) != sync:
            raise SampleError("an Avro file with a block that does not end with its sync mark")


def unpacked(
    source: pa.NativeFile, found: Sequence[Place], codec: bytes, file: int
) -> Iterator[Block]:
    """The blocks at these places.

    Raises:
        SampleError: for one that is not packed as it says, or is too large.
    """
    for rows, start, length in found:
        source.seek(start)
        yield Block(rows, _unpacked(source.read(length), codec), file)


def unlike(schema: bytes, shown: Iterable[Block]) -> Block | None:
    """A block whose bytes are not the rows that it counts; None where there is none.

    The engine looks for the rows of each, in a frame in which it cannot go astray.

    Args:
        schema: of a row, one that the engine reads.

    Raises:
        OSError: when the engine fails for another reason, or this disk is full.
    """
    if not _is_framed(schema):
        return None
    waiting: list[Block] = []
    waiting_bytes = 0
    for each in shown:
        waiting.append(each)
        waiting_bytes += len(each.data)
        if waiting_bytes >= SHOWN_BYTES:
            if (found := _unlike(schema, waiting)) is not None:
                return found
            waiting, waiting_bytes = [], 0
    return _unlike(schema, waiting) if waiting else None


@functools.lru_cache(1_000)
def _is_framed(schema: bytes) -> bool:
    """Whether the engine, which reads such rows, reads them within the frame, too."""
    return _finds(schema, [Block(0, b"")])


def _unlike(schema: bytes, shown: Sequence[Block]) -> Block | None:
    if _finds(schema, shown):
        return None
    while len(shown) > 1:
        half = shown[: len(shown) // 2]
        shown = shown[len(half) :] if _finds(schema, half) else half
    # What fails for rows that are as they should be, too, says nothing of these.
    if _finds(schema, shown) or not _finds(schema, [Block(0, b"")]):
        raise OSError("the engine's reader of Avro failed")
    return shown[0]


def _finds(schema: bytes, shown: Sequence[Block]) -> bool:
    """Whether the engine finds in each block the rows that it counts, and no byte more.

    Each is shown to it as one row, of a list of the block's rows and a mark that nobody knows, all
    in one block of more rows than there are: so it stops at the first byte that is not as it should
    be, or at the end. Only the marks are taken, which leaves values uninterpreted.
    """
    from datafusion import SessionConfig, SessionContext

    mark = secrets.token_bytes(SYNC_BYTES)
    framed = (
        b'{"type":"record","name":"crosswind_block","fields":[{"name":"rows","type":'
        b'{"type":"array","items":' + schema + b'}},{"name":"mark","type":'
        b'{"type":"fixed","name":"crosswind_mark","size":%d}}]}' % SYNC_BYTES
    )
    rows = b"".join(
        (written(each.rows) + each.data if each.rows else b"") + b"\0" + mark for each in shown
    )
    with tempfile.NamedTemporaryFile(suffix=".avro") as file:
        named = b"".join(written(len(part)) + part for part in (b"avro.schema", framed))
        file.write(b"Obj\x01" + written(1) + named + written(0) + mark)
        file.write(written(_MORE_THAN_ANY) + written(len(rows)) + rows + mark)
        file.flush()
        config = SessionConfig().with_batch_size(len(shown)).with_target_partitions(1)
        for columns in (("mark",), ("rows", "mark")):
            # It has no other error; here each says: not as it should be.
            with suppress(Exception):
                frame = SessionContext(config).read_avro(file.name).select(*columns)
                first = next(iter(frame.execute_stream()), None)
                if first is not None and _marked(first.to_pyarrow(), len(shown), mark):
                    return True
    return False


def _marked(batch: pa.RecordBatch, rows: int, mark: bytes) -> bool:
    same = pc.equal(batch["mark"], pa.scalar(mark, batch["mark"].type))
    return batch.num_rows == rows and bool(pc.all(same, skip_nulls=False).as_py())


def _unpacked(data: bytes, codec: bytes) -> bytes:
    """The rows of a block.

    Raises:
        SampleError: for what is not packed as it says, or is too large.
    """
    try:
        rows = _unpack(data, codec)
    except (zlib.error, lzma.LZMAError, OSError, pa.ArrowException, EOFError, IndexError) as error:
        message = f"an Avro file with a block that cannot be unpacked: {error}"
        raise SampleError(message) from None
    if len(rows) > UNPACKED_BYTES:
        raise SampleError("an Avro file with a block of more than 1 GiB, unpacked")
    return rows


def _unpack(data: bytes, codec: bytes) -> bytes:
    most = UNPACKED_BYTES + 1
    match codec:
        case b"null":
            return data
        case b"deflate":
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)
        case b"bzip2":
            return bz2.BZ2Decompressor().decompress(data, most)
        case b"xz":
            return lzma.LZMADecompressor().decompress(data, most)
        case b"zstandard":
            rows: bytes = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(most)
            return rows
        case b"snappy":
            # A number of the usual form says how much it is; four bytes of a sum are at the end.
            size_bytes = min(_folded(data, 0)[0], most)
            return bytes(pa.decompress(data[:-4], size_bytes, codec="snappy", asbytes=True))
    raise SampleError(f"an Avro file that is packed with {codec.decode(errors='replace')!r}")


def block(data: bytes, at: int) -> tuple[int, int, int]:
    """A block's rows, their bytes, and where these start.

    Raises:
        IndexError: when `data` ends before that.
        SampleError: for what is no block.
    """
    rows, at = number(data, at)
    length, at = number(data, at)
    if rows < 0 or length < 0 or (rows == 0) != (length == 0):
        raise SampleError(f"an Avro file with a block of {rows} rows in {length} bytes")
    return rows, length, at


def number(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends.

    >>> number(bytes([0x80, 0x01]), 0), number(bytes([0x01]), 0)
    ((64, 2), (-1, 1))
    """
    folded, at = _folded(data, at)
    return (folded >> 1) ^ -(folded & 1), at


def _folded(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise SampleError("not an Avro file: a number in it has no end")


def written(value: int) -> bytes:
    """A number as `number` reads it.

    >>> [number(written(n), 0)[0] for n in (0, -1, 64, 1 << 40)]
    [0, -1, 64, 1099511627776]
    """
    folded, made = (value << 1) ^ (value >> 63), bytearray()
    while folded > 0x7F:
        made.append(folded & 0x7F | 0x80)
        folded >>= 7
    return bytes([*made, folded])


def text(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes that say before them how many they are, and where they end.

    Raises:
        IndexError: when `data` ends before that.
    """
    length, at = number(data, at)
    if length < 0:
        raise SampleError("not an Avro file: a length in its header is negative")
    if at + length > len(data):
        raise IndexError
    return data[at : at + length], at + length
