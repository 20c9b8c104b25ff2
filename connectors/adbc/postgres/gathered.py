"""The rows that the server has gathered into one, as the columns that they are.

Owns how values stand in that row: what of a type is sent, and what Arrow makes of it. Must not know
SQL or connections.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from connectors.adbc.postgres.packing import read_as
from connectors.decimals import cast_exactly


@dataclass(frozen=True, slots=True)
class Fixed:
    """Values of one length.

    Attributes:
        send: the server's function from a value to its bytes.
        code: of an integer of that length, for `array`.
        since: what is added to it, because PostgreSQL counts from 2000.
        exact: the server's name of the type where it takes others for it; it must not then.
    """

    send: str
    code: str
    since: int = 0
    exact: str = ""

    @property
    def size_bytes(self) -> int:
        """Of a value."""
        return array(self.code).itemsize


_DAYS, _MICROSECONDS = 10_957, 946_684_800_000_000

FIXED = {
    pa.bool_(): Fixed("boolsend", "b"),
    pa.int16(): Fixed("int2send", "h"),
    pa.int32(): Fixed("int4send", "i"),
    pa.int64(): Fixed("int8send", "q"),
    pa.float32(): Fixed("float4send", "i", exact="float4"),
    pa.float64(): Fixed("float8send", "q", exact="float8"),
    pa.date32(): Fixed("date_send", "i", _DAYS),
    pa.time64("us"): Fixed("time_send", "q"),
    pa.timestamp("us"): Fixed("timestamp_send", "q", _MICROSECONDS, "timestamp"),
    pa.timestamp("us", "UTC"): Fixed("timestamptz_send", "q", _MICROSECONDS, "timestamptz"),
}

SENT_AS_THEY_ARE = {pa.string(): "textsend", pa.binary(): "byteasend"}
"""Also what takes no other type, and is never called."""

LENGTH = Fixed("int4send", "i")

# Before the columns: whether there are rows behind the last page, the number of rows, which values
# are NULL, and the decimals.
MORE, ROWS, NULLS, DECIMALS, HEAD = range(5)

# Of each row: whether each column that may be NULL is, `t` or `f`; or that none is.
NONE = "."

_PARSE = csv.ParseOptions(quote_char=False, ignore_empty_lines=False)
_ONE_BLOCK_BYTES = (1 << 31) - 1


class Row:
    """One row of the server's, which is a batch.

    Raises:
        pyarrow.ArrowInvalid: in `columns`, for values of which there are not as many as rows.
    """

    def __init__(self, row: pa.RecordBatch, schema: pa.Schema, decimals: tuple[int, ...]) -> None:
        self._row = row
        self._schema = schema
        self._decimals = decimals
        self._rows: int = row.column(ROWS)[0].as_py()
        optional = (place for place, wanted in enumerate(schema) if wanted.nullable)
        self._nullable = {place: i for i, place in enumerate(optional)}
        self._nulls = self._found_nulls()

    def columns(self) -> list[pa.Array]:
        """Those of the schema."""
        numbers = iter(self._numbers())
        place = HEAD
        columns = []
        for i, wanted in enumerate(self._schema):
            if i in self._decimals:
                columns.append(next(numbers))
            elif (fixed := FIXED.get(wanted.type)) is not None:
                columns.append(self._fixed(place, fixed, wanted.type, self._present(i)))
                place += 1
            else:
                columns.append(self._texts(place, wanted.type, self._present(i)))
                place += 2
        return columns

    def _found_nulls(self) -> bytes:
        """For each row, and each of its columns that may be NULL, `t` where it is; or nothing."""
        data = self._bytes(NULLS)
        flags = b"" if data is None else data.to_pybytes()
        if b"t" not in flags:
            self._check(len(flags) if self._nullable else self._rows)
            return b""
        width = len(self._nullable)
        flags = flags.replace(NONE.encode(), NONE.encode() * width)
        self._check(len(flags) // width)
        return flags

    def _present(self, place: int) -> pa.Buffer | None:
        """The bitmap of a column; None where there is no NULL."""
        if not self._nulls or place not in self._nullable:
            return None
        flags = self._nulls[self._nullable[place] :: len(self._nullable)]
        if b"t" not in flags:
            return None
        found = pa.Array.from_buffers(pa.uint8(), self._rows, [None, pa.py_buffer(flags)])
        return pc.not_equal(found, pa.scalar(ord("t"), pa.uint8())).buffers()[1]

    def _bytes(self, place: int) -> pa.Buffer | None:
        return self._row.column(place)[0].as_buffer()

    def _integers(self, place: int, fixed: Fixed) -> array[int]:
        """Values of one length, in the order of bytes that this machine has."""
        values = array(fixed.code)
        data = self._bytes(place)
        if data is not None:
            values.frombytes(data)
        self._check(len(values))
        if sys.byteorder == "little":
            values.byteswap()
        return values

    def _fixed(
        self, place: int, fixed: Fixed, type_: pa.DataType, present: pa.Buffer | None
    ) -> pa.Array:
        buffers = [present, pa.py_buffer(self._integers(place, fixed))]
        if pa.types.is_boolean(type_):
            stored = pa.Array.from_buffers(pa.int8(), self._rows, buffers)
            return pc.cast(stored, type_)
        if fixed.since:
            # It wraps for infinity, as the driver's own does.
            whole = pa.int32() if fixed.code == "i" else pa.int64()
            since = pa.scalar(fixed.since, whole)
            moved = pc.add(pa.Array.from_buffers(whole, self._rows, buffers), since)
            return moved.view(type_)
        return pa.Array.from_buffers(type_, self._rows, buffers)

    def _texts(self, place: int, type_: pa.DataType, present: pa.Buffer | None) -> pa.Array:
        lengths = array("i", [0])
        lengths.extend(self._integers(place + 1, LENGTH))
        ends = pc.cumulative_sum(
            pa.Array.from_buffers(pa.int32(), len(lengths), [None, pa.py_buffer(lengths)])
        )
        data = self._bytes(place)
        whole = ends[self._rows].as_py()
        if whole != (0 if data is None else data.size):
            raise pa.ArrowInvalid("texts and their lengths differ")
        buffers = [present, ends.buffers()[1], pa.py_buffer(b"") if data is None else data]
        return pa.Array.from_buffers(type_, self._rows, buffers)

    def _numbers(self) -> Iterator[pa.Array]:
        if not self._decimals:
            return
        names = [str(place) for place in self._decimals]
        types = [self._schema.field(place).type for place in self._decimals]
        data = self._bytes(DECIMALS)
        if data is None:
            self._check(0)
            yield from (pa.array([], type_) for type_ in types)
            return
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=_ONE_BLOCK_BYTES),
            _PARSE,
            csv.ConvertOptions(
                column_types=dict(zip(names, map(read_as, types), strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,
            ),
        )
        self._check(table.num_rows)
        (batch,) = table.to_batches()
        for place, type_, values in zip(self._decimals, types, batch.columns, strict=True):
            if values.type != type_:
                values = cast_exactly(values, type_)
            present = self._present(place)
            if present is not None:
                _, *buffers = values.buffers()
                values = pa.Array.from_buffers(values.type, len(values), [present, *buffers])
            yield values

    def _check(self, found: int) -> None:
        if found != self._rows:
            raise pa.ArrowInvalid(f"{found} values of {self._rows} rows")
