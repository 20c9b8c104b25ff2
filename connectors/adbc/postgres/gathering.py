"""A whole table's rows by columns: for some pages at a time, each column's values as one value.

Owns which tables that is done for, the statement, and how its values become columns. Must not know
connections.

A value of its own costs the driver more to decode than the server to make, and so does a row. So
the server aggregates the rows of some pages into one: integers, dates and the like as what they are
in binary, one after the other, as which Arrow has them but for the order of bytes, and short
integers two at once, because a call costs more than the shifting; decimals as CSV; texts with a
separator between them. A row that is a batch costs next to nothing for each value.

Lengths of texts would never fail, and cost the server more than the texts. So they are sent only
where there is no other way: of what is binary, and where a text has the separator, which is
noticed, because there are too many then: those pages are gathered again, carefully.

Not for tables with values that are kept apart for their length: one value of the server holds 1 GB,
and so many pages may have more. The server looks when it begins, and then has no row to give: the
same rows are read by another statement. What is compressed within its page is longer than it is
there: where that may be, the server first sums up the lengths, and takes fewer pages at a time. Of
texts that are short on average it leaves out those that are not, which is noticed like a separator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import sqlglot.expressions as exp

from connectors.adbc.postgres import gathered as row
from connectors.adbc.postgres.batching import (
    BEHIND,
    FIRST,
    between,
    call,
    cut,
    lateral,
    series,
    start_of,
)
from connectors.adbc.postgres.gathered import (
    FIXED,
    LENGTH,
    NONE,
    SENT_AS_THEY_ARE,
    SEPARATOR,
    SHORT,
    SHORT_INTEGERS,
    WORD,
    Fixed,
    Layout,
    Row,
    layout_of,
)
from connectors.adbc.postgres.packing import WORTH_BYTES
from connectors.adbc.postgres.ranges import Extent, select_of, with_list
from connectors.contract import SHORT_ENDS

BATCH_BYTES = 7 << 19
"""What a batch has, at most but for texts that are longer than others: two thirds of it, mostly,
which is sent on as it is. Each batch has its price, here and at the client."""

_MOST_PAGES = 1024

_FEWEST_BATCHES = 3
"""Of a range of pages that is read beside others: while one is read here, the next is made."""

_LONG_BYTES = 500
"""What a text of a column that is short on average may have. In its page it has a twentieth of
that, at least: so a batch is not much longer than its pages."""

# With many columns the places that are written to in turn outgrow a processor's cache, and a batch
# has few rows for what each column costs here. A function of the server has 100 arguments at most.
_MOST_COLUMNS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """How a whole table is gathered.

    Attributes:
        select: what is gathered of some pages; not to be changed.
        schema: of the statement itself; decimals of more than 38 digits are texts.
        layout: of the columns in a row.
        extent: of the table.
        step: how many pages become one row, at most.
        long: what may be compressed within its page, as text, and is sent all the same.
    """

    select: exp.Select
    schema: pa.Schema
    layout: Layout
    extent: Extent
    step: int
    long: tuple[exp.Expr, ...]
    batch_bytes: int = field(default=1, init=False)

    @property
    def is_whole(self) -> bool:
        """Nothing comes as the driver makes it; but nothing is checked here either."""
        return False

    @property
    def places(self) -> tuple[int, ...]:
        """Of the decimals, which stand in one text together."""
        return self.layout.decimals

    def unpacked(self, _: pa.Schema) -> pa.Schema:
        """The schema of the statement itself."""
        return self.schema

    def statement(self, first: int, end: int | None) -> str:
        """What gathers the pages from one up to another; None for all that follow, as they were
        counted: the first column says whether there are rows behind."""
        return _statement(self, first, end)

    def more(self, batch: pa.RecordBatch) -> bool:
        """Whether there are rows behind."""
        return bool(batch.column(row.MORE)[batch.num_rows - 1].as_py())

    def pages(self, batch: pa.RecordBatch) -> tuple[int, int]:
        """The first page that a batch is of, and the one behind the last."""
        last = batch.num_rows - 1
        return batch.column(row.FIRST)[0].as_py(), batch.column(row.BEHIND)[last].as_py()

    def unpack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of the statement itself.

        Raises:
            pyarrow.ArrowInvalid: a value is not of its column's type; `texts` has it.
            InseparableError: a text needs its length; the pages are to be gathered carefully.
            LongIntegerError: an integer is not short; they are to be gathered without any such.
        """
        unpacked = self._unpacked(batch, texts=False)
        # Decimals are read without a look at how many digits they have.
        for place in self.places:
            unpacked.column(place).validate(full=True)
        return unpacked

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Likewise, where those in `places` are texts.

        Raises:
            pyarrow.ArrowInvalid: these are not the columns.
            InseparableError, LongIntegerError: as there.
        """
        return self._unpacked(batch, texts=True)

    def _unpacked(self, batch: pa.RecordBatch, *, texts: bool) -> pa.RecordBatch:
        # It is one row, unless one before it had no values.
        parts = [
            pa.RecordBatch.from_arrays(
                Row(batch.slice(number, 1), self.layout, texts=texts).columns(), self.schema.names
            )
            for number in range(batch.num_rows)
        ]
        return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


@lru_cache(maxsize=64)
def _statement(gathering: Gathering, first: int, end: int | None) -> str:
    extent, step = gathering.extent, gathering.step
    last = extent.pages if end is None else end
    more: exp.Expr = exp.false()
    if end is None:
        rows = with_list(gathering.select.copy(), [exp.Literal.number(1)])
        after = exp.column("ctid") >= start_of(exp.Literal.number(last))
        more = exp.Exists(this=rows.where(after, copy=False))
    pages = series(extent, step, first, last)
    if gathering.long:
        pages = cut(gathering.select, pages, step, gathering.long, BATCH_BYTES)
    rows_of_pages = between(gathering.select, FIRST, BEHIND)
    return (
        exp.select(exp.alias_(more, "more"), FIRST.copy(), BEHIND.copy(), "crosswind_rows.*")
        .from_(pages)
        .join(lateral(rows_of_pages, "crosswind_rows"))
        .sql("postgres")
    )


@lru_cache(maxsize=64)
def gathered(
    text: str,
    schema: pa.Schema,
    extent: Extent,
    short: tuple[int, ...] = (),
    *,
    carefully: bool = False,
) -> Gathering | None:
    """How the statement that reads a whole table is gathered; None where it cannot be.

    Args:
        text: the statement.
        schema: of its fragment, a column for each of the statement's.
        extent: of the table.
        short: see `Fragment.short`.
        carefully: with the lengths of all texts.

    >>> extent = Extent(10_000, 8192, rows=1e6, long_values=0)
    >>> found = gathered('SELECT t1."a" FROM "t" AS t1', pa.schema([("a", pa.int32())]), extent)
    >>> print(found.statement(0, 4096)[:52])
    SELECT FALSE AS more, crosswind_pages.first, crosswi
    """
    if extent.size_bytes < WORTH_BYTES or extent.long_values is None:
        return None
    select = select_of(text)
    if select is None or not 0 < len(select.expressions) == len(schema) <= _MOST_COLUMNS:
        return None
    written = [column.unalias() for column in select.expressions]
    schema = pa.schema([_as_sent(column) for column in schema])
    if not all(map(_can_be_gathered, written, schema, [extent] * len(schema))):
        return None
    texts = [place for place, type_ in enumerate(schema.types) if pa.types.is_string(type_)]
    layout = layout_of(schema, () if carefully else tuple(texts), short)
    columns = _Columns(written, schema, extent, layout)
    gathering = with_list(select, columns.all()).where(columns.unchanged(), copy=False)
    return Gathering(gathering, schema, layout, extent, _step(schema, extent), columns.long())


def _as_sent(wanted: pa.Field) -> pa.Field:
    # Those of more digits are too few to be read from text together with others.
    return wanted.with_type(pa.string()) if pa.types.is_decimal256(wanted.type) else wanted


def _can_be_gathered(written: exp.Expr, wanted: pa.Field, extent: Extent) -> bool:
    as_text = isinstance(written, exp.Cast) and written.is_type("text")
    column = written.this if as_text else written
    if not isinstance(column, exp.Column):
        return False
    if pa.types.is_decimal128(wanted.type) or as_text:
        return as_text and (pa.types.is_decimal128(wanted.type) or pa.types.is_string(wanted.type))
    fixed = FIXED.get(wanted.type)
    if fixed is None:
        return wanted.type in SENT_AS_THEY_ARE
    return not fixed.exact or column.name in extent.own


def _step(schema: pa.Schema, extent: Extent) -> int:
    rows = max(extent.rows / max(extent.pages, 1), 0.1)
    row_bytes = sum(_value_bytes(column.type) for column in schema)
    page_bytes = rows * row_bytes
    if any(column.type in SENT_AS_THEY_ARE for column in schema):
        page_bytes += extent.page_bytes
    most = _MOST_PAGES if extent.pieces == 1 else extent.piece_pages // _FEWEST_BATCHES
    return max(1, min(most, int(BATCH_BYTES / page_bytes)))


def _value_bytes(type_: pa.DataType) -> float:
    """In Arrow's form, but for what a text is."""
    return 4 if type_ in SENT_AS_THEY_ARE else type_.bit_width / 8


