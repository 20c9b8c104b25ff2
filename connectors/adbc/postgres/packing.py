"""A whole table's rows with many of their columns as one text each, and back.

Owns which columns that is done for, the statement, and how its texts are read. Must not know
connections.

A value of its own costs the driver more to decode than the server to make. So the server writes
integers, decimals and short texts as one composite value, `(,7,1.25,"a b",)`, which costs the
driver one value for each row, and Arrow's reader of CSV makes all of its columns at once. A
composite value is CSV whose backslashes are doubled like its quotes; NULL is nothing, and the empty
text is `""`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import sqlglot.expressions as exp

from connectors.adbc.postgres.ranges import Extent, select_of, with_list
from connectors.adbc.postgres.types import UNDECLARED_NUMERIC
from connectors.decimals import cast_exactly

WORTH_BYTES = 4 << 20
"""How large a table is, at least: a small one has little to gain, and is asked for often."""

_WORTH_COLUMNS = 4

BATCH_BYTES = 3 << 20
"""What a batch of the columns has, roughly; what it has at most, to be sent on as it is."""
_LARGEST_BYTES = 7 << 19

# How many batches are read at once, and for how many columns each of them.
_MOST_AT_ONCE = 2
_COLUMNS_AT_ONCE = 200

# Of a value in the text, with its comma; of a text's place in Arrow's form.
_TYPICAL_BYTES = 6
_OFFSET_BYTES = 4

# Only columns of these types, or implicitly cast to them, have such a function, which is never
# called: a column that has another type by now fails before the first row, as it should.
_TYPED = {
    pa.int16(): "int2send",
    pa.int32(): "int4send",
    pa.int64(): "int8send",
    pa.string(): "textsend",
}
_OF_A_DECIMAL = "numeric_send"

_PARSE = csv.ParseOptions(escape_char="\\", ignore_empty_lines=False)

# One block is never looked at for where a row ends, so that texts may have line breaks.
_ONE_BLOCK_BYTES = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Packing:
    """How a statement is packed.

    Attributes:
        select: what is sent instead; not to be changed. Its last column is the text.
        places: of the columns in the text, among those that the statement itself has.
        schema: of the statement itself.
    """

    select: exp.Select
    places: tuple[int, ...]
    schema: pa.Schema

    @property
    def is_whole(self) -> bool:
        """Nothing comes beside the text."""
        return len(self.places) == len(self.schema)

    def unpacked(self, found: pa.Schema) -> pa.Schema:
        """The schema of the statement itself, from that of the driver's batches."""
        others = iter(found)
        packed = frozenset(self.places)
        fields = [self.schema.field(i) if i in packed else next(others) for i in self._all()]
        return pa.schema(fields)

    @property
    def batch_bytes(self) -> int:
        """How much text is read at once: what becomes a batch of `BATCH_BYTES`, or a little less.

        A thousand columns are read by several batches at once: each column has its price.
        """
        value_bytes = sum(_value_bytes(self.schema.field(place).type) for place in self.places)
        text_bytes = _TYPICAL_BYTES * len(self.places)
        at_once = max(1, min(_MOST_AT_ONCE, len(self.places) // _COLUMNS_AT_ONCE))
        return at_once * min(BATCH_BYTES, BATCH_BYTES * text_bytes // value_bytes)

    def unpack(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns of the statement itself, in its order.

        Raises:
            pyarrow.ArrowInvalid: a value is not of its column's type; `texts` has it.
        """
        read = self._read(batch, [self.schema.field(place).type for place in self.places])
        # Decimals are read without a look at how many digits they have.
        read.validate(full=True)
        return self._merged(batch, read)

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Likewise, where those that were packed are texts.

        Raises:
            pyarrow.ArrowInvalid: these are not the columns.
        """
        return self._merged(batch, self._read(batch, [pa.string()] * len(self.places)))

    def _read(self, batch: pa.RecordBatch, types: list[pa.DataType]) -> pa.RecordBatch:
        names = [self.schema.field(place).name for place in self.places]
        if len({*names, "(", ")"}) < len(names) + 2:
            names = [str(place) for place in self.places]
        return _read(batch.column(batch.num_columns - 1), names, types)

    def _merged(self, batch: pa.RecordBatch, packed: pa.RecordBatch) -> pa.RecordBatch:
        if self.is_whole:
            return packed
        others, ours = iter(batch.columns), dict(zip(self.places, packed.columns, strict=True))
        columns = [ours[i] if i in ours else next(others) for i in self._all()]
        return pa.RecordBatch.from_arrays(columns, self.schema.names)

    def _all(self) -> range:
        return range(len(self.schema))


@lru_cache(maxsize=64)
def packed(text: str, schema: pa.Schema, extent: Extent) -> Packing | None:
    """What is sent instead of the statement that reads a whole table; None where that costs more.

    Args:
        text: the statement.
        schema: of its fragment, a column for each of the statement's.
        extent: of the table.

    >>> columns = [(name, pa.int32()) for name in "abcd"]
    >>> text = 'SELECT t1."a", t1."b", t1."c", t1."d" FROM "t" AS t1'
    >>> print(packed(text, pa.schema(columns), Extent(10_000, 8192)).select.sql("postgres")[:69])
    SELECT CAST(ROW(CASE WHEN FALSE THEN pg_catalog.int4send(t1."a") WHEN
    """
    if extent.size_bytes < WORTH_BYTES:
        return None
    select = select_of(text)
    if select is None or len(select.expressions) != len(schema):
        return None
    inputs = [
        _input(written.unalias(), field.type, extent)
        for written, field in zip(select.expressions, schema, strict=True)
    ]
    places = tuple(place for place, value in enumerate(inputs) if value is not None)
    if len(places) < _WORTH_COLUMNS:
        return None
    values = [value for value in inputs if value is not None]
    others = [
        written for written, value in zip(select.expressions, inputs, strict=True) if value is None
    ]
    types = [schema.field(place).type for place in places]
    # What it begins and ends with is its parentheses, each with a NULL.
    row = exp.Anonymous(this="ROW", expressions=[_typed(values, types), *values, exp.Null()])
    return Packing(with_list(select, [*others, exp.cast(row, "text")]), places, schema)


def _input(written: exp.Expr, type_: pa.DataType, extent: Extent) -> exp.Expr | None:
    """What of a column stands in the composite value, if it pays to have it there."""
    column = written.this if isinstance(written, exp.Cast) else written
    if not isinstance(column, exp.Column):
        return None
    if pa.types.is_decimal128(type_):
        return column if isinstance(written, exp.Cast) and written.is_type("text") else None
    if pa.types.is_string(type_):
        return written if column.name in extent.narrow else None
    return written if type_ in _TYPED and isinstance(written, exp.Column) else None


def _typed(values: list[exp.Expr], types: list[pa.DataType]) -> exp.Expr:
    """NULL, if each column has its type."""
    calls = [
        exp.Dot(
            this=exp.to_identifier("pg_catalog"),
            expression=exp.Anonymous(
                this=_TYPED.get(type_, _OF_A_DECIMAL), expressions=[value.copy()]
            ),
        )
        for value, type_ in zip(values, types, strict=True)
    ]
    return exp.Case(ifs=[exp.If(this=exp.false(), true=call) for call in calls])


def cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """In equal parts that are sent on as they are, if its rows are alike."""
    parts = max(1, -(-batch.to_struct_array().nbytes // _LARGEST_BYTES))
    # Whole bytes of the bitmaps, which need not be copied then.
    rows = -(-batch.num_rows // (8 * parts)) * 8
    for start in range(0, batch.num_rows, max(1, rows)):
        yield batch.slice(start, rows)


def _value_bytes(type_: pa.DataType) -> int:
    """Of a value in Arrow's form; a text is taken to be as long as any other value's."""
    return _OFFSET_BYTES + _TYPICAL_BYTES if pa.types.is_string(type_) else type_.bit_width // 8


def _read(rows: pa.Array, names: list[str], types: list[pa.DataType]) -> pa.RecordBatch:
    whole = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    table = csv.read_csv(
        pa.BufferReader(pc.binary_join(whole, "\n")[0].as_buffer()),
        csv.ReadOptions(
            column_names=["(", *names, ")"], use_threads=False, block_size=_ONE_BLOCK_BYTES
        ),
        _PARSE,
        csv.ConvertOptions(
            include_columns=names,
            column_types=dict(zip(names, map(read_as, types), strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    (batch,) = table.to_batches()
    columns = [
        column if column.type == type_ else cast_exactly(column, type_)
        for column, type_ in zip(batch.columns, types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names)


def read_as(type_: pa.DataType) -> pa.DataType:
    """What CSV is read as: such numbers may have more digits than its reader sees to."""
    return pa.string() if type_ == UNDECLARED_NUMERIC else type_
