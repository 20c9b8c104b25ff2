"""Arrow tables by name, which grow and are replaced as rows come, within a bound.

Owns the tables and their sizes. Knows neither who sends rows nor who reads them.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from connectors.arriving import arriving_batch, arriving_schema, fitted
from connectors.contract import Column, ColumnStatistics, Ingest, Statistics, Table, TableName
from connectors.errors import QueueFullError, RequestError, SizeLimitError, UnknownNameError

_MANY_PIECES = 1_000
"""More pieces than these become one: each is a batch for whoever reads."""


@dataclass(frozen=True)
class Stored:
    """A table that is there; never changed, but replaced. What is known of it is found out once."""

    name: TableName
    rows: pa.Table

    @cached_property
    def table(self) -> Table:
        return Table(self.name, tuple(Column(f.name, f.type, f.nullable) for f in self.rows.schema))

    @cached_property
    def kept_bytes(self) -> int:
        return _kept_bytes(self.rows)

    @cached_property
    def statistics(self) -> Statistics:
        columns = {c: _column_statistics(self.rows.column(c)) for c in self.rows.column_names}
        return Statistics(float(self.rows.num_rows), float(self.rows.nbytes), columns)


class StoredTables:
    """The tables of one schema. Any thread may read; those that send take turns for a moment only.

    Args:
        schema: its name.
        tables: those that are there from the start.
        max_bytes: what all may take together, with the rows that are on their way.
    """

    def __init__(self, schema: str, tables: Mapping[TableName, pa.Table], max_bytes: int) -> None:
        self._schema, self._max_bytes = schema, max_bytes
        # Replaced as a whole when it changes: who reads has either the old one or the new one.
        self._stored = {name: Stored(name, rows) for name, rows in tables.items()}
        self._changing = threading.Lock()
        self._arriving_bytes = 0

    def names(self) -> Sequence[TableName]:
        return sorted(self._stored)

    def get(self, name: TableName) -> Stored | None:
        return self._stored.get(name)

    def as_now(self) -> StoredTables:
        """The tables as they are, to be read; what comes later is not among them."""
        return copy.copy(self)

    def take(self, into: Ingest, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """See `contract.Ingests.ingest`."""
        name = TableName(into.table.schema or self._schema, into.table.name)
        if name.schema != self._schema or not name.name:
            hint = f"The only schema is {self._schema!r}."
            raise RequestError(f"{str(name)!r} is no name of a table here", hint=hint)
        schema = arriving_schema(schema)
        # Also before they come, so that a client need not send them to be refused.
        self._becomes(into, name, schema.empty_table())
        taken_bytes, arrived = 0, []
        try:
            for batch in batches:
                plain = self._taken(batch, schema, taken_bytes)
                taken_bytes += _kept_bytes(plain)
                if plain.num_rows:
                    arrived.append(plain)
            rows = pa.Table.from_batches(arrived, schema)
            with self._changing:
                self._stored = {**self._stored, name: self._becomes(into, name, rows)}
        finally:
            with self._changing:
                self._arriving_bytes -= taken_bytes
        return int(rows.num_rows)

    def _taken(self, batch: pa.RecordBatch, schema: pa.Schema, taken_bytes: int) -> pa.RecordBatch:
        """A batch in plain types, counted; `taken_bytes` came before it."""
        with contextlib.suppress(MemoryError):
            # Copied: what was sent may keep much more than what its rows refer to.
            plain = pa.concat_batches([arriving_batch(batch, schema, self._max_bytes)])
            more = _kept_bytes(plain)
            with self._changing:
                stored = sum(table.kept_bytes for table in self._stored.values())
                if stored + self._arriving_bytes + more <= self._max_bytes:
                    self._arriving_bytes += more
                    return plain
            if stored + taken_bytes + more <= self._max_bytes:
                raise QueueFullError(
                    "rows that others are sending take the room that is left",
                    hint="Send these again when those have come.",
                )
        limit = f"{self._max_bytes >> 20} MiB (max_megabytes)"
        raise SizeLimitError(
            f"with these rows its tables would take more than {limit}",
            hint="Send fewer rows, or raise the limit.",
        )

    def _becomes(self, into: Ingest, name: TableName, rows: pa.Table) -> Stored:
        """The table after these rows have come, of which there may be none."""
        stored = self._stored.get(name)
        if stored is None and into.absent == "fail":
            raise UnknownNameError(f"there is no table {str(name)!r} to append to")
        if stored is not None and into.present == "fail":
            hint = "Append to it, or replace it."
            raise RequestError(f"table {str(name)!r} is there already", hint=hint)
        if stored is not None and into.present == "append":
            rows = pa.concat_tables([stored.rows, fitted(rows, stored.rows.schema, name)])
        if rows.column(0).num_chunks > _MANY_PIECES:
            rows = rows.combine_chunks()
        return Stored(name, rows)


def _kept_bytes(rows: pa.Table | pa.RecordBatch) -> int:
    """What they take here, also beside what they refer to; rows of nothing but NULL take a bit."""
    return int(max(rows.get_total_buffer_size(), rows.num_rows // 8))


def _column_statistics(column: pa.ChunkedArray) -> ColumnStatistics:
    """Exact; no bounds or distinct count of types that have none."""
    rows, distinct, bounds = len(column) or 1, None, {"min": None, "max": None}
    # A type may have neither; a date may be one that Python has no value for.
    with contextlib.suppress(pa.ArrowNotImplementedError, OverflowError, ValueError):
        distinct = float(pc.count_distinct(column).as_py())
        bounds = pc.min_max(column).as_py()
    return ColumnStatistics(
        distinct=distinct,
        null_fraction=column.null_count / rows,
        width_bytes=column.nbytes / rows,
        minimum=bounds["min"],
        maximum=bounds["max"],
    )
