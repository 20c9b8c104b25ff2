"""The rows that the server has gathered into one, as the columns that they are.

Owns how values stand in that row: what of a type is sent, and what Arrow makes of it. Must not know
SQL or connections.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from connectors.adbc.postgres.packing import read_as
from connectors.contract import SHORT_BYTES
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

SEPARATOR = "\x16"
"""Between texts that come without their lengths: what texts hardly ever have."""

WORD = Fixed("int8send", "q")
"""Two integers at once: the first one's bits are the higher ones."""

SHORT = Fixed("int4send", "i")
"""A long integer as a short one."""


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer that is half a word, at most.

    Attributes:
        times: the server's function that multiplies it by a long one.
        plus: that adds it to a long one.
    """

    times: str
    plus: str


SHORT_INTEGERS = {
    pa.int16(): Integer("int28mul", "int82pl"),
    pa.int32(): Integer("int48mul", "int84pl"),
}

# Before the columns: whether there are rows behind the last page, from which page they are and up
# to which, the number of rows, which values are NULL, and the decimals.
MORE, FIRST, BEHIND, ROWS, NULLS, DECIMALS, HEAD = range(7)

# Of each row: whether each column that may be NULL is, `t` or `f`; or that none is.
NONE = "."

_HALF = pa.scalar(32, pa.int64())
_SEPARATOR = pa.scalar(ord(SEPARATOR), pa.uint8())
_SHORT_BYTES = 15
_ZERO = pa.array([0], pa.int32())

_PARSE = csv.ParseOptions(quote_char=False, ignore_empty_lines=False)
_ONE_BLOCK_BYTES = (1 << 31) - 1


class InseparableError(Exception):
    """A text has what was to stand between texts, or is too long to be sent without its length."""


class LongIntegerError(Exception):
    """An integer is longer than it was to be."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What of some columns stands where in a row: words, and then each other column's values.

    Attributes:
        types: of the columns.
        nullable: places of those that may be NULL.
        decimals: places of those that stand in one text together.
        words: places of integers that are sent two at once.
        separated: places of the texts that come without their lengths.
        short: places of long integers that come as short ones; one that is not leaves no value.
    """

    types: tuple[pa.DataType, ...]
    nullable: tuple[int, ...]
    decimals: tuple[int, ...]
    words: tuple[tuple[int, int], ...]
    separated: tuple[int, ...]
    short: tuple[int, ...] = ()

    @property
    def spared_bytes(self) -> int:
        """Of a row, because integers are short."""
        return SHORT_BYTES * len(self.short)

    @property
    def others(self) -> Iterator[int]:
        """Places of the columns that have values of their own."""
        elsewhere = {*self.decimals, *(place for word in self.words for place in word)}
        return (place for place in range(len(self.types)) if place not in elsewhere)


def layout_of(schema: pa.Schema, separated: tuple[int, ...], short: tuple[int, ...] = ()) -> Layout:
    """How columns stand in a row.

    Args:
        schema: of the columns.
        separated: places of texts.
        short: places of long integers.

    >>> columns = [("a", pa.int32()), ("b", pa.string()), ("c", pa.int16()), ("d", pa.int32())]
    >>> layout_of(pa.schema(columns), ()).words
    ((0, 2),)
    """
    types = tuple(schema.types)
    integers = [p for p, type_ in enumerate(types) if type_ in SHORT_INTEGERS or p in short]
    return Layout(
        types,
        tuple(place for place, wanted in enumerate(schema) if wanted.nullable),
        tuple(place for place, type_ in enumerate(types) if pa.types.is_decimal128(type_)),
        tuple(zip(integers[::2], integers[1::2], strict=False)),
        separated,
        short,
    )


class Row:
    """One row of the server's, which is a batch.

    Raises:
        pyarrow.ArrowInvalid: in `columns`, for values of which there are not as many as rows.
        InseparableError: there, for texts that come without their lengths and need them.
        LongIntegerError: there, for integers that were to be short.
    """

    def __init__(self, row: pa.RecordBatch, layout: Layout, *, texts: bool = False) -> None:
        self._row = row
        self._layout = layout
        self._texts_only = texts
        self._rows: int = row.column(ROWS)[0].as_py()
        self._nullable = {place: i for i, place in enumerate(layout.nullable)}
        self._nulls = self._found_nulls()

    def columns(self) -> list[pa.Array]:
        """Those of the layout; decimals are texts where these were asked for.

        What is made of several columns at once is parts of one array: each call has its price.
        """
        layout = self._layout
        found = dict(zip(layout.decimals, self._numbers(), strict=True))
        found.update(self._words())
        separated: list[pa.Buffer | None] = []
        column = HEAD + len(layout.words)
        for place in layout.others:
            type_ = layout.types[place]
            fixed = FIXED.get(type_)
            if place in layout.short:
                found[place] = pc.cast(self._short(column, self._present(place)), type_)
            elif fixed is not None:
                found[place] = self._fixed(column, fixed, type_, self._present(place))
            elif place in layout.separated:
                separated.append(self._bytes(column))
            else:
                found[place] = self._texts(column, type_, self._present(place))
                column += 1
            column += 1
        found.update(zip(layout.separated, self._separated(separated), strict=True))
        return [found[place] for place in range(len(layout.types))]

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

    def _integers(self, places: range, fixed: Fixed, *, short: bool = False) -> array[int]:
        """Values of one length, in the order of bytes that this machine has.

        Args:
            short: some may be missing, because they are longer.
        """
        values = array(fixed.code)
        for number, place in enumerate(places):
            data = self._bytes(place)
            if data is not None:
                values.frombytes(data)
            found = len(values) - number * self._rows
            if short and found < self._rows:
                raise LongIntegerError
            self._check(found)
        if sys.byteorder == "little":
            values.byteswap()
        return values

    def _fixed(
        self, place: int, fixed: Fixed, type_: pa.DataType, present: pa.Buffer | None
    ) -> pa.Array:
        buffers = [present, pa.py_buffer(self._integers(range(place, place + 1), fixed))]
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

    def _short(self, place: int, present: pa.Buffer | None) -> pa.Array:
        values = self._integers(range(place, place + 1), SHORT, short=True)
        return pa.Array.from_buffers(pa.int32(), self._rows, [present, pa.py_buffer(values)])

    def _words(self) -> Iterator[tuple[int, pa.Array]]:
        words, rows = self._layout.words, self._rows
        if not words:
            return
        short = bool(self._layout.short)
        values = self._integers(range(HEAD, HEAD + len(words)), WORD, short=short)
        whole = pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
        # The lower bits are taken without a look at the higher ones.
        lower = pc.cast(whole, pa.int32(), safe=False)
        upper = pc.cast(pc.shift_right(whole, _HALF), pa.int32(), safe=False)
        for number, word in enumerate(words):
            for place, halves in zip(word, (upper, lower), strict=True):
                yield place, self._where_present(place, halves.slice(number * rows, rows))

    def _where_present(self, place: int, values: pa.Array) -> pa.Array:
        type_ = self._layout.types[place]
        if values.type != type_:
            values = pc.cast(values, type_)
        present = self._present(place)
        if present is None:
            return values
        known = pa.Array.from_buffers(pa.bool_(), self._rows, [None, present])
        return pc.if_else(known, values, pa.scalar(None, type_))

    def _separated(self, columns: list[pa.Buffer | None]) -> Iterator[pa.Array]:
        rows, places = self._rows, self._layout.separated
        if not rows or not columns:
            yield from (pa.array([], self._layout.types[place]) for place in places)
            return
        data = [column for column in columns if column is not None]
        joined = SEPARATOR.encode().join(data)
        stored = pa.Array.from_buffers(pa.uint8(), len(joined), [None, pa.py_buffer(joined)])
        between = pc.indices_nonzero(pc.equal(stored, _SEPARATOR))
        # Each column has as many as it must, or more.
        if len(data) < len(columns) or len(between) != len(columns) * rows - 1:
            raise InseparableError
        # Each end has so many separators before it.
        ends = pc.subtract(pc.cast(between, pa.int32()), _counted(len(between)))
        last = pa.array([len(joined) - len(between)], pa.int32())
        offsets = pa.concat_arrays([_ZERO, ends, last]).buffers()[1]
        texts = pa.py_buffer(_without_separators(joined, len(between)))
        for number, place in enumerate(places):
            values = pa.Array.from_buffers(
                self._layout.types[place], rows, [None, offsets, texts], offset=number * rows
            )
            yield self._where_present(place, values)

    def _texts(self, place: int, type_: pa.DataType, present: pa.Buffer | None) -> pa.Array:
        lengths = array("i", [0])
        lengths.extend(self._integers(range(place + 1, place + 2), LENGTH))
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
        decimals = self._layout.decimals
        if not decimals:
            return
        names = [str(place) for place in decimals]
        types = [
            pa.string() if self._texts_only else self._layout.types[place] for place in decimals
        ]
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
        for place, type_, values in zip(decimals, types, batch.columns, strict=True):
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


def _without_separators(texts: bytes, separators: int) -> bytes:
    # One takes its time for each byte, the other for each separator.
    if len(texts) < _SHORT_BYTES * separators:
        return texts.translate(None, SEPARATOR.encode())
    return texts.replace(SEPARATOR.encode(), b"")


def _counted(count: int) -> pa.Array:
    """The numbers from 0 up to one less than that."""
    # Batches are of about the same size: few such arrays are made.
    return _numbers_up_to(1 << count.bit_length())[:count]


@lru_cache(maxsize=8)
def _numbers_up_to(end: int) -> pa.Array:
    return pa.array(range(end), pa.int32())
