"""What a scan wants of each file, and what becomes of the rows that a file gives.

Owns projection, filter and the size of batches. Must not know how any format is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from connectors.contract import TableScan

BATCH_ROWS = 1 << 16

BATCH_BYTES = 1 << 20
"""Of a batch, decoded."""

FIRST_ROWS = 2048
"""Of a batch, before any has shown how wide its rows are."""


class RowWidth:
    """How wide the rows of a scan are, decoded: as wide as the widest batch has shown.

    Args:
        schema: of the columns that are read.
        expected_bytes: an estimate, for the first batch; None where there is none.
    """

    def __init__(self, schema: pa.Schema, expected_bytes: float | None) -> None:
        fixed = [_fixed_bytes(f.type) for f in schema]
        self._seen_bytes = expected_bytes or 0.0
        self._learned = None not in fixed
        if self._learned:
            self._seen_bytes = sum(width for width in fixed if width is not None)

    @property
    def known(self) -> bool:
        """Whether a batch, or the types alone, have shown it."""
        return self._learned

    def rows(self) -> int:
        """How many make a batch."""
        most = BATCH_ROWS if self._learned else FIRST_ROWS
        return max(1, min(most, int(BATCH_BYTES / max(self._seen_bytes, 1.0))))

    def learn(self, batch: pa.RecordBatch) -> None:
        """From a batch, before rows are filtered out."""
        if batch.num_rows:
            width = batch.nbytes / batch.num_rows
            self._seen_bytes = max(self._seen_bytes, width) if self._learned else width
            self._learned = True


def _fixed_bytes(type_: pa.DataType) -> float | None:
    fixed = pa.types.is_primitive(type_) or pa.types.is_decimal(type_)
    return type_.bit_width / 8 if fixed else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of each file of a table.

    Attributes:
        schema: of the table.
        columns: to hand over, in this order.
        filter: rows to keep, or None.
        needed: `columns`, and those that the filter reads.
        limit: at most so many rows, of files that are not filtered; or None.
        far: each question costs a round trip.
        width: of a row of the columns that are needed.
    """

    schema: pa.Schema
    columns: Sequence[str]
    filter: pc.Expression | None
    needed: Sequence[str]
    limit: int | None
    far: bool
    width: RowWidth

    @classmethod
    def of(
        cls, scan: TableScan, schema: pa.Schema, width_bytes: float | None, *, far: bool
    ) -> Wanted:
        """A scan of a table of this schema, whose rows are about so wide."""
        read = [] if scan.filter is None else filtered_columns(scan.filter, schema)
        needed = list(dict.fromkeys([*scan.columns, *read]))
        width = RowWidth(pa.schema([schema.field(name) for name in needed]), width_bytes)
        limit = scan.limit if scan.filter is None else None
        return cls(schema, scan.columns, scan.filter, needed, limit, far, width)

    def batch_rows(self) -> int:
        """How many rows to read at once."""
        rows = self.width.rows()
        return rows if self.limit is None else max(1, min(rows, self.limit))

    def rows_of(
        self, read: Iterable[pa.RecordBatch], constants: Mapping[str, object]
    ) -> Iterator[pa.RecordBatch]:
        """What is wanted of batches with the columns that a file has.

        Args:
            read: batches with the needed columns, in any order and of the file's types.
            constants: columns that the file's place gives, by name.
        """
        fields = [self.schema.field(name) for name in self.needed]
        for batch in read:
            declared = _as_declared(batch, fields, constants)
            self.width.learn(declared)
            if self.filter is not None:
                declared = declared.filter(self.filter)
            yield declared.select(list(self.columns))


def filtered_columns(condition: pc.Expression, schema: pa.Schema) -> list[str]:
    """The columns of `schema` that `condition` reads: those without which it cannot be bound.

    >>> schema = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("c", pa.string())])
    >>> filtered_columns((pc.field("c") == "x") | pc.field("a").is_null(), schema)
    ['a', 'c']
    """

    def among(names: list[str]) -> list[str]:
        rest = pa.schema([f for f in schema if f.name not in set(names)])
        try:
            ds.dataset(rest.empty_table()).head(0, filter=condition)
        except pa.ArrowInvalid:
            half = len(names) // 2
            return names if len(names) == 1 else among(names[:half]) + among(names[half:])
        return []

    return among(schema.names)


def _as_declared(
    batch: pa.RecordBatch, fields: Sequence[pa.Field], constants: Mapping[str, object]
) -> pa.RecordBatch:
    """`batch` with the table's columns: cast where the file's type is another, null if missing."""
    if not fields:
        return batch.select([]).replace_schema_metadata(None)
    arrays = [_column(batch, field, constants.get(field.name)) for field in fields]
    return pa.RecordBatch.from_arrays(arrays, [field.name for field in fields])


def _column(batch: pa.RecordBatch, wanted: pa.Field, constant: object) -> pa.Array:
    index = batch.schema.get_field_index(wanted.name)
    if index >= 0:
        column = batch.column(index)
        return column if column.type == wanted.type else column.cast(wanted.type)
    if constant is None:
        return pa.nulls(batch.num_rows, wanted.type)
    return pa.repeat(pa.scalar(constant, wanted.type), batch.num_rows)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` with exactly `schema`: the reader's may differ in metadata and in nullability."""
    if batch.schema.equals(schema, check_metadata=True) or not len(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