# --- the statement ---


class _Columns:
    """What is aggregated of some columns, in the order that `Layout` says."""

    def __init__(
        self, written: list[exp.Expr], schema: pa.Schema, extent: Extent, layout: Layout
    ) -> None:
        self._written = written
        self._schema = schema
        self._extent = extent
        self._layout = layout
        self._nullable = frozenset(layout.nullable)

    def all(self) -> list[exp.Expr]:
        return [*self._head(), self._numbers(), *self._words(), *self._values()]

    def unchanged(self) -> exp.Expr:
        """True, if each column has the type that it had; it costs nothing when that runs."""
        ifs = [
            exp.If(this=exp.false(), true=exp.Is(this=check, expression=exp.Null()))
            for check in map(_check, self._written, self._layout.types)
            if check is not None
        ]
        return exp.Case(ifs=ifs, default=exp.true()) if ifs else exp.true()

    def long(self) -> tuple[exp.Expr, ...]:
        """What may be longer than what its page has of it."""
        return tuple(
            self._written[place]
            for place, type_ in enumerate(self._layout.types)
            if type_ in SENT_AS_THEY_ARE and self._may_be_long(place) and not self._left_out(place)
        )

    def _may_be_long(self, place: int) -> bool:
        # Where rows are short whatever is in them, there is no table for long values.
        extent = self._extent
        return bool(extent.long_values) and self._plain(place).name not in extent.short

    def _left_out(self, place: int) -> bool:
        """Whether long texts are not sent: of a column that hardly has any."""
        name = self._plain(place).name
        as_it_is = isinstance(self._written[place], exp.Column)
        return place in self._layout.separated and as_it_is and name in self._extent.narrow

    def _plain(self, place: int) -> exp.Expr:
        written = self._written[place]
        return written.this if isinstance(written, exp.Cast) else written

    def _head(self) -> list[exp.Expr]:
        optional = [self._plain(place) for place in self._layout.nullable]
        rows = exp.Count(this=exp.Star())
        if not optional:
            return [rows, exp.cast(exp.Null(), "text")]
        # A composite value of which every part is NULL is none, and `IS NULL` all the same.
        flags = [exp.NullSafeEQ(this=column.copy(), expression=exp.Null()) for column in optional]
        none = exp.EQ(this=call("num_nulls", *optional), expression=exp.Literal.number(0))
        which = exp.Case(
            ifs=[exp.If(this=none, true=exp.Literal.string(NONE))], default=call("concat", *flags)
        )
        return [rows, _joined(which)]

    def _numbers(self) -> exp.Expr:
        """The text of the decimals, a line for each row."""
        zero = exp.Literal.string("0")
        values = [self._or(place, self._plain(place), zero) for place in self._layout.decimals]
        if not values:
            return exp.cast(exp.Null(), "text")
        return _joined(call("concat_ws", exp.Literal.string(","), *values), "\n")

    def _words(self) -> Iterator[exp.Expr]:
        """By functions that take one type, and with the higher bits by multiplication, which takes
        any integer; those of long ones are shifted, and looked at first."""
        none = _integer(0)
        for high, low in self._layout.words:
            upper, lower = self._upper(high), self._lower(low)
            word = call("int8xor", self._or(high, upper, none), self._or(low, lower, none))
            yield _joined(self._if_short((high, low), call(WORD.send, word)))

    def _upper(self, place: int) -> exp.Expr:
        written = self._written[place]
        if place in self._layout.short:
            return call("int8shl", written, exp.Literal.number(32))
        return call(SHORT_INTEGERS[self._layout.types[place]].times, written, _integer(1 << 32))

    def _lower(self, place: int) -> exp.Expr:
        wide = self._written[place]
        if place not in self._layout.short:
            wide = call(SHORT_INTEGERS[self._layout.types[place]].plus, _integer(0), wide)
        return call("int8and", wide, _integer((1 << 32) - 1))

    def _if_short(self, places: tuple[int, ...], value: exp.Expr) -> exp.Expr:
        """The value where these are short, of those that are to be; or else NULL, which is missed
        when values are counted."""
        zero, (least, most) = exp.Literal.number(0), SHORT_ENDS
        fits = [
            exp.Between(
                this=self._or(place, self._written[place], zero),
                low=exp.Literal.number(least),
                high=exp.Literal.number(most),
            )
            for place in places
            if place in self._layout.short
        ]
        return exp.Case(ifs=[exp.If(this=exp.and_(*fits), true=value)]) if fits else value

    def _values(self) -> Iterator[exp.Expr]:
        for place in self._layout.others:
            written = self._written[place]
            fixed = FIXED.get(self._layout.types[place])
            if place in self._layout.short:
                sent = self._fixed(place, exp.cast(written.copy(), "int"), SHORT)
                yield _joined(self._if_short((place,), sent))
            elif fixed is not None:
                yield self._sent(place, written, fixed)
            elif place in self._layout.separated:
                yield _joined(self._text(place, written), SEPARATOR)
            else:
                yield _joined(written)
                yield self._sent(place, call("octet_length", written), LENGTH)

    def _text(self, place: int, written: exp.Expr) -> exp.Expr:
        """The text, which has the separator in it if it is one that cannot stand there."""
        impossible = _text(SEPARATOR)
        absent = _text("") if place in self._nullable else impossible
        text = exp.Coalesce(this=written.copy(), expressions=[absent.copy()])
        if not (self._may_be_long(place) and self._left_out(place)):
            return text
        long = call("octet_length", written) > exp.Literal.number(_LONG_BYTES)
        return exp.Case(ifs=[exp.If(this=long, true=impossible)], default=text)

    def _sent(self, place: int, value: exp.Expr, fixed: Fixed) -> exp.Expr:
        return _joined(self._fixed(place, value, fixed))

    def _fixed(self, place: int, value: exp.Expr, fixed: Fixed) -> exp.Expr:
        zeros = exp.Literal.string("\\x" + "00" * fixed.size_bytes)
        return self._or(place, call(fixed.send, value), exp.cast(zeros, "bytea"))

    def _or(self, place: int, value: exp.Expr, other: exp.Expr) -> exp.Expr:
        """The value, or what stands in the place of NULL, if it may be that."""
        if place not in self._nullable:
            return value.copy()
        return exp.Coalesce(this=value.copy(), expressions=[other.copy()])


def _integer(value: int) -> exp.Expr:
    return exp.cast(exp.Literal.number(value), "bigint")


def _text(value: str) -> exp.Expr:
    # Not to become whatever else stands beside it.
    return exp.cast(exp.Literal.string(value), "text")


def _joined(values: exp.Expr, separator: str | None = None) -> exp.Expr:
    between_them = exp.Null() if separator is None else exp.Literal.string(separator)
    return call("string_agg", values, between_them)


def _check(written: exp.Expr, type_: pa.DataType) -> exp.Expr | None:
    """What fails for another type; not where what makes the value does."""
    if pa.types.is_decimal128(type_):
        return call("numeric_send", written.this)
    fixed = FIXED.get(type_)
    if fixed is None:
        return call(SENT_AS_THEY_ARE[type_], written)
    if not fixed.exact:
        return None
    none = exp.cast(exp.Null(), exp.DataType.build(f"{fixed.exact}[]", dialect="postgres"))
    return call("array_larger", exp.Array(expressions=[written.copy()]), none)
